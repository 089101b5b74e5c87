"""Turns answers into sheets for export, with names, types and definitions."""

from collections.abc import Sequence
from typing import Any

from bridgeboard.exports import Column, Sheet
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS


def of(answer: Answer, name: str) -> Sheet:
    """An answer whose columns are dimensions and metrics."""
    return Sheet(name, tuple(map(column, answer.columns)), answer.rows)


def over_time(rows: Sequence[tuple[Any, str, Any]], measure: str, split: str, grain: str) -> Sheet:
    """What a chart over time shows: stretch of time, series, value."""
    series = column(split) if split in DIMENSIONS else Column("series", "Series", "text")
    columns = (column(grain), series, column(measure))
    return Sheet(f"{measure} by {grain} and {split}", columns, tuple(rows))


def column(name: str) -> Column:
    """A metric's or a dimension's column. Raises KeyError for other names."""
    if name in METRICS:
        one = METRICS[name]
        return Column(name, one.label, one.format, one.definition)
    dimension = DIMENSIONS[name]
    return Column(name, dimension.label, _kind(name), dimension.definition)


def _kind(name: str) -> Any:
    return {"hour": "moment", "day": "date", "week": "date", "month": "date"}.get(name, "text")
