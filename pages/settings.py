"""What is in force, and does it run well?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui import configured, ledger, running

running.sync()
ledger.not_handed_on()
configured.values()
configured.access_rules()
configured.teams()
running.priced()
