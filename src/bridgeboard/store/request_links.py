"""Links requests to their session and thread, and applies what the credential means for cost.

The list of interceptions names neither (api-contract 5.2). A session's details name the root of
each thread and all requests that called tools; the others, usually the last of a thread, are
known again by their time and by what their thread's total lacks without them.

Requests that no details account for get a session by time and tokens. Among them are children
whose root is in another session, unfinished or purged (api-contract 4.4), members of threads
without tokens (4.6), and all requests of a session that cannot be addressed.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, groupby
from operator import itemgetter
from typing import Any, Final

import pyarrow as pa

from bridgeboard.store.reader import Batch
from bridgeboard.store.sessions import SUMS

Counts = tuple[int, ...]
Candidate = Mapping[str, Any]

MOST: Final = 12
MOST_PAIRS: Final = 60
"""Of more candidates than these not every choice, or not even every pair is tried."""


def filling(candidates: Sequence[Counts], need: Counts) -> tuple[int, ...] | None:
    """The places of the fewest candidates whose sum is exactly the need, or None.

    Candidates of no tokens are left out, since they would fill anything.
    """
    places = [place for place, counts in enumerate(candidates) if any(counts)]
    for size in _sizes(len(places)):
        for chosen in combinations(places, size):
            if all(
                map(
                    int.__eq__, map(sum, zip(*(candidates[at] for at in chosen), strict=True)), need
                )
            ):
                return chosen
    return None


def _sizes(places: int) -> Iterable[int]:
    if places <= MOST:
        return range(1, places + 1)
    return (1, 2, places) if places <= MOST_PAIRS else (1, places)


def fillings(candidates: Iterable[Candidate], key: str, counts: Sequence[str]) -> list[Candidate]:
    """The candidates that make up the needs of groups, each used once.

    Args:
        candidates: rows in the order of ``key``, with ``usage``, the counts, and ``need_`` and
            the name of each count, equal within a group.
        key: what tells groups apart.
        counts: the names of the counts.
    """
    groups = [list(rows) for _, rows in groupby(candidates, itemgetter(key))]
    used: set[int] = set()
    chosen: list[Candidate] = []
    # Those with the least choice first: what they need is most surely theirs.
    for group in sorted(groups, key=len):
        rows = [row for row in group if row["usage"] not in used]
        need = tuple(group[0][f"need_{name}"] for name in counts)
        places = filling([tuple(row[name] for name in counts) for row in rows], need)
        taken = [rows[place] for place in places or ()]
        used.update(row["usage"] for row in taken)
        chosen += taken
    return chosen


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
    FROM usage u SEMI JOIN given_threads t ON u.session = t.session AND u.thread = t.id::UUID
    WHERE {_EXACT} AND u.tool_calls = 0
      AND u.started_at BETWEEN {_OUTER.format("given_threads", "ended_at")}
    GROUP BY u.session, u.thread
)
SELECT t.session, t.id, t.initiator, t.provider, t.credential_kind, t.started_at, t.ended_at,
       {", ".join(f"(t.{n} - t.{n}_acted - coalesce(h.{n}, 0))::BIGINT AS {n}" for n in SUMS)}
FROM given_threads t LEFT JOIN held h ON h.session = t.session AND h.thread = t.id::UUID
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
    with batch.registered(given_threads=threads):
        needs = batch.table(_NEEDS)
    with batch.registered(needs=needs):
        candidates = batch.table(_LEAVES).to_pylist()
    chosen = fillings(candidates, "id", SUMS)
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


_ROW: Final = ", ".join(f"u.{name}" for name in SUMS)
_INSIDE: Final = """
    s.initiator = u.initiator AND u.started_at >= s.started_at AND u.ended_at <= s.ended_at
    AND list_contains(s.providers, u.provider) AND list_contains(s.models, u.model)
