"""When requests go out, and what their answers tell of the server's time and allowance."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from aibridge.answers import place
from aibridge.pace import Pace
from aibridge.skew import Skew


@dataclass(frozen=True)
class Timing:
    """The pace that is kept, if any, and how far the server's clock is from ``clock``."""

    pace: Pace | None = None
    clock: Callable[[], float] = time.time
    skew: Skew = field(default_factory=Skew)

    @property
    def offset(self) -> timedelta | None:
        """The server's clock minus ours; None before any answer has told its time."""
        seconds = self.skew.seconds
        return None if seconds is None else timedelta(seconds=seconds)


class TimedTransport(httpx.BaseTransport):
    """Hands requests on when it is time for them; stands below the retries, which count too."""

    def __init__(self, inner: httpx.BaseTransport, timing: Timing) -> None:
        self._inner = inner
        self._timing = timing

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the transport beneath."""
        pace, clock = self._timing.pace, self._timing.clock
        paced_at = pace.wait(place(request)) if pace else 0.0
        sent_at = clock()
        response = self._inner.handle_request(request)
        self._timing.skew.learn(response.headers, sent_at, clock())
        if pace:
            pace.learn(place(request), response.status_code, response.headers, paced_at)
        return response

    def close(self) -> None:
        """Close the transport beneath."""
        self._inner.close()


class AsyncTimedTransport(httpx.AsyncBaseTransport):
    """``TimedTransport`` for asyncio."""

    def __init__(self, inner: httpx.AsyncBaseTransport, timing: Timing) -> None:
        self._inner = inner
        self._timing = timing

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the transport beneath."""
        pace, clock = self._timing.pace, self._timing.clock
        paced_at = await pace.async_wait(place(request)) if pace else 0.0
        sent_at = clock()
        response = await self._inner.handle_async_request(request)
        self._timing.skew.learn(response.headers, sent_at, clock())
        if pace:
            pace.learn(place(request), response.status_code, response.headers, paced_at)
        return response

    async def aclose(self) -> None:
        """Close the transport beneath."""
        await self._inner.aclose()
