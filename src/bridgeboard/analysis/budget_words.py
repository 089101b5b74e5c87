"""How a budget stands, in words that pages, commands and messages share."""

from collections.abc import Mapping, Sequence
from typing import Final

from bridgeboard import formats
from bridgeboard.analysis.budget_rules import BudgetStatus, State

STATES: Final[Mapping[State, str]] = {
    "over": "Over",
    "red": "Far ahead of pace",
    "amber": "Ahead of pace",
    "ok": "On track",
    "blocked": "Blocked",
    "not begun": "Not begun",
    "ended": "Ended",
    "no data": "No data",
}
FORECAST_OVER: Final = "Forecast over"
_NAMED: Final = 3
"""Budgets that a sentence names at most."""


def state(one: BudgetStatus) -> str:
    """The status in words; a forecast beyond the limit is said before the pace."""
    return FORECAST_OVER if one.is_forecast_over else STATES[one.status]


def period(one: BudgetStatus) -> str:
    """The period: ``Dec 2026``, ``Q4 2026``, ``2026``, or its days."""
    quarter = f"Q{(one.first.month + 2) // 3} {one.first.year}"
    return {
        "month": f"{one.first:%b %Y}",
        "quarter": quarter,
        "year": f"{one.first.year}",
        "dates": formats.days(one.first, one.last),
    }[one.budget.period]


def amount(pico: int | None, standing: str = "exact") -> str:
    """An amount with the mark of how it stands."""
    return formats.number(pico, "money", standing)


def spent(one: BudgetStatus) -> str:
    """What is spent; a dash where that is not known."""
    return amount(one.spent, one.accuracy.in_digits)


def used(one: BudgetStatus) -> str:
    """The share that is used, with the mark of how the spend stands; a dash where unknown."""
    return formats.number(one.used, "rate", one.accuracy.in_digits)


def pace(one: BudgetStatus) -> str:
    """How much faster it is used than time goes by: ``1.20x``; a dash where that is unknown."""
    return formats.DASH if one.pace is None else f"{one.pace:.2f}x"


def run_out(one: BudgetStatus) -> str:
    """When nothing is left."""
    match one.run_out:
        case None:
            return formats.DASH
        case "already":
            return "Used up"
        case "never":
            return "Never at this rate"
        case "later":
            return "After the period"
        case day:
            return formats.day(day)


def forecast(one: BudgetStatus) -> str:
    """What the period is expected to cost; a dash without a forecast."""
    if one.forecast is None:
        return formats.DASH
    standing = one.forecast_accuracy.standing
    middle = one.forecast.end.middle
    return formats.marked(formats.whole_dollars(middle), middle, standing)


def band(one: BudgetStatus) -> str:
    """Between which amounts the period ends in eight of ten cases; a dash where that is unknown."""
    end = one.forecast and one.forecast.end
    if not end or end.low is None or end.high is None:
        return formats.DASH
    return f"{formats.whole_dollars(end.low)} to {formats.whole_dollars(end.high)}"


def chance(one: BudgetStatus) -> str:
    """How likely the period ends beyond the limit; empty where nothing can be said."""
    end = one.forecast and one.forecast.end
    if not end or end.low is None or end.high is None or one.status in {"over", "blocked"}:
        return ""
    if end.low > one.limit:
        return "In at least 9 of 10 cases it ends over its limit."
    if end.middle > one.limit:
        return "It is more likely than not that it ends over its limit."
    if end.high > one.limit:
        return "It may end over its limit, in fewer than half of all cases."
    return "In at least 9 of 10 cases it ends within its limit."


def sentence(statuses: Sequence[BudgetStatus]) -> str:
    """Who is over, and who will be."""
    over = [one.name for one in statuses if one.status == "over"]
    soon = [one.name for one in statuses if one.is_forecast_over]
    words = []
    if over:
        words.append(_about(over, "is over its limit", "are over their limits"))
    if soon:
        words.append(_about(soon, "is expected to go over", "are expected to go over"))
    members = sum(len(one.members_over) for one in statuses)
    if members:
        people = formats.plural(members, "person", "people")
        words.append(f"{people} spent more than each member may.")
    if not over and not soon:
        words.insert(0, "No budget is over its limit, and none is expected to go over.")
    return " ".join(words)


def _about(names: Sequence[str], one: str, several: str) -> str:
    shown = ", ".join(formats.short(name, 60) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    verb = one if len(names) == 1 else several
    return f"{formats.plural(len(names), 'budget')} {verb}: {shown}{more}."
