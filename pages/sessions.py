"""Which sessions took place, and which of them deserve a look?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui.components import filters, notices
from bridgeboard.ui.views import prompt_search, session_filters, session_list

now = filters.chosen()

session_filters.pickers()
find = session_filters.chosen(now.scope)
with notices.tile("the search in prompts"):
    prompt_search.show(find)
with notices.tile("the list of sessions"):
    session_list.show(find, now)
