"""A number over time: every stretch of it, in parts by the largest values of a dimension."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from bridgeboard import formats
from bridgeboard.analysis.questions import Questions
from bridgeboard.model import pages
from bridgeboard.model.accuracy import (
    EXACT,
    Accuracy,
    Standing,
    accuracy,
    column_accuracy,
    together,
)
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope

Bucket = date | datetime
Record = tuple[Bucket, str, Mapping[str, Any]]
"""A stretch of time, a series, and the numbers of both."""
_STRETCHES: Final[Mapping[Standing, str]] = {"at_least": "lower bounds", "unknown": "unknown"}
Accuracies = Mapping[tuple[Bucket, str], Accuracy]
_MISSING: Final = Accuracy("at_least")


@dataclass(frozen=True)
class Trend:
    """A number over time.

    Attributes:
        measure: the number.
        rows: stretch of time, series and number, the gaps filled.
        series: from the bottom of a stack: the largest first, the rest last.
        values: how many values the dimension has in the scope.
        rest: the series of all values beyond those shown; None where there is none.
        accuracies: of numbers that are not exact, how they stand, by stretch of time and series.
        accuracy: how the least exact of them stands.
    """

    measure: str
    rows: tuple[tuple[Bucket, str, Any], ...]
    series: tuple[str, ...]
    values: int
    rest: str | None
    accuracies: Accuracies
    accuracy: Accuracy = EXACT

    @property
    def phrases(self) -> Mapping[tuple[Bucket, str], str]:
        """The words for numbers that are not exact, by stretch of time and series."""
        kind = METRICS[self.measure].format
        return {
            (bucket, series): how.phrase(formats.exact_number(value, kind))
            for bucket, series, value in self.rows
            if (how := self.accuracies.get((bucket, series)))
        }

    def cumulative(self) -> "Trend":
        """The same with each number together with all of its series before it.

        A sum that leaves out what is unknown is a lower bound, or about right where a number may be
        below zero.
        """
        sums: dict[str, Any] = {}
        known: dict[str, Accuracy] = {}
        missing = _MISSING if _never_negative(self.measure) else _MISSING.loose
        rows, every = [], {}
        for bucket, series, value in self.rows:
            how = self.accuracies.get((bucket, series), EXACT)
            one = missing if value is None else replace(how, reasons=())
            known[series] = together((known.get(series, EXACT), one))
            if value is not None:
                sums[series] = sums.get(series, 0) + value
            total = sums.get(series)
            rows.append((bucket, series, total))
            if known[series] != EXACT:
                every[bucket, series] = Accuracy("unknown") if total is None else known[series]
        how = replace(together(known.values()), reasons=self.accuracy.reasons)
        return replace(self, rows=tuple(rows), accuracies=every, accuracy=how)

    def bounds_in_words(self, buckets: Collection[object], grain: str) -> str:
        """In how many stretches of time not all is known, and why; empty where it always is.

        Where only some parts of a sum are unknown, the sum is a lower bound.
        """
        adds_up = METRICS[self.measure].additive and _never_negative(self.measure)
        known = {bucket for bucket, _, value in self.rows if adds_up and value is not None}
        stretches: dict[Standing, set[Bucket]] = {"at_least": set(), "unknown": set()}
        for (bucket, _), how in self.accuracies.items():
            standing = "unknown" if how.standing == "unpriced" else how.standing
            if standing == "unknown" and bucket in known:
                standing = "at_least"
            if standing in stretches and bucket in buckets:
                stretches[standing].add(bucket)
        count = formats.plural(len(buckets), grain)
        parts = [
            f"{words} in {len(stretches[standing]):,} of {count}"
            for standing, words in _STRETCHES.items()
            if stretches[standing]
        ]
        words = f"{', '.join(parts)}: {'; '.join(self.accuracy.reasons)}."
        return words[0].upper() + words[1:] if parts and self.accuracy.reasons else ""

    def accuracy_of(self, *, bucket: Bucket | None = None, series: str | None = None) -> Accuracy:
        """How the sum of a stretch of time, or of a series, stands."""
        standings = {
            how.standing
            for (at, name), how in self.accuracies.items()
            if bucket in {at, None} and series in {name, None} and not how.is_exact
        }
        if "about" in standings:
            return Accuracy("about")
        return Accuracy("at_least") if standings else EXACT


def whole(questions: Questions, measure: str, grain: str, scope: Scope, series: str = "") -> Trend:
    """A number over time, everything together, as one series."""
    series = series or METRICS[measure].label
    answer = questions.series((measure,), grain, scope)
    records = [(row[grain], series, row) for row in answer.records()]
    return _trend(measure, records, series=(series,), values=1, rest=None)


def split(  # noqa: PLR0917  # all that a question is made of
    questions: Questions, measure: str, by: str, grain: str, scope: Scope, most: int = pages.TOP
) -> Trend:
    """A number over time, in parts by a dimension: ``most`` values, all others together."""
    answer = questions.top((measure,), (grain, by), scope, rank_by=measure, n=most)
    values = answer.column("values_count")[0] if answer.rows else 0
    rest = pages.rest(values, most) if values > most else None
    records = [
        (row[grain], str(rest) if row["is_rest"] else row[by], row) for row in answer.records()
    ]
    return _trend(measure, records, values=values, rest=rest)


@dataclass(frozen=True)
class Course:
    """A number of one value of a dimension over time.

    Attributes:
        numbers: in each stretch of time; None where it is not known.
        largest: when it was largest, how much it was, and how that stands; None where nothing is
            known.
    """

    numbers: tuple[float | None, ...]
    largest: tuple[Bucket, float, Accuracy] | None


def by_value(  # noqa: PLR0917  # all that a question is made of
    questions: Questions,
    measure: str,
    by: str,
    grain: str,
    scope: Scope,
    buckets: Sequence[Bucket],
    most: int,
) -> dict[str, Course]:
    """The course of a number for each of the ``most`` largest values of a dimension.

    At least nothing is not known, nor is nothing to who sees groups only: people who are too few
    for a name may have some of it.
    """
    answer = questions.top((measure,), (grain, by), scope, rank_by=measure, n=most)
    rows: dict[str, dict[Bucket, Mapping[str, Any]]] = {}
    for row in answer.records():
        if not row["is_rest"]:
            rows.setdefault(str(row[by]), {})[row[grain]] = row

    def known(row: Mapping[str, Any] | None) -> float | None:
        value: float | None = row[measure] if row else None
        if not row or value:  # most are neither unknown nor nothing: quickly past these
            return value
        is_known = not questions.sees_groups_only and not accuracy(measure, row).is_bound
        return value if is_known else None

    def course(cells: Mapping[Bucket, Mapping[str, Any]]) -> Course:
        numbers = {bucket: known(cells.get(bucket)) for bucket in buckets}
        values = [(value, bucket) for bucket, value in numbers.items() if value is not None]
        value, at = max(values, key=lambda pair: pair[0], default=(None, None))
        largest = at and value is not None and (at, value, accuracy(measure, cells[at]))
        return Course(tuple(numbers.values()), largest or None)

    return {name: course(cells) for name, cells in rows.items()}


def _trend(
    measure: str,
    records: Sequence[Record],
    *,
    values: int,
    rest: str | None,
    series: tuple[str, ...] | None = None,
) -> Trend:
    rows = tuple((bucket, name, row[measure]) for bucket, name, row in records)
    return Trend(
        measure,
        rows,
        series or tuple(sums(rows, rest)),
        values,
        rest,
        accuracies(measure, records),
        column_accuracy(measure, (row for *_, row in records)),
    )


def _never_negative(measure: str) -> bool:
    """Whether what is missing of a number makes it too small."""
    return any(limit.standing == "at_least" for limit in METRICS[measure].limits)


def sums(rows: Iterable[tuple[Bucket, str, Any]], rest: str | None) -> dict[str, Any]:
    """Each series and its sum: the largest first, the rest last."""
    totals: dict[str, Any] = {}
    for _, name, value in rows:
        totals[name] = totals.get(name, 0) + (value or 0)
    ranked = sorted(totals, key=lambda name: (name == rest, -totals[name], name))
    return {name: totals[name] for name in ranked}


def accuracies(measure: str, records: Sequence[Record]) -> Accuracies:
    """How numbers that are not exact stand, by stretch of time and series."""
    every = {(bucket, series): accuracy(measure, row) for bucket, series, row in records}
    return {place: how for place, how in every.items() if how.standing != "exact"}
