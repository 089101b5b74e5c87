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
    with _in_folder(folder), TemporaryDirectory(dir=folder, prefix=".state-") as name:
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


def is_empty(database: Database) -> bool:
    """Whether there is nothing that restoring would replace. Raises StateError."""
    with database.reading() as connection:
        rows = [connection.execute(select(table).limit(1)).first() for table in TABLES]
    return not any(rows) and not _former_files(database.folder)


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
    if not is_empty(database):
        raise StateError(
            f"{database.name} holds views, notes or an audit log already: move it away, or name"
            " another database, to restore."
        )
    key, old_key = folder / keys.FILE, database.folder / keys.FILE
    with _in_folder(database.folder), TemporaryDirectory(dir=database.folder) as name:
        if key.is_file() and old_key.is_file() and key.read_bytes() != old_key.read_bytes():
            raise StateError(
                f"{old_key} is another one than the backup's: move it away to restore."
            )
        # A copy, which may get the tables of this version: a backup is not changed.
        shutil.copyfile(folder / FILE, Path(name) / FILE)
        (Path(name) / FILE).chmod(0o600)
        copy = Database(Path(name))
        counts = copy_rows(copy, database)
        copy.close()
        for file in (key, *_former_files(folder)):
            if file.is_file():
                private_files.put(database.folder / file.name, file.read_text("utf-8"))
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
