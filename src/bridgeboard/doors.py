"""What stands before the app on every request: security headers, cookies, whom to believe.

All of it is pure ASGI middleware, for pages, files and the websocket alike.
"""

import html
import logging
import re
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlencode

from bridgeboard.settings import Proxy, Settings
from bridgeboard.settings.tables import CALLBACK

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


CLOSED: Final = ("/_stcore/metrics", "/_stcore/upload_file", "/_stcore/agent")
"""Streamlit's, and not needed here: they tell strangers how much the dashboard is used, or keep in
memory what strangers send."""

ENTER: Final = "/enter"
"""Where a login begins that leads to a page."""
BEGIN: Final = "/auth/login"
"""Where Streamlit begins one; it ends at ``CALLBACK``."""
LOGIN: Final = "_streamlit_user"
"""The cookie by which Streamlit knows who is logged in."""
PLACE: Final = "bridgeboard_place"
"""The cookie that holds the page, only while somebody is at the provider."""
PLACE_SECONDS: Final = 600
LONGEST_PLACE: Final = 3_000
"""Characters of that cookie. Browsers refuse cookies of more than 4096."""

log = logging.getLogger(__name__)

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


class Closed:
    """What :data:`CLOSED` names is not there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything else through."""
        if scope["type"] == "http" and scope["path"].startswith(CLOSED):
            for message in _answer(404, "Not Found", "text/plain"):
                await send(message)
            return
        await self.app(scope, receive, send)


class WayIn:
    """Streamlit's login, with the way back to where somebody wanted to go, and told in words.

    By itself it leads everybody to the start page, those too whom it did not let in, and says no
    more than that there was an error.
    """

    def __init__(self, app: ASGIApp, pages: Collection[str]) -> None:
        self.app = app
        self.pages = pages

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything through but the two answers that a login begins and ends with."""
        if scope["type"] != "http" or scope["path"] not in {BEGIN, CALLBACK}:
            await self.app(scope, receive, send)
            return
        said: list[Message] = []

        async def hear(message: Message) -> None:
            said.append(message)

        try:
            await self.app(scope, receive, hear)
        except Exception:
            log.exception("a login failed")
            said = _answer(500, "", "text/plain")
        told = self._begun if scope["path"] == BEGIN else self._over
        for message in told(scope, said):
            await send(message)

    def _begun(self, scope: Message, said: list[Message]) -> list[Message]:
        """A redirect to the provider, or a page that says why there is none."""
        if said[0]["status"] < 400:  # noqa: PLR2004 - where HTTP's errors begin
            return said
        told = _query(scope).get("to", [""])[0]
        return _page(503, UNREACHABLE, _again(told, self.pages))

    def _over(self, scope: Message, said: list[Message]) -> list[Message]:
        """A redirect to where somebody wanted to go, or a page that says that they are not in."""
        if 400 <= said[0]["status"] < 500:  # noqa: PLR2004 - asked in a way that no provider does
            return said
        told = unquote(_cookie(scope, PLACE))
        cookies = [pair for pair in said[0]["headers"] if pair[0].lower() == b"set-cookie"]
        if told:
            cookies.append((b"set-cookie", place_cookie("").encode()))
        if _wanted_in(scope) and not _is_in(scope, cookies):
            return _page(400, FAILED, _again(told, self.pages), cookies)
        there = (b"location", place(told, self.pages).encode())
        return _answer(302, "", "text/plain", [there, *cookies])


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


def place(told: str, pages: Collection[str]) -> str:
    """The address of a page of ours, ``told`` if it is one, else the start page's.

    It never leads elsewhere, whatever is told: one slash, a page by its name, and a query. A query
    that is too long to be kept is left out.
    """
    matched = re.fullmatch(r"/([a-z]*)(\?[!-~]*)?", told)
    if not matched or (matched[1] and matched[1] not in pages):
        return "/"
    return told if len(quote(told, safe="")) <= LONGEST_PLACE else f"/{matched[1]}"


def place_cookie(told: str) -> str:
    """A Set-Cookie header that keeps where somebody wants to go, or forgets it."""
    seconds = PLACE_SECONDS if told else 0
    kept = f"{PLACE}={quote(told, safe='')}; Max-Age={seconds}; Path={CALLBACK}"
    return f"{kept}; HttpOnly; SameSite=Lax"


UNREACHABLE: Final = (
    "Nobody can log in at the moment",
    (
        "The login provider of this dashboard cannot be reached. Who is logged in already stays "
        "so. Try again in a minute. If that does not help, tell the operator: the dashboard's log "
        "says why."
    ),
)
FAILED: Final = (
    "You are not logged in",
    (
        "The answer of the login provider could not be used: it came too late, or twice, or to "
        "another browser than it was meant for. Try again. If that does not help, tell the "
        "operator: the dashboard's log says why."
    ),
)
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Bridgeboard</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; padding: 15vh 1rem 2rem; background: light-dark(#ffffff, #0f1319);
  color: light-dark(#14181f, #e7eaf0); font: 1rem/1.5 system-ui, sans-serif; }}
main {{ box-sizing: border-box; max-width: 27rem; margin: 0 auto; padding: 2rem;
  border: 1px solid light-dark(#dfe3e8, #2c3440);
  border-radius: 0.4rem; }}
h1 {{ margin: 0 0 0.75rem; font-size: 1.3rem; line-height: 1.3; }}
p {{ margin: 0 0 1.25rem; }}
a {{ display: inline-block; padding: 0.5rem 1rem; border-radius: 0.4rem; background: #1d4ed8;
  color: #ffffff; text-decoration: none; }}
a:focus-visible {{ outline: 2px solid light-dark(#1d4ed8, #6b9bff); outline-offset: 2px; }}
</style>
</head>
<body><main><h1>{title}</h1><p>{text}</p><a href="{again}">Try again</a></main></body>
</html>
"""


