"""Can I trust these numbers?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui.components import filters, trend
from bridgeboard.ui.views import trust, trust_billing, trust_completeness

now = filters.chosen()

trust.checked(now)
trust.covered(now)
trust_completeness.show()
trust_billing.instances(now)
trust.unpriced(now)
trend.apart(trust.server)
trust.quarantine()
trust.history()
