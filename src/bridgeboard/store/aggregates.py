"""Usage known only as sums: actions, remainders of threads and of sessions.

Exact rows always go first. An aggregate row keeps its key when it is read again.
"""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from bridgeboard.store import erasure, text_index
from bridgeboard.store.reader import Batch
from bridgeboard.store.sessions import SUMS

CHILDREN: Final = ("responses", "tool_calls", "prompts", "tool_inputs")

_MEMBERS: Final = f"""
SELECT u.thread::VARCHAR AS thread, u.id::VARCHAR AS id, {", ".join(f"u.{name}" for name in SUMS)},
       coalesce(sum(r.cache_write_1h), 0)::BIGINT AS cache_write_1h,
       coalesce(sum(r.web_searches), 0)::BIGINT AS web_searches
FROM usage u SEMI JOIN told t ON u.thread = t.id::UUID
LEFT JOIN responses r USING (usage, started_at)
WHERE u.grain = 'interception' GROUP BY ALL
"""
_PIECES: Final = """
SELECT u.usage, u.started_at, u.grain, u.id::VARCHAR AS id, u.session
FROM usage u SEMI JOIN told t ON u.thread = t.id::UUID WHERE u.grain IN ('action', 'thread')
"""
_RESTS: Final = """
SELECT u.usage, u.started_at, u.grain, NULL::VARCHAR AS id, u.session
FROM usage u SEMI JOIN touched USING (session) WHERE u.grain = 'session'
"""
_LEFT: Final = "greatest(s.{0} - coalesce(k.{0}, 0), least(s.{0}, 0))::BIGINT AS {0}"
_LACK: Final = f"""
WITH known AS (
    SELECT session, {", ".join(f"sum({name}) AS {name}" for name in SUMS)}
    FROM usage SEMI JOIN touched USING (session) WHERE grain <> 'session' GROUP BY session
), dark AS (
    SELECT session, min(started_at) AS started_at FROM (
        SELECT t.*, row_number() OVER (PARTITION BY session ORDER BY started_at, id) AS place
        FROM threads t SEMI JOIN touched USING (session)
    ) WHERE place > $1 AND {" AND ".join(f"{name} = 0" for name in SUMS)} GROUP BY session
)
SELECT s.session, s.initiator, s.client,
       CASE WHEN len(s.providers) = 1 THEN s.providers[1] ELSE '' END AS provider,
       CASE WHEN len(s.models) = 1 THEN s.models[1] END AS model,
       coalesce(d.started_at, s.started_at) AS started_at,
       {", ".join(_LEFT.format(name) for name in SUMS)}
FROM sessions s SEMI JOIN touched USING (session)
LEFT JOIN known k USING (session) LEFT JOIN dark d USING (session)
WHERE s.detailed_digest IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM usage u
    WHERE u.grain = 'interception' AND u.session IS NULL AND u.initiator = s.initiator
      AND u.started_at >= s.started_at AND u.ended_at <= s.ended_at
)
ORDER BY s.session
"""
_COPY: Final = {
    "responses": "SELECT p.usage, p.started_at, c.* EXCLUDE (row)",
    "tool_calls": (
        "SELECT p.usage, p.started_at, c.* EXCLUDE (row), p.grain, p.initiator, p.provider,"
        " p.vendor, p.model, p.client, p.credential_kind, p.session"
    ),
    "prompts": "SELECT p.usage, p.started_at, c.* EXCLUDE (row)",
    "tool_inputs": "SELECT p.usage, p.started_at, c.* EXCLUDE (row)",
}


@dataclass(frozen=True)
class Aggregates:
    """Aggregate rows as Arrow tables; ``row`` (int32) is a row's place.

    Attributes:
        usage: ``row`` and the columns of ``usage`` but its key.
        responses: ``row`` and the columns of ``responses`` but key and ``started_at``.
        tool_calls: ``row``, ``ordinal``, ``called_at``, ``tool``, ``server_url``, ``injected``,
            ``input_hash``.
        prompts: ``row``, ``ordinal``, ``written_at``, ``text``; None keeps no text.
        tool_inputs: ``row``, ``ordinal``, ``input``, ``error``; likewise.
    """

    usage: pa.Table
    responses: pa.Table
    tool_calls: pa.Table | None = None
    prompts: pa.Table | None = None
    tool_inputs: pa.Table | None = None


def members(batch: Batch, threads: pa.Table) -> pa.Table:
    """The exact rows of threads (``id``): ``thread``, ``id``, sums, and what prices need."""
    with batch.registered(told=threads):
        return batch.table(_MEMBERS)


