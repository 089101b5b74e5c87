"""What of the store is mirrored: its tables, the digests of their slices, and their rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Final, Protocol

import pyarrow as pa

from bridgeboard.clickhouse import tables
from bridgeboard.clickhouse.live import Place
from bridgeboard.clickhouse.slices import WHOLE, Slices, time_column
from bridgeboard.clickhouse.tables import BLOCK, Column
from bridgeboard.model.store import Reader

NOT_MIRRORED: Final = frozenset(
    {"coder_main_groups", "coder_members", "erased", "erased_rows", "windows"}
)
"""Tables of the sync's own work, which no statement of a reader asks."""
LONG_TEXT: Final[Mapping[str, frozenset[str]]] = {
    "prompts": frozenset({"text"}),
    "tool_inputs": frozenset({"input", "error"}),
    "thinking": frozenset({"text"}),
    "last_prompts": frozenset({"text"}),
    "vocabulary": frozenset({"words"}),
}
"""Columns that take long to read. They change with the rows of others, or the slice is new."""
FORMAT: Final = 1
"""How rows are written; another number writes all of them anew."""
_MOST: Final = 2**64
_ROWS: Final = 8_192
"""Rows that are read at once."""
_BYTES: Final = 48 * 2**20
"""About how much is sent at once."""


class Source(Reader, Protocol):
    """A reader of everything that the store has, at one state of it."""

    def batches(self, sql: str, *, rows: int = ...) -> Iterator[pa.RecordBatch]:
        """The answer in parts of so many rows."""


@dataclass(frozen=True)
class Digest:
    """How many rows a slice has, and the sum of their hashes: it knows no order."""

    rows: int
    value: int


@dataclass(frozen=True)
class Table:
    """A table of the store as it is mirrored."""

    name: str
    columns: Sequence[Column]

    @property
    def time(self) -> str | None:
        """The column that cuts it."""
        return time_column(self.columns, self.name)

    @property
    def long_text(self) -> frozenset[str]:
        """Those of its columns that take long to read."""
        return LONG_TEXT.get(self.name, frozenset())

    def digests(
        self, reader: Source, slices: Slices, *, quick: bool = False, of: Sequence[str] = ()
    ) -> dict[Place, Digest]:
        """The digests of its slices that have rows.

        Args:
            reader: of the store.
            slices: how time is cut.
            quick: whether long text is left out.
            of: the names of slices; none means all.
        """
        left_out = self.long_text if quick else frozenset()
        hashed = ", ".join(_quoted(c.name) for c in self.columns if c.name not in left_out)
        time = self.time and _quoted(self.time)
        start = f"{slices.start_sql(time)}, {slices.length_sql(time)}" if time else "NULL, 0"
        ranges = [f"({slices.condition(time, name)})" for name in of] if time else []
        sql = (
            f"SELECT {start}, count(*), sum(hash({hashed}))::VARCHAR"
            f" FROM {_quoted(self.name)} WHERE {' OR '.join(ranges) or 'TRUE'} GROUP BY 1, 2"
        )
        return {
            (self.name, slices.name(start, length) if time else WHOLE): self._digest(rows, value)
            for start, length, rows, value in reader.rows(sql)
        }

    def rows(self, reader: Source, slices: Slices, name: str, block: int) -> Iterator[pa.Table]:
        """The rows of a slice in parts that ClickHouse takes, each with the number of its block."""
        # As Arrow has no identities that ClickHouse knows, they travel as text.
        kinds = {c.name: "VARCHAR" if c.type == "UUID" else c.type for c in self.columns}
        columns = ", ".join(
            f"CAST({_quoted(column)} AS {kind}) AS {_quoted(column)}"
            for column, kind in kinds.items()
        )
        condition = slices.condition(_quoted(self.time or ""), name)
        sql = (
            f"SELECT {columns}, CAST({block} AS UBIGINT) AS {BLOCK}"
            f" FROM {_quoted(self.name)} WHERE {condition}"
        )
        parts: list[pa.RecordBatch] = []
        size = 0
        for part in reader.batches(sql, rows=_ROWS):
            parts.append(part)
            size += part.nbytes
            if size >= _BYTES:
                yield pa.Table.from_batches(parts)
                parts, size = [], 0
        if parts:
            yield pa.Table.from_batches(parts)

    def _digest(self, rows: int, value: str) -> Digest:
        text = repr((FORMAT, tables.create(self.name, self.columns)))
        salt = int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
        return Digest(rows, (int(value) + salt) % _MOST)


def mirrored(reader: Source) -> dict[str, Table]:
    """The tables of the store that are mirrored, by their names."""
    schema = tables.schema_of(reader)
    return {name: Table(name, schema[name]) for name in schema if name not in NOT_MIRRORED}


def erased_since(reader: Source, moment: datetime) -> bool:
    """Whether somebody was erased since a moment, which has no zone."""
    ((any_,),) = reader.rows("SELECT count(*) > 0 FROM erased WHERE erased_at >= $1", [moment])
    return bool(any_)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
