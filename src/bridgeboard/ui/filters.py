"""The reader's clock and zone, and the way back to a list. The only place that knows the time."""

from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st
from streamlit.errors import StreamlitAPIException

from bridgeboard import settings
from bridgeboard.ui import place

BROWSER = "Browser"
LEFT = "addresses_left"
ZONE = "tz"
ZONE_THEN = "zone_when_leaving"


def now() -> datetime:
    """The present moment, aware UTC; that of a demo company which stands still is its last."""
    return settings.current().stands_at or datetime.now(UTC)


def zone() -> ZoneInfo:
    """The reporting zone: the one chosen, else the browser's, else UTC."""
    chosen = st.session_state.get(ZONE, BROWSER)
    name = st.context.timezone if chosen == BROWSER else chosen
    return ZoneInfo(name) if name in _zones() else ZoneInfo("UTC")


@cache
def _zones() -> frozenset[str]:
    """All zones of this machine, for which a folder has to be walked."""
    return frozenset(available_timezones())


def zone_picker() -> None:
    """The control for the reporting zone; it stands on every page."""
    if zone_then := st.session_state.pop(ZONE_THEN, None):
        st.session_state[ZONE] = zone_then
    with st.sidebar:
        st.selectbox(
            "Time zone",
            (BROWSER, "UTC", *sorted(_zones() - {"UTC"})),
            key=ZONE,
            bind="query-params",
            help="Days begin and end, and times are shown, in this zone.",
        )


def remember(page: str, session: dict[str, str]) -> None:
    """Keep a page's address for :func:`come_back`, before leaving it for a session."""
    address = {name: st.query_params.get_all(name) for name in st.query_params if name != ZONE}
    left = (address, st.session_state.get(ZONE, BROWSER))
    st.session_state.setdefault(LEFT, {})[page, session["id"], session["person"]] = left


def come_back(page: str) -> None:
    """Undo what Streamlit did to a page's address when a session was opened from it.

    It writes the session's parameters over those of the page that is left, and that is where the
    browser's Back leads to. Each session that was opened knows the address it was opened from.
    To be called before any widget is made: what is bound to one cannot be written any more. A
    browser that asks twice with the address of the session finds widgets that hold the other one
    already: nothing is left to undo then.
    """
    named = tuple(st.query_params.get(name, "") for name in ("id", "person"))
    left = st.session_state.get(LEFT, {}).get((page, *named))
    if left is None:
        return
    address, zone_then = left
    with suppress(StreamlitAPIException):
        for name in ("id", "person", *place.WITHIN):
            st.query_params.pop(name, None)
        for name, values in address.items():
            st.query_params[name] = values
        st.session_state[ZONE_THEN] = zone_then
        st.rerun()
