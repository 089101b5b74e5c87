"""The list of sessions, against rows counted by plain Python."""

import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from facts import ALWAYS, KINDS, Row
from hypothesis import given, settings
from hypothesis import strategies as st
from listed import EVERYTHING, empty, listed

from bridgeboard.explorer import (
    COLUMNS,
    CursorError,
    ExplorerError,
    Find,
    Order,
    Page,
    Range,
    SessionRow,
    Totals,
    beyond,
    count,
    listing,
    page,
    total,
    totals,
)
from bridgeboard.metrics import METRICS, UNKNOWN, MetricError, Scope, select

ORDERS = [Order(name, descending) for name in COLUMNS for descending in (False, True)]
SAMPLED = st.sampled_from(ORDERS)
SOME = settings(max_examples=20, deadline=None)
WHOLE = Find(EVERYTHING)
FILTERED = ("provider", "model", "initiator", "team", "client", "provider_name", "vendor")


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


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_every_column_sorts_both_ways_with_unknown_last(order: Order) -> None:
    assert keys(everything(WHOLE, order, 1000)) == in_order(listed().rows, order)


@SOME
@given(SAMPLED, st.integers(1, 30))
def test_pages_of_any_size_are_the_whole_list_without_repeat_or_gap(
    order: Order, limit: int
) -> None:
    begun = sorted(row["started_at"] for row in listed().rows)
    scope = Scope(begun[3], begun[28])
    inside = [row for row in listed().rows if scope.since <= row["started_at"] < scope.until]
    assert keys(everything(Find(scope), order, limit)) == in_order(inside, order)


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


@SOME
@given(SAMPLED, st.integers(5, 60))
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
    with pytest.raises(ExplorerError):
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


def passes(name: str, wanted: str) -> Callable[[Row], bool]:
    """Whether a row of the list has a value, by its own words or by one of its requests."""
    told = listed()
    if name in ("provider", "model"):
        return lambda row: wanted in (row[f"{name}s"] or (UNKNOWN,))
    if name in ("initiator", "team", "client"):
        column = "person" if name == "initiator" else name
        return lambda row: (row[column] or UNKNOWN) == wanted
    source = told.calls if name == "tool" else told.usage
    having = {row["session"] for row in source if (row[name] or UNKNOWN) == wanted}
    return lambda row: row["session"] in having


@pytest.mark.parametrize("name", [*FILTERED, "credential_kind", "tool"])
def test_a_filter_keeps_just_the_sessions_with_its_value(name: str) -> None:
    count_by = "tool_calls" if name == "tool" else "requests"
    values = listed().ask(select((count_by,), (name,), EVERYTHING, limit=6)).column(name)
    for wanted in values:
        found = everything(Find(EVERYTHING.only(name, wanted)), Order(), 1000)
        assert {row.session for row in found} == {
            row["session"] for row in listed().rows if passes(name, wanted)(row)
        }, wanted


@pytest.mark.parametrize("name", ["provider_name", "vendor", "credential_kind", "tool"])
def test_excluding_keeps_sessions_of_which_a_request_lacks_the_value(name: str) -> None:
    wanted = next(row[name] for row in listed().calls if row[name])
    source = listed().calls if name == "tool" else listed().usage
    having = {row["usage"] for row in source if row[name] == wanted}
    expected = {
        row["session"]
        for row in listed().usage
        if row["session"] is not None and row["usage"] not in having
    }
    found = everything(Find(EVERYTHING.without(name, wanted)), Order(), 1000)
    assert {row.session for row in found} == expected


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
    told = asdict(total(listed().ask(totals(find))))
    assert told.pop("sessions") == len(rows)
    assert told.pop("people") == len({row.person for row in rows})
    assert told.pop("detailed") == sum(row.has_details for row in rows)
    prompt_tokens = sum(row.input + row.cache_read + row.cache_write for row in rows)
    rate = sum(row.cache_read for row in rows) / prompt_tokens if prompt_tokens else None
    assert told.pop("cache_hit_rate") == rate
    for name, summed in told.items():
        known = [getattr(row, name) for row in rows if getattr(row, name) is not None]
        assert summed == (sum(known) if known or not rows else None), name


def test_totals_differ_from_the_numbers_of_all_requests_by_requests_of_no_known_session() -> None:
    named = {
        "requests": "requests",
        "prompts": "prompts",
        "tool_calls": "tool_calls",
        "tool_errors": "tool_errors",
        "cost": "spend",
        "shadow_cost": "shadow_cost",
        **{kind: f"{kind}_tokens" for kind in KINDS},
    }
    assert set(named.values()) <= set(METRICS)
    numbers = listed().ask(select(tuple(named.values()), (), EVERYTHING)).only
    told = total(listed().ask(totals(WHOLE)))
    strays = [row for row in listed().usage if row["session"] is None]
    assert strays
    for name, metric in named.items():
        left_out = sum(row[name] or 0 for row in strays)
        unread = [row for row in listed().rows if row["requests"] is None]
        by_server = sum(row[name] for row in unread) if name in KINDS else 0
        assert getattr(told, name) == numbers[metric] - left_out + by_server, name


def test_a_session_that_was_not_read_is_listed_with_the_sums_of_the_server() -> None:
    unread = [row for row in everything(WHOLE, Order(), 1000) if not row.has_details]
    assert unread
    for row in unread:
        unknown = (row.requests, row.prompts, row.tool_calls, row.tool_errors, row.cost)
        assert unknown == (None,) * 5
        assert (row.threads, row.failed_threads, row.priced_tokens) == (None,) * 3
        assert row.total_tokens == row.recorded_tokens > 0


def test_an_empty_store_has_an_empty_list_and_totals_of_nothing() -> None:
    nothing = empty()
    for order in ORDERS:
        assert page(nothing.ask(listing(WHOLE, order)), order) == Page((), None, None)
    told = total(nothing.ask(totals(WHOLE)))
    assert told == Totals(*[0] * 18, None)
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
    with pytest.raises(ExplorerError, match="no column"):
        Order("price")
    with pytest.raises(ExplorerError, match="no range"):
        Range("requests", 1)
    with pytest.raises(ExplorerError, match="cannot be"):
        Range("cost", 0.5)
    with pytest.raises(ExplorerError, match="cannot be"):
        Range("duration_seconds", float("nan"))
    with pytest.raises(ExplorerError, match="one range"):
        Find(EVERYTHING, ranges=(Range("cost", 1), Range("cost", most=2)))
    with pytest.raises(ExplorerError, match="1 to 1000"):
        listing(WHOLE, limit=0)
    with pytest.raises(ExplorerError, match="not both"):
        listing(WHOLE, after="a", before="b")
    with pytest.raises(MetricError):
        Find(EVERYTHING.only("colour", "red"))


def test_an_order_is_written_as_in_addresses() -> None:
    assert [Order.of(str(order)) for order in ORDERS] == ORDERS
    assert str(Order("cost")) == "-cost"


def test_a_find_can_be_a_key() -> None:
    ranges = (Range("cost", 1), Range("threads", 2))
    assert len({Find(EVERYTHING, ranges=ranges), Find(EVERYTHING, ranges=ranges[::-1])}) == 1


def test_a_session_counts_where_it_began() -> None:
    first = listed().rows[7]["started_at"]
    at = Find(Scope(first, first + timedelta(microseconds=1)))
    before = Find(Scope(first - timedelta(microseconds=1), first))
    inside = [row["session"] for row in listed().rows if row["started_at"] == first]
    assert sorted(keys(everything(at, Order(), 10))) == sorted(inside)
    assert listed().ask(count(before)).rows == ((0,),)
