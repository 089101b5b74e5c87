"""The logout path: whoever visits it is logged out everywhere."""

import asyncio
from collections.abc import Callable
from typing import Final

from bridgeboard.server.middleware.asgi import ASGIApp, Message, Receive, Send
from bridgeboard.server.middleware.identity import Requester

LEAVE: Final = "/auth/logout"
"""Where Streamlit takes its cookies back. The button leads there too, after it ended the login."""


class LogoutPath:
    """A visit to the logout ends the login by which somebody comes, if nothing did before.

    But for one that another origin's link leads to: that costs its browser the cookie, and no more.

    Args:
        requester: who visits.
        note: what to do once for each login that ends so, with the name of whose it is.
    """

    def __init__(self, app: ASGIApp, requester: Requester, note: Callable[[str], None]) -> None:
        self.app = app
        self.requester = requester
        self.note = note

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything through, logouts once they are noted."""
        is_visit = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        if is_visit and scope["path"] == LEAVE and not _comes_from_elsewhere(scope):
            await asyncio.to_thread(self._end, scope)  # it waits for the disk
        await self.app(scope, receive, send)

    def _end(self, scope: Message) -> None:
        identity = self.requester.end(scope)
        if identity:
            self.note(identity.name or "somebody unnamed")


def _comes_from_elsewhere(scope: Message) -> bool:
    """Whether a browser says that another origin sent it here; older ones say nothing.

    Another port of this machine and another name of the company's are the same site for it.
    """
    sites = {value for name, value in scope["headers"] if name == b"sec-fetch-site"}
    return not sites.isdisjoint({b"cross-site", b"same-site"})
