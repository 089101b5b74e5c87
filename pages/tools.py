"""Which tools run, which does AI Bridge inject, and which fail?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

import streamlit as st

from bridgeboard.model.pages import PAGE_CONTENTS
from bridgeboard.ui.components import breakdown, filters, headline_cards, trend
from bridgeboard.ui.views import summary, tools

now = tools.asked(filters.chosen())
contents = PAGE_CONTENTS["tools"]

headline_cards.headline(contents, now, "tools")
summary.show(contents, now)
st.caption("Errors are known only for tools that AI Bridge injects; for others none are recorded.")
trend.course(contents, now, "tools")
breakdown.table("tool", contents.columns, now, "tools-tool", "Tools")
breakdown.table("server", contents.columns, now, "tools-server", "MCP servers")
breakdown.table("initiator", ("tool_calls", "tool_errors"), now, "tools-people", "Who runs them")
