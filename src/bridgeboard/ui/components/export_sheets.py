"""Turns answers into sheets for export, with names, types and definitions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridgeboard.exports import Column, Sheet
from bridgeboard.model.accuracy import Accuracy, column_accuracy, limits
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS


def of(answer: Answer, name: str) -> Sheet:
    """An answer whose columns are dimensions, metrics, and the limits of these."""
    records = list(answer.records())
    return Sheet(name, tuple(column(each, records) for each in answer.columns), answer.rows)


def over_time(
    rows: Sequence[tuple[Any, str, Any]], measure: str, split: str, grain: str, how: Accuracy
) -> Sheet:
    """What a chart over time shows: stretch of time, series, value."""
    series = column(split) if split in DIMENSIONS else Column("series", "Series", "text")
    columns = (column(grain), series, with_accuracy(column(measure), how))
    return Sheet(f"{measure} by {grain} and {split}", columns, tuple(rows))


def with_accuracy(one: Column, how: Accuracy) -> Column:
    """A column of numbers that says how the least exact of them stands."""
    reason = "" if how.standing == "exact" else "; ".join(how.reasons)
    return replace(one, accuracy=how.standing, reason=reason)


def column(name: str, records: Sequence[Mapping[str, Any]] = ()) -> Column:
    """A metric's or a dimension's column. Raises KeyError for other names.

    A metric's says how it stands by the records, if these have its limits.
    """
    if name in METRICS:
        one = METRICS[name]
        numbers = Column(name, one.label, one.format, one.definition)
        if not records or not set(limits((name,))) <= set(records[0]):
            return numbers
        return with_accuracy(numbers, column_accuracy(name, records))
    dimension = DIMENSIONS[name]
    return Column(name, dimension.label, _kind(name), dimension.definition)


def _kind(name: str) -> Any:
    return {"hour": "moment", "day": "date", "week": "date", "month": "date"}.get(name, "text")
