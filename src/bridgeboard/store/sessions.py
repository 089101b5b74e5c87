"""Writes sessions as the list tells them, and finds those whose details are to be read."""

from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from bridgeboard.store import erasure, people
from bridgeboard.store.database import Store
from bridgeboard.store.reader import Batch, Reader

SUMS: Final = ("input_sum", "output_sum", "cache_read_sum", "cache_write_sum")
"""The server's own totals; a session's, a thread's, or a usage row's."""

_STORED_SUM: Final = "(" + " + ".join(f"s.{name}" for name in SUMS) + ")"
_LISTED_SUM: Final = "(" + " + ".join(f"t.{name}" for name in SUMS) + ")"
GROWN: Final = f"{_LISTED_SUM} >= {_STORED_SUM}"
"""Whether the listed sums are at least the stored ones: a purge only removes (api-contract 7)."""

_MATCH: Final = """
SELECT l.row, i.initiator, s.session, s.session IS NULL AS new,
       s.digest IS DISTINCT FROM l.digest AS changed
FROM listed l JOIN initiators i ON i.id = l.initiator_id::UUID
LEFT JOIN sessions s ON s.id = l.id AND s.initiator = i.initiator
ORDER BY l.row
"""
_UPDATE: Final = f"""
UPDATE sessions s SET
    client = CASE WHEN {GROWN} THEN t.client ELSE s.client END,
    providers = CASE WHEN {GROWN} THEN t.providers ELSE s.providers END,
    models = CASE WHEN {GROWN} THEN t.models ELSE s.models END,
    started_at = least(s.started_at, t.started_at),
    ended_at = greatest(s.ended_at, t.ended_at),
    {", ".join(f"{name} = CASE WHEN {GROWN} THEN t.{name} ELSE s.{name} END" for name in SUMS)},
    network_total = coalesce(t.network_total, s.network_total),
    network_blocked = coalesce(t.network_blocked, s.network_blocked),
    digest = t.digest
FROM told t WHERE s.session = t.session AND NOT t.new AND (
    t.changed OR least(s.started_at, t.started_at) IS DISTINCT FROM s.started_at
    OR greatest(s.ended_at, t.ended_at) IS DISTINCT FROM s.ended_at
)
"""
_SET_LISTED_AT: Final = (
    "UPDATE sessions SET listed_at = $1 WHERE session IN (SELECT session FROM told)"
)
_INSERT: Final = f"""
INSERT INTO sessions BY NAME
SELECT session, id, initiator, client, providers, models, started_at, ended_at,
       {", ".join(SUMS)}, network_total, network_blocked, $1 AS listed_at, digest
FROM told WHERE new
"""
_STALE: Final = f"""
SELECT s.id FROM sessions s WHERE s.detailed_digest IS DISTINCT FROM s.digest
ORDER BY least(
    row_number() OVER (ORDER BY s.started_at DESC, s.session),
    row_number() OVER (ORDER BY {_STORED_SUM} DESC, s.session)
), s.started_at DESC, s.session
"""
_COVERAGE: Final = """
SELECT count(detailed_at), count(*) FROM sessions
WHERE started_at < $2 AND coalesce(ended_at, started_at) >= $1
"""


def put(batch: Batch, sessions: pa.Table, now: datetime) -> pa.Table:
    """Take over rows of the session list.

    Of a row under a filter only what api-contract 4.3 computes over the whole session is the
    truth; of its times the earliest start and the latest end ever listed are kept. Sums never
    shrink: what the server has purged was used all the same.

    Args:
        batch: what to write into.
        sessions: ``row`` (int32), ``id``, ``initiator_id``, ``username``, ``name``, ``client``,
            ``providers``, ``models`` (lists of text), ``started_at``, ``ended_at`` (UTC),
            the four sums, ``network_total``, ``network_blocked``, ``digest`` (of what speaks of
            the whole session), ``last_prompt`` (null for none); each identity once.
        now: when the list was read, aware.

    Returns:
        ``session`` (key) of those that are new or have changed.
    """
    known = erasure.aliases(batch, sessions["initiator_id"].to_pylist())
    dropped = {id_ for id_, alias in known.items() if not alias.has_numbers}
    gone = sessions.filter(erasure.of(sessions, "initiator_id", dropped))
    days = [at.date() for at in gone["started_at"].to_pylist()]
    erasure.leave_out(batch, "sessions", zip(days, gone["id"].to_pylist(), strict=True))
    sessions = erasure.renamed(sessions, "initiator_id", known)
    people.initiators(
        batch,
        sessions.select(["initiator_id", "username", "name"]).rename_columns(
            ["id", "username", "name"]
        ),
    )
    with batch.registered(listed=sessions):
        matched = _keyed(batch, batch.table(_MATCH))
    stated = sessions
    for name in ("session", "initiator", "new", "changed"):
        stated = stated.append_column(name, matched[name])
    moment = now.astimezone(UTC).replace(tzinfo=None)
    with batch.registered(told=stated):
        batch.execute(_UPDATE)
        batch.execute(_INSERT, [moment])
        batch.keep(_SET_LISTED_AT, [moment])
        _put_last_prompts(batch)
        return batch.table("SELECT session FROM told WHERE changed")


def stale(reader: Reader | Store) -> list[str]:
    """Ids of sessions whose details are missing or outdated; a shared one once for each.

    The newest and the largest come first, in turns: whoever stops early has seen what matters.
    """
    return [id_ for (id_,) in reader.rows(_STALE)]


def coverage(reader: Reader | Store, since: datetime, until: datetime) -> tuple[int, int]:
    """(sessions with details, all sessions) that touch the half-open window; aware times."""
    bounds = [each.astimezone(UTC).replace(tzinfo=None) for each in (since, until)]
    ((detailed, every),) = reader.rows(_COVERAGE, bounds)
    return detailed, every


def told_id(reader: Reader | Store, session: int) -> str | None:
    """The id by which the deployment knows a session of ours; None if there is none."""
    rows = reader.rows("SELECT id FROM sessions WHERE session = ?", [session])
    return str(rows[0][0]) if rows else None


def is_detailed(reader: Reader | Store, session: int) -> bool:
    """Whether a session's details have been read at some time."""
    sql = "SELECT detailed_at IS NOT NULL FROM sessions WHERE session = ?"
    return (True,) in reader.rows(sql, [session])


def _keyed(batch: Batch, matched: pa.Table) -> pa.Table:
    known = matched["session"].to_pylist()
    keys = iter(batch.take_keys("sessions", known.count(None)))
    filled = pa.array([next(keys) if key is None else key for key in known], pa.int64())
    return matched.set_column(matched.schema.get_field_index("session"), "session", filled)


def _put_last_prompts(batch: Batch) -> None:
    batch.execute(
        "DELETE FROM last_prompts WHERE session IN (SELECT session FROM told WHERE changed)"
    )
    batch.execute(
        "INSERT INTO last_prompts SELECT session, started_at, last_prompt FROM told"
        " WHERE changed AND last_prompt IS NOT NULL"
    )
