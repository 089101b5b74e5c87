"""Errors of the store's file; each message says what to do next.

StoreError
├── StoreBusyError      another process, or this one, has the file open
├── StoreTooNewError    a later Bridgeboard wrote it
├── StoreDamagedError   it is no store, or not readable any more
├── StoreFullError      no space left; nothing that was committed is lost
└── StoreLocationError  the place cannot be used: permissions, a folder instead of a file
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from bridgeboard.model.store import StoreError


class StoreBusyError(StoreError):
    """The file is already open; one process at a time has it."""


class StoreTooNewError(StoreError):
    """The file, or a backup, comes from a later version of Bridgeboard."""


class StoreDamagedError(StoreError):
    """The file, or a backup, is not what it should be."""


class StoreFullError(StoreError):
    """The disk, or the memory allowed, is full."""


class StoreLocationError(StoreError):
    """The path cannot hold a store."""


_LOCKED: Final = re.compile(
    r"Could not set lock on file.*?(?:held in (.+?) )?\(PID (\d+)\)", re.DOTALL
)
_SIGNS: Final[dict[type[StoreError], str]] = {
    StoreBusyError: r"lock on file|being used by another process",
    StoreFullError: r"no space left|file too large|quota exceeded|max_temp_directory|out of memory",
    StoreTooNewError: r"database file with version number|newer version of DuckDB",
    StoreLocationError: r"permission denied|read-only|is a directory|not a directory|no such file"
    r"|cannot open",
    StoreDamagedError: r"not a valid DuckDB|corrupt|read enough bytes|checksum|replaying WAL"
    r"|failed to load|deserializ|WAL was created for",
}
"""What DuckDB's messages say, in any case, by the first error that fits."""
_TROUBLES: Final = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.FatalException,
    duckdb.SerializationException,
    # With it the database refuses everything from then on.
    duckdb.InternalException,
)
_UNCOMMITTED: Final = re.compile(r"Failed to commit.*(?:write|sync|truncate) file", re.DOTALL)
_FINAL: Final = re.compile(r"has been invalidated|Failed to commit")
_ADVICE: Final[dict[type[StoreError], str]] = {
    StoreTooNewError: (
        "{path} was written by a later version of Bridgeboard: upgrade Bridgeboard, or name"
        " another data folder."
    ),
    StoreDamagedError: (
        "{path} is damaged or no store of Bridgeboard ({cause}). Stop what uses it, then put the"
        " newest backup in its place with: bridgeboard repair. It keeps the damaged file, and the"
        " next sync reads again what came after the backup."
    ),
    StoreFullError: (
        "There is no room left for {path} ({cause}). Free some, or allow the store more memory,"
        " and it goes on by itself; everything committed before is safe."
    ),
    StoreLocationError: (
        "{path} cannot be used as the store ({cause}). Let this account write to its folder, or"
        " name another data folder."
    ),
    StoreError: (
        "{path} cannot be used any more ({cause}). Start Bridgeboard again; everything committed"
        " before is safe."
    ),
}
_MENTIONED: Final = 200


def busy(path: Path, holder: str) -> StoreBusyError:
    """The error of a file that ``holder`` has open."""
    return StoreBusyError(
        f"{path} is already open by {holder}. A running dashboard syncs by itself, and one process"
        " at a time has the store: stop that process first."
    )


def died(path: Path, of: str) -> StoreError:
    """The error of a file that ends the process that reads it."""
    return _error(StoreDamagedError, path, f"reading it ended a process: {of}")


def refused(path: Path, message: str) -> StoreError | None:
    """The error of what is no damage of a file, although it cannot be read; None for damage.

    Another process has it, a later version wrote it, or there is no room for what was read.
    ``message`` is what DuckDB said.
    """
    error_kind = _said(message)
    is_other = error_kind in {StoreBusyError, StoreTooNewError, StoreFullError}
    return _error(error_kind, path, message) if error_kind and is_other else None


def too_new(what: Path, version: int, known: int) -> StoreTooNewError:
    """The error of a schema later than the last one known."""
    return StoreTooNewError(
        f"{what} has schema {version}, and this Bridgeboard knows schemas up to {known}: upgrade"
        " Bridgeboard."
    )


def is_final(error: StoreError) -> bool:
    """Whether the open database refuses everything from then on, though its file may be whole."""
    cause = error.__cause__
    return isinstance(cause, duckdb.FatalException | duckdb.InternalException) or bool(
        _FINAL.search(str(cause))
    )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise what the file's trouble makes DuckDB raise as a ``StoreError``.

    Errors of SQL, of types or of names are mistakes of ours and pass as they are.
    """
    try:
        yield
    except duckdb.Error as error:
        kind = _kind(error)
        if kind is None:
            raise
        raise _error(kind, path, str(error)) from error


def _said(message: str) -> type[StoreError] | None:
    """The kind of error that a message of DuckDB's tells; None for none of ours."""
    signs = _SIGNS.items()
    return next((kind for kind, sign in signs if re.search(sign, message, re.IGNORECASE)), None)


def _kind(error: duckdb.Error) -> type[StoreError] | None:
    error_kind = _said(str(error))
    if isinstance(error, duckdb.TransactionException):
        return error_kind if _UNCOMMITTED.search(str(error)) else None
    is_trouble = isinstance(error, _TROUBLES)
    # DuckDB tells a wrong checksum by the plain class.
    return (error_kind or StoreError) if is_trouble or type(error) is duckdb.Error else None


def _error(kind: type[StoreError], path: Path, message: str) -> StoreError:
    if kind is StoreBusyError:
        holder = _LOCKED.search(message)
        return busy(
            path, f"pid {holder[2]}: {holder[1] or 'unknown'}" if holder else "another process"
        )
    cause = " ".join(message.split())[:_MENTIONED]
    return kind(_ADVICE[kind].format(path=path, cause=cause))
