"""Breakdown tables: metrics by a dimension, sorted and paged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis import rankings
from bridgeboard.analysis.movers import Move
from bridgeboard.analysis.questions import MOST
from bridgeboard.model import accuracy, pages
from bridgeboard.model.accuracy import Accuracy
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.ui import navigation, runner, url_values
from bridgeboard.ui.components import breakdown_columns, downloads, notices, pager, tables, trend
from bridgeboard.ui.components.breakdown_columns import BY_NAME, CHANGE, TREND
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.components.tables import Column, Inexact, Order, text_key

OLD_PAGE: Final = 20
"""Rows of a page in addresses of an earlier time."""
NARROWEST: Final = 420
NAME: Final = 40


@dataclass(frozen=True)
class _Asked:
    """The table of a dimension's values.

    Attributes:
        by: the dimension.
        measure: what changes and trends are about.
        columns: what each column is called in addresses.
        key: begins its parameters.
    """

    by: str
    measure: str
    columns: tuple[str, ...]
    now: Chosen
    key: str
    sort_by: url_values.Parameter[str]
    upwards: url_values.Parameter[bool]

    @property
    def names(self) -> tuple[str, ...]:
        """The numbers that are asked for: those shown, or what the others are about."""
        return tuple(name for name in self.columns if name in METRICS) or (self.measure,)

    @property
    def order(self) -> Order:
        """What the address says."""
        place = self.columns.index(self.sort_by.value() or self.measure)
        return Order(place, upwards=bool(self.upwards.value()))

    def moves(self) -> Mapping[str, Move]:
        """How each value changed; none where no column says so."""
        if CHANGE not in self.columns:
            return {}
        return breakdown_columns.moves(self.measure, self.by, self.now)

    def sort(self, order: Order) -> None:
        """Write an order into the address; for callbacks."""
        tables.write_order(order, self.sort_by, self.upwards, self.columns)


def table(
    by: str | tuple[str, ...], names: tuple[str, ...], now: Chosen, key: str, title: str
) -> None:
    """All values of a dimension with their numbers; a name opens a page or keeps only its value.

    Of several dimensions the reader chooses one. Nothing is there of people to whom sees none.
    """
    every = (by,) if isinstance(by, str) else by
    if not runner.without_people(every):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"head-{key}"):
        st.header(title, anchor=False, width="stretch")
        by = by if isinstance(by, str) else _dimension(every, key)
    usual = names
    names = tuple(name for name in names if breakdown_columns.can_split(name, by))
    with notices.tile("this table"):
        asked = _asked(by, names[0], breakdown_columns.chosen(key, usual), now, key)
        answer = _answer(asked)
        _rows(key, len(answer)).value()  # a slip in the address is told though no box reads it
        if answer.rows:
            _rows_and_controls(asked, answer, usual)
        else:
            notices.empty(trend.nothing(now, asked.names[0]))


def _asked(by: str, measure: str, chosen: Sequence[str], now: Chosen, key: str) -> _Asked:
    """What the address says: the order, and the columns, with that of the order in any case."""
    every = (BY_NAME, CHANGE, *pages.COLUMNS)
    able = (name for name in pages.COLUMNS if breakdown_columns.can_split(name, by))
    compares = breakdown_columns.compares(now)
    orders = (BY_NAME, *((CHANGE,) if compares else ()), *able)
    sort_by = url_values.one_of(f"{key}-sort", orders, measure, known=url_values.among(every))
    order = sort_by.value() or measure
    columns = breakdown_columns.shown(chosen, by, measure, order, compares=compares)
    return _Asked(by, measure, columns, now, key, sort_by, url_values.switch(f"{key}-up"))


def _answer(asked: _Asked) -> Answer:
    """All values with their numbers, in an order."""
    order = asked.order
    name = asked.columns[order.by]
    measure = name if name in asked.names else asked.names[0]
    way = measure if order.upwards and name == measure else f"-{measure}"
    answer = runner.current().measured(asked.names, asked.by, asked.now.scope, way)
    if name == measure:
        return answer
    changes = asked.moves()

    def rank(row: Sequence[Any]) -> Any:
        if name == BY_NAME:
            return text_key(str(row[0]))
        return breakdown_columns.change(changes.get(str(row[0])), asked.measure).rank

    known = [row for row in answer.rows if rank(row) is not None]
    known.sort(key=rank, reverse=not order.upwards)
    return Answer(answer.columns, (*known, *(row for row in answer.rows if rank(row) is None)))


def in_words(value: Any, measure: str, how: Accuracy) -> str:
    """A number with all its digits, how it stands unless it is exact, and what it counts."""
    one = METRICS[measure]
    return f"{how.in_words(formats.exact_number(value, one.format))} {one.label.lower()}"


def _dimension(every: Sequence[str], key: str) -> str:
    names = runner.without_people(every)
    known = url_values.among(every)
    chosen = st.selectbox(
        "By",
        names,
        format_func=lambda name: DIMENSIONS[name].label,
        width=170,
        **url_values.one_of(f"{key}-by", names, names[0], known=known).widget_arguments(),
    )
    return str(chosen)


def _rows_and_controls(asked: _Asked, answer: Answer, usual: Sequence[str]) -> None:
    by, key, now, count = asked.by, asked.key, asked.now, len(answer)
    label, is_part = DIMENSIONS[by].label, count > tables.MOST
    if is_part or TREND not in breakdown_columns.chosen(key, usual, count):
        asked = replace(asked, columns=tuple(name for name in asked.columns if name != TREND))
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"foot-{key}"):
        place = st.container(width="stretch")
        breakdown_columns.picker(key, usual, asked.measure, count)
        name = f"{label} table"
        make = partial(downloads.sheet_of, answer, name)
        words = _held(count, asked)
        downloads.later(name, make, asked.now, key=key, count=count, words=words)
        shown = _rows(key, count).widget_arguments()
        first = pager.box("Rows", count, tables.MOST, width=170, **shown)
    records = list(answer.records())[first : first + tables.MOST]
    left_out = breakdown_columns.left_out(key, usual, by, count)
    place.caption(f"{_span(by, first, len(records), answer)}{left_out}")
    gone = [] if is_part else _gone(asked, answer)
    names = [str(each[by]) for each in (*records, *gone)]
    stretches = breakdown_columns.stretches(now, len(names)) if TREND in asked.columns else None
    # The head says what a click on a name does, to who may follow it.
    drawn = (by, asked.measure, asked.columns, asked.order, first, navigation.leads(by))
    about = ("table", drawn, now, stretches)
    body = runner.current().cached(about, lambda: _body(asked, answer, (*records, *gone), first))
    with st.container(key=f"box-{key}"):
        tables.show(
            body.leading(navigation.links(by, names)),
            key=f"rows-{key}",
            label=f"{label}: {', '.join(METRICS[name].label for name in asked.names)}",
            totals=_totals(asked),
            order=asked.order,
            on_sort=asked.sort,
            is_part=is_part,
            search=f"Search {pages.nouns(by)[1]}",
            count=count if is_part else None,
            note=_gone_in_words(by, len(gone), asked.now),
        )


def _body(
    asked: _Asked, answer: Answer, records: Sequence[Mapping[str, Any]], first: int
) -> tables.Body:
    """The rows of the table, without where they lead."""
    by, measure, now = asked.by, asked.measure, asked.now
    moved, names = asked.moves(), [str(each[by]) for each in records]
    columns, values = [replace(name_column(by, names, NAME), links=None)], [names]
    for name in asked.columns[1:]:
        if name == CHANGE:
            column = breakdown_columns.change_column(measure, now)
            cells: list[Any] = [
                breakdown_columns.change(moved.get(each), measure) for each in names
            ]
        elif name == TREND:
            column, cells = breakdown_columns.trends(measure, by, names, now, moved)
        else:
            column = _column(by, name, answer, first)
            cells = [_marked(each, (name,))[0] for each in records]
        columns.append(column)
        values.append(cells)
    return tables.Body.of(list(zip(*values, strict=True)), columns)


def _gone(asked: _Asked, answer: Answer) -> list[dict[str, Any]]:
    """Rows of the values that only the period before has."""
    known = {str(row[0]) for row in answer.rows}
    scope = asked.now.scope
    is_whole = accuracy.unsplit(scope, (accuracy.UNREAD,)) == scope
    numbers = [name for name in answer.columns if name in METRICS]
    nothing = {name: METRICS[name].empty if is_whole else None for name in numbers}
    return [
        {asked.by: name, **nothing, asked.measure: 0}
        for name, move in asked.moves().items()
        if move.is_gone and name not in known
    ]


def _gone_in_words(by: str, count: int, now: Chosen) -> str:
    values = formats.plural(count, *pages.nouns(by))
    return f"{values} had usage only in the {now.compared_with}." if count else ""


def _held(count: int, asked: _Asked) -> str:
    """What a file of the table has."""
    own = {CHANGE, TREND} & set(asked.columns)
    without = ", without changes and trends" if own else ""
    rows = formats.plural(count, "row")
    return f"{rows} with the numbers shown{without}, all digits, and a note of what they are about."


def name_column(by: str, names: Sequence[str], longest: int) -> Column:
    """The first column: values of a dimension, which lead to more of them."""
    meaning = navigation.meaning(by) if navigation.leads(by) else ""
    links = navigation.links(by, names)
    return Column(DIMENSIONS[by].label, "text", meaning, longest=longest, links=links)


def _column(by: str, name: str, answer: Answer, first: int) -> Column:
    metric = METRICS[name]
    column = Column(metric.label, metric.format, metric.definition)
    if (shares := shares_of(by, name, answer, first, tables.MOST)) is None:
        return column
    standing = rankings.share_standing(name, answer.records())
    return replace(column, shares=shares, share_standing=standing)


def _marked(record: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    """The numbers of a row, those that are not exact as such."""
    return [Inexact.of(record[name], accuracy.accuracy(name, record)) for name in names]


def _totals(asked: _Asked) -> list[list[Any]]:
    """A row of the whole period's numbers below their parts; none if nothing adds up."""
    summed = [name for name in asked.names if METRICS[name].adds_up(DIMENSIONS[asked.by])]
    if not summed:
        return []
    whole = runner.current().totals(tuple(summed), asked.now.scope)
    totals = dict(zip(summed, _marked(whole, summed), strict=True))
    if CHANGE in asked.columns:
        totals[CHANGE] = breakdown_columns.change_of_all(asked.measure, asked.by, asked.now)
    return [["Total", *(totals.get(name, "") for name in asked.columns[1:])]]


