from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
import session_stores
import truth
from costly_laws import tried
from demo_worlds import small
from facts import KINDS, Row, facts, tool_errors
from hypothesis import given
from hypothesis import strategies as st
from session_stores import asked, only

from bridgeboard.model.errors import ListError
from bridgeboard.model.scope import Scope
from bridgeboard.queries import request_list as one_by_one
from bridgeboard.queries.metric_query import select
from bridgeboard.queries.request_list import Detail, Interception, Order, Response
from bridgeboard.queries.typed_rows import Key, typed
from bridgeboard.store import Store

ALL = Scope(small().start, small().end)
MOST = 100_000
ORDERS = [Order(name, descending) for name in Order.columns for descending in (True, False)]
laws = tried(3)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with session_stores.synced(tmp_path_factory.mktemp("one"), "exact") as made:
        yield made


def told(scope: Scope, **options: object) -> tuple[Interception, ...]:
    question = one_by_one.interceptions(scope, **{"limit": MOST, **options})  # type: ignore[arg-type]  # its own options
    return typed(Interception, facts().rows(question))


def newest_first(rows: list[Row]) -> list[int]:
    ordered = sorted(rows, key=lambda row: (row["started_at"], row["usage"]), reverse=True)
    return [row["usage"] for row in ordered]


def value(row: Row, name: str) -> int | None:
    """What decides the place of a row of the facts; None is unknown, or nothing but its time."""
    match name:
        case "started_at":
            return None
        case "duration_seconds":
            lasted = row["ended_at"] and row["ended_at"] - row["started_at"]
            return lasted and lasted // timedelta(microseconds=1)
        case "tool_errors":
            return tool_errors([row])
    number: int | None = row[name]
    return number


def in_order(rows: list[Row], order: Order) -> list[int]:
    ordered = newest_first(rows)
    if order.name == "started_at":
        return ordered if order.descending else ordered[::-1]
    values = {row["usage"]: value(row, order.name) for row in rows}
    known = [usage for usage in ordered if values[usage] is not None]
    known.sort(key=lambda usage: values[usage] or 0, reverse=order.descending)
    return known + [usage for usage in ordered if values[usage] is None]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_list_by_any_number_has_unknown_last_and_the_newest_of_equal_ones_first(
    order: Order,
) -> None:
    shown = told(ALL, order=order)
    assert [row.usage for row in shown] == in_order(facts().usage, order)
    values = [row.sorted_by for row in shown]
    assert len(set(values)) < len(values), "there are equal ones"
    has_unknown = order.name in {"cost", "duration_seconds", "tool_errors"}
    assert (None in values) == (has_unknown or order.name == "started_at")


def test_what_cannot_be_sorted_by_is_said() -> None:
    with pytest.raises(ListError, match="no column"):
        Order("person")


def test_all_requests_of_a_scope_come_newest_first() -> None:
    shown = told(ALL)
    assert [row.usage for row in shown] == newest_first(facts().usage)
    by_key = {row["usage"]: row for row in facts().usage}
    for row in shown:
        own = by_key[row.usage]
        assert (row.person, row.team) == (own["person"], own["team"] or "Unassigned")
        assert (str(row.id), row.model, row.client) == (own["id"], own["model"], own["client"])
        assert row.session_id == own["session_id"]
        assert [getattr(row, kind) for kind in KINDS] == [own[kind] for kind in KINDS]
        assert (row.cost, row.shadow_cost, row.status) == (
            own["cost"],
            own["shadow_cost"],
            own["status"],
        )
        is_sum = own["grain"] == "action"
        assert row.tool_errors == tool_errors([own])
        ended = own["ended_at"]
        lasted = None if is_sum else (ended - own["started_at"]).total_seconds()
        assert row.duration_seconds == pytest.approx(lasted)


def test_a_request_whose_tools_report_no_errors_has_an_unknown_number_of_them() -> None:
    client_side = [row for row in told(ALL.only("server", "Client-side")) if row.tool_calls]
    injecting = {row["usage"] for row in facts().calls if row["injected"]}
    unknown = [row for row in client_side if row.usage not in injecting]
    assert unknown
    assert {row.tool_errors for row in unknown} == {None}


def test_filters_are_those_of_the_numbers() -> None:
    tool = next(row["tool"] for row in facts().calls if row["injected"])
    for scope in (
        ALL.only("tool", tool),
        ALL.only("status", "unpriced", "notional"),
        ALL.only("initiator", facts().usage[0]["person"]).without("client", "Unknown"),
        ALL.only("team", "Unassigned"),
        ALL.without("tool", tool).only("accuracy", "exact"),
        ALL.only("model", "'; DROP TABLE usage; --"),
    ):
        ((count,),) = facts().rows(select(("requests",), (), scope)) or [(0,)]
        assert len(told(scope)) == (count or 0)
    using = {row["usage"] for row in facts().calls if row["tool"] == tool}
    assert {row.usage for row in told(ALL.only("tool", tool))} == using


