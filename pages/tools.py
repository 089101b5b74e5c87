"""Which tools run, put there by the bridge or not, and which of them fail?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

import streamlit as st

from bridgeboard.boards import BOARDS
from bridgeboard.ui import kpis, leaders, scopes, tiles, toolbox

now = toolbox.asked(scopes.chosen())
board = BOARDS["tools"]

kpis.headline(board.headline, now)
st.caption("Only tools that the bridge puts there report errors; how others end is not recorded.")
tiles.course(board, now, "tools")
leaders.board("tool", board.columns, now, "tools-tool", "Tools")
leaders.board("server", board.columns, now, "tools-server", "MCP servers")
leaders.board("initiator", ("tool_calls", "tool_errors"), now, "tools-people", "Who runs them")
