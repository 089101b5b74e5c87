"""A store whose tables lost rows, brought into agreement with itself again.

What cannot be right any more goes; what the server may still have is marked to be read again; what
a backup holds and the store does not is taken over.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Final

import duckdb

from bridgeboard.store import group_blocks
from bridgeboard.store.timestamps import stored

CHILDREN: Final = ("responses", "tool_calls", "prompts", "tool_inputs")
TEXT: Final = ("prompts", "tool_inputs", "thinking", "last_prompts")
OLD: Final = "old"
"""The name under which the store of a backup is attached."""

_LOST: Final = """
SELECT day, count(*) FROM (
    SELECT usage, min(started_at)::DATE AS day FROM (
        SELECT usage, started_at FROM responses UNION ALL SELECT usage, started_at FROM tool_calls
        UNION ALL SELECT usage, started_at FROM prompts
    ) WHERE usage NOT IN (SELECT usage FROM usage) GROUP BY usage
) GROUP BY day ORDER BY day
"""
# Under the keys that they had, where the backup's keys are still the store's.
_BRING_BACK: Final = (
    f"""INSERT INTO initiators BY NAME SELECT o.* FROM {OLD}.initiators o
    WHERE o.initiator NOT IN (SELECT initiator FROM initiators)
      AND o.id NOT IN (SELECT id FROM initiators)
      AND NOT EXISTS (SELECT 1 FROM {OLD}.initiators p JOIN initiators i USING (initiator)
                      WHERE p.id <> i.id)""",
    f"""INSERT INTO sessions BY NAME SELECT o.* FROM {OLD}.sessions o
    WHERE o.session IN (SELECT session FROM usage)
      AND o.session NOT IN (SELECT session FROM sessions)
      AND o.initiator IN (SELECT initiator FROM initiators)
      AND NOT EXISTS (SELECT 1 FROM {OLD}.sessions p JOIN sessions s USING (session)
                      WHERE p.id <> s.id)
      AND NOT EXISTS (SELECT 1 FROM {OLD}.initiators p JOIN initiators i USING (initiator)
                      WHERE p.id <> i.id)""",
)
_SETTLE: Final = (
    # Nothing is taken for read: the next sync plans from the beginning.
    "DELETE FROM windows",
    "DELETE FROM day_counts",
    "DELETE FROM left_out",
    "DELETE FROM meta WHERE name LIKE '%opened_at'",
    "DELETE FROM vocabulary",
    # Their identity is lost with their initiator's; exact requests know theirs by being told again.
    "DELETE FROM sessions WHERE initiator NOT IN (SELECT initiator FROM initiators)",
    (
        "DELETE FROM usage WHERE grain <> 'interception' AND"
        " (session IS NULL OR session NOT IN (SELECT session FROM sessions))"
    ),
    *(
        f"DELETE FROM {name} WHERE session NOT IN (SELECT session FROM sessions)"
        for name in ("threads", "thinking", "last_prompts")
    ),
    *(
        f"UPDATE {name} SET session = NULL"
        " WHERE session IS NOT NULL AND session NOT IN (SELECT session FROM sessions)"
        for name in ("usage", "tool_calls")
    ),
    *(f"DELETE FROM {name} WHERE usage NOT IN (SELECT usage FROM usage)" for name in CHILDREN),
    "UPDATE usage SET digest = 0 WHERE initiator NOT IN (SELECT initiator FROM initiators)",
    "DELETE FROM former_names WHERE initiator NOT IN (SELECT initiator FROM initiators)",
    (
        "INSERT INTO initiators BY NAME SELECT DISTINCT initiator,"
        " md5('unknown ' || initiator)::UUID AS id, 'unknown-' || initiator AS username, '' AS name"
        " FROM usage WHERE initiator NOT IN (SELECT initiator FROM initiators)"
    ),
)
_MAPS: Final = (
    f"""CREATE TEMP TABLE people AS
SELECT o.initiator AS before, i.initiator IS NULL AS is_new, CASE
    WHEN i.initiator IS NOT NULL THEN i.initiator
    WHEN o.initiator NOT IN (SELECT initiator FROM initiators) THEN o.initiator
    ELSE (SELECT max(initiator) FROM (FROM initiators UNION ALL FROM {OLD}.initiators))
         + row_number() OVER (ORDER BY o.initiator) END AS key
FROM {OLD}.initiators o LEFT JOIN initiators i USING (id)""",
    f"""CREATE TEMP TABLE homes AS
SELECT o.session AS before, s.session IS NULL AS is_new, p.key AS initiator, CASE
    WHEN s.session IS NOT NULL THEN s.session
    WHEN o.session NOT IN (SELECT session FROM sessions) THEN o.session
    ELSE (SELECT max(session) FROM (SELECT session FROM sessions
          UNION ALL SELECT session FROM {OLD}.sessions))
         + row_number() OVER (ORDER BY o.session) END AS key
