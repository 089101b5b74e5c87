"""Requests as a table on the screen, and as a sheet for export."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import urlencode

import streamlit as st

from bridgeboard import formats
from bridgeboard.exports import Column, Sheet
from bridgeboard.model import accuracy
from bridgeboard.model.dimensions import DIMENSIONS, UNKNOWN
from bridgeboard.model.metrics import METRICS
from bridgeboard.queries.request_list import NUMBERS, Interception
from bridgeboard.ui import navigation, url
from bridgeboard.ui.components import data_table, downloads

ONE: Final = "request"
"""The parameter that names a request to look into."""
PRESSED: Final = "pressed-requests"
NAME: Final = 40


def sheet(rows: Iterable[Interception], name: str) -> Sheet:
    """Requests as a table to take away: numbers and names, no recorded text."""
    rows = tuple(rows)
    numbers = [row.by_metric for row in rows]
    columns = (*_OWN, *(downloads.column(each, numbers) for each in _NAMED))
    return Sheet(name, columns, tuple(_exported(row) for row in rows))


def _open(ids: Sequence[str]) -> None:
    row = st.session_state[PRESSED]["row"]
    if row < len(ids) and ids[row]:
        url.put({ONE: [ids[row]]})


def page(rows: Sequence[Interception]) -> None:
    """A page of requests; the button of a row opens it, the link its session."""
    with st.container(key="box-requests"):
        data_table.show(
            [_line(row) for row in rows],
            _columns([str(row.id or "") for row in rows]),
            height="content",
            key="requests-table",
            alt="Requests, newest first",
        )


def _line(row: Interception) -> tuple[object, ...]:
    return (
        "Open" if row.id else None,
        row.started_at,
        _shown(row.person),
        _shown(row.client or UNKNOWN),
        _shown(row.model or UNKNOWN),
        _shown(row.provider_name or UNKNOWN),
        *_cells(row, "input", "output", "cache_read", "cache_write", "cost"),
        row.duration_seconds,
        *_cells(row, "tool_calls", "tool_errors"),
        _shown(row.error_type or ""),
        row.status,
        session_link(row),
    )


def _cells(row: Interception, *names: str) -> Iterator[object]:
    """Numbers of a request, those that are lower bounds as such."""
    numbers = row.by_metric
    for name in names:
        how = accuracy.accuracy(NUMBERS[name], numbers)
        value = getattr(row, name)
        yield data_table.AtLeast(value) if how.is_bound else value


def session_link(row: Interception) -> str | None:
    """The address of a request in its session; None where its session is not known."""
    place = session_place(row)
    return f"session?{urlencode(place)}" if place else None


def session_place(row: Interception) -> dict[str, str]:
    """The parameters that name a request in its session; none where that is not known."""
    if row.session_id is None or row.initiator_id is None:
        return {}
    within = {"thread": row.thread, "call": row.id}
    return {
        **navigation.session(row.session_id, row.initiator_id),
        **{name: str(value) for name, value in within.items() if value},
    }


def _shown(text: str) -> str:
    return formats.middle(formats.line(text), NAME)


def _columns(ids: Sequence[str]) -> list[data_table.Column]:
    opens = st.column_config.ButtonColumn(
        "Open",
        width=60,
        pinned=True,
        type="tertiary",
        key=PRESSED,
        on_click=_open,
        args=(ids,),
        help="Opens the request. With the keyboard: arrows to its row, then Shift+Space.",
    )
    session = st.column_config.LinkColumn(
        "Session",
        display_text=":material/open_in_new:",
        width="small",
        help="Opens the request in its session, in a new tab.",
    )
    return [
        data_table.Column("open", "Open", look=opens),
        data_table.Column("started_at", "Began", "moment", width=205),
        data_table.Column("person", "Person", width=120),
        data_table.Column("client", "Client", width=105),
        data_table.Column("model", "Model", width=185),
        data_table.Column("provider_name", DIMENSIONS["provider_name"].label, width=105),
        _number("input", "Input", "input_tokens"),
        _number("output", "Output", "output_tokens"),
        _number("cache_read", "Cache read", "cache_read_tokens", 90),
        _number("cache_write", "Cache write", "cache_write_tokens", 95),
        _number("cost", "Spend", "spend"),
        data_table.Column(
            "duration", "Duration", "seconds", "From its beginning to its end.", width=75
        ),
        _number("tool_calls", "Tool calls", "tool_calls"),
        _number("tool_errors", "Errors", "tool_errors"),
        data_table.Column("failed", "Failed with", width=110),
        data_table.Column("status", "Price", meaning=DIMENSIONS["status"].definition, width=90),
        data_table.Column("session", "Session", look=session),
    ]


def _number(name: str, label: str, metric: str, width: int = 75) -> data_table.Column:
    one = METRICS[metric]
    return data_table.Column(name, label, one.format, one.definition, width=width)


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
    *("initiator", "team", "client", "provider", "provider_name", "model", "credential_kind"),
    *("accuracy", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
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
