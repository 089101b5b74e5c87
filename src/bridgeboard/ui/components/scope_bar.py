"""The bar at the head of every page: period, comparison, filters and time zone.

It shows what the address says, and its callbacks write the address (``ui.components.filters``). A
popover whose label changes is sent whole: a lazy one would close with each choice in it, also with
the first of two times of day. What is rarely opened is lazy.
"""

from datetime import time
from typing import Any, Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.model import periods
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.pages import FILTERS
from bridgeboard.ui import runner, url_values
from bridgeboard.ui.components import clock, filters, value_picker
from bridgeboard.ui.components.elements import element
from bridgeboard.ui.components.filters import COMPARE, PERIOD, Filter

KEY: Final = "scope"
_ADD: Final = "add-filter"
_DIMENSION: Final = "filter-dimension"
_DAYS: Final = "days"
_HOURS: Final = (
    ("From", "hour-from", "Time of day at which the first day begins. Empty is midnight."),
    ("Until", "hour-to", "Time of day at which the last day ends. Empty is midnight."),
)
_SHOWN: Final = "scope-shown-"
_CHOICES: Final = "period-choices"
"""How many periods were chosen in the popover, which each of them closes."""
_IS, _IS_NOT = "is", "is not"
_EDIT, _REMOVE = "Edit", "Remove"
_COMPARED: Final = {
    **{name: f"vs {label.lower()}" for name, label in periods.COMPARISONS.items()},
    filters.NO_COMPARISON: "No comparison",
}

_fold = element(
    "scope_fold",
    '<details class="scope-fold"><summary>\n</summary></details>',
    "history.js",
    "scope.js",
)
_copy = element(
    "copy_link",
    '<button type="button" class="copy-link">Copy link</button>'
    '<span class="unseen" role="status">\n</span>',
    "copy.js",
)


def fold(summary: str) -> None:
    """What stands for the bar on a phone until it is opened; it comes first in the bar."""
    _fold(data={"summary": summary}, key="scope-fold")


def copy_link() -> None:
    """A way to copy the address of the page."""
    _copy(data={"label": "Copy link"}, key="copy-link")


def show() -> None:
    """The controls that decide which numbers a page shows."""
    now = filters.chosen()
    label = periods.PRESETS[now.preset] if now.preset != "custom" else now.words
    count = len(list(filters.active()))
    fold(f"{label}, {formats.plural(count, 'filter')}" if count else label)
    _arrow("Previous period", "chevron_left", -1)
    key = f"period-{st.session_state.get(_CHOICES, 0)}"
    with st.popover(formats.unmarked(label), key=key, icon=":material/calendar_month:"):
        _period(now.preset)
    _arrow("Next period", "chevron_right", 1)
    st.selectbox(
        "Compare with",
        list(_COMPARED),
        format_func=_COMPARED.__getitem__,
        help="A period that is not over is compared up to the same moment.",
        label_visibility="collapsed",
        width=210,
        **COMPARE.widget_arguments(),
    )
    _add()


def chips() -> None:
    """The filters in force, each with a menu and a way to drop it; they come last in the bar."""
    active = list(filters.active())
    for one in active:
        _chip(one)
    if len(active) > 1:
        st.button("Reset all", key="chip-reset", type="tertiary", on_click=filters.reset)


def _arrow(label: str, icon: str, steps: int) -> None:
    """A step to another period; where it leads is fixed here, so that a press counts once."""
    target = filters.stepped(steps)
    st.button(
        label,
        key=f"step-{'back' if steps < 0 else 'on'}",
        icon=f":material/{icon}:",
        on_click=filters.go_to,
        args=target,
        disabled=target is None,
    )


def _period(preset: str) -> None:
    named = [name for name in periods.PRESETS if name != "custom"]
    chosen = preset if preset in named else None
    key = _key(PERIOD.key, chosen)
    url_values.give(key, chosen)
    st.radio(
        "Period",
        named,
        index=None,
        format_func=periods.PRESETS.__getitem__,
        key=key,
        on_change=_take_period,
        help="Whole days of the time zone. A number belongs to when its request began.",
    )
    _, days, hours = filters.period()
    shown = days if preset == "custom" else _named_days(preset)
    key = _key(_DAYS, shown)
    if len(st.session_state.get(key) or shown) != 1:  # half a range is left alone
        url_values.give(key, shown)
    st.date_input(
        "Days",
        min_value=periods.FIRST_DAY,
        max_value=periods.LAST_DAY,
        key=key,
        on_change=_take_whole_days,
    )
    if preset == "custom":
        for (label, name, meaning), at in zip(_HOURS, hours, strict=True):
            key = _key(name, at)
            url_values.give(key, at)
            st.time_input(label, None, step=60, help=meaning, key=key, on_change=_take_days)
        if filters.is_backwards():
            st.caption("The end is not after the beginning: all of the day is shown from there on.")


def _named_days(preset: str) -> tuple[Any, Any]:
    return periods.days(preset, filters.today(), (), clock.week_start())


