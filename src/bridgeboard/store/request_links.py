"""Links requests to their session and thread, and applies what the credential means for cost.

The list of interceptions names neither (api-contract 5.2). A session's details name the root of
each thread and all requests that called tools; the others, usually the last of a thread, are
known again by their time and by what their thread's total lacks without them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa

from bridgeboard.store import sum_matching
from bridgeboard.store.reader import Batch
from bridgeboard.store.sessions import SUMS

LINK: Final = pa.schema(
    {
        "usage": pa.int64(),
        "started_at": pa.timestamp("us"),
        "session": pa.int64(),
        "thread": pa.string(),
        "threads": pa.uint8(),
        "credential_kind": pa.string(),
    }
)
_OUTER: Final = "(SELECT min(started_at) FROM {0}) AND (SELECT max({1}) FROM {0})"
_EXACT: Final = "u.grain = 'interception'"

_KNOWN: Final = f"""
SELECT u.usage, u.started_at, s.session, r.thread, (r.id = r.thread)::UTINYINT AS threads,
       r.credential_kind
FROM usage u JOIN requests r ON u.id = r.id::UUID
JOIN sessions s ON s.id = r.session_id AND s.initiator = u.initiator
WHERE {_EXACT} AND u.started_at BETWEEN {_OUTER.format("requests", "ended_at")}
"""
_NEEDS: Final = f"""
WITH held AS (
    SELECT u.session, u.thread, {", ".join(f"sum(u.{n}) AS {n}" for n in SUMS)}
    FROM usage u SEMI JOIN threads_told t ON u.session = t.session AND u.thread = t.id::UUID
    WHERE {_EXACT} AND u.tool_calls = 0
      AND u.started_at BETWEEN {_OUTER.format("threads_told", "ended_at")}
    GROUP BY u.session, u.thread
)
SELECT t.session, t.id, t.initiator, t.provider, t.credential_kind, t.started_at, t.ended_at,
       {", ".join(f"(t.{n} - t.{n}_acted - coalesce(h.{n}, 0))::BIGINT AS {n}" for n in SUMS)}
FROM threads_told t LEFT JOIN held h ON h.session = t.session AND h.thread = t.id::UUID
"""
_LEAVES: Final = f"""
SELECT n.id, {", ".join(f"n.{name} AS need_{name}" for name in SUMS)},
       u.usage, u.started_at, {", ".join(f"u.{name}" for name in SUMS)},
       n.session, n.credential_kind
FROM needs n JOIN usage u
  ON u.initiator = n.initiator AND u.provider = n.provider
 AND u.started_at >= n.started_at AND u.ended_at <= n.ended_at
WHERE {_EXACT} AND u.tool_calls = 0
  AND (u.session IS NULL OR (u.session = n.session AND u.thread IS NULL))
  AND u.started_at BETWEEN {_OUTER.format("needs", "ended_at")}
  AND NOT ({" AND ".join(f"n.{name} = 0" for name in SUMS)})
ORDER BY n.id, u.started_at, u.usage
"""
_FRESH: Final = f"""
SELECT l.* FROM links l JOIN usage u USING (usage)
WHERE u.started_at BETWEEN {_OUTER.format("links", "started_at")}
  AND (u.session, u.thread, u.threads, u.credential_kind) IS DISTINCT FROM
      (l.session, l.thread::UUID, l.threads, l.credential_kind)
"""
_APPLY: Final = f"""
UPDATE usage u SET session = l.session, thread = l.thread::UUID, threads = l.threads,
    credential_kind = l.credential_kind
FROM links l WHERE u.usage = l.usage
  AND u.started_at BETWEEN {_OUTER.format("links", "started_at")}
"""
_APPLY_CALLS: Final = f"""
UPDATE tool_calls u SET session = l.session, credential_kind = l.credential_kind
FROM links l WHERE u.usage = l.usage
  AND u.started_at BETWEEN {_OUTER.format("links", "started_at")}
