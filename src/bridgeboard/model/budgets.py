"""What a budget is: for whom, over which period, how much. Pure: no clock, no file, no store.

Days are those of the budget's zone. A period is whole days, the last one included. Amounts are
pico-USD; None is no limit, and 0 permits nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, get_args

Kind = Literal["month", "quarter", "year", "dates"]
Per = Literal["pool", "member"]
ScopeKind = Literal[
    "organization", "team", "person", "family", "model", "provider", "provider_name", "client"
]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
PERS: Final[tuple[Per, ...]] = get_args(Per)
SCOPES: Final[Mapping[ScopeKind, str]] = {
    "organization": "",
    "team": "team",
    "person": "initiator",
    "family": "family",
    "model": "model",
    "provider": "provider",
    "provider_name": "provider_name",
    "client": "client",
}
"""What a budget can be for → the dimension of its value; the organization is everything."""
OF_MEMBERS: Final = frozenset({"organization", "team"})
"""What has members, each of whom can have the amount."""

_MONTHS: Final[Mapping[Kind, int]] = {"month": 1, "quarter": 3, "year": 12}
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount over ``[valid_from, valid_to)``; None is without end, or no limit."""

    amount: int | None
    valid_from: date | None = None
    valid_to: date | None = None
    line: int = 0

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day < self.valid_to
        )


@dataclass(frozen=True, slots=True)
class BudgetPeriod:
    """Whole days, the last one included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget with all amounts that it ever had.

    Attributes:
        name: no two have the same.
        scope: what it is for.
        value: the value of that dimension; empty for the organization.
        period: how often it begins anew; "dates" is one period only.
        limits: in order of time; none overlap.
        per: whether all share the amount, or each member of the team now has it.
        dates: the only period of a budget of "dates".
        zone: whose days count.
        notes: of the operator, for readers.
    """

    name: str
    scope: ScopeKind
    value: str
    period: Kind
    limits: tuple[Limit, ...]
    per: Per = "pool"
    dates: BudgetPeriod | None = None
    zone: str = "UTC"
    notes: str = ""

    def limit_on(self, day: date) -> int | None:
        """The amount in force on a day; None for no limit."""
        return next((one.amount for one in self.limits if one.holds_on(day)), None)

    @property
    def dimension(self) -> str:
        """The dimension that its value is of; empty for the organization."""
        return SCOPES[self.scope]

    def period_of(self, day: date) -> BudgetPeriod:
        """The period that a day is in; of "dates" the only one, wherever the day is."""
        if self.dates:
            return self.dates
        return _period(day, _MONTHS[self.period])

    def earlier(self, period: BudgetPeriod) -> Iterator[BudgetPeriod]:
        """The periods before one, the latest first, without end; none of "dates"."""
        while not self.dates and period.first.year > 1:
            period = self.period_of(period.first - _DAY)
            yield period


def _period(day: date, months: int) -> BudgetPeriod:
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    number = first.year * 12 + first.month - 1 + months
    return BudgetPeriod(first, date(number // 12, number % 12 + 1, 1) - _DAY)
