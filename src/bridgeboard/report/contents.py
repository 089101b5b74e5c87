"""The answers that a report shows, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridgeboard.analysis.coverage import Coverage
from bridgeboard.analysis.headlines import Headlines
from bridgeboard.analysis.movers import Move
from bridgeboard.analysis.rankings import Ranking
from bridgeboard.analysis.trends import Bucket, Trend
from bridgeboard.model import periods
from bridgeboard.model.scope import Scope


@dataclass(frozen=True)
class Course:
    """A number over time by the largest values of a dimension and the rest.

    Attributes:
        split: the dimension.
        grain: hour, day, week or month.
        buckets: every stretch of time, in order.
        running: the one that has begun but not ended; None when there is none.
        trend: the number.
        places: each value's place in the order in which they were first seen, for its colour.
    """

    split: str
    grain: str
    buckets: tuple[Bucket, ...]
    running: Bucket | None
    trend: Trend
    places: Mapping[str, int]


@dataclass(frozen=True)
class Trust:
    """Why the numbers can be believed, and where they cannot.

    ``totals`` are numbers of this period; ``broken`` of ``checks`` invariants do not hold.
    """

    covered: Coverage
    totals: Mapping[str, Any]
    checks: int
    broken: int
    server_version: str | None
    price_version: str | None
    data_version: int


@dataclass(frozen=True)
class Answers:
    """All that a report says.

    Attributes:
        scope: period, zone and filters.
        preset: the period's name.
        before: the period before, whether it is compared or not.
        made_at: when this was asked.
        headlines: the headline numbers.
        courses: over time.
        tables: by dimensions.
        presence: new, returning and dormant people.
        moves: measure → its largest changes; nothing where nothing can be compared.
        trust: why to believe this.
    """

    scope: Scope
    preset: str
    before: Scope
    made_at: datetime
    headlines: Headlines
    courses: tuple[Course, ...]
    tables: tuple[Ranking, ...]
    presence: Mapping[str, Any]
    moves: Mapping[str, tuple[Move, ...]]
    trust: Trust

    @property
    def running(self) -> bool:
        """Whether the period had not ended."""
        return periods.is_running(self.scope, self.made_at)
