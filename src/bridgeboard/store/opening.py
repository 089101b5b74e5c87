"""Opens a store's file: checks, locks, recovery of the log, migration to the current schema.

A new file appears whole or not at all. A log that the database would pass over, and with it every
batch in it, is an error instead. A file that ended the process the last time is tried in another
process first.
"""

import mmap
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any, Final

import duckdb

from bridgeboard import private_files
from bridgeboard.store import file_check
from bridgeboard.store.errors import (
    StoreDamagedError,
    StoreFullError,
    StoreLocationError,
    explained,
    too_new,
)
from bridgeboard.store.file_location import (
    growing,
    literal,
    log,
    refuse_open,
    remove,
    spilled,
)
from bridgeboard.store.schema import MIGRATIONS

SCHEMA: Final = "schema"
"""Setting of the store: how many migrations its file has had."""

_TABLE_NAMES: Final = """
SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary
ORDER BY table_name
"""


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of all tables."""
    return [name for (name,) in connection.execute(_TABLE_NAMES).fetchall()]


def migrate(connection: duckdb.DuckDBPyConnection, path: Path, until: int | None = None) -> None:
    """Bring a file to a schema, the current one by default.

    One transaction a step; a new file takes all steps in one, as each commit waits for the disk.

    Raises:
        StoreTooNewError: when the file has a later schema.
        StoreDamagedError: when it is a database of something else.
    """
    goal = len(MIGRATIONS) if until is None else until
    version_now = _schema(connection, path)
    if version_now > goal:
        raise too_new(path, version_now, goal)
    ends = range(version_now + 1, goal + 1)
    for end in ends if version_now else ends[-1:]:
        connection.execute("BEGIN")
        for version in range(version_now, end):
            connection.execute(MIGRATIONS[version])
        connection.execute("DELETE FROM meta WHERE name = ?", [SCHEMA])
        connection.execute("INSERT INTO meta VALUES (?, ?)", [SCHEMA, str(end)])
        connection.execute("COMMIT")
        version_now = end


def _schema(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """How many migrations a file has had; 0 for a new one."""
    try:
        rows = connection.execute("SELECT value FROM meta WHERE name = ?", [SCHEMA]).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        # Listing tables takes ten times as long, so only a file without this one pays for it.
        rows = []
        if not tables(connection):
            return 0
    if rows:
        return int(rows[0][0])
    raise StoreDamagedError(
        f"{path} is a database, but no store of Bridgeboard. Name another data folder."
    )


SETTINGS: Final[dict[str, str | bool]] = {
    # Nothing is ever fetched from the network, and no variable of Python is a table by accident.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "checkpoint_threshold": "128MB",
}
_LEAST_BATCH: Final = 128
"""A log of fewer bytes holds no batch: its writer was stopped while it began."""
_LOG_BEGINS: Final = bytes.fromhex("640062")
"""What the database begins each log with: the entry that names the log's version."""
_COMMIT: Final = re.compile(rb"\x05\0{7}.{8}\x64\0\x64\xff\xff", re.DOTALL)
"""The entry at the end of each transaction in a log: its length, a checksum, and its kind."""


def connected(path: Path, memory_mb: int, threads: int | None) -> duckdb.DuckDBPyConnection:
    """A connection to a store's file at the current schema; made if there is none.

    Raises:
        StoreError: whatever ``Store.open`` tells.
    """
    settings: dict[str, Any] = {**SETTINGS, "memory_limit": f"{memory_mb}MB"}
    if threads:
        settings["threads"] = threads
    with _as_store_errors(path):
        private_files.make_folder(path.parent)
        if not path.exists():
            _make(path, settings)
        with _marked(path), explained(path):
            return _opened(path, settings)


