"""Requests as a table on the screen, and as a sheet for export."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import urlencode

import streamlit as st

from bridgeboard.exports import Column, Sheet
from bridgeboard.model import accuracy
from bridgeboard.model.dimensions import DIMENSIONS, UNKNOWN
from bridgeboard.model.metric import TOKEN_METRICS, TOKENS
from bridgeboard.model.metrics import METRICS
from bridgeboard.queries.request_list import NUMBERS, Interception, Order
from bridgeboard.ui import navigation, url, url_parameters, url_values
from bridgeboard.ui.components import downloads, tables

ONE: Final = "request"
"""The parameter that names a request to look into."""
SORT: Final = url_values.one_of("sort", Order.columns, "started_at")
UP: Final = url_values.switch("up")
COLUMNS: Final = (
    *("started_at", "person", "client", "family", "cost", "status", *TOKENS, "duration_seconds"),
    *("tool_calls", "tool_errors", "error_type", "provider_name", "session_id"),
)
"""The columns of a page, as fields of a request; numbers and times can be sorted by."""
NAME: Final = 40
ID: Final = 10


def sheet(rows: Iterable[Interception], name: str) -> Sheet:
    """Requests as a table to take away: numbers and names, no recorded text."""
    rows = tuple(rows)
    numbers = [row.by_metric for row in rows]
    columns = (*_OWN, *(downloads.column(each, numbers) for each in _NAMED))
    return Sheet(name, columns, tuple(_exported(row) for row in rows))


def page(rows: Sequence[Interception], sorting: Order) -> None:
    """A page of requests; the time of a request leads to it, the id of its session there.

    A press on a head sorts the whole list and leads to its beginning.
    """
    columns = [
        replace(column, is_sortable=name in sorting.columns)
        for name, column in zip(COLUMNS, _columns(rows), strict=True)
    ]
    with st.container(key="box-requests"):
        tables.show(
            [_line(row) for row in rows],
            columns,
            key="requests-table",
            label=f"Requests, {order_words(sorting)}",
            order=tables.Order(COLUMNS.index(sorting.name), upwards=not sorting.descending),
            on_sort=partial(tables.write_order, sort=SORT, up=UP, names=COLUMNS),
            is_part=True,
        )


def order_words(sorting: Order) -> str:
    """In which order the list is, after its name."""
    if sorting.value:
        return "largest first" if sorting.descending else "smallest first"
    return "newest first" if sorting.descending else "oldest first"


def _line(row: Interception) -> tuple[object, ...]:
    return (
        row.started_at,
        row.person,
        row.client or UNKNOWN,
        row.family or UNKNOWN,
        *_cells(row, "cost"),
        row.status,
        *_cells(row, *TOKENS),
        row.duration_seconds,
        *_cells(row, "tool_calls", "tool_errors"),
        row.error_type,
        row.provider_name or UNKNOWN,
        row.session_id,
    )


def _columns(rows: Sequence[Interception]) -> list[tables.Column]:
    return [
        tables.Column("Began", "moment", "Opens the request.", links=_requests(rows)),
        tables.Column(
            "Person",
            meaning=navigation.meaning("initiator"),
            longest=NAME,
            links=navigation.links("initiator", [row.person for row in rows]),
        ),
        tables.Column("Client", longest=NAME),
        tables.Column("Model", longest=NAME),
        _number("Spend", "spend"),
        tables.Column("Price", meaning=DIMENSIONS["status"].definition, longest=NAME),
        _number("Input", "input_tokens"),
        _number("Output", "output_tokens"),
        _number("Cache read", "cache_read_tokens"),
        _number("Cache write", "cache_write_tokens"),
        tables.Column("Duration", "seconds", "From its beginning to its end."),
        _number("Tool calls", "tool_calls"),
        _number("Errors", "tool_errors"),
        tables.Column("Failed with", longest=NAME),
        tables.Column(DIMENSIONS["provider_name"].label, longest=NAME),
        tables.Column(
            "Session",
            meaning="Opens the request in its session.",
            longest=ID,
            links=_sessions(rows),
        ),
    ]


def _number(label: str, metric: str) -> tables.Column:
    one = METRICS[metric]
    return tables.Column(label, one.format, one.definition)


def _requests(rows: Iterable[Interception]) -> tables.Links:
    """The addresses of requests: that of this list, which All requests leads back to."""
    query = url_parameters.changed(url.current(), {ONE: ()})
    start = f"?{urlencode({**query, ONE: ''}, doseq=True)}"
    return tables.Links(start, [str(row.id) if row.id else None for row in rows])


def _sessions(rows: Iterable[Interception]) -> tables.Links:
    """The addresses of requests in their sessions."""
    places = map(session_place, rows)
    ends = [
        urlencode({**place, **url.everywhere()}, doseq=True) if place else None for place in places
    ]
    return tables.Links("session?", ends)


def _cells(row: Interception, *names: str) -> Iterator[object]:
    """Numbers of a request, those that are not exact as such."""
    numbers = row.by_metric
    for name in names:
        how = accuracy.accuracy(NUMBERS[name], numbers)
        yield tables.Inexact.of(getattr(row, name), how)


def session_place(row: Interception) -> dict[str, str]:
    """The parameters that name a request in its session; none where that is not known."""
    if row.session_id is None or row.initiator_id is None:
        return {}
    within = {"thread": row.thread, "call": row.id}
    return {
        **navigation.session(row.session_id, row.initiator_id),
        **{name: str(value) for name, value in within.items() if value},
    }


_OWN: Final = (
    Column("request", "Request", "text"),
    Column("session", "Session", "text"),
    Column("thread", "Thread", "text"),
    Column("started_at", "Began", "moment"),
    Column("ended_at", "Ended", "moment"),
    Column("duration_seconds", "Duration", "seconds"),
    Column("failed_with", "Failed with", "text"),
)
_NAMED: Final = (
    *("initiator", "team", "client", "provider", "provider_name", "model", "family"),
    *("credential_kind", "accuracy"),
    *TOKEN_METRICS,
    *("prompts", "tool_calls", "tool_errors", "spend", "shadow_cost", "status"),
)


def _exported(row: Interception) -> tuple[object, ...]:
    return (
        None if row.id is None else str(row.id),
        row.session_id,
        None if row.thread is None else str(row.thread),
        row.started_at,
        row.ended_at,
        row.duration_seconds,
        row.error_type,
        row.person,
        row.team,
        row.client,
        row.provider,
        row.provider_name,
        row.model,
        row.family,
        row.credential_kind,
        "exact" if row.grain == "interception" else "aggregate",
        row.input,
        row.output,
        row.cache_read,
        row.cache_write,
        row.prompts,
        row.tool_calls,
        row.tool_errors,
        row.cost,
        row.shadow_cost,
        row.status,
    )
