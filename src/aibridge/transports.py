"""Sends a request when the rate limit permits it, and reads its whole response.

``httpx_retries`` sees only what happens before a body is read. Beneath it, therefore, stand
transports that read each body to its end, within a size and a time, so that a body that breaks
off is tried again like everything else. Proxies, certificates and the connection pool are those of
an ordinary httpx client.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

import httpx

from aibridge.answers import GarbledAnswer, StrayError, described, place, unfinished
from aibridge.bodies import Body, Limits, too_late
from aibridge.calls import Call
from aibridge.deadlines import closed
from aibridge.errors import AIBridgeError, ArgumentError
from aibridge.pace import ClockOffset, Pace

HTTPClient: TypeAlias = httpx.Client | httpx.AsyncClient

logger = logging.getLogger("aibridge")


def build_request(http: HTTPClient, address: str, call: Call[Any]) -> httpx.Request:
    """The request of a call.

    Raises:
        ArgumentError: when what is asked for is too long for an address (65,536 characters).
    """
    try:
        return http.build_request("GET", address + call.path, params=call.params or None)
    except httpx.InvalidURL:
        raise ArgumentError(
            "What is asked for is too long for an address.",
            advice="Shorten the search or the id: ids have at most 256 characters.",
        ) from None


class WholeTransport(httpx.BaseTransport):
    """Sends by an httpx client and hands on only whole answers."""

    def __init__(self, http: httpx.Client, limits: Limits) -> None:
        self._http = http
        self._limits = limits

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One attempt: the answer with its body read and decoded."""
        began = self._limits.clock()
        with _attempt(request, self._http):
            response = self._http.send(request, stream=True)
            try:
                answer = Body(response, self._limits, began).read()
            finally:
                response.close()
            return _judged(request, answer)

    def close(self) -> None:
        """Close the client beneath."""
        self._http.close()


class AsyncWholeTransport(httpx.AsyncBaseTransport):
    """``WholeTransport`` for an asynchronous client."""

    def __init__(self, http: httpx.AsyncClient, limits: Limits) -> None:
        self._http = http
        self._limits = limits

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One attempt: the answer with its body read and decoded."""
        with _attempt(request, self._http):
            try:
                async with asyncio.timeout(self._limits.deadline):
                    return _judged(request, await self._received(request))
            except TimeoutError:
                late = too_late(request, self._limits)
            # Outside of the block: httpx's own error holds the request and its token.
            raise late

    async def _received(self, request: httpx.Request) -> httpx.Response:
        began = self._limits.clock()
        response = await self._http.send(request, stream=True)
        try:
            return await Body(response, self._limits, began).aread()
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the client beneath."""
        await self._http.aclose()


def _judged(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    if response.status_code == httpx.codes.OK:
        fault = unfinished(response)
        if fault is not None:
            raise GarbledAnswer(fault, request=request)
    else:
        request.extensions["fault"] = f"status {response.status_code}"
    return response


@contextmanager
def _attempt(request: httpx.Request, http: HTTPClient) -> Iterator[None]:
    # The retries above send the same request object again, so it can carry the tally.
    tally = request.extensions["attempt"] = request.extensions.get("attempt", 0) + 1
    if tally > 1:
        fault = request.extensions.get("fault")
        logger.warning("attempt %d of GET %s after: %s", tally, place(request), fault)
    try:
        yield
    except AIBridgeError:
        raise
    except httpx.HTTPError as error:
        request.extensions["fault"] = described(error, request)
        raise
    except Exception as error:
        if http.is_closed:
            raise closed(request) from None
        raise StrayError(described(error, request), request=request) from error


@dataclass(frozen=True)
class Timing:
    """The pace that is kept, if any, and how far the server's clock is from ``clock``."""

    pace: Pace | None = None
    clock: Callable[[], float] = time.time
    skew: ClockOffset = field(default_factory=ClockOffset)

    @property
    def offset(self) -> timedelta | None:
        """The server's clock minus ours; None before any answer had a date."""
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
