"""Reads whole lists that are paged by the id of a row, and all names of models and clients.

The lists are alive while they are read: see ``interceptions`` and ``threads`` for what can happen
to a row between two pages, and what is done about it. Sessions, whose list is sorted by what
changes, have a file of their own: ``session_list``.

Which request comes next is decided by a plan. It is a generator that yields a ``Call`` and is sent
the value of its answer, or thrown the error; it yields ``Resolve`` and is sent a ``Route``; it
yields a ``Batch`` to hand items to the caller. Plans hold all that is to be known about order, so
that the synchronous and the asynchronous client cannot drift apart.
"""

import json
from collections import Counter
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from aibridge import calls
from aibridge.calls import MAX_ROWS, MAX_THREADS, Call, Query, Route
from aibridge.errors import (
    AIBridgeError,
    BadRequestError,
    CursorError,
    DecodeError,
    EndpointGoneError,
    ForbiddenError,
    IncompleteError,
    NotFoundError,
    RouteNotFoundError,
    StatusError,
)
from aibridge.models import (
    Interception,
    InterceptionPage,
    Provider,
    Rejected,
    SessionDetail,
    SessionPage,
    SessionSummary,
    Thread,
)

T = TypeVar("T")
Linked = TypeVar("Linked", Interception, Thread)


@dataclass(frozen=True)
class Resolve:
    """Ask where AI Bridge is; anew, if ``stale`` is what is remembered."""

    stale: Route | None = None


@dataclass(frozen=True)
class Batch(Generic[T]):
    """Items for the caller, in order."""

    items: tuple[T, ...]


Plan: TypeAlias = Generator[Call[Any] | Resolve, Any, T]
Walk: TypeAlias = Generator[Call[Any] | Resolve | Batch[T], Any, None]


def routed(call: Call[T]) -> Plan[T]:
    """The call at the place where this server keeps it; once more if the server has changed.

    A server that is upgraded or rolled back between two calls moves the prefix (api-contract
    6.3) and takes or brings back ``/interceptions``.
    """
    route: Route = yield Resolve()
    try:
        value: T = yield call.on(route)
    except (RouteNotFoundError, EndpointGoneError) as error:
        refused = error
    else:
        return value
    fresh: Route = yield Resolve(stale=route)
    if fresh == route:
        raise refused
    value = yield call.on(fresh)
    return value


class Runner(Generic[T]):
    """A plan or walk on its way. ``result`` is what a plan returned, once it has ended."""

    result: T

    def __init__(self, plan: Generator[Any, Any, T]) -> None:
        self._plan = plan

    def proceed(self, value: object = None, error: AIBridgeError | None = None) -> Any:
        """Give it the outcome of its last step; take its next one, or None when it has ended."""
        try:
            return self._plan.throw(error) if error else self._plan.send(value)
        except StopIteration as stop:
            self.result = stop.value
            return None


OnRejected = Callable[[Rejected], object] | None


@dataclass(frozen=True)
class Row(Generic[T]):
    """One row of a page: its identity, its id as a cursor if it has one, and what it holds."""

    key: Hashable
    cursor: UUID | None
    value: T | Rejected


@dataclass
class SeenRows(Generic[T]):
    """Which rows have been met. A row counts once, readable or not."""

    on_rejected: OnRejected
    keys: set[Hashable] = field(default_factory=set)

    def enter(self, rows: Iterable[Row[T]]) -> tuple[tuple[T, ...], int]:
        """The readable rows not met before, and the number of all rows not met before.

        Raises:
            DecodeError: for an unreadable row, if nobody listens for those.
        """
        fresh: dict[Hashable, Row[T]] = {}
        for row in rows:
            if row.key not in self.keys:
                fresh.setdefault(row.key, row)
        self.keys.update(fresh)
        for row in fresh.values():
            if isinstance(row.value, Rejected):
                self._reject(row.value)
        good = [row.value for row in fresh.values() if not isinstance(row.value, Rejected)]
        return tuple(good), len(fresh)

    def _reject(self, row: Rejected) -> None:
        if self.on_rejected is None:
            raise DecodeError(
                f"A row of the list is not what the API promises: {row.reason}.",
                advice="Pass on_rejected to be given such rows and go on with the others.",
            )
        self.on_rejected(row)


def session_rows(page: SessionPage) -> list[Row[SessionSummary]]:
    """The rows of a page of sessions, readable ones first; they carry no cursor."""
    rows = [Row[SessionSummary](each.key, None, each) for each in page.sessions]
    keys = _row_keys(page.rejected, _session_key)
    return rows + [Row(key, None, each) for key, each in zip(keys, page.rejected, strict=True)]


def linked_rows(good: tuple[Linked, ...], bad: tuple[Rejected, ...]) -> list[Row[Linked]]:
    """The rows of a page that is followed by ids, readable ones first."""
    rows = [Row[Linked](each.id, each.id, each) for each in good]
    keys = _row_keys(bad, _id)
    return rows + [Row(key, _id(each), each) for key, each in zip(keys, bad, strict=True)]


def _row_keys(
    rows: Iterable[Rejected], identity: Callable[[Rejected], Hashable]
) -> Iterator[Hashable]:
    # Without an identity, equal rows of one page are still as many as they are.
    seen: Counter[str] = Counter()
    for row in rows:
        yield identity(row) or (row.raw, seen[row.raw])
        seen[row.raw] += 1


