"""Who makes a request, by the cookie of a login or the headers of a proxy."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import Scope
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

from bridgeboard import access
from bridgeboard.access import Identity, RefusedError, Viewer
from bridgeboard.settings import Settings
from bridgeboard.state.logins import ClosedError, Ended, Login, person

LOGIN: Final = "_streamlit_user"
"""The cookie by which Streamlit knows who is logged in."""


class Requester:
    """Who makes a request or opens a websocket, after ``TrustedHeaders`` dropped untrusted headers.

    Args:
        settings: where a login or a proxy is configured.
        ended: logins that hold no more.
        clock: the time, aware.
    """

    def __init__(self, settings: Settings, ended: Ended, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._ended = ended
        self._clock = clock

    def viewer(self, scope: Scope) -> Viewer | None:
        """Who asks, with all their roles; None for who is not known, or has no role."""
        try:
            return access.viewer(self._identity(scope), self._settings.rules)
        except (ClosedError, RefusedError):
            return None

    def end(self, scope: Scope) -> Identity | None:
        """End the login by which somebody asks, and say whose; None if they come by none."""
        try:
            identity, login = self._login(scope)
        except ClosedError:
            return None
        hours = self._settings.login.hours
        return identity if self._ended.end(login, hours=hours, now=self._clock()) else None

    def opened(self, scope: Scope) -> Login:
        """The login that a socket is by itself where a proxy names people: it begins now."""
        names = self._identity(scope).names
        return Login("", self._clock(), frozenset(map(person, names)))

    def is_over(self, login: Login) -> bool:
        """Whether a login holds no longer."""
        try:
            self._ended.check(login, hours=self._settings.login.hours, now=self._clock())
        except ClosedError:
            return True
        return False

    def seconds_left(self, login: Login) -> float:
        """How long a login holds if nobody ends it before."""
        over_at = login.began_at + timedelta(hours=self._settings.login.hours)
        return max(0.0, (over_at - self._clock()).total_seconds())

    def _identity(self, scope: Scope) -> Identity:
        if not self._settings.proxy.configured:
            return self._login(scope)[0]
        headers = HTTPConnection(scope).headers
        every = {name: headers.getlist(name) for name in headers}
        once = {name: values[0] for name, values in every.items() if len(values) == 1}
        return access.from_headers(once, self._settings.proxy.headers)

    def _login(self, scope: Scope) -> tuple[Identity, Login]:
        now = self._settings.login
        claims = _claims(scope, now.cookie_secret.get_secret_value())
        ours = urlsplit(now.redirect_url)
        if (
            not claims.get("is_logged_in")
            or claims.get("origin") != f"{ours.scheme}://{ours.netloc}"
        ):
            raise ClosedError("You are not logged in.")
        identity = access.from_claims(claims, now.claims)
        login = Login.of(claims, identity.names)
        self._ended.check(login, hours=now.hours, now=self._clock())
        return identity, login


def _claims(scope: Scope, secret: str) -> dict[str, Any]:
    """What the cookie of a login holds; nothing if it is not as we signed it."""
    cookies = HTTPConnection(scope).cookies

    def one(name: str) -> bytes | None:
        value = cookies.get(name, "").encode("latin-1", "replace")
        return decode_signed_value(secret, name, value)

    try:
        claims = json.loads(get_cookie_with_chunks(one, LOGIN) or b"{}")
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
