"""What does this person use, and how?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.model.pages import PAGE_CONTENTS
from bridgeboard.ui.components import breakdown, filters, headline_cards, trend
from bridgeboard.ui.views import hours_of_week, person

contents = PAGE_CONTENTS["person"]
now = person.asked(filters.chosen())

headline_cards.headline(contents, now, "person")
trend.course(contents, now, "person")
breakdown.table("family", contents.columns, now, "model", "Models")
breakdown.table("client", contents.columns, now, "client", "Clients")
breakdown.table("tool", person.OF_TOOLS, now, "tool", "Tools")
trend.apart(hours_of_week.of_week, now, "requests", ("family", "client"), "person-hour")
