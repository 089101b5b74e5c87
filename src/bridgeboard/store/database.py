"""The store's file: opened by one process, one writer at a time, many readers.

A batch is one transaction. Readers see whole batches only, and nobody waits for anybody but a
batch for the one before it.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import duckdb
import pandas as pd
import pyarrow as pa

from bridgeboard.access import EVERYTHING, RowAccess
from bridgeboard.model.store import Dimensions, Params, StoreError
from bridgeboard.store import rewriting
from bridgeboard.store.errors import StoreBusyError, busy, explained, is_final
from bridgeboard.store.file_location import checked, refuse_filled_log
from bridgeboard.store.limited_readers import LimitedReaders
from bridgeboard.store.opening import connected
from bridgeboard.store.reader import DATA_VERSION, Batch, Reader


class Gate:
    """Lets readers through, counts them, and can be closed."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0
        self._is_closed = False

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Be one of those who are waited for; begins once the gate is open."""
        with self._condition:
            self._condition.wait_for(lambda: not self._is_closed)
            self._count += 1
        try:
            yield
        finally:
            with self._condition:
                self._count -= 1
                self._condition.notify_all()

    @contextmanager
    def kept_out(self, seconds: float) -> Iterator[bool]:
        """Let nobody begin until the block ends; whether all others are done within the time.

        A reader who asks again before being done would wait for itself: it goes on when the block
        ends, which should be at once where this says no.
        """
        with self._condition:
            self._is_closed = True
            is_alone = self._condition.wait_for(lambda: not self._count, seconds)
        try:
            yield is_alone
        finally:
            with self._condition:
                self._is_closed = False
                self._condition.notify_all()


AT_ONCE: Final = (os.cpu_count() or 1) + 1
"""How many questions are answered at once: more share the same cores, and none is done sooner."""
PATIENCE_SECONDS: Final = 10.0
"""How long a store that has to be opened anew waits for questions that are being answered."""
EXCHANGE_SECONDS: Final = 2.0
"""How long new questions wait for those before them when a rewritten file is to take its place,
and are let through again if these are not done by then."""
LOOK_SECONDS: Final = 0.05
"""How often it is tried meanwhile to move the log into a file that is to be copied."""
EXCHANGES: Final = 15
"""How often that is tried."""

_open_paths: set[Path] = set()
_opening = threading.Lock()


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
        self._limited = LimitedReaders(self._connection, self.write)
        self._writing = threading.Lock()
        self._readers = Gate()
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
        """Move everything into the one file and let go of it; may be repeated.

        Questions that are being answered are waited for, for some seconds; later ones are refused.
        """
        with self._writing:
            if not self._is_open:
                return
            self._is_open = False
            with self._readers.kept_out(PATIENCE_SECONDS):
                # What cannot be moved now stays in the log beside the file until the next start.
                with suppress(duckdb.Error):
                    self._writer.execute("CHECKPOINT")
                # A question that takes longer still has the database; it lets go of it at its end.
                with suppress(duckdb.Error):
                    self._let_go()
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
    def identity(self) -> str:
        """What tells this store from others: its file."""
        return str(self.path)

    @property
    def version(self) -> int:
        """The number of the last committed batch: answers are the same as long as it is."""
        return self._version

    @contextmanager
    def snapshot(self, row_access: RowAccess = EVERYTHING) -> Iterator[Reader]:
        """Several questions to one state of the store, whatever is written meanwhile.

        Args:
            row_access: what the answers may tell: there is nothing else in any table.
        """
        if row_access != EVERYTHING:
            with self._counted(), explained(self.path), self._limited.reading(row_access) as seen:
                reader = Reader(seen[0], self.path, seen[1], self._turns)
                reader.sees_groups_only = row_access.floor is not None
                yield reader
            return
        with self._reader() as reader:
            reader.rows("BEGIN READ ONLY")
            # A transaction begins with its first question, not with its name.
            _ = reader.version
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

    def _move_log_into_file(self) -> None:
        with self._noticing(), explained(self.path):
            self._writer.execute("CHECKPOINT")

    @contextmanager
    def at_rest(self) -> Iterator[int]:
        """The number of the last batch, when all is in the file and nobody writes to it.

        Questions are answered meanwhile; batches wait until the block ends.

        Raises:
            StoreBusyError: when questions that began before the last batch take too long.
            StoreFullError: when there is no space to move the log into the file.
        """
        self._recover()
        with self._writing:
            self._check_open()
            self._move_log_when_possible()
            yield self._version

    def _move_log_when_possible(self) -> None:
        """Move the log into the file, once questions are done that still see an earlier state."""
        until = time.monotonic() + EXCHANGE_SECONDS
        while True:
            try:
                self._move_log_into_file()
                break
            except duckdb.TransactionException:
                if time.monotonic() > until:
                    raise StoreBusyError(
                        f"Questions to {self.path} left no moment to copy it. It is tried again."
                    ) from None
            time.sleep(LOOK_SECONDS)
        refuse_filled_log(self.path)

    def rewrite(self) -> None:
        """Put a new file in the place of this one: all that the tables hold, and nothing else.

        The database keeps what was deleted from a file in blocks that it means to use again.
        Questions are answered meanwhile, but for the moment in which the files are exchanged;
        batches wait. Whoever is stopped in here leaves the old file or the new one.

        Raises:
            StoreFullError: when there is no room for a second file beside it.
            StoreBusyError: when questions left no moment for the exchange.
        """
        self._recover()
        with self._writing:
            self._check_open()
            self._move_log_into_file()
            with rewriting.copied(self._writer, self.path) as fresh:
                for _ in range(EXCHANGES):
                    with self._readers.kept_out(EXCHANGE_SECONDS) as is_alone:
                        if is_alone:
                            self._exchange(fresh)
                            return
                    time.sleep(EXCHANGE_SECONDS)
            raise rewriting.never_idle(self.path)

    def _exchange(self, fresh: Path) -> None:
        self._move_log_into_file()
        self._let_go()
        try:
            rewriting.exchange(fresh, self.path)
        finally:
            self._take_up()

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        with self._counted(), closing(self._connection.cursor()) as cursor:
            yield Reader(cursor, self.path, turns=self._turns)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Be one of the readers that have to be waited for."""
        self._recover()
        with self._readers.counted(), self._noticing():
            self._check_open()
            yield

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
        if not self._has_failed or not self._is_open:
            return
        with self._readers.kept_out(PATIENCE_SECONDS) as is_alone:
            if is_alone:
                self._let_go()
                self._take_up()

    def _let_go(self) -> None:
        self._has_failed = True
        self._writer.close()
        self._connection.close()

    def _take_up(self) -> None:
        self._connection = self._connect()
        self._writer = self._connection.cursor()
        self._limited = LimitedReaders(self._connection, self.write)
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
