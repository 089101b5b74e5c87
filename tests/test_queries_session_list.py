"""The list of sessions, against rows counted by plain Python."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from costly_laws import tried
from facts import ALWAYS, Row
from hypothesis import given
from hypothesis import strategies as st
from listed_sessions import EVERYTHING, empty, listed
from test_queries_metric_query import OF_CALLS, scopes
from test_queries_metric_query import calls as calls_passing
from test_queries_metric_query import usage as requests_passing

from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import UNKNOWN
from bridgeboard.model.errors import CursorError, ListError, MetricError
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.periods import bounds
from bridgeboard.model.scope import Scope
from bridgeboard.pricing import family
from bridgeboard.queries.metric_query import Query, select
from bridgeboard.queries.session_columns import COLUMNS, NUMBERS
from bridgeboard.queries.session_filters import Find, Range
from bridgeboard.queries.session_list import Order, Page, SessionRow, beyond, listing, page
from bridgeboard.queries.session_totals import Sums, Totals, count, total, totals

ORDERS = [Order(name, descending) for name in COLUMNS for descending in (False, True)]
SAMPLED = st.sampled_from(ORDERS)
SOME = tried(20)
FEW = tried(8)
WHOLE = Find(EVERYTHING)


def turned(find: Find, order: Order, limit: int, **place: str | None) -> Page:
    told = listed().ask(listing(find, order, limit=limit, **place))
    return page(told, order, limit=limit, **place)


def everything(find: Find, order: Order, limit: int) -> list[SessionRow]:
    rows: list[SessionRow] = []
    after = None
    while True:
        shown = turned(find, order, limit, after=after)
        rows += shown.rows
        after = shown.after
        if after is None:
            return rows


def value(row: Row, name: str) -> Any:
    told = row[name]
    if name == "models":
        told = tuple(sorted({family(model).lower() for model in told}))
    if isinstance(told, tuple):
        told = ", ".join(told) or None
    return told.lower() if isinstance(told, str) else told


def in_order(rows: list[Row], order: Order) -> list[int]:
    by_key = sorted(rows, key=lambda row: row["session"])
    known = [row for row in by_key if value(row, order.name) is not None]
    known.sort(key=lambda row: value(row, order.name), reverse=order.descending)
    unknown = [row for row in by_key if value(row, order.name) is None]
    return [row["session"] for row in (*known, *unknown)]


def keys(rows: list[SessionRow]) -> list[int]:
    return [row.session for row in rows]


def test_a_row_says_what_plain_counting_says() -> None:
    shown = everything(WHOLE, Order("started_at"), 1000)
    assert {row.session: asdict(row) for row in shown} == {
        row["session"]: row for row in listed().rows
    }


def test_the_world_has_what_makes_lists_difficult() -> None:
    rows = listed().rows
    assert any(row["requests"] is None for row in rows)
    assert any(row["cost"] is None and row["requests"] for row in rows)
    assert any(row["failed_threads"] for row in rows)
    assert {row["accuracy"] for row in rows} == {"exact", "aggregate"}
    assert {row["has_text"] for row in rows} == {True, False}


@pytest.mark.slow
def test_every_column_sorts_both_ways_with_unknown_last() -> None:
    wrong = [
        order
        for order in ORDERS
        if keys(everything(WHOLE, order, 1000)) != in_order(listed().rows, order)
    ]
    assert not wrong


@SOME
@given(SAMPLED, st.integers(1, 30))
def test_pages_of_any_size_are_the_whole_list_without_repeat_or_gap(
    order: Order, limit: int
) -> None:
    begun = sorted(row["started_at"] for row in listed().rows)
    scope = Scope(begun[3], begun[28])
    assert keys(everything(Find(scope), order, limit)) == in_order(rows_in(scope), order)


@SOME
@given(SAMPLED, st.integers(20, 60), st.integers(1, 3))
def test_turning_back_shows_the_same_pages(order: Order, limit: int, turns: int) -> None:
    pages = [turned(WHOLE, order, limit)]
    for _ in range(turns):
        if pages[-1].after:
            pages.append(turned(WHOLE, order, limit, after=pages[-1].after))
    for earlier, later in reversed(list(pairwise(pages))):
        again = turned(WHOLE, order, limit, before=later.before)
        assert again.rows == earlier.rows
        assert again.after
        assert bool(again.before) == bool(earlier.before)


@FEW
@given(SAMPLED, st.integers(15, 60))
def test_the_place_of_a_page_is_counted_from_either_side(order: Order, limit: int) -> None:
    whole = len(listed().rows)
    first, shown = 1, turned(WHOLE, order, limit)
    while shown.after:
        (rest,) = listed().ask(beyond(WHOLE, order, after=shown.after)).column("sessions")
        first += len(shown.rows)
        assert whole - rest + 1 == first
        shown = turned(WHOLE, order, limit, after=shown.after)
        assert shown.before
        (ahead,) = listed().ask(beyond(WHOLE, order, before=shown.before)).column("sessions")
        assert ahead == first - 1


@pytest.mark.parametrize("place", [{}, {"after": "x", "before": "y"}])
def test_a_place_is_on_one_side_of_one_cursor(place: dict[str, str]) -> None:
    with pytest.raises(ListError):
        beyond(WHOLE, Order(), **place)


def test_an_id_is_looked_for_whole_and_whatever_it_is() -> None:
    wanted = listed().rows[7]["id"]
    same = [row for row in listed().rows if row["id"] == wanted]
    assert keys(everything(Find(EVERYTHING, id=wanted), Order(), 50)) == in_order(same, Order())
    for other in (wanted[:-1], wanted + "%", "'; --", "\0", ""):
        assert everything(Find(EVERYTHING, id=other), Order(), 50) == []


def test_the_first_page_has_none_before_and_the_last_none_after() -> None:
    first = turned(WHOLE, Order(), 1000)
    assert (first.before, first.after) == (None, None)
    assert len(first.rows) == len(listed().rows)


def rows_in(scope: Scope) -> list[Row]:
    """The rows of a scope's list, counted by plain Python."""
    told = listed()
    passing = {row["usage"] for row in requests_passing(scope)}
    is_about_calls = any(name in OF_CALLS for name, _ in (*scope.include, *scope.exclude))
    own = [row for row in told.usage if row["usage"] in passing]
    if not is_about_calls:
        return told.rows_of(scope, own, None)
    ordinals = {(row["usage"], row["ordinal"]) for row in calls_passing(scope)}
    called = [row for row in told.calls if (row["usage"], row["ordinal"]) in ordinals]
    return told.rows_of(scope, own, called)


