"""The file: opened by one process, written by one batch at a time, read by many.

A batch is one transaction. Readers see whole batches only, and nobody waits for anybody but a
batch for the one before it.
"""

import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import duckdb
import pandas as pd
import pyarrow as pa

from bridgeboard.store import migrations
from bridgeboard.store.errors import StoreError, busy, explained, is_final
from bridgeboard.store.opening import connected
from bridgeboard.store.places import checked
from bridgeboard.store.sight import EVERYTHING, Sight
from bridgeboard.store.sight_cursors import Cursors, Picked

DATA_VERSION: Final = "data_version"
KEYS: Final[Mapping[str, str]] = {
    "usage": "usage",
    "sessions": "session",
    "initiators": "initiator",
}
"""Table → the column with keys of ours."""
AT_ONCE: Final = (os.cpu_count() or 1) + 1
"""How many questions are answered at once: more share the same cores, and none is done sooner."""
PATIENCE_SECONDS: Final = 10.0
"""How long a store that has to be opened anew waits for questions that are being answered."""

Params = Sequence[Any] | Mapping[str, Any]
Dimensions = Collection[str] | None
"""What a question speaks of; None is not told."""

_open_paths: set[Path] = set()
_opening = threading.Lock()


class Reader:
    """Questions to the store, all to the same state of it.

    Who may see groups only is answered by the dimensions that a question says it speaks of, and
    never by single rows (``sees_groups_only``).
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path,
        picked: Picked | None = None,
        turns: AbstractContextManager[object] | None = None,
    ) -> None:
        self._connection = connection
        self._path = path
        self._picked = picked
        self._turns = turns or nullcontext()
        self.sees_groups_only = False

    def frame(self, sql: str, params: Params = (), dimensions: Dimensions = None) -> pd.DataFrame:
        """The answer as a frame."""
        with explained(self._path), self._turns:
            return self._on(dimensions).execute(sql, params).df()

    def table(self, sql: str, params: Params = (), dimensions: Dimensions = None) -> pa.Table:
        """The answer as an Arrow table."""
        with explained(self._path), self._turns:
            return self._on(dimensions).sql(sql, params=params).to_arrow_table()

    def rows(
        self, sql: str, params: Params = (), dimensions: Dimensions = None
    ) -> list[tuple[Any, ...]]:
        """The answer as plain rows."""
        with explained(self._path), self._turns:
            return self._on(dimensions).execute(sql, params).fetchall()

    def named(
        self, sql: str, params: Params = (), dimensions: Dimensions = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The answer as the names of its columns and plain rows."""
        with explained(self._path), self._turns:
            told = self._on(dimensions).execute(sql, params)
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

    def _on(self, dimensions: Dimensions) -> duckdb.DuckDBPyConnection:
        return self._picked(dimensions) if self._picked else self._connection


class Batch(Reader):
    """What is written in one transaction; it reads what it has written itself.

    Attributes:
        moves: whether an answer may be another after it: a row was written, and not only kept.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, path: Path, keys: dict[str, int]
    ) -> None:
        super().__init__(connection, path)
        self._keys = keys
        self.moves = False

    def execute(self, sql: str, params: Params = ()) -> None:
        """Run a statement that has no answer."""
        self.moves |= self._written(sql, params) != 0

    def change(self, sql: str, params: Params = ()) -> int:
        """Run an INSERT, UPDATE or DELETE; the number of its rows."""
        count = self._written(sql, params)
        self.moves |= count != 0
        return count

    def keep(self, sql: str, params: Params = ()) -> None:
        """Run a statement about our own work, which no answer tells of, such as a window's end."""
        self._written(sql, params)

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
        if self.meta(name) != value:
            self.keep_meta(name, value)
            self.moves = True

    def keep_meta(self, name: str, value: str) -> None:
        """Likewise one that is only about our own work."""
        if not self._written("UPDATE meta SET value = $2 WHERE name = $1", [name, value]):
            self._written("INSERT INTO meta VALUES ($1, $2)", [name, value])

    def _written(self, sql: str, params: Params) -> int:
        """How many rows a statement wrote; -1 if the database does not count them."""
        with explained(self._path):
            told = self._connection.execute(sql, params).fetchall()
        return int(told[0][0]) if told else -1


