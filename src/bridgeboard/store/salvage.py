"""What can still be read of a damaged file, table by table, as Parquet files.

A table that cannot be read as a whole is halved until the parts that can are found. Of the rest a
row is kept without the columns that are damaged, where these may be empty.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from bridgeboard.store.apart import Apart, UnreadableError

LEAST: Final = 2_048
"""Rows that the database reads together: a smaller part is no more readable than this."""

_COLUMNS: Final = """
SELECT column_name, data_type, is_nullable FROM duckdb_columns()
WHERE NOT internal AND database_name = current_database() AND table_name = '{0}'
ORDER BY column_index
"""
_TABLES: Final = """
SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal
ORDER BY table_name
"""


class Column(NamedTuple):
    """A column as the damaged file has it."""

    name: str
    kind: str
    may_be_empty: bool


class _Part(NamedTuple):
    """Rows by their place, both ends included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    @property
    def halves(self) -> "tuple[_Part, _Part]":
        middle = self.first + max(self.size // 2 // LEAST, 1) * LEAST
        return _Part(self.first, middle - 1), _Part(middle, self.last)

    @property
    def where(self) -> str:
        return f"rowid BETWEEN {self.first} AND {self.last}"


@dataclass
class Found:
    """What of one table could be read.

    Attributes:
        name: the table.
        columns: those it has in the damaged file; none when not even they can be read.
        files: Parquet files with its rows.
        kept: how many rows these hold.
        lost: how many rows could not be read; None when that is not known either.
        days: when the lost rows began, as far as that can be read.
        blanked: rows that were kept with an empty column in place of a damaged one.
    """

    name: str
    columns: tuple[Column, ...] = ()
    files: list[Path] = field(default_factory=list)
    kept: int = 0
    lost: int | None = 0
    days: Counter[date] = field(default_factory=Counter)
    blanked: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is missing."""
        return self.lost == 0 and not self.blanked


def tables(asked: Apart) -> list[str]:
    """The names of the tables of a file. Raises UnreadableError."""
    return [name for (name,) in asked.rows(_TABLES)]


def read(asked: Apart, name: str, folder: Path) -> Found:
    """All that can be read of a table."""
    found = Found(name)
    try:
        found.columns = tuple(Column(*row) for row in asked.rows(_COLUMNS.format(name)))
        ((count, last),) = asked.rows(f"SELECT count(*), max(rowid) FROM {name}")
    except UnreadableError:
        found.lost = None
        return found
    if count:
        _Table(asked, found, folder).read(_Part(0, int(last)))
    return found


class _Table:
    """One table being read."""

    def __init__(self, asked: Apart, found: Found, folder: Path) -> None:
        self._asked = asked
        self._found = found
        self._folder = folder

    def read(self, whole: _Part) -> None:
        waiting = [whole]
        while waiting:
            part = waiting.pop()
            if self._copied(part, "*"):
                continue
            if part.size > LEAST:
                waiting += reversed(part.halves)
            else:
                self._without_damage(part)

    def _copied(self, part: _Part, select: str) -> bool:
        found = self._found
        path = self._folder / f"{found.name}-{part.first}.parquet"
        quoted = str(path).replace("'", "''")
        try:
            ((rows,),) = self._asked.rows(
                f"COPY (SELECT {select} FROM {found.name} WHERE {part.where}) TO '{quoted}'"
                " (FORMAT parquet, COMPRESSION zstd)"
            )
        except UnreadableError:
            path.unlink(missing_ok=True)
            return False
        found.kept += rows
        found.files.append(path)
        return True

    def _without_damage(self, part: _Part) -> None:
        """Keep rows without their damaged columns, or tell from which days they were."""
        columns = [column for column in self._found.columns if column.name != "digest"]
        damaged = [column for column in columns if not self._is_readable(part, column)]
        blank = [f"CAST(NULL AS {column.kind}) AS {column.name}" for column in damaged]
        if len(columns) < len(self._found.columns):
            blank.append("0 AS digest")  # so that the next sync takes them for changed
        before = self._found.kept
        may_be_empty = all(column.may_be_empty for column in damaged)
        if blank and may_be_empty and self._copied(part, f"* REPLACE ({', '.join(blank)})"):
            self._found.blanked += self._found.kept - before
        else:
            self._lose(part)

    def _is_readable(self, part: _Part, column: Column) -> bool:
        try:
            self._asked.rows(
                f"SELECT max(hash({column.name})) FROM {self._found.name} WHERE {part.where}"
            )
        except UnreadableError:
            return False
        return True

    def _lose(self, part: _Part) -> None:
        found = self._found
        count = self._count(part)
        if found.lost is not None:
            found.lost += count
        if any(column.name == "started_at" for column in found.columns):
            found.days.update(dict(self._days(part)))

    def _count(self, part: _Part) -> int:
        try:
            ((count,),) = self._asked.rows(
                f"SELECT count(*) FROM {self._found.name} WHERE {part.where}"
            )
        except UnreadableError:
            return part.size
        return int(count)

    def _days(self, part: _Part) -> Iterator[tuple[date, int]]:
        try:
            rows: Sequence[Sequence[str]] = self._asked.rows(
                "SELECT started_at::DATE::VARCHAR, count(*)::VARCHAR"
                f" FROM {self._found.name} WHERE {part.where} GROUP BY ALL"
            )
        except UnreadableError:
            return
        for day, count in rows:
            yield date.fromisoformat(day), int(count)
