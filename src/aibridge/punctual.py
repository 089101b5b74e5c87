"""Sockets of a synchronous client that wait for nothing beyond the end of an attempt.

httpx bounds each wait by itself: a server that sends a byte of its head now and then is waited for
as long as it likes. An asynchronous attempt is bounded from outside; a synchronous one cannot be.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

SHORTEST_WAIT: Final = 0.001
"""Seconds; a wait of none at all would be no wait but another kind of socket."""


class Ends:
    """When the attempts that are under way have to end, one in each thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._mine = threading.local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let this thread wait so long in all."""
        self._mine.end = self._clock() + seconds
        try:
            yield
        finally:
            self._mine.end = None

    @property
    def is_over(self) -> bool:
        """Whether this thread's attempt has lasted too long."""
        end: float | None = getattr(self._mine, "end", None)
        return end is not None and self._clock() >= end

    def cut(self, seconds: float | None) -> float | None:
        """A wait, or what is left of the attempt if that is less."""
        end: float | None = getattr(self._mine, "end", None)
        if end is None:
            return seconds
        left = max(end - self._clock(), SHORTEST_WAIT)
        return left if seconds is None else min(seconds, left)


def make_punctual(wires: httpx.Client, ends: Ends) -> None:
    """Let all sockets that a client opens from now on keep to the ends."""
    # httpx takes no network backend of its own, though its pools have one; a test with a real
    # socket notices if that changes.
    mounted = (wires._transport, *wires._mounts.values())  # noqa: SLF001  # there is no other way
    pools: list[Any] = [getattr(transport, "_pool", None) for transport in mounted]
    for pool in pools:
        backend = getattr(pool, "_network_backend", None)
        if backend is not None:
            pool._network_backend = _Backend(backend, ends)  # noqa: SLF001  # likewise


class _Backend:
    """A network backend of httpcore whose streams keep to the ends."""

    def __init__(self, inner: Any, ends: Ends) -> None:
        self._inner = inner
        self._ends = ends

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def connect_tcp(self, *args: Any, timeout: float | None = None, **named: Any) -> "_Stream":
        stream = self._inner.connect_tcp(*args, timeout=self._ends.cut(timeout), **named)
        return _Stream(stream, self._ends)


class _Stream:
    def __init__(self, inner: Any, ends: Ends) -> None:
        self._inner = inner
        self._ends = ends

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._ends.is_over:
            # Who always has something more to say would not be waited for, and heard for ever.
            raise httpx.ReadTimeout("the attempt has lasted too long")
        received: bytes = self._inner.read(max_bytes, timeout=self._ends.cut(timeout))
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout=self._ends.cut(timeout))

    def start_tls(self, *args: Any, timeout: float | None = None, **named: Any) -> "_Stream":
        stream = self._inner.start_tls(*args, timeout=self._ends.cut(timeout), **named)
        return _Stream(stream, self._ends)
