"""Breakdown tables: metrics by a dimension, sorted and paged."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis import rankings
from bridgeboard.analysis.questions import MOST
from bridgeboard.model import accuracy, pages
from bridgeboard.model.accuracy import Accuracy
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.ui import navigation, runner, url
from bridgeboard.ui.components import data_table, downloads, export_sheets, notices, short_table
from bridgeboard.ui.components.data_table import Column
from bridgeboard.ui.components.filters import Chosen

PAGE: Final = 20
NARROWEST: Final = 420
FEW: Final = 6
NAME: Final = 40
SHORT: Final = 24


def table(
    by: str | tuple[str, ...], names: tuple[str, ...], now: Chosen, key: str, title: str
) -> None:
    """All values of a dimension with their numbers; a row opens a page or keeps only its value.

    Of several dimensions the reader chooses one. Nothing is there of people to whom sees none.
    """
    every = (by,) if isinstance(by, str) else by
    if not runner.without_people(every):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"head-{key}"):
        st.header(title, anchor=False, width="stretch")
        by = by if isinstance(by, str) else _dimension(every, key)
        known = url.among(names)
        names = tuple(
            name
            for name in names
            if METRICS[name].splits(DIMENSIONS[by])
            and (name != "sessions" or runner.tells_sessions((by,)))
        )
        order = str(
            st.selectbox(
                "Sort by",
                names,
                format_func=lambda name: METRICS[name].label,
                width=210,
                **url.one_of(f"{key}-sort", names, names[0], known=known).widget_arguments(),
            )
        )
        upwards = st.checkbox("Smallest first", **url.switch(f"{key}-up").widget_arguments())
    with notices.tile("this table"):
        way = order if upwards else f"-{order}"
        answer = runner.current().measured(names, by, now.scope, way)
        _rows(key, len(answer)).value()  # a slip in the address is told though no box reads it
        if answer.rows:
            _rows_and_controls(by, answer, len(names), now, key, order)
        elif runner.is_unknown(order):
            notices.empty(runner.NO_REQUEST)
        else:
            notices.empty("Nothing matches in this period. Drop a filter, or choose a longer one.")


def tops(tops: Sequence[tuple[str, str]], now: Chosen) -> None:
    """Short lists beside each other, of pairs of a dimension and what it is ranked by."""
    with st.grid(min_column_width=NARROWEST, gap="medium", key="tops"):
        for by, measure in [one for one in tops if runner.without_people(one[:1])]:
            with st.container(key=f"box-top-{by}"):
                compact(by, measure, now, f"top-{by}")


def compact(by: str, measure: str, now: Chosen, key: str, most: int = FEW) -> None:
    """The largest few values of a dimension by one number, with bars, and how many there are."""
    many = _plural(by)
    with notices.tile(f"the top {many}"):
        answer = runner.current().measured((measure,), by, now.scope, f"-{measure}")
        rows = answer.rows[:most]
        shares = _shares(by, measure, answer, 0, most)
        hows = [accuracy.accuracy(measure, row) for row in answer.records()][:most]
        short_table.show(
            short_table.List(
                title=f"Top {many}",
                head=_head(by, measure, () if shares is None else ("Share",)),
                rows=_lines(rows, measure, shares, hows),
                note=_few(len(rows), len(answer), measure),
                leads=navigation.meaning(by) if navigation.leads(by) else "",
            ),
            key,
            lambda place: navigation.to(by, rows[place][0]),
        )


def _head(by: str, measure: str, more: Sequence[str]) -> list[tuple[str, str]]:
    one = METRICS[measure]
    return [(DIMENSIONS[by].label, ""), (one.label, one.definition), *((each, "") for each in more)]


def _lines(
    rows: Sequence[tuple[Any, ...]],
    measure: str,
    shares: list[float] | None,
    hows: Sequence[Accuracy],
) -> list[short_table.Row]:
    longest = max([*(shares or ()), 1e-9])
    bars = [(share / longest, formats.rate(share)) for share in shares or ()]
    return [
        short_table.Row(
            name=shown(row[0], SHORT),
            full=f"{formats.visible(str(row[0]))}, {in_words(row[1], measure, hows[place])}",
            cells=(formats.number(row[1], METRICS[measure].format, at_least=hows[place].is_bound),),
            share=bars[place] if bars else None,
        )
        for place, row in enumerate(rows)
    ]


def in_words(value: Any, measure: str, how: Accuracy) -> str:
    """A number with all its digits, how it stands unless it is exact, and what it counts."""
    one = METRICS[measure]
    digits = formats.exact_number(value, one.format)
    phrase = digits if how.standing == "exact" else how.phrase(digits)
    return f"{phrase} {one.label.lower()}"


def _few(shown: int, count: int, measure: str) -> str:
    if not count:
        return runner.NO_REQUEST if runner.is_unknown(measure) else "None in this period."
    words = f"{shown} of {count:,}" if count > shown else f"All {shown}"
    return f"{words}, by {METRICS[measure].label.lower()}"


def _dimension(every: Sequence[str], key: str) -> str:
    names = runner.without_people(every)
    known = url.among(every)
    chosen = st.selectbox(
        "By",
        names,
        format_func=lambda name: DIMENSIONS[name].label,
        width=170,
        **url.one_of(f"{key}-by", names, names[0], known=known).widget_arguments(),
    )
    return str(chosen)


def _rows_and_controls(  # noqa: PLR0917  # all that a table is made of
    by: str, answer: Answer, shown: int, now: Chosen, key: str, order: str
) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"foot-{key}"):
        place = st.container(width="stretch")
        name = f"{DIMENSIONS[by].label} table"
        make = partial(export_sheets.of, answer, name)
        downloads.later(name, make, now, key=key, count=len(answer))
        first = _first(len(answer), key)
    rows = answer.rows[first : first + PAGE]
    place.caption(f"{_span(by, first, len(rows), answer)}{_whole(by, order, now)}")
    names = answer.columns[1 : 1 + shown]
    shares = _shares(by, order, answer, first, PAGE)
    _table(by, names, _marked(answer.columns, rows, names), key, shares)


def _marked(
    columns: Sequence[str], rows: Sequence[tuple[Any, ...]], names: Sequence[str]
) -> list[tuple[Any, ...]]:
    """The rows' names and numbers, those that are lower bounds as such."""
    return [
        (
            row[0],
            *(
                data_table.AtLeast(record[name])
                if accuracy.accuracy(name, record).is_bound
                else record[name]
                for name in names
            ),
        )
        for row in rows
        for record in [dict(zip(columns, row, strict=True))]
    ]