def _session_key(rejected: Rejected) -> tuple[str, UUID] | None:
    # The same row may be readable in one answer and not in the next.
    row = json.loads(rejected.raw)
    try:
        return str(row["id"]), UUID(row["initiator"]["id"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _id(rejected: Rejected) -> UUID | None:
    row = json.loads(rejected.raw)
    try:
        return UUID(row["id"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


P = TypeVar("P", InterceptionPage, SessionDetail)
Cursor = UUID | str | None

STEPS_BACK = 10


def names(listing: Callable[..., Call[tuple[str, ...]]], search: Query) -> Plan[tuple[str, ...]]:
    """All names of ``/models`` or ``/clients``, each once, sorted here.

    The server promises no order for clients, and may tell "Unknown" twice (api-contract 2.7).
    """
    known: set[str] = set()
    offset = 0
    while True:
        page = yield from routed(listing(search, limit=MAX_ROWS, offset=offset))
        grown = known | set(page)
        if len(page) < MAX_ROWS or len(grown) == len(known):
            return tuple(sorted(grown))
        known, offset = grown, offset + len(page)


def providers() -> Plan[tuple[Provider, ...]]:
    """All provider instances that the server tells of, those with an address first.

    Owners receive addresses (v2.34 on), owners and auditors of newer servers names and types,
    those of deleted instances too. Where both answer, the first speaks for a name.
    """
    refused: StatusError | None = None
    try:
        live: tuple[Provider, ...] = yield calls.providers()
    except (ForbiddenError, NotFoundError) as error:
        live, refused = (), error
    try:
        every = yield from routed(calls.all_providers())
    except (BadRequestError, EndpointGoneError, ForbiddenError, NotFoundError):
        if refused:
            raise refused from None
        return live
    known = {each.name for each in live}
    return (*live, *(each for each in every if each.name not in known))


def interceptions(
    search: Query, page_size: int, after_id: UUID | str | None, on_rejected: OnRejected
) -> Walk[Interception]:
    """All interceptions from ``after_id`` on, newest first, each once (api-contract 2.3).

    The cursor is sound under any filter. What the purge takes is at the far end: if the cursor's
    own row is taken, so is everything after it, which a step back to the cursor before shows.
    """
    size = calls.within("page_size", page_size, MAX_ROWS)

    def page_after(cursor: UUID | str | None) -> Call[InterceptionPage]:
        return calls.interceptions(search, limit=size, after_id=cursor)

    def rows_of(page: InterceptionPage) -> list[Row[Interception]]:
        return linked_rows(page.results, page.rejected)

    seen: SeenRows[Interception] = SeenRows(on_rejected)

    def is_end(page: InterceptionPage, rows: int) -> bool:
        return rows < size and len(seen.keys) >= page.count

    return _Chain(page_after, rows_of, is_end, seen).walk(after_id)


def threads(session_id: str, page_size: int, on_rejected: OnRejected) -> Walk[Thread]:
    """All threads of a session, oldest first, each once (api-contract 2.5).

    Here the purge takes what was read already, the cursor's row included: then the walk begins
    again, and what comes twice is yielded once.
    """
    size = calls.within("page_size", page_size, MAX_THREADS)
    calls.session(session_id, limit=size)

    def page_after(cursor: UUID | str | None) -> Call[SessionDetail]:
        return calls.session(session_id, limit=size, after_id=cursor)

    def rows_of(page: SessionDetail) -> list[Row[Thread]]:
        return linked_rows(page.threads, page.rejected)

    def is_end(_page: SessionDetail, rows: int) -> bool:
        return rows < size

    return _Chain(page_after, rows_of, is_end, SeenRows(on_rejected)).walk(None)


@dataclass(frozen=True)
class _Chain(Generic[P, Linked]):
    """A list followed from the last row of each page to the next."""

    page_after: Callable[[Cursor], Call[P]]
    rows_of: Callable[[P], list[Row[Linked]]]
    is_end: Callable[[P, int], bool]
    seen: SeenRows[Linked]

    def walk(self, start: Cursor) -> Walk[Linked]:
        trail = _Trail(start)
        while True:
            try:
                page = yield from routed(self.page_after(trail.at))
            except CursorError:
                if not trail.steps_back():
                    raise
                continue
            rows = self.rows_of(page)
            good, _ = self.seen.enter(rows)
            yield Batch(good)
            if not rows or self.is_end(page, len(rows)):
                return
            trail.follow(_last_cursor(rows))


class _Trail:
    """The cursors followed so far, and the way back when the last one is gone."""

    def __init__(self, start: Cursor) -> None:
        self._start = start
        self._before = start
        self._followed: set[Cursor] = {start}
        self._is_back = False
        self._steps_left = STEPS_BACK
        self.at = start

    def follow(self, cursor: Cursor) -> None:
        if cursor is None or cursor in self._followed:
            raise IncompleteError("The server's list does not move on: it repeats a page.")
        self._followed.add(cursor)
        self._before, self.at, self._is_back = self.at, cursor, False

    def steps_back(self) -> bool:
        """To the cursor before; from there to the start; False when there is no way back."""
        if self.at == self._start or not self._steps_left:
            return False
        self.at = self._start if self._is_back else self._before
        self._followed = {self.at}
        self._is_back = True
        self._steps_left -= 1
        return True


def _last_cursor(rows: list[Row[Linked]]) -> Cursor:
    readable = [row for row in rows if not isinstance(row.value, Rejected)]
    return (readable or rows)[-1].cursor
