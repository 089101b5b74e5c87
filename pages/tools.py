"""Which tools run, put there by the bridge or not, and which of them fail?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

import streamlit as st

from bridgeboard.model.pages import BOARDS
from bridgeboard.ui.components import breakdown, filters, headline_cards, trend
from bridgeboard.ui.views import tools

now = tools.asked(filters.chosen())
board = BOARDS["tools"]

headline_cards.headline(board.headline, now)
st.caption("Only tools that the bridge puts there report errors; how others end is not recorded.")
trend.course(board, now, "tools")
breakdown.board("tool", board.columns, now, "tools-tool", "Tools")
breakdown.board("server", board.columns, now, "tools-server", "MCP servers")
breakdown.board("initiator", ("tool_calls", "tool_errors"), now, "tools-people", "Who runs them")
