"""Headline numbers: each with how it stands, and how it changed since the period before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridgeboard import formats
from bridgeboard.analysis.questions import Questions
from bridgeboard.model import accuracy, periods
from bridgeboard.model.accuracy import NOT_COMPARABLE, Accuracy
from bridgeboard.model.metric import Metric
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Number:
    """A number and how it stands."""

    value: float | None
    accuracy: Accuracy


@dataclass(frozen=True)
class Headline:
    """A headline number.

    Attributes:
        metric: which number.
        now: in the period.
        before: in the period before; None where nothing is compared.
        change: by how much it changed, in words, marked where it is not exact; None where that
            cannot be said.
    """

    metric: Metric
    now: Number
    before: Number | None
    change: str | None

    @property
    def direction(self) -> int:
        """1 for more, -1 for less, 0 where no digit that is shown says so."""
        return formats.way(self.change) if self.change else 0

    @property
    def goodness(self) -> int:
        """1 where the change is good, -1 where it is bad, 0 where it is neither, or very small."""
        return 0 if self.change and "<" in self.change else self.metric.rise * self.direction

    @property
    def is_compared(self) -> bool:
        """Whether there are two numbers of which something can be said."""
        return self.before is not None and not self.why_no_change

    @property
    def why_no_change(self) -> str:
        """Why two numbers are not compared; empty where they are, or there are not two."""
        before = self.before
        is_comparable = before is None or before.accuracy.is_partial == self.now.accuracy.is_partial
        return "" if is_comparable else NOT_COMPARABLE


@dataclass(frozen=True)
class Headlines:
    """Some numbers, and what tells how they stand.

    Attributes:
        now: in the period.
        before: in the period before; None where nothing is compared.
    """

    now: Row
    before: Row | None

    def of(self, name: str) -> Headline:
        """One of the numbers."""
        metric = METRICS[name]
        now = Number(self.now[name], accuracy.accuracy(name, self.now))
        if self.before is None:
            return Headline(metric, now, None, None)
        before = Number(self.before[name], accuracy.accuracy(name, self.before))
        is_comparable = before.accuracy.is_partial == now.accuracy.is_partial
        if not is_comparable:
            return Headline(metric, now, before, None)
        how = accuracy.together((before.accuracy, now.accuracy)).loose
        change = formats.change(now.value, before.value, metric.format, how.standing)
        return Headline(metric, now, before, change)


def headlines(
    questions: Questions, names: tuple[str, ...], scope: Scope, before: Scope | None
) -> Headlines:
    """Numbers of a scope, compared with the period before where that was recorded in whole."""
    if before is not None and not is_recorded(questions, before):
        before = None
    return Headlines(
        questions.totals(names, scope), questions.totals(names, before) if before else None
    )


def is_recorded(questions: Questions, before: Scope) -> bool:
    """Whether the store reaches back to the beginning of a period to compare with."""
    first_at = questions.coverage().first_at
    return periods.is_covered(before, first_at) and before.since < before.until
