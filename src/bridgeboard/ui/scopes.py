"""The filters of every page: widgets bound to the URL → the scope that the numbers are about."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, Final

import streamlit as st

from bridgeboard import boards, formats, periods
from bridgeboard.metrics import Scope
from bridgeboard.ui import filters, numbers

PERIOD: Final = "range"
DATES: Final = "dates"
FROM: Final = "from"
UNTIL: Final = "until"
"""Times of day on the first and the last of the dates; without them days are whole."""
COMPARE: Final = "compare"
PARAMETERS: Final = {
    "team": "teams",
    "initiator": "people",
    "provider": "providers",
    "provider_name": "instances",
    "vendor": "vendors",
    "model": "models",
    "client": "clients",
}
"""Dimension → its parameter in addresses. Several values are the parameter several times."""
RARER: Final = ("provider", "provider_name", "vendor")
"""Dimensions whose filters stand in a fold."""
NOT: Final = "not_"
"""Before a parameter: the values are left out instead."""


@dataclass(frozen=True)
class Chosen:
    """What the reader chose.

    Attributes:
        scope: period, zone and filters.
        before: the period it is compared with; None when the reader does not want to compare.
        preset: the period's name.
        running: whether the period has not ended yet.
    """

    scope: Scope
    before: Scope | None
    preset: str
    running: bool

    @property
    def grain(self) -> periods.Grain:
        """The stretch of time that makes a readable chart."""
        return periods.grain(self.scope)

    @property
    def words(self) -> str:
        """The period in words: ``Last 30 days, 2026-10-26 to 2026-11-24``."""
        return periods.words(self.scope, self.preset)


def pickers() -> None:
    """The controls in the sidebar; they stand on every page that asks the store."""
    with st.sidebar:
        _period()
        st.toggle(
            "Compare with the period before",
            value=True,
            key=COMPARE,
            bind="query-params",
            help="A period that is not over is compared up to the same moment.",
        )
        st.subheader("Filters", anchor=False)
        for name, label in boards.FILTERS.items():
            if name not in RARER and (name != "initiator" or numbers.shows_people()):
                _values(name, label)
        _rarer()


def _rarer() -> None:
    """What few readers need. Filters are made even so: what a click sets is in the address then."""
    fold = st.expander("Times, providers", key="rarer", icon=":material/tune:", on_change="rerun")
    with fold:
        if st.session_state.get(PERIOD) != "custom":
            st.caption("A custom period can begin and end at a time of day.")
        elif fold.open or any(map(_is_told, (FROM, UNTIL))):
            _hours()
        for name in RARER:
            _values(name, boards.FILTERS[name])


def _is_told(parameter: str) -> bool:
    return bool(st.session_state.get(parameter) or parameter in st.query_params)


def chosen() -> Chosen:
    """What the controls say now."""
    preset = st.session_state.get(PERIOD) or periods.USUAL
    zone = filters.zone().key
    hours = (st.session_state.get(FROM), st.session_state.get(UNTIL))
    scope = periods.scope(preset, _today(), zone, _dates(), hours)
    for name, parameter in PARAMETERS.items():
        if values := st.session_state.get(parameter):
            keep = Scope.without if st.session_state.get(NOT + parameter) else Scope.only
            scope = keep(scope, name, *values)
    as_of = periods.known_until(filters.now(), numbers.coverage().as_of)
    wanted = st.session_state.get(COMPARE, True)
    before = periods.compared(scope, preset, as_of) if wanted else None
    return Chosen(scope, before, preset, periods.is_running(scope, filters.now()))


def chips() -> None:
    """The filters in force, each with a way to drop it; nothing when there are none."""
    active = list(_active())
    if not active:
        return
    with st.container(horizontal=True, key="chips", gap="small"):
        for parameter, label in active:
            st.button(
                formats.unmarked(label),
                key=f"chip-{parameter}",
                icon=":material/close:",
                on_click=drop,
                args=(parameter,),
                help="Drop this filter",
            )
        if len(active) > 1:
            st.button("Reset all", key="chip-reset", type="tertiary", on_click=reset)


def drop(parameter: str) -> None:
    """Forget what was chosen of one dimension."""
    st.session_state[parameter] = []


def reset() -> None:
    """Forget all filters; the period stays."""
    for parameter in PARAMETERS.values():
        drop(parameter)


def take(scope: Scope, more: Mapping[str, str]) -> None:
    """Choose the days and filters of a scope, and no others; for callbacks.

    ``more`` are parameters of dimensions that only some pages have filters for.
    """
    reset()
    st.session_state[PERIOD] = "custom"
    st.session_state[DATES] = (scope.first_day, scope.last_day)
    st.session_state[FROM] = st.session_state[UNTIL] = None
    for pairs, is_left_out in ((scope.include, False), (scope.exclude, True)):
        for name, values in pairs:
            if parameter := PARAMETERS.get(name):
                st.session_state[parameter] = list(values)
                st.session_state[NOT + parameter] = is_left_out
            elif name in more and not is_left_out:
                st.session_state[more[name]] = list(values)


def narrow(name: str, value: str) -> None:
    """Keep only one value of a dimension: what a click on a bar or a row does."""
    parameter = PARAMETERS[name]
    st.session_state[parameter] = [value]
    st.session_state[NOT + parameter] = False


def _period() -> None:
    st.selectbox(
        "Period",
        list(periods.PRESETS),
        index=list(periods.PRESETS).index(periods.USUAL),
        format_func=periods.PRESETS.__getitem__,
        key=PERIOD,
        bind="query-params",
        help="Whole days of the time zone below. A number belongs to when its request began.",
    )
    if st.session_state.get(PERIOD) == "custom":
        today = _today()
        week = (today - timedelta(days=6), today)
        st.date_input("Days", week, key=DATES, bind="query-params")


def _hours() -> None:
    for label, key, meaning in (
        ("From", FROM, "Time of day at which the first day begins. Empty is midnight."),
        ("Until", UNTIL, "Time of day at which the last day ends. Empty is midnight."),
    ):
        st.time_input(label, None, key=key, bind="query-params", step=60, help=meaning)
    _say_if_backwards()


def _say_if_backwards() -> None:
    days, begins, ends = _dates(), *(st.session_state.get(key) for key in (FROM, UNTIL))
    if len(set(days)) <= 1 and ends and ends <= (begins or time()):
        st.caption("The end is not after the beginning: all of the day is shown from there on.")


def _dates() -> Sequence[date]:
    told = st.session_state.get(DATES, ())
    return told if isinstance(told, tuple | list) else (told,)


def _values(name: str, label: str) -> None:
    parameter = PARAMETERS[name]
    picker(name, parameter, label)
    if st.session_state.get(parameter):
        st.checkbox(f"All but these: {label.lower()}", key=NOT + parameter, bind="query-params")


def picker(name: str, parameter: str, label: str, **more: Any) -> None:
    """A box for values of a dimension, bound to its parameter; ``more`` is for the box itself."""
    known = numbers.choices(name)
    shown = {formats.visible(value) for value in known}
    # What a link names stays a choice, even before the first sync has met it.
    named = [*st.query_params.get_all(parameter), *st.session_state.get(parameter, [])]
    st.multiselect(
        label,
        [*known, *(value for value in dict.fromkeys(named) if formats.visible(value) not in shown)],
        key=parameter,
        bind="query-params",
        placeholder="All",
        format_func=formats.visible,
        **more,
    )


def _active() -> Iterator[tuple[str, str]]:
    for name, label in boards.FILTERS.items():
        parameter = PARAMETERS[name]
        if values := st.session_state.get(parameter):
            verb = "is not" if st.session_state.get(NOT + parameter) else "is"
            shown = [formats.middle(formats.visible(value), 28) for value in values[:2]]
            more = f" and {len(values) - 2} more" if len(values) > 2 else ""  # noqa: PLR2004 - two fit
            yield parameter, f"{label} {verb} {' or '.join(shown)}{more}"


def _today() -> date:
    return filters.now().astimezone(filters.zone()).date()
