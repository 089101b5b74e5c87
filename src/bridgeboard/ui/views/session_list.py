"""The list of sessions: order, columns, paging, totals, files."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis.runner import answer
from bridgeboard.exports import Column as SheetColumn
from bridgeboard.exports import Sheet
from bridgeboard.model import accuracy
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.errors import CursorError
from bridgeboard.model.metrics import METRICS
from bridgeboard.queries.session_columns import COLUMNS, PART_OF_IT, Column
from bridgeboard.queries.session_detail import Owner, owners
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.session_list import Order, Page, SessionRow, beyond, listing, page
from bridgeboard.queries.session_totals import Sums, Totals
from bridgeboard.queries.typed_rows import typed
from bridgeboard.ui import navigation, runner, url
from bridgeboard.ui.components import (
    clock,
    data_table,
    downloads,
    notices,
    pager,
    tables,
)
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.components.tables import Inexact
from bridgeboard.ui.url_parameters import AFTER, BEFORE
from bridgeboard.ui.views import session_filters

PAGE: Final = 50
BLOCK: Final = 1_000
EXPORTED: Final = 20_000
"""Sessions that a file has at most; it says so."""
USUAL: Final = (
    "last_active_at",
    "person",
    "client",
    "models",
    "extent",
    "cost",
    "total_tokens",
    "duration_seconds",
    "threads",
    "tool_calls",
    "tool_errors",
    "cache_hit_rate",
)
SORT: Final = url.one_of("sort", COLUMNS, "last_active_at")
UP: Final = url.switch("up")
SHOWN: Final = url.some_of("columns", COLUMNS, USUAL)
OPENED: Final = "opened_session"
DRAWN: Final = "drawn_sessions"
VISITS: Final = "visits"
OTHERS: Final = "Not in any session"
TOGETHER: Final = "Everything in this period"
PARTS: Final = (
    'Extent "part": only a part of the session lies in this period and passes the filters, and the'
    ' row\'s numbers are of that part. Those of all of it are in the columns "Whole session".'
)
_LONGEST: Final = 44


def show(find: Find, now: Chosen) -> None:
    """The head of the list, its totals, the table, and the ways to other pages of it."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="sessions-head"):
        place = st.container(width="stretch")
        order = _order()
        columns = _columns_chosen()
    sums = runner.current().session_sums(find)
    shown, first = _page(find, order, sums.sessions)
    place.markdown(formats.span(first, len(shown.rows), sums.sessions, "session"))
    if not shown.rows:
        _nothing(now)
        return
    _sums(sums, columns, find)
    _table(shown.rows, columns)
    with st.container(horizontal=True, vertical_alignment="center", key="sessions-foot"):
        pager.turn("Previous", {BEFORE: shown.before} if shown.before else None)
        pager.turn("Next", {AFTER: shown.after} if shown.after else None)
        _files(find, order, sums, now)


def follow_choice() -> None:
    """Leave for the session whose row the reader chose, by its button or with the keyboard.

    To be called before the list is read again: a newer list may have another session in that row.
    """
    pressed = st.session_state.get(OPENED)
    selected = st.session_state.get(_table_key(), {}).get("selection", {}).get("rows", [])
    rows = [pressed["row"]] if pressed else selected
    drawn: list[dict[str, str]] = st.session_state.get(DRAWN, [])
    for chosen in (drawn[row] for row in rows if row < len(drawn)):
        leave_for(chosen)


def leave_for(place: dict[str, str]) -> None:
    """Open a session's page; Back leads to this list as it is."""
    st.session_state[VISITS] = st.session_state.get(VISITS, 0) + 1
    clock.remember("sessions", place)
    st.switch_page(navigation.SESSION, query_params={**place, **url.everywhere()})


def addresses(keys: Sequence[int]) -> dict[int, dict[str, str]]:
    """The query parameters of sessions, by our keys."""
    rows = typed(Owner, runner.current().ask(owners(tuple(keys))).rows)
    return {owner.session: navigation.session(owner.id, owner.initiator_id) for owner in rows}


def _order() -> Order:
    name = st.selectbox(
        "Sort by",
        list(COLUMNS),
        format_func=lambda each: COLUMNS[each].label,
        width=190,
        **SORT.widget_arguments(),
    )
    upwards = st.checkbox("Smallest first", **UP.widget_arguments())
    return Order(str(name), descending=not upwards)


def _columns_chosen() -> list[Column]:
    with st.popover("Columns", icon=":material/view_column:", type="tertiary", key="column-picker"):
        chosen = st.multiselect(
            "Columns",
            list(COLUMNS),
            format_func=lambda name: COLUMNS[name].label,
            **SHOWN.widget_arguments(),
        )
    return [COLUMNS[name] for name in chosen or USUAL]


def _page(find: Find, order: Order, count: int) -> tuple[Page, int]:
    """The page that the address names, and the place of its first row from 1 on.

    It is the first page for an address that names none.
    """
    for name in (AFTER, BEFORE):
        if cursor := st.query_params.get(name):
            try:
                answer = _page_of(find, order, **{name: cursor})
                rest = runner.current().ask(beyond(find, order, **{name: cursor})).only["sessions"]
            except CursorError:
                notices.remark(
                    "This link names a place that is not in this list. Here is its beginning."
                )
                break
            if answer.rows:
                first = count - rest + 1 if name == AFTER else rest - len(answer.rows) + 1
                return answer, first
    return _page_of(find, order), 1


