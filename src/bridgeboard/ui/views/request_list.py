"""The list of requests on the page Interceptions: filters, paging, position."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis import request_list, sync_history
from bridgeboard.analysis.request_list import RequestPage
from bridgeboard.exports import Sheet
from bridgeboard.model.scope import Scope
from bridgeboard.queries.request_list import NEWEST_FIRST, Interception, Order
from bridgeboard.queries.typed_rows import Key
from bridgeboard.ui import runner, url, url_values
from bridgeboard.ui.components import clock, data_quality, downloads, filters, notices, pager
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.url_parameters import AFTER, BEFORE
from bridgeboard.ui.views import request_table

ERRORS: Final = url_values.switch("errors")
EXPORTED: Final = 100_000
"""Requests that a file has at most; the menu says so."""
NARROWED: Final = {"tool": "tools", "server": "servers", "status": "statuses"}
"""Dimension → its parameter, of the filters that only this page has."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KEY: Final = re.compile(r"(?:(-?\d{1,30})?\.)?(\d{1,16})\.(-?\d{1,18})", re.ASCII)
_MICROSECOND: Final = timedelta(microseconds=1)


def show(now: Chosen) -> None:
    """The filters of this page, the list, and its files."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="requests-filters"):
        errors = _pickers()
    narrowed = filters.narrowed(now.scope, NARROWED)
    _tell_kind(narrowed)
    order = Order(str(request_table.SORT.value()), descending=not request_table.UP.value())
    after, before = (_place_named(name, order) for name in (AFTER, BEFORE))
    answer = request_list.page(
        runner.current(), narrowed, order, errors_only=errors, after=after, before=before
    )
    if not answer.rows:
        is_narrowed = errors or bool(narrowed.include or narrowed.exclude)
        _tell_nothing(answer.count, is_narrowed=is_narrowed)
        return
    _turning(answer, order, replace(now, scope=narrowed), errors_only=errors)
    request_table.page(answer.rows, order)


def cursor(key: Key, order: Order = NEWEST_FIRST) -> str:
    """A place in the list as addresses have it: microseconds since 1970 and our key.

    In another order than the usual one, that order and the value that decides are before them.
    """
    value = "" if key.value is None else key.value
    first = "" if order == NEWEST_FIRST else f"{order}.{value}."
    return f"{first}{(key.started_at - _EPOCH) // _MICROSECOND}.{key.usage}"


def _place_named(name: str, order: Order) -> Key | None:
    word = st.query_params.get(name, "")
    key = _key(word, order)
    if word and key is None:
        url.complain(f"{name}={word}")
    return key


def _key(word: str, order: Order) -> Key | None:
    match = _KEY.fullmatch(word.removeprefix(f"{order}."))
    if match is None:
        return None
    value, at, usage = match.groups()
    try:
        key = Key(_EPOCH + int(at) * _MICROSECOND, int(usage), int(value) if value else None)
    except OverflowError:
        return None
    return key if cursor(key, order) == word else None


def _pickers() -> bool:
    """The filters that only this page has; whether only errors are wanted."""
    filters.own_pickers(NARROWED, width=260)
    return st.checkbox(
        "Errors only",
        help="Requests with a tool call that failed, or that are known to have failed.",
        **ERRORS.widget_arguments(),
    )


def _tell_nothing(count: int, *, is_narrowed: bool) -> None:
    if count:
        notices.empty("No request comes after the one at which this link begins.")
        pager.turn("First", {}, type="tertiary")
        return
    otherwise = (
        "No request of this period passes the filters. Remove one, or choose a longer period."
        if is_narrowed
        else "No request began in this period, or none has ended yet. Choose a longer one."
    )
    notices.empty(data_quality.why_empty(otherwise, "No request"))


def _tell_kind(scope: Scope) -> None:
    """On servers that list no single requests: say so, and what the store has all the same."""
    runs = runner.current().read(lambda reader: sync_history.runs(reader, 1))
    if not runs or runs[0].generation != "sessions":
        return
    newest = request_list.newest_listed(runner.current())
    notices.remark(f"{_GONE} {_note_of_limit(newest, scope)} {_SUMS}")


def _note_of_limit(newest: Interception | None, scope: Scope) -> str:
    if newest is None:
        return "There are none from before."
    here = runner.current().totals(("requests",), scope.only("accuracy", "exact"))["requests"]
    until = formats.moment(newest.started_at, clock.zone())
    return (
        f"Those from before are still here, the last of {until}; "
        f"{formats.plural(here, 'of them is', 'of them are')} among those chosen here."
    )


_GONE: Final = (
    "This server no longer lists single requests: versions from v2.35 on list sessions only."
)
_SUMS: Final = (
    "Also listed are requests known from the details of sessions: those with tool calls, and the "
    "first of each thread, with tokens as sums and without an end."
)


def _turning(answer: RequestPage, order: Order, now: Chosen, *, errors_only: bool) -> None:
    """Which rows these are, the ways to those beside, and the files."""
    words = f"{_words(answer, errors_only=errors_only)}, {request_table.order_words(order)}"
    with st.container(horizontal=True, vertical_alignment="center", key="requests-turn"):
        st.markdown(words, width="stretch")
        before = {BEFORE: cursor(answer.rows[0].key, order)} if answer.has_before else None
        after = {AFTER: cursor(answer.rows[-1].key, order)} if answer.has_after else None
        pager.turn("First", {} if answer.has_before else None, type="tertiary")
        pager.turn("Previous", before, type="tertiary")
        pager.turn("Next", after, type="tertiary")
        _files(answer.count, order, now, errors_only=errors_only)


def _files(count: int, order: Order, now: Chosen, *, errors_only: bool) -> None:
    """The files of all requests of the list, read when one of them is asked for."""
    many = min(count, EXPORTED)
    capped = "" if many == count else f", the first of {count:,}"
    words = (
        f"{formats.plural(many, 'request')}{capped}, with all digits and a note of what they are "
        "about."
    )

    def make() -> Sheet:
        with runner.current().snapshot() as reader:
            rows = request_list.first_requests(
                reader, now.scope, order, errors_only=errors_only, most=EXPORTED
            )
            return request_table.sheet(rows, "Requests")

    downloads.later("Requests", make, now, key="requests", count=many, words=words)


def _words(answer: RequestPage, *, errors_only: bool) -> str:
    noun = "request with an error" if errors_only else "request"
    many = "requests with an error" if errors_only else "requests"
    count = formats.plural(answer.count, noun, many)
    shown = len(answer.rows)
    if shown == answer.count:
        return count
    if answer.first == 1:
        return f"First {shown:,} of {count}"
    return f"{answer.first:,}-{answer.first + shown - 1:,} of {count}"
