"""How a request is sent so that a passing fault is not the caller's: whole bodies, and again.

``httpx_retries`` sees only what happens before a body is read. Beneath it, therefore, stands a
transport that reads each body to its end, within a size and a time, so that a body that breaks
off is tried again like everything else. The wires themselves (proxies, certificates, connection
pool) are an ordinary httpx client's.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import httpx
from httpx_retries import Retry

from aibridge.answers import (
    GarbledAnswer,
    StrayError,
    described,
    is_untrusted,
    place,
    plain,
    unfinished,
)
from aibridge.calls import Call
from aibridge.errors import (
    AIBridgeError,
    ArgumentError,
    ClosedError,
)
from aibridge.intake import Intake, Limits, too_late
from aibridge.punctual import Ends, make_punctual

Wires: TypeAlias = httpx.Client | httpx.AsyncClient

logger = logging.getLogger("aibridge")

DOUBTFUL_RETRIES = 2
INTERNAL_SERVER_ERROR = 500


class Patience(Retry):
    """The default policy's own judgement of what may pass; ``copy_with`` keeps it.

    A 500 may be a database that is restarting, or may stay for ever; a 200 that is not JSON may
    be a proxy's maintenance page, or its login page: both are tried again twice. A certificate
    that is not trusted stays so.
    """

    def parse_retry_after(self, retry_after: str) -> float:
        """Seconds to wait; 0, which is "as usual", for what says neither seconds nor a time.

        What is parsed may be logged, so it is made printable first.
        """
        try:
            return super().parse_retry_after(plain(retry_after))
        except Exception:  # noqa: BLE001  # the parser of dates fails in ways it does not promise
            return 0.0

    def is_retryable_status_code(self, status_code: int) -> bool:
        """Whether an answer with this status is worth another try, after those already made."""
        if status_code == INTERNAL_SERVER_ERROR:
            return self.attempts_made < DOUBTFUL_RETRIES
        return super().is_retryable_status_code(status_code)

    def is_retryable_exception(self, exception: Exception) -> bool:
        """Whether a failure is worth another try, after those already made."""
        if isinstance(exception, GarbledAnswer):
            return self.attempts_made < DOUBTFUL_RETRIES
        return super().is_retryable_exception(exception) and not is_untrusted(exception)


def default_retry() -> Retry:
    """Four retries within two minutes of waiting, for GET; ``copy_with`` changes the figures.

    On 429, 502, 503, 504, timeouts, network faults and broken answers; twice on 500. Waits
    0.5, 1, 2 and 4 seconds less up to half of each by chance, or what ``Retry-After`` says up
    to a minute, which is the length of the server's rate window (api-contract 1.7).
    """
    return Patience(
        total=4,
        allowed_methods=["GET"],
        backoff_factor=0.25,
        backoff_jitter=0.5,
        max_backoff_wait=60,
        total_timeout=120,
    )


def built(wires: Wires, address: str, call: Call[Any]) -> httpx.Request:
    """The request of a call.

    Raises:
        ArgumentError: when what is asked for is too long for an address (65,536 characters).
    """
    try:
        return wires.build_request("GET", address + call.path, params=call.params or None)
    except httpx.InvalidURL:
        raise ArgumentError(
            "What is asked for is too long for an address.",
            advice="Shorten the search or the id: ids have at most 256 characters.",
        ) from None


class WholeTransport(httpx.BaseTransport):
    """Sends by an httpx client and hands on only whole answers."""

    def __init__(self, wires: httpx.Client, limits: Limits) -> None:
        self._wires = wires
        self._limits = limits
        self._ends = Ends(limits.clock)
        make_punctual(wires, self._ends)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One attempt: the answer with its body read and decoded."""
        began = self._limits.clock()
        with _attempt(request, self._wires), self._ends.within(self._limits.deadline):
            try:
                return _judged(request, self._received(request, began))
            except httpx.TimeoutException:
                if self._limits.clock() - began < self._limits.deadline:
                    raise
                late = too_late(request, self._limits)
            # Outside of the block: httpx's own error holds the request and its token.
            raise late

    def _received(self, request: httpx.Request, began: float) -> httpx.Response:
        response = self._wires.send(request, stream=True)
        try:
            intake = Intake(response, self._limits, began)
            is_read = response.is_stream_consumed
            for piece in (response.content,) if is_read else response.iter_raw():
                if not intake.take(piece):
                    break
        finally:
            response.close()
        return intake.whole()

    def close(self) -> None:
        """Close the client beneath."""
        self._wires.close()


class AsyncWholeTransport(httpx.AsyncBaseTransport):
    """``WholeTransport`` for an asynchronous client."""

    def __init__(self, wires: httpx.AsyncClient, limits: Limits) -> None:
        self._wires = wires
        self._limits = limits

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One attempt: the answer with its body read and decoded."""
        with _attempt(request, self._wires):
            try:
                async with asyncio.timeout(self._limits.deadline):
                    return _judged(request, await self._received(request))
            except TimeoutError:
                late = too_late(request, self._limits)
            raise late

    async def _received(self, request: httpx.Request) -> httpx.Response:
        began = self._limits.clock()
        response = await self._wires.send(request, stream=True)
        try:
            intake = Intake(response, self._limits, began)
            if response.is_stream_consumed:
                intake.take(response.content)
                return intake.whole()
            async for piece in response.aiter_raw():
                if not intake.take(piece):
                    break
        finally:
            await response.aclose()
        return intake.whole()

    async def aclose(self) -> None:
        """Close the client beneath."""
        await self._wires.aclose()


def _judged(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    if response.status_code == httpx.codes.OK:
        fault = unfinished(response)
        if fault is not None:
            raise GarbledAnswer(fault, request=request)
    else:
        request.extensions["fault"] = f"status {response.status_code}"
    return response


@contextmanager
def _attempt(request: httpx.Request, wires: Wires) -> Iterator[None]:
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
        if wires.is_closed:
            raise ClosedError(
                "The client is closed.", method=request.method, url=str(request.url)
            ) from None
        raise StrayError(described(error, request), request=request) from error
