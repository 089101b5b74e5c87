"""What does this person use, and how?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.boards import BOARDS
from bridgeboard.ui import hours, kpis, leaders, persons, scopes, tiles

board = BOARDS["person"]
now = persons.asked(scopes.chosen())

kpis.headline(board.headline, now)
tiles.course(board, now, "person")
leaders.board("model", board.columns, now, "model", "Models")
leaders.board("client", board.columns, now, "client", "Clients")
leaders.board("tool", persons.OF_TOOLS, now, "tool", "Tools")
tiles.apart(hours.of_week, now, "requests", ("model", "client"), "person-hour")
