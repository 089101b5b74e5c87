"""The reader's time and time zone; the only module of the pages that reads the clock."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from bridgeboard import settings
from bridgeboard.ui import url, url_values
from bridgeboard.ui.views import session_url

BROWSER = "Browser"
LEFT = "addresses_left"
ZONE = "tz"


def now() -> datetime:
    """The present moment, aware UTC; that of a demo company which stands still is its last."""
    return settings.current().stands_at or datetime.now(UTC)


def week_start() -> int:
    """The weekday that weeks begin on, as the operator set it: 0 for Monday."""
    return settings.current().first_weekday


def zone() -> ZoneInfo:
    """The reporting zone: the one chosen, else the browser's, else UTC."""
    chosen = _parameter().value()
    name = st.context.timezone if chosen in {None, BROWSER} else chosen
    return ZoneInfo(name) if name in _zones() else ZoneInfo("UTC")


@cache
def _parameter() -> url_values.Parameter[str]:
    return url_values.one_of(ZONE, (BROWSER, *_zones()), BROWSER)


@cache
def _zones() -> frozenset[str]:
    """All zones of this machine, for which a folder has to be walked."""
    return frozenset(available_timezones())


def zone_picker() -> None:
    """The control for the reporting zone; it stands on every page."""
    with st.sidebar:
        st.selectbox(
            "Time zone",
            _zone_names(),
            help="Days begin and end, and times are shown, in this zone.",
            **_parameter().widget_arguments(),
        )


@cache
def _zone_names() -> tuple[str, ...]:
    return (BROWSER, "UTC", *sorted(_zones() - {"UTC"}))


def remember(page: str, session: dict[str, str]) -> None:
    """Keep a page's address for :func:`come_back`, before leaving it for a session."""
    left = {name: words for name, words in url.current().items() if name != ZONE}
    pages_left = st.session_state.setdefault(LEFT, {})
    pages_left[page, session["id"], session["person"]] = (left, _parameter().value() or BROWSER)


def come_back(page: str) -> None:
    """Undo what Streamlit did to a page's address when a session was opened from it.

    It writes the session's parameters over those of the page that is left, and that is where the
    browser's Back leads to. Each session that was opened knows the address it was opened from.
    """
    named = tuple(st.query_params.get(name, "") for name in ("id", "person"))
    left = st.session_state.get(LEFT, {}).get((page, *named))
    if left is None:
        return
    before, zone_then = left
    others = {
        name: words
        for name, words in url.current().items()
        if name not in {"id", "person", *session_url.WITHIN, ZONE}
    }
    then = {} if zone_then == BROWSER else {ZONE: [zone_then]}
    st.query_params.from_dict({**others, **before, **then})
    st.rerun()
