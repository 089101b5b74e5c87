"""Runs questions on a store: at once (``Snapshot``), or cached under the reader's row access.

An answer belongs to one state of the store and to the rows that a reader reaches. It is kept under
both and the question, so a page that is looked at again costs nothing, a sync shows at once, and
nobody is ever given what was answered to somebody who may see more.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any, Final, Self, TypeVar

from bridgeboard.access import EVERYTHING, RowAccess
from bridgeboard.analysis import coverage as of_store
from bridgeboard.analysis.coverage import Coverage
from bridgeboard.analysis.questions import Questions
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import groups_tell_sessions
from bridgeboard.model.store import MovedError, Reader, Store
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.store_status import ALL_READ

State = tuple[str, int, RowAccess]
"""Which store it is, the number of its last batch, and which of its rows are reached."""

_TRIES: Final = 3
MOVED: Final = "The store was written between the look at its version and the question. Ask again."
T = TypeVar("T")


def answer(reader: Reader, question: Query) -> Answer:
    """The answer to a statement of ``queries``.

    Whoever sees groups of people only is told how many sessions there are by time, team and
    client; by anything else it is unknown, as sums of groups do not say what a session used.
    """
    result = Answer.of(*reader.named(*question))
    if reader.sees_groups_only and not groups_tell_sessions(question.dimensions or ()):
        return result.unknown("sessions")
    return result


@dataclass(frozen=True)
class Snapshot(Questions):
    """Questions to one state of a store; nothing is kept."""

    reader: Reader

    def ask(self, question: Query) -> Answer:
        """The answer to a statement of ``queries``."""
        return answer(self.reader, question)

    def coverage(self) -> Coverage:
        """What the store covers."""
        return self._coverage

    @property
    def sees_groups_only(self) -> bool:
        """Whether the reader of this snapshot does."""
        return self.reader.sees_groups_only

    @cached_property
    def _coverage(self) -> Coverage:
        return of_store.coverage(self.reader)


class AnswerCache:
    """The ``most`` values that were used last, for all threads.

    Streamlit's own cache hashes each part of a key byte by byte, which took a third of the time of
    a page whose answers were all known. The keys of questions are hashable as they are.

    Threads that need the same value at the same time wait for one calculation. An error is not
    cached: all who waited get it, later callers try again. A thread that is stopped while it
    calculates (its page runs again, or an interrupt) stops no other: one that waited calculates
    instead. Values are shared, so they must not be changed.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._values: OrderedDict[Hashable, Future[Any]] = OrderedDict()

    def value(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, calculated now if it is not cached."""
        while True:
            future, is_new = self._future(key)
            if is_new:
                self._make(key, future, make)
            try:
                value: T = future.result()
            except CancelledError:
                if not future.cancelled():  # it is what the making itself failed with
                    raise
            else:
                return value

    def known(self, key: Hashable) -> Any:
        """The value of a key if it is cached, else None."""
        with self._lock:
            future = self._values.get(key)
        is_known = future and future.done() and not future.cancelled() and not future.exception()
        return future.result() if future and is_known else None

    def keep(self, key: Hashable, value: object) -> None:
        """Cache a value in place of the one that is known under its key."""
        future = Future[Any]()
        future.set_result(value)
        with self._lock:
            self._values.pop(key, None)
            self._hold(key, future)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()

    def _future(self, key: Hashable) -> tuple[Future[Any], bool]:
        """What holds the value under a key or will, and whether it is for who asks to make it."""
        with self._lock:
            is_new = key not in self._values
            return self._hold(key, Future()), is_new

    def _hold(self, key: Hashable, future: Future[Any]) -> Future[Any]:
        """What is under a key, the future if nothing is; it was used last of all now."""
        future = self._values.setdefault(key, future)
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)
        return future

    def _make(self, key: Hashable, future: Future[Any], make: Callable[[], Any]) -> None:
        try:
            future.set_result(make())
        except Exception as error:
            self._forget(key, future)
            future.set_exception(error)
            raise
        except BaseException:
            self._forget(key, future)
            future.cancel()
            raise

    def _forget(self, key: Hashable, future: Future[Any]) -> None:
        with self._lock:
            if self._values.get(key) is future:
                del self._values[key]


@dataclass(frozen=True)
class Runner(Questions):
    """Questions to a store as a reader may see it, whose answers are kept and shared.

    Attributes:
        _store: what is asked; none of its rows are reached but by the reader's row access.
        row_access: which of its rows the reader reaches.
        cache: where answers are kept.
    """

    _store: Store
    row_access: RowAccess
    cache: AnswerCache

    def ask(self, question: Query) -> Answer:
        """The answer to a statement of ``queries``. Raises StoreError."""
        for _ in range(_TRIES):
            try:
                state = self.state()
                make = partial(self._answer_in, state, question)
                return self.cache.value((state, question), make)
            except MovedError:
                continue
        return self.read(lambda reader: answer(reader, question))

    def of_everybody(self) -> Self:
        """The same questions to all rows, for what tells no reader more than they may know."""
        return replace(self, row_access=EVERYTHING)

    def snapshot(self) -> AbstractContextManager[Reader]:
        """Several questions to one state of the store."""
        return self._store.snapshot(self.row_access)

    def read(self, ask: Callable[[Reader], T]) -> T:
        """What one or several questions to one state answer; nothing of it is kept."""
        for _ in range(_TRIES - 1):
            with suppress(MovedError), self.snapshot() as reader:
                return ask(reader)
        with self.snapshot() as reader:
            return ask(reader)

    def cached(self, about: Hashable, make: Callable[[], T]) -> T:
        """What is worked out from this state of the store, and ``about`` what it is; made once.

        It is shared between all readers who may see the same: it must not be changed.
        """
        return self.cache.value((self.state(), about), make)

    def known(self, about: Hashable) -> Any:
        """What ``cached`` has under ``about``; None if it has nothing."""
        return self.cache.known((self.state(), about))

    def places(self, name: str, shown: Collection[str]) -> dict[str, int]:
        """``first_seen`` of a dimension with a place for each value that is shown.

        New requests only add values at its end, so what an earlier state answered is right as long
        as it has these values and the oldest request is the same: to ask goes through all times.
        """
        about = ("places", name, self._store.identity, self.row_access, self.coverage().first_at)
        known: dict[str, int] | None = self.cache.known(about)
        if known is None or not known.keys() >= set(shown):
            known = self.first_seen(name)
            self.cache.keep(about, known)
        return known

    def coverage(self) -> Coverage:
        """What the store covers."""
        return self.cached("coverage", lambda: self.read(of_store.coverage))

    @property
    def sees_groups_only(self) -> bool:
        """Whether the reader's row access is to groups."""
        return self.row_access.floor is not None

    def setting(self, name: str) -> str | None:
        """A setting that the sync keeps in the store; None if it was never set."""
        return self.cached(("meta", name), lambda: self._store.meta(name))

    def state(self) -> State:
        """Which state the store is in now, and which of its rows are reached."""
        return self._store.identity, self.version, self.row_access

    @property
    def path(self) -> Path:
        """The store's file."""
        return self._store.path

    @property
    def version(self) -> int:
        """The number of the last batch: what is shown is the same as long as it is."""
        return self._store.version

    def _answer_in(self, state: State, question: Query) -> Answer:
        with self.snapshot() as reader:
            if reader.version != state[1]:
                raise MovedError(MOVED)
            shorter = question.if_all_read
            if shorter is not question and self._is_all_read(state, reader):
                return answer(reader, shorter)
            return answer(reader, question)

    def _is_all_read(self, state: State, reader: Reader) -> bool:
        """Whether a request is known of every session, in this state; sums of groups do not say."""
        if reader.sees_groups_only:
            return False

        def ask() -> bool:
            ((is_all_read,),) = reader.rows(ALL_READ)
            return bool(is_all_read)

        return self.cache.value((state, "all read"), ask)
