"""What happened in a session: prompt → thinking → tool calls, as plain text, hidden until revealed.

Everything here was typed by people or made by models, so nothing of it is ever read as Markdown
or HTML, and characters that act on the screen are made visible.
"""

import logging
from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import streamlit as st

from aibridge import AgenticAction, Thread, ToolCall
from bridgeboard import formats
from bridgeboard.ui import tables
from bridgeboard.ui.data import ThreadPage

FOLD = 1_200
PART = 100_000
HIGHLIGHTED = 20_000
SCROLL = 420
NAMED_TOOLS = 4
LOGGED = "logged_reveals"
NAMED = "thread_named_in_address"

log = logging.getLogger(__name__)


def revealed(what: str) -> bool:
    """A switch, off at first, behind which recorded text is shown.

    Each ``what`` that is revealed to a browser session is logged once, without the text.
    """
    on = st.toggle(
        "Show recorded text",
        key="reveal",
        help="Prompts, thinking and tool inputs are private. Looking at them is logged.",
    )
    logged: set[str] = st.session_state.setdefault(LOGGED, set())
    if on and what not in logged:
        logged.add(what)
        log.warning("recorded text revealed: %r", what)
    return on


@st.fragment
def timeline(
    page: ThreadPage, zone: ZoneInfo, focus: UUID | None, *, dated: bool, text: bool
) -> None:
    """One fold a thread, oldest first; what is in a fold is made when it is opened.

    ``focus`` is the thread to open; it comes first, so that it need not be looked for. ``dated``
    tells the day with the time; ``text`` shows recorded text instead of its length.
    """
    if st.session_state.pop(NAMED, False):
        st.toast("The address of this page now leads to this thread.", icon=":material/link:")
    alone = len(page.threads) == 1
    numbered = list(enumerate(page.threads, page.first))
    for number, thread in sorted(numbered, key=lambda pair: pair[1].id != focus):
        fold = st.expander(
            _headline(thread, number, zone, dated=dated, text=text),
            expanded=alone or thread.id == focus,
            key=f"thread-{thread.id}",
            icon=":material/error:" if thread.error_type else None,
            on_change="rerun",
        )
        if fold.open:
            with fold:
                _thread(thread, zone, text=text)
        if thread.id == focus and not alone:
            st.caption("The thread of this link stands above; all others follow in their order.")


def _thread(thread: Thread, zone: ZoneInfo, *, text: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_facts(thread), width="content")
        st.button(
            "Link to this thread",
            key=f"link-{thread.id}",
            type="tertiary",
            icon=":material/link:",
            help="Puts this thread into the address of the page, for you to copy.",
            on_click=_name_thread,
            args=(str(thread.id),),
        )
    if thread.error_type:
        st.error(formats.unmarked(f"{thread.error_type}: {thread.error_message or 'no message'}"))
    _passage("Prompt", thread.prompt, f"prompt-{thread.id}", text=text)
    if not thread.agentic_actions:
        st.caption("No tool was called, so the server keeps no actions of this thread.")
    before = thread.started_at
    for place, action in enumerate(thread.agentic_actions, 1):
        _action(action, f"{thread.id}-{place}", before, zone, text=text)
        before = action.tool_calls[-1].created_at if action.tool_calls else before


def _action(
    action: AgenticAction, key: str, before: datetime, zone: ZoneInfo, *, text: bool
) -> None:
    began = action.tool_calls[0].created_at if action.tool_calls else before
    fold = st.expander(
        _action_headline(action, began, began - before, zone),
        key=f"action-{key}",
        type="step",
        icon=":material/build:",
        on_change="rerun",
    )
    if not fold.open:
        fold.caption("Opening …")  # a step without content cannot be opened
        return
    with fold:
        for place, thought in enumerate(action.thinking, 1):
            _passage("Thinking", thought.text, f"thought-{key}-{place}", text=text)
        for call in action.tool_calls:
            _tool_call(call, zone, text=text)


