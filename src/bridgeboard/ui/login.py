"""The login page, refusals, and logging out."""

import html
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlencode, urlsplit

import streamlit as st

from bridgeboard import access, formats, settings
from bridgeboard.access import RefusedError
from bridgeboard.server import login_start
from bridgeboard.server.app_folder import home
from bridgeboard.state.audit import AuditError
from bridgeboard.state.logins import ClosedError
from bridgeboard.ui import current_user, login_groups
from bridgeboard.ui.components import notices
from bridgeboard.ui.current_user import Reader

LOOKS: Final = 30
"""Seconds after which a page that nobody touches looks whether its login has ended."""

log = logging.getLogger(__name__)


def admitted() -> Reader | None:
    """Who looks; None when nobody may, after saying why and what to do.

    That somebody came in is noted once in a browser session, and so is that somebody could not.
    """
    try:
        reader = current_user.admitted()
    except ClosedError as error:
        _invite(str(error))
        return None
    except RefusedError as error:
        _refuse(str(error))
        return None
    if settings.current().guarded:
        try:
            current_user.note_once("login", reader.viewer.name)
        except AuditError as error:
            notices.state("Nobody can come in now", str(error), icon=":material/lock:")
            return None
        login_groups.note(reader)
        _way_out()
    return current_user.reader()


def may_open(reader: Reader, page: str) -> bool:
    """Whether a page is for this reader; says so if it is not, and notes it."""
    if reader.may_open(page):
        return True
    roles = ", ".join(sorted(access.PAGES.get(page, ())))
    _note_refusal(f"refused page {page}", reader.viewer.name)
    notices.state(
        "This page is not for you",
        f"It is for: {roles}. You are: {', '.join(sorted(reader.viewer.roles))}. "
        "Ask the operator of this dashboard if you need it.",
        icon=":material/lock:",
    )
    return False


def whose(reader: Reader) -> None:
    """Say what the numbers of all pages are of, where that is not everybody."""
    row_access = reader.row_access
    if row_access.floor is not None:
        sentence = (
            f"You see groups of at least {row_access.floor} people: smaller ones are together as "
            '"Other (small groups)". Days are whole days of UTC. They appear two days later and '
            "stay as they are then: requests that arrive later, other prices and changed teams do "
            "not alter them, so other readers may see other numbers."
        )
    elif row_access.teams is not None:
        sentence = f"You see what people did while they were in: {', '.join(row_access.teams)}."
    elif row_access.person is not None:
        sentence = "You see what you did yourself."
    else:
        return
    st.caption(f":material/visibility: {notices.plain(sentence)}")


def _invite(why: str) -> None:
    """The page of who is not logged in, or not any more; nothing else is on it."""
    with _door("Log in"):
        st.text("Bridgeboard shows how your company uses AI, to everybody who has a role in it.")
        st.text(why)
        if not settings.current().login.configured:  # the proxy says anew who it is
            st.html(f'<a href="{html.escape(_here())}">Open this page again</a>')
        elif address := login_start.login_address(_here()):
            st.html(f'<a href="{html.escape(address)}">Log in</a>')
        elif st.button("Log in", key="login", type="primary"):
            st.login()


@contextmanager
def _door(title: str) -> Iterator[None]:
    """What is shown instead of everything else."""
    theme = "dark" if st.context.theme.type == "dark" else "light"
    st.set_page_config(page_title=f"{title} · Bridgeboard", page_icon=_static("favicon.svg"))
    st.html(home() / "static" / "login.css")
    with st.container(border=True, key="login-page"):
        st.image(_static(f"wordmark-{theme}.svg"), width=160, alt="Bridgeboard")
        st.title(title, anchor=False)
        yield


def _static(name: str) -> str:
    return str(home() / "static" / name)


def _here() -> str:
    """The address of this page, from its path on."""
    query = urlencode({name: st.query_params.get_all(name) for name in st.query_params}, doseq=True)
    path = urlsplit(st.context.url or "").path or "/"
    return f"{path}?{query}" if query else path


def _refuse(why: str) -> None:
    _note_refusal("refused", _claimed())
    can_leave = settings.current().login.configured
    with _door("There is nothing for you here yet"):
        st.text(formats.visible(why))
        if can_leave:
            st.text("Once that is done, log out and in again: roles are given at the login.")
        with st.container(horizontal=True):
            st.button("Look again", key="retry-state", icon=":material/refresh:")
            if can_leave and st.button("Log out", key="logout", icon=":material/logout:"):
                _log_out()


def _note_refusal(what: str, name: str) -> None:
    """They are refused in any case, so a failure to write the audit log is only logged."""
    try:
        current_user.note_once(what, name)
    except AuditError as error:
        log.warning("a refusal could not be noted: %s", error)


def _claimed() -> str:
    """What somebody who was refused is called, as far as it is known."""
    try:
        return current_user.identity().name or "somebody unnamed"
    except ClosedError:
        return "somebody unnamed"


def _way_out() -> None:
    who = current_user.viewer()
    with st.sidebar, st.container(key="me", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":material/person: {notices.plain(who.name)}")
            if settings.current().login.configured:
                if st.button("Log out", key="logout", type="tertiary"):
                    _log_out()
                _look()
        if current_user.has_choice(who):
            st.toggle(
                "Only my own usage",
                help="Your requests and sessions alone, with what you wrote.",
                **current_user.OWN.widget_arguments(),
            )


@st.fragment(run_every=LOOKS)
def _look() -> None:
    """Lead back to the login page once the login has ended, also by logging out in another tab."""
    current_user.reader()


def _log_out() -> None:
    try:
        current_user.leave()
    except AuditError as error:
        log.warning("a logout could not be noted: %s", error)
    st.stop()
