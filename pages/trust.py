"""Can I believe these numbers?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui import belief, billing, complete, scopes, tiles

now = scopes.chosen()

belief.checked(now)
belief.covered(now)
complete.show()
billing.instances(now)
belief.unpriced(now)
tiles.apart(belief.server)
belief.quarantine()
belief.history()
