"""A table ready for export: typed columns with plain Python values.

Recorded text is hostile. Everywhere, characters that would act on a screen are made visible; in
words for CSV, what a spreadsheet would take for a formula begins with an apostrophe besides.
"""

import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final, Literal

from bridgeboard import formats


class ExportError(ValueError):
    """What cannot be exported as it is; the message names the part, never a recorded value."""


Kind = Literal["count", "money", "rate", "seconds", "text", "date", "moment", "flag"]
"""A whole number; whole pico-USD; a ratio; seconds; text; a day; a time; yes or no."""

Cell = int | float | str | date | datetime | bool | None
"""Counts and money (still pico-USD) are int, days date, times aware UTC; None is unknown."""

PICO: Final = 10**12
"""Pico-USD in a dollar."""

DIGITS: Final = 38
"""A count or an amount of money has no more, as Parquet's decimals have not."""

_END: Final = 10**DIGITS
# Pandas's, known by name so that this room need not load it.
_MISSING: Final = frozenset({"NAType", "NaTType"})
_BOOLS: Final = frozenset({"bool", "bool_"})  # Python's and numpy's
_NONCHARACTERS: Final = {0xFFFE: "⟨U+FFFE⟩", 0xFFFF: "⟨U+FFFF⟩"}

# What spreadsheets skip before a formula, or might: blanks, quotes, characters of no width.
_BLANKS: Final = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_QUOTES: Final = r"\"'`\u00ab\u00b4\u00bb\u2018-\u201f\u2039\u203a\uff02\uff07"
_SKIPPED: Final = rf"[{_BLANKS}{_QUOTES}\u00ad\u200c\u200d]*"
# The signs that begin one, with their wide, small and mathematical variants.
_SIGNS: Final = r"=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
# U+240D is the picture of a carriage return, which ``visible`` has put in its place.
_OPENING: Final = re.compile(rf"\A(?={_SKIPPED}[{_SIGNS}\t\n\u240d])")
# Where semicolons separate cells, a spreadsheet cuts ours at them, and then at line breaks, too.
_RESUMING: Final = re.compile(rf"(?<=[;\t\n])(?={_SKIPPED}[{_SIGNS}])")


