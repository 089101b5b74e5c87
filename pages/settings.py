"""What is in force, and does it run well?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

from bridgeboard.ui.views import (
    audit,
    settings_alerts,
    settings_copies,
    settings_in_force,
    settings_mirror,
    settings_sync,
)

settings_sync.sync()
settings_copies.show()
settings_sync.backups()
settings_mirror.mirror()
settings_alerts.alerts()
audit.not_handed_on()
settings_in_force.values()
settings_in_force.access_rules()
settings_in_force.teams()
settings_sync.priced()
