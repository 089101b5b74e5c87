"""What a list of sessions is narrowed to beyond the filters of every page: widgets → a find."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.explorer import COLUMNS, Find, Range
from bridgeboard.metrics import DIMENSIONS, Scope
from bridgeboard.ui import scopes

NARROWED: Final = {"tool": "tools", "server": "servers", "credential_kind": "keys"}
"""Dimension → its parameter, of the filters that only some pages have."""
ERRORS: Final = "outcome"
ID: Final = "session_id"
WITH: Final = "With errors"
WITHOUT: Final = "Without errors"
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
    with st.expander("More filters", icon=":material/tune:", expanded=any(_active())):
        with st.grid(min_column_width=220, gap="small", key="more-filters"):
            for name, parameter in NARROWED.items():
                told = formats.unmarked(DIMENSIONS[name].definition)
                scopes.picker(name, parameter, DIMENSIONS[name].label, help=told)
            st.selectbox(
                "Errors",
                (WITH, WITHOUT),
                index=None,
                key=ERRORS,
                bind="query-params",
                placeholder="All",
                help="Failed tool calls, and threads that are known to have ended with an error.",
            )
            st.text_input(
                "Session ID",
                key=ID,
                bind="query-params",
                placeholder="Any",
                help="Exactly the id that the client gave it, of a session of this period.",
            )
        with st.grid(min_column_width=150, gap="small", key="more-limits"):
            for one in _LIMITS:
                for end, word in _ENDS.items():
                    _end(one, end, word)
        st.caption(
            "Filters choose requests: a session is listed with those of its requests that lie in "
            "the period and pass, and its numbers are theirs. Limits are about these numbers."
        )


def chosen(scope: Scope) -> Find:
    """What the controls say now. Ends that contradict each other find nothing."""
    for name, parameter in NARROWED.items():
        if values := st.session_state.get(parameter):
            scope = scope.only(name, *values)
    errors = {WITH: True, WITHOUT: False}.get(st.session_state.get(ERRORS) or "")
    return Find(scope, errors, tuple(_ranges()), st.session_state.get(ID) or None)


def is_narrowed() -> bool:
    """Whether any of these filters is in force."""
    return any(_active())


def reset() -> None:
    """Forget them all; for callbacks."""
    for parameter in NARROWED.values():
        st.session_state[parameter] = []
    for key in _OTHERS:
        st.session_state[key] = "" if key == ID else None


def _active() -> Iterator[bool]:
    for key in (*NARROWED.values(), *_OTHERS):
        yield bool(st.session_state.get(key) not in (None, [], "") or st.query_params.get(key))


def _end(one: _Limit, end: str, word: str) -> None:
    whole = one.step == 1
    st.number_input(
        f"{one.label}, {word}",
        min_value=0 if whole else 0.0,
        max_value=_LARGEST if whole else float(_LARGEST),
        value=None,
        step=1 if whole else one.step,
        format=None if whole else "%.2f",
        key=_key(one, end),
        bind="query-params",
        placeholder="Any",
        help=formats.unmarked(COLUMNS[one.name].definition) if end == "least" else None,
    )


def _key(one: _Limit, end: str) -> str:
    return f"{one.parameter}_{_ENDS[end]}"


def _ranges() -> Iterator[Range]:
    for one in _LIMITS:
        least, most = (_stored(one, st.session_state.get(_key(one, end))) for end in _ENDS)
        if least is not None or most is not None:
            yield Range(one.name, least, most)


def _stored(one: _Limit, value: float | None) -> int | None:
    """What was typed in the store's unit, exactly."""
    return None if value is None else int(Decimal(str(value)) * one.scale)


_OTHERS: Final = (ERRORS, ID, *(_key(one, end) for one in _LIMITS for end in _ENDS))
