"""A demo bridge behind httpx in this process; answers are late, dripping, cut off or not at all."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx

from bridgeboard.demo.api import Answer, Bridge
from bridgeboard.demo.server import pieces, sized


class Transport(httpx.MockTransport):
    """Serves a bridge in process; faults of the connection become httpx's own exceptions.

    A stalled answer is a ``ReadTimeout`` at once, without the wait; so is one that comes later
    than the client's read timeout.
    """

    def __init__(self, bridge: Bridge | Callable[[], Bridge]) -> None:
        super().__init__(self.handle_request)
        self._bridge = bridge

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a synchronous client."""
        request.read()
        answer = self._ask(request)
        time.sleep(answer.delay_seconds)
        return self._respond(request, answer)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer an asynchronous client."""
        await request.aread()
        answer = self._ask(request)
        await asyncio.sleep(answer.delay_seconds)
        return self._respond(request, answer)

    def _ask(self, request: httpx.Request) -> Answer:
        bridge = self._bridge if isinstance(self._bridge, Bridge) else self._bridge()
        path, _, query = request.url.raw_path.partition(b"?")
        answer = bridge.answer(request.method, path, query, request.headers.multi_items())
        if answer.delivery == "stalled" or _is_too_late(request, answer.delay_seconds):
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        return answer

    def _respond(self, request: httpx.Request, answer: Answer) -> httpx.Response:
        if answer.delivery == "dropped":
            raise httpx.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            )
        if answer.delivery == "dripped" and _is_too_late(request, answer.pace_seconds):
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        return httpx.Response(answer.status, headers=list(sized(answer)), stream=_Body(answer))


def _is_too_late(request: httpx.Request, seconds: float) -> bool:
    patience = request.extensions.get("timeout", {}).get("read")
    return patience is not None and seconds > patience


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of an answer, in pieces and with its faults."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        for piece in pieces(self._answer):
            yield piece
            time.sleep(self._answer.pace_seconds)
        self._break_off()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in pieces(self._answer):
            yield piece
            await asyncio.sleep(self._answer.pace_seconds)
        self._break_off()

    def _break_off(self) -> None:
        if self._answer.delivery == "truncated":
            size = len(self._answer.body)
            raise httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body"
                f" (received {size // 2} bytes, expected {size})"
            )
