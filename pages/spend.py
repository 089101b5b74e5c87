"""What does it cost, and who or what spends it?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()


from bridgeboard.model.pages import BOARDS, MOVING
from bridgeboard.ui.components import breakdown, filters, headline_cards, trend

now = filters.chosen()
board = BOARDS["spend"]

headline_cards.basis(now)
headline_cards.headline(board.headline, now)
trend.course(board, now, "spend")
breakdown.board(board.splits, board.columns, now, "breakdown", "Breakdown")
trend.apart(trend.moved, now, "spend", MOVING, "moved")
