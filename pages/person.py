"""What does this person use, and how?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.model.pages import BOARDS
from bridgeboard.ui.components import breakdown, filters, headline_cards, trend
from bridgeboard.ui.views import hours_of_week, person

board = BOARDS["person"]
now = person.asked(filters.chosen())

headline_cards.headline(board.headline, now)
trend.course(board, now, "person")
breakdown.board("model", board.columns, now, "model", "Models")
breakdown.board("client", board.columns, now, "client", "Clients")
breakdown.board("tool", person.OF_TOOLS, now, "tool", "Tools")
trend.apart(hours_of_week.of_week, now, "requests", ("model", "client"), "person-hour")
