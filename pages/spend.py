"""What does it cost, and who or what spends it?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()


from bridgeboard.boards import BOARDS
from bridgeboard.ui import kpis, leaders, scopes, tiles

now = scopes.chosen()
board = BOARDS["spend"]

kpis.basis(now)
kpis.headline(board.headline, now)
tiles.course(board, now, "spend")
leaders.board(board.splits, board.columns, now, "breakdown", "Breakdown")
tiles.apart(tiles.moved, now, "spend", ("initiator", "team", "model", "client"), "moved")
