"""What readers and operators leave behind: saved views, notes, the audit log, ended logins."""

from bridgeboard.state.database import Database, opened
from bridgeboard.state.errors import StateError

__all__ = ["Database", "StateError", "opened"]
