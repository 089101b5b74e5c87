"""Draws a table as HTML, with real links and with heads that sort it (``static/table.js``).

The browser sorts by ranks that are worked out here: its own numbers are doubles, which hold neither
money to the last digit nor counts beyond 2^53. What a cell shows is made by ``formats``.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import streamlit as st

from bridgeboard import formats
from bridgeboard.model.accuracy import Accuracy, Standing
from bridgeboard.ui.components import clock
from bridgeboard.ui.components.elements import element
from bridgeboard.ui.url import put
from bridgeboard.ui.url_values import Parameter, Several

Kind = Literal[
    "text", "count", "money", "limit", "rate", "seconds", "moment", "words", "change", "trend"
]
"""What a column holds: text, whole numbers, pico-USD, limits in pico-USD that somebody set, ratios,
seconds, times, numbers of unlike kinds in words, which no order holds between, differences
(``Ranked``), or courses (``Course``)."""

MOST: Final = 1_000
"""Rows of a table at most: a browser draws and sorts so many at once."""

UNSEARCHED: Final = 10
"""Rows that need no field to search them: they are seen at a glance."""

_table = element("table", '<div class="data-table">\n</div>', "follow.js", "table.js")


@dataclass(frozen=True)
class Column:
    """A column: its label, what it holds, and what that means.

    Attributes:
        meaning: for who points at the label.
        exact: whether numbers are shown with all their digits.
        longest: how many characters of a text are shown at most, on one line.
        shares: what share of the whole each value is, None where that is unknown; shown while the
            table is sorted by it.
        share_standing: how these shares stand.
        links: where its cells lead.
        is_running: whether the last stretch of time of a trend has not ended.
        is_sortable: whether its head sorts the table.
        has_bars: whether each rate has a bar that is full at 100 %, and in another colour beyond.
    """

    label: str
    kind: Kind = "text"
    meaning: str = ""
    exact: bool = False
    longest: int | None = None
    shares: Sequence[float | None] | None = None
    share_standing: Standing = "exact"
    links: "Links | None" = None
    is_running: bool = False
    is_sortable: bool = True
    has_bars: bool = False


@dataclass(frozen=True, slots=True)
class Inexact:
    """A number that is a lower bound or about right, and is shown as one."""

    value: float | None
    standing: Standing
    note: str = ""

    @classmethod
    def of(cls, value: Any, how: Accuracy) -> Any:
        """A number as tables take it: as it is where it is exact or unknown.

        An amount of which a part is not billed says so to who points at it.
        """
        if how.standing == "unknown" or (how.standing == "exact" and not how.reasons):
            return value
        return cls(value, how.standing, "; ".join(how.reasons) if how.standing == "exact" else "")


@dataclass(frozen=True, slots=True)
class Words:
    """What a cell shows as it is written here, and all that it stands for."""

    shown: str
    whole: str


@dataclass(frozen=True, slots=True)
class Ranked(Words):
    """Words that are sorted by a number; None is unknown."""

    rank: float | None


@dataclass(frozen=True, slots=True)
class Course:
    """A number over time, drawn as a line; None is a gap.

    Attributes:
        points: from 0 to 100; none where nothing is known.
        words: what the line says, for who does not see it.
    """

    points: Sequence[int | None]
    words: str


def number(value: float | None, kind: str, how: Accuracy) -> Words:
    """A number in few digits, with all of them and how it stands for who points at it."""
    shown = formats.number(value, kind, how.standing)
    return Words(shown, how.noted(formats.exact_number(value, kind)))


@dataclass(frozen=True)
class Links:
    """Where the cells of a column lead: an address for each row, cut in two.

    Attributes:
        start: what all of them begin with.
        ends: the rest of each; None for a row that leads nowhere.
    """

    start: str
    ends: Sequence[str | None]


@dataclass(frozen=True)
class Body:
    """The rows of a table as they are sent to the browser, column by column.

    They can be kept as long as no number changes; where cells lead depends on the address.
    """

    columns: Sequence[Column]
    cells: Sequence[Mapping[str, Any]]
    rows: int

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]], columns: Sequence[Column]) -> "Body":
        """The body of rows, each with a value for every column."""
        values = [[row[place] for row in rows] for place in range(len(columns))]
        return cls(columns, list(map(_column, columns, values)), len(rows))

    def leading(self, links: Links | None) -> "Body":
        """The same whose first cells lead somewhere."""
        first, *others = self.columns
        return replace(self, columns=(replace(first, links=links), *others))


@dataclass(frozen=True)
class Order:
    """The place of the column that rows are sorted by, and in which direction."""

    by: int
    upwards: bool


def show(
    rows: Sequence[Sequence[Any]] | Body,
    columns: Sequence[Column] = (),
    *,
    key: str,
    label: str,
    totals: Sequence[Sequence[Any]] = (),
    order: Order | None = None,
    on_sort: Callable[[Order], None] | None = None,
    is_part: bool = False,
    is_sortable: bool = True,
    title: str = "",
    note: str = "",
    search: str = "",
    count: int | None = None,
) -> None:
    """A table of rows, each with a value for every column; None is unknown.

    The first column names the row; a body has its columns with it. ``totals`` are rows that stay
    below all others; text of them is shown as it is. ``on_sort`` is called with the order that the
    reader chooses; where the rows are only a part of all, it has to bring those that come first.
    What is a page of a list in an order of its own is not sortable. ``title`` stands above the
    table, ``note`` below it; without rows they stand alone, and without labels no head is drawn.
    ``search`` is the label of a field above the table that keeps only rows with what is typed
    there; few rows have none. ``count`` is how many rows there are in all, where these are a part.
    """
    body = rows if isinstance(rows, Body) else Body.of(rows, columns)

    def tell() -> None:
        match st.session_state.get(key, {}).get("sorted"):  # a link may have led on meanwhile
            case [int(by), bool(up)] if on_sort and 0 <= by < len(body.columns):
                on_sort(Order(by, up))

    data: dict[str, Any] = {
        "columns": [
            _sent(column, cells, is_sortable=is_sortable and column.is_sortable)
            for column, cells in zip(body.columns, body.cells, strict=True)
        ]
    }
    data |= {"label": label, "title": title, "note": note}
    data |= {"part": is_part, "tells": on_sort is not None}
    if search and body.rows > UNSEARCHED:
        data |= {"search": search, "count": count or body.rows}
    data["order"] = order and {"by": order.by, "up": order.upwards}
    data["totals"] = [
        [
            value if isinstance(value, str) else _cell(column, value)
            for column, value in zip(body.columns, row, strict=True)
        ]
        for row in totals
    ]
    _table(key=key, data=data, on_sorted_change=tell)


def write_order(
    order: Order, sort: Parameter[str], up: Parameter[bool], names: Sequence[str]
) -> None:
    """Write an order into the address, where columns have these names; for callbacks."""
    put({sort.name: sort.words(names[order.by]), up.name: up.words(order.upwards)})


def facts(
    lines: Mapping[str, str], *, key: str, label: str, title: str = "", longest: int | None = None
) -> None:
    """Names and what each is, of at most so many characters: two columns that need no heads."""
    rows = [
        (name, value if longest is None else Words(formats.short(value, longest), value))
        for name, value in lines.items()
    ]
    show(rows, (Column(""), Column("")), key=key, label=label, title=title, is_sortable=False)


def column_picker(labels: Mapping[str, str], shown: Several[str], key: str) -> list[str]:
    """A box for the columns of a table, folded; the address keeps which are chosen."""
    with st.popover("Columns", icon=":material/view_column:", type="tertiary", key=key):
        return st.multiselect(
            "Columns",
            list(labels),
            format_func=labels.__getitem__,
            **shown.widget_arguments(),
        )


def _column(column: Column, values: Sequence[Any]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "label": column.label,
        "cells": [_cell(column, value) for value in values],
    }
    if column.kind == "trend":
        data |= {"look": "trend", "running": column.is_running}
        data["points"] = [list(value.points) for value in values]
    elif column.kind != "words":
        data["first"] = "up" if column.kind == "text" else "down"
        data["ranks"] = ranks([_key(column, value) for value in values])
    if column.meaning:
        data["meaning"] = column.meaning
    if column.kind in {"text", "moment"}:
        wraps = column.kind == "text" and column.longest is None
        data["look"] = "text wrap" if wraps else "text"
    if column.has_bars:
        data |= {"look": "level", "bars": [_bar(_key(column, value)) for value in values]}
    if column.shares is not None:
        longest = max([*filter(None, column.shares), 1e-9])
        data["shares"] = [
            [
                round(1000 * (share or 0) / longest),
                formats.number(share, "rate", column.share_standing),
            ]
            for share in column.shares
        ]
    return data


def _bar(rate: float | None) -> int | None:
    """How full the bar of a rate is, in thousandths; above 1,000 beyond all; None for no bar."""
    if rate is None:
        return None
    return round(1000 * rate) if rate <= 1 else max(round(1000 * rate), 1001)


def _sent(column: Column, cells: Mapping[str, Any], *, is_sortable: bool) -> Mapping[str, Any]:
    """A column as the browser gets it: where its cells lead, and whether its head sorts."""
    data = dict(cells)
    if not is_sortable:
        data.pop("first", None)
    if column.links:
        data["links"] = {"start": column.links.start, "ends": list(column.links.ends)}
    return data


def ranks(keys: Sequence[Any]) -> list[int | None]:
    """The place of each value among all different ones, the smallest 0; None for unknown ones."""
    places: dict[Hashable, int] = {
        key: place for place, key in enumerate(sorted({key for key in keys if key is not None}))
    }
    return [None if key is None else places[key] for key in keys]


def _key(column: Column, value: Any) -> Any:
    """What a value is sorted by; None if nothing is known of it."""
    if isinstance(value, Inexact):
        is_unknown = value.standing in {"at_least", "unpriced"} and not value.value
        return None if is_unknown else value.value
    if isinstance(value, Ranked):
        return value.rank
    if isinstance(value, Words):
        return text_key(value.shown)
    return text_key(str(value)) if column.kind == "text" and value is not None else value


def text_key(text: str) -> tuple[str, str]:
    """What text is sorted by: as in a dictionary, whatever letters are large."""
    return text.casefold(), text


def _cell(column: Column, value: Any) -> str | list[str]:
    """What a cell shows, with all that it stands for if that is more."""
    if isinstance(value, Words):
        return [formats.visible(value.shown), formats.visible(value.whole)]
    if isinstance(value, Course):
        return value.words
    words, whole = _words(column, value), _whole(column, value)
    return words if whole in {words, ""} else [words, whole]


def _words(column: Column, value: Any) -> str:
    if value is None or column.kind == "moment":
        return formats.moment(value, clock.zone())
    if column.kind in {"text", "words"}:
        text = str(value)
        return (
            formats.visible(text) if column.longest is None else formats.short(text, column.longest)
        )
    if column.exact:
        return _exactly(column, value)
    if isinstance(value, Inexact):
        return formats.number(value.value, column.kind, value.standing)
    return formats.number(value, column.kind)


def _whole(column: Column, value: Any) -> str:
    """All of a text or of an amount; nothing where the words say enough."""
    if column.kind == "text":
        return "" if value is None else formats.visible(str(value))
    if not value or column.kind not in {"count", "money", "limit"}:
        return ""
    note = value.note if isinstance(value, Inexact) else ""
    return "; ".join(filter(None, (_exactly(column, value), note)))


def _exactly(column: Column, value: Any) -> str:
    """A number with all its digits; at least nothing says nothing."""
    if not isinstance(value, Inexact):
        return formats.exact_number(value, column.kind)
    exact = formats.exact_number(value.value, column.kind)
    return formats.marked(exact, value.value, value.standing)