def lack(batch: Batch, sessions: pa.Table, lit: int) -> pa.Table:
    """What of sessions (``session``) no other row holds; zero rows included.

    It is dated by the first thread after so many ``lit`` ones that has no tokens, else by the
    session. A session whose details are still to be read and that may be held exactly, by rows
    not linked yet, is left out: better late than twice.
    """
    with batch.registered(touched=sessions):
        return batch.table(_LACK, [lit])


def replace_pieces(batch: Batch, threads: pa.Table, aggregates: Aggregates | None) -> None:
    """Put the rows of threads (``id``) in the place of those they had."""
    with batch.registered(told=threads):
        previous = batch.table(_PIECES)
    _replace(batch, previous, aggregates)


def replace_rests(batch: Batch, sessions: pa.Table, aggregates: Aggregates | None) -> None:
    """Put the rests of sessions (``session``) in the place of those they had."""
    with batch.registered(touched=sessions):
        previous = batch.table(_RESTS)
    _replace(batch, previous, aggregates)


def _replace(batch: Batch, previous: pa.Table, aggregates: Aggregates | None) -> None:
    remove(batch, previous)
    if aggregates is None:
        return
    usage = aggregates.usage.append_column("usage", _keys(batch, previous, aggregates.usage))
    text_index.forget(batch, usage["usage"])
    children = {name: getattr(aggregates, name) for name in CHILDREN}
    erased = usage.filter(erasure.of(usage, "initiator", erasure.erased_keys(batch)))["row"]
    for name in ("prompts", "tool_inputs"):
        children[name] = erasure.without(children[name], erased)
    with batch.registered(placed=usage):
        batch.execute("INSERT INTO usage BY NAME SELECT * EXCLUDE (row) FROM placed")
        for name, table in children.items():
            if table is not None and table.num_rows:
                with batch.registered(given=table):
                    select = f"{_COPY[name]} FROM given c JOIN placed p USING (row)"
                    batch.execute(f"INSERT INTO {name} BY NAME {select}")


def remove(batch: Batch, rows: pa.Table) -> None:
    """Remove rows (``usage``, ``started_at``) with all that hangs on them."""
    if not rows.num_rows:
        return
    text_index.forget(batch, rows["usage"])
    outer = "(SELECT min(started_at) FROM held) AND (SELECT max(started_at) FROM held)"
    with batch.registered(held=rows):
        for name in ("usage", *CHILDREN):
            batch.execute(
                f"DELETE FROM {name} WHERE usage IN (SELECT usage FROM held)"
                f" AND started_at BETWEEN {outer}"
            )


def _keys(batch: Batch, previous: pa.Table, usage: pa.Table) -> pa.Array:
    names = ("grain", "id", "session")
    old = {tuple(row[name] for name in names): row["usage"] for row in previous.to_pylist()}
    wanted = [tuple(row[name] for name in names) for row in usage.select(names).to_pylist()]
    fresh = iter(batch.take_keys("usage", len(wanted) - sum(key in old for key in wanted)))
    return pa.array([old[key] if key in old else next(fresh) for key in wanted], pa.int64())


_NOW_EXACT: Final = """
SELECT a.usage, a.started_at, a.session FROM usage a
WHERE a.grain IN ('action', 'thread') AND EXISTS (
    SELECT 1 FROM usage u WHERE u.grain = 'interception' AND u.id = a.id
)
UNION ALL
SELECT a.usage, a.started_at, a.session FROM usage a JOIN sessions s USING (session)
WHERE a.grain = 'session' AND EXISTS (
    SELECT 1 FROM usage u WHERE u.grain = 'interception' AND u.initiator = a.initiator
      AND u.started_at IN (a.started_at, s.started_at)
)
"""


def yield_to_exact(batch: Batch) -> int:
    """Remove sums whose requests are held as rows of their own by now; return how many.

    This is how a server looks that was taken back to a version that lists interceptions. The
    rest of a session is known again by a request of its initiator that began in the same
    microsecond. What the server had purged meanwhile has no exact rows, and its sums stay. The
    sessions touched are to be read again.
    """
    aggregates = batch.table(_NOW_EXACT)
    if aggregates.num_rows:
        with batch.registered(gone=aggregates):
            batch.execute(
                "UPDATE sessions SET detailed_digest = NULL"
                " WHERE session IN (SELECT session FROM gone)"
            )
        remove(batch, aggregates)
    return int(aggregates.num_rows)
