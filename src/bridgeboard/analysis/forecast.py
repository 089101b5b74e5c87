"""Where a month ends: what was spent so far, and what the days that are left may cost.

With less than two weeks of history the days that are left cost what a day cost on average; from
then on each weekday has its own level. How far off that may be comes from how far off it would have
been on the days that are known, drawn again and again with a fixed seed: the same days always have
the same forecast.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from bridgeboard import formats
from bridgeboard.analysis.headlines import Number
from bridgeboard.analysis.questions import Questions
from bridgeboard.model import accuracy, periods, times
from bridgeboard.model.accuracy import Accuracy
from bridgeboard.model.scope import Scope

Method = Literal["run rate", "weekdays"]
Floats = NDArray[np.float64]

LEAST_DAYS: Final = 3
"""Complete days without which nothing is forecast."""
WEEKDAY_DAYS: Final = 14
"""Complete days from which on weekdays have levels of their own, and the forecast has a band."""
PROFILE_DAYS: Final = 28
"""Complete days that say how weekdays differ."""
CUT_DAYS: Final = (4, 8, 11, 15, 18, 22, 25)
"""Days of a month on whose mornings its end is forecast, to measure how good forecasts were."""
HALF_LIFE_DAYS: Final = 10
"""The level of spend counts a day half as much as the day so many days later."""
_LEVEL: Final = (0.5, 2.0)
"""How far recent days may lift or lower the weekdays' levels."""
_PRIOR_DAYS: Final = 2
"""A weekday's level is drawn to the mean as if so many average days had been among them."""
_DRAWS: Final = 2_000
_SEED: Final = 20_261_130
_BAND: Final = (10, 90)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """What each day cost.

    Attributes:
        first: the first day, on which something was spent.
        costs: of it and of each complete day after it, in pico-USD; none is missing.
        today: of the day that has begun and not ended.
    """

    first: date
    costs: tuple[int, ...]
    today: int = 0

    @property
    def day(self) -> date:
        """The day that has begun."""
        return self.first + len(self.costs) * _DAY

    def before(self, day: date) -> "Days":
        """What was known on the morning of a day."""
        return Days(self.first, self.costs[: max((day - self.first).days, 0)])

    def spent(self, since: date) -> int:
        """The sum of a day and of all after it, today included."""
        return sum(self.costs[max((since - self.first).days, 0) :]) + self.today


@dataclass(frozen=True)
class Step:
    """What is spent by the end of a day, in pico-USD; there may be no band."""

    day: date
    middle: int
    low: int | None
    high: int | None


@dataclass(frozen=True)
class Forecast:
    """Where a period ends.

    Attributes:
        method: how the days that are left were estimated.
        spent: from the period's first day until now, in pico-USD.
        steps: from today to the period's last day.
        days: complete days that it was made of.
        is_new: whether nothing that is known was spent before the period.
    """

    method: Method
    spent: int
    steps: tuple[Step, ...]
    days: int
    is_new: bool

    @property
    def end(self) -> Step:
        """The last day of the period."""
        return self.steps[-1]


def forecast(
    days: Days, first: date, last: date, *, by_weekday: bool = True, only_end: bool = False
) -> Forecast | None:
    """Where the period from ``first`` to ``last`` ends; None with too few days, or if it is over.

    Nothing is ever forecast below what is spent. The band goes from the tenth to the ninetieth of
    a hundred outcomes. ``by_weekday`` False takes the run rate whatever is known, to compare.
    ``only_end`` leaves out all steps but the last, as percentiles of each take their time.
    """
    known = len(days.costs)
    if known < LEAST_DAYS or days.day > last:
        return None
    spent = days.spent(first)
    left = [days.day + place * _DAY for place in range((last - days.day).days + 1)]
    costs = np.array(days.costs, dtype=float)
    shown = slice(-1, None) if only_end else slice(None)
    if known < WEEKDAY_DAYS or not by_weekday:
        in_period = known - max((first - days.first).days, 0)
        recent = costs[-min(in_period, WEEKDAY_DAYS) :] if in_period >= LEAST_DAYS else costs
        each = np.full(len(left), recent.mean())
        steps = _steps(left, spent, days.today, each, None, shown)
        return Forecast("run rate", spent, steps, len(recent), days.first > first)
    profile = _Profile.of(days)
    each = profile.expected(left)
    steps = _steps(left, spent, days.today, each, profile.drawn(left), shown)
    return Forecast("weekdays", spent, steps, min(known, PROFILE_DAYS), days.first > first)


