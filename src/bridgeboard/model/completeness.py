"""Whether all is here: the server's count of a closed day, and what it fails to list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Self

from bridgeboard.model.timestamps import aware

NOUNS: Final = {"interceptions": "requests", "sessions": "sessions"}
"""Kind of a count → what it counts."""


@dataclass(frozen=True)
class DayCount:
    """How many rows of one closed day (UTC) the server counts, and how many the store has.

    ``unreadable`` ones were listed, and are in quarantine. ``deleted`` ones were deleted on purpose
    with the numbers of somebody who was erased, and are left out of every sync.
    """

    kind: str
    day: date
    counted: int
    held: int
    unreadable: int
    counted_at: datetime
    deleted: int = 0

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """A row of the store's table."""
        kind, day, counted, stored, unreadable, counted_at, deleted = row
        return cls(kind, day, counted, stored, unreadable, aware(counted_at), deleted)

    @property
    def missing(self) -> int:
        """Rows that the server counts and nobody has read. Of a day it has purged, none."""
        return max(0, self.counted - self.held - self.unreadable - self.deleted)


@dataclass(frozen=True)
class LeftOut:
    """Rows that the server fails to list, in a window that is half-open; None is without end.

    ``rows`` is None where it does not even count them.
    """

    kind: str
    since: datetime | None
    until: datetime | None
    rows: int | None
    reason: str
    seen_at: datetime

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """A row of the store's table."""
        kind, since, until, rows, reason, seen_at = row
        return cls(kind, aware(since), aware(until), rows, reason, aware(seen_at))
