"""How do two of a kind differ?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui.components import filters, notices
from bridgeboard.ui.views import compare

now = filters.chosen()

with notices.tile("this comparison"):
    compare.show(now)
