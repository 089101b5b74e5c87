"""Handles the path prefix of a reverse proxy, whether the proxy strips it or not.

All other middleware knows paths without it, and Streamlit knows them with it, as it makes addresses
of its own. So it is taken off where a request comes in, if it is there, and put on before the app.
"""

from bridgeboard.server.login_start import without_base
from bridgeboard.server.middleware.asgi import ASGIApp, Message, Receive, Send, answer


class WithoutBase:
    """Requests under the base path go on without it; where a proxy stripped it, as they are."""

    def __init__(self, app: ASGIApp, base: str) -> None:
        self.app = app
        self.base = base

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything on, and lead from the bare base path to the page in it."""
        if scope["type"] == "http" and self.base and scope["path"] == self.base:
            query = b"?" + scope["query_string"] if scope["query_string"] else b""
            there = (b"location", self.base.encode() + b"/" + query)
            for message in answer(307, "", "text/plain", [there]):
                await send(message)
            return
        if scope["type"] in {"http", "websocket"}:
            scope = _moved(scope, without_base(scope["path"], self.base))
        await self.app(scope, receive, send)


class WithBase:
    """Requests go on under the base path."""

    def __init__(self, app: ASGIApp, base: str) -> None:
        self.app = app
        self.base = base

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] in {"http", "websocket"}:
            scope = _moved(scope, self.base + scope["path"])
        await self.app(scope, receive, send)


def _moved(scope: Message, path: str) -> Message:
    return {**scope, "path": path, "raw_path": path.encode("utf-8", "surrogateescape")}
