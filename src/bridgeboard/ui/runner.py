"""What a page may ask the store: the cached door to every number.

An answer belongs to one state of the store and to what a reader may see of it. It is kept under
both and the question, so a page that is looked at again costs nothing, a sync shows at once, and
nobody is ever given what was answered to somebody who may see more.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from bridgeboard.access import Permission, RowAccess
from bridgeboard.analysis import coverage as store_coverage
from bridgeboard.analysis.answers import answer, groups_tell_sessions
from bridgeboard.analysis.cache import Kept
from bridgeboard.analysis.coverage import Coverage
from bridgeboard.model import accuracy, metrics, periods, time_buckets
from bridgeboard.model.answer import Answer
from bridgeboard.model.scope import Scope
from bridgeboard.model.store import Reader, Store
from bridgeboard.queries import first_seen_order, metric_query
from bridgeboard.runtime import process
from bridgeboard.runtime.process import Process
from bridgeboard.ui import current_user

MOST: Final = 10_000
"""Rows that a page reads at most; what says less than all says so."""

State = tuple[str, int, RowAccess]
"""A store's file, the number of its last batch, and what is seen of it."""

UNTOLD: Final = "The last sync failed. The operator of this dashboard can see why."
"""What readers are told in place of a reason that may name somebody."""
_TRIES: Final = 3
T = TypeVar("T")
_kept: Final[Kept[Any]] = Kept(2048)


class NoStoreError(Exception):
    """There is nothing to ask yet; the message says why, and when there will be."""


@dataclass(frozen=True)
class Held:
    """The store as a reader may see it: the only way from a page to it."""

    store: Store
    row_access: RowAccess

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """Several questions to one state of the store."""
        with self.store.snapshot(self.row_access) as reader:
            yield reader

    def meta(self, name: str) -> str | None:
        """A setting of the store itself; None if it was never set."""
        return self.store.meta(name)

    @property
    def path(self) -> Path:
        """Its file."""
        return self.store.path

    @property
    def version(self) -> int:
        """The number of the last batch."""
        return self.store.version


def usage(names: tuple[str, ...], by: tuple[str, ...], scope: Scope) -> Answer:
    """Numbers by dimensions; at most ``MOST`` rows, the largest first."""
    return ask(metric_query.select(names, by, scope, limit=MOST))


def ordered(
    names: tuple[str, ...], by: tuple[str, ...], scope: Scope, order: tuple[str, ...]
) -> Answer:
    """The same in an order of the reader's: to sort by something else asks nothing again.

    ``order`` is one name, a "-" before it for the largest first; unknown numbers come last.
    """
    told = _together(names, by, scope)
    if len(told) < MOST:
        return _sorted(told, *order)
    return ask(metric_query.select(names, by, scope, order=order, limit=MOST))


def totals(names: tuple[str, ...], scope: Scope) -> dict[str, Any]:
    """Each number over the whole scope, unknown but for sessions while no request is known."""
    told = dict(ask(metric_query.select(names, (), scope)).only)
    return accuracy.without_requests(told) if coverage().knows_no_request else told


def measured(names: tuple[str, ...], by: str, scope: Scope, order: str) -> Answer:
    """Numbers by a dimension in an order, and after them what tells how they stand.

    A limit that the dimension cannot split is that of the whole scope, in every row: nobody knows
    to which value it belongs.
    """
    split = accuracy.limits(names, (by,))
    told = ordered((*names, *split), (by,), scope, (order,))
    whole = tuple(name for name in accuracy.limits(names) if name not in split)
    if not whole:
        return told
    found = totals(whole, accuracy.unsplit(scope, whole))
    ends = tuple(found[name] for name in whole)
    return Answer((*told.columns, *whole), tuple((*row, *ends) for row in told.rows))


def top(
    names: tuple[str, ...], by: tuple[str, ...], scope: Scope, *, rank_by: str, n: int
) -> Answer:
    """The ``n`` largest values of a dimension and all others as "Other"; all times filled in."""
    return ask(metric_query.select_top(names, by, scope, rank_by=rank_by, n=n))


def series(names: tuple[str, ...], grain: str, scope: Scope) -> Answer:
    """Numbers over time, an empty one for each stretch in which nothing happened."""
    told = ask(metric_query.select(names, (grain,), scope))
    return Answer(told.columns, tuple(time_buckets.filled(told.rows, names, (grain,), scope)))


