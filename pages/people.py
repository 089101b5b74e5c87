"""Who uses AI, who began, and who stopped?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.model.pages import BOARDS
from bridgeboard.ui.components import breakdown, filters, headline_cards, trend
from bridgeboard.ui.views import adoption, hours_of_week

now = filters.chosen()
board = BOARDS["people"]

headline_cards.headline(board.headline, now)
adoption.people(now)
trend.course(board, now, "people")
breakdown.board("initiator", board.columns, now, "everybody", "Everybody")
breakdown.board("team", ("active_people", *board.columns), now, "teams", "Teams")
trend.apart(adoption.course, now)
trend.apart(adoption.cohorts, now)
trend.apart(hours_of_week.of_week, now, "requests", ("initiator",), "hour")
