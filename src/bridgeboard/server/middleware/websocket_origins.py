"""Accepts websockets only from pages of this dashboard.

A browser sends the cookies of its reader along with a websocket that any page opens, and tells
whose page it was in the ``Origin`` header. That header is compared here, before Streamlit sees the
handshake: Streamlit accepts every port of this machine, and asks a host on the internet for our
own address before it refuses a name that it does not know.
"""

import logging
from typing import Final
from urllib.parse import urlsplit

from bridgeboard.server.middleware.asgi import ASGIApp, Message, Receive, Send
from bridgeboard.server.middleware.headers import comes_by_tls
from bridgeboard.settings import Settings
from bridgeboard.settings.hosts import origin

REFUSED: Final = 1008
"""Why a websocket is closed: before it is open, the server answers 403 instead."""

log = logging.getLogger(__name__)


class WebsocketOrigins:
    """Only websockets of our own pages are passed on; all others are answered with 403.

    A page is ours if its ``Origin`` is the address of that very request (scheme, host and port),
    or one that the settings name: that of ``redirect_url``, or a whole address in
    ``allowed_hosts``. A handshake without ``Origin`` is refused too: browsers always send one, so
    it is missing only where something on the way takes it out, and then nobody could tell a
    foreign page from ours.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.proxy = settings.proxy
        self.named = settings.origins

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass on everything that is no websocket, and the websockets of our own pages."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        claimed, host = _only(scope, b"origin"), _only(scope, b"host")
        if not self._is_ours(scope, claimed, host):
            log.warning("a websocket of a page of %r was refused: its Host was %r", claimed, host)
            await send({"type": "websocket.close", "code": REFUSED})
            return
        # Streamlit compares these two as texts: here they are one site already, whatever a proxy
        # made of the Host, and it has nothing left to ask.
        same = (b"host", urlsplit(claimed).netloc.encode("latin-1"))
        others = [pair for pair in scope["headers"] if pair[0].lower() != b"host"]
        await self.app({**scope, "headers": [same, *others]}, receive, send)

    def _is_ours(self, scope: Message, claimed: str, host: str) -> bool:
        theirs = origin(claimed)
        if not theirs or theirs in self.named:
            return bool(theirs)
        if any(origin(f"{scheme}://{host}") in self.named for scheme in ("http", "https")):
            return False  # the settings say by which scheme browsers come to this host
        is_tls = scope.get("scheme") == "wss" or comes_by_tls(self.proxy, scope)
        return theirs == origin(f"{'https' if is_tls else 'http'}://{host}")


def _only(scope: Message, name: bytes) -> str:
    """The value of a header that came exactly once; empty for every other."""
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return str(values[0].decode("latin-1")) if len(values) == 1 else ""
