"""Writes the details of sessions: exact times, threads, thinking."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from bridgeboard.store import erasure
from bridgeboard.store.reader import Batch
from bridgeboard.store.sessions import GROWN, SUMS

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


def put(batch: Batch, details: Details, now: datetime) -> None:
    """Take over details. A thread that the server tells no more was purged there, and stays."""
    with batch.registered(headers=details.headers):
        purged = batch.table(_PURGED)
        with batch.registered(purged=purged):
            whole = batch.table(_WHOLE)
    with batch.registered(whole=whole):
        batch.execute(_HEADER)
    _put_threads(batch, details)
    with batch.registered(read=details.read):
        batch.execute(_READ, [now.astimezone(UTC).replace(tzinfo=None)])


def _put_threads(batch: Batch, details: Details) -> None:
    details = _without_erased(batch, details)
    if details.threads.num_rows:
        with batch.registered(told=details.threads):
            batch.execute("DELETE FROM threads WHERE id IN (SELECT id::UUID FROM told)")
            batch.execute(f"INSERT INTO threads BY NAME SELECT {_THREADS} FROM told")
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
