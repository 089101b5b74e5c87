"""A session's totals → rows of usage, each counted once (api-contract 4.4 to 4.6). Pure.

Where the server lists no interceptions, a session's details are all there is: a thread's total,
and of its requests those that called tools. What is left of a thread after these, and of a
session after its threads, has no request of its own and becomes one row each.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import add, attrgetter, sub
from typing import Final, Literal, NamedTuple

LIT_THREADS: Final = 50
"""How many of a session's threads the server tells tokens of (api-contract 4.6)."""

Grain = Literal["action", "thread"]


class Spent(NamedTuple):
    """The server's plain sums: four disjoint token counts, and what prices need beside them.

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
        """A rest, where it is no less than nothing, or than a whole that is less than nothing.

        An upstream that reports more cached than prompt tokens makes negative counts.
        """
        floors = (min(0, count) for count in whole)
        return Spent(*(max(mine, floor) for mine, floor in zip(self, floors, strict=True)))


NOTHING: Final = Spent()


@dataclass(frozen=True, slots=True)
class Action:
    """A request that called tools; ``started_at`` is when it called the first."""

    id: str
    model: str
    started_at: datetime
    spent: Spent


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread as its details tell it; ``id`` is that of its root request."""

    id: str
    model: str
    started_at: datetime
    spent: Spent
    has_prompt: bool = False
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
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
    """The rows of one session's threads, without what is held exactly.

    Args:
        threads: all that the server tells of the session, in any order.
        exact: thread id → interception id → tokens, of requests held as rows of their own.
    """
    ordered = sorted(threads, key=attrgetter("started_at", "id"))
    return [
        piece
        for place, thread in enumerate(ordered)
        for piece in _of_thread(thread, exact.get(thread.id, {}), _is_lit(place, thread))
    ]


def _is_lit(place: int, thread: Thread) -> bool:
    # A server that has lost the defect tells all threads alike.
    return place < LIT_THREADS or any(thread.spent)


def _of_thread(thread: Thread, exact: Mapping[str, Spent], is_lit: bool) -> list[Piece]:  # noqa: FBT001  # told of every thread
    rows = [_action(thread, action) for action in thread.actions if action.id not in exact]
    rest = _rest(thread, exact) if is_lit else NOTHING
    told = {action.id for action in thread.actions}
    stands_for_root = thread.id not in told and thread.id not in exact
    if stands_for_root or any(rest):
        rows.append(_remainder(thread, rest, stands_for_root))
    return rows


def _action(thread: Thread, action: Action) -> Piece:
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


def _remainder(thread: Thread, rest: Spent, is_root: bool) -> Piece:  # noqa: FBT001  # one of a row's counts
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


def _rest(thread: Thread, exact: Mapping[str, Spent]) -> Spent:
    told = {action.id for action in thread.actions}
    silent = [spent for held, spent in exact.items() if held not in told]
    rest = _without(thread.spent, [action.spent for action in thread.actions])
    if not silent:
        return rest
    # What is held may have been purged over there, and is then in no total any more.
    return _without(rest, silent).left_of(thread.spent)


def _without(whole: Spent, parts: Iterable[Spent]) -> Spent:
    for part in parts:
        whole = whole.minus(part)
    return whole
