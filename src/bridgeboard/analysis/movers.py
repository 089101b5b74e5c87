"""What changed most since the period before, by the values of several dimensions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridgeboard.analysis.questions import Questions
from bridgeboard.model.accuracy import EXACT, Accuracy, accuracy
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import UNASSIGNED
from bridgeboard.model.scope import Scope

MOVERS: Final = 8
"""How many of the largest changes are shown."""


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
    def is_comparable(self) -> bool:
        """Whether the change says anything: not where only one number is a lower bound."""
        return self.before_accuracy.is_bound == self.now_accuracy.is_bound


def changes(
    questions: Questions, measure: str, by: Iterable[str], before: Scope, scope: Scope
) -> list[Move]:
    """How a number of each value of some dimensions changed between two periods."""
    moved: list[Move] = []
    for name in by:
        was, now = (
            by_value(measure, questions.split((measure,), (name,), each))
            for each in (before, scope)
        )
        moved += moves(name, was, now)
    return moved


def by_value(measure: str, answer: Answer) -> dict[str, tuple[Any, Accuracy]]:
    """Each value of the first column: its number, and how it stands."""
    first = answer.columns[0]
    return {str(row[first]): (row[measure], accuracy(measure, row)) for row in answer.records()}


def moves(
    by: str, was: Mapping[str, tuple[Any, Accuracy]], now: Mapping[str, tuple[Any, Accuracy]]
) -> list[Move]:
    """What changed between two periods, by the values of a dimension.

    A value that only one period has is nothing in the other. One whose number is unknown is left
    out, and so is who is in no team: that is no thing that moves.
    """
    changes = []
    for name in {**was, **now}:
        (before, before_accuracy), (after, now_accuracy) = (
            side.get(name, (0, other.get(name, (0, EXACT))[1]))
            for side, other in ((was, now), (now, was))
        )
        if before is not None and after is not None and before != after and name != UNASSIGNED:
            changes.append(Move(by, name, before, after, before_accuracy, now_accuracy))
    return changes


def largest(changes: Iterable[Move]) -> list[Move]:
    """The largest changes that say anything, the largest first."""
    known = [one for one in changes if one.is_comparable]
    return sorted(known, key=lambda one: -one.size)[:MOVERS]
