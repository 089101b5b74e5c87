"""Requests → a table to look at, with ways to each of them, and one to take away."""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from bridgeboard import formats
from bridgeboard.explorer.interceptions import Interception
from bridgeboard.exports import Column, Sheet
from bridgeboard.metrics import DIMENSIONS, METRICS, UNKNOWN
from bridgeboard.ui import links, sheets

ONE: Final = "request"
"""The parameter that names a request to look into."""
PRESSED: Final = "pressed-requests"
ROW_HEIGHT: Final = 35
NAME: Final = 40


def sheet(told: Iterable[Interception], name: str) -> Sheet:
    """Requests as a table to take away: numbers and names, no recorded text."""
    columns = (*_OWN, *map(sheets.column, _NAMED))
    return Sheet(name, columns, tuple(_exported(row) for row in told))


def _open(ids: Sequence[str]) -> None:
    row = st.session_state[PRESSED]["row"]
    if row < len(ids) and ids[row]:
        st.query_params[ONE] = ids[row]


def table(rows: Sequence[Interception], zone: ZoneInfo) -> None:
    """A page of requests; the button of a row opens it, the link its session."""
    frame = pd.DataFrame([_line(row, zone) for row in rows], columns=list(_COLUMNS))
    for name in _WRITERS:
        frame[name] = frame[name].astype("float64")
    with st.container(key="box-requests"):
        st.dataframe(
            frame.style.format(_WRITERS),
            hide_index=True,
            height=ROW_HEIGHT * (len(frame) + 1) + 3,
            key="requests-table",
            column_config=_configured([str(row.id or "") for row in rows]),
            placeholder=formats.DASH,
            alt="Requests, newest first",
        )


def _line(row: Interception, zone: ZoneInfo) -> tuple[object, ...]:
    return (
        "Open" if row.id else None,
        formats.moment(row.started_at, zone),
        _shown(row.person),
        _shown(row.client or UNKNOWN),
        _shown(row.model or UNKNOWN),
        _shown(row.provider_name or UNKNOWN),
        row.input,
        row.output,
        row.cache_read,
        row.cache_write,
        row.cost,
        row.duration_seconds,
        row.tool_calls,
        row.tool_errors,
        _shown(row.error_type or ""),
        row.status,
        session_link(row),
    )


def session_link(row: Interception) -> str | None:
    """The address of a request in its session; None where its session is not known."""
    told = session_place(row)
    return f"session?{urlencode(told)}" if told else None


def session_place(row: Interception) -> dict[str, str]:
    """The parameters that name a request in its session; none where that is not known."""
    if row.session_id is None or row.initiator_id is None:
        return {}
    within = {"thread": row.thread, "call": row.id}
    return {
        **links.session(row.session_id, row.initiator_id),
        **{name: str(value) for name, value in within.items() if value},
    }


def _shown(text: str) -> str:
    return formats.middle(formats.line(text), NAME)


def _written(kind: str) -> Any:
    return lambda value: formats.number(None if pd.isna(value) else value, kind)


_WRITERS: Final = {
    "input": _written("count"),
    "output": _written("count"),
    "cache_read": _written("count"),
    "cache_write": _written("count"),
    "cost": _written("money"),
    "duration": _written("seconds"),
    "tool_calls": _written("count"),
    "tool_errors": _written("count"),
}
_COLUMNS: Final = (
    *("open", "started_at", "person", "client", "model", "provider_name"),
    *("input", "output", "cache_read", "cache_write", "cost", "duration"),
    *("tool_calls", "tool_errors", "failed", "status", "session"),
)


def _configured(ids: Sequence[str]) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.Column
    return {
        "open": st.column_config.ButtonColumn(
            "Open",
            width=60,
            pinned=True,
            type="tertiary",
            key=PRESSED,
            on_click=_open,
            args=(ids,),
            help="Opens the request. With the keyboard: arrows to its row, then Shift+Space.",
        ),
        "started_at": text("Began", width=145),
        "person": text("Person", width=120),
        "client": text("Client", width=105),
        "model": text("Model", width=185),
        "provider_name": text(DIMENSIONS["provider_name"].label, width=105),
        **{
            name: number(label, help=meaning, alignment="right", width=_WIDTHS.get(name, 75))
            for name, label, meaning in _numbered()
        },
        "failed": text("Failed with", width=110),
        "status": text("Price", width=90, help=formats.unmarked(DIMENSIONS["status"].definition)),
        "session": st.column_config.LinkColumn(
            "Session",
            display_text=":material/open_in_new:",
            width="small",
            help="Opens the request in its session, in a new tab.",
        ),
    }


def _numbered() -> list[tuple[str, str, str]]:
    return [
        *(
            (name, label, formats.unmarked(METRICS[metric].definition))
            for name, label, metric in (
                ("input", "Input", "input_tokens"),
                ("output", "Output", "output_tokens"),
                ("cache_read", "Cache read", "cache_read_tokens"),
                ("cache_write", "Cache write", "cache_write_tokens"),
                ("cost", "Spend", "spend"),
                ("tool_calls", "Tool calls", "tool_calls"),
                ("tool_errors", "Errors", "tool_errors"),
            )
        ),
        ("duration", "Duration", "From its beginning to its end."),
    ]


_WIDTHS: Final = {"cache_read": 90, "cache_write": 95}
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
