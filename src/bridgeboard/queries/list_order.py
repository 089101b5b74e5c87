"""By what a list is sorted, and the SQL of its pages: unknown values come last, both ways."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, Self

from bridgeboard.model.errors import ListError
from bridgeboard.queries.metric_sources import Arguments

Value = str | int | float | None


@dataclass(frozen=True)
class Order:
    """By which column a list is sorted; each list says which columns it has.

    Raises:
        ListError: for a column that does not exist.
    """

    columns: ClassVar[Collection[str]] = ()

    name: str = "started_at"
    descending: bool = True

    def __post_init__(self) -> None:
        if self.name not in self.columns:
            raise ListError(f"{self.name!r} is no column; there are {', '.join(self.columns)}.")

    @classmethod
    def of(cls, text: str) -> Self:
        """An order as addresses have it: "-cost" is the largest cost first."""
        return cls(text.removeprefix("-"), text.startswith("-"))

    def __str__(self) -> str:
        return "-" * self.descending + self.name

    def by(self, value: str, *, is_reversed: bool = False) -> str:
        """What an ORDER BY begins with; reversed, to read a page from its end."""
        way = "DESC" if self.descending != is_reversed else "ASC"
        return f"{value} {way} NULLS {'FIRST' if is_reversed else 'LAST'}"

    def beyond(
        self, value: str, place: Value, tied: str, into: Arguments, *, is_before: bool
    ) -> str:
        """Whether a row comes after a place, or before it.

        Args:
            value: SQL of what decides.
            place: its value there; None is unknown.
            tied: SQL of the same about rows of the same value.
            into: the parameters of the statement.
            is_before: whether before it.
        """
        if place is None:
            return (
                f"({value} IS NOT NULL OR {tied})" if is_before else f"({value} IS NULL AND {tied})"
            )
        bound = _bound(place, into)
        sign = "<" if self.descending != is_before else ">"
        unknown = "" if is_before else f" OR {value} IS NULL"
        return f"({value} {sign} {bound} OR ({value} = {bound} AND {tied}){unknown})"


def _bound(value: str | float, into: Arguments) -> str:
    if isinstance(value, float):
        return f"CAST({into.bound(repr(value))} AS DOUBLE)"
    return into.bound(value)
