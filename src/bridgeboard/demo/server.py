"""The demo AI Bridge on a real port, and as an ASGI application.

An answer arrives as it was meant to: late, dripping, cut off, or not at all.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from types import TracebackType
from typing import Any, Self, TypeAlias

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from bridgeboard.demo.api.bridge import Bridge
from bridgeboard.demo.api.http_answers import Answer, Headers
from bridgeboard.demo.newest_first import NewestFirst

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_PIECES = 20
_LONGEST_REQUEST = 1 << 20  # bytes of request line and headers, as a Go server allows


class Server:
    """Serves a bridge from a thread of its own until ``stop``; also a context manager.

    ``bridge`` may be replaced at any time: the next request meets the new one, as after an
    upgrade. Port 0 takes a free one; ``url`` tells which. The port accepts connections as soon as
    ``start`` has returned.
    """

    def __init__(
        self, bridge: Bridge | NewestFirst, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.bridge = bridge
        self._address = host, port
        self._socket: socket.socket | None = None
        self._uvicorn: _Uvicorn | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address to give to a client."""
        if self._socket is None:
            raise RuntimeError("the demo server is not running: start it first")
        host, port = self._socket_name
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> Self:
        """Bind the port and serve; return the server."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._socket = socket.create_server(self._address, family=family)
        self._socket_name: tuple[str, int] = self._socket.getsockname()[:2]
        self._uvicorn = _Uvicorn(self)
        self._thread = threading.Thread(
            target=self._uvicorn.run, args=([self._socket],), name="demo-api", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close all connections and the port, and wait for the thread to end; may be repeated."""
        if self._thread is None or self._uvicorn is None or self._socket is None:
            return
        self._uvicorn.should_exit = True
        self._thread.join()
        self._socket.close()
        self._thread = self._uvicorn = self._socket = None

    def wait(self) -> None:
        """Wait until the server is stopped by somebody else."""
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Severable(H11Protocol):
    """A connection that the application can break off, and that writes no access log."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        # Switched off here and not by uvicorn's setting, which would silence the whole process.
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it too
        """Take the connection, and tell the application how to break it off."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "sever": transport.close}

    @property
    def is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete


class _Uvicorn(uvicorn.Server):
    """A server that leaves the process's logging alone and does not wait for stalled answers."""

    def __init__(self, server: Server) -> None:
        config = uvicorn.Config(
            asgi(lambda: server.bridge),
            http=_Severable,
            ws="none",
            lifespan="off",
            log_config=None,
            server_header=False,
            h11_max_incomplete_event_size=_LONGEST_REQUEST,
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Break off what is still being answered, then shut down as usual."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, _Severable) and connection.is_answering:
                connection.transport.abort()
        await super().shutdown(sockets)


def asgi(bridge: Bridge | Callable[[], Bridge | NewestFirst]) -> App:
    """Return an ASGI application over a bridge, or over the one a function names at each request.

    A connection is broken by the ``sever`` function in the scope's state, as ``Server`` puts it
    there; where there is none, ``ConnectionResetError`` is raised instead.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"the demo API speaks HTTP, not {scope['type']}")
        current = bridge if isinstance(bridge, Bridge) else bridge()
        if isinstance(current, NewestFirst):
            chosen = await _chosen(current, scope, receive)
            if chosen is None:
                return
            current = chosen
        answer = _answer(current, scope)
        if answer.delivery == "whole" and not answer.delay_seconds:
            await send(_start(answer))
            await send(_piece(answer.body))
        else:
            await _deliver(answer, scope, receive, send)

    return app


async def _chosen(source: NewestFirst, scope: Scope, receive: Receive) -> Bridge | None:
    """The bridge that can answer; None if the caller went away before there was one."""
    gone = asyncio.ensure_future(_disconnected(receive))
    able = asyncio.ensure_future(source.bridge(scope["path"], scope["query_string"]))
    await asyncio.wait([gone, able], return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    return able.result() if able.done() else None


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
        for piece in pieces(answer):
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
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sized(answer)]
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


def _piece(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def sized(answer: Answer) -> Headers:
    """The headers of an answer, with the length of its body."""
    return (*answer.headers, ("Content-Length", str(len(answer.body))))


def pieces(answer: Answer) -> Iterator[bytes]:
    """What of an answer's body goes over the wire, piece by piece."""
    body = answer.body
    if answer.delivery == "truncated":
        yield body[: len(body) // 2]
    elif answer.delivery == "dripped":
        size = len(body) // _PIECES + 1
        yield from (body[place : place + size] for place in range(0, len(body), size))
    else:
        yield body
