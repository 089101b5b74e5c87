"""Who uses AI, who began, and who stopped?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.model.pages import PAGE_CONTENTS
from bridgeboard.ui.components import breakdown, filters, headline_cards, trend
from bridgeboard.ui.views import adoption, hours_of_week, summary

now = filters.chosen()
contents = PAGE_CONTENTS["people"]

headline_cards.headline(contents, now, "people")
summary.show(contents, now)
adoption.people(now)
trend.course(contents, now, "people")
breakdown.table("initiator", contents.columns, now, "everybody", "Everybody")
breakdown.table("team", ("active_people", *contents.columns), now, "teams", "Teams")
trend.apart(adoption.course, now)
trend.apart(adoption.cohorts, now)
trend.apart(hours_of_week.of_week, now, "requests", ("initiator",), "hour")
