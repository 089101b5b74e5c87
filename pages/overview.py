"""How much is AI used, and is it growing?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.model.pages import BOARDS, MOVING
from bridgeboard.ui.components import breakdown, filters, headline_cards, trend

now = filters.chosen()
board = BOARDS["overview"]

headline_cards.headline(board.headline, now)
trend.course(board, now, "overview")

trend.apart(breakdown.tops, board.tops, now)
trend.apart(trend.moved, now, "total_tokens", MOVING, "moved")
