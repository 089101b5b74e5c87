"""The page Person: whose it is, and links to their sessions and requests."""

from dataclasses import replace

import streamlit as st

from bridgeboard import formats
from bridgeboard.model.pages import FILTERS
from bridgeboard.model.scope import Scope
from bridgeboard.ui import navigation, url
from bridgeboard.ui.components import notices
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.filter_words import written


def asked(now: Chosen) -> Chosen:
    """The choices narrowed to the person that the URL names; stops the page when it names none."""
    st.page_link(
        "pages/people.py",
        label="Everybody",
        icon=":material/arrow_back:",
        query_params=url.carried("people"),
    )
    who = _who()
    if not who:
        notices.state(
            "Nobody chosen",
            "Choose somebody on the page People.",
            icon=":material/person_off:",
        )
        url.stop()
    with st.container(horizontal=True, vertical_alignment="center", key="who"):
        st.header(formats.unmarked(who), anchor=False, width="stretch")
        st.page_link(
            "pages/sessions.py",
            label="Sessions",
            icon=":material/forum:",
            query_params=_sessions_of(who),
        )
    return replace(now, scope=_only(now.scope, who), before=now.before and _only(now.before, who))


def _sessions_of(who: str) -> dict[str, list[str]]:
    return {**url.filters(), FILTERS["initiator"]: written([who])}


def _only(scope: Scope, who: str) -> Scope:
    return scope.free("initiator").only("initiator", who)


def _who() -> str:
    """Leaving by a link leaves an entry without parameters behind, which Back then leads to."""
    named = st.query_params.get(navigation.WHO, "")
    if named:
        st.session_state[_LAST] = named
        return named
    last: str = st.session_state.get(_LAST, "")
    if last:
        st.query_params[navigation.WHO] = last
    return last


OF_TOOLS = ("tool_calls", "sessions", "injected_calls", "tool_errors")
"""What the table of a person's tools tells."""
_LAST = "last_person"