class Store:
    """The open store of one deployment; a context manager that closes it.

    Attributes:
        path: its file.
    """

    def __init__(self, path: Path, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self.path = path
        self._connect = connect
        self._connection = connect()
        self._writer = self._connection.cursor()
        self._cursors = Cursors(self._connection, self.write)
        self._writing = threading.Lock()
        self._reading = threading.Condition()
        self._readers = 0
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._keys: dict[str, int] = {}
        self._is_open = True
        self._has_failed = False
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
            return cls(path, lambda: connected(path, memory_mb, threads))
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
            self._cursors.close()
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

    def frame(self, sql: str, params: Params = (), dimensions: Dimensions = None) -> pd.DataFrame:
        """The answer as a frame, on a cursor of its own."""
        with self._reader() as reader:
            return reader.frame(sql, params, dimensions)

    def table(self, sql: str, params: Params = (), dimensions: Dimensions = None) -> pa.Table:
        """The answer as an Arrow table, likewise."""
        with self._reader() as reader:
            return reader.table(sql, params, dimensions)

    def rows(
        self, sql: str, params: Params = (), dimensions: Dimensions = None
    ) -> list[tuple[Any, ...]]:
        """The answer as plain rows, likewise."""
        with self._reader() as reader:
            return reader.rows(sql, params, dimensions)

    def meta(self, name: str) -> str | None:
        """A setting of the store itself; None if it was never set."""
        with self._reader() as reader:
            return reader.meta(name)

    @property
    def version(self) -> int:
        """The number of the last committed batch: answers are the same as long as it is."""
        return self._version

    @contextmanager
    def snapshot(self, sight: Sight = EVERYTHING) -> Iterator[Reader]:
        """Several questions to one state of the store, whatever is written meanwhile.

        Args:
            sight: what the answers may tell: there is nothing else in any table.
        """
        if sight != EVERYTHING:
            with self._counted(), explained(self.path), self._cursors.reading(sight) as picked:
                reader = Reader(picked(None), self.path, picked, self._turns)
                reader.sees_groups_only = sight.floor is not None
                yield reader
            return
        with self._reader() as reader:
            reader.rows("BEGIN READ ONLY")
            # A transaction begins with its first question, not with its name.
            reader.meta(DATA_VERSION)
            yield reader

    @contextmanager
    def write(self) -> Iterator[Batch]:
        """Write a batch: committed when the block ends, undone when it raises.

        One batch at a time: a second one, from another thread, waits for the first. The version
        stays when nothing was written that an answer tells of, so that a sync that finds nothing
        new ages no answer that was kept.

        Raises:
            StoreFullError: when there is no space left; the batch is undone.
        """
        self._recover()
        with self._writing, self._noticing():
            self._check_open()
            batch = Batch(self._writer, self.path, self._keys)
            batch.keep("BEGIN")
            try:
                yield batch
                if batch.moves:
                    batch.keep_meta(DATA_VERSION, str(self._version + 1))
                batch.keep("COMMIT")
            except BaseException:
                # A commit that failed has undone itself.
                with suppress(duckdb.Error):
                    self._writer.execute("ROLLBACK")
                raise
            self._version += batch.moves

    def checkpoint(self) -> None:
        """Move what the log beside the file holds into the file."""
        self._recover()
        with self._writing, self._noticing(), explained(self.path):
            self._check_open()
            self._writer.execute("CHECKPOINT")

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        with self._counted(), closing(self._connection.cursor()) as cursor:
            yield Reader(cursor, self.path, turns=self._turns)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Be one of the readers that have to be waited for."""
        self._recover()
        self._check_open()
        with self._reading:
            self._readers += 1
        try:
            with self._noticing():
                yield
        finally:
            with self._reading:
                self._readers -= 1
                self._reading.notify_all()

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Remember that the database refuses everything from now on, if that is why it failed."""
        try:
            yield
        except StoreError as error:
            self._has_failed |= is_final(error)
            raise

    def _recover(self) -> None:
        """Open a file anew after a failure that ended the database, as a full disk may.

        What was committed is in the file and its log. Raises StoreError when it cannot be opened.
        """
        # Who asks within a batch or a snapshot of its own must not wait for itself for ever.
        if not self._has_failed or not self._writing.acquire(timeout=PATIENCE_SECONDS):
            return
        try:
            self._open_anew()
        finally:
            self._writing.release()

    def _open_anew(self) -> None:
        with self._reading:
            if not self._has_failed or not self._is_open:
                return
            if not self._reading.wait_for(lambda: not self._readers, PATIENCE_SECONDS):
                return
            self._cursors.close()
            self._writer.close()
            self._connection.close()
            self._connection = self._connect()
            self._writer = self._connection.cursor()
            self._cursors = Cursors(self._connection, self.write)
            self._keys.clear()
            self._version = Reader(self._writer, self.path).version
            self._has_failed = False

    def _check_open(self) -> None:
        if not self._is_open:
            raise StoreError(f"{self.path} was closed.")


def _claim(path: Path) -> None:
    # Within one process DuckDB would open the file a second time, for a second writer.
    with _opening:
        if path in _open_paths:
            raise busy(path, f"pid {os.getpid()}: this process")
        _open_paths.add(path)
