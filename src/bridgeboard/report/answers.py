"""All that a report says, asked of one state of the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bridgeboard.analysis import invariants, movers, trends
from bridgeboard.analysis.adoption import presence
from bridgeboard.analysis.coverage import Coverage
from bridgeboard.analysis.headlines import Headlines, headlines
from bridgeboard.analysis.movers import Move
from bridgeboard.analysis.questions import Questions
from bridgeboard.analysis.radar.sweep import sweep
from bridgeboard.analysis.rankings import Ranking, ranking
from bridgeboard.analysis.runner import Snapshot
from bridgeboard.analysis.summary import Piece, summary
from bridgeboard.analysis.trends import Bucket, Trend
from bridgeboard.model import pages, periods
from bridgeboard.model.pages import PAGE_CONTENTS
from bridgeboard.model.scope import Scope
from bridgeboard.model.store import Reader

TOP: Final = 20
"""How many values a table names; the rest is "Other"."""
HEADLINES: Final = ("overview", "spend")
"""Boards whose headline numbers open the report."""

_TABLES: Final = (
    ("family", PAGE_CONTENTS["spend"].columns),
    ("team", ("spend", "active_people", *PAGE_CONTENTS["people"].columns[1:])),
    ("initiator", PAGE_CONTENTS["people"].columns),
    ("client", PAGE_CONTENTS["spend"].columns),
    ("tool", PAGE_CONTENTS["tools"].columns),
)
"""Dimension and numbers of each table; the first number decides who is named."""
_COURSES: Final = tuple(
    (PAGE_CONTENTS[name].measures[0], PAGE_CONTENTS[name].splits[0])
    for name in ("spend", "overview")
)
"""The usual charts of these pages."""
_TRUST: Final = (
    "requests",
    "detail_coverage",
    "priced_rate",
    "exact_rate",
    "unpriced_tokens",
    "summed_rows",
)
_MOVING: Final = ("spend", "total_tokens")
_MOST_MARKS: Final = 1_000


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
        summary: what changed, in a sentence.
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
    summary: tuple[Piece, ...]
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


def headline() -> tuple[str, ...]:
    """The headline numbers, none twice."""
    return tuple(dict.fromkeys(name for page in HEADLINES for name in PAGE_CONTENTS[page].headline))


def ask(reader: Reader, scope: Scope, preset: str, now: datetime) -> Answers:
    """Everything there is to say about a scope.

    Args:
        reader: one state of the store.
        scope: period, zone and filters.
        preset: the period's name in ``periods.PRESETS``.
        now: the present moment; aware.
    """
    questions = Snapshot(reader)
    covered = questions.coverage()
    before = periods.compared(scope, preset, periods.known_until(now, covered.as_of))
    numbers = headlines(questions, headline(), scope, before)
    return Answers(
        scope=scope,
        preset=preset,
        before=before,
        made_at=now,
        summary=summary(
            questions, PAGE_CONTENTS["overview"], scope, before, sweep(reader, scope, now=now)
        ),
        headlines=numbers,
        courses=tuple(_course(questions, *each, scope, now) for each in _COURSES),
        tables=tuple(ranking(questions, names, by, scope, most=TOP) for by, names in _TABLES),
        presence=presence(questions, scope),
        moves={
            measure: tuple(
                movers.largest(movers.changes(questions, measure, pages.MOVING, before, scope))
                if numbers.before is not None
                else ()
            )
            for measure in _MOVING
        },
        trust=_trust(questions, scope),
    )


def strangers(reader: Reader, scope: Scope) -> list[tuple[str, str]]:
    """(dimension, value) of filters that nothing recorded ever had: most likely misspelt."""
    unknown, questions = [], Snapshot(reader)
    for by, values in scope.include:
        everything = periods.everything().only(by, *values)
        known = set(questions.split(("requests",), (by,), everything).column(by))
        unknown += [(by, value) for value in values if value not in known]
    return unknown


def _course(questions: Questions, measure: str, split: str, scope: Scope, now: datetime) -> Course:
    grain = periods.grain(scope)
    buckets: tuple[Any, ...] = tuple(periods.buckets(scope, grain))
    most = max(1, min(pages.TOP, _MOST_MARKS // max(1, len(buckets)) - 1))
    running: Any = periods.running(scope, grain, now)
    return Course(
        split=split,
        grain=grain,
        buckets=buckets,
        running=running,
        trend=trends.split(questions, measure, split, grain, scope, most),
        places=questions.first_seen(split),
    )


def _trust(questions: Snapshot, scope: Scope) -> Trust:
    reader = questions.reader
    checked = invariants.check(reader, scope)
    return Trust(
        covered=questions.coverage(),
        totals=questions.totals(_TRUST, scope),
        checks=len(checked),
        broken=sum(not one.holds for one in checked),
        server_version=reader.meta("server_version") or None,
        price_version=reader.meta("price_version") or None,
        data_version=reader.version,
    )
