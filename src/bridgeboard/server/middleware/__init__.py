"""What stands before the app on every request: security headers, cookies, whom to believe.

All of it is pure ASGI middleware, for pages, files and the websocket alike.
"""

from bridgeboard.server.middleware.base_path import WithBase, WithoutBase
from bridgeboard.server.middleware.file_access import Files
from bridgeboard.server.middleware.headers import (
    SECURITY_HEADERS,
    Believed,
    Closed,
    SecurityHeaders,
    uses_tls,
)
from bridgeboard.server.middleware.identity import Asked
from bridgeboard.server.middleware.login_path import PLACE, WayIn, place, place_cookie
from bridgeboard.server.middleware.logout_path import WayOut
from bridgeboard.server.middleware.long_urls import Long
from bridgeboard.server.middleware.websocket_end import Ending
from bridgeboard.server.middleware.websocket_messages import MESSAGES, Messages
from bridgeboard.server.middleware.websocket_origins import SameOrigin

__all__ = [
    "MESSAGES",
    "PLACE",
    "SECURITY_HEADERS",
    "Asked",
    "Believed",
    "Closed",
    "Ending",
    "Files",
    "Long",
    "Messages",
    "SameOrigin",
    "SecurityHeaders",
    "WayIn",
    "WayOut",
    "WithBase",
    "WithoutBase",
    "place",
    "place_cookie",
    "uses_tls",
]
