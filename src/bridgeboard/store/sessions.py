"""Writes sessions as the list tells them, and finds those whose details are to be read."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from bridgeboard.model.metric import TOKENS
from bridgeboard.model.times import stored
from bridgeboard.store import erasure, people
from bridgeboard.store.database import Store
from bridgeboard.store.reader import Batch, Reader

SUMS: Final = tuple(f"{name}_sum" for name in TOKENS)
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
FROM incoming t WHERE s.session = t.session AND NOT t.new AND (
    t.changed OR least(s.started_at, t.started_at) IS DISTINCT FROM s.started_at
    OR greatest(s.ended_at, t.ended_at) IS DISTINCT FROM s.ended_at
)
"""
_SET_LISTED_AT: Final = (
    "UPDATE sessions SET listed_at = $1 WHERE session IN (SELECT session FROM incoming)"
)
_INSERT: Final = f"""
INSERT INTO sessions BY NAME
SELECT session, id, initiator, client, providers, models, started_at, ended_at,
       {", ".join(SUMS)}, network_total, network_blocked, $1 AS listed_at, digest
FROM incoming WHERE new
"""
_STALE: Final = f"""
SELECT s.id FROM sessions s WHERE s.detailed_digest IS DISTINCT FROM s.digest
ORDER BY least(
    row_number() OVER (ORDER BY s.started_at DESC, s.session),
    row_number() OVER (ORDER BY {_STORED_SUM} DESC, s.session)
), s.started_at DESC, s.session
"""


def put_listed(batch: Batch, sessions: pa.Table, now: datetime) -> pa.Table:
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
    moment = stored(now)
    with batch.registered(incoming=stated):
        batch.execute(_UPDATE)
        batch.execute(_INSERT, [moment])
        batch.keep(_SET_LISTED_AT, [moment])
        _put_last_prompts(batch)
        return batch.table("SELECT session FROM incoming WHERE changed")


def stale(reader: Reader | Store) -> list[str]:
    """Ids of sessions whose details are missing or outdated; a shared one once for each.

    The newest and the largest come first, in turns: whoever stops early has seen what matters.
    """
    return [id_ for (id_,) in reader.rows(_STALE)]


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
        "DELETE FROM last_prompts WHERE session IN (SELECT session FROM incoming WHERE changed)"
    )
    batch.execute(
        "INSERT INTO last_prompts SELECT session, started_at, last_prompt FROM incoming"
        " WHERE changed AND last_prompt IS NOT NULL"
    )


_THREADS: Final = (
    "session, id, initiator, provider, model, credential_kind, credential_hint, started_at,"
    f" ended_at, {', '.join(SUMS)}, actions, error_type, error_message"
)
# What was purged over there is still part of the session; here its rows are held.
_PURGED: Final = f"""
SELECT h.session, {", ".join(f"sum(u.{name})::BIGINT AS {name}" for name in SUMS)}
FROM headers h JOIN sessions s USING (session)
JOIN usage u ON u.session = h.session AND u.started_at < h.started_at AND u.grain <> 'session'
WHERE s.started_at < h.started_at GROUP BY h.session
"""
_WHOLE: Final = f"""
SELECT h.* REPLACE ({", ".join(f"h.{name} + coalesce(p.{name}, 0) AS {name}" for name in SUMS)})
FROM headers h LEFT JOIN purged p USING (session)
"""
_HEADER: Final = f"""
UPDATE sessions s SET
    started_at = least(s.started_at, t.started_at),
    ended_at = greatest(s.ended_at, t.ended_at),
    {", ".join(f"{name} = CASE WHEN {GROWN} THEN t.{name} ELSE s.{name} END" for name in SUMS)}
FROM whole t WHERE s.session = t.session
"""
_READ: Final = """
UPDATE sessions s SET
    threads = (SELECT count(*) FROM threads t WHERE t.session = s.session),
    detailed_at = CASE WHEN r.problem IS NULL THEN $1 ELSE s.detailed_at END,
    detailed_digest = r.digest,
    detail_problem = r.problem
FROM read r WHERE s.session = r.session
"""


@dataclass(frozen=True)
class Details:
    """Details of some sessions as Arrow tables; times are UTC, ids text.

    Attributes:
        read: ``session`` (key), ``digest`` of the list's row they were read for, ``problem``
            (why they could not be read, or null).
        headers: ``session``, ``started_at``, ``ended_at``, the four sums; none for a session id
            of several initiators, whose header speaks of only one of them (api-contract 4.6).
        threads: ``session``, ``id``, ``initiator`` (keys), and the columns of ``threads``.
        thinking: ``session``, ``interception``, ``started_at``, ``ordinal``, ``text``.
    """

    read: pa.Table
    headers: pa.Table
    threads: pa.Table
    thinking: pa.Table


def put_details(batch: Batch, details: Details, now: datetime) -> None:
    """Take over details. A thread that the server tells no more was purged there, and stays."""
    with batch.registered(headers=details.headers):
        purged = batch.table(_PURGED)
        with batch.registered(purged=purged):
            whole = batch.table(_WHOLE)
    with batch.registered(whole=whole):
        batch.execute(_HEADER)
    _put_threads(batch, details)
    with batch.registered(read=details.read):
        batch.execute(_READ, [stored(now)])


def _put_threads(batch: Batch, details: Details) -> None:
    details = _without_erased(batch, details)
    if details.threads.num_rows:
        with batch.registered(incoming=details.threads):
            batch.execute("DELETE FROM threads WHERE id IN (SELECT id::UUID FROM incoming)")
            batch.execute(f"INSERT INTO threads BY NAME SELECT {_THREADS} FROM incoming")
    if details.thinking.num_rows:
        with batch.registered(thoughts=details.thinking):
            batch.execute(
                "DELETE FROM thinking WHERE (session, interception) IN"
                " (SELECT session, interception::UUID FROM thoughts)"
            )
            batch.execute("INSERT INTO thinking BY NAME SELECT * FROM thoughts")


def _without_erased(batch: Batch, details: Details) -> Details:
    """The same without what people wrote who were erased."""
    keys = erasure.erased_keys(batch)
    if not keys:
        return details
    rows = [
        row | {"error_message": row["error_message"] and "", "credential_hint": None}
        if row["initiator"] in keys
        else row
        for row in details.threads.to_pylist()
    ]
    sessions = batch.rows("SELECT session FROM sessions WHERE list_contains($1, initiator)", [keys])
    theirs = erasure.of(details.thinking, "session", [session for (session,) in sessions])
    return replace(
        details,
        threads=pa.Table.from_pylist(rows, details.threads.schema),
        thinking=details.thinking.filter(pc.invert(theirs)),
    )