def _rows(key: str, count: int) -> url_values.Parameter[int]:
    """The place of the first row; an address has it from 1 on."""
    starts = range(0, count, tables.MOST)

    def read(word: str) -> int:
        if (start := _start(word)) not in starts:
            raise url_values.NotOfferedError(word)
        return start

    return url_values.Parameter(f"{key}-rows", read, lambda start: str(start + 1), 0)


def _start(word: str) -> int:
    """The first row of what a word leads to, in tables of any length. Raises ValueError."""
    place = int(url_values.number(word)) - 1
    if str(place + 1) != word or place % OLD_PAGE:
        raise ValueError(word)
    return place - place % tables.MOST


def _span(by: str, first: int, shown: int, answer: Answer) -> str:
    one, many = pages.nouns(by)
    capped = ", the largest of more" if len(answer) >= MOST else ""
    count = formats.plural(len(answer), one, many)
    if shown == len(answer):
        return count + capped
    return f"{first + 1:,}-{first + shown:,} of {count}{capped}"


def shares_of(
    by: str, measure: str, answer: Answer, first: int, shown: int
) -> list[float | None] | None:
    """Shares of the whole of some rows from the first on; None where parts do not add up to one."""
    values = [value or 0 for value in answer.column(measure)]
    total = sum(values) if len(values) < MOST and min(values, default=0) >= 0 else None
    rows = islice(answer.records(), first, first + shown)
    return rankings.shares(measure, by, list(rows), total)


def shown(value: object, longest: int) -> str:
    """A recorded name on one line of at most so many characters."""
    return formats.short(str(value), longest)
