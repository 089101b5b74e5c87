"""How a budget stands: what is used, how fast, until when it lasts, and which thresholds that is.

Pure: all that is known of the budget's days is given, with the moment until which it is known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal

from bridgeboard.analysis.forecast import Days, Forecast, forecast
from bridgeboard.model import times
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.budgets import Budget, BudgetPeriod

State = Literal["over", "red", "amber", "ok", "blocked", "not begun", "ended", "no data"]
RunOut = date | Literal["already", "never", "later"] | None
"""The day on which nothing is left; or that is so already, never at the present rate, or not in
the period; None is not known."""

AMBER: Final = 1.1
RED: Final = 1.25
"""Above which pace a budget is used up too fast, and much too fast."""
THRESHOLDS: Final = (50, 85, 100)
"""Per cent of a budget that are worth to be told, each once in a period."""
BURN_DAYS: Final = 7
_WORKDAYS: Final = 5
_ORDER: Final[dict[State, int]] = {
    "over": 0,
    "red": 2,
    "amber": 3,
    "ok": 4,
    "blocked": 5,
    "not begun": 6,
    "ended": 7,
    "no data": 8,
}
_FORECAST_OVER: Final = 1
_HUNDRED: Final = 100
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Reached:
    """A threshold that is reached: so many per cent are spent, or are forecast to be."""

    kind: Literal["actual", "forecast"]
    percent: int


@dataclass(frozen=True)
class MemberSpend:
    """What somebody spent of an amount that each member has; a former member has none."""

    person: str
    spent: int
    is_member: bool


@dataclass(frozen=True)
class PastPeriod:
    """An earlier period.

    Attributes:
        limit: the amount in force on its last day; None for no limit.
        spent: None where it is not known.
        known_from: the first day of which anything can be known, where that is not its first.
    """

    first: date
    last: date
    limit: int | None
    spent: int | None
    accuracy: Accuracy
    known_from: date | None = None

    @property
    def is_over(self) -> bool:
        """Whether more was spent than there was."""
        return self.limit is not None and self.spent is not None and self.spent > self.limit


@dataclass(frozen=True)
class Spent:
    """What is known of the spend that a budget is about.

    Attributes:
        amount: from the period's first day until now, in pico-USD; None if it is not known.
        accuracy: how it stands.
        days: what each day cost; None where nothing was ever spent.
        is_recorded: whether anything of it was ever recorded, priced or not.
        forecast_accuracy: how a forecast made of these days stands.
    """

    amount: int | None
    accuracy: Accuracy = EXACT
    days: Days | None = None
    is_recorded: bool = True
    forecast_accuracy: Accuracy = EXACT


@dataclass(frozen=True)
class BudgetStatus:
    """How a budget stands now. Amounts are pico-USD.

    Attributes:
        name: of the budget, as the reader may see it.
        scope: what it is for, likewise: "Team payments".
        first: the first day of the period.
        last: the last one.
        day: until when something is known: the day that has begun.
        limit: what may be spent in the period; of members the amount of each, times their number.
        spent: so far; None where it is not known.
        accuracy: how that stands. Usage without a price is not in it, so it may be a lower bound.
        used: what is spent as a share of the limit; None for a limit of 0.
        elapsed: the share of the period's workdays that is over.
        pace: how much faster it is used than the period goes by; None where that says nothing.
        ideal: what would be spent by now if each workday had its share.
        burn: what one of the last complete days cost on average; None where none is known.
        run_out: when nothing is left if days go on to cost that.
        status: of "ok", too fast ("amber", "red"), "over", and what else there can be.
        forecast: where the period ends; None without one.
        forecast_accuracy: how that stands.
        reached: thresholds that are reached.
        days: what each day cost; None where nothing was spent.
        members: what each spent of an amount that each has, largest first; None for a pool.
        member_count: how many have it.
        history: earlier periods, the latest first.
    """

    budget: Budget
    name: str
    scope: str
    first: date
    last: date
    day: date
    limit: int
    spent: int | None
    accuracy: Accuracy
    used: float | None
    elapsed: float
    pace: float | None
    ideal: int
    burn: int | None
    run_out: RunOut
    status: State
    forecast: Forecast | None
    forecast_accuracy: Accuracy
    reached: tuple[Reached, ...]
    days: Days | None
    members: tuple[MemberSpend, ...] | None = None
    member_count: int = 0
    history: tuple[PastPeriod, ...] = ()

    @property
    def remaining(self) -> int | None:
        """What is left; less than 0 beyond the limit."""
        return None if self.spent is None else self.limit - self.spent

    @property
    def member_limit(self) -> int:
        """What each member may spend."""
        return self.budget.limit_on(min(self.day, self.last)) or 0

    @property
    def members_over(self) -> tuple[MemberSpend, ...]:
        """Members who spent more than each of them may."""
        each = self.member_limit
        return tuple(one for one in self.members or () if one.is_member and one.spent > each)

    @property
    def is_forecast_over(self) -> bool:
        """Whether it is not over yet, but the period is expected to end beyond the limit."""
        ends = self.forecast and self.forecast.end.middle > self.limit
        return bool(ends) and self.status not in {"over", "blocked"}

    @property
    def urgency(self) -> tuple[float, ...]:
        """What comes first is smaller."""
        place = _FORECAST_OVER if self.is_forecast_over else _ORDER[self.status]
        return place, -len(self.members_over), -(self.pace or 0), -(self.used or 0)

    def ideal_line(self) -> Iterator[tuple[date, int]]:
        """What would be spent by the end of each day if each workday had its share."""
        for place in range((self.last - self.first).days + 1):
            day = self.first + place * _DAY
            yield (
                day,
                _share_of(self.limit, _weight(self.first, day), _whole(self.first, self.last)),
            )


def judged(
    budget: Budget,
    period: BudgetPeriod,
    limit: int,
    spent: Spent,
    until: datetime,
    *,
    name: str = "",
    scope: str = "",
) -> BudgetStatus:
    """How a budget stands at the moment until which its spend is known."""
    first, last = period.first, period.last
    day = times.local_date(until, budget.zone)
    passed, whole = _passed(period, until, budget.zone), _whole(first, last)
    elapsed = passed / whole
    if not spent.is_recorded:  # its name may be wrong: it is not known to be nothing
        spent = replace(spent, amount=None)
    used = spent.amount / limit if limit and spent.amount is not None else None
    has_pace = used is not None and passed >= 1 and first <= day <= last
    pace = used / elapsed if has_pace and used is not None else None
    days = spent.days if first <= day <= last else None
    made = forecast(days, first, last) if days else None
    burn = _burn(spent.days) if spent.amount is not None else None
    status = _status(period, day, limit, spent, pace)
    is_judged = status not in {"no data", "not begun"}
    return BudgetStatus(
        budget,
        name or budget.name,
        scope,
        first,
        last,
        day,
        limit,
        spent.amount,
        spent.accuracy,
        used,
        elapsed,
        pace,
        round(limit * elapsed),
        burn,
        _run_out(period, day, limit, spent.amount, burn) if is_judged else None,
        status,
        made if is_judged else None,
        spent.forecast_accuracy,
        _reached(limit, spent.amount, made) if is_judged else (),
        spent.days,
    )


def _status(period: BudgetPeriod, day: date, limit: int, spent: Spent, pace: float | None) -> State:
    if day < period.first:
        return "not begun"
    if spent.amount is not None and spent.amount > limit:
        return "over"
    if day > period.last:
        return "ended"
    if not limit:
        return "blocked"
    if spent.amount is None or not spent.is_recorded:
        return "no data"
    return _speed(pace)


def _speed(pace: float | None) -> State:
    if pace is None or pace <= AMBER:
        return "ok"
    return "amber" if pace <= RED else "red"


def _run_out(
    period: BudgetPeriod, day: date, limit: int, spent: int | None, burn: int | None
) -> RunOut:
    if spent is None or (not limit and not spent):
        return None
    if spent >= limit:
        return "already"
    if day > period.last:
        return None
    if not burn:
        return None if burn is None else "never"
    days = (limit - spent) // burn
    return day + days * _DAY if days <= (period.last - day).days else "later"


def _burn(days: Days | None) -> int | None:
    """What one of the last complete days cost on average, in whole pico-USD."""
    if days is None:
        return 0
    recent = days.costs[-BURN_DAYS:]
    return sum(recent) // len(recent) if recent else None


def _reached(limit: int, spent: int | None, made: Forecast | None) -> tuple[Reached, ...]:
    """Thresholds that are reached; of a limit of 0 by any amount."""
    amount = spent or 0
    reached = [
        Reached("actual", percent)
        for percent in THRESHOLDS
        if amount and amount * _HUNDRED >= limit * percent
    ]
    if made and made.end.middle and made.end.middle >= limit:
        reached.append(Reached("forecast", _HUNDRED))
    return tuple(reached)


def _weight(first: date, last: date) -> int:
    """How many workdays there are from a day to another, both included."""
    count = (last - first).days + 1
    weeks, rest = divmod(max(count, 0), 7)
    extra = sum((first + place * _DAY).weekday() < _WORKDAYS for place in range(rest))
    return weeks * _WORKDAYS + extra


def _whole(first: date, last: date) -> int:
    """The workdays of a period; where it has none, all its days."""
    return _weight(first, last) or (last - first).days + 1


def _share_of(limit: int, done: int, whole: int) -> int:
    return limit * min(done, whole) // whole


def _passed(period: BudgetPeriod, until: datetime, zone: str) -> float:
    """How many workdays of a period are over, of the day that has begun by its seconds."""
    first, last = period.first, period.last
    day = times.local_date(until, zone)
    if day < first:
        return 0.0
    if day > last:
        return float(_whole(first, last))
    begin, end = times.midnight(day, zone), times.midnight(day + _DAY, zone)
    part = (until - begin) / (end - begin)
    if not _weight(first, last):
        return (day - first).days + part
    return _weight(first, day - _DAY) + part * _weight(day, day)
