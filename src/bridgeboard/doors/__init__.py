"""What stands before the app on every request: security headers, cookies, whom to believe.

All of it is pure ASGI middleware, for pages, files and the websocket alike.
"""

from bridgeboard.doors.base_path import WithBase, WithoutBase, without_base
from bridgeboard.doors.ending import Ending
from bridgeboard.doors.entering import ENTER, PLACE, WayIn, place, place_cookie
from bridgeboard.doors.files import Files, asking, made_for
from bridgeboard.doors.headers import (
    SECURITY_HEADERS,
    Believed,
    Closed,
    SecurityHeaders,
    uses_tls,
)
from bridgeboard.doors.leaving import WayOut
from bridgeboard.doors.long import Long
from bridgeboard.doors.messages import MESSAGES, Messages
from bridgeboard.doors.origins import SameOrigin
from bridgeboard.doors.whose import Asked

__all__ = [
    "ENTER",
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
    "asking",
    "made_for",
    "place",
    "place_cookie",
    "uses_tls",
    "without_base",
]
