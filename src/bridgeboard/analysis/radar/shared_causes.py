"""Groups findings that have the same cause, and says what it accounts for.

A runaway session is also a spike of its person, their team and its model. What most of two
excesses have in common is reported once, by the more specific of the two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bridgeboard.analysis.radar.finding import About, Contributor
from bridgeboard.model.accuracy import EXACT, Accuracy, together
from bridgeboard.model.radar_limits import SpendLimits

RANKS: Final[Mapping[str, int]] = {"session": 0, "initiator": 1, "team": 2, "model": 3}
"""The more specific first."""


@dataclass(frozen=True)
class Share:
    """What one person spent with one model in one team on a day, in pico-USD."""

    day: date
    initiator: str
    team: str
    model: str
    amount: int
    accuracy: Accuracy = EXACT

    def value(self, dimension: str) -> str:
        """Its value of a dimension."""
        return {"initiator": self.initiator, "team": self.team, "model": self.model}[dimension]


@dataclass(frozen=True)
class Cause:
    """Something that cost ``excess`` pico-USD more than usual on some days.

    A session has the person's name as ``name``, and ``amount`` is what it cost.
    """

    key: str
    about: About
    name: str
    days: frozenset[date]
    excess: int
    amount: int

    @property
    def dimension(self) -> str:
        """What its name is a value of."""
        return "initiator" if self.about == "session" else self.about


def explained(
    causes: Sequence[Cause], shares: Iterable[Share], limits: SpendLimits
) -> dict[str, str]:
    """Key of a cause → key of the one that tells it; those that tell themselves are left out."""
    rows = list(shares)
    ordered = sorted(causes, key=lambda one: (RANKS[one.about], -one.excess, one.key))
    cause_of: dict[str, str] = {}
    for place, first in enumerate(ordered):
        for second in ordered[place + 1 :]:
            _settle(first, second, rows, cause_of, limits)
    return {key: _root(key, cause_of) for key in cause_of}


def _settle(
    first: Cause,
    second: Cause,
    rows: Sequence[Share],
    cause_of: dict[str, str],
    limits: SpendLimits,
) -> None:
    """Explain one finding by the other, unless it is explained; ``first`` is more specific."""
    if first.dimension == second.dimension and first.name != second.name:
        return
    if second.about == "session":
        return
    common = first.days & second.days
    if not common or second.key in cause_of:
        return
    shared = _common(first, second, common, rows)
    if shared >= limits.explains * second.excess:
        cause_of[second.key] = first.key
    elif shared >= limits.explains * first.excess and _may_be_explained(first, cause_of):
        cause_of[first.key] = second.key


def _may_be_explained(first: Cause, cause_of: Mapping[str, str]) -> bool:
    # A session is always reported: it is the most anybody can do something about.
    return first.about != "session" and first.key not in cause_of


def _common(first: Cause, second: Cause, days: frozenset[date], rows: Sequence[Share]) -> int:
    shared = sum(
        row.amount
        for row in rows
        if row.day in days
        and row.value(first.dimension) == first.name
        and row.value(second.dimension) == second.name
    )
    return min(shared, *(one.amount for one in (first, second)))


def _root(key: str, cause_of: Mapping[str, str]) -> str:
    seen = {key}
    while key in cause_of and cause_of[key] not in seen:
        key = cause_of[key]
        seen.add(key)
    return key


def contributors(cause: Cause, shares: Iterable[Share], most: int) -> tuple[Contributor, ...]:
    """The largest parts of what was spent on the days of a spike, by the other dimensions."""
    rows: dict[tuple[str, str], list[Share]] = {}
    for row in shares:
        if row.day in cause.days and row.value(cause.dimension) == cause.name:
            for dimension in ("initiator", "model"):
                if dimension != cause.dimension:
                    rows.setdefault((dimension, row.value(dimension)), []).append(row)
    parts = [
        Contributor(*of, sum(row.amount for row in own), together(row.accuracy for row in own))
        for of, own in rows.items()
    ]
    parts.sort(key=lambda one: (one.dimension, -one.amount, one.name))
    return (
        *[one for one in parts if one.dimension == "initiator" and one.amount > 0][:most],
        *[one for one in parts if one.dimension == "model" and one.amount > 0][:1],
    )
