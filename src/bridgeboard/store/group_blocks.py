"""Blocks of days whose sums are kept for readers who see groups only; each summed once.

What such a reader was shown yesterday and is shown today differs by whole blocks, each of at least
``floor`` people. So nothing that happens later may change a block: a request that arrives late, an
edit of the teams file, other prices, a restart, a person erased, a limit of age in the middle of a
day. A day that no block holds yet waits until it has **settled**; one that might have been shown by
a store that is gone (``hold``), or that lost a part of its rows (``pruned``), is never shown.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from datetime import date, datetime, time, timedelta
from threading import Lock
from typing import Final, Protocol

import duckdb

from bridgeboard.store.errors import StoreFullError
from bridgeboard.store.group_sums import MADE, make
from bridgeboard.store.k_anonymity import RULES
from bridgeboard.store.row_relations import real

SINCE: Final = "groups_since"
"""Setting of the store: the first day that may still become part of a block."""
SETTLING: Final = timedelta(days=1)
"""How long after its end a day still gets requests: as long as a sync reads again by default."""
GRACE: Final = timedelta(days=7)
"""How long a day waits for details of its sessions: they say whose key paid, and which models."""
CATALOG: Final = "group_work"
PRUNED: Final = (
    *(
        (name, f"started_at IN (SELECT started_at FROM group_blocks WHERE until <= $1 AND {one})")
        for name, one in (
            ("group_calls", "counted = 'calls'"),
            ("group_sessions", "counted = 'begun'"),
            ("group_homes", "counted = 'requests'"),
        )
    ),
    (
        "group_usage",
        (
            "(started_at, CASE WHEN initiator IS NULL THEN 'calls' ELSE 'requests' END) IN"
            " (SELECT (started_at, counted) FROM group_blocks WHERE until <= $1)"
        ),
    ),
    ("group_blocks", "until <= $1"),
)
"""Table → which of its rows belong to blocks that ended before ``$1``; in this order."""


class Writer(Protocol):
    """A batch of the store, as far as it is needed here."""

    def execute(self, sql: str, params: list[object] = ...) -> None:
        """Run a statement that has no answer."""

    def rows(self, sql: str, params: list[object] = ...) -> list[tuple[object, ...]]:
        """The answer as plain rows."""


class Blocks:
    """Writes new blocks of one connection as soon as there may be some."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        write: Callable[[], AbstractContextManager[Writer]],
    ) -> None:
        self.rules = RULES
        self.writing = Lock()
        self._connection = connection
        self._write = write
        self._done: set[tuple[int, date | None]] = set()

    def update(self, floor: int) -> None:
        """Write the blocks of days that have settled since the last time, if any.

        Whoever comes first does; others who come meanwhile go on with the blocks before, if there
        are any.
        """
        with closing(self._connection.cursor()) as cursor:
            key = (floor, settled(cursor))
            if key in self._done:
                return
            has_some = bool(cursor.execute("SELECT 1 FROM group_blocks LIMIT 1").fetchall())
        if not self.writing.acquire(blocking=not has_some):
            return
        try:
            if key not in self._done:
                self._freeze(floor)
                self._done.add(key)
        except StoreFullError:
            # What was summed before can be read all the same; it is tried again.
            if not has_some:
                raise
        finally:
            self.writing.release()

    def _freeze(self, floor: int) -> None:
        with self._write() as batch, closing(self._connection.cursor()) as cursor:
            until = settled(cursor) if "running" in self.rules else date(9999, 1, 1)
            if until is None:
                return
            schema = f"{CATALOG}.made"
            cursor.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {CATALOG}")
            cursor.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            cursor.execute("BEGIN")
            make(cursor, schema, (_since(cursor), until), floor, self.rules)
            cursor.execute("COMMIT")
            if cursor.execute(f"SELECT 1 FROM {schema}.blocks LIMIT 1").fetchall():
                _put(batch, schema, floor)
            cursor.execute(f"DROP SCHEMA {schema} CASCADE")


