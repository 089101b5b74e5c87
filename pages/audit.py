"""Who came in, looked at recorded text, or took numbers away?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui.components import notices
from bridgeboard.ui.views import audit

with notices.tile("the audit log"):
    audit.verdict()
    audit.entries()
