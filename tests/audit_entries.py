"""What stands in the audit log of the dashboard of this process."""

from bridgeboard import settings
from bridgeboard.runtime import state_files
from bridgeboard.state.audit import Audit, Entry


def noted(what: str, since: int = 0) -> list[Entry]:
    """The entries of a kind behind one, the oldest first."""
    every = _log().entries(1_000)
    return [one for one in reversed(every) if one.what == what and one.number > since]


def last() -> int:
    """The number of the newest entry; 0 without any."""
    return next((one.number for one in _log().entries(1)), 0)


def _log() -> Audit:
    return state_files.audit_log(settings.current())
