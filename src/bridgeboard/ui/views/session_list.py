"""The list of sessions: order, columns, paging, totals, files."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis import session_list
from bridgeboard.exports import Column as SheetColumn
from bridgeboard.exports import Sheet
from bridgeboard.model import accuracy
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.errors import CursorError
from bridgeboard.model.metrics import METRICS
from bridgeboard.queries.session_columns import COLUMNS, PART_OF_IT, Column
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.session_list import Order, Page, SessionRow
from bridgeboard.queries.session_totals import Sums, Totals
from bridgeboard.ui import navigation, runner, url, url_values
from bridgeboard.ui.components import data_quality, downloads, notices, pager, tables
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.components.tables import Inexact
from bridgeboard.ui.url_parameters import AFTER, BEFORE
from bridgeboard.ui.views import session_filters

PAGE: Final = 50
EXPORTED: Final = 20_000
"""Sessions that a file has at most; it says so."""
USUAL: Final = (
    "last_active_at",
    "person",
    "client",
    "models",
    "cost",
    "total_tokens",
    "duration_seconds",
    "threads",
    "tool_calls",
    "tool_errors",
    "cache_hit_rate",
    "extent",
)
SORT: Final = url_values.one_of("sort", COLUMNS, "last_active_at")
UP: Final = url_values.switch("up")
SHOWN: Final = url_values.some_of("columns", COLUMNS, USUAL)
OTHERS: Final = "Not in any session"
TOGETHER: Final = "Everything in this period"
PARTS: Final = (
    'Extent "part": only a part of the session lies in this period and passes the filters, and the'
    ' row\'s numbers are of that part. Those of all of it are in the columns "Whole session".'
)
_LONGEST: Final = 32
_NUMBERS: Final = frozenset({"count", "money", "rate", "seconds"})


def show(find: Find, now: Chosen) -> None:
    """The head of the list, its totals, the table, and the ways to other pages of it."""
    order = Order(str(SORT.value()), descending=not UP.value())
    with st.container(horizontal=True, vertical_alignment="bottom", key="sessions-head"):
        place = st.container(width="stretch")
        columns = _columns_chosen(order)
    sums = runner.current().session_sums(find)
    shown, first = _page(find, order, sums.sessions)
    place.markdown(formats.span(first, len(shown.rows), sums.sessions, "session"))
    if not shown.rows:
        _nothing(now)
        return
    _table(shown.rows, columns, order, _sums(sums, columns, find))
    with st.container(horizontal=True, vertical_alignment="center", key="sessions-foot"):
        pager.turn("Previous", {BEFORE: shown.before} if shown.before else None)
        pager.turn("Next", {AFTER: shown.after} if shown.after else None)
        _files(find, order, sums, now)


def addresses(keys: Sequence[int]) -> dict[int, dict[str, str]]:
    """The query parameters of sessions, by our keys."""
    owners = session_list.owners(runner.current(), keys)
    return {owner.session: navigation.session(owner.id, owner.initiator_id) for owner in owners}


def _columns_chosen(order: Order) -> list[Column]:
    """The columns to show: one that names the session first, and that of the order in any case."""
    labels = {name: column.label for name, column in COLUMNS.items()}
    names = list(tables.column_picker(labels, SHOWN, "column-picker") or USUAL)
    if COLUMNS[names[0]].kind in _NUMBERS:
        names.insert(0, USUAL[0])
    if order.name not in names:
        names.insert(1, order.name)
    return [COLUMNS[name] for name in dict.fromkeys(names)]


def _page(find: Find, order: Order, count: int) -> tuple[Page, int]:
    """The page that the address names, and the place of its first row from 1 on.

    It is the first page for an address that names none.
    """
    for name in (AFTER, BEFORE):
        if cursor := st.query_params.get(name):
            try:
                shown, first = session_list.placed_page(
                    runner.current(), find, order, count, limit=PAGE, **{name: cursor}
                )
            except CursorError:
                notices.remark(
                    "The place that this link names is not in this list. Here is the first page."
                )
                break
            if shown.rows:
                return shown, first
    return session_list.page(runner.current(), find, order, limit=PAGE), 1


def _nothing(now: Chosen) -> None:
    if session_filters.is_narrowed() or now.scope.include or now.scope.exclude:
        notices.empty("No session matches these filters in this period.")
        if session_filters.is_narrowed():
            st.button(
                "Clear the filters above",
                key="clear-sessions",
                on_click=session_filters.reset,
            )
        return
    notices.empty(
        data_quality.why_empty(
            "No session has a request in this period. Choose a longer one.", "No session"
        )
    )


def _sums(sums: Sums, columns: Sequence[Column], find: Find) -> list[list[Any]]:
    """Rows of the sums over the whole list, whatever page of it is shown.

    What is in no session has a row of its own, so that all together is what every other page says
    of the same period and filters.
    """
    if not any(hasattr(sums.listed, one.name) for one in columns):
        return []
    lines = [(_all(sums), sums.listed)]
    if find.is_about_requests and sums.others.rows:
        lines += [(OTHERS, sums.others), (TOGETHER, sums.whole)]
    return [[name, *(_sum(one, line, sums) for one in columns[1:])] for name, line in lines]


def _all(sums: Sums) -> str:
    how = accuracy.accuracy("sessions", {**sums.listed.by_metric, "sessions": sums.sessions})
    return f"All {formats.MARKS.get(how.standing, '')}{formats.plural(sums.sessions, 'session')}"


def _sum(one: Column, line: Totals, sums: Sums) -> Any:
    """A sum; a lower bound, too, where no request is known of some of the sessions listed."""
    if not hasattr(line, one.name):
        return ""
    how = accuracy.accuracy(one.metric, line.by_metric) if one.metric else EXACT
    is_sum = METRICS[one.metric].additive if one.metric else one.summed
    if sums.unread and line is sums.listed and is_sum:
        how = accuracy.together((how, Accuracy("at_least")))
    return Inexact.of(getattr(line, one.name), how)


def _table(
    rows: Sequence[SessionRow],
    columns: Sequence[Column],
    order: Order,
    totals: Sequence[Sequence[Any]],
) -> None:
    """The page of sessions; a press on a head sorts the whole list and leads to its beginning."""
    with st.container(key="box-sessions"):
        tables.show(
            [[_cell(row, one) for one in columns] for row in rows],
            [_column(columns[0], _links(rows)), *map(_column, columns[1:])],
            key="sessions-table",
            label="Sessions; the numbers are of their part in the period that passes the filters",
            totals=totals,
            order=tables.Order(columns.index(COLUMNS[order.name]), upwards=not order.descending),
            on_sort=partial(
                tables.write_order, sort=SORT, up=UP, names=[one.name for one in columns]
            ),
            is_part=True,
        )
    if any(row.extent == PART_OF_IT for row in rows):
        st.caption(PARTS)


def _accuracy(one: Column, row: SessionRow) -> Accuracy:
    return accuracy.accuracy(one.metric, row.numbers_of(one)) if one.metric else EXACT


def _links(rows: Sequence[SessionRow]) -> tables.Links:
    known = addresses([row.session for row in rows])
    ends = [{**known[row.session], **url.everywhere()} for row in rows]
    return tables.Links("session?", [urlencode(end, doseq=True) for end in ends])


def _column(one: Column, links: tables.Links | None = None) -> tables.Column:
    meaning = f"{one.definition} Opens the session." if links else one.definition
    return tables.Column(one.label, _kind(one), meaning, longest=_LONGEST, links=links)


def _cell(row: SessionRow, one: Column) -> Any:
    if one.name == "models":
        return _models(row.models)
    value = _plain(one, row)
    if one.kind == "list":
        return value or None
    return Inexact.of(value, _accuracy(one, row))


def _models(ids: Sequence[str]) -> str | tables.Words | None:
    """What models are called: the first and how many more, where there is no room for all."""
    names = sorted({runner.model_name(model, "") for model in ids}, key=str.lower)
    whole = ", ".join(names)
    if len(names) <= 1 or len(whole) <= _LONGEST:
        return whole or None
    more = f" +{len(names) - 1}"
    return tables.Words(formats.short(names[0], _LONGEST - len(more)) + more, whole)


def _files(find: Find, order: Order, sums: Sums, now: Chosen) -> None:
    """All sessions of the list with all columns, read when a file is asked for."""
    many = min(sums.sessions, EXPORTED)
    capped = "" if many == sums.sessions else f", the first of {sums.sessions:,}"
    words = (
        f"{formats.plural(many, 'session')}{capped}, with all columns and digits and a note of "
        "what they are about."
    )
    downloads.later(
        "Sessions", lambda: _sheet(find, order), now, key="sessions", count=many, words=words
    )


def _sheet(find: Find, order: Order) -> Sheet:
    """All of it in one state of the store, and none of it kept."""
    with runner.current().snapshot() as reader:
        rows = session_list.first_sessions(reader, find, order, most=EXPORTED)
    columns = tuple(_sheet_column(one, rows) for one in COLUMNS.values())
    return Sheet("Sessions", columns, tuple(map(_sheet_row, rows)))


def _sheet_row(row: SessionRow) -> tuple[Any, ...]:
    return tuple(_plain(one, row) for one in COLUMNS.values())


def _kind(one: Column) -> Any:
    return {"time": "moment", "list": "text", "flag": "text"}.get(one.kind, one.kind)


def _plain(one: Column, row: SessionRow) -> Any:
    value = getattr(row, one.name)
    if one.kind == "list":
        return ", ".join(value)
    return ("yes" if value else "no") if one.kind == "flag" else value


def _sheet_column(one: Column, rows: Sequence[SessionRow]) -> SheetColumn:
    column = SheetColumn(one.name, one.label, _kind(one), one.definition)
    if not one.metric:
        return column
    how = accuracy.column_accuracy(one.metric, (row.numbers_of(one) for row in rows))
    return downloads.with_accuracy(column, how)
