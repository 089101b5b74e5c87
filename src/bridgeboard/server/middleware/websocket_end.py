"""Closes the websocket of an open page when its reader's time is over, behind a proxy.

A proxy is asked when a socket opens, and never again: without an end a page that stands in a tab
would be its reader's for ever. The browser opens a new socket by itself, for which the proxy is
asked anew.
"""

import asyncio
from contextlib import suppress
from typing import Final

from bridgeboard.server.middleware.asgi import ASGIApp, Message, Receive, Send, Socket
from bridgeboard.server.middleware.identity import Requester

LOOKS: Final = 30
"""Seconds after which it is looked whether an idle socket's time is over."""
OVER: Final = 1008
"""Why it is closed, in the numbers of RFC 6455."""


class WebsocketExpiry:
    """A socket ends after ``login.hours``, and once the operator ends the logins of its reader."""

    def __init__(self, app: ASGIApp, requester: Requester, *, looks: float = LOOKS) -> None:
        self.app = app
        self.requester = requester
        self.looks = looks

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything through until a socket's time is over."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        socket = Socket(receive, send)
        login = self.requester.opened(scope)

        async def hear() -> Message:
            while True:
                message = None
                until = min(self.looks, self.requester.seconds_left(login))
                with suppress(TimeoutError):
                    message = await asyncio.wait_for(receive(), until)
                if await asyncio.to_thread(self.requester.is_over, login):  # it may ask a database
                    return await socket.close(OVER)
                if message is not None:
                    return message

        await self.app(scope, hear, socket.send)
