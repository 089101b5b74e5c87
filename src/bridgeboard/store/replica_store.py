"""A store that another process writes: read from published copies, the newest one of them.

Copies are opened for reading only. The next one takes the place of the one before between two runs
of a page (``one_state``); a copy that has been replaced is closed when its last reader is done.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

import duckdb

from bridgeboard.access import EVERYTHING, RowAccess
from bridgeboard.model.store import Dimensions, Params, StoreError
from bridgeboard.store import opening
from bridgeboard.store.database import AT_ONCE
from bridgeboard.store.errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreLocationError,
    StoreTooNewError,
    explained,
)
from bridgeboard.store.file_location import checked
from bridgeboard.store.limited_readers import LimitedReaders
from bridgeboard.store.published_copies import Published
from bridgeboard.store.reader import Reader
from bridgeboard.store.schema import MIGRATIONS

_MENTIONED: Final = 200


class Copy:
    """A published copy, open for reading.

    Attributes:
        published: what is said of it.
    """

    def __init__(
        self, published: Published, folder: Path, spill: Path, *, memory_mb: int = 512
    ) -> None:
        """Open a copy; in ``spill`` it puts down what does not fit into memory.

        Raises:
            StoreTooNewError: when a later Bridgeboard published it.
            StoreError: when an earlier one did, or it cannot be read.
        """
        self.published = published
        self.path = checked(folder / published.file)
        _check_schema(published.schema, self.path)
        self._lock = threading.Lock()
        self._users, self._is_retired = 0, False
        with _explained(self.path):
            # Of each copy its own: two databases would write to the same files there.
            own = spill / str(published.number)
            self._connection = opening.connected_for_reading(self.path, own, memory_mb)
            self._limited = LimitedReaders(self._connection, None)
            try:
                self._check()
            except BaseException:
                self._connection.close()
                raise

    def _check(self) -> None:
        with closing(self._connection.cursor()) as cursor:
            reader = Reader(cursor, self.path)
            try:
                schema, version = int(reader.meta(opening.SCHEMA) or 0), reader.version
            except (duckdb.CatalogException, duckdb.BinderException) as error:
                raise StoreDamagedError("it is another database") from error
        _check_schema(schema, self.path)
        if version != self.published.version:
            raise StoreDamagedError(f"it holds batch {version} and not {self.published.version}")

    @contextmanager
    def used(self) -> Iterator[bool]:
        """Keep it open until the block ends; False if it has been closed."""
        with self._lock:
            is_open = not (self._is_retired and not self._users)
            self._users += is_open
        try:
            yield is_open
        finally:
            if is_open:
                self._let_go()

    def retire(self) -> None:
        """Close it, now or when its last user is done; may be repeated."""
        with self._lock:
            self._is_retired = True
            if not self._users:
                self._connection.close()

    def _let_go(self) -> None:
        with self._lock:
            self._users -= 1
            if self._is_retired and not self._users:
                self._connection.close()

    @contextmanager
    def snapshot(
        self, row_access: RowAccess, turns: threading.BoundedSemaphore
    ) -> Iterator[Reader]:
        """Questions to it, with what a row access shows."""
        floor = row_access.floor
        if floor is not None and floor > self.published.floor:
            raise StoreError(
                f"Sums of groups are made for at least {self.published.floor} people by the process"
                f" that syncs, and this dashboard shows none of fewer than {floor}. Give both the"
                " same floor in their settings."
            )
        with explained(self.path):
            if row_access != EVERYTHING:
                with self._limited.reading(row_access) as seen:
                    reader = Reader(seen[0], self.path, seen[1], turns)
                    reader.sees_groups_only = floor is not None
                    yield reader
                return
            with closing(self._connection.cursor()) as cursor:
                yield Reader(cursor, self.path, turns=turns)


class ReplicaStore:
    """The newest copy of a store, whichever that is.

    Args:
        folder: where copies are published.
        copy: the first one.
    """

    def __init__(self, folder: Path, copy: Copy) -> None:
        self._folder = folder
        self._newest = copy
        self._pinned: ContextVar[Copy | None] = ContextVar("copy_of_this_run", default=None)
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    @property
    def path(self) -> Path:
        """What it would be called in that folder; its name is that of the store that is copied."""
        return self._folder / f"{self.published.store}.duckdb"

    @property
    def published(self) -> Published:
        """What is said of the copy that is read."""
        return self._copy.published

    @property
    def newest(self) -> Published:
        """What is said of the copy that the next run reads."""
        return self._newest.published

    @property
    def identity(self) -> str:
        """Which copy it is. A restored store has batches of numbers that were there before."""
        return str(self._copy.path)

    @property
    def version(self) -> int:
        """The number of the last batch in the copy."""
        return self.published.version

    @property
    def _copy(self) -> Copy:
        return self._pinned.get() or self._newest

    def move_to(self, copy: Copy) -> None:
        """Read from another copy from now on; blocks of ``one_state`` go on with theirs."""
        before, self._newest = self._newest, copy
        before.retire()

    def close(self) -> None:
        """Close the copy once nobody reads it."""
        self._newest.retire()

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """Have all questions of a block answered by the same copy, in this thread."""
        if self._pinned.get():
            yield
            return
        with self._used() as copy:
            token = self._pinned.set(copy)
            try:
                yield
            finally:
                self._pinned.reset(token)

    @contextmanager
    def snapshot(self, row_access: RowAccess = EVERYTHING) -> Iterator[Reader]:
        """Several questions to one state.

        Args:
            row_access: which rows the answers may tell of.
        """
        with self._used() as copy, copy.snapshot(row_access, self._turns) as reader:
            yield reader

    @contextmanager
    def _used(self) -> Iterator[Copy]:
        while True:
            copy = self._copy
            with copy.used() as is_open:
                if is_open:
                    yield copy
                    return
                # Another one has taken its place since, unless all of them were closed.
                if copy is self._copy:
                    raise StoreError(f"The copies in {self._folder} were closed.")

    def rows(
        self, sql: str, params: Params = (), dimensions: Dimensions = None
    ) -> list[tuple[Any, ...]]:
        """The answer as plain rows."""
        with self.snapshot() as reader:
            return reader.rows(sql, params, dimensions)

    def meta(self, name: str) -> str | None:
        """A setting of the store itself; None if it was never set."""
        with self.snapshot() as reader:
            return reader.meta(name)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Errors of a copy's file with what to do about a copy, which is not to repair it."""
    try:
        yield
    except (StoreBusyError, StoreDamagedError, StoreLocationError) as error:
        reason = " ".join(str(error.__cause__ or error).split())[:_MENTIONED]
        raise StoreError(
            f"The copy {path} cannot be read ({reason}). The next one that the process that syncs"
            " publishes is tried."
        ) from error


def _check_schema(schema: int, path: Path) -> None:
    known: Final = len(MIGRATIONS)
    if schema > known:
        raise StoreTooNewError(
            f"{path} was published by a later version of Bridgeboard (schema {schema}, known are"
            f" schemas up to {known}): upgrade this dashboard."
        )
    if schema < known:
        raise StoreError(
            f"{path} was published by an earlier version of Bridgeboard (schema {schema}, needed is"
            f" {known}): upgrade the process that syncs."
        )