def _steps(  # noqa: PLR0917 - all that a forecast is made of
    left: Sequence[date],
    spent: int,
    today: int,
    each: Floats,
    drawn: Floats | None,
    shown: slice,
) -> tuple[Step, ...]:
    """What is spent by the end of each day, where today costs at least what it has cost."""

    def summed(costs: Floats) -> Floats:
        costs = costs.copy()
        costs[..., 0] = np.maximum(costs[..., 0], today)
        return np.cumsum(costs, axis=-1)[..., shown] - today

    left = left[shown]
    middle = [spent + max(round(more), 0) for more in summed(each)]
    if drawn is None:
        return tuple(Step(day, cost, None, None) for day, cost in zip(left, middle, strict=True))
    low, high = np.percentile(summed(drawn), _BAND, axis=0)
    return tuple(
        Step(day, cost, min(cost, spent + round(less)), max(cost, spent + round(more)))
        for day, cost, less, more in zip(left, middle, low, high, strict=True)
    )


@dataclass(frozen=True)
class _Profile:
    """What days cost by weekday.

    Attributes:
        weekdays: the level of each, Monday first.
        weights: how much each of the days counts for the level, the last one 1.
        level: how much higher recent days were than the weekdays say.
        ratios: how many times what its weekday costs each known day cost; 1 on average.
    """

    weekdays: Floats
    weights: Floats
    level: float
    ratios: Floats

    @classmethod
    def of(cls, days: Days) -> "_Profile":
        costs = np.array(days.costs[-PROFILE_DAYS:], dtype=float)
        begin = days.day - len(costs) * _DAY
        place = np.array([(begin + at * _DAY).weekday() for at in range(len(costs))])
        counts = np.bincount(place, minlength=7)
        sums = np.bincount(place, weights=costs, minlength=7)
        weekdays = (sums + _PRIOR_DAYS * costs.mean()) / (counts + _PRIOR_DAYS)
        usual = weekdays[place]
        weights: Floats = 0.5 ** (np.arange(len(costs))[::-1] / HALF_LIFE_DAYS)
        level = _level(costs, usual, weights)
        is_used = usual > 0
        ratios = costs[is_used] / usual[is_used]
        ratios = ratios / (ratios.mean() or 1.0) if len(ratios) else ratios
        return cls(weekdays, weights, level, ratios)

    def expected(self, days: Sequence[date]) -> Floats:
        """What days are expected to cost."""
        expected: Floats = self.level * self.weekdays[[day.weekday() for day in days]]
        return expected

    def drawn(self, days: Sequence[date]) -> Floats:
        """What days may cost, many times over.

        Each day is off as some known day was. So is the level, which such days made.
        """
        if not len(self.ratios):
            return np.zeros((1, len(days)))
        dice = np.random.default_rng(_SEED)
        off = dice.choice(self.ratios, (_DRAWS, len(days)))
        levels = dice.choice(self.ratios, (_DRAWS, len(self.weights))) @ self.weights
        level = (levels / self.weights.sum())[:, np.newaxis]
        drawn: Floats = self.expected(days) * off * level
        return drawn


def _level(costs: Floats, usual: Floats, weights: Floats) -> float:
    whole = float(usual @ weights)
    return min(max(float(costs @ weights) / whole, _LEVEL[0]), _LEVEL[1]) if whole else 1.0


@dataclass(frozen=True)
class Errors:
    """How good forecasts were on the mornings of ``CUT_DAYS`` of past months.

    Attributes:
        wape: the sum of all errors by the sum of what the months cost.
        in_band: the share of ends that lay in the band, of forecasts that had one.
        forecasts: how many there were.
    """

    wape: float
    in_band: float | None
    forecasts: int

    @property
    def in_words(self) -> str:
        """A sentence about them."""
        count = formats.plural(self.forecasts, "forecast")
        words = f"{count} of past months were off by {formats.rate(self.wape)} of the spend"
        if self.in_band is None:
            return f"{words}."
        return f"{words}; {formats.rate(self.in_band)} of the ends lay within the band."


def errors(days: Days, *, by_weekday: bool = True) -> Errors | None:
    """How good forecasts of the whole months in some days were; None without any."""
    off = whole = 0
    inside: list[bool] = []
    count = 0
    for first, last in months(days):
        actual = days.before(last + _DAY).spent(first)
        for cut in CUT_DAYS:
            cut_days = days.before(first.replace(day=cut))
            made = forecast(cut_days, first, last, by_weekday=by_weekday, only_end=True)
            if made is None:
                continue
            count += 1
            off += abs(made.end.middle - actual)
            whole += actual
            if made.end.low is not None and made.end.high is not None:
                inside.append(made.end.low <= actual <= made.end.high)
    if not count or not whole:
        return None
    return Errors(off / whole, sum(inside) / len(inside) if inside else None, count)


