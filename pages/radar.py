"""What looks wrong, and why?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui.components import filters, notices
from bridgeboard.ui.views import findings

with notices.tile("the radar"):
    findings.show(filters.chosen())
