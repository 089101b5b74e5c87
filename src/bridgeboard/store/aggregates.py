"""Usage known only as sums: actions, remainders of threads and of sessions.

Exact rows always go first. An aggregate row keeps its key when it is read again.
"""

from typing import Final

import pyarrow as pa

from bridgeboard.store import erasure, interceptions, text_index
from bridgeboard.store.interceptions import CHILDREN, UsageTables
from bridgeboard.store.reader import Batch
from bridgeboard.store.sessions import SUMS

_MEMBERS: Final = f"""
SELECT u.thread::VARCHAR AS thread, u.id::VARCHAR AS id, {", ".join(f"u.{name}" for name in SUMS)},
       coalesce(sum(r.cache_write_1h), 0)::BIGINT AS cache_write_1h,
       coalesce(sum(r.web_searches), 0)::BIGINT AS web_searches
FROM usage u SEMI JOIN given_threads t ON u.thread = t.id::UUID
LEFT JOIN responses r USING (usage, started_at)
WHERE u.grain = 'interception' GROUP BY ALL
"""
_PIECES: Final = """
SELECT u.usage, u.started_at, u.grain, u.id::VARCHAR AS id, u.session
FROM usage u SEMI JOIN given_threads t ON u.thread = t.id::UUID
WHERE u.grain IN ('action', 'thread')
"""
_REMAINDERS: Final = """
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
_COLUMNS: Final = "p.usage, p.started_at, c.* EXCLUDE (row)"
_OF_CALLS: Final = (
    "p.grain, p.initiator, p.provider, p.vendor, p.model, p.client, p.credential_kind, p.session"
)


def members(batch: Batch, threads: pa.Table) -> pa.Table:
    """The exact rows of threads (``id``): ``thread``, ``id``, sums, and what prices need."""
    with batch.registered(given_threads=threads):
        return batch.table(_MEMBERS)


def lack(batch: Batch, sessions: pa.Table, lit: int) -> pa.Table:
    """What of sessions (``session``) no other row holds; zero rows included.

    It is dated by the first thread after so many ``lit`` ones that has no tokens, else by the
    session. A session whose details are still to be read and that may be held exactly, by rows
    not linked yet, is left out: better late than twice.
    """
    with batch.registered(touched=sessions):
        return batch.table(_LACK, [lit])


def replace_pieces(batch: Batch, threads: pa.Table, aggregates: UsageTables | None) -> None:
    """Put the rows of threads (``id``) in the place of those they had."""
    with batch.registered(given_threads=threads):
        previous = batch.table(_PIECES)
    _replace(batch, previous, aggregates)


def replace_remainders(batch: Batch, sessions: pa.Table, aggregates: UsageTables | None) -> None:
    """Put the remainders of sessions (``session``) in the place of those they had."""
    with batch.registered(touched=sessions):
        previous = batch.table(_REMAINDERS)
    _replace(batch, previous, aggregates)


def _replace(batch: Batch, previous: pa.Table, aggregates: UsageTables | None) -> None:
    _remove(batch, previous)
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
                    columns = f"{_COLUMNS}, {_OF_CALLS}" if name == "tool_calls" else _COLUMNS
                    batch.execute(
                        f"INSERT INTO {name} BY NAME SELECT {columns}"
                        " FROM given c JOIN placed p USING (row)"
                    )


def _remove(batch: Batch, rows: pa.Table) -> None:
    if rows.num_rows:
        text_index.forget(batch, rows["usage"])
        interceptions.remove(batch, rows)


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
        _remove(batch, aggregates)
    return int(aggregates.num_rows)
