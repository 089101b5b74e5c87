"""How a number stands in an answer: exact, at least so much, about so much, or not known.

A metric says itself what limits it (``Metric.limits``); whether a limit holds is decided by other
numbers of the same rows, which are asked for beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from bridgeboard.formats import STATUSES, Status
from bridgeboard.model.dimensions import dimension
from bridgeboard.model.metric import Limit
from bridgeboard.model.metrics import METRICS, metric
from bridgeboard.model.scope import Scope

Standing = Literal["exact", "at_least", "about", "unknown"] | Status
"""A status of prices is how nothing stands that is not billed, or what has no known price."""

_WORDS: Final[Mapping[Standing, str]] = {
    "exact": "exactly {}",
    "at_least": "at least {}",
    "about": "about {}",
    "unknown": "not known",
    **{status: status for status in STATUSES},
}
NOT_BILLED: Final = frozenset(STATUSES) - {"unpriced"}


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How a number stands, and why it is not exact.

    ``misses_some``: a part of the number is missing, yet it may also be too large.
    """

    standing: Standing = "exact"
    reasons: tuple[str, ...] = ()
    misses_some: bool = False

    @property
    def is_partial(self) -> bool:
        """Whether a part of the number is missing."""
        return self.is_bound or self.misses_some

    @property
    def is_bound(self) -> bool:
        """Whether the number is a lower bound."""
        return self.standing in {"at_least", "unpriced"}

    @property
    def is_exact(self) -> bool:
        """Whether the number is known exactly; also nothing, where the usage is not billed."""
        return self.standing == "exact" or self.standing in NOT_BILLED

    @property
    def in_digits(self) -> Standing:
        """How it stands where it is said in digits also if nothing of it is billed."""
        return "exact" if self.standing in NOT_BILLED else self.standing

    @property
    def loose(self) -> "Accuracy":
        """How a number stands that what is missing may make too large as well as too small."""
        return Accuracy("about", self.reasons, misses_some=True) if self.is_bound else self

    def phrase(self, number: str) -> str:
        """The number, in digits, with how it stands, inside a sentence: "at least 599"."""
        return _WORDS[self.standing].format(number)

    def noted(self, number: str) -> str:
        """The number inside a sentence, with what part of an exact one is not billed."""
        notes = self.reasons if self.is_exact else ()
        return "; ".join((self.phrase(number), *notes))

    def in_words(self, number: str) -> str:
        """The number as it is where it is exact, else with how it stands: "at least 599"."""
        return number if self.standing == "exact" else self.phrase(number)

    def sentence(self, number: str) -> str:
        """The number, in digits, with how it stands: "At least 599: 40 sums stand for ..."."""
        phrase = self.phrase(number)
        said = phrase[0].upper() + phrase[1:]
        return f"{said}: {'; '.join(self.reasons)}." if self.reasons else f"{said}."


EXACT: Final = Accuracy()
_UNKNOWN: Final = Accuracy("unknown")


def limits(names: Iterable[str], by: Iterable[str] = ()) -> tuple[str, ...]:
    """The metrics to ask for beside some, split likewise, to know how these stand.

    None that is among them already, and none that cannot be split by these dimensions.
    """
    names, split = tuple(names), [dimension(name) for name in by]
    needed = dict.fromkeys(
        each
        for name in names
        for limit in metric(name).limits
        for each in (limit.metric, limit.unless_none)
        if each
    )
    return tuple(
        name
        for name in needed
        if name not in names and all(METRICS[name].splits(each) for each in split)
    )


def unsplit(scope: Scope, names: Iterable[str]) -> Scope:
    """The scope without the filters that some limits know nothing of, as those by tools.

    What is not known of may belong to any tool: it must not vanish with the filter.
    """
    metrics = [METRICS[name] for name in names]
    for name, _ in (*scope.include, *scope.exclude):
        if not all(one.splits(dimension(name)) for one in metrics):
            scope = scope.free(name)
    return scope


