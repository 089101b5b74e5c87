"""A pool of database cursors with the SQL views of each row access."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import Final
from uuid import UUID

import duckdb

from bridgeboard.access import Pseudonyms, RowAccess
from bridgeboard.store.group_blocks import Blocks, Writer
from bridgeboard.store.group_views import LAST, PIN, Live, live, views
from bridgeboard.store.row_views import NAMES, put_up, real, tables

AT_REST: Final = 32
"""Cursors kept for the next question: to make one takes tens of milliseconds."""

_IDS: Final = "SELECT DISTINCT id::VARCHAR FROM {schema}.initiators"
_PUT: Final = f"INSERT INTO {NAMES} SELECT unnest($1::UUID[]), unnest($2::UUID[]), unnest($3)"
_KNOWN: Final = f"SELECT id::VARCHAR FROM {NAMES}"


Picked = Callable[[Collection[str] | None], duckdb.DuckDBPyConnection]
"""The dimensions of a question → the cursor to ask it on."""
_Key = tuple[RowAccess, Live | None]
"""A row_access, and of groups for what kind of question."""


class Cursors:
    """The cursors of one connection; ``write`` begins a batch of the store."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        write: Callable[[], AbstractContextManager[Writer]],
    ) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self.blocks = Blocks(connection, write)
        self._resting: OrderedDict[int, tuple[_Key, duckdb.DuckDBPyConnection]] = OrderedDict()
        self._is_open = True

    @contextmanager
    def reading(self, row_access: RowAccess) -> Iterator[Picked]:
        """Cursors with the row access of one reader, each in a transaction that reads one state.

        What is given is asked for the cursor of a question by the dimensions that it speaks of.
        """
        with ExitStack() as stack:
            if row_access.floor is None:
                cursor = stack.enter_context(self._transaction((row_access, None)))
                yield lambda _: cursor
                return
            self.blocks.update(row_access.floor)
            with closing(self._connection.cursor()) as cursor:
                ((last,),) = cursor.execute(LAST.format(real=real(cursor))).fetchall()
            begun: dict[Live, duckdb.DuckDBPyConnection] = {}

            def picked(dimensions: Collection[str] | None) -> duckdb.DuckDBPyConnection:
                sums = live(dimensions)
                if sums not in begun:
                    begun[sums] = stack.enter_context(self._transaction((row_access, sums), last))
                return begun[sums]

            yield picked

    def close(self) -> None:
        """Let go of all that rest, and of those in use when they come back."""
        with self._lock:
            self._is_open = False
            while self._resting:
                self._resting.popitem()[1][1].close()

    @contextmanager
    def _transaction(self, key: _Key, last: int = 0) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._taken(key) or self._new_cursor(key)
        try:
            cursor.execute(f"SET VARIABLE {PIN} = {last}")
            cursor.execute("BEGIN READ ONLY")
            # A transaction begins with its first question, not with its name.
            cursor.execute("FROM meta").fetchall()
            if key[0].pseudonyms:
                _rename(cursor, key[0].pseudonyms)
            yield cursor
            cursor.execute("COMMIT")
        except BaseException:
            cursor.close()
            raise
        self._rest(key, cursor)

    def _new_cursor(self, key: _Key) -> duckdb.DuckDBPyConnection:
        row_access, kind = key
        cursor = self._connection.cursor()
        try:
            groups = {}
            if kind is not None and row_access.floor is not None:
                groups = views(real(cursor), row_access.floor, kind, tables(cursor))
            put_up(cursor, row_access, groups)
        except BaseException:
            cursor.close()
            raise
        return cursor

    def _taken(self, key: _Key) -> duckdb.DuckDBPyConnection | None:
        with self._lock:
            for number, (known, cursor) in reversed(self._resting.items()):
                if known == key:
                    del self._resting[number]
                    return cursor
        return None

    def _rest(self, key: _Key, cursor: duckdb.DuckDBPyConnection) -> None:
        with self._lock:
            self._resting[id(cursor)] = (key, cursor)
            while len(self._resting) > (AT_REST if self._is_open else 0):
                self._resting.popitem(last=False)[1][1].close()


def _rename(cursor: duckdb.DuckDBPyConnection, pseudonyms: Pseudonyms) -> None:
    """Give everybody who is there another name, if somebody has none yet.

    All at once, because two people with the same pseudonym need longer ones both.
    """
    ids = {name for (name,) in cursor.execute(_IDS.format(schema=real(cursor))).fetchall()}
    if ids == {name for (name,) in cursor.execute(_KNOWN).fetchall()}:
        return
    aliases = pseudonyms.alias(sorted(ids))
    cursor.execute(f"DELETE FROM {NAMES}")
    names = sorted((each, str(other_id(alias)), alias) for each, alias in aliases.items())
    cursor.execute(_PUT, [list(column) for column in zip(*names, strict=True)])


def other_id(alias: str) -> UUID:
    """The id of somebody who is known by an alias: it tells no more than the alias does."""
    return UUID(bytes=hashlib.sha256(alias.encode()).digest()[:16], version=5)
