"""What is exported: columns that know their kind and meaning, and rows of values."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from bridgeboard.exports.cells import Cell, Kind, harmless, plain
from bridgeboard.exports.errors import ExportError

_UNITS: Final = {"money": "_usd", "seconds": "_seconds"}


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: for programs, without a unit: ``spend``.
        label: for people: ``Spend``.
        kind: what its values are and how they look.
        definition: one sentence; empty where the label says it all.
    """

    name: str
    label: str
    kind: Kind
    definition: str = ""

    @property
    def header(self) -> str:
        """The name with its unit where it needs one: ``spend_usd``, ``duration_p50_seconds``."""
        name, unit = harmless(self.name), _UNITS.get(self.kind, "")
        return name if name.endswith(unit) else name + unit


@dataclass(frozen=True)
class Sheet:
    """A table.

    Args:
        name: what it shows, for people: ``Spend by model``.
        columns: at least one; no two with the same header.
        rows: one value a column. By kind: count and money (pico-USD) int of any size up to 38
            digits; rate and seconds float; text str; date date; moment datetime, naive or aware,
            naive ones being UTC; flag bool. None, NaN and pandas's NA are unknown and stay empty.

    Raises:
        ExportError: for columns or rows that do not fit together.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]

    def __post_init__(self) -> None:
        if not self.columns:
            raise ExportError(f"{self.name!r} has no columns.")
        twice = [name for name, count in Counter(self.headers).items() if count > 1]
        if twice:
            raise ExportError(f"{self.name!r} has more than one column {', '.join(twice)}.")
        width = len(self.columns)
        for number, row in enumerate(self.rows, 1):
            if len(row) != width:
                raise ExportError(f"Row {number} has {len(row)} values for {width} columns.")

    @property
    def headers(self) -> tuple[str, ...]:
        """What heads its columns in every file."""
        return tuple(column.header for column in self.columns)

    def cells(self) -> list[list[Cell]]:
        """The plain values, one list a column.

        Raises:
            ExportError: for a value that is none of its column's kind; names column and row.
        """
        return [self._cells(place) for place in range(len(self.columns))]

    def _cells(self, place: int) -> list[Cell]:
        column, found = self.columns[place], list[Cell]()
        try:
            for row in self.rows:
                found.append(plain(column.kind, row[place]))
        except ExportError as error:
            raise ExportError(f"{column.header}, row {len(found) + 1}: {error}.") from error
        return found