FROM {OLD}.sessions o JOIN people p ON p.before = o.initiator
LEFT JOIN sessions s ON s.id = o.id AND s.initiator = p.key""",
    f"""CREATE TEMP TABLE taken AS
SELECT o.usage AS before, p.key AS initiator, h.key AS session, true AS is_new, CASE
    WHEN o.usage NOT IN (SELECT usage FROM usage) THEN o.usage
    ELSE (SELECT max(usage) FROM (SELECT usage FROM usage
          UNION ALL SELECT usage FROM {OLD}.usage))
         + row_number() OVER (ORDER BY o.usage) END AS key
FROM {OLD}.usage o JOIN people p ON p.before = o.initiator
LEFT JOIN homes h ON h.before = o.session
WHERE CASE WHEN o.grain = 'interception'
      THEN o.id NOT IN (SELECT id FROM usage WHERE id IS NOT NULL) ELSE h.is_new END""",
)
_HOME: Final = "h.key AS session, h.initiator AS initiator"
_TAKE: Final = (
    (
        f"INSERT INTO initiators BY NAME SELECT o.* REPLACE (p.key AS initiator)"
        f" FROM {OLD}.initiators o JOIN people p ON p.before = o.initiator WHERE p.is_new"
    ),
    (
        f"INSERT INTO former_names SELECT p.key, o.username FROM {OLD}.former_names o"
        " JOIN people p ON p.before = o.initiator"
        " WHERE (p.key, o.username) NOT IN (SELECT (initiator, username) FROM former_names)"
    ),
    (
        f"INSERT INTO sessions BY NAME SELECT o.* REPLACE ({_HOME})"
        f" FROM {OLD}.sessions o JOIN homes h ON h.before = o.session WHERE h.is_new"
    ),
    (
        f"INSERT INTO threads BY NAME SELECT o.* REPLACE ({_HOME})"
        f" FROM {OLD}.threads o JOIN homes h ON h.before = o.session"
        f" WHERE o.id NOT IN (SELECT id FROM threads)"
    ),
    (
        f"INSERT INTO usage BY NAME SELECT o.*"
        f" REPLACE (t.key AS usage, t.initiator AS initiator, t.session AS session)"
        f" FROM {OLD}.usage o JOIN taken t ON t.before = o.usage"
    ),
)
_COUNTED_PEOPLE: Final = ("group_usage", "group_calls", "group_homes", "group_members")
# People of the backup may have other keys here.
_TAKE_GROUPS: Final = (
    *(f"DELETE FROM {name}" for name in group_blocks.TABLES),
    *(
        f"INSERT INTO {name} BY NAME SELECT o.* REPLACE (coalesce(p.key, o.initiator) AS initiator)"
        f" FROM {OLD}.{name} o LEFT JOIN people p ON p.before = o.initiator"
        for name in _COUNTED_PEOPLE
    ),
    *(
        f"INSERT INTO {name} BY NAME FROM {OLD}.{name}"
        for name in group_blocks.TABLES
        if name not in _COUNTED_PEOPLE
    ),
)
# Requests that the store holds as the backup does, and that lost all their rows of one table.
_TWINS: Final = """
INSERT INTO taken SELECT o.usage, u.initiator, u.session, false, u.usage
FROM {old}.usage o JOIN usage u ON u.id = o.id AND u.grain = o.grain AND u.digest = o.digest
WHERE u.usage NOT IN (SELECT key FROM taken) AND u.usage NOT IN (SELECT usage FROM {name})
"""
_OF_REQUESTS: Final = """
INSERT INTO {name} BY NAME SELECT o.* REPLACE ({keys}) FROM {old}.{name} o
JOIN taken t ON t.before = o.usage WHERE t.is_new OR t.key NOT IN (SELECT usage FROM {name})
"""
_OF_SESSIONS: Final = """
INSERT INTO {name} BY NAME SELECT o.* REPLACE (h.key AS session) FROM {old}.{name} o
JOIN homes h ON h.before = o.session WHERE h.key NOT IN (SELECT session FROM {name})
"""
_REST: Final = (
    f"INSERT INTO runs FROM {OLD}.runs WHERE NOT EXISTS (FROM runs)",
    f"INSERT INTO anomalies FROM {OLD}.anomalies EXCEPT FROM anomalies",
    (
        f"INSERT INTO quarantine FROM {OLD}.quarantine o WHERE NOT EXISTS ("
        "SELECT 1 FROM quarantine q WHERE q.kind = o.kind AND q.identity = o.identity)"
    ),
    (
        f"INSERT INTO meta FROM {OLD}.meta o WHERE o.name NOT IN (SELECT name FROM meta)"
        " AND o.name NOT LIKE '%opened_at'"
    ),
    "DROP TABLE people",
    "DROP TABLE homes",
    "DROP TABLE taken",
)
# A request whose responses are not all there gets one for all of them, or it would lose its cost
# as soon as prices change.
_JOINED: Final = (
    """CREATE TEMP TABLE torn AS SELECT u.usage FROM usage u LEFT JOIN (
        SELECT usage, count(*) AS count FROM responses GROUP BY usage) r USING (usage)
    WHERE coalesce(r.count, 0) <> CASE WHEN u.grain = 'interception' THEN u.responses
        ELSE (u.input + u.output + u.cache_read + u.cache_write > 0)::INTEGER END""",
    "DELETE FROM responses WHERE usage IN (SELECT usage FROM torn)",
    """INSERT INTO responses BY NAME SELECT usage, started_at,
        coalesce(ended_at, started_at) AS answered_at, input, output, cache_read, cache_write,
        0 AS cache_write_1h, 0 AS web_searches, 0 AS negatives,
        false AS split_unknown, false AS split_clamped, false AS total_mismatch,
        cost, shadow_cost, cache_saving, status, -1 AS tier, 'one row for all of a request'
        || ' that was damaged' AS note
    FROM usage WHERE usage IN (SELECT usage FROM torn)""",
    """UPDATE usage SET responses = CASE WHEN grain = 'interception' THEN 1 ELSE responses END,
        digest = 0 WHERE usage IN (SELECT usage FROM torn)""",
    "DROP TABLE torn",
)
_READ_AGAIN: Final = (
    "UPDATE sessions SET detailed_digest = NULL",
    "DELETE FROM meta WHERE name = 'price_version'",
)
_COUNTED: Final = {"tool_calls": "tool_calls", "prompts": "prompts", "tool_inputs": "tool_calls"}
"""Table → the column of ``usage`` that says how many rows of it a request has."""


def lost_days(connection: duckdb.DuckDBPyConnection) -> dict[date, int]:
    """The days of requests of which only what hung on them is left, and how many these are."""
    return dict(connection.execute(_LOST).fetchall())


def bring_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Take over what requests point to and is lost, from the backup attached as ``OLD``."""
    _run(connection, _BRING_BACK)


