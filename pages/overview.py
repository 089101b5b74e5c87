"""How much is AI used, and is it growing?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.boards import BOARDS
from bridgeboard.ui import kpis, leaders, scopes, tiles

now = scopes.chosen()
board = BOARDS["overview"]

kpis.headline(board.headline, now)
tiles.course(board, now, "overview")

tiles.apart(leaders.tops, board.tops, now)
tiles.apart(tiles.moved, now, "total_tokens", ("initiator", "team", "model", "client"), "moved")