def connected_for_reading(
    path: Path, spill: Path, memory_mb: int, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection to a store's file that changes nothing; other processes may have one, too.

    ``spill`` is a folder of this process alone for what does not fit into its memory.

    Raises:
        StoreError: when it cannot be read, or a process that writes has it.
    """
    settings: dict[str, Any] = {
        **SETTINGS,
        "memory_limit": f"{memory_mb}MB",
        "temp_directory": str(spill),
    }
    if threads:
        settings["threads"] = threads
    with _as_store_errors(path), explained(path):
        refuse_open(path)
        connection = duckdb.connect(str(path), read_only=True, config=settings)
        try:
            connection.execute("SET GLOBAL allowed_paths = []")
            connection.execute("SET GLOBAL enable_external_access = false")
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
        except BaseException:
            connection.close()
            raise
        return connection


def _opened(path: Path, settings: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    before = _bytes(log(path))
    connection = duckdb.connect(str(path), config=settings)
    try:
        _shut_out(connection, path)
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        if before:
            # Earlier versions let others read it.
            with suppress(OSError):
                log(path).chmod(0o600)
            _take_in(connection, path, before)
        migrate(connection, path)
        refuse_open(path)
        _clear(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _shut_out(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Keep statements from all files but the store's own and its copy (``rewriting``).

    Nobody can take it back while the file is open.
    """
    copy = growing(path)
    endings = ("", ".wal", ".wal.checkpoint", ".wal.recovery")
    files = ", ".join(literal(f"{copy}{ending}") for ending in endings)
    connection.execute(f"SET GLOBAL allowed_paths = [{files}]")
    connection.execute("SET GLOBAL enable_external_access = false")


def _take_in(connection: duckdb.DuckDBPyConnection, path: Path, size: int) -> None:
    """Move what a killed process left in the log into the file.

    A log with a broken beginning is passed over without a word, and the next batch would be
    written over it: that it stays as it is, is the only sign. A log whose writer was stopped within
    its first batch stays as it is, too; nothing in it was ever confirmed, so it is begun again.
    """
    try:
        with explained(path):
            connection.execute("CHECKPOINT")
    except StoreFullError:
        return
    if size >= _LEAST_BATCH and _bytes(log(path)) == size and not _is_unfinished(log(path)):
        raise StoreDamagedError(
            f"The log {log(path)} is damaged; the batches in it cannot be read as they are, and"
            " going on would delete them. Nothing was changed. Put the newest backup in its place"
            " with: bridgeboard repair"
        )


def _is_unfinished(path: Path) -> bool:
    """Whether a log, sound at its beginning, ends before its first transaction does."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content[: len(_LOG_BEGINS)] == _LOG_BEGINS and not _COMMIT.search(content)


def _make(path: Path, settings: dict[str, Any]) -> None:
    """A new store, under another name until it is whole; somebody else may be faster."""
    if _bytes(log(path)) >= _LEAST_BATCH:
        raise StoreDamagedError(
            f"{path} is gone, but its log {log(path).name} is there. Put the file back, or"
            " put the newest backup in its place with: bridgeboard repair"
        )
    fresh = growing(path)
    try:
        remove(fresh)
        with explained(path):
            with duckdb.connect(str(fresh), config=settings) as connection:
                migrate(connection, path)
            fresh.chmod(0o600)
        _appear(fresh, path)
    finally:
        remove(fresh)


def _clear(path: Path) -> None:
    """Delete what processes that were killed left behind, with all the text that is in it.

    Whoever has the file open may do so: nobody else makes another one meanwhile.
    """
    shutil.rmtree(spilled(path), ignore_errors=True)
    for leftover in path.parent.glob(f".{path.name}.*.new*"):
        pid = leftover.name.removeprefix(f".{path.name}.").split(".")[0]
        if not _is_alive(pid):
            leftover.unlink(missing_ok=True)


def _appear(fresh: Path, path: Path) -> None:
    try:
        os.link(fresh, path)
    except (FileExistsError, FileNotFoundError):
        return
    except OSError:  # the file system knows no second name for a file
        fresh.rename(path)


@contextmanager
def _marked(path: Path) -> Iterator[None]:
    """Leave a mark while a file is being opened: found at the next start, it ended the process."""
    mark = path.with_name(f".{path.name}.opening")
    with suppress(FileNotFoundError):
        if not _is_alive(mark.read_text("utf-8", "replace")):
            file_check.check_opens(path)
    mark.write_text(str(os.getpid()), "utf-8")
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


@contextmanager
def _as_store_errors(path: Path) -> Iterator[None]:
    """Raise what the file system says as a ``StoreError``."""
    try:
        yield
    except OSError as error:
        if error.errno in {ENOSPC, EDQUOT}:
            raise StoreFullError(
                f"There is no room left for {path} ({error.strerror}). Free some; it is tried"
                " again."
            ) from error
        raise StoreLocationError(
            f"{path} cannot be used as the store ({error.strerror}). Let this account write"
            " to its folder, or name another data folder."
        ) from error


def _is_alive(pid: str) -> bool:
    """Whether another process of this number runs; in a container it may be our own."""
    if os.name != "posix" or not pid.isdecimal() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
