"""Which providers and models do the work, and at what price?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.model.pages import BOARDS
from bridgeboard.ui.components import breakdown, filters, headline_cards, trend

now = filters.chosen()
board = BOARDS["models"]

headline_cards.headline(board.headline, now)
trend.course(board, now, "models")
breakdown.board(board.splits, board.columns, now, "breakdown", "Breakdown")
trend.apart(trend.moved, now, "requests", ("model", "provider", "client"), "moved")