"""
_OWN: Final = f"""
SELECT l.usage, l.started_at FROM links l JOIN usage u USING (usage)
WHERE l.credential_kind = 'byok' AND u.provider <> 'copilot'
  AND u.started_at BETWEEN {_OUTER.format("links", "started_at")}
"""
_WINDOW: Final = _OUTER.format("own", "started_at")
_METERED: Final = "('priced', 'partial', 'free')"
_SHADOW_RESPONSES: Final = f"""
UPDATE responses r SET shadow_cost = r.cost + coalesce(r.shadow_cost, 0), cost = 0,
    cache_saving = 0, status = 'notional', note = 'paid by the initiator''s own key'
FROM own o WHERE r.usage = o.usage AND r.started_at BETWEEN {_WINDOW} AND r.status IN {_METERED}
"""
_SHADOW_USAGE: Final = f"""
UPDATE usage u SET shadow_cost = u.cost + coalesce(u.shadow_cost, 0), cost = 0,
    cache_saving = 0, status = CASE WHEN u.status IN {_METERED} THEN 'notional' ELSE u.status END
FROM own o WHERE u.usage = o.usage AND u.started_at BETWEEN {_WINDOW} AND u.cost IS NOT NULL
"""


def own_key(batch: Batch, usages: pa.Table) -> None:
    """Take requests out of the spend: their initiators paid with keys of their own.

    What they cost becomes shadow cost, as ``pricing.price`` would have calculated it with the
    credential (docs/costs.md 4). Copilot, whose credentials are all of this kind, has rules of
    its own and is to be left out. May be repeated.

    Args:
        batch: what to write into.
        usages: ``usage`` and ``started_at`` of rows that are not Copilot's.
    """
    if usages.num_rows:
        with batch.registered(own=usages):
            batch.execute(_SHADOW_USAGE)
            batch.execute(_SHADOW_RESPONSES)


def by_id(batch: Batch, requests: pa.Table) -> None:
    """Link the requests that details name.

    Args:
        batch: what to write into.
        requests: ``session_id`` (text), ``thread``, ``id`` (of a root or of one that called
            tools), ``credential_kind``, and ``started_at`` and ``ended_at`` of the thread.
    """
    if requests.num_rows:
        with batch.registered(requests=requests):
            apply(batch, batch.table(_KNOWN).cast(LINK))


def by_tokens(batch: Batch, threads: pa.Table) -> None:
    """Link the requests that no detail names to the threads whose totals lack just them.

    A thread's members are those of its initiator and provider that began and ended within it.

    Args:
        batch: what to write into.
        threads: ``threads`` of ``Details``, with the sums of each thread's actions as
            ``input_sum_acted`` and so on.
    """
    if not threads.num_rows:
        return
    with batch.registered(threads_told=threads):
        needs = batch.table(_NEEDS)
    with batch.registered(needs=needs):
        candidates = batch.table(_LEAVES).to_pylist()
    chosen = sum_matching.fillings(candidates, "id", SUMS)
    apply(batch, links((row, row["session"], row["id"], row["credential_kind"]) for row in chosen))


def links(linked: Iterable[tuple[Mapping[str, Any], int, str | None, str | None]]) -> pa.Table:
    """Links of requests that are no roots, from (row, session, thread, credential kind)."""
    rows = [
        {
            "usage": row["usage"],
            "started_at": row["started_at"],
            "session": session,
            "thread": thread,
            "threads": 0,
            "credential_kind": kind,
        }
        for row, session, thread, kind in linked
    ]
    return pa.Table.from_pylist(rows, schema=LINK)


def apply(batch: Batch, links: pa.Table) -> None:
    """Write links that are not yet there, and what follows from them."""
    if not links.num_rows:
        return
    with batch.registered(links=links):
        fresh = batch.table(_FRESH).cast(LINK)
    if not fresh.num_rows:
        return
    with batch.registered(links=fresh):
        batch.execute(_APPLY)
        batch.execute(_APPLY_CALLS)
        own = batch.table(_OWN)
    own_key(batch, own)
