"""The reader's time and time zone; the only module of the pages that reads the clock."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from bridgeboard import settings
from bridgeboard.ui import url_values

BROWSER = "Browser"
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
    """The control for the reporting zone; it stands in the scope bar of every page."""
    place = st.popover(zone().key, key="zone", icon=":material/schedule:", on_change="rerun")
    if place.open:
        place.selectbox(
            "Time zone",
            _zone_names(),
            help="Days begin and end, and times are shown, in this zone.",
            **_parameter().widget_arguments(),
        )


@cache
def _zone_names() -> tuple[str, ...]:
    return (BROWSER, "UTC", *sorted(_zones() - {"UTC"}))
