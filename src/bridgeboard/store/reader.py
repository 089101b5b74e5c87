"""Queries on one state of the store, and a batch that also writes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import duckdb
import pandas as pd
import pyarrow as pa

from bridgeboard.model.store import Dimensions, Params
from bridgeboard.store import opening
from bridgeboard.store.errors import explained
from bridgeboard.store.file_location import literal
from bridgeboard.store.limited_readers import InFront

DATA_VERSION: Final = "data_version"
KEYS: Final[Mapping[str, str]] = {
    "usage": "usage",
    "sessions": "session",
    "initiators": "initiator",
}
"""Table → the column with keys of ours."""
_AT_ONCE: Final = 100_000
"""Rows that are handed over at once to be written to a file."""

ToFile: TypeAlias = Callable[[str, Path, str], int]
"""Writes the answer to a statement to a file, with the options of a COPY; the number of rows."""


class Reader:
    """Questions to the store, all to the same state of it.

    Who may see groups only is answered by the dimensions that a question says it speaks of, and
    never by single rows (``sees_groups_only``).
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path,
        in_front: InFront | None = None,
        turns: AbstractContextManager[object] | None = None,
    ) -> None:
        self._connection = connection
        self._path = path
        self._in_front = in_front
        self._turns = turns or nullcontext()
        self.sees_groups_only = False

    def frame(self, sql: str, params: Params = (), dimensions: Dimensions = None) -> pd.DataFrame:
        """The answer as a frame."""
        with explained(self._path), self._turns:
            return self._connection.execute(*self._seen(sql, params, dimensions)).df()

    def table(self, sql: str, params: Params = (), dimensions: Dimensions = None) -> pa.Table:
        """The answer as an Arrow table."""
        with explained(self._path), self._turns:
            seen, own = self._seen(sql, params, dimensions)
            return self._connection.sql(seen, params=own).to_arrow_table()

    def batches(
        self, sql: str, params: Params = (), dimensions: Dimensions = None, *, rows: int = _AT_ONCE
    ) -> Iterator[pa.RecordBatch]:
        """The answer in parts of so many rows, each read when it is asked for.

        Nothing else may be asked of this reader before the last of them.
        """
        with explained(self._path), self._turns:
            seen, own = self._seen(sql, params, dimensions)
            parts = self._connection.sql(seen, params=own).to_arrow_reader(rows)
        while True:
            # Whoever takes long over a part keeps no other question waiting.
            with explained(self._path), self._turns:
                part = next(parts, None)
            if part is None:
                return
            yield part

    def rows(
        self, sql: str, params: Params = (), dimensions: Dimensions = None
    ) -> list[tuple[Any, ...]]:
        """The answer as plain rows."""
        with explained(self._path), self._turns:
            return self._connection.execute(*self._seen(sql, params, dimensions)).fetchall()

    def named(
        self, sql: str, params: Params = (), dimensions: Dimensions = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The answer as the names of its columns and plain rows."""
        with explained(self._path), self._turns:
            answer = self._connection.execute(*self._seen(sql, params, dimensions))
            return [column[0] for column in answer.description or ()], answer.fetchall()

    @contextmanager
    def files(self) -> Iterator[ToFile]:
        """A function that writes the answer to a statement to a file; it ends with the block.

        A database of its own writes them: that of the store reaches no other file (``opening``).
        """
        with duckdb.connect(":memory:") as other:
            yield partial(self._to_file, other)

    def _to_file(self, other: duckdb.DuckDBPyConnection, sql: str, path: Path, options: str) -> int:
        with explained(self._path), self._turns:
            seen, own = self._seen(sql, (), None)
            answer = self._connection.sql(seen, params=own)
            columns = ", ".join(
                f'CAST("{name}" AS {kind}) AS "{name}"'
                for name, kind in zip(answer.columns, answer.types, strict=True)
            )
            other.register("answer", answer.to_arrow_reader(_AT_ONCE))
            try:
                written = f"COPY (SELECT {columns} FROM answer) TO {literal(path)} ({options})"
                ((rows,),) = other.execute(written).fetchall()
            finally:
                other.unregister("answer")
            return int(rows)

    def meta(self, name: str) -> str | None:
        """A setting of the store itself; None if it was never set."""
        rows = self.rows("SELECT value FROM meta WHERE name = $1", [name])
        return rows[0][0] if rows else None

    def tables(self) -> list[str]:
        """The names of all tables."""
        if self._in_front:
            return list(self._in_front.columns)
        with explained(self._path):
            return opening.tables(self._connection)

    @cached_property
    def version(self) -> int:
        """The number of the last batch that this state holds."""
        return int(self.meta(DATA_VERSION) or 0)

    def _seen(self, sql: str, params: Params, dimensions: Dimensions) -> tuple[str, Params]:
        """A statement of which the answer is what this reader sees, and its parameters."""
        return (
            self._in_front.statement(sql, params, dimensions) if self._in_front else (sql, params)
        )


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

    def take_keys(self, table: str, count: int) -> range:
        """So many free keys of ours in a row, in ``usage``, ``sessions`` or ``initiators``."""
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
            rows = self._connection.execute(sql, params).fetchall()
        return int(rows[0][0]) if rows else -1
