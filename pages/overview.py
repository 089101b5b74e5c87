"""How much is AI used, and is it growing?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.model.pages import PAGE_CONTENTS
from bridgeboard.ui.components import filters, headline_cards, top_lists, trend
from bridgeboard.ui.views import overview, summary

now = filters.chosen()
contents = PAGE_CONTENTS["overview"]

headline_cards.headline(contents, now, "overview")
summary.show(contents, now)
trend.course(contents, now, "overview")
overview.link_to_sessions()

trend.apart(top_lists.show, contents.tops, headline_cards.charted(contents, "overview"), now)
trend.apart(trend.moved, contents, now)
