"""Draws a table; the only way to the screen, with numbers that browsers can hold.

A browser's numbers are doubles, and its table refuses whole ones beyond 2^53: money goes there in
dollars, larger counts as digits of one length, which sort as text does. Every cell shows the words
of ``formats``, and is sorted by what stands behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Literal, Self

import pandas as pd
import streamlit as st

from bridgeboard import formats
from bridgeboard.ui.components import clock
from bridgeboard.ui.components.tables import Inexact

Kind = Literal["text", "count", "money", "rate", "seconds", "moment"]
"""What a column holds: text, whole numbers, pico-USD, ratios, seconds, or times."""

ROW_HEIGHT: Final = 35
LARGEST: Final = 2**53 - 1
"""The largest whole number that a browser holds exactly."""
_NUMBERS: Final = frozenset({"count", "money", "rate", "seconds"})


@dataclass(frozen=True)
class Column:
    """A column: its name in the frame, its label, and what it holds.

    Attributes:
        meaning: for who points at the label.
        exact: whether numbers are shown with all their digits.
        width: in pixels.
        right: whether text stands at the right, as numbers do.
        look: Streamlit's own column, for buttons, links and bars; it is handed on as it is.
    """

    name: str
    label: str
    kind: Kind = "text"
    meaning: str = ""
    exact: bool = False
    width: int | None = None
    right: bool = False
    look: Any = None


class _Number(float):
    """A number that the browser holds, with the words that it shows."""

    words: str

    @classmethod
    def of(cls, value: float, words: str) -> Self:
        cell = cls(value)
        cell.words = words
        return cell


class _Digits(str):
    """A number that the browser cannot hold, as digits, with the words that it shows."""

    __slots__ = ("words",)
    words: str

    @classmethod
    def of(cls, digits: str, words: str) -> Self:
        cell = cls(digits)
        cell.words = words
        return cell


def show(
    rows: Sequence[Sequence[Any]],
    columns: Sequence[Column],
    *,
    key: str,
    alt: str,
    height: int | Literal["auto", "content"] = "auto",
    on_select: Literal["ignore", "rerun"] = "ignore",
) -> None:
    """A table of rows, each with a value for every column; None is unknown."""
    chosen: Any = {"selection_mode": "single-row"} if on_select == "rerun" else {}
    st.dataframe(
        styled(rows, columns),
        hide_index=True,
        height=ROW_HEIGHT * (len(rows) + 1) + 3 if height == "content" else height,
        key=key,
        column_config={column.name: _look(column) for column in columns},
        placeholder=formats.DASH,
        alt=alt,
        on_select=on_select,
        **chosen,
    )


def styled(rows: Sequence[Sequence[Any]], columns: Sequence[Column]) -> Any:
    """The rows as the browser gets them: values that it holds, each with the words it shows."""
    cells = [[row[place] for row in rows] for place in range(len(columns))]
    pairs = zip(columns, cells, strict=True)
    frame = pd.DataFrame({column.name: _cells(column, values) for column, values in pairs})
    writers: dict[Any, Any] = {
        column.name: _moment if column.kind == "moment" else attrgetter("words")
        for column in columns
        if column.kind != "text"
    }
    return frame.style.format(writers, na_rep=formats.DASH) if writers else frame


def _cells(column: Column, values: Sequence[Any]) -> "pd.Series[Any]":
    if column.kind == "moment":
        return pd.Series(values, dtype=pd.DatetimeTZDtype("us", clock.zone()))
    if column.kind == "text":
        return pd.Series([_visible(value) for value in values], dtype="object")
    standings = [value.standing if isinstance(value, Inexact) else "exact" for value in values]
    values = [value.value if isinstance(value, Inexact) else value for value in values]
    known = [value for value in values if value is not None]
    longest = max((len(str(int(value))) for value in known), default=0)
    too_large = column.kind == "count" and any(abs(value) > LARGEST for value in known)
    digits = longest if too_large else 0
    cells = [_cell(column, *each, digits) for each in zip(values, standings, strict=True)]
    return pd.Series(cells, dtype="object" if known else "float64")


def _visible(value: Any) -> Any:
    return formats.visible(value) if isinstance(value, str) else value


def _cell(
    column: Column,
    value: Any,
    standing: str,
    digits: int,
) -> _Number | _Digits | None:
    if value is None:
        return None
    words = (formats.exact_number if column.exact else formats.number)(value, column.kind)
    words = formats.marked(words, value, standing)
    if digits:
        return _Digits.of(f"{int(value):0{digits}}", words)
    return _Number.of(value / formats.PICO if column.kind == "money" else value, words)


def _moment(at: datetime) -> str:
    return formats.moment(at, clock.zone())


def _look(column: Column) -> Any:
    if column.look is not None:
        return column.look
    side: Any = "right" if column.right or column.kind in _NUMBERS else "left"
    # Without a type of column and a format of its own the browser shows the words it was given.
    return st.column_config.Column(
        column.label,
        help=formats.unmarked(column.meaning) or None,
        alignment=side,
        width=column.width,
    )