def settled(cursor: duckdb.DuckDBPyConnection) -> date | None:
    """The day before which days have settled; None before everything was read once.

    What a server says of times is not asked where a sync can be: a request of next year would make
    of every day one that is over.
    """
    names = {"real": real(cursor)}
    ((last_at, has_run),) = cursor.execute(_SYNCED.format(**names)).fetchall()
    if not has_run:
        ((last_at,),) = cursor.execute(_LAST.format(**names)).fetchall()
    if last_at is None:
        return None
    ((waits_since,),) = cursor.execute(_WAITING.format(**names), [last_at - GRACE]).fetchall()
    ends: list[datetime] = [last_at - SETTLING, *([waits_since] if waits_since else [])]
    return min(each.date() for each in ends)


def hold(connection: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Let no day become a block that may have been one in a store that is gone.

    For a store that was made of a backup, or of what was left of a damaged one.
    """
    wanted = (now - SETTLING).date()
    if wanted > _since(connection):
        connection.execute("DELETE FROM meta WHERE name = ?", [SINCE])
        connection.execute("INSERT INTO meta VALUES (?, ?)", [SINCE, wanted.isoformat()])


def pruned(batch: Writer, limit: datetime) -> None:
    """See that days of which rows were deleted, all before ``limit``, become no block any more."""
    whole = limit.date() if limit.time() == time() else limit.date() + timedelta(days=1)
    known = batch.rows("SELECT value FROM meta WHERE name = ?", [SINCE])
    if not known or str(known[0][0]) < whole.isoformat():
        batch.execute("DELETE FROM meta WHERE name = ?", [SINCE])
        batch.execute("INSERT INTO meta VALUES (?, ?)", [SINCE, whole.isoformat()])
    _put_members(batch)


def anonymize(batch: Writer, initiator: int) -> None:
    """Let what somebody did stand in the sums of groups under a number that leads to nobody.

    Taken out of the sums, it would be what they differ by from those that were shown before.
    """
    ((other,),) = batch.rows(_NOBODY)
    for table in ("group_usage", "group_calls", "group_homes"):
        batch.execute(f"UPDATE {table} SET initiator = $2 WHERE initiator = $1", [initiator, other])
    _put_members(batch)


def _since(cursor: duckdb.DuckDBPyConnection) -> date:
    row = cursor.execute(
        f"SELECT value FROM {real(cursor)}.meta WHERE name = ?", [SINCE]
    ).fetchall()
    return date.fromisoformat(row[0][0]) if row else date.min


def _put(batch: Writer, schema: str, floor: int) -> None:
    ((frozen,),) = batch.rows("SELECT coalesce(max(frozen), 0) + 1 FROM group_blocks")
    for name in MADE:
        own = {
            "blocks": f"{frozen} AS frozen, {floor} AS floor,",
            "labels": "",
        }.get(name, f"{frozen} AS frozen,")
        table = "group_calls" if name == "tool_calls" else f"group_{name}"
        batch.execute(f"INSERT INTO {table} BY NAME SELECT {own} * FROM {schema}.{name}")
    _put_members(batch)


def _put_members(batch: Writer) -> None:
    batch.execute("DELETE FROM group_members")
    batch.execute(_MEMBERS)


_SYNCED: Final = """
SELECT max(began_at) FILTER (outcome = 'done'), count(*) > 0 FROM {real}.runs"""
_LAST: Final = "SELECT max(started_at) FROM {real}.usage"
_WAITING: Final = """
SELECT min(started_at) FROM {real}.sessions
WHERE detailed_digest IS DISTINCT FROM digest AND listed_at > $1"""
_NOBODY: Final = """
SELECT least(min(initiator), -1000000000) - 1 FROM (
    SELECT initiator FROM group_homes UNION ALL SELECT initiator FROM group_calls
    UNION ALL SELECT initiator FROM group_usage)"""
# One membership as long as the label stays: many would make a question slow.
_MEMBERS: Final = """
INSERT INTO group_members BY NAME
SELECT initiator, 'p' || initiator AS username, label AS team, min(started_at) AS valid_from,
    max(started_at) + INTERVAL 1 DAY AS valid_to
FROM (
    SELECT *, row_number() OVER (PARTITION BY initiator ORDER BY started_at)
        - row_number() OVER (PARTITION BY initiator, label ORDER BY started_at) AS stretch
    FROM group_homes)
GROUP BY initiator, label, stretch
UNION ALL
SELECT initiator, 't' || initiator, label, TIMESTAMP '0001-01-01', TIMESTAMP '9999-01-01'
FROM group_labels"""
