"""A session's totals → rows of usage, each counted once (api-contract 4.4 to 4.6). Pure.

Where the server lists no interceptions, a session's details are all there is: a thread's total,
and of its requests those that called tools. What is left of a thread after these, and of a
session after its threads, has no request of its own and becomes one row each.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import add, attrgetter, sub
from typing import Final, Literal, NamedTuple

THREADS_WITH_TOKENS: Final = 50
"""The server gives token counts for so many threads of a session only (api-contract 4.6)."""

Grain = Literal["action", "thread"]


class Spent(NamedTuple):
    """Sums as the server gives them: four disjoint token counts, and what else prices need.

    ``cache_write_1h`` is a part of ``cache_write``.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    web_searches: int = 0

    def plus(self, other: "Spent") -> "Spent":
        """The sum."""
        return Spent(*map(add, self, other))

    def minus(self, other: "Spent") -> "Spent":
        """The difference; below zero where the other is more."""
        return Spent(*map(sub, self, other))

    def left_of(self, whole: "Spent") -> "Spent":
        """The remainder with each count raised to zero, or to the count of ``whole`` below zero.

        Upstreams that report more cached than prompt tokens make negative counts.
        """
        floors = (min(0, count) for count in whole)
        return Spent(*(max(mine, floor) for mine, floor in zip(self, floors, strict=True)))


NOTHING: Final = Spent()


class Action(NamedTuple):
    """A request that called tools; ``started_at`` is when it called the first."""

    id: str
    model: str
    started_at: datetime
    spent: Spent


class Thread(NamedTuple):
    """A thread from the details of its session; ``id`` is that of its root request."""

    id: str
    model: str
    started_at: datetime
    spent: Spent
    has_prompt: bool = False
    actions: tuple[Action, ...] = ()


class Piece(NamedTuple):
    """One row of usage.

    ``threads``, ``prompts`` and ``requests`` are 1 where the row stands for the root of a thread,
    for that root's prompt, for a request; a rest stands for none. The prompts and requests that a
    session's details leave out (requests without tools that are no root) are not counted at all.
    """

    grain: Grain
    id: str
    thread: str
    model: str
    started_at: datetime
    spent: Spent
    threads: int
    prompts: int
    requests: int


def pieces(threads: Sequence[Thread], exact: Mapping[str, Mapping[str, Spent]]) -> list[Piece]:
    """The usage rows of one session's threads, without requests that the store has one by one.

    Args:
        threads: all threads of the session, in any order.
        exact: thread id → interception id → tokens, of requests that are rows of their own.
    """
    ordered = sorted(threads, key=attrgetter("started_at", "id"))
    return [
        piece
        for place, thread in enumerate(ordered)
        for piece in _thread_pieces(thread, exact.get(thread.id, {}), _has_tokens(place, thread))
    ]


def _has_tokens(place: int, thread: Thread) -> bool:
    # A server without the defect gives counts for all threads.
    return place < THREADS_WITH_TOKENS or any(thread.spent)


def _thread_pieces(thread: Thread, exact: Mapping[str, Spent], has_tokens: bool) -> list[Piece]:  # noqa: FBT001  # a fact of the thread
    rows = [_action_piece(thread, action) for action in thread.actions if action.id not in exact]
    remainder = _thread_remainder(thread, exact) if has_tokens else NOTHING
    action_ids = {action.id for action in thread.actions}
    stands_for_root = thread.id not in action_ids and thread.id not in exact
    if stands_for_root or any(remainder):
        rows.append(_remainder_piece(thread, remainder, stands_for_root))
    return rows


def _action_piece(thread: Thread, action: Action) -> Piece:
    is_root = action.id == thread.id
    return Piece(
        "action",
        action.id,
        thread.id,
        action.model,
        action.started_at,
        action.spent,
        threads=int(is_root),
        prompts=int(is_root and thread.has_prompt),
        requests=1,
    )


def _remainder_piece(thread: Thread, rest: Spent, is_root: bool) -> Piece:  # noqa: FBT001  # one of a row's counts
    return Piece(
        "thread",
        thread.id,
        thread.id,
        thread.model,
        thread.started_at,
        rest,
        threads=int(is_root),
        prompts=int(is_root and thread.has_prompt),
        requests=int(is_root),
    )


def _thread_remainder(thread: Thread, exact: Mapping[str, Spent]) -> Spent:
    action_ids = {action.id for action in thread.actions}
    other_usage = [spent for id_, spent in exact.items() if id_ not in action_ids]
    remainder = _without(thread.spent, [action.spent for action in thread.actions])
    if not other_usage:
        return remainder
    # The server may have purged such a request; then its totals no longer include it.
    return _without(remainder, other_usage).left_of(thread.spent)


def _without(whole: Spent, parts: Iterable[Spent]) -> Spent:
    for part in parts:
        whole = whole.minus(part)
    return whole
