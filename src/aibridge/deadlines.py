"""Synchronous requests that end at their deadline.

httpx bounds each wait by itself: a server that sends a byte of its head now and then would be
waited for without end. An asynchronous attempt can be cancelled wherever it is, so a synchronous
client has its attempts made by asynchronous transports, each on an event loop of its own that runs
in the thread of whoever asks. (One loop for all, in a thread beside them, takes a fifth more time.)
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import httpx

from aibridge.errors import ClosedError

T = TypeVar("T")

MOST_IDLE: Final = 20
"""As many connections as an httpx client keeps open."""


class DeadlineTransport(httpx.BaseTransport):
    """Sends by asynchronous transports, one for each request under way. Safe between threads.

    Args:
        connect: makes an asynchronous transport that is used by one request at a time.
    """

    def __init__(self, connect: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []
        self._busy: set[_Connection] = set()
        self._is_closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of an asynchronous transport.

        Raises:
            ClosedError: when it is closed, or is closed before the answer is there.
        """
        connection = self._taken()
        if connection is None:
            raise closed(request)
        try:
            return connection.send(request)
        except asyncio.CancelledError:
            raise closed(request) from None
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close all connections, and end the requests that are under way."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            for each in self._busy:
                each.cancel()
        for each in idle:
            each.close()

    def _taken(self) -> "_Connection | None":
        with self._lock:
            if self._is_closed:
                return None
            connection = self._idle.pop() if self._idle else _Connection(self._connect())
            self._busy.add(connection)
            return connection

    def _give_back(self, connection: "_Connection") -> None:
        with self._lock:
            self._busy.discard(connection)
            is_kept = not self._is_closed and len(self._idle) < MOST_IDLE
            if is_kept:
                self._idle.append(connection)
        if not is_kept:
            connection.close()


class _Connection:
    """An asynchronous transport and the event loop that it is used on."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._task: asyncio.Task[Any] | None = None
        self._is_cancelled = False

    def send(self, request: httpx.Request) -> httpx.Response:
        return _without_a_loop(lambda: self._runner.run(self._sent(request)))

    def cancel(self) -> None:
        """End the request under way; may be called in any thread."""
        self._is_cancelled = True
        self._loop.call_soon_threadsafe(self._cancel_task)

    def close(self) -> None:
        _without_a_loop(self._close)

    def _close(self) -> None:
        with self._runner:
            self._runner.run(self._transport.aclose())

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        if self._is_cancelled:
            raise asyncio.CancelledError
        self._task = asyncio.current_task()
        try:
            return await self._transport.handle_async_request(request)
        finally:
            self._task = None

    def _cancel_task(self) -> None:
        if self._task is not None:
            self._task.cancel()


def _without_a_loop(work: Callable[[], T]) -> T:
    """The result of work that runs a loop, which Python refuses to do within another one."""
    if not _is_in_a_loop():
        return work()
    # A notebook, for one, calls on a loop of its own.
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(work).result()


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def closed(request: httpx.Request) -> ClosedError:
    """The error of a request by a client that is closed."""
    return ClosedError("The client is closed.", method=request.method, url=str(request.url))
