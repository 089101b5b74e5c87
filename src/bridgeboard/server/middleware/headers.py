"""Security headers of every answer, and which headers of a request are trusted."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridgeboard.settings import Proxy, Settings

Pairs = list[tuple[bytes, bytes]]
"""Headers as ASGI has them: names and values."""

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
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


FORWARDED: Final = b"x-forwarded-proto"
"""The header by which a proxy says how a browser came to it."""
NOBODY: Final = Proxy()
TLS_ONLY = "max-age=31536000"
"""Browsers that came by TLS once come by nothing else for a year."""


class SecurityHeaders:
    """Every HTTP answer carries :data:`SECURITY_HEADERS`; behind TLS its cookies stay there.

    Args:
        tls: whether browsers come by TLS in any case.
        proxy: who is believed to say of a request that its browser does.
    """

    def __init__(self, app: ASGIApp, *, tls: bool = False, proxy: Proxy = NOBODY) -> None:
        self.app = app
        self.tls = tls
        self.proxy = proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through; only the start of an HTTP answer is touched."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        tls = self.tls or comes_by_tls(self.proxy, scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _secured(message.get("headers", []), tls=tls)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class TrustedHeaders:
    """Drops headers that say who somebody is, unless a listed proxy sent them.

    Without a proxy they are always dropped. The peer is the one that is really connected: uvicorn
    must not put an address from a header in its place (``server.serve``).
    """

    def __init__(self, app: ASGIApp, proxy: Proxy) -> None:
        self.app = app
        self.proxy = proxy
        names = proxy.headers
        self.names = {
            name.lower().encode("latin-1", "replace")
            for name in (names.user, names.email, names.groups, names.username)
            if name
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through but what somebody says who may not."""
        if scope["type"] in {"http", "websocket"} and not _trusts(self.proxy, scope):
            headers = [pair for pair in scope["headers"] if pair[0].lower() not in self.names]
            scope = {**scope, "headers": headers}
        await self.app(scope, receive, send)


def uses_tls(settings: Settings) -> bool:
    """Whether browsers come by TLS, as far as the settings say; a proxy tells it of a request."""
    return settings.login.redirect_url.startswith("https:")


def comes_by_tls(proxy: Proxy, scope: Scope) -> bool:
    """Whether a believed proxy says that the browser of this request came to it by TLS."""
    return _trusts(proxy, scope) and _forwarded_by_tls(scope)


def _trusts(proxy: Proxy, scope: Scope) -> bool:
    client = scope.get("client")
    return client is not None and proxy.trusts(str(client[0]))


def _forwarded_by_tls(scope: Scope) -> bool:
    """Whether a request's header says so, once and of one hop: a list holds what others said."""
    values = [value for name, value in scope["headers"] if name.lower() == FORWARDED]
    return [value.strip().lower() for value in values] == [b"https"]


def _secured(headers: Pairs, *, tls: bool) -> Pairs:
    security = SECURITY_HEADERS | ({"strict-transport-security": TLS_ONLY} if tls else {})
    ours = {name.encode(): value.encode() for name, value in security.items()}
    others = [pair for pair in headers if pair[0].lower() not in ours]
    return [_sealed(*pair) if tls else pair for pair in others] + list(ours.items())


def _sealed(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    is_open = name.lower() == b"set-cookie" and b"; secure" not in value.lower()
    return name, value + b"; Secure" if is_open else value
