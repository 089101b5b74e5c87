"""Slices of time: the rows of a table that are written to ClickHouse together.

What changes is mostly new, and a slice is written anew as a whole: hours for yesterday and today,
days for the weeks before, months before that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

DAYS: Final = 45
"""How many days at least are slices of their own."""
WHOLE: Final = ""
"""The slice of a table that is not cut."""
_TIMES: Final = ("started_at", "began_at", "seen_at", "since")
_GRAINS: Final = {7: "month", 10: "day", 13: "hour"}
"""Length of a slice's name → what it is."""


def time_column(columns: Sequence[Any], table: str) -> str | None:
    """The column whose time cuts a table; None for one that is written as a whole.

    Args:
        columns: those of the table (``tables.Column``).
        table: its name.
    """
    # Sums of groups are few, and come by whole blocks of days.
    if table.startswith("group_"):
        return None
    known = {each.name for each in columns if each.type == "TIMESTAMP" and not each.is_nullable}
    return next((name for name in _TIMES if name in known), None)


@dataclass(frozen=True)
class Slices:
    """How time is cut. Times are UTC and have no zone, as in the store.

    Attributes:
        days_since: from here on a slice is a day; before, a month.
        hours_since: from here on a slice is an hour.
        until: what claims to be later is in months again.
    """

    days_since: datetime
    hours_since: datetime
    until: datetime

    @classmethod
    def at(cls, now: datetime) -> Self:
        """How time is cut at a moment, which is aware."""
        today = datetime.combine(now.astimezone(UTC).date(), datetime.min.time())
        month = (today - timedelta(DAYS)).replace(day=1)
        return cls(month, today - timedelta(1), today + timedelta(2))

    def start_sql(self, column: str) -> str:
        """DuckDB's expression of when the slice of a row begins."""
        month, day, hour = (f"date_trunc('{grain}', {column})" for grain in _GRAINS.values())
        return self._by_grain(column, month, day, hour)

    def length_sql(self, column: str) -> str:
        """DuckDB's expression of how long the name of the slice of a row is."""
        month, day, hour = map(str, _GRAINS)
        return self._by_grain(column, month, day, hour)

    @staticmethod
    def name(start: datetime, length: int) -> str:
        """The name of the slice that begins at a time."""
        return start.isoformat()[:length]

    @staticmethod
    def is_hour(name: str) -> bool:
        """Whether a slice is an hour: what was just read."""
        return _GRAINS.get(len(name)) == "hour"

    def condition(self, column: str, name: str) -> str:
        """DuckDB's condition for the rows of a slice, which the database can skip blocks by."""
        if name == WHOLE:
            return "TRUE"
        start = datetime.fromisoformat({7: f"{name}-01", 13: f"{name}:00"}.get(len(name), name))
        words = [f"{column} >= {_sql(start)}"]
        if (end := _end(start, _GRAINS[len(name)])) is not None:
            words.append(f"{column} < {_sql(end)}")
        if len(name) == 7:  # noqa: PLR2004 - a month, of which days may be slices of their own
            words.append(f"({column} < {_sql(self.days_since)} OR {column} >= {_sql(self.until)})")
        return " AND ".join(words)

    def _by_grain(self, column: str, month: str, day: str, hour: str) -> str:
        return (
            f"CASE WHEN {column} >= {_sql(self.until)} OR {column} < {_sql(self.days_since)}"
            f" THEN {month} WHEN {column} < {_sql(self.hours_since)} THEN {day} ELSE {hour} END"
        )


def _end(start: datetime, grain: str) -> datetime | None:
    """The end of a slice; None for the last month of all, which is open."""
    if grain == "hour":
        return start + timedelta(hours=1)
    if grain == "day":
        return start + timedelta(days=1)
    if (start.year, start.month) == (9999, 12):
        return None
    return (start + timedelta(days=31)).replace(day=1)


def _sql(time: datetime) -> str:
    return f"TIMESTAMP '{time.isoformat(sep=' ')}'"