def ask(question: metric_query.Query) -> Answer:
    """The answer to a statement of ``metrics``.

    Raises:
        NoStoreError: when there is no store yet.
        StoreError: when it cannot be read.
    """
    held = opened()
    for _ in range(_TRIES):
        try:
            now = state(held)
            answer = _kept.value((now, question), partial(_answer, now, question, held))
            return cast("Answer", answer)
        except _MovedError:
            continue
    return _read(held, question)[1]


def opened() -> Held:
    """The store as the reader of this run may see it. Raises NoStoreError without one."""
    row_access = current_user.reader().row_access
    keeper = process.current()
    if keeper is None or keeper.store is None:
        raise NoStoreError(_why_none(keeper))
    return Held(keeper.store, row_access)


def shows_people() -> bool:
    """Whether single people can be seen at all: else what is about them is left out of pages."""
    return current_user.reader().row_access.floor is None


def without_people(names: Iterable[str]) -> tuple[str, ...]:
    """The dimensions of these that the reader may see."""
    shown = shows_people()
    return tuple(name for name in names if shown or name != "initiator")


def read(ask: Callable[[Reader], T]) -> T:
    """What one or several questions to one state of the store answer; nothing of it is kept."""
    with opened().snapshot() as reader:
        return ask(reader)


def kept(about: Hashable, make: Callable[[], Any]) -> Any:
    """What is worked out from this state of the store, and ``about`` what it is; made once.

    It is shared between all readers who may see the same: it must not be changed.
    """
    return _kept.value((state(opened()), about), make)


def version() -> int:
    """The number of the last batch: what is shown is the same as long as it is."""
    return opened().version


def coverage() -> Coverage:
    """What the store covers. Raises as ``ask`` does."""
    return cast("Coverage", kept("coverage", lambda: read(store_coverage.coverage)))


def setting(name: str) -> str | None:
    """A setting that the sync keeps in the store; None if it was never set."""
    held = opened()
    return cast("str | None", kept(("meta", name), lambda: held.meta(name)))


def choices(name: str) -> list[str]:
    """All values of a dimension, of all times, the most frequent first."""
    return [
        str(value) for value in ask(metric_query.values(name, periods.everything())).column(name)
    ]


def first_seen(name: str) -> dict[str, int]:
    """Each value of a dimension and its place in the order in which they were first seen.

    What is new comes last, so that what hangs on a place (a colour) stays.
    """
    ranked = ask(first_seen_order.first_seen(name, periods.everything())).column(name)
    return {str(value): place for place, value in enumerate(ranked)}


def _together(names: tuple[str, ...], by: tuple[str, ...], scope: Scope) -> Answer:
    """Numbers by dimensions; counts of different keys, as dear as all others, are asked apart."""
    keyed = tuple(name for name in names if metrics.METRICS[name].counts_keys)
    others = tuple(name for name in names if name not in keyed)
    if not (keyed and others):
        return usage(names, by, scope)
    told = usage(others, by, scope).beside(usage(keyed, by, scope), by)
    return told.only_columns((*by, *names))


def _sorted(told: Answer, name: str) -> Answer:
    place = told.columns.index(name.removeprefix("-"))
    rows = sorted(told.rows, key=lambda row: row[0])
    known = [row for row in rows if row[place] is not None]
    known.sort(key=lambda row: row[place], reverse=name.startswith("-"))
    return Answer(told.columns, (*known, *(row for row in rows if row[place] is None)))


def state(held: Held) -> State:
    """Which state a store is in now, and who sees it."""
    return str(held.path), held.version, held.row_access


class _MovedError(Exception):
    """The store was written between the look at its version and the question."""


def _answer(state: State, question: metric_query.Query, held: Held) -> Answer:
    now, answer = _read(held, question)
    if now != state[1]:
        raise _MovedError
    return answer


def _read(held: Held, question: metric_query.Query) -> tuple[int, Answer]:
    with held.snapshot() as reader:
        return reader.version, answer(reader, question)


def tells_sessions(dimensions: Iterable[str]) -> bool:
    """Whether the reader can be told how many sessions there are by some dimensions."""
    return shows_people() or groups_tell_sessions(dimensions)


def _why_none(keeper: Process | None) -> str:
    status = keeper.status if keeper else None
    if status and status.problem:
        if current_user.reader().may(Permission.SYNC):  # it may name the token's owner
            return status.problem
        return UNTOLD
    return "The first sync is about to begin. Numbers appear here as soon as it has read any."