def rows_shown(find: Find) -> dict[int, Row]:
    return {row.session: asdict(row) for row in everything(find, Order("started_at"), 1000)}


@SOME
@given(scopes(("provider", "model", "initiator", "team", "client", "vendor", "tool", "status")))
def test_rows_are_of_the_part_of_each_session_that_is_in_the_scope(scope: Scope) -> None:
    assert rows_shown(Find(scope)) == {row["session"]: row for row in rows_in(scope)}


@SOME
@given(scopes(("model", "team", "client", "vendor", "tool", "server", "credential_kind")))
def test_the_sums_and_what_is_in_no_session_are_the_numbers_of_every_other_page(
    scope: Scope,
) -> None:
    told = total(listed().ask(totals(Find(scope))))
    names = tuple(dict.fromkeys((*told.whole.by_metric, "sessions")))
    numbers = listed().ask(select(names, (), scope)).only
    assert {**told.whole.by_metric, "sessions": told.sessions} == numbers
    assert told.listed.rows + told.others.rows == told.whole.rows
    rows = rows_shown(Find(scope)).values()
    assert told.sessions == len(rows)
    for name, metric in NUMBERS.items():
        if METRICS[metric].additive and name != "tool_errors":
            parts = [getattr(told.listed, name), getattr(told.others, name)]
            assert sum(part or 0 for part in parts) == (numbers[metric] or 0), name
            assert sum(row[name] or 0 for row in rows) == (parts[0] or 0), name


