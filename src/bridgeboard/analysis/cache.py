"""A thread-safe LRU cache of answers, shared by all readers.

Streamlit's own cache hashes each part of a key byte by byte, which took a third of the time of a
page whose answers were all known. The keys of questions are hashable as they are.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from threading import Lock
from typing import Any, TypeVar

Value = TypeVar("Value")


class AnswerCache:
    """The ``most`` values that were used last.

    Threads that need the same value at the same time wait for one calculation. An error is not
    cached: all who waited get it, later callers try again. A thread that is stopped while it
    calculates (its page runs again, or an interrupt) stops no other: one that waited calculates
    instead. Values are shared, so they must not be changed.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._values: OrderedDict[Hashable, Future[Any]] = OrderedDict()

    def value(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key, calculated now if it is not cached."""
        while True:
            future, is_new = self._future(key)
            if is_new:
                self._make(key, future, make)
            try:
                value: Value = future.result()
            except CancelledError:
                if not future.cancelled():  # it is what the making itself failed with
                    raise
            else:
                return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()

    def _future(self, key: Hashable) -> tuple[Future[Any], bool]:
        """What holds the value under a key or will, and whether it is for who asks to make it."""
        with self._lock:
            is_new = key not in self._values
            future = self._values.setdefault(key, Future())
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return future, is_new

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
