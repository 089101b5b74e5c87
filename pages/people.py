"""Who uses AI, who began, and who stopped?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.boards import BOARDS
from bridgeboard.ui import adoption, hours, kpis, leaders, scopes, tiles

now = scopes.chosen()
board = BOARDS["people"]

kpis.headline(board.headline, now)
adoption.people(now)
tiles.course(board, now, "people")
leaders.board("initiator", board.columns, now, "everybody", "Everybody")
leaders.board("team", ("active_people", *board.columns), now, "teams", "Teams")
tiles.apart(adoption.course, now)
tiles.apart(adoption.cohorts, now)
tiles.apart(hours.of_week, now, "requests", ("initiator",), "hour")
