"""Paths of addresses: the prefix of a reverse proxy, closed paths, too many parameters.

All other middleware knows paths without the prefix, and Streamlit knows them with it, as it makes
addresses of its own. So it is taken off where a request comes in, if it is there, whether or not
the proxy strips it, and put on before the app.
"""

from typing import Final

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bridgeboard.server.login_start import without_base

CLOSED: Final = ("/_stcore/metrics", "/_stcore/upload_file", "/_stcore/agent")
"""Streamlit's, and not needed here: they tell strangers how much the dashboard is used, or keep in
memory what strangers send."""
MOST: Final = 1_000
"""Parameters that Streamlit reads of an address."""
LONGEST: Final = 512 * 1024
"""Characters of parameters that it reads."""
UNREAD: Final = "unread=parameters"
"""Stands in place of such an address's parameters."""


class WithoutBase:
    """Requests under the base path go on without it; where a proxy stripped it, as they are."""

    def __init__(self, app: ASGIApp, base: str) -> None:
        self.app = app
        self.base = base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and lead from the bare base path to the page in it."""
        if scope["type"] == "http" and self.base and scope["path"] == self.base:
            query = scope["query_string"].decode("latin-1")
            there = {"location": f"{self.base}/?{query}" if query else f"{self.base}/"}
            await PlainTextResponse("", 307, there)(scope, receive, send)
            return
        if scope["type"] in {"http", "websocket"}:
            scope = _moved(scope, without_base(scope["path"], self.base))
        await self.app(scope, receive, send)


class WithBase:
    """Requests go on under the base path."""

    def __init__(self, app: ASGIApp, base: str) -> None:
        self.app = app
        self.base = base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] in {"http", "websocket"}:
            scope = _moved(scope, self.base + scope["path"])
        await self.app(scope, receive, send)


class HiddenPaths:
    """Answers 404 for the paths of Streamlit that :data:`CLOSED` names."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything else through."""
        if scope["type"] == "http" and scope["path"].startswith(CLOSED):
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
            return
        await self.app(scope, receive, send)


class LongUrls:
    """Redirects an address with more parameters than Streamlit reads to one that says so.

    Streamlit drops all of them silently.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything else through."""
        if scope["type"] != "http" or not _is_too_long(scope.get("query_string", b"")):
            await self.app(scope, receive, send)
            return
        # Relative, so that a prefix of a proxy stays. A "?" alone keeps the path.
        await Response(status_code=303, headers={"location": f"?{UNREAD}"})(scope, receive, send)


def _moved(scope: Scope, path: str) -> Scope:
    return {**scope, "path": path, "raw_path": path.encode("utf-8", "surrogateescape")}


def _is_too_long(query: bytes) -> bool:
    return query.count(b"&") >= MOST or len(query) > LONGEST
