"""The paths of login and logout: errors in words, the way back to a page, an end everywhere."""

import asyncio
import html
import logging
import re
from collections.abc import Callable, Collection
from typing import Final
from urllib.parse import quote, unquote, urlencode

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridgeboard.server.login_start import ENTER
from bridgeboard.server.middleware.headers import Pairs
from bridgeboard.server.middleware.requester import LOGIN, Requester
from bridgeboard.settings.tables import CALLBACK

BEGIN: Final = "/auth/login"
"""Where Streamlit begins one; it ends at ``CALLBACK``."""
LEAVE: Final = "/auth/logout"
"""Where Streamlit takes its cookies back. The button leads there too, after it ended the login."""
PLACE: Final = "bridgeboard_place"
"""The cookie that holds the page, only while somebody is at the provider."""
PLACE_SECONDS: Final = 600
LONGEST_PLACE: Final = 3_000
"""Characters of that cookie. Browsers refuse cookies of more than 4096."""

log = logging.getLogger(__name__)


class LoginPath:
    """Streamlit's login, with messages and a way back to the page that somebody wanted.

    By itself it leads everybody to the start page, those too whom it did not let in, and says no
    more than that there was an error.

    Args:
        pages: the names of the pages that it may lead to.
        base: the path under which browsers know them.
    """

    def __init__(self, app: ASGIApp, pages: Collection[str], base: str = "") -> None:
        self.app = app
        self.pages = pages
        self.base = base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through but the two answers that a login begins and ends with."""
        if scope["type"] != "http" or scope["path"] not in {BEGIN, CALLBACK}:
            await self.app(scope, receive, send)
            return
        answered: list[Message] = []

        async def hear(message: Message) -> None:
            answered.append(message)

        try:
            await self.app(scope, receive, hear)
        except Exception:
            log.exception("a login failed")
            answered = [{"status": 500, "headers": []}]
        rewrite = self._begin_answer if scope["path"] == BEGIN else self._end_answer
        response = rewrite(HTTPConnection(scope), answered[0])
        if response:
            await response(scope, receive, send)
            return
        for message in answered:
            await send(message)

    def _begin_answer(self, request: HTTPConnection, start: Message) -> Response | None:
        """A page that says why there is no redirect to the provider; None where there is one."""
        if start["status"] < 400:  # noqa: PLR2004 - where HTTP's errors begin
            return None
        return _page(503, UNREACHABLE, self._again(request.query_params.get("to", "")))

    def _end_answer(self, request: HTTPConnection, start: Message) -> Response | None:
        """A redirect to where somebody wanted to go, or a page that says that they are not in.

        None lets Streamlit's own answer pass.
        """
        if 400 <= start["status"] < 500:  # noqa: PLR2004 - asked in a way that no provider does
            return None
        page = unquote(request.cookies.get(PLACE, ""))
        cookies = [pair for pair in start["headers"] if pair[0].lower() == b"set-cookie"]
        if page:
            cookies.append((b"set-cookie", place_cookie("", self.base).encode()))
        if _wanted_in(request) and not _is_in(request, cookies):
            response = _page(400, FAILED, self._again(page))
        else:
            there = {"location": f"{self.base}{place(page, self.pages)}"}
            response = PlainTextResponse("", 302, there)
        response.raw_headers += cookies
        return response

    def _again(self, page: str) -> str:
        """Where to try a login again that was to lead to a page; without one, the start page."""
        if not page:
            return f"{self.base}/"
        return f"{self.base}{ENTER}?{urlencode({'to': place(page, self.pages)})}"


def place(address: str, pages: Collection[str]) -> str:
    """The address of a page of ours, ``address`` if it is one, else the start page's.

    It never leads elsewhere, whatever the address: one slash, a page by its name, and a query.
    A query that is too long to be kept is left out.
    """
    matched = re.fullmatch(r"/([a-z]*)(\?[!-~]*)?", address)
    if not matched or (matched[1] and matched[1] not in pages):
        return "/"
    return address if len(quote(address, safe="")) <= LONGEST_PLACE else f"/{matched[1]}"


def place_cookie(address: str, base: str = "") -> str:
    """A Set-Cookie header that keeps where somebody wants to go, or forgets it."""
    seconds = PLACE_SECONDS if address else 0
    cookie_text = f"{PLACE}={quote(address, safe='')}; Max-Age={seconds}; Path={base}{CALLBACK}"
    return f"{cookie_text}; HttpOnly; SameSite=Lax"


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


def _page(status: int, words: tuple[str, str], again: str) -> Response:
    title, text = map(html.escape, words)
    body = _PAGE.format(title=title, text=text, again=html.escape(again))
    return HTMLResponse(body, status, {"cache-control": "no-store"})


def _wanted_in(request: HTTPConnection) -> bool:
    """Whether a browser comes from the provider with an answer, and nobody just cancelled."""
    code, error = map(request.query_params.get, ("code", "error"))
    return bool(code) or error not in {None, "", "access_denied"}


def _is_in(request: HTTPConnection, cookies: Pairs) -> bool:
    """Whether a browser holds a login once it has been told these cookies; the last one counts."""
    logins = [value for _, value in cookies if value.startswith(f"{LOGIN}=".encode())]
    if logins:
        return b"max-age=0" not in logins[-1].lower()
    return bool(request.cookies.get(LOGIN))


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through, logouts once they are noted."""
        is_visit = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        if is_visit and scope["path"] == LEAVE and not _comes_from_elsewhere(scope):
            await asyncio.to_thread(self._end, scope)  # it waits for the disk
        await self.app(scope, receive, send)

    def _end(self, scope: Scope) -> None:
        identity = self.requester.end(scope)
        if identity:
            self.note(identity.name or "somebody unnamed")


def _comes_from_elsewhere(scope: Scope) -> bool:
    """Whether a browser says that another origin sent it here; older ones say nothing.

    Another port of this machine and another name of the company's are the same site for it.
    """
    sites = {value for name, value in scope["headers"] if name == b"sec-fetch-site"}
    return not sites.isdisjoint({b"cross-site", b"same-site"})
