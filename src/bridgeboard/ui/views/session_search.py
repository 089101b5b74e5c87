"""Searches the text of one session."""

from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis import session_data
from bridgeboard.queries.recorded_text import Hit
from bridgeboard.server.app_folder import home
from bridgeboard.ui import runner
from bridgeboard.ui.components.recorded_text import Look
from bridgeboard.ui.views import session_url
from bridgeboard.ui.views.session_url import Place

_HITS: Final = "hits_of_words"
_FIELD: Final = "words"


def search(session: int, named: Place, zone: ZoneInfo, *, text: bool) -> Look:
    """The field for the words, the way from hit to hit, and how texts are looked at by it.

    To look for words is to look at the text: it only works where text is shown.
    """
    st.session_state[_FIELD] = named.find
    st.html(home() / "static" / "session.css")
    with st.container(horizontal=True, vertical_alignment="bottom", key="search"):
        st.text_input(
            "Search in this session",
            key=_FIELD,
            type="search",
            icon=":material/search:",
            placeholder="Words in prompts, thinking and tool inputs"
            if text
            else "Show recorded text to search in it",
            disabled=not text,
            on_change=_look_for,
            width=420,
        )
        hits = _hits(session, named.find) if text and named.find else ()
        here = _here(hits, named)
        if text and named.find:
            _steps(hits, here)
    if named.find and not text:
        st.caption(":material/info: This link searches for words. Show recorded text to find them.")
    hit = hits[here - 1] if here else None
    is_wanted = hit is not None and named.call is None
    turn = f"{session}|{named.thread}|{named.call}|{named.find}|{here}"
    words = named.find if text else ""
    return Look(zone, text, words, hit if is_wanted else None, turn)


def _look_for() -> None:
    session_url.to_words(st.session_state[_FIELD] or "")


def _hits(session: int, words: str) -> tuple[Hit, ...]:
    """The texts with the words; the last answer is kept for this reader alone."""
    about = (session, words, runner.current().version)
    known = st.session_state.get(_HITS)
    if known is None or known[0] != about:
        known = (about, session_data.hits(runner.current(), session, words))
        st.session_state[_HITS] = known
    hits: tuple[Hit, ...] = known[1]
    return hits


def _here(hits: tuple[Hit, ...], named: Place) -> int:
    """The number of the hit that the address names, from 1 on; 0 without any."""
    return min(named.hit or 1, len(hits))


def _steps(hits: tuple[Hit, ...], here: int) -> None:
    if not hits:
        st.caption("No hits.", width="content")
        return
    for label, step, icon in (
        ("Previous hit", -1, ":material/arrow_upward:"),
        ("Next hit", 1, ":material/arrow_downward:"),
    ):
        number = (here - 1 + step) % len(hits) + 1
        st.button(
            label,
            key=f"hit-{step}",
            icon=icon,
            on_click=session_url.to_hit,
            args=(number, hits[number - 1].thread),
        )
    matches = sum(hit.matches for hit in hits)
    st.caption(
        f"{here:,} of {formats.plural(len(hits), 'hit')}"
        + (f" ({formats.plural(matches, 'match', 'matches')})" if matches > len(hits) else ""),
        width="content",
    )
