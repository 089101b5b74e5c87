"""Who came in, looked at recorded text, or took numbers away?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui import ledger, notices

with notices.tile("the audit log"):
    ledger.verdict()
    ledger.entries()
