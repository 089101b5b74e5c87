"""Addresses with more parameters than Streamlit reads: it drops all of them silently."""

from typing import Final

from bridgeboard.server.middleware.asgi import ASGIApp, Message, Receive, Send

MOST: Final = 1_000
"""Parameters that Streamlit reads of an address."""
LONGEST: Final = 512 * 1024
"""Characters of parameters that it reads."""
UNREAD: Final = b"unread=parameters"
"""Stands in place of such an address's parameters."""


class LongUrls:
    """Redirects an address with too many parameters to one that says so."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything else through."""
        if scope["type"] != "http" or not _is_too_long(scope.get("query_string", b"")):
            await self.app(scope, receive, send)
            return
        # Relative, so that a prefix of a proxy stays. A "?" alone keeps the path.
        headers = [(b"location", b"?" + UNREAD), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _is_too_long(query: bytes) -> bool:
    return query.count(b"&") >= MOST or len(query) > LONGEST