def _tool_call(call: ToolCall, zone: ZoneInfo, *, text: bool) -> None:
    origin = f" · injected from {formats.unmarked(call.server_url)}" if call.injected else ""
    st.markdown(
        f"**{formats.unmarked(call.tool) or 'unnamed tool'}** "
        f"· {formats.clock_time(call.created_at, zone)}{origin}"
    )
    pretty = formats.pretty_json(call.input)
    language = "json" if pretty is not None and len(pretty) <= HIGHLIGHTED else None
    shown = call.input if pretty is None else pretty
    _passage("Input", shown, f"input-{call.id}", text=text, language=language)


def _passage(
    label: str, recorded: str | None, key: str, *, text: bool, language: str | None = None
) -> None:
    """Recorded text: absent, hidden, whole, folded, or in parts."""
    if recorded is None:
        st.caption(f"{label}: none recorded.")
        return
    size = formats.plural(len(recorded), "character")
    if not text:
        st.caption(f"{label}: hidden, {size}.")
        return
    shown = formats.visible(recorded)
    if len(shown) <= FOLD:
        st.caption(f"{label} · {size}")
        st.code(shown, language=language, wrap_lines=True)
        return
    if not st.toggle(f"{label} · show all of {size}", key=f"all-{key}"):
        st.code(shown[:FOLD] + " …", language=None, wrap_lines=True)
        return
    parts = -(-len(shown) // PART)
    part = st.pagination(parts, key=f"part-{key}") if parts > 1 else 1
    st.code(
        shown[(part - 1) * PART : part * PART], language=language, wrap_lines=True, height=SCROLL
    )


def _name_thread(thread: str) -> None:
    st.query_params["thread"] = thread
    st.session_state[NAMED] = True


def _headline(thread: Thread, number: int, zone: ZoneInfo, *, dated: bool, text: bool) -> str:
    calls = sum(len(action.tool_calls) for action in thread.agentic_actions)
    known = tables.tokens_known(thread, number)
    tokens = thread.token_usage.total_tokens if known else None
    parts = [
        (formats.moment if dated else formats.clock_time)(thread.started_at, zone),
        formats.unmarked(formats.middle(thread.model, 40)) or "(no model)",
        formats.plural(len(thread.agentic_actions), "action"),
        formats.plural(calls, "tool call"),
        f"{formats.compact(tokens)} tokens",
        formats.duration(thread.ended_at - thread.started_at if thread.ended_at else None),
    ]
    opening = formats.unmarked(formats.middle(thread.prompt or "", 90)) if text else ""
    return f"**{number}** · " + " · ".join(parts) + (f"  \n{opening}" if opening else "")


def _action_headline(action: AgenticAction, began: datetime, gap: timedelta, zone: ZoneInfo) -> str:
    used = Counter(call.tool for call in action.tool_calls).most_common()
    names = [
        formats.unmarked(formats.middle(tool, 40)) + (f" ×{count}" if count > 1 else "")  # noqa: RUF001 - the sign of multiplication
        for tool, count in used[:NAMED_TOOLS]
    ]
    more = [f"{len(used) - NAMED_TOOLS} more"] if len(used) > NAMED_TOOLS else []
    thought = ["thinking"] if action.thinking else []
    return (
        f"{formats.clock_time(began, zone)} (+{formats.duration(gap)}) · "
        + ", ".join(thought + names + more)
        + f" · {formats.compact(action.token_usage.total_tokens)} tokens"
        + f" · {formats.unmarked(formats.middle(action.model, 32))}"
    )


def _facts(thread: Thread) -> str:
    key = {"byok": "own key", "centralized": "company key"}.get(thread.credential_kind or "", "")
    facts = [formats.unmarked(thread.provider)]
    if key:
        facts.append(f"{key} {formats.unmarked(thread.credential_hint or '')}".strip())
    return " · ".join(facts)
