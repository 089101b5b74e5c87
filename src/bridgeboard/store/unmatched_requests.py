"""Finds sessions, by time and tokens, for requests that no session's details account for.

Among them are children whose root is in another session, unfinished or purged (api-contract 4.4),
members of threads without tokens (4.6), and all requests of a session that cannot be addressed.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import pyarrow as pa

from bridgeboard.store import request_links, sum_matching
from bridgeboard.store.reader import Batch
from bridgeboard.store.sessions import SUMS

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
    placed = sum_matching.fillings(lacking, "session", SUMS)
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
    request_links.apply(batch, request_links.links(rows))
