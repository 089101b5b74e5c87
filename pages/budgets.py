"""Which budgets are used up, how fast, and where will their periods end?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui.views import budget_detail, budgets, coder_budgets

found = budgets.standing()
budgets.overview(found)
budget_detail.show(found)
coder_budgets.show()
