"""What looks wrong, and why?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui import alarms, notices, scopes

alarms.follow()
with notices.tile("the radar"):
    alarms.show(scopes.chosen())
