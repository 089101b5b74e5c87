"""How do two of a kind differ?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui import beside, notices, scopes

beside.follow()
now = scopes.chosen()

with notices.tile("this comparison"):
    beside.show(now)
