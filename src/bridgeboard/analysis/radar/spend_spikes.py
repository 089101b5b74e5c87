"""Finds days on which a person, team or model spent far more than usual (docs/radar.md)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from bridgeboard import formats
from bridgeboard.analysis.radar.finding import (
    About,
    Contributor,
    Evidence,
    Finding,
    Severity,
    Subject,
    key,
    named,
    on_days,
    runs,
)
from bridgeboard.analysis.radar.robust_statistics import NORMAL, deviation, median
from bridgeboard.model.accuracy import EXACT, Accuracy, together
from bridgeboard.model.radar_limits import SpendLimits
from bridgeboard.model.scope import Scope

DIMENSIONS: Final[tuple[About, ...]] = ("initiator", "team", "model")
_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_CALLED: Final[Mapping[str, str]] = {"initiator": "", "team": "Team ", "model": "Model "}

DayRow = tuple[date, str, int | None]
"""Day, value, pico-USD; None is unknown. Whatever follows is not looked at."""


@dataclass(frozen=True)
class Spike:
    """Consecutive days far beyond what is usual, in pico-USD, and how these numbers stand.

    ``identity`` stands for a name that is not always the same; empty where the name is.
    """

    dimension: About
    name: str
    first: date
    last: date
    amount: int
    usual: int
    z: float
    accuracy: Accuracy = EXACT
    usual_accuracy: Accuracy = EXACT
    identity: str = ""

    @property
    def excess(self) -> int:
        """What was spent beyond the usual."""
        return self.amount - self.usual

    @property
    def days(self) -> list[date]:
        """All its days."""
        return [self.first + _DAY * n for n in range((self.last - self.first).days + 1)]

    @property
    def key(self) -> str:
        """Its identity: a day more at its end makes no other spike."""
        identity = self.identity or self.name
        return key("spend_spike", self.dimension, identity, self.first.isoformat())


@dataclass(frozen=True)
class _Day:
    day: date
    spent: int
    usual: int
    z: float


def spikes(
    rows: Iterable[DayRow], dimension: About, last_complete: date, limits: SpendLimits
) -> list[Spike]:
    """All spikes of the values of a dimension, by value and day.

    Args:
        rows: what was spent, in any order; a day without a row after the first with one is 0.
        dimension: what the values are.
        last_complete: days after it are still running and are not judged.
        limits: what is worth telling.
    """
    spent: dict[str, dict[date, int | None]] = {}
    for day, name, amount, *_ in rows:
        spent.setdefault(name, {})[day] = amount
    return [
        _merged(dimension, name, run)
        for name, days in sorted(spent.items())
        for run in runs(_far(days, last_complete, limits), _is_next)
    ]


def _far(
    spent: Mapping[date, int | None], last_complete: date, limits: SpendLimits
) -> Iterator[_Day]:
    first = min(spent)
    for day in sorted(spent):
        amount = spent[day]
        early = (day - first).days < limits.complete_days
        if amount is None or amount < limits.excess or early or day > last_complete:
            continue
        spike = _judged(day, amount, _history(day, spent, first, limits), limits)
        if spike:
            yield spike


def _history(
    day: date, spent: Mapping[date, int | None], first: date, limits: SpendLimits
) -> list[int]:
    """What the days of the same class before it cost; unknown ones are left out."""
    back = [day - _DAY * n for n in range(1, limits.history_days + 1)]
    amounts = [spent.get(one, 0) for one in back if one >= first and _weekend(one) == _weekend(day)]
    return [amount for amount in amounts if amount is not None]


def _judged(day: date, amount: int, history: Sequence[int], limits: SpendLimits) -> _Day | None:
    if not history:
        return None
    usual = median(history)
    spread = max(deviation(history, usual), limits.mad_share * usual, limits.mad_least)
    z = NORMAL * (amount - usual) / spread
    is_far = z > limits.z and amount - usual >= limits.excess and amount >= limits.times * usual
    return _Day(day, amount, usual, z) if is_far else None


def _weekend(day: date) -> bool:
    return day.weekday() >= _SATURDAY


def _is_next(before: _Day, one: _Day) -> bool:
    return one.day - before.day <= _DAY


def _merged(dimension: About, name: str, run: Sequence[_Day]) -> Spike:
    return Spike(
        dimension,
        name,
        run[0].day,
        run[-1].day,
        sum(one.spent for one in run),
        sum(one.usual for one in run),
        max(one.z for one in run),
    )


def finding(
    spike: Spike,
    contributors: Sequence[Contributor],
    explains: Sequence[str],
    scope: Scope,
    limits: SpendLimits,
) -> Finding:
    """A spike in words; ``scope`` has the zone of its days and the filters it was seen under."""
    return Finding(
        kind="spend_spike",
        subject=Subject(spike.dimension, spike.name),
        severity=_severity(spike, limits),
        reason=_reason(spike, contributors),
        numbers={
            "spent_cost": spike.amount,
            "usual_cost": spike.usual,
            "excess_cost": spike.excess,
            "days": len(spike.days),
            "times": spike.amount / spike.usual if spike.usual else None,
            "z": spike.z,
        },
        key=spike.key,
        evidence=Evidence(scope.on_days(spike.first, spike.last).only(spike.dimension, spike.name)),
        contributors=tuple(contributors),
        explains=tuple(explains),
    )


def _severity(spike: Spike, limits: SpendLimits) -> Severity:
    if spike.excess >= limits.high:
        return "high"
    return "low" if spike.excess < limits.low else "medium"


def _reason(spike: Spike, contributors: Sequence[Contributor]) -> str:
    when = on_days(spike.first, spike.last)
    usual = "nothing" if spike.usual_accuracy.is_exact else "an unknown amount"
    if spike.usual:
        usual = spike.usual_accuracy.loose.in_words(formats.money(spike.usual))
    spent = spike.accuracy.in_words(formats.money(spike.amount))
    words = (
        f"{_CALLED[spike.dimension]}{named(spike.name)} spent {spent} {when} where {usual} is usual"
    )
    if spike.usual:
        how = together((spike.accuracy, spike.usual_accuracy)).loose
        words += f", {how.in_words(f'{spike.amount / spike.usual:,.1f}')} times as much"
    parts = [
        f"{named(one.name)} ({one.accuracy.in_words(formats.money(one.amount))})"
        for one in contributors
    ]
    return f"{words}; most of it: {', '.join(parts)}." if parts else f"{words}."