@SOME
@given(scopes(("model", "team")), st.sampled_from(("day", "week", "month", "model", "team")))
def test_the_list_of_a_part_of_the_scope_has_the_numbers_of_that_part(
    scope: Scope, by: str
) -> None:
    whole = listed().ask(select(("spend", "requests", "sessions"), (by,), scope))
    for part, spend, requests, sessions in whole.rows[:4]:
        if by in {"model", "team"}:
            narrow = scope.only(by, str(part))
            if any(part in left for name, left in scope.exclude if name == by):
                continue
        else:
            since, until = bounds(scope, by, part)
            narrow = replace(scope, since=max(since, scope.since), until=min(until, scope.until))
        told = total(listed().ask(totals(Find(narrow))))
        expected = (spend, requests, sessions)
        assert (told.whole.cost, told.whole.requests, told.sessions) == expected


def test_a_session_over_midnight_is_on_both_days_with_the_part_of_each() -> None:
    months = Scope(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
    night = datetime(2026, 11, 1, tzinfo=UTC)
    with one_session(night - timedelta(hours=2), night - timedelta(hours=1), night) as ask:
        for scope, requests in (
            (replace(months, until=night), 2),
            (replace(months, since=night), 1),
            (months, 3),
        ):
            (row,) = page(ask(listing(Find(scope)))).rows
            told = total(ask(totals(Find(scope))))
            (number,) = ask(select(("spend",), (), scope)).column("spend")
            assert row.cost == told.listed.cost == told.whole.cost == number == 3 * requests
            assert (row.requests, row.whole_requests, row.whole_cost) == (requests, 3, 9)
            assert row.extent == ("all" if requests == 3 else "part")
            assert told.sessions == 1
        days = ask(select(("sessions", "spend"), ("day",), months)).rows
        assert [row[1:] for row in days] == [(1, 6), (1, 3)]


def test_a_filter_cuts_a_session_to_what_passes_it() -> None:
    begun = datetime(2026, 11, 3, 9, tzinfo=UTC)
    with one_session(begun, begun + timedelta(hours=1)) as ask:
        day = Scope(begun, begun + timedelta(days=1))
        (row,) = page(ask(listing(Find(day.only("model", "model 1"))))).rows
        assert (row.requests, row.cost, row.extent) == (1, 3, "part")
        assert (row.whole_requests, row.whole_cost) == (2, 6)
        assert page(ask(listing(Find(day.only("model", "another"))))).rows == ()


@contextmanager
def one_session(*begun: datetime) -> Iterator[Callable[[Query], Answer]]:
    """A store with one session of a request of its own model at each of these moments."""
    told = empty()
    connection = told.connection
    connection.execute(
        "INSERT INTO initiators BY NAME"
        " SELECT 1 AS initiator, uuid() AS id, 'ada' AS username, 'Ada' AS name"
    )
    connection.execute(
        "INSERT INTO sessions BY NAME SELECT 7 AS session, 'x' AS id, 1 AS initiator,"
        " [] AS providers, [] AS models, $1::TIMESTAMP AS started_at, 0 AS input_sum,"
        " 0 AS output_sum, 0 AS cache_read_sum, 0 AS cache_write_sum, $1 AS listed_at,"
        " 0 AS digest, $1 AS detailed_at",
        [begun[0].replace(tzinfo=None)],
    )
    for number, at in enumerate(begun):
        connection.execute(
            "INSERT INTO usage BY NAME SELECT $1 AS usage, uuid() AS id,"
            " 'interception' AS grain, $2::TIMESTAMP AS started_at, 1 AS initiator,"
            " 'openai' AS provider, 'model ' || $1 AS model, 7 AS session, 0 AS threads,"
            " 1 AS requests, 1 AS responses, 1 AS prompts, 0 AS tool_calls, 0 AS injected,"
            " 0 AS tool_errors, 1 AS input, 1 AS output, 1 AS cache_read, 0 AS cache_write,"
            " 1 AS input_sum, 1 AS output_sum, 1 AS cache_read_sum, 0 AS cache_write_sum,"
            " 3 AS priced_tokens, 3 AS cost, 0 AS shadow_cost, 0 AS cache_saving,"
            " 'priced' AS status, 0 AS digest",
            [number, at.replace(tzinfo=None)],
        )
    try:
        yield told.ask
    finally:
        connection.close()


VALUES = {
    "provider": ["openai", "anthropic", UNKNOWN],
    "client": [UNKNOWN, "Codex", "Claude Code"],
    "vendor": [UNKNOWN, "openai"],
    "credential_kind": [UNKNOWN, "byok", "centralized"],
    "tool": sorted({row["tool"] for row in listed().calls})[:5],
    "model": sorted({row["model"] for row in listed().usage if row["model"]})[:4],
    "team": ["Elsewhere", "Unassigned"],
}
PAIRS = st.sampled_from([(name, one) for name, values in VALUES.items() for one in values])


@SOME
@given(st.lists(PAIRS, max_size=2), st.lists(PAIRS, max_size=1), st.integers(0, 40))
def test_as_many_are_listed_as_the_number_of_sessions_says(
    include: list[tuple[str, str]], exclude: list[tuple[str, str]], first: int
) -> None:
    scope = Scope(
        listed().rows[first]["started_at"],
        EVERYTHING.until,
        "Asia/Kolkata",
        tuple((name, (one,)) for name, one in include),
        tuple((name, (one,)) for name, one in exclude),
    )
    ((sessions,),) = listed().ask(select(("sessions",), (), scope)).rows
    assert listed().ask(count(Find(scope))).rows == ((sessions,),)
    assert len(everything(Find(scope), Order("cost"), 1000)) == sessions


@pytest.mark.parametrize("wanted", [True, False])
def test_errors_are_of_tools_or_of_threads(*, wanted: bool) -> None:
    failed = {row["session"] for row in listed().usage if row["tool_errors"]}
    failed |= {row["session"] for row in listed().rows if row["failed_threads"]}
    found = everything(Find(EVERYTHING, has_errors=wanted), Order(), 1000)
    assert {row.session for row in found} == {
        row["session"] for row in listed().rows if (row["session"] in failed) == wanted
    }


@pytest.mark.parametrize("name", ["cost", "duration_seconds", "threads", "tool_calls"])
def test_a_range_includes_both_ends_and_nothing_unknown(name: str) -> None:
    known = sorted(row[name] for row in listed().rows if row[name] is not None)
    least, most = known[len(known) // 4], known[-len(known) // 4]
    for low, high in ((least, most), (least, None), (None, most), (most, least)):
        found = everything(Find(EVERYTHING, ranges=(Range(name, low, high),)), Order(name), 1000)
        assert {row.session for row in found} == {
            row["session"]
            for row in listed().rows
            if row[name] is not None
            and (low is None or row[name] >= low)
            and (high is None or row[name] <= high)
        }


FINDS = [
    WHOLE,
    Find(Scope(ALWAYS[0].replace(year=1995), listed().rows[40]["started_at"])),
    Find(EVERYTHING.only("provider", "openai"), has_errors=True),
    Find(EVERYTHING, ranges=(Range("tool_calls", 2, 9), Range("cost", 1))),
    Find(EVERYTHING.only("tool", "no such tool")),
]


@pytest.mark.parametrize("find", FINDS)
def test_totals_are_the_sums_over_all_pages(find: Find) -> None:
    rows = everything(find, Order("cost"), 70)
    told = total(listed().ask(totals(find)))
    assert told.sessions == len(rows)
    for name, one in COLUMNS.items():
        if one.summed and name != "tool_errors":
            known = [getattr(row, name) or 0 for row in rows]
            assert (getattr(told.listed, name) or 0) == sum(known), name


def test_a_session_that_was_not_read_is_listed_with_the_sums_of_the_server_as_its_whole() -> None:
    unread = [row for row in everything(WHOLE, Order(), 1000) if not row.has_details]
    assert unread
    for row in unread:
        unknown = (row.requests, row.prompts, row.tool_calls, row.tool_errors, row.cost)
        assert unknown == (None,) * 5
        assert (row.threads, row.failed_threads, row.total_tokens, row.extent) == (None,) * 4
        assert row.whole_tokens


@pytest.mark.slow
def test_an_empty_store_has_an_empty_list_and_totals_of_nothing() -> None:
    nothing = empty()
    for order in ORDERS:
        assert page(nothing.ask(listing(WHOLE, order)), order) == Page((), None, None)
    told = total(nothing.ask(totals(WHOLE)))
    nought = Totals(*[0] * 13, None, *[0] * 4)
    assert told == Sums(0, replace(nought, failed_threads=0), nought, nought)
    assert nothing.ask(count(WHOLE)).rows == ((0,),)


@SOME
@given(SAMPLED)
def test_cursors_are_safe_in_addresses(order: Order) -> None:
    shown = turned(WHOLE, order, 3)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", shown.after or "")


@SOME
@given(SAMPLED, st.data())
def test_a_cursor_that_was_tampered_with_is_no_place(order: Order, data: st.DataObject) -> None:
    cursor = turned(WHOLE, order, 3).after or ""
    place = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters().filter(lambda one: one != cursor[place]))
    for changed in (cursor[:place] + other + cursor[place + 1 :], cursor[:place], cursor + other):
        with pytest.raises(CursorError, match="no place in this list"):
            listing(WHOLE, order, after=changed)


@given(st.text(max_size=60))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(CursorError):
        listing(WHOLE, before=text)


def test_a_cursor_of_another_order_is_no_place() -> None:
    cursor = turned(WHOLE, Order("cost"), 3).after
    for other in (Order("cost", descending=False), Order("threads")):
        with pytest.raises(CursorError, match="another order"):
            listing(WHOLE, other, after=cursor)


def test_a_cursor_too_long_for_any_address_is_refused() -> None:
    with pytest.raises(CursorError, match="too long"):
        listing(WHOLE, after="A" * 20_000)


def test_what_cannot_be_asked_is_said() -> None:
    with pytest.raises(ListError, match="no column"):
        Order("price")
    with pytest.raises(ListError, match="no range"):
        Range("requests", 1)
    with pytest.raises(ListError, match="cannot be"):
        Range("cost", 0.5)
    with pytest.raises(ListError, match="cannot be"):
        Range("duration_seconds", float("nan"))
    with pytest.raises(ListError, match="one range"):
        Find(EVERYTHING, ranges=(Range("cost", 1), Range("cost", most=2)))
    with pytest.raises(ListError, match="1 to 1000"):
        listing(WHOLE, limit=0)
    with pytest.raises(ListError, match="not both"):
        listing(WHOLE, after="a", before="b")
    with pytest.raises(MetricError):
        Find(EVERYTHING.only("colour", "red"))


def test_an_order_is_written_as_in_addresses() -> None:
    assert [Order.of(str(order)) for order in ORDERS] == ORDERS
    assert str(Order("cost")) == "-cost"


def test_a_find_can_be_a_key() -> None:
    ranges = (Range("cost", 1), Range("threads", 2))
    assert len({Find(EVERYTHING, ranges=ranges), Find(EVERYTHING, ranges=ranges[::-1])}) == 1