def _page(
    status: int, words: tuple[str, str], again: str, headers: Pairs | None = None
) -> list[Message]:
    title, text = map(html.escape, words)
    body = _PAGE.format(title=title, text=text, again=html.escape(again))
    return _answer(status, body, "text/html", [(b"cache-control", b"no-store"), *(headers or [])])


def _answer(status: int, body: str, kind: str, headers: Pairs | None = None) -> list[Message]:
    sent = body.encode()
    about = [
        (b"content-type", f"{kind}; charset=utf-8".encode()),
        (b"content-length", str(len(sent)).encode()),
    ]
    return [
        {"type": "http.response.start", "status": status, "headers": [*about, *(headers or [])]},
        {"type": "http.response.body", "body": sent},
    ]


def _again(told: str, pages: Collection[str]) -> str:
    """Where to try a login again that was to lead to a page; without one, the start page."""
    return f"{ENTER}?{urlencode({'to': place(told, pages)})}" if told else "/"


def _query(scope: Message) -> dict[str, list[str]]:
    return parse_qs(scope["query_string"].decode("latin-1"))


def _cookie(scope: Message, name: str) -> str:
    """The value of a cookie; empty without one."""
    for key, value in scope["headers"]:
        if key.lower() == b"cookie":
            found = re.search(rf"(?:^|;)\s*{name}=([^;]*)", value.decode("latin-1"))
            if found:
                return found[1].strip()
    return ""


def _wanted_in(scope: Message) -> bool:
    """Whether a browser comes from the provider with an answer, and nobody just cancelled."""
    asked = _query(scope)
    return "code" in asked or asked.get("error", ["access_denied"]) != ["access_denied"]


def _is_in(scope: Message, cookies: Pairs) -> bool:
    """Whether a browser holds a login once it has been told these cookies; the last one counts."""
    told = [value for _, value in cookies if value.startswith(f"{LOGIN}=".encode())]
    if told:
        return b"max-age=0" not in told[-1].lower()
    return bool(_cookie(scope, LOGIN))


def _secured(headers: Pairs, *, tls: bool) -> Pairs:
    told = SECURITY_HEADERS | ({"strict-transport-security": TLS_ONLY} if tls else {})
    ours = {name.encode(): value.encode() for name, value in told.items()}
    kept = [pair for pair in headers if pair[0].lower() not in ours]
    return [_sealed(*pair) if tls else pair for pair in kept] + list(ours.items())


def _sealed(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    is_open = name.lower() == b"set-cookie" and b"; secure" not in value.lower()
    return name, value + b"; Secure" if is_open else value
