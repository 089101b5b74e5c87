"""The filters of every page: widgets from the address, and the scope they make."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.model import periods
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.pages import FILTERS
from bridgeboard.model.scope import Scope
from bridgeboard.ui import runner, url, url_values
from bridgeboard.ui.components import clock, value_picker
from bridgeboard.ui.url_values import Parameter, Several

RARER: Final = ("provider", "provider_name", "vendor")
"""Dimensions whose filters stand in a fold."""
NOT: Final = "not_"
"""Before a parameter: the values are left out instead."""
PERIOD: Final = Parameter("period", periods.named, usual=periods.USUAL, widget="range")
DATES: Final = Several("dates", url_values.day)
FROM: Final = Parameter("from", url_values.time_of_day, lambda at: f"{at:%H:%M}")
UNTIL: Final = Parameter("until", url_values.time_of_day, lambda at: f"{at:%H:%M}")
"""Times of day on the first and the last of the dates; without them days are whole."""
COMPARE: Final = url_values.switch("compare", usual=True)


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
            help="A period that is not over is compared up to the same moment.",
            **COMPARE.widget_arguments(),
        )
        st.subheader("Filters", anchor=False)
        for name in FILTERS:
            if name not in RARER and runner.without_people((name,)):
                _values(name)
        _rarer()


def _rarer() -> None:
    """What few readers need."""
    fold = st.expander("Times, providers", key="rarer", icon=":material/tune:", on_change="rerun")
    with fold:
        if PERIOD.value() != "custom":
            st.caption("A custom period can begin and end at a time of day.")
        elif fold.open or any(one.value() for one in (FROM, UNTIL)):
            _hours()
        for name in RARER:
            _values(name)


def chosen() -> Chosen:
    """What the address says now."""
    preset = PERIOD.value() or periods.USUAL
    zone = clock.zone().key
    hours = (FROM.value(), UNTIL.value())
    scope = periods.scope(preset, _today(), zone, _dates(), hours, week_start=clock.week_start())
    for name, values, is_left_out in _active():
        scope = (Scope.without if is_left_out else Scope.only)(scope, name, *values)
    as_of = periods.known_until(clock.now(), runner.current().coverage().as_of)
    before = periods.compared(scope, preset, as_of) if COMPARE.value() else None
    return Chosen(scope, before, preset, periods.is_running(scope, clock.now()))


def own_pickers(own: Mapping[str, str], **more: Any) -> None:
    """Boxes for dimensions that only some pages filter by; ``more`` is for the boxes.

    ``own`` is their dimensions with their parameters.
    """
    for name, parameter in own.items():
        one = DIMENSIONS[name]
        meaning = formats.unmarked(one.definition)
        value_picker.several(name, parameter, one.label, help=meaning, **more)


def narrowed(scope: Scope, own: Mapping[str, str]) -> Scope:
    """The scope with what these boxes say."""
    for name, parameter in own.items():
        if values := value_picker.chosen(name, parameter):
            scope = scope.only(name, *values)
    return scope


def chips() -> None:
    """The filters in force, each with a way to drop it; nothing when there are none."""
    active = list(_active())
    if not active:
        return
    with st.container(horizontal=True, key="chips", gap="small"):
        for name, values, is_left_out in active:
            st.button(
                formats.unmarked(_chip(name, values, is_left_out=is_left_out)),
                key=f"chip-{FILTERS[name]}",
                icon=":material/close:",
                on_click=drop,
                args=(FILTERS[name],),
                help="Drop this filter",
            )
        if len(active) > 1:
            st.button("Reset all", key="chip-reset", type="tertiary", on_click=reset)


def drop(parameter: str) -> None:
    """Forget what was chosen of one dimension; for callbacks."""
    url.put({parameter: (), NOT + parameter: ()})


def reset() -> None:
    """Forget all filters; the period stays. For callbacks."""
    url.put(dict.fromkeys(_OF_FILTERS, ()))


def parameters(scope: Scope, more: Mapping[str, str]) -> dict[str, list[str]]:
    """The address of the days and filters of a scope.

    ``more`` are parameters of dimensions that only some pages have filters for.
    """
    days = [scope.first_day, scope.last_day]
    words = {PERIOD.name: ["custom"], DATES.name: [day.isoformat() for day in days]}
    for pairs, is_left_out in ((scope.include, False), (scope.exclude, True)):
        for name, values in pairs:
            if parameter := FILTERS.get(name):
                words[parameter] = list(values)
                if is_left_out:
                    words[NOT + parameter] = ["true"]
            elif name in more and not is_left_out:
                words[more[name]] = list(values)
    return words


def narrow(name: str, value: str) -> None:
    """Keep only one value of a dimension: what a click on a bar or a row does."""
    parameter = FILTERS[name]
    url.put({parameter: [value], NOT + parameter: ()})


def put_days(
    first: date, last: date, hours: tuple[time | None, time | None] = (None, None)
) -> None:
    """Write days that were chosen one by one, with times of day; for callbacks."""
    words = {PERIOD.name: ["custom"], DATES.name: [str(first), str(last)]}
    url.put(words | {FROM.name: FROM.words(hours[0]), UNTIL.name: UNTIL.words(hours[1])})


def _period() -> None:
    arguments = PERIOD.widget_arguments()
    st.selectbox(
        "Period",
        list(periods.PRESETS),
        format_func=periods.PRESETS.__getitem__,
        help="Whole days of the time zone below. A number belongs to when its request began.",
        **{**arguments, "on_change": _take_period, "args": ()},
    )
    if PERIOD.value() == "custom":
        _days()
    elif DATES.value():
        url.complain("dates without period=custom")


def _take_period() -> None:
    preset = st.session_state[PERIOD.key]
    others = () if preset == "custom" else (DATES, FROM, UNTIL)
    url.put({PERIOD.name: PERIOD.words(preset), **{one.name: () for one in others}})


def _days() -> None:
    ends = st.session_state.get(DATES.key)
    if ends is None or len(ends) != 1:  # a range of which one end is chosen is left alone
        days = _dates()
        url_values.give(DATES.key, (min(days), max(days)))
    st.date_input(
        "Days",
        min_value=url_values.FIRST_DAY,
        max_value=url_values.LAST_DAY,
        key=DATES.key,
        on_change=_take_days,
    )


def _take_days() -> None:
    days = st.session_state[DATES.key]
    if len(days) > 1:
        url.put({DATES.name: [day.isoformat() for day in days]})


def _hours() -> None:
    for label, parameter, meaning in (
        ("From", FROM, "Time of day at which the first day begins. Empty is midnight."),
        ("Until", UNTIL, "Time of day at which the last day ends. Empty is midnight."),
    ):
        st.time_input(label, None, step=60, help=meaning, **parameter.widget_arguments())
    _say_if_backwards()


def _say_if_backwards() -> None:
    begins, ends = FROM.value(), UNTIL.value()
    if len(set(_dates())) <= 1 and ends and ends <= (begins or time()):
        st.caption("The end is not after the beginning: all of the day is shown from there on.")


def _dates() -> Sequence[date]:
    """The days of the address, else the last week."""
    today = _today()
    return DATES.value() or (today - timedelta(days=6), today)


def _values(name: str) -> None:
    parameter, label = FILTERS[name], DIMENSIONS[name].label
    value_picker.several(name, parameter, label)
    if url.get_all(parameter):
        st.checkbox(f"All but these: {label.lower()}", **_left_out(parameter).widget_arguments())


def _left_out(parameter: str) -> Parameter[bool]:
    return url_values.switch(NOT + parameter)


def _active() -> Iterator[tuple[str, list[str], bool]]:
    """Dimension, values, and whether these are left out, for each filter in force."""
    for name, parameter in FILTERS.items():
        if runner.without_people((name,)) and (values := value_picker.chosen(name, parameter)):
            yield name, values, bool(_left_out(parameter).value())


def _chip(name: str, values: Sequence[str], *, is_left_out: bool) -> str:
    verb = "is not" if is_left_out else "is"
    shown = [formats.middle(formats.visible(value), 28) for value in values[:2]]
    more = f" and {len(values) - 2} more" if len(values) > 2 else ""  # noqa: PLR2004 - two fit
    return f"{DIMENSIONS[name].label} {verb} {' or '.join(shown)}{more}"


_OF_FILTERS: Final = (
    *FILTERS.values(),
    *(NOT + parameter for parameter in FILTERS.values()),
)


def _today() -> date:
    return clock.now().astimezone(clock.zone()).date()
