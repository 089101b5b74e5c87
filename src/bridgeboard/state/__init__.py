"""Views, notes, alerts, the audit log and ended logins: what readers and operators leave behind."""

from bridgeboard.state.database import Database, opened
from bridgeboard.state.errors import StateError

__all__ = ["Database", "StateError", "opened"]
