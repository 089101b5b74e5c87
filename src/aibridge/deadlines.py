"""Synchronous requests that end at their deadline.

httpx bounds each wait by itself: a server that sends a byte of its head now and then would be
waited for without end. An asynchronous attempt can be cancelled wherever it is, so a synchronous
client has its attempts made by an asynchronous transport, on an event loop in a thread beside it.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


class DeadlineTransport(httpx.BaseTransport):
    """Sends by an asynchronous transport, and waits for it."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self._loop = _event_loop()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the asynchronous transport."""
        return self._wait(self._transport.handle_async_request(request))

    def close(self) -> None:
        """Close the asynchronous transport."""
        self._wait(self._transport.aclose())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            # Whoever is interrupted here leaves nothing running behind.
            future.cancel()
            del future


@cache
def _event_loop() -> asyncio.AbstractEventLoop:
    """The loop that all synchronous clients of this process share."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="aibridge", daemon=True).start()
    return loop


if hasattr(os, "register_at_fork"):
    # A forked process has none of the threads of its parent.
    os.register_at_fork(after_in_child=_event_loop.cache_clear)
