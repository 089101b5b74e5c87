"""The ASGI app around ``app.py``: health, security headers, the sync beside it, and its server."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from bridgeboard import watch
from bridgeboard.settings import Settings, SettingsError, install
from bridgeboard.watch import Status, Watch

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]

TURN_SECONDS = 0.0005
"""How long a thread may keep Python's lock while another one waits. A page is made of a hundred
small messages, and the thread that sends them would wait 5 ms for its turn at each of them."""

# Streamlit styles its elements inline and Vega compiles expressions, hence the two "unsafe" words;
# nothing may be fetched from, framed by or sent to another host.
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "frame-src": "'none'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
SECURITY_HEADERS = {
    "content-security-policy": "; ".join(map(" ".join, CONTENT_SECURITY_POLICY.items())),
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class SecurityHeaders:
    """Pure ASGI middleware: every HTTP answer carries :data:`SECURITY_HEADERS`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything through; only the start of an HTTP answer is touched."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _secured(message.get("headers", []))
            await send(message)

        await self.app(scope, receive, send_with_headers)


def home() -> Path:
    """The folder of ``app.py``: inside the wheel, or the checkout's root."""
    packed = Path(__file__).parent / "_app"
    return packed if packed.is_dir() else Path(__file__).parents[2]


def application(settings: Settings, *, when_ready: Callable[[], None] = lambda: None) -> st.App:
    """The dashboard as an ASGI app that syncs; ``when_ready`` is called once it serves."""
    install(settings)
    keeper = Watch(settings, clock=_now)
    watch.install(keeper)

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        keeper.start()
        when_ready()
        yield
        await asyncio.to_thread(keeper.stop)

    return st.App(
        home() / "app.py",
        routes=[Route("/healthz", _healthz), Route("/overview", _home)],
        middleware=[Middleware(SecurityHeaders)],
        lifespan=lifespan,
    )


def serve(settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Serve the dashboard until interrupted.

    Raises :class:`~bridgeboard.settings.SettingsError` for an address that others could reach
    without ``allow_remote``, and for one that cannot be listened on.
    """
    refuse_an_open_door(settings)
    refuse_a_taken_port(settings)
    sys.setswitchinterval(TURN_SECONDS)
    os.chdir(home())  # Streamlit reads its theme from the working directory
    application(settings, when_ready=lambda: announce(reached_at(settings))).run(
        config={
            "server.address": settings.host,
            "server.port": settings.port,
            "server.allowedHosts": settings.names,
        }
    )


def reached_at(settings: Settings) -> str:
    """The address to give to a browser on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - not bound here
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def refuse_an_open_door(settings: Settings) -> None:
    """Raise unless ``host`` is this machine only or the operator said otherwise."""
    if not (settings.loopback or settings.allow_remote):
        raise SettingsError(
            f"{settings.host} can be reached from other machines, and there is no login yet: "
            "everybody who reaches it would see all sessions. Keep --host 127.0.0.1 and put an "
            "authenticating proxy or an SSH tunnel in front, or accept it with --allow-remote."
        )


def refuse_a_taken_port(settings: Settings) -> None:
    """Raise when ``host`` and ``port`` cannot be listened on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. "
            "Choose another with --host or --port."
        ) from None


async def _home(request: Request) -> RedirectResponse:
    """The overview is the start page, which Streamlit does not know by its own name."""
    query = request.url.query
    return RedirectResponse(f"./?{query}" if query else "./")


async def _healthz(_request: Request) -> JSONResponse:
    keeper = watch.current()
    told = {"status": "ok", "version": version("bridgeboard")}
    return JSONResponse(told | {"sync": synced(keeper.status if keeper else Status())})


def synced(status: Status) -> dict[str, object]:
    """The background sync for a monitor: numbers and times, nothing that only a viewer may see."""
    event = status.event
    return {
        "state": status.state,
        "good": status.problem is None,
        "last_good_at": status.good_at.isoformat() if status.good_at else None,
        "phase": event.phase if event else None,
        "done": event.done if event else 0,
        "total": event.total if event else None,
        "quarantined": event.quarantined if event else 0,
    }


def _now() -> datetime:
    return datetime.now(UTC)


def _secured(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    ours = {name.encode(): value.encode() for name, value in SECURITY_HEADERS.items()}
    return [pair for pair in headers if pair[0].lower() not in ours] + list(ours.items())
