"""Which providers and models do the work, and at what price?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.boards import BOARDS
from bridgeboard.ui import kpis, leaders, scopes, tiles

now = scopes.chosen()
board = BOARDS["models"]

kpis.headline(board.headline, now)
tiles.course(board, now, "models")
leaders.board(board.splits, board.columns, now, "breakdown", "Breakdown")
tiles.apart(tiles.moved, now, "requests", ("model", "provider", "client"), "moved")
