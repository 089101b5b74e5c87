"""Filters of the list of sessions beyond those of every page."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.model.scope import Scope
from bridgeboard.queries.session_columns import COLUMNS
from bridgeboard.queries.session_filters import Find, Range
from bridgeboard.ui import url, url_values
from bridgeboard.ui.components import filters

NARROWED: Final = {"tool": "tools", "server": "servers", "credential_kind": "keys"}
"""Dimension → its parameter, of the filters that only some pages have."""
WITH: Final = "with"
_OUTCOMES: Final = {WITH: "With errors", "without": "Without errors"}
LONGEST_ID: Final = 1_000
ERRORS: Final = url_values.one_of("outcome", _OUTCOMES)
ID: Final = url_values.text("session_id", LONGEST_ID)
_PICO: Final = 10**12
_MINUTE: Final = 60
_LARGEST: Final = 1_000_000_000


@dataclass(frozen=True)
class _Limit:
    """A number that has a least and a most; ``scale`` is what one of its unit is in the store."""

    name: str
    label: str
    parameter: str
    scale: int = 1
    step: float = 1


_LIMITS: Final = (
    _Limit("cost", "Spend ($)", "spend", _PICO, 0.01),
    _Limit("duration_seconds", "Duration (minutes)", "minutes", _MINUTE),
    _Limit("threads", "Threads", "threads"),
    _Limit("tool_calls", "Tool calls", "calls"),
)
_ENDS: Final = {"least": "min", "most": "max"}


def pickers() -> None:
    """More filters, in a fold that is open while any of them is in force."""
    with st.expander("More filters", icon=":material/tune:", expanded=is_narrowed()):
        with st.grid(min_column_width=220, gap="small", key="more-filters"):
            filters.own_pickers(NARROWED)
            st.selectbox(
                "Errors",
                list(_OUTCOMES),
                index=None,
                placeholder="All",
                format_func=_OUTCOMES.__getitem__,
                help="Failed tool calls, and threads that are known to have ended with an error.",
                **ERRORS.widget_arguments(),
            )
            st.text_input(
                "Session ID",
                placeholder="Any",
                help="The exact ID of a session of this period, as its client gave it.",
                max_chars=LONGEST_ID,
                **ID.widget_arguments(),
            )
        with st.grid(min_column_width=150, gap="small", key="more-limits"):
            for one in _LIMITS:
                for end, word in _ENDS.items():
                    _end(one, end, word)
        st.caption(
            "A session is listed if any of its requests in the period passes the filters, and its "
            "numbers are those of these requests. Minimum and maximum apply to these numbers."
        )


def chosen(scope: Scope) -> Find:
    """What the controls say now. Ends that contradict each other find nothing."""
    outcome = ERRORS.value()
    errors = None if outcome is None else outcome == WITH
    return Find(filters.narrowed(scope, NARROWED), errors, tuple(_ranges()), ID.value() or None)


def is_narrowed() -> bool:
    """Whether any of these filters is in force."""
    return any(any(url.get_all(name)) for name in _PARAMETERS)


def reset() -> None:
    """Forget them all; for callbacks."""
    url.put(dict.fromkeys(_PARAMETERS, ()))


def _end(one: _Limit, end: str, word: str) -> None:
    whole = one.step == 1
    st.number_input(
        f"{one.label}, {word}",
        min_value=0 if whole else 0.0,
        max_value=_LARGEST if whole else float(_LARGEST),
        value=None,
        step=1 if whole else one.step,
        format=None if whole else "%.2f",
        placeholder="Any",
        help=formats.unmarked(COLUMNS[one.name].definition) if end == "least" else None,
        **_parameter(one, end).widget_arguments(),
    )


def _parameter(one: _Limit, end: str) -> url_values.Parameter[float]:
    read = partial(_limit, whole=one.step == 1)
    return url_values.Parameter(
        f"{one.parameter}_{_ENDS[end]}", read, lambda value: f"{value:.15g}"
    )


def _limit(word: str, *, whole: bool) -> float:
    """A number as addresses have it. Raises ValueError for one that the box cannot hold."""
    read = url_values.number(word)
    if read > _LARGEST or (whole and read != int(read)):
        raise ValueError(word)
    return int(read) if whole else read


def _ranges() -> Iterator[Range]:
    """The limits in the units of the store, exactly."""
    for one in _LIMITS:
        typed = (_parameter(one, end).value() for end in _ENDS)
        least, most = (None if n is None else int(Decimal(str(n)) * one.scale) for n in typed)
        if least is not None or most is not None:
            yield Range(one.name, least, most)


_PARAMETERS: Final = (
    *NARROWED.values(),
    ERRORS.name,
    ID.name,
    *(_parameter(one, end).name for one in _LIMITS for end in _ENDS),
)
