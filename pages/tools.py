"""Which tools run, put there by the bridge or not, and which of them fail?"""

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
st.caption("Only tools that the bridge puts there report errors; how others end is not recorded.")
trend.course(contents, now, "tools")
breakdown.table("tool", contents.columns, now, "tools-tool", "Tools")
breakdown.table("server", contents.columns, now, "tools-server", "MCP servers")
breakdown.table("initiator", ("tool_calls", "tool_errors"), now, "tools-people", "Who runs them")
