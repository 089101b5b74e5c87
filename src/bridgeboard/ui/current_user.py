"""The reader of this run: who they are, what they may see, and their entries in the audit log.

Every question to the store is asked with the row access of the reader of this run (``ui/runner``),
so a page cannot tell more than they may see. Whoever is not known gets nothing at all.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import streamlit as st

from bridgeboard import access, settings
from bridgeboard.access import (
    EVERYTHING,
    Identity,
    Permission,
    Pseudonyms,
    Role,
    RowAccess,
    Viewer,
)
from bridgeboard.runtime import state_files
from bridgeboard.state.logins import ClosedError, Login
from bridgeboard.ui import url_values

OWN: Final = url_values.switch("own")
"""The switch to what only the reader did."""
_NOTED: Final = "noted_as"
_WHOSE: Final = "whose_session"


@dataclass(frozen=True)
class Reader:
    """Who looks, in what they do now: somebody with a right of their own may look at that alone."""

    viewer: Viewer
    row_access: RowAccess
    login: Login | None = None

    def may_open(self, page: str) -> bool:
        """Whether they may open a page."""
        return access.may_open(self.viewer, page)

    def may(self, permission: Permission) -> bool:
        """Whether they may do this on the pages that they may open."""
        return access.may_use(self.viewer, permission)

    @property
    def audience(self) -> str:
        """The key of all readers who see the same rows: they share saved views and notes."""
        row_access = self.row_access
        if row_access.is_of_everybody and row_access.pseudonyms is None:
            return ""
        names = row_access.pseudonyms.digest if row_access.pseudonyms else ""
        key = repr((row_access.teams, row_access.person, row_access.floor, names))
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def may_reveal(self) -> bool:
        """Whether recorded text may be shown to them: otherwise no row they reach has any."""
        permission = Permission.REVEAL if self.row_access.person is None else Permission.REVEAL_OWN
        return self.row_access.has_text and self.may(permission)


_acting: ContextVar[Reader | None] = ContextVar("acting", default=None)
_checked: ContextVar[list[tuple[Identity, Login]] | None] = ContextVar("checked", default=None)
"""Who is here by which login, once this run of the page has seen that it holds."""


@contextmanager
def one_run() -> Iterator[None]:
    """A run of the whole page, from its beginning to its end, in which a login is checked once.

    Each question asks who the reader is, and to see whether a login has ended reads a database.
    """
    token = _checked.set([])
    try:
        yield
    finally:
        _checked.reset(token)


def reader() -> Reader:
    """Who looks at this run of the page.

    A login that ended while the page stood there leads back to the login page, also out of a part
    of the page that runs alone. Raises RefusedError when somebody may see nothing.
    """
    try:
        return _acting.get() or admitted()
    except ClosedError:
        st.rerun()


def admitted() -> Reader:
    """The same, before anything is shown.

    Raises:
        ClosedError: when nobody is logged in.
        RefusedError: when somebody is who may see nothing.
    """
    now = settings.current()
    login = _logged_in()[1] if now.guarded and not now.proxy.configured else None
    return replace(_seen(viewer(), own=bool(OWN.value())), login=login)


@contextmanager
def acting(reader: Reader) -> Iterator[None]:
    """Do what a reader asked for when their page is not there any more: files are made so.

    Raises ClosedError when their login has ended since.
    """
    if reader.login:
        _check(reader.login)
    token = _acting.set(reader)
    try:
        yield
    finally:
        _acting.reset(token)


def viewer() -> Viewer:
    """Who looks, with all their roles. Raises as ``reader`` does."""
    now = settings.current()
    if not now.guarded:
        return access.OPERATOR
    who = access.viewer(identity(), now.rules)
    # A session is taken up again by whoever knows its id, with all that was made for another one.
    if st.session_state.setdefault(_WHOSE, who) != who:
        raise ClosedError("What you see was made for somebody else, or you may see other things.")
    return who


def has_choice(who: Viewer) -> bool:
    """Whether somebody sees more than what they did themselves, but may look at that alone."""
    return bool(who.username) and Role.SELF in who.roles and who.roles > {Role.SELF}


def note(what: str, about: str = "", why: str = "", *, who: str = "") -> None:
    """Put a line in the audit log. Raises AuditError: then it must not be done."""
    log = state_files.audit_log(settings.current())
    log.write(who or reader().viewer.name, what, why, about, at=datetime.now(UTC))


def note_once(what: str, who: str) -> None:
    """The same, once in a browser session for each who does it. Raises AuditError."""
    noted: set[tuple[str, str]] = st.session_state.setdefault(_NOTED, set())
    if (what, who) not in noted:
        note(what, who=who)
        noted.add((what, who))


def leave() -> None:
    """End the login in all tabs and copies of its cookie. Raises AuditError; it is over even so."""
    identity, login = _logged_in()
    hours = settings.current().login.hours
    ended = state_files.ended_logins(settings.current())
    is_new = ended.end(login, hours=hours, now=datetime.now(UTC))
    if checked := _checked.get():
        checked.clear()
    st.logout()
    if is_new:
        note("logout", who=identity.name)


def _seen(who: Viewer, *, own: bool) -> Reader:
    if who is access.OPERATOR:
        return Reader(who, _named(EVERYTHING))
    if (own and has_choice(who)) or who.roles == {Role.SELF}:
        alone = replace(who, roles=frozenset({Role.SELF}), teams=frozenset())
        return Reader(alone, _named(RowAccess.of_person(who.username)))
    return Reader(
        replace(who, roles=who.roles - {Role.SELF}),
        _named(access.row_access_of(who, floor=settings.current().floor)),
    )


def _named(row_access: RowAccess) -> RowAccess:
    now = settings.current()
    if now.names == "real" or row_access.floor is not None:
        return row_access
    return replace(row_access, pseudonyms=_pseudonyms(now.pseudonym_key.get_secret_value()))


_pseudonyms = lru_cache(maxsize=4)(Pseudonyms.of_key)


def identity() -> Identity:
    """Who somebody is as the provider or the proxy tells it. Raises ClosedError."""
    now = settings.current()
    if now.proxy.configured:
        return access.from_headers(_headers(), now.proxy.headers)
    return _logged_in()[0]


def _headers() -> dict[str, str]:
    """What the proxy said; a header that came twice is left out."""
    every = st.context.headers
    given = {name: every.get_all(name) for name in every}
    return {name: values[0] for name, values in given.items() if len(values) == 1}


def _logged_in() -> tuple[Identity, Login]:
    """Who is here, and by which login. Raises ClosedError without one that holds."""
    checked = _checked.get()
    if checked:
        return checked[0]
    if not st.user.is_logged_in:
        raise ClosedError("You are not logged in.")
    claims = st.user.to_dict()
    identity = access.from_claims(claims, settings.current().login.claims)
    login = Login.of(claims, identity.names)
    _check(login)
    if checked is not None:
        checked.append((identity, login))
    return identity, login


def _check(login: Login) -> None:
    ended = state_files.ended_logins(settings.current())
    ended.check(login, hours=settings.current().login.hours, now=datetime.now(UTC))