def settle(connection: duckdb.DuckDBPyConnection) -> None:
    """Make a store agree with itself."""
    _run(connection, _SETTLE)


def note(connection: duckdb.DuckDBPyConnection, message: str, now: datetime) -> None:
    """Tell it where readers look for what is odd about the data."""
    connection.execute("INSERT INTO anomalies VALUES (?, 'repaired', ?)", [stored(now), message])


def drop_groups(connection: duckdb.DuckDBPyConnection) -> None:
    """Delete all sums of groups: what is left of a block may be the sum of one person."""
    _run(connection, (f"DELETE FROM {name}" for name in group_blocks.TABLES))


def take(connection: duckdb.DuckDBPyConnection, damaged: Collection[str]) -> None:
    """Take over what the backup attached as ``OLD`` holds and the store does not.

    ``damaged`` are the tables that lost rows. Sums of groups are the store's or the backup's.
    """
    _run(connection, [*_MAPS, *_TAKE])
    if connection.execute("SELECT count(*) FROM group_blocks").fetchall() == [(0,)]:
        _run(connection, _TAKE_GROUPS)
    told = connection.execute("SELECT value FROM meta WHERE name = 'text'").fetchall()
    left_out = TEXT if told == [("none",)] else ()
    for name in (name for name in CHILDREN if name not in left_out):
        if name in damaged:
            connection.execute(_TWINS.format(old=OLD, name=name))
        keys = "t.key AS usage"
        if name == "tool_calls":
            keys += ", t.initiator AS initiator, t.session AS session"
        connection.execute(_OF_REQUESTS.format(old=OLD, name=name, keys=keys))
        connection.execute("DELETE FROM taken WHERE NOT is_new")
    for name in (name for name in ("thinking", "last_prompts") if name not in left_out):
        connection.execute(_OF_SESSIONS.format(old=OLD, name=name))
    _run(connection, _REST)


def mark(connection: duckdb.DuckDBPyConnection, damaged: Collection[str]) -> None:
    """See that the next sync reads again what is not whole."""
    if not damaged:
        return
    if "last_prompts" in damaged:
        connection.execute("UPDATE sessions SET digest = 0")
    for name, column in _COUNTED.items():
        if name in damaged:
            connection.execute(
                f"UPDATE usage SET digest = 0 WHERE grain = 'interception' AND {column} <>"
                f" (SELECT count(*) FROM {name} c WHERE c.usage = usage.usage)"
            )
    if "responses" in damaged:
        _run(connection, _JOINED)
    _run(connection, _READ_AGAIN)


def _run(connection: duckdb.DuckDBPyConnection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.execute(statement)