def _page_of(find: Find, order: Order, **place: str) -> Page:
    answer = runner.current().ask(listing(find, order, limit=PAGE, **place))
    return page(answer, order, limit=PAGE, **place)


def _nothing(now: Chosen) -> None:
    if session_filters.is_narrowed() or now.scope.include or now.scope.exclude:
        notices.empty("No session matches these filters in this period.")
        if session_filters.is_narrowed():
            st.button("Clear the filters above", key="clear-finds", on_click=session_filters.reset)
        return
    notices.empty("No session has a request in this period. Choose a longer one.")


def _sums(sums: Sums, columns: Sequence[Column], find: Find) -> None:
    """The sums over the whole list, whatever page of it is shown.

    What is in no session has a line of its own, so that all together is what every other page says
    of the same period and filters.
    """
    named = [one for one in columns if hasattr(sums.listed, one.name)]
    if not named:
        return
    lines = [(_all(sums), sums.listed)]
    if find.is_about_requests and sums.others.rows:
        lines += [(OTHERS, sums.others), (TOGETHER, sums.whole)]
    tables.show(
        [(name, *(_sum_word(one, line, sums) for one in named)) for name, line in lines],
        [
            tables.Column("Sums"),
            *(tables.Column(one.label, "words", one.definition) for one in named),
        ],
        key="sessions-total",
        label="Sums",
        is_sortable=False,
    )


def _all(sums: Sums) -> str:
    how = accuracy.accuracy("sessions", {**sums.listed.by_metric, "sessions": sums.sessions})
    return f"All {formats.MARKS.get(how.standing, '')}{formats.plural(sums.sessions, 'session')}"


def _sum_word(one: Column, line: Totals, sums: Sums) -> str:
    """A sum; a lower bound, too, where no request is known of some of the sessions listed."""
    how = accuracy.accuracy(one.metric, line.by_metric) if one.metric else EXACT
    is_sum = METRICS[one.metric].additive if one.metric else one.summed
    if sums.unread and line is sums.listed and is_sum:
        how = accuracy.together((how, Accuracy("at_least")))
    return formats.number(getattr(line, one.name), one.kind, how.standing)


def _table(rows: Sequence[SessionRow], columns: Sequence[Column]) -> None:
    known = addresses([row.session for row in rows])
    st.session_state[DRAWN] = [known[row.session] for row in rows]
    opens = data_table.Column("open", "Open", look=_OPEN)
    new_tab = data_table.Column("new_tab", "New tab", look=_NEW_TAB)
    with st.container(key="box-sessions"):
        data_table.show(
            [_line(row, columns, known[row.session]) for row in rows],
            [opens, *map(_column, columns), new_tab],
            height="content",
            key=_table_key(),
            on_select="rerun",
            alt="Sessions; the numbers are of their part in the period that passes the filters",
        )
    if any(row.extent == PART_OF_IT for row in rows):
        st.caption(PARTS)


def _accuracy(one: Column, row: SessionRow) -> Accuracy:
    return accuracy.accuracy(one.metric, row.numbers_of(one)) if one.metric else EXACT


def _line(row: SessionRow, columns: Sequence[Column], address: dict[str, str]) -> tuple[Any, ...]:
    cells = (_cell(row, one) for one in columns)
    return "Open", *cells, f"session?{urlencode(address)}"


def _cell(row: SessionRow, one: Column) -> Any:
    value = getattr(row, one.name)
    match one.kind:
        case "flag":
            return "yes" if value else "no"
        case "list":
            return formats.short(", ".join(map(str, value)), _LONGEST)
        case "text":
            return None if value is None else formats.short(str(value), _LONGEST)
    return Inexact.of(value, _accuracy(one, row))


def _column(one: Column) -> data_table.Column:
    kinds: dict[str, data_table.Kind] = {"time": "moment", "flag": "text", "list": "text"}
    kind: Any = kinds.get(one.kind, one.kind)
    return data_table.Column(one.name, one.label, kind, one.definition)


_OPEN: Final = st.column_config.ButtonColumn(
    "Open",
    width=70,
    pinned=True,
    type="tertiary",
    key=OPENED,
    help="Opens the session. With the keyboard: arrows to its row, then Shift+Space.",
)
_NEW_TAB: Final = st.column_config.LinkColumn(
    "New tab", display_text=":material/open_in_new:", width="small"
)


def _table_key() -> str:
    """A key of its own after every visit to a session, or the old choice would be made again."""
    return f"sessions-{st.session_state.get(VISITS, 0)}"


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
    rows: list[SessionRow] = []
    place: dict[str, str] = {}
    with runner.current().snapshot() as reader:
        while len(rows) < EXPORTED:
            listed_page = answer(reader, listing(find, order, limit=BLOCK, **place))
            shown = page(listed_page, order, limit=BLOCK, **place)
            rows += shown.rows
            if shown.after is None:
                break
            place = {AFTER: shown.after}
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
