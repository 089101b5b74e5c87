"""What changed most since the period before, by the values of several dimensions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridgeboard import formats
from bridgeboard.analysis.questions import Questions
from bridgeboard.model.accuracy import EXACT, Accuracy, accuracy, together
from bridgeboard.model.dimensions import SMALL_GROUPS, UNASSIGNED
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope

MOVERS: Final = 8
"""How many of the largest changes are shown."""
_FOLDED: Final = Accuracy("about", (f"some of it may be in {SMALL_GROUPS}",))
_ALL_FOLDED: Final = Accuracy("at_least", _FOLDED.reasons)

Numbers = Mapping[str, tuple[Any, Accuracy]]
"""Value of a dimension → its number in a period, and how that stands."""


@dataclass(frozen=True)
class Move:
    """How a number of one value of a dimension changed since the period before.

    ``before_accuracy`` and ``now_accuracy`` are how both numbers stand.
    """

    by: str
    name: str
    was: float
    now: float
    before_accuracy: Accuracy = EXACT
    now_accuracy: Accuracy = EXACT

    @property
    def size(self) -> float:
        """How far it moved, whichever way."""
        return abs(self.now - self.was)

    @property
    def is_gone(self) -> bool:
        """Whether exactly nothing is left of what there was before."""
        return bool(self.was) and not self.now and self.now_accuracy.standing == "exact"

    @property
    def is_comparable(self) -> bool:
        """Whether the change says anything: not where a part of only one number is missing.

        But from exactly nothing to at least something, or the other way, is a change; from at least
        nothing is none, as that is unknown.
        """
        sides = ((self.was, self.before_accuracy), (self.now, self.now_accuracy))
        nothing = [how for value, how in sides if not value]
        if any(how.is_exact for how in nothing):
            return True
        if any(how.is_bound for how in nothing):
            return False
        return self.before_accuracy.is_partial == self.now_accuracy.is_partial

    @property
    def accuracy(self) -> Accuracy:
        """How the change stands: what is not known of either period may be more or less of it."""
        return together((self.before_accuracy, self.now_accuracy)).loose

    def in_words(self, measure: str) -> tuple[str, str, str]:
        """The change in short, with all its digits, and as a share of the number before.

        A value is new where it had exactly nothing before, and gone where it has now.
        """
        kind = METRICS[measure].format
        standing = self.accuracy.standing
        sign = f"{formats.MARKS.get(standing, '')}{'+' if self.now > self.was else '-'}"
        short = formats.difference(self.now - self.was, kind, standing)
        share = formats.change(self.now, self.was, kind, standing)
        is_new = not self.was and self.before_accuracy.standing == "exact"
        relative = share or ("new" if is_new else formats.DASH)
        return (
            short,
            f"{sign}{formats.exact_number(self.size, kind)}",
            "gone" if self.is_gone else relative,
        )


def changes(
    questions: Questions, measure: str, by: Iterable[str], before: Scope, scope: Scope
) -> list[Move]:
    """How a number of each value of some dimensions changed between two periods."""
    return [
        move
        for name in by
        for move in moves(name, *_sides(questions, measure, name, before, scope))
    ]


def by_value(
    questions: Questions, measure: str, by: str, before: Scope, scope: Scope
) -> dict[str, Move]:
    """Each value of a dimension that one of two periods has, and its numbers in both.

    One whose number is unknown in either is left out.
    """
    return {move.name: move for move in _both(by, *_sides(questions, measure, by, before, scope))}


def _sides(
    questions: Questions, measure: str, by: str, before: Scope, scope: Scope
) -> list[Numbers]:
    """The numbers of each period by the values of a dimension, which both have."""
    sides: list[Numbers] = [
        {str(row[by]): (row[measure], accuracy(measure, row)) for row in answer.records()}
        for answer in questions.split_alike((measure,), by, (before, scope))
    ]
    return list(map(_named, sides)) if questions.sees_groups_only else sides


def _named(numbers: Numbers) -> Numbers:
    """Those of values with a name, to who sees groups: a part may be in what has none, or all."""
    named = {name: one for name, one in numbers.items() if name != SMALL_GROUPS}
    if numbers.get(SMALL_GROUPS, (0, EXACT)) == (0, EXACT):
        return named
    return {
        name: (value, together((how, _FOLDED)) if value else _ALL_FOLDED)
        for name, (value, how) in named.items()
    }


def moves(by: str, was: Numbers, now: Numbers) -> list[Move]:
    """What changed between two periods, by the values of a dimension, which both have.

    One whose number is unknown is left out, and so is who is in no team: that is no thing that
    moves.
    """
    return [move for move in _both(by, was, now) if move.size and move.name != UNASSIGNED]


def _both(by: str, was: Numbers, now: Numbers) -> list[Move]:
    """The numbers of two periods side by side, by values that both have, where both are known."""
    return [
        Move(by, name, before, now[name][0], before_accuracy, now[name][1])
        for name, (before, before_accuracy) in was.items()
        if before is not None and now[name][0] is not None
    ]


def largest(changes: Iterable[Move]) -> list[Move]:
    """The largest changes that say anything, the largest first."""
    known = [one for one in changes if one.is_comparable]
    return sorted(known, key=lambda one: -one.size)[:MOVERS]
