"""What was worked out once, kept under what it was worked out from; shared by all who look.

Streamlit's own cache digests each part of a key byte by byte, which took a third of the time of a
page whose answers were all known. What a page asks by is hashable as it stands.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """The ``most`` values asked for last; safe to ask from several threads.

    Two who ask for the same at the same time wait for one making. What fails is not kept: each
    who waited for it gets the error, who comes later tries again. Who is stopped while making
    one (a page that runs again, an interrupt) stops nobody else: who waited makes it instead.
    Values are shared, so they are never changed.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._values: OrderedDict[Hashable, Future[Value]] = OrderedDict()

    def value(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value under a key, made now if it is not there."""
        while True:
            future, is_new = self._future(key)
            if is_new:
                self._make(key, future, make)
            try:
                return future.result()
            except CancelledError:
                if not future.cancelled():  # it is what the making itself failed with
                    raise

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()

    def _future(self, key: Hashable) -> tuple[Future[Value], bool]:
        """What holds the value under a key or will, and whether it is for who asks to make it."""
        with self._lock:
            is_new = key not in self._values
            future = self._values.setdefault(key, Future())
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return future, is_new

    def _make(self, key: Hashable, future: Future[Value], make: Callable[[], Value]) -> None:
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

    def _forget(self, key: Hashable, future: Future[Value]) -> None:
        with self._lock:
            if self._values.get(key) is future:
                del self._values[key]