def _first(count: int, key: str) -> int:
    """The place of the first row to show, as the reader chooses."""
    starts = range(0, count, PAGE)
    if len(starts) == 1:
        return 0
    chosen = st.selectbox(
        "Rows",
        starts,
        format_func=lambda start: f"{start + 1}-{min(start + PAGE, count)}",
        width=120,
        **_rows(key, count).widget_arguments(),
    )
    return int(chosen or 0)


def _rows(key: str, count: int) -> url.Parameter[int]:
    """The place of the first row; an address has it from 1 on."""
    starts = range(0, count, PAGE)
    return url.one_of(f"{key}-rows", starts, 0, lambda start: str(start + 1), _start)


def _start(word: str) -> int:
    """The place of the first row of some page of any table. Raises ValueError for another."""
    place = int(url.number(word)) - 1
    if str(place + 1) != word or place % PAGE:
        raise ValueError(word)
    return place


def _span(by: str, first: int, shown: int, answer: Answer) -> str:
    one, many = pages.nouns(by)
    capped = ", the largest of more" if len(answer) >= MOST else ""
    count = formats.plural(len(answer), one, many)
    if shown == len(answer):
        return count + capped
    return f"{first + 1:,}-{first + shown:,} of {count}{capped}"


def _whole(by: str, order: str, now: Chosen) -> str:
    if not METRICS[order].adds_up(DIMENSIONS[by]):
        return ""
    one = METRICS[order]
    totals = runner.current().totals((order,), now.scope)
    is_bound = accuracy.accuracy(order, totals).is_bound
    whole = formats.number(totals[order], one.format, at_least=is_bound)
    return f" · {whole} {one.label.lower()} in all"


def _shares(by: str, measure: str, answer: Answer, first: int, shown: int) -> list[float] | None:
    """Shares of the whole of some rows from the first on; None where parts do not add up to one."""
    values = answer.column(measure)
    total = sum(value or 0 for value in values) if len(values) < MOST else None
    every = rankings.shares(measure, by, values, total)
    return every and every[first : first + shown]


def _plural(by: str) -> str:
    return pages.nouns(by)[1]


def _table(
    by: str,
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    key: str,
    shares: list[float] | None,
) -> None:
    lines = [
        (shown(row[0], NAME), *(() if shares is None else (shares[place],)), *row[1:])
        for place, row in enumerate(rows)
    ]
    with st.container(key=f"box-{key}"):
        data_table.show(
            lines,
            _columns(by, names, key, [row[0] for row in rows], shares),
            height="content",
            key=f"rows-{key}",
            alt=f"{DIMENSIONS[by].label}: {', '.join(METRICS[name].label for name in names)}",
        )


def _columns(
    by: str, names: Sequence[str], key: str, values: list[str], shares: list[float] | None
) -> list[Column]:
    label = DIMENSIONS[by].label
    if navigation.leads(by):
        first: Any = st.column_config.ButtonColumn(
            label,
            type="tertiary",
            alignment="left",
            pinned=True,
            key=f"pressed-{key}",
            on_click=navigation.follow,
            args=(by, values, f"pressed-{key}"),
            help=navigation.meaning(by),
        )
    else:
        first = st.column_config.TextColumn(label, pinned=True)
    columns = [Column("name", label, look=first)]
    if shares is not None:
        bar = st.column_config.ProgressColumn(
            "Share", format="percent", min_value=0, max_value=max([*shares, 1e-9])
        )
        columns.append(Column("share", "Share", "rate", look=bar))
    metrics = [METRICS[name] for name in names]
    return columns + [Column(one.name, one.label, one.format, one.definition) for one in metrics]


def shown(value: object, longest: int) -> str:
    """A recorded name on one line of at most so many characters."""
    return formats.short(str(value), longest)