def accuracy(name: str, row: Mapping[str, Any]) -> Accuracy:
    """How a metric stands in a row of an answer that has its ``limits``, too."""
    limits_in_force = _in_force(name, row)
    if not limits_in_force:
        return EXACT if row[name] is not None else _UNKNOWN
    reasons = tuple(limit.words.format(f"{row[limit.metric]:,}") for limit in limits_in_force)
    if row[name] is None:
        is_unpriced = any(limit.metric == UNPRICED for limit in limits_in_force)
        return Accuracy("unpriced" if is_unpriced else "unknown", reasons)
    if not row[name] and (status := _status(limits_in_force, row)):
        return Accuracy(status, reasons)
    # Nothing is never too much.
    standings = {limit.standing for limit in limits_in_force}
    is_partial = "at_least" in standings
    standing = "at_least" if is_partial and not row[name] else _least_exact(standings)
    return Accuracy(standing, reasons, is_partial and standing == "about")


def known(name: str, row: Mapping[str, Any]) -> Any:
    """A metric in a row; None where it is unknown, as is a lower bound of 0."""
    value = row[name]
    return None if not value and accuracy(name, row).is_bound else value


def _status(limits_in_force: Iterable[Limit], row: Mapping[str, Any]) -> Status | None:
    """What nothing is called, by the least certain of what is known of its price."""
    in_force = {(limit.metric, limit.standing) for limit in limits_in_force}
    if (UNPRICED, "at_least") in in_force:
        return "unpriced"
    if (UNBILLED, "exact") in in_force:
        status = row.get(STATUS)
        return cast("Status", status) if status in NOT_BILLED else "not billed"
    return None


def column_accuracy(name: str, rows: Iterable[Mapping[str, Any]]) -> Accuracy:
    """How the least exact of a metric's known numbers in some rows stands, and why.

    The reasons are also those of rows in which it is unknown.
    """
    in_force = [
        (row[name] is not None, limit)
        for row in rows
        for limit in _in_force(name, row)
        if limit.standing != "exact"
    ]
    every = {limit for _, limit in in_force}
    reasons = (limit.words.format("some") for limit in metric(name).limits if limit in every)
    return Accuracy(
        _least_exact(limit.standing for is_known, limit in in_force if is_known), tuple(reasons)
    )


def together(accuracies: Iterable[Accuracy]) -> Accuracy:
    """How the least exact of some known numbers stands, and the reasons of all."""
    accuracies = tuple(accuracies)
    reasons = dict.fromkeys(reason for how in accuracies for reason in how.reasons)
    standing = _least_exact(how.standing for how in accuracies)
    misses_some = standing == "about" and any(how.is_partial for how in accuracies)
    return Accuracy(standing, tuple(reasons), misses_some)


def _in_force(name: str, row: Mapping[str, Any]) -> list[Limit]:
    return [
        limit
        for limit in metric(name).limits
        if row.get(limit.metric) and not (limit.unless_none and row.get(limit.unless_none) == 0)
    ]


def _least_exact(standings: Iterable[Standing]) -> Standing:
    """How a number stands that is limited in several ways, or the least exact of several.

    One that may be too small as well as too large is no lower bound, but about right.
    """
    known = {"at_least" if each == "unpriced" else each for each in standings}
    worst: Sequence[Standing] = ("about", "at_least")
    return next((each for each in worst if each in known), "exact")


def presence_accuracy(column: str, row: Mapping[str, Any]) -> Accuracy:
    """How a number of ``presence`` stands, in a row that has the ``limits`` of active people.

    Who is not seen in the period is missing from the returning people, and may count as dormant;
    who is not seen before it may count as new.
    """
    how = accuracy("active_people", {**row, "active_people": row[column]})
    return how if column == "returning" else how.loose


UNPRICED: Final = "unpriced_tokens"
UNBILLED: Final = "unbilled_tokens"
STATUS: Final = "status"
"""Column of an answer with the status of usage that costs nothing, where all has the same."""
UNREAD: Final = "unread_rows"
"""Counts rows of usage of which no tool is known: a filter by tool drops them all."""
COUNTS_OF_ROWS: Final = frozenset({"summed_rows", UNREAD})
"""Limits that such rows count in."""
NOT_COMPARABLE: Final = (
    "only one of the two periods is known in whole, a part of the other is missing, so no change "
    "is shown."
)
"""Why there is no change between two numbers."""


def of_usage(cost: int | None, priced_tokens: int, status: str | None = None) -> Mapping[str, Any]:
    """What tells how the cost of a single usage, or of several, stands that are not billed.

    Where some tokens have a price, and yet cost nothing, none of them are billed. ``status`` is
    that of a single usage.
    """
    if status is None:
        return {UNBILLED: priced_tokens} if cost == 0 else {}
    return {STATUS: status, UNBILLED: priced_tokens if cost == 0 else 0}