def plain(kind: Kind, value: object) -> Cell:
    """The value as its kind is told: what pandas and numpy call missing is None, times are UTC.

    Raises:
        ExportError: when it is none of the kind; a float is no count and no money, since it may
            have lost digits already.
    """
    if value is None or type(value).__name__ in _MISSING:
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    try:
        return _PLAIN[kind](value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ExportError(f"a {type(value).__name__} that is no {kind}") from error


def harmless(text: str) -> str:
    """Text on one's own screen: acting characters visible, all of it valid in UTF-8 and XML."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8").translate(_NONCHARACTERS)
    return formats.visible(text)


def defused(text: str) -> str:
    """Harmless text with an apostrophe where a spreadsheet would begin to read a formula."""
    return _RESUMING.sub("'", _OPENING.sub("'", text))


def words(kind: Kind, cell: Cell) -> str:
    """A plain value as CSV has it: numbers exact and without exponent, times with Z, None empty."""
    return "" if cell is None else _WORDS[kind](cell)


def zulu(at: datetime) -> str:
    """An aware time in ISO 8601, in UTC: ``2026-11-23T14:05:09Z``, with microseconds if any."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def _whole(value: object) -> int:
    if isinstance(value, bool):
        raise TypeError
    number = operator.index(value)  # type: ignore[arg-type]  # refuses what is no whole number
    if not -_END < number < _END:
        raise OverflowError
    return int(number)


def _real(value: object) -> float:
    if isinstance(value, str | bytes | bool):
        raise TypeError
    number = float(value)  # type: ignore[arg-type]  # refuses what is no number
    if not math.isfinite(number):
        raise ValueError
    return number


def _day(value: object) -> date:
    # Frames tell a day as its midnight.
    if isinstance(value, datetime) and value.time() == time.min and value.tzinfo is None:
        return value.date()
    if isinstance(value, datetime) or not isinstance(value, date):
        raise TypeError
    return value


def _time(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    # Anew, because pandas's own times are datetimes that print nanoseconds.
    return datetime.combine(aware.date(), aware.time(), UTC)


def _flag(value: object) -> bool:
    if type(value).__name__ not in _BOOLS:
        raise TypeError
    return bool(value)


def _decimal(number: float) -> str:
    shortest = repr(number)
    return f"{Decimal(shortest):f}" if "e" in shortest else shortest


_PLAIN: Final[Mapping[Kind, Callable[[Any], Cell]]] = {
    "count": _whole,
    "money": _whole,
    "rate": _real,
    "seconds": _real,
    "text": lambda value: harmless(str(value)),
    "date": _day,
    "moment": _time,
    "flag": _flag,
}
_WORDS: Final[Mapping[Kind, Callable[[Any], str]]] = {
    "count": str,
    "money": formats.dollars,
    "rate": _decimal,
    "seconds": _decimal,
    "text": defused,
    "date": date.isoformat,
    "moment": zulu,
    "flag": lambda flag: "true" if flag else "false",
}


_ACCURACIES: Final = {
    "": "",
    "exact": "exact",
    "at_least": "lower bounds",
    "about": "about right",
}
_UNITS: Final = {"money": "_usd", "seconds": "_seconds"}


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: for programs, without a unit: ``spend``.
        label: for people: ``Spend``.
        kind: what its values are and how they look.
        definition: one sentence; empty where the label says it all.
        accuracy: how the least exact of its numbers stands: "exact", "at_least" for lower bounds,
            "about"; empty where that is not known, or it has no numbers.
        reason: why it is not exact.
    """

    name: str
    label: str
    kind: Kind
    definition: str = ""
    accuracy: str = ""
    reason: str = ""

    @property
    def accuracy_in_words(self) -> str:
        """How its numbers stand, and why; empty where that is not known."""
        words = _ACCURACIES[self.accuracy]
        return f"{words}: {self.reason}" if self.reason else words

    @property
    def header(self) -> str:
        """The name with its unit where it needs one: ``spend_usd``, ``duration_p50_seconds``."""
        name, unit = harmless(self.name), _UNITS.get(self.kind, "")
        return name if name.endswith(unit) else name + unit


@dataclass(frozen=True)
class Sheet:
    """A table.

    Args:
        name: what it shows, for people: ``Spend by model``.
        columns: at least one; no two with the same header.
        rows: one value a column. By kind: count and money (pico-USD) int of any size up to 38
            digits; rate and seconds float; text str; date date; moment datetime, naive or aware,
            naive ones being UTC; flag bool. None, NaN and pandas's NA are unknown and stay empty.

    Raises:
        ExportError: for columns or rows that do not fit together.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]

    def __post_init__(self) -> None:
        if not self.columns:
            raise ExportError(f"{self.name!r} has no columns.")
        twice = [name for name, count in Counter(self.headers).items() if count > 1]
        if twice:
            raise ExportError(f"{self.name!r} has more than one column {', '.join(twice)}.")
        width = len(self.columns)
        for number, row in enumerate(self.rows, 1):
            if len(row) != width:
                raise ExportError(f"Row {number} has {len(row)} values for {width} columns.")

    @property
    def headers(self) -> tuple[str, ...]:
        """What heads its columns in every file."""
        return tuple(column.header for column in self.columns)

    def cells(self) -> list[list[Cell]]:
        """The plain values, one list a column.

        Raises:
            ExportError: for a value that is none of its column's kind; names column and row.
        """
        return [self._cells(place) for place in range(len(self.columns))]

    def _cells(self, place: int) -> list[Cell]:
        column, cells = self.columns[place], list[Cell]()
        try:
            for row in self.rows:
                cells.append(plain(column.kind, row[place]))
        except ExportError as error:
            raise ExportError(f"{column.header}, row {len(cells) + 1}: {error}.") from error
        return cells