def test_only_those_with_errors_can_be_asked_for() -> None:
    failed = [row for row in facts().usage if row["tool_errors"]]
    assert failed
    assert [row.usage for row in told(ALL, errors_only=True)] == newest_first(failed)


def test_requests_are_counted_as_they_are_listed() -> None:
    scope = ALL.only("provider", "anthropic").without("team", "Unassigned")
    every = told(scope)
    ((count,),) = facts().rows(one_by_one.counted(scope))
    ((metric,),) = facts().rows(select(("requests",), (), scope))
    assert count == metric == len(every)
    for place in (0, 1, 77, count - 1):
        assert facts().rows(one_by_one.counted(scope, before=every[place].key)) == [(place,)]
    failed = told(scope, errors_only=True)
    assert facts().rows(one_by_one.counted(scope, errors_only=True)) == [(len(failed),)]


@pytest.mark.parametrize("order", ORDERS, ids=str)
@given(size=st.integers(50, 400))
@laws
def test_pages_of_any_size_there_and_back_are_the_whole_list(order: Order, size: int) -> None:
    scope = ALL.only("provider", "copilot")
    whole = told(scope, order=order)
    pages = [told(scope, order=order, limit=size)]
    while further := told(scope, order=order, after=pages[-1][-1].key, limit=size):
        pages.append(further)
    assert [row for page in pages for row in page] == list(whole)
    for before, page in pairwise(pages):
        assert told(scope, order=order, before=page[0].key, limit=size) == before
        (place,) = facts().rows(one_by_one.counted(scope, order, before=page[0].key))
        assert whole[place[0]] == page[0]
    assert told(scope, order=order, before=pages[0][0].key, limit=size) == ()


def test_a_page_lies_on_one_side_only() -> None:
    key = Key(small().start, 1)
    with pytest.raises(ListError, match="not both"):
        one_by_one.interceptions(ALL, after=key, before=key)


def test_a_request_is_found_by_its_id_and_told_with_all_that_is_known(store: Store) -> None:
    tables = session_stores.tables()
    people = {person.id: person for person in tables.people}
    for row in truth.finished(tables)[:40]:
        ((usage,),) = store.rows(*one_by_one.found(row.id))
        detail = only(store, Detail, one_by_one.detail(usage))
        assert (str(detail.id), str(detail.initiator_id)) == (row.id, row.initiator_id)
        assert detail.person.startswith(people[row.initiator_id].username)
        assert (detail.provider, detail.provider_name) == (row.provider, row.provider_name)
        assert (detail.started_at, detail.ended_at) == (row.started_at, row.ended_at)
        assert detail.api_key_id == row.api_key_id
        assert detail.tool_calls == len(truth.tool_calls(tables, [row]))
        recorded = truth.recorded(tables, [row])
        assert detail.output_sum == recorded.output
        assert detail.session_id in {row.session_id, None}


def test_responses_of_a_request_add_up_to_it(store: Store) -> None:
    tables = session_stores.tables()
    for row in truth.finished(tables)[:40]:
        ((usage,),) = store.rows(*one_by_one.found(row.id))
        detail = only(store, Detail, one_by_one.detail(usage))
        answers = asked(store, Response, one_by_one.responses(usage))
        assert [answer.place for answer in answers] == list(range(1, len(answers) + 1))
        assert len(answers) == detail.responses == len(truth.responses(tables, [row]))
        for name in (*KINDS, "cost", "shadow_cost", "cache_saving"):
            known = [getattr(answer, name) for answer in answers]
            known = [number for number in known if number is not None]
            assert (sum(known) if known else None) == (getattr(detail, name) if known else None)


def test_a_thread_that_failed_makes_its_first_request_one_with_an_error(store: Store) -> None:
    with store.write() as batch:
        batch.execute(
            "UPDATE threads SET error_type = 'overloaded', error_message = 'Try again.'"
            " WHERE id = (SELECT min(id) FROM threads)"
        )
    scope = Scope(small().start, small().end)
    shown = asked(
        store, Interception, one_by_one.interceptions(scope, errors_only=True, limit=MOST)
    )
    (failed,) = [row for row in shown if row.error_type == "overloaded"]
    detail = only(store, Detail, one_by_one.detail(failed.usage))
    assert (detail.error_type, detail.error_message) == ("overloaded", "Try again.")
    assert all(row.error_type or row.tool_errors for row in shown)


@pytest.mark.parametrize(
    "text", ["", "x", "'; --", "\0", "\ud800", "6b1c4c1e-2f0d-4f5e-9c57-0c5f8f1f2a11"]
)
def test_what_is_no_request_is_not_found(store: Store, text: str) -> None:
    assert store.rows(*one_by_one.found(text)) == [(None,)]


def test_a_key_that_no_request_has_has_no_detail(store: Store) -> None:
    assert store.rows(*one_by_one.detail(-1)) == []
    assert store.rows(*one_by_one.responses(-1)) == []
