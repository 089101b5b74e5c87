"""Serves ``whoami.py`` as the dashboard is served: ``whoami_server.py '{"port": 8501, ...}'``.

``auth`` are Streamlit's secrets of that name; ``proxies`` are the addresses whose identity headers
are believed; ``forwarded`` is what uvicorn's variable is set to, null for its own default;
``secure`` marks all cookies as such. The first line that is printed tells that it serves.
"""

import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]

NAMES = ("user", "email", "groups", "preferred-username")
IDENTITY = {f"x-forwarded-{name}".encode() for name in NAMES}


class Believed:
    """Pure ASGI middleware: identity headers of a peer that is no listed proxy are dropped."""

    def __init__(self, app: ASGIApp, proxies: list[str]) -> None:
        self.app, self.proxies = app, proxies

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and scope["client"][0] not in self.proxies:
            kept = [pair for pair in scope["headers"] if pair[0].lower() not in IDENTITY]
            scope = {**scope, "headers": kept}
        await self.app(scope, receive, send)


class Secure:
    """Pure ASGI middleware: every cookie that an answer sets is sent over TLS only."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (name, value + b"; Secure" if name.lower() == b"set-cookie" else value)
                    for name, value in message["headers"]
                ]
            await send(message)

        await self.app(scope, receive, sealed)


async def scope_of(request: Request) -> JSONResponse:
    """What a route sees of its caller."""
    told = {"client": request.scope["client"][0], "scheme": request.scope["scheme"]}
    return JSONResponse(told | {"headers": dict(request.headers)})


def main(told: dict[str, Any]) -> None:
    if told["forwarded"] is not None:
        os.environ["FORWARDED_ALLOW_IPS"] = told["forwarded"]

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        print("serving", flush=True)  # noqa: T201 - the sign that is waited for
        yield

    seal = [Middleware(Secure)] if told["secure"] else []
    st.App(
        Path(__file__).with_name("whoami.py"),
        routes=[Route("/scope", scope_of)],
        middleware=[*seal, Middleware(Believed, proxies=told["proxies"])],
        lifespan=lifespan,
        secrets={"auth": told["auth"]} if told["auth"] else None,
    ).run(
        config={
            "server.address": "127.0.0.1",
            "server.port": told["port"],
            "server.headless": True,
            "browser.gatherUsageStats": False,
        }
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