def months(days: Days) -> Iterator[tuple[date, date]]:
    """The first and the last day of each month of which all days are known or before the first."""
    first = days.first.replace(day=1)
    while (following := (first + 31 * _DAY).replace(day=1)) <= days.day:
        yield first, following - _DAY
        first = following


@dataclass(frozen=True)
class MonthEnd:
    """Where this month ends.

    Attributes:
        first: its first day.
        last: its last day.
        day: the last day of which something can be known.
        spent: what the month has cost so far, in pico-USD: the number of the cards.
        forecast: None where there are too few days, or nothing is known.
        accuracy: how the forecast stands, by the days that it was made of.
        days: what each day cost; None where nothing was spent, or that is not known.
        errors: how good such forecasts were in past months; None without a whole one.
    """

    first: date
    last: date
    day: date
    spent: Number
    forecast: Forecast | None
    accuracy: Accuracy
    days: Days | None
    errors: Errors | None

    @property
    def spent_in_words(self) -> str:
        """What the month has cost so far, as a sentence."""
        value, standing = self.spent.value, self.spent.accuracy.in_digits
        if value is None:
            return "What was spent so far is not known."
        return f"{formats.marked(formats.whole_dollars(int(value)), value, standing)} spent so far."

    @property
    def in_words(self) -> tuple[str, ...]:
        """The forecast, how it was made, and how good such forecasts were, a sentence each."""
        made = self.forecast
        if made is None:
            return (self.why_none,)
        end, standing = made.end, self.accuracy.standing
        amount = formats.marked(formats.whole_dollars(end.middle), end.middle, standing)
        band = ""
        if end.low is not None and end.high is not None:
            sides = (
                formats.marked(formats.whole_dollars(side), side, standing)
                for side in (end.low, end.high)
            )
            band = f", in 8 of 10 cases between {' and '.join(sides)}"
        days = formats.plural(made.days, "complete day")
        how = {
            "run rate": f"Each day that is left is taken for an average one of the last {days}.",
            "weekdays": f"Made from {days}, by weekday; later days count more for the level.",
        }[made.method]
        new = " Nothing is known from before this month." if made.is_new else ""
        return (
            f"{self.first:%B} is expected to end at {amount}{band}.",
            f"{how}{new}",
            *((self.errors.in_words,) if self.errors else ()),
        )

    @property
    def why_none(self) -> str:
        """Why there is no forecast; empty where there is one."""
        if self.forecast:
            return ""
        if self.days is None:
            return "Nothing was spent lately, or what was spent is not known."
        count = len(self.days.costs)
        return (
            f"A forecast needs {LEAST_DAYS} complete days since the first spend; "
            f"there {'is' if count == 1 else 'are'} {count}."
        )


HISTORY_DAYS: Final = 180
"""So far back, and to the beginning of that month, goes what forecasts are compared with."""


def month_end(questions: Questions, scope: Scope, now: datetime) -> MonthEnd:
    """Where the month of ``now`` ends in a scope's zone and with its filters; its period is none.

    A day counts as complete once the store knows of something later: without a sync for a week, the
    month is forecast as it was known then.
    """
    covered = questions.coverage()
    until = periods.known_until(now, covered.as_of) if covered.first_at else now
    day = times.local_date(until, scope.zone)
    first = day.replace(day=1)
    last = (first + 31 * _DAY).replace(day=1) - _DAY
    until = Scope.days(first, day, scope.zone).until
    month, history = (
        replace(scope, since=times.midnight(begin, scope.zone), until=until)
        for begin in (first, (day - HISTORY_DAYS * _DAY).replace(day=1))
    )
    totals = questions.totals(("spend",), month)
    spent = Number(totals["spend"], accuracy.accuracy("spend", totals))
    records = list(questions.series(("spend",), "day", history).records())
    rows = [(row["day"], row["spend"]) for row in records]
    made_of = min(first, day - PROFILE_DAYS * _DAY)
    recent = [row for row in records if row["day"] >= made_of]
    how = accuracy.column_accuracy("spend", recent)
    begun = next((place for place, (_, cost) in enumerate(rows) if cost), None)
    if begun is None:
        return MonthEnd(first, last, day, spent, None, how, None, None)
    if any(row["spend"] is None for row in recent):  # a day whose usage has no price at all
        how = replace(accuracy.together((how, Accuracy("at_least"))), reasons=how.reasons)
    *complete, today = [int(cost or 0) for _, cost in rows[begun:]]
    days = Days(rows[begun][0], tuple(complete), today)
    made = forecast(days, first, last)
    return MonthEnd(first, last, day, spent, made, how, days, errors(days))
