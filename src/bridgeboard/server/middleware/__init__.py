"""ASGI middleware before the app: security headers, identity, login, websockets, downloads.

All of it is pure ASGI middleware, for pages, files and the websocket alike.
"""

from bridgeboard.server.middleware.base_path import WithBase, WithoutBase
from bridgeboard.server.middleware.file_access import FileAccess
from bridgeboard.server.middleware.headers import (
    SECURITY_HEADERS,
    HiddenPaths,
    SecurityHeaders,
    TrustedHeaders,
    uses_tls,
)
from bridgeboard.server.middleware.identity import Requester
from bridgeboard.server.middleware.login_path import PLACE, LoginPath, place, place_cookie
from bridgeboard.server.middleware.logout_path import LogoutPath
from bridgeboard.server.middleware.long_urls import LongUrls
from bridgeboard.server.middleware.websocket_end import WebsocketExpiry
from bridgeboard.server.middleware.websocket_messages import MESSAGES, WebsocketMessages
from bridgeboard.server.middleware.websocket_origins import WebsocketOrigins

__all__ = [
    "MESSAGES",
    "PLACE",
    "SECURITY_HEADERS",
    "FileAccess",
    "HiddenPaths",
    "LoginPath",
    "LogoutPath",
    "LongUrls",
    "Requester",
    "SecurityHeaders",
    "TrustedHeaders",
    "WebsocketExpiry",
    "WebsocketMessages",
    "WebsocketOrigins",
    "WithBase",
    "WithoutBase",
    "place",
    "place_cookie",
    "uses_tls",
]
