"""Types of ASGI, and what all middleware needs: reading a request, making an answer."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]
Pairs = list[tuple[bytes, bytes]]


def answer(status: int, body: str, kind: str, headers: Pairs | None = None) -> list[Message]:
    """The two messages of a whole answer; ``kind`` is its media type."""
    sent = body.encode()
    about = [
        (b"content-type", f"{kind}; charset=utf-8".encode()),
        (b"content-length", str(len(sent)).encode()),
    ]
    return [
        {"type": "http.response.start", "status": status, "headers": [*about, *(headers or [])]},
        {"type": "http.response.body", "body": sent},
    ]


def query(scope: Message) -> dict[str, list[str]]:
    """What stands behind the "?" of an address."""
    return parse_qs(scope["query_string"].decode("latin-1"))


def cookie(scope: Message, name: str) -> str:
    """The value of a cookie; empty without one."""
    for key, value in scope["headers"]:
        if key.lower() == b"cookie":
            match = re.search(rf"(?:^|;)\s*{name}=([^;]*)", value.decode("latin-1"))
            if match:
                return match[1].strip()
    return ""
