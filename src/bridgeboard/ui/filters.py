"""Widgets bound to the URL → what to ask for. The only place of the UI that knows the time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from aibridge import Search, SearchError
from bridgeboard import formats, settings
from bridgeboard.ui import data, notices

PERIODS = {
    "all": "All time",
    "today": "Today",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
    "custom": "Custom",
}
DAYS_BACK = {"today": 0, "7d": 6, "30d": 29, "90d": 89}
PROVIDERS = ("anthropic", "copilot", "openai")
BROWSER = "Browser"
LEFT = "addresses_left"
ZONE = "tz"
ZONE_THEN = "zone_when_leaving"
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Choice:
    """What the reader chose: the question to the deployment, and the zone to read times in."""

    search: Search
    zone: ZoneInfo

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set."""
        return self.search != Search()


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


def remember(session: dict[str, str]) -> None:
    """Keep the list's address for :func:`come_back`, before leaving it for a session."""
    address = {name: st.query_params.get_all(name) for name in st.query_params if name != ZONE}
    left = (address, st.session_state.get(ZONE, BROWSER))
    st.session_state.setdefault(LEFT, {})[tuple(session.values())] = left


def come_back() -> None:
    """Undo what Streamlit did to the list's address when a session was opened from it.

    It writes the session's parameters over those of the page that is left, and that is where the
    browser's Back leads to. Each session that was opened knows the address it was opened from.
    """
    if "id" not in st.query_params:
        return
    session = tuple(st.query_params.pop(name, "") for name in ("id", "person"))
    for name in ("thread", "threads"):
        st.query_params.pop(name, None)
    address, zone_then = st.session_state.get(LEFT, {}).get(session, ({}, None))
    for name, values in address.items():
        st.query_params[name] = values
    st.session_state[ZONE_THEN] = zone_then
    st.rerun()


def choice() -> Choice:
    """The sidebar's filters, all of them in the URL. Each is exact and case-sensitive."""
    with st.sidebar:
        st.subheader("Filters", anchor=False)
        after, before = _period()
        person = _one_of("Person", "initiator", "the list of people", data.initiators)
        provider = _select("Provider", "provider", PROVIDERS)
        instance = _instance()
        model = _one_of("Model", "model", "the list of models", data.models)
        client = _one_of("Client", "client", "the list of clients", data.clients)
        session_id = st.text_input("Session ID", key="session_id", bind="query-params") or None
    try:
        search = Search(
            initiator=person,
            provider=provider,
            provider_name=instance,
            model=model,
            client=client,
            session_id=session_id,
            started_after=after,
            started_before=before,
        )
    except SearchError:
        notices.empty(
            "The deployment cannot be asked for this. A filter may hold no double quote, and none "
            "of the characters that cannot be seen. Change it, or clear it."
        )
        st.stop()
    return Choice(search, zone())


def caution(choice: Choice) -> None:
    """Say which columns the filters change and which not (api-contract 4.3)."""
    if choice.narrowed:
        st.caption(
            "Last active, threads and duration speak of the requests that match; tokens, models "
            "and client are those of the whole session."
        )


def page_number(pages: int) -> int:
    """The page of a list that the URL names, within ``pages``; no control for a single page."""
    return st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1


def window(
    period: str, today: date, days: Sequence[date], zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """A period as the API's two inclusive bounds, for half-open days of ``zone``.

    A running period has no end. The end of a closed one is the last microsecond before the day
    after it, because the API includes both bounds (api-contract 3.10).
    """
    if period in DAYS_BACK:
        return _midnight(today - timedelta(days=DAYS_BACK[period]), zone), None
    if period == "custom" and days:
        end = _midnight(max(days) + timedelta(days=1), zone)
        return _midnight(min(days), zone), end - MICROSECOND
    return None, None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _period() -> tuple[datetime | None, datetime | None]:
    period = st.selectbox(
        "Period",
        list(PERIODS),
        format_func=lambda code: PERIODS[code],
        key="period",
        bind="query-params",
        help="Sessions with at least one request that began in this period.",
    )
    today = now().astimezone(zone()).date()
    days: tuple[date, ...] = ()
    if period == "custom":
        week = (today - timedelta(days=6), today)
        days = st.date_input("Days", week, key="days", bind="query-params")
    return window(period or "all", today, days, zone())


def _one_of(label: str, key: str, what: str, options: Callable[[], tuple[str, ...]]) -> str | None:
    known: tuple[str, ...] = ()
    with notices.tile(what):
        known = tuple(filter(None, options()))  # an empty name cannot be searched for
    return _select(label, key, known)


def _select(label: str, key: str, options: Sequence[str]) -> str | None:
    return st.selectbox(
        label,
        options,
        index=None,
        key=key,
        bind="query-params",
        placeholder="All",
        accept_new_options=True,
        format_func=formats.visible,
    )


def _instance() -> str | None:
    """The provider instance; the deployment only lets owners ask for one (api-contract 3.7)."""
    if not data.capabilities().can_filter_provider_name:
        if "provider_name" in st.query_params:
            notices.remark(
                "This link filters by provider instance, which the deployment only lets owners do. "
                "That filter is left out here, so more sessions are shown than its sender saw."
            )
        return None
    return (
        st.text_input(
            "Provider instance",
            key="provider_name",
            bind="query-params",
            placeholder="All",
            help="The exact name of a configured provider, for example anthropic or azure-openai.",
        )
        or None
    )
