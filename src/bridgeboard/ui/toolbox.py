"""The page of tools: all of them, or the one that the reader looks into."""

from dataclasses import replace

import streamlit as st

from bridgeboard import formats
from bridgeboard.ui import moves, numbers
from bridgeboard.ui.scopes import Chosen


def asked(now: Chosen) -> Chosen:
    """The choices, narrowed to one tool if the reader chose one."""
    known = numbers.choices("tool")
    named = [*st.query_params.get_all(moves.TOOL), st.session_state.get(moves.TOOL)]
    shown = {formats.visible(name) for name in known}
    known += [name for name in named if name and formats.visible(name) not in shown]
    tool = st.selectbox(
        "Tool",
        known,
        index=None,
        key=moves.TOOL,
        bind="query-params",
        placeholder="All tools",
        format_func=formats.visible,
        width=360,
    )
    if not tool:
        return now
    before = now.before and now.before.only("tool", tool)
    return replace(now, scope=now.scope.only("tool", tool), before=before)
