"""What stands before the app on every request: security headers, cookies, whom to believe.

All of it is pure ASGI middleware, for pages, files and the websocket alike.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from bridgeboard.settings import Proxy, Settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]
Pairs = list[tuple[bytes, bytes]]

# Streamlit styles its elements inline and Vega compiles expressions, hence the two "unsafe" words;
# nothing may be fetched from, framed by or sent to another host.
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "frame-src": "'none'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
SECURITY_HEADERS = {
    "content-security-policy": "; ".join(map(" ".join, CONTENT_SECURITY_POLICY.items())),
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


TLS_ONLY = "max-age=31536000"
"""Browsers that came by TLS once come by nothing else for a year."""


class SecurityHeaders:
    """Every HTTP answer carries :data:`SECURITY_HEADERS`; behind TLS its cookies stay there."""

    def __init__(self, app: ASGIApp, *, tls: bool = False) -> None:
        self.app = app
        self.tls = tls

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything through; only the start of an HTTP answer is touched."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _secured(message.get("headers", []), tls=self.tls)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class Believed:
    """Headers that say who somebody is are dropped unless a listed proxy sent them.

    Without a proxy nobody is believed. The peer is the one that is really connected: uvicorn must
    not put an address from a header in its place (``server.serve``).
    """

    def __init__(self, app: ASGIApp, proxy: Proxy) -> None:
        self.app = app
        self.proxy = proxy
        told = proxy.headers
        self.names = {
            name.lower().encode("latin-1", "replace")
            for name in (told.user, told.email, told.groups, told.username)
            if name
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything through but what somebody says who may not."""
        if scope["type"] in {"http", "websocket"} and not self._trusts(scope.get("client")):
            kept = [pair for pair in scope["headers"] if pair[0].lower() not in self.names]
            scope = {**scope, "headers": kept}
        await self.app(scope, receive, send)

    def _trusts(self, client: tuple[str, int] | None) -> bool:
        return bool(client) and self.proxy.trusts(str(client and client[0]))


def uses_tls(settings: Settings) -> bool:
    """Whether browsers come by TLS, as far as the settings say."""
    return settings.login.redirect_url.startswith("https:")


def _secured(headers: Pairs, *, tls: bool) -> Pairs:
    told = SECURITY_HEADERS | ({"strict-transport-security": TLS_ONLY} if tls else {})
    ours = {name.encode(): value.encode() for name, value in told.items()}
    kept = [pair for pair in headers if pair[0].lower() not in ours]
    return [_sealed(*pair) if tls else pair for pair in kept] + list(ours.items())


def _sealed(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    is_open = name.lower() == b"set-cookie" and b"; secure" not in value.lower()
    return name, value + b"; Secure" if is_open else value
