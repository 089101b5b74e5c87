"""Python values of the wire → Arrow columns that the store can hold."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

MOMENT: Final = pa.timestamp("us")
MARK: Final = "\ufffd"
"""Stands for what no database text can hold: NUL, and half a character."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNHOLDABLE: Final = re.compile("[\0\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with a mark in place of each NUL and each half of a character."""
    return _UNHOLDABLE.sub(MARK, text)


def texts(values: Sequence[str | None]) -> pa.Array:
    """A column of text, hostile text included."""
    try:
        column = pa.array(values, pa.string())
    except UnicodeEncodeError:
        column = pa.array([value and clean(value) for value in values], pa.string())
    return pc.replace_substring(column, "\0", MARK) if _has_nul(column) else column


def _has_nul(column: pa.Array) -> bool:
    buffer = column.buffers()[2]
    # Looking for a zero byte takes a tenth of the time of a replacement.
    return bool(buffer) and bool(buffer.size) and not np.frombuffer(buffer, np.uint8).all()


def moments(values: Iterable[datetime | None]) -> pa.Array:
    """A column of UTC times without a zone, from aware ones of any zone."""
    # Arrow asks every time for its zone, in Python; a difference has none.
    since = [None if value is None else value - _EPOCH for value in values]
    return pa.array(since, pa.duration("us")).view(MOMENT)


def series(values: "pd.Series[Any]", kind: pa.DataType) -> pa.Array:
    """A column of a frame as Arrow, missing values as null."""
    column = pa.Array.from_pandas(values)
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return column.cast(kind)