def _key(name: str, shown: Any) -> str:
    """The key of a widget in the popover: a new one if the address says what was not chosen in it.

    What is in a closed popover does not take up a value that it is given: its browser would send
    the value of before with the next click, as if somebody had chosen it.
    """
    before, number = st.session_state.get(_SHOWN + name, (shown, 0))
    if shown not in (before, _chosen(name)):
        number += 1
    st.session_state[_SHOWN + name] = (shown, number)
    return f"{name}-{number}" if number else name


def _chosen(name: str) -> Any:
    """What a widget in the popover holds; None where there is none."""
    number = st.session_state.get(_SHOWN + name, (None, 0))[1]
    return st.session_state.get(f"{name}-{number}" if number else name)


def _is_given(name: str) -> bool:
    """Whether a widget in the popover holds what it was given, so that nobody chose it.

    If a run was cut off after it had made the widget, Streamlit takes its value for a choice.
    """
    return bool(_chosen(name) == st.session_state.get(_SHOWN + name, (None, 0))[0])


def _take_period() -> None:
    preset = _chosen(PERIOD.key)
    if preset and not _is_given(PERIOD.key):
        filters.put_period(preset)
        _close()


def _take_days() -> None:
    days = _chosen(_DAYS)
    if len(days) > 1 and not all(map(_is_given, (_DAYS, *(name for _, name, _ in _HOURS)))):
        hours: tuple[time | None, ...] = tuple(_chosen(name) for _, name, _ in _HOURS)
        filters.put_days(days[0], days[1], (hours[0], hours[1]))


def _take_whole_days() -> None:
    """Take days with the times they have; half a range leaves the popover open."""
    if len(_chosen(_DAYS)) > 1 and not _is_given(_DAYS):
        _take_days()
        _close()


def _close() -> None:
    """Close the popover of the period: its next one has another key, and begins closed."""
    st.session_state[_CHOICES] = st.session_state.get(_CHOICES, 0) + 1


def _chip(one: Filter) -> None:
    """A filter in force: a menu to change it, and a way to drop it at once."""
    name = f"{one.parameter}-not" if one.is_left_out else one.parameter
    st.menu_button(
        formats.unmarked(str(one)),
        (_EDIT, "Include" if one.is_left_out else "Exclude", _REMOVE),
        key=f"filter-{name}",
        on_click=_change,
        args=(one, f"filter-{name}"),
    )
    st.button(
        f"Remove: {formats.unmarked(str(one))}",
        key=f"chip-{name}",
        icon=":material/close:",
        type="tertiary",
        on_click=_remove,
        args=(one,),
    )


def _change(one: Filter, key: str) -> None:
    choice = st.session_state[key]
    if choice == _EDIT:
        st.session_state[_ADD] = True
        st.session_state[_DIMENSION] = one.name
        st.session_state[_sign(one.name)] = _IS_NOT if one.is_left_out else _IS
    elif choice == _REMOVE:
        _remove(one)
    else:
        filters.keep(Filter(one.name, one.values, not one.is_left_out), instead_of=one)


def _remove(one: Filter) -> None:
    filters.keep(Filter(one.name, (), one.is_left_out))


def _add() -> None:
    """A filter by any dimension; also where one is edited."""
    place = st.popover("Add filter", key=_ADD, icon=":material/filter_list:", on_change="rerun")
    if not place.open:
        return
    with place:
        names = [name for name in FILTERS if runner.without_people((name,))]
        name = st.selectbox(
            "Filter by",
            names,
            format_func=lambda each: DIMENSIONS[each].label,
            key=_DIMENSION,
            persist_state="session",
        )
        _editor(str(name))


def _editor(name: str) -> None:
    filters_now = filters.of(name)
    sign = _sign(name)
    if filters_now and st.session_state.get(sign) not in [*map(_verb, filters_now)]:
        url_values.give(sign, _verb(filters_now[0]))
    verb = st.segmented_control(
        "Values that are kept or left out",
        (_IS, _IS_NOT),
        default=None if sign in st.session_state else _IS,
        required=True,
        key=sign,
        on_change=_take_sign,
        args=(name,),
        label_visibility="collapsed",
    )
    values = next((one.values for one in filters_now if _verb(one) == verb), ())
    value_picker.several(
        name,
        FILTERS[name],
        DIMENSIONS[name].label,
        values,
        lambda chosen: filters.keep(Filter(name, tuple(chosen), verb == _IS_NOT)),
    )


def _take_sign(name: str) -> None:
    """Turn the filter round; where there is none yet, the next values are."""
    is_left_out = st.session_state[_sign(name)] == _IS_NOT
    for one in filters.of(name):
        if one.is_left_out != is_left_out:
            filters.keep(Filter(name, one.values, is_left_out), instead_of=one)


def _sign(name: str) -> str:
    return f"sign-{FILTERS[name]}"


def _verb(one: Filter) -> str:
    return _IS_NOT if one.is_left_out else _IS
