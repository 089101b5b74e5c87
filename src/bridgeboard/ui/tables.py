"""Rows → tables: what a column is called, how it looks, and what a click on a row does."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from aibridge import SessionSummary, Thread
from bridgeboard import formats
from bridgeboard.ui import filters

ROW_HEIGHT = 35
OPENING = 300  # characters of a prompt; the session has all of it
OPENED = "opened_session"
DRAWN = "drawn_sessions"
VISITS = "visits"


def sessions(rows: Sequence[SessionSummary], zone: ZoneInfo, *, prompts: bool) -> None:
    """The list of sessions; choosing a row opens its session.

    ``prompts`` adds the last prompt, as plain text.
    """
    frame = sessions_frame(rows, zone, prompts=prompts)
    most = int(frame["tokens"].max()) if len(frame) else 0
    st.session_state[DRAWN] = [address(row) for row in rows]
    st.dataframe(
        frame,
        hide_index=True,
        height=ROW_HEIGHT * (len(frame) + 1) + 3,
        key=_table_key(),
        on_select="rerun",
        selection_mode="single-row",
        column_config=_columns(most),
        alt="Sessions, newest activity first",
    )


def follow_choice() -> None:
    """Leave for the session whose row the reader chose, by its button or with the keyboard.

    To be called before the list is read again: a newer list may have another session in that row.
    """
    pressed = st.session_state.get(OPENED)
    selected = st.session_state.get(_table_key(), {}).get("selection", {}).get("rows", [])
    rows = [pressed["row"]] if pressed else selected
    drawn: list[dict[str, str]] = st.session_state.get(DRAWN, [])
    for chosen in (drawn[row] for row in rows if row < len(drawn)):
        st.session_state[VISITS] = st.session_state.get(VISITS, 0) + 1
        filters.remember(chosen)
        st.switch_page("pages/session.py", query_params=chosen)


def address(row: SessionSummary) -> dict[str, str]:
    """The query parameters that name one session of one initiator."""
    return {"id": row.id, "person": str(row.initiator.id)}


def sessions_frame(
    rows: Sequence[SessionSummary], zone: ZoneInfo, *, prompts: bool
) -> pd.DataFrame:
    """One line a session: times in ``zone`` without it, durations as words, tokens as integers."""
    lines = [_session_line(row, zone) for row in rows]
    frame = pd.DataFrame(lines, columns=list(SESSION_COLUMNS))
    return frame if prompts else frame.drop(columns="prompt")


def threads(rows: Sequence[Thread], first: int, zone: ZoneInfo) -> None:
    """The numbers behind the chart of threads."""
    st.dataframe(
        threads_frame(rows, first, zone),
        hide_index=True,
        key="threads_table",
        column_config={
            "thread": st.column_config.NumberColumn("Thread", format="%d", width="small"),
            "started_at": _time("Began"),
            "model": st.column_config.TextColumn("Model"),
            "credential": st.column_config.TextColumn("Credential"),
            "actions": _count("Actions"),
            "tool_calls": _count("Tool calls"),
            "input": _count("Input"),
            "output": _count("Output"),
            "cache_read": _count("Cache read"),
            "cache_write": _count("Cache write"),
            "total": _count("Tokens"),
            "duration": st.column_config.TextColumn("Duration", alignment="right"),
            "error": st.column_config.TextColumn("Error"),
        },
        alt="Threads of this session",
    )


def threads_frame(rows: Sequence[Thread], first: int, zone: ZoneInfo) -> pd.DataFrame:
    """One line a thread, numbered from ``first``; tokens the server does not tell are missing."""
    lines = [_thread_line(thread, number, zone) for number, thread in enumerate(rows, first)]
    frame = pd.DataFrame(lines, columns=list(THREAD_COLUMNS))
    return frame.astype(dict.fromkeys(TOKEN_COLUMNS, "Int64"))


SESSION_COLUMNS = (
    "open",
    "last_active_at",
    "person",
    "client",
    "models",
    "threads",
    "tokens",
    "duration",
    "prompt",
    "input",
    "output",
    "cache_read",
    "cache_write",
    "session",
    "new_tab",
)
TOKEN_COLUMNS = ("input", "output", "cache_read", "cache_write", "total")
THREAD_COLUMNS = (
    "thread",
    "started_at",
    "model",
    "credential",
    "actions",
    "tool_calls",
    *TOKEN_COLUMNS,
    "duration",
    "error",
)
KNOWN_THREADS = 50


def tokens_known(thread: Thread, number: int) -> bool:
    """Whether the server told this thread's tokens.

    It leaves those of threads after a session's first 50 at zero (api-contract 4.6), which is
    told apart from a thread without usage only by its place.
    """
    return number <= KNOWN_THREADS or thread.token_usage.total_tokens != 0


def _table_key() -> str:
    """A key of its own after every visit to a session, or the old choice would be made again."""
    return f"sessions-{st.session_state.get(VISITS, 0)}"


def _session_line(row: SessionSummary, zone: ZoneInfo) -> tuple[object, ...]:
    tokens = row.token_usage_summary
    return (
        "Open",
        _local(row.last_active_at or row.started_at, zone),
        formats.visible(row.initiator.username),
        formats.visible(row.client or "Unknown"),
        ", ".join(formats.visible(model) or "(empty)" for model in row.models),
        row.threads,
        tokens.total_tokens,
        formats.duration(row.ended_at - row.started_at if row.ended_at else None),
        formats.middle(formats.visible(row.last_prompt or ""), OPENING),
        tokens.input_tokens,
        tokens.output_tokens,
        tokens.cache_read_input_tokens,
        tokens.cache_write_input_tokens,
        formats.visible(row.id),
        f"session?{urlencode(address(row))}",
    )


def _thread_line(thread: Thread, number: int, zone: ZoneInfo) -> tuple[object, ...]:
    usage = thread.token_usage
    known = tokens_known(thread, number)
    counts = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_input_tokens,
        usage.cache_write_input_tokens,
        usage.total_tokens,
    )
    return (
        number,
        _local(thread.started_at, zone),
        formats.visible(thread.model),
        formats.visible(thread.credential_kind or ""),
        len(thread.agentic_actions),
        sum(len(action.tool_calls) for action in thread.agentic_actions),
        *(counts if known else (None,) * len(counts)),
        formats.duration(thread.ended_at - thread.started_at if thread.ended_at else None),
        formats.visible(thread.error_type or ""),
    )


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, microsecond=0)


def _columns(most: int) -> dict[str, Any]:
    return {
        "open": st.column_config.ButtonColumn(
            "Open",
            width=70,
            pinned=True,
            type="tertiary",
            key=OPENED,
            help="Opens the session. With the keyboard: arrows to its row, then Shift+Space.",
        ),
        "last_active_at": _time("Last active"),
        "person": st.column_config.TextColumn("Person", width=150),
        "client": st.column_config.TextColumn("Client", width=170),
        "models": st.column_config.TextColumn("Models", width=220),
        "prompt": st.column_config.TextColumn("Last prompt", width="large"),
        "threads": st.column_config.NumberColumn("Threads", format="localized", alignment="right"),
        "tokens": st.column_config.ProgressColumn(
            "Tokens",
            help="Input, output, cache read and cache write together, of the whole session.",
            format="localized",
            min_value=0,
            max_value=max(most, 1),
        ),
        "input": _count("Input"),
        "output": _count("Output"),
        "cache_read": _count("Cache read"),
        "cache_write": _count("Cache write"),
        "duration": st.column_config.TextColumn(
            "Duration", help="From the first request to the end of the last.", alignment="right"
        ),
        "session": st.column_config.TextColumn("Session", width="small"),
        "new_tab": st.column_config.LinkColumn(
            "New tab", display_text=":material/open_in_new:", width="small"
        ),
    }


def _count(label: str) -> Any:
    return st.column_config.NumberColumn(label, format="localized", alignment="right", width=95)


def _time(label: str) -> Any:
    return st.column_config.DatetimeColumn(label, format="YYYY-MM-DD HH:mm")
