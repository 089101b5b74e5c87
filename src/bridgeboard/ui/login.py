"""What stands before every page: who is let in, what others are told, and the way out."""

import logging

import streamlit as st

from bridgeboard import access, settings
from bridgeboard.audit import AuditError
from bridgeboard.ui import entrance, notices
from bridgeboard.ui.entrance import ClosedError, Reader, RefusedError

log = logging.getLogger(__name__)


def admitted() -> Reader | None:
    """Who looks; None when nobody may, after saying why and what to do.

    That somebody came in is noted once in a browser session, and so is that somebody could not.
    """
    try:
        reader = entrance.reader()
    except ClosedError as error:
        _invite(str(error))
        return None
    except RefusedError as error:
        _refuse(str(error))
        return None
    if settings.current().guarded:
        try:
            entrance.note_once("login", reader.viewer.name)
        except AuditError as error:
            notices.state("Nobody can come in now", str(error), icon=":material/lock:")
            return None
        _way_out()
    return entrance.reader()


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
    sight = reader.sight
    if sight.floor is not None:
        told = (
            f"You see groups of at least {sight.floor} people: smaller ones are together as "
            '"Other (small groups)". Days are whole days of UTC, and the running one is left out.'
        )
    elif sight.teams is not None:
        told = f"You see what people did while they were in: {', '.join(sight.teams)}."
    elif sight.person is not None:
        told = "You see what you did yourself."
    else:
        return
    st.caption(f":material/visibility: {notices.plain(told)}")


def _invite(why: str) -> None:
    with st.container(border=True, key="entrance"):
        st.subheader(":material/login: Log in to see your company's use of AI", anchor=False)
        st.text(why)
        if st.button("Log in", key="login", type="primary"):
            st.login()


def _refuse(why: str) -> None:
    _note_refusal("refused", _claimed())
    notices.state("You cannot see anything here", why, icon=":material/lock:")
    if settings.current().login.configured and st.button("Log out", key="logout"):
        _log_out()


def _note_refusal(what: str, name: str) -> None:
    """They are refused in any case, so a log that cannot be written is only told of."""
    try:
        entrance.note_once(what, name)
    except AuditError as error:
        log.warning("a refusal could not be noted: %s", error)


def _claimed() -> str:
    """What somebody who was refused is called, as far as it was told."""
    try:
        return entrance.identity().name or "somebody unnamed"
    except ClosedError:
        return "somebody unnamed"


def _way_out() -> None:
    who = entrance.viewer()
    with st.sidebar, st.container(key="me", gap="small"):
        st.caption(f":material/person: {notices.plain(who.name)}")
        if entrance.has_choice(who):
            st.toggle(
                "Only my own usage",
                key=entrance.OWN,
                bind="query-params",
                help="Your requests and sessions alone, with what you wrote.",
            )
        if settings.current().login.configured and st.button(
            "Log out", key="logout", type="tertiary"
        ):
            _log_out()


def _log_out() -> None:
    try:
        entrance.leave()
    except AuditError:
        st.logout()
