"""Which providers and models do the work, and at what price?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.model.pages import PAGE_CONTENTS
from bridgeboard.ui.components import breakdown, filters, headline_cards, trend

now = filters.chosen()
contents = PAGE_CONTENTS["models"]

headline_cards.headline(contents, now, "models")
trend.course(contents, now, "models")
breakdown.table(contents.splits, contents.columns, now, "breakdown", "Breakdown")
trend.apart(trend.moved, contents, now)
