"""Copies of the state database, to be kept beside those of the store."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import func, insert, select

from bridgeboard import private_files
from bridgeboard.state.audit import key as keys
from bridgeboard.state.database import FILE, Database
from bridgeboard.state.errors import StateError
from bridgeboard.state.schema import TABLES

FORMER: Final = ("*.desk*.json", "audit.jsonl", "audit.sent.json", "logouts.json")
"""Files of earlier versions that nothing has asked for yet, and that are not in the database."""
_AT_ONCE: Final = 1_000
_COPYING: Final = ".state-"
"""Begins the name of a folder with a copy, which is gone when that is no longer needed."""


def backup_to(database: Database, folder: Path) -> dict[str, int]:
    """Copy the state into a folder while it is used; rows of each table.

    ``state.sqlite`` in that folder is one moment of the database, be it SQLite (copied by its
    online backup) or PostgreSQL (all rows in one snapshot). The key of the audit log stands beside
    it if it is one of the data folder. The folder may be that of a backup of the store::

        backup_to(state_files.state_database(settings), folder)

    Raises:
        StateError: when the database cannot be read, or the folder cannot be written or has such a
            copy already.
    """
    if (folder / FILE).exists():
        raise StateError(f"{folder / FILE} is there already: name another folder.")
    with _in_folder(folder), TemporaryDirectory(dir=folder, prefix=_COPYING) as name:
        copy = Database(Path(name))
        with copy.writing():  # which makes its tables
            pass
        if database.path is None:
            copy_rows(database, copy)
        else:
            _copy_pages(database, Path(name) / FILE)
        with copy.reading() as connection:
            counts = {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in TABLES
            }
        copy.close()
        for file in (database.folder / keys.FILE, *_former_files(database.folder)):
            if file.is_file():
                private_files.put(folder / file.name, file.read_text("utf-8"))
        private_files.make_durable(Path(name) / FILE)
        (Path(name) / FILE).rename(folder / FILE)
    return counts


def is_in(folder: Path) -> bool:
    """Whether a folder holds such a copy."""
    return (folder / FILE).is_file()


def left_copies(folder: Path) -> list[Path]:
    """Copies in a data folder that a restore is making, or left when it was killed."""
    return sorted(folder.glob(f"{_COPYING}*"))


def holds_nothing_else(database: Database, folder: Path) -> bool:
    """Whether restoring a backup would replace nothing. Raises StateError.

    The key and the files of earlier versions may be those of the backup already: a process that was
    killed while it restored them has put them there.
    """
    with database.reading() as connection:
        rows = [connection.execute(select(table).limit(1)).first() for table in TABLES]
    return not any(rows) and all(
        _is_same(file, folder / file.name) for file in _former_files(database.folder)
    )


def check_key(database: Database, folder: Path) -> None:
    """Raise StateError where the data folder has another key of the audit log than a backup."""
    key, old_key = folder / keys.FILE, database.folder / keys.FILE
    if key.is_file() and old_key.is_file() and not _is_same(old_key, key):
        raise StateError(f"{old_key} is another one than the backup's: move it away to restore.")


def restore_from(database: Database, folder: Path) -> dict[str, int]:
    """Put a backup's state into a database that holds nothing yet; rows of each table.

    The backup may be of SQLite or of PostgreSQL, and so may the database: this moves the state from
    one to the other, too.

    Raises:
        StateError: when the backup cannot be read, or would replace something. Then nothing is
            restored.
    """
    if not is_in(folder):
        raise StateError(f"{folder} holds no backup of views, notes and the audit log: no {FILE}.")
    if not holds_nothing_else(database, folder):
        raise StateError(
            f"{database.name} holds views, notes or an audit log already: move it away, or name"
            " another database, to restore."
        )
    with (
        _in_folder(database.folder),
        TemporaryDirectory(dir=database.folder, prefix=_COPYING) as name,
    ):
        check_key(database, folder)
        # A copy, which may get the tables of this version: a backup is not changed.
        shutil.copyfile(folder / FILE, Path(name) / FILE)
        (Path(name) / FILE).chmod(0o600)
        copy = Database(Path(name))
        with copy.reading():  # which finds a damaged one
            pass
        # Before the rows, which cannot be checked and continued without the key: whoever is
        # stopped between the two restores again.
        for file in (folder / keys.FILE, *_former_files(folder)):
            if file.is_file():
                private_files.put(database.folder / file.name, file.read_text("utf-8"))
        counts = copy_rows(copy, database)
        copy.close()
    return counts


def copy_rows(source: Database, target: Database) -> dict[str, int]:
    """Copy all rows to a database that has none; rows of each table. Raises StateError."""
    counts = dict.fromkeys((table.name for table in TABLES), 0)
    with source.reading() as reader, target.writing() as writer:
        if source.path is None:
            reader.execution_options(isolation_level="REPEATABLE READ")
        for table in TABLES:
            rows = reader.execution_options(yield_per=_AT_ONCE).execute(select(table))
            for part in rows.mappings().partitions():
                writer.execute(insert(table), [dict(row) for row in part])
                counts[table.name] += len(part)
    return counts


def _copy_pages(database: Database, target: Path) -> None:
    """Copy a SQLite file by its online backup. Raises StateError."""
    with database.reading() as connection, closing(sqlite3.connect(target)) as copy:
        source = connection.connection.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise TypeError(type(source))
        source.backup(copy)


def _is_same(file: Path, other: Path) -> bool:
    return other.is_file() and file.read_bytes() == other.read_bytes()


def _former_files(folder: Path) -> list[Path]:
    return [file for pattern in FORMER for file in sorted(folder.glob(pattern))]


@contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    """Work in a folder, made for this account only if it is missing."""
    try:
        private_files.make_folder(folder)
        yield
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise StateError(f"{folder} cannot be used: {reason}.") from error
