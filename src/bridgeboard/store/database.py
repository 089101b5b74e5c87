"""The file: opened by one process, written by one batch at a time, read by many.

A batch is one transaction. Readers see whole batches only, and nobody waits for anybody but a
batch for the one before it.
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import duckdb
import pandas as pd
import pyarrow as pa

from bridgeboard.store import migrations
from bridgeboard.store.errors import StoreError, StoreLocationError, busy, explained
from bridgeboard.store.places import checked, make_private

DATA_VERSION: Final = "data_version"
KEYS: Final[Mapping[str, str]] = {
    "usage": "usage",
    "sessions": "session",
    "initiators": "initiator",
}
"""Table → the column with keys of ours."""

Params = Sequence[Any] | Mapping[str, Any]

_SETTINGS: Final[Mapping[str, str | bool]] = {
    # Nothing is ever fetched from the network, and no variable of Python is a table by accident.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "checkpoint_threshold": "128MB",
}
_open_paths: set[Path] = set()
_opening = threading.Lock()


class Reader:
    """Questions to the store, all to the same state of it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def frame(self, sql: str, params: Params = ()) -> pd.DataFrame:
        """The answer as a frame."""
        with explained(self._path):
            return self._connection.execute(sql, params).df()

    def table(self, sql: str, params: Params = ()) -> pa.Table:
        """The answer as an Arrow table."""
        with explained(self._path):
            return self._connection.sql(sql, params=params).to_arrow_table()

    def rows(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """The answer as plain rows."""
        with explained(self._path):
            return self._connection.execute(sql, params).fetchall()

    def named(self, sql: str, params: Params = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The answer as the names of its columns and plain rows."""
        with explained(self._path):
            told = self._connection.execute(sql, params)
            return [column[0] for column in told.description or ()], told.fetchall()

    def meta(self, name: str) -> str | None:
        """A setting of the store itself; None if it was never set."""
        found = self.rows("SELECT value FROM meta WHERE name = ?", [name])
        return found[0][0] if found else None

    def tables(self) -> list[str]:
        """The names of all tables."""
        with explained(self._path):
            return migrations.tables(self._connection)

    @property
    def version(self) -> int:
        """The number of the last batch that this state holds."""
        return int(self.meta(DATA_VERSION) or 0)


class Batch(Reader):
    """What is written in one transaction; it reads what it has written itself."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, path: Path, keys: dict[str, int]
    ) -> None:
        super().__init__(connection, path)
        self._keys = keys

    def execute(self, sql: str, params: Params = ()) -> None:
        """Run a statement that has no answer."""
        with explained(self._path):
            self._connection.execute(sql, params)

    def change(self, sql: str, params: Params = ()) -> int:
        """Run an INSERT, UPDATE or DELETE; the number of its rows."""
        return int(self.rows(sql, params)[0][0])

    @contextmanager
    def registered(self, **tables: pa.Table) -> Iterator[None]:
        """Let SQL see Arrow tables under these names until the block ends."""
        for name, table in tables.items():
            self._connection.register(name, table)
        try:
            yield
        finally:
            for name in tables:
                # After a failed statement the rollback takes them away.
                with suppress(duckdb.Error):
                    self._connection.unregister(name)

    def next_key(self, table: str) -> int:
        """A key of ours that is free in ``usage``, ``sessions`` or ``initiators``."""
        return self.take_keys(table, 1)[0]

    def take_keys(self, table: str, count: int) -> range:
        """So many free keys in a row."""
        if table not in self._keys:
            ((top,),) = self.rows(f"SELECT coalesce(max({KEYS[table]}), 0) FROM {table}")
            self._keys[table] = top + 1
        first = self._keys[table]
        self._keys[table] = first + count
        return range(first, first + count)

    def set_meta(self, name: str, value: str) -> None:
        """Set a setting of the store itself."""
        if not self.change("UPDATE meta SET value = $2 WHERE name = $1", [name, value]):
            self.execute("INSERT INTO meta VALUES ($1, $2)", [name, value])


class Store:
    """The open store of one deployment; a context manager that closes it.

    Attributes:
        path: its file.
    """

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.path = path
        self._connection = connection
        self._writer = connection.cursor()
        self._writing = threading.Lock()
        self._keys: dict[str, int] = {}
        self._is_open = True
        self._version = Reader(self._writer, path).version

    @classmethod
    def open(cls, path: Path, *, memory_mb: int = 512, threads: int | None = None) -> Self:
        """Open a store, or make an empty one, and bring it to the current schema.

        Folders that are missing are made for this account only, and so is the file. The file is
        locked for other processes until ``close``.

        Raises:
            StoreBusyError: when it is open already, here or in another process.
            StoreTooNewError: when a later Bridgeboard has written it.
            StoreDamagedError: when it is not, or no longer, a store.
            StoreFullError: when there is no space for it.
            StoreLocationError: when the path cannot be used.
        """
        path = checked(path)
        _claim(path)
        try:
            return cls(path, _connected(path, memory_mb, threads))
        except BaseException:
            _open_paths.discard(path)
            raise

    def close(self) -> None:
        """Move everything into the one file and let go of it; may be repeated."""
        with self._writing:
            if not self._is_open:
                return
            self._is_open = False
            # What cannot be moved now stays in the log beside the file until the next start.
            with suppress(duckdb.Error):
                self._writer.execute("CHECKPOINT")
            self._writer.close()
            self._connection.close()
            _open_paths.discard(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def frame(self, sql: str, params: Params = ()) -> pd.DataFrame:
        """The answer as a frame, on a cursor of its own."""
        with self._reader() as reader:
            return reader.frame(sql, params)

    def table(self, sql: str, params: Params = ()) -> pa.Table:
        """The answer as an Arrow table, likewise."""
        with self._reader() as reader:
            return reader.table(sql, params)

    def rows(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """The answer as plain rows, likewise."""
        with self._reader() as reader:
            return reader.rows(sql, params)

    def meta(self, name: str) -> str | None:
        """A setting of the store itself; None if it was never set."""
        with self._reader() as reader:
            return reader.meta(name)

    @property
    def version(self) -> int:
        """The number of the last committed batch: answers are the same as long as it is."""
        return self._version

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """Several questions to one state of the store, whatever is written meanwhile."""
        with self._reader() as reader:
            reader.rows("BEGIN READ ONLY")
            # A transaction begins with its first question, not with its name.
            reader.meta(DATA_VERSION)
            yield reader

    @contextmanager
    def write(self, *, quietly: bool = False) -> Iterator[Batch]:
        """Write a batch: committed when the block ends, undone when it raises.

        One batch at a time: a second one, from another thread, waits for the first.

        Args:
            quietly: no answer changes by it, so the version stays.

        Raises:
            StoreFullError: when there is no space left; the batch is undone.
        """
        with self._writing:
            self._check_open()
            batch = Batch(self._writer, self.path, self._keys)
            batch.execute("BEGIN")
            try:
                yield batch
                if not quietly:
                    batch.set_meta(DATA_VERSION, str(self._version + 1))
                batch.execute("COMMIT")
            except BaseException:
                # A commit that failed has undone itself.
                with suppress(duckdb.Error):
                    self._writer.execute("ROLLBACK")
                raise
            self._version += not quietly

    def checkpoint(self) -> None:
        """Move what the log beside the file holds into the file."""
        with self._writing, explained(self.path):
            self._check_open()
            self._writer.execute("CHECKPOINT")

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        self._check_open()
        cursor = self._connection.cursor()
        try:
            yield Reader(cursor, self.path)
        finally:
            cursor.close()

    def _check_open(self) -> None:
        if not self._is_open:
            raise StoreError(f"{self.path} was closed.")


def _claim(path: Path) -> None:
    # Within one process DuckDB would open the file a second time, for a second writer.
    with _opening:
        if path in _open_paths:
            raise busy(path, f"pid {os.getpid()}: this process")
        _open_paths.add(path)


def _connected(path: Path, memory_mb: int, threads: int | None) -> duckdb.DuckDBPyConnection:
    settings: dict[str, Any] = {**_SETTINGS, "memory_limit": f"{memory_mb}MB"}
    if threads:
        settings["threads"] = threads
    is_new = _made_room(path)
    with explained(path):
        connection = duckdb.connect(str(path), config=settings)
        try:
            if is_new:
                path.chmod(0o600)
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            migrations.migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _made_room(path: Path) -> bool:
    """Make the folders of a path; whether there is no file yet."""
    try:
        make_private(path.parent)
        return not path.exists()
    except OSError as error:
        raise StoreLocationError(
            f"{path} cannot be used as the store ({error.strerror}). Name another data folder."
        ) from error
