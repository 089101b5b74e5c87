"""What can go wrong with what readers and operators leave behind; each message says what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_ROOM: Final = "Make room on its disk"
_ACCOUNT: Final = "Let this account write it and its folder"
_BACKUP: Final = "Move it away and restore the one of a backup"
_SQLITE: Final = {
    "BUSY": ("another process keeps it locked", "Try again, or end the process that has it open"),
    "LOCKED": ("another process keeps it locked", "Try again, or end the process that has it open"),
    "FULL": ("the disk is full", _ROOM),
    "READONLY": ("it is read-only", _ACCOUNT),
    "CANTOPEN": ("it cannot be opened", _ACCOUNT),
    "PERM": ("this account may not", _ACCOUNT),
    "IOERR": ("its disk fails", "Look at the disk"),
    "CORRUPT": ("it is damaged", _BACKUP),
    "NOTADB": ("it is damaged", _BACKUP),
}
_POSTGRES: Final = {
    "57014": ("it is too slow", "Look what keeps it busy"),
    "55P03": ("another one keeps it locked", "Try again, or look who has a transaction open"),
    "53100": ("its disk is full", _ROOM),
    "25006": ("it is read-only", "Name the primary server in state_url"),
    "42501": ("this user may not", "Give the user of state_url a database of its own"),
}
_AWAY: Final = "Look whether it runs and whether state_url is right"


class StateError(Exception):
    """The database of views, notes, logins and the audit log cannot be read or written."""


class AuditError(StateError):
    """The audit log cannot be written or read."""


class SavedViewError(StateError):
    """A view or a note cannot be put down or read."""


@contextmanager
def raised_as(kind: type[StateError], sentence: str) -> Iterator[None]:
    """Raise errors of the database as one of a kind, behind a sentence that says what fails."""
    try:
        yield
    except kind:
        raise
    except StateError as error:
        raise kind(f"{sentence} {error}") from error


def explained(error: SQLAlchemyError | OSError | sqlite3.Error) -> tuple[str, str, bool]:
    """What is wrong, what to do, and whether nobody answers at all."""
    if isinstance(error, OSError):
        return error.strerror or "unknown", f"{_ACCOUNT}.", False
    if isinstance(error, PoolTimeoutError):
        return "too many use it at once", "Try again.", True
    cause = error.orig if isinstance(error, DBAPIError) else error
    first = next(iter(str(cause).strip().splitlines()), "unknown")
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", "").removeprefix("SQLITE_")
        reason, advice = _SQLITE.get(name.partition("_")[0], (first, "Look at its file"))
        return reason, f"{advice}.", False
    code = getattr(cause, "sqlstate", None)
    is_away = code is None or code.startswith(("08", "57P", "28", "3D")) or code == "57014"
    if code in _POSTGRES:
        reason, advice = _POSTGRES[code]
        return reason, f"{advice}.", is_away
    return first.rstrip("."), f"{_AWAY}.", is_away
