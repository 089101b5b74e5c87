"""Which sessions took place, and which of them deserve a look?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui import finds, lookup, notices, scopes, sessions

sessions.follow_choice()
now = scopes.chosen()

finds.pickers()
find = finds.chosen(now.scope)
with notices.tile("the search in prompts"):
    lookup.show(find)
with notices.tile("the list of sessions"):
    sessions.show(find, now)
