"""How a request is sent so that a passing fault is not the caller's: whole bodies, and again.

``httpx_retries`` sees only what happens before a body is read. Beneath it, therefore, stands a
transport that reads each body to its end, within a size and a time, so that a body that breaks
off is tried again like everything else. The wires themselves (proxies, certificates, connection
pool) are an ordinary httpx client's.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    DecodeError,
    OversizedError,
    TimedOutError,
)

Wires: TypeAlias = httpx.Client | httpx.AsyncClient

logger = logging.getLogger("aibridge")

MAX_BYTES = 256 * 1024 * 1024
MAX_ERROR_BYTES = 1024 * 1024
DEADLINE_SECONDS = 300.0
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


@dataclass(frozen=True)
class Limits:
    """How large a decoded body may be, and how many seconds one attempt may take.

    A synchronous attempt looks at the clock at each piece of the body. The head before it is
    bounded by the read timeout at each piece, and by the 100 KB that httpx takes for a head.
    """

    max_bytes: int = MAX_BYTES
    deadline: float = DEADLINE_SECONDS
    clock: Callable[[], float] = time.monotonic


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

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One attempt: the answer with its body read and decoded."""
        began = self._limits.clock()
        with _attempt(request, self._wires):
            response = self._wires.send(request, stream=True)
            try:
                intake = _Intake(response, self._limits, began)
                for chunk in response.iter_bytes():
                    if not intake.take(chunk):
                        break
            finally:
                response.close()
            return _judged(request, intake.whole())

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
                late = _too_late(request, self._limits)
            raise late

    async def _received(self, request: httpx.Request) -> httpx.Response:
        began = self._limits.clock()
        response = await self._wires.send(request, stream=True)
        try:
            intake = _Intake(response, self._limits, began)
            async for chunk in response.aiter_bytes():
                if not intake.take(chunk):
                    break
        finally:
            await response.aclose()
        return intake.whole()

    async def aclose(self) -> None:
        """Close the client beneath."""
        await self._wires.aclose()


class _Intake:
    """A body on its way in. What it refuses is refused for good; what broke off is not."""

    def __init__(self, response: httpx.Response, limits: Limits, began: float) -> None:
        self._response = response
        self._limits = limits
        self._began = began
        self._chunks: list[bytes] = []
        self._size = 0
        self._is_cut = False
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding not in {"gzip", "deflate", "identity", ""}:
            request = response.request
            raise DecodeError(
                f"The answer to GET {place(request)} is compressed as {plain(coding, 40)!r},"
                " which was not asked for.",
                advice="Look at the proxies before the server.",
                status=response.status_code,
                method=request.method,
                url=str(request.url),
            )
        self._is_packed = coding in {"gzip", "deflate"}

    def take(self, chunk: bytes) -> bool:
        """Keep a chunk; tell whether more is wanted."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        request = self._response.request
        if self._limits.clock() - self._began > self._limits.deadline:
            raise _too_late(request, self._limits)
        if self._response.is_error:
            self._is_cut = self._size > MAX_ERROR_BYTES
            return not self._is_cut
        if self._size > self._limits.max_bytes:
            raise OversizedError(
                f"The answer to GET {place(request)} is larger than"
                f" {self._limits.max_bytes:,} bytes.",
                method=request.method,
                url=str(request.url),
            )
        return True

    def whole(self) -> httpx.Response:
        """The answer as if it had come in one piece and uncompressed."""
        sent = self._response
        self._check_length(sent)
        left_out = {b"content-encoding", b"content-length", b"transfer-encoding"}
        return httpx.Response(
            sent.status_code,
            # As bytes: names of people, in whatever encoding, are found in headers of proxies.
            headers=[(k, v) for k, v in sent.headers.raw if k.lower() not in left_out],
            content=b"".join(self._chunks),
            request=sent.request,
        )

    def _check_length(self, sent: httpx.Response) -> None:
        told = sent.headers.get("content-length", "")
        # A transport that hands over its body in one piece leaves httpx nothing to count.
        came = sent.num_bytes_downloaded or (0 if self._is_packed else self._size)
        is_counted = came or not self._size
        if is_counted and told.isdecimal() and came < int(told) and not self._is_cut:
            raise httpx.RemoteProtocolError(
                f"the body broke off after {came} of {told} bytes", request=sent.request
            )


def _judged(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    if response.status_code == httpx.codes.OK:
        fault = unfinished(response)
        if fault is not None:
            raise GarbledAnswer(fault, request=request)
    else:
        request.extensions["fault"] = f"status {response.status_code}"
    return response


def _too_late(request: httpx.Request, limits: Limits) -> TimedOutError:
    return TimedOutError(
        f"GET {place(request)} was not answered whole within {limits.deadline:g} seconds.",
        method=request.method,
        url=str(request.url),
    )


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
