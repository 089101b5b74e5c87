"""What does it cost, and who or what spends it?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()


from bridgeboard.model.pages import PAGE_CONTENTS
from bridgeboard.ui.components import breakdown, filters, headline_cards, trend
from bridgeboard.ui.views import budgets, month_end, spend_bridge, summary

now = filters.chosen()
contents = PAGE_CONTENTS["spend"]

headline_cards.basis(now)
headline_cards.headline(contents, now, "spend")
summary.show(contents, now)
trend.course(contents, now, "spend")
trend.apart(spend_bridge.show, now)
trend.apart(month_end.show, now)
trend.apart(budgets.hint)
breakdown.table(contents.splits, contents.columns, now, "breakdown", "Breakdown")
trend.apart(trend.moved, contents, now)
