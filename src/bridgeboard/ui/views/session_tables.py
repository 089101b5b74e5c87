"""Tables of a session's threads and calls."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis import session_data
from bridgeboard.model.accuracy import accuracy
from bridgeboard.queries.session_calls import Mark
from bridgeboard.queries.session_detail import Thread
from bridgeboard.ui.components import tables
from bridgeboard.ui.components.tables import Column, Inexact

_KINDS: Final = tuple(charts.TOKEN_KINDS)


def show(threads: Sequence[Thread], course: session_data.Course, known: Mapping[Any, int]) -> None:
    """The numbers behind the pictures, made when the reader opens them."""
    fold = st.expander("Table", icon=":material/table:", key="fold-pictures", on_change="rerun")
    if not fold.open:
        return
    with fold:
        if threads:
            tables.show(
                [_thread_line(each) for each in threads],
                _THREAD_COLUMNS,
                key="threads_table",
                label="Tokens and cost of threads",
            )
        st.caption(formats.plural(len(course.marks), "call") + f" of {course.count:,}")
        tables.show(
            [_call_line(each, known) for each in course.marks],
            _CALL_COLUMNS,
            key="calls_table",
            label="Context and cost of calls",
        )


_THREAD_COLUMNS: Final = (
    Column("Thread"),
    *(Column(label, "count", exact=True) for label, _ in charts.TOKEN_KINDS.values()),
    Column("Tokens", "count", exact=True),
    Column("Cost", "money", exact=True),
)
_CALL_COLUMNS: Final = (
    Column("Call", "count", exact=True),
    Column("Thread"),
    Column("Context", "count", exact=True),
    Column("Output", "count", exact=True),
    Column("Cost so far", "money", exact=True),
)


def _thread_line(thread: Thread) -> tuple[object, ...]:
    counts = (number(thread, f"{kind}_tokens", getattr(thread, kind)) for kind in _KINDS)
    total = number(thread, "total_tokens", thread.total_tokens)
    return (name(thread), *counts, total, number(thread, "spend", thread.cost))


def number(thread: Thread, metric: str, value: int | None) -> Any:
    """A number of a thread as tables take it, with how it stands."""
    return Inexact.of(value, accuracy(metric, thread.by_metric))


def _call_line(mark: Mark, known: Mapping[Any, int]) -> tuple[object, ...]:
    thread = called(mark, known) + ("" if mark.is_call else ", a sum of requests")
    cost = Inexact.of(mark.running_cost, mark.running_accuracy)
    tokens = (None, None) if mark.is_untold else (mark.context, mark.output)
    return (mark.place, thread, *tokens, cost)


def name(thread: Thread) -> str:
    """What a thread is called: its number, or the rest."""
    return str(thread.place) if thread.id else "Rest"


def called(mark: Mark, known: Mapping[Any, int]) -> str:
    """What the thread of a call is called."""
    return "Rest" if mark.thread is None else str(known.get(mark.thread, formats.DASH))
