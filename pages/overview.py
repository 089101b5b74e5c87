"""How much is AI used, and is it growing?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

import streamlit as st

from bridgeboard.boards import BOARDS
from bridgeboard.ui import kpis, leaders, scopes, tiles

now = scopes.chosen()
board = BOARDS["overview"]

kpis.headline(board.headline, now)
tiles.course(board, now, "overview")

with st.grid(min_column_width=420, gap="medium", key="tops"):
    for by, measure in board.tops:
        with st.container():
            tiles.apart(leaders.compact, by, measure, now, f"top-{by}")

tiles.moved(now, "total_tokens", ("initiator", "team", "model", "client"), "moved")