"""
_HOMES: Final = f"""
WITH looked_at AS (SELECT s.* FROM sessions s JOIN read USING (session)),
loose AS (
    SELECT u.* FROM usage u SEMI JOIN looked_at s ON {_INSIDE}
    WHERE u.grain = 'interception' AND u.session IS NULL
      AND u.started_at BETWEEN (SELECT min(started_at) FROM looked_at)
                           AND (SELECT max(ended_at) FROM looked_at)
),
homes AS (
    SELECT s.session, s.{", s.".join(f"{name} AS whole_{name}" for name in SUMS)}, u.usage,
           u.started_at, u.ended_at, u.provider, u.tool_calls, {_ROW},
           count(*) OVER (PARTITION BY u.usage) AS homes
    FROM loose u JOIN sessions s ON {_INSIDE}
)
SELECT h.*, {", ".join(f"(h.whole_{n} - coalesce(o.{n}, 0))::BIGINT AS need_{n}" for n in SUMS)}
FROM homes h JOIN read USING (session)
LEFT JOIN (
    SELECT session, {", ".join(f"sum({name}) AS {name}" for name in SUMS)} FROM usage
    WHERE grain <> 'session' AND session IN (SELECT session FROM read) GROUP BY session
) o USING (session)
ORDER BY h.session, h.started_at, h.usage
"""
_THREADS: Final = f"""
SELECT l.usage, t.id::VARCHAR AS thread, t.credential_kind
FROM placed l JOIN threads t
  ON t.session = l.session AND t.provider = l.provider
 AND l.started_at >= t.started_at AND l.ended_at <= t.ended_at
LEFT JOIN (
    SELECT thread, {", ".join(f"sum({name}) AS {name}" for name in SUMS)} FROM usage
    WHERE grain IN ('interception', 'action') AND session IN (SELECT session FROM placed)
    GROUP BY thread
) o ON o.thread = t.id
WHERE l.tool_calls = 0 AND (
    ({" AND ".join(f"t.{name} = 0" for name in SUMS)})
    OR ({" AND ".join(f"l.{n} <= t.{n} - coalesce(o.{n}, 0)" for n in SUMS)})
)
QUALIFY count(*) OVER (PARTITION BY l.usage) = 1
"""

Home = Mapping[str, Any]


def settle(batch: Batch, read: pa.Table) -> list[int]:
    """Link what is loose within sessions whose details were read, or never can be.

    What makes up exactly what a session lacks is its own; of the rest, what began and ended
    within a single session of its initiator and is no more than that one lacks.

    Args:
        batch: what to write into.
        read: ``session`` keys.

    Returns:
        The sessions that were given requests: their rests are smaller now.
    """
    if not read.num_rows:
        return []
    with batch.registered(read=read):
        homes = batch.table(_HOMES).to_pylist()
    lacking = [home for home in homes if any(home[f"need_{name}"] for name in SUMS)]
    placed = fillings(lacking, "session", SUMS)
    settled = {home["session"] for home in placed}
    taken = {home["usage"] for home in placed}
    alone = [
        home
        for home in homes
        if home["homes"] == 1 and home["usage"] not in taken and home["session"] not in settled
    ]
    placed += [row for _, rows in groupby(alone, itemgetter("session")) for row in _fitting(rows)]
    _place(batch, placed)
    return sorted({home["session"] for home in placed})


def _fitting(homes: Iterable[Home]) -> list[Home]:
    """The rows that a session has room for, oldest first."""
    room: list[int] | None = None
    fitting = []
    for home in homes:
        room = [home[f"need_{name}"] for name in SUMS] if room is None else room
        left = [most - home[name] for most, name in zip(room, SUMS, strict=True)]
        if all(count >= 0 for count in left):
            room = left
            fitting.append(home)
    return fitting


def _place(batch: Batch, placed: list[Home]) -> None:
    if not placed:
        return
    with batch.registered(placed=pa.Table.from_pylist(placed)):
        found = batch.rows(_THREADS)
    threads = {usage: (thread, kind) for usage, thread, kind in found}
    unknown = None, None
    rows = ((row, row["session"], *threads.get(row["usage"], unknown)) for row in placed)
    apply(batch, links(rows))
