"""Ways to a bridge: ASGI for a server, an httpx transport for clients in this process.

By both an answer arrives as it was meant to: late, dripping, cut off, or not at all.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from typing import Any, TypeAlias

import httpx

from bridgeboard.demo.api.bridge import Bridge
from bridgeboard.demo.api.http_answers import Answer, Headers

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_PIECES = 20


def asgi(bridge: Bridge | Callable[[], Bridge]) -> App:
    """Return an ASGI application over a bridge, or over the one a function names at each request.

    A connection is broken by the ``sever`` function in the scope's state, as ``Server`` puts it
    there; where there is none, ``ConnectionResetError`` is raised instead.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"the demo API speaks HTTP, not {scope['type']}")
        current = bridge if isinstance(bridge, Bridge) else bridge()
        answer = _answer(current, scope)
        if answer.delivery == "whole" and not answer.delay_seconds:
            await send(_start(answer))
            await send(_piece(answer.body))
        else:
            await _deliver(answer, scope, receive, send)

    return app


def _answer(bridge: Bridge, scope: Scope) -> Answer:
    headers = [(name.decode("latin-1"), text.decode("latin-1")) for name, text in scope["headers"]]
    raw_path = scope.get("raw_path") or scope["path"]
    return bridge.answer(scope["method"], raw_path, scope["query_string"], headers)


async def _deliver(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await _pause(answer.delay_seconds, gone)
        if answer.delivery == "stalled":
            await _pause(answer.pace_seconds, gone)
        if answer.delivery in {"stalled", "dropped"}:
            await _sever(scope, gone)
            return
        await send(_start(answer))
        for piece in _pieces(answer):
            await send(_piece(piece, more=True))
            await _pause(answer.pace_seconds, gone)
        if answer.delivery == "truncated":
            await _sever(scope, gone)
        else:
            await send(_piece(b""))
    finally:
        gone.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pause(seconds: float, gone: "asyncio.Future[None]") -> None:
    """Wait, but no longer than the caller does."""
    await asyncio.wait([gone], timeout=seconds)


async def _sever(scope: Scope, gone: "asyncio.Future[None]") -> None:
    sever = scope.get("state", {}).get("sever")
    if sever is None:
        raise ConnectionResetError("a demo fault broke the connection")
    sever()
    await gone


def _start(answer: Answer) -> dict[str, Any]:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in _sized(answer)]
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


def _piece(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def _sized(answer: Answer) -> Headers:
    return (*answer.headers, ("Content-Length", str(len(answer.body))))


def _pieces(answer: Answer) -> Iterator[bytes]:
    body = answer.body
    if answer.delivery == "truncated":
        yield body[: len(body) // 2]
    elif answer.delivery == "dripped":
        size = len(body) // _PIECES + 1
        yield from (body[place : place + size] for place in range(0, len(body), size))
    else:
        yield body


def transport(bridge: Bridge | Callable[[], Bridge]) -> "Transport":
    """Return a transport for ``httpx.Client`` and ``httpx.AsyncClient``, without any socket."""
    return Transport(bridge)


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
        return httpx.Response(answer.status, headers=list(_sized(answer)), stream=_Body(answer))


def _is_too_late(request: httpx.Request, seconds: float) -> bool:
    patience = request.extensions.get("timeout", {}).get("read")
    return patience is not None and seconds > patience


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of an answer, in pieces and with its faults."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        for piece in _pieces(self._answer):
            yield piece
            time.sleep(self._answer.pace_seconds)
        self._break_off()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in _pieces(self._answer):
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
