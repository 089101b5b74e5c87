"""What came of a question: names of columns and plain rows, exact and shareable."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Answer:
    """Rows of plain Python values under the names of dimensions and metrics.

    Numbers are exact integers (money in pico-USD) or floats; None is unknown.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @classmethod
    def of(cls, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> Self:
        """The answer that a database gave."""
        return cls(tuple(columns), tuple(rows))

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[Any]:
        """All values of a column, in order."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def records(self) -> Iterator[dict[str, Any]]:
        """The rows by name."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def joined_with(self, other: Self, by: Sequence[str]) -> Self:
        """The columns of both, row by row of what they have in common; None where one has no row.

        ``by`` are the first columns of both, in this order.
        """
        size = len(by)
        left, right = ({row[:size]: row[size:] for row in one.rows} for one in (self, other))
        none = [(None,) * (len(one.columns) - size) for one in (self, other)]
        rows = (
            (*key, *left.get(key, none[0]), *right.get(key, none[1])) for key in {**left, **right}
        )
        return self.of((*self.columns, *other.columns[size:]), rows)

    def only_columns(self, names: Sequence[str]) -> Self:
        """Some of the columns, in this order."""
        places = [self.columns.index(name) for name in names]
        return self.of(names, (tuple(row[place] for place in places) for row in self.rows))

    def unknown(self, name: str) -> Self:
        """The same with all values of a column unknown; as it is if there is no such column."""
        return self.with_column(name, (None for _ in self.rows)) if name in self.columns else self

    def with_column(self, name: str, values: Iterable[Any]) -> Self:
        """The same with other values in a column; it is the last one where there is none yet."""
        place = self.columns.index(name) if name in self.columns else len(self.columns)
        columns = (*self.columns[:place], name, *self.columns[place + 1 :])
        rows = (
            (*row[:place], value, *row[place + 1 :])
            for row, value in zip(self.rows, values, strict=True)
        )
        return self.of(columns, rows)

    @property
    def only(self) -> Mapping[str, Any]:
        """The one row of a question without dimensions. Raises ValueError for any other number."""
        (row,) = self.rows
        return dict(zip(self.columns, row, strict=True))
