"""The page of single requests, without a browser: the list, one request, and what is not told."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import bridge_transport
import demo_sync
import pytest
import session_stores
import shown_tables
import truth
from audit_entries import last, noted
from dashboard_store import filled, looking
from facts import KINDS, Row, facts
from headline_cards import headline
from hypothesis import given
from hypothesis import strategies as st
from shown_tables import Table
from slow_cases import one_fast
from streamlit.testing.v1 import AppTest

from aibridge import Client
from bridgeboard import formats
from bridgeboard.analysis import request_list as questions
from bridgeboard.demo import api
from bridgeboard.demo.records import InterceptionRow
from bridgeboard.model.scope import Scope
from bridgeboard.queries import request_list as queries
from bridgeboard.queries.request_list import NEWEST_FIRST, PAGE, Interception, Order
from bridgeboard.queries.typed_rows import Key, typed
from bridgeboard.runtime import clients
from bridgeboard.store import Store
from bridgeboard.ui.components import tables
from bridgeboard.ui.components.tables import Inexact
from bridgeboard.ui.views import request_list, request_table

ROOT = Path(__file__).parents[1]
END: datetime = max(row["started_at"] for row in facts().usage)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ORDERS = [Order(name, descending) for name in Order.columns for descending in (True, False)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path / "store.duckdb") as opened, looking(opened, END):
        yield opened


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with session_stores.synced(tmp_path_factory.mktemp("one"), "exact") as made:
        yield made


@pytest.fixture
def exact(synced: Store) -> Iterator[Store]:
    with looking(synced, demo_sync.NOW):
        yield synced


def app(**query: Any) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, values in query.items():
        test.query_params[name] = values
    test.query_params.setdefault("tz", "UTC")
    test.switch_page("pages/interceptions.py")
    return test.run()


def said(test: AppTest) -> str:
    kinds = ("title", "header", "subheader", "markdown", "caption", "text", "error", "warning")
    kinds += ("info", "code")
    told = [str(element.value) for kind in kinds for element in test.get(kind)]
    told += [element.proto.json for element in test.get("bidi_component")]
    return "\n".join(told).replace("\\", "").replace("\u2060", "")


def table(test: AppTest) -> Table:
    return shown_tables.table(test, "requests-table")


def newest_first(told: list[Row]) -> list[Row]:
    return sorted(told, key=lambda row: (row["started_at"], row["usage"]), reverse=True)


def began(rows: list[Row]) -> list[str]:
    return [formats.moment(row["started_at"], UTC) for row in rows]


def marked(row: Row, words: str) -> str:
    """A number that is about right where it is that of a sum of several requests."""
    is_known = words != formats.DASH
    return f"≈ {words}" if is_known and row["grain"] != "interception" else words


def using(**wanted: Any) -> list[Row]:
    keys = {
        row["usage"]
        for row in facts().calls
        if all(row[name] == value for name, value in wanted.items())
    }
    return [row for row in facts().usage if row["usage"] in keys]


def test_the_first_page_has_the_newest_requests_and_says_of_how_many(store: Store) -> None:
    assert store
    test = app()
    assert not test.exception
    assert f"First {PAGE} of {len(facts().usage):,} requests, newest first" in said(test)
    expected, shown = newest_first(facts().usage)[:PAGE], table(test)
    assert shown.column("Began") == began(expected)
    assert shown.column("Person") == [row["person"] for row in expected]
    for kind in KINDS:
        label = kind.replace("_", " ").capitalize()
        assert shown.whole(label) == [marked(row, formats.exact(row[kind])) for row in expected]
    costs = [
        row["status"]
        if row["status"] in formats.STATUSES and not row["cost"]
        else marked(row, formats.exact_money(row["cost"]))
        for row in expected
    ]
    assert shown.whole("Spend") == costs
    assert shown.column("Price") == [row["status"] for row in expected]


def test_pages_are_turned_there_and_back_and_are_the_whole_list(store: Store) -> None:
    assert store
    tool = "Read"
    expected = began(newest_first(using(tool=tool)))
    assert len(expected) > 2 * PAGE
    test, told, places = app(tools=tool), [], []
    while True:
        told += table(test).column("Began")
        places.append(said(test).split(" of ")[0].splitlines()[-1])
        if test.button(key="turn-next").disabled:
            break
        test.button(key="turn-next").click().run()
    assert told == expected
    assert places[:2] == [f"First {PAGE}", f"{PAGE + 1}-{2 * PAGE}"]
    while not test.button(key="turn-previous").disabled:
        test.button(key="turn-previous").click().run()
    assert table(test).column("Began") == expected[:PAGE]


def test_a_place_in_the_address_is_kept_by_a_link(store: Store) -> None:
    assert store
    expected = newest_first(facts().usage)
    last = expected[PAGE - 1]
    micros = (last["started_at"] - EPOCH) // timedelta(microseconds=1)
    test = app(after=f"{micros}.{last['usage']}")
    assert table(test).column("Began") == began(expected[PAGE : 2 * PAGE])
    assert f"{PAGE + 1}-{2 * PAGE} of {len(expected):,} requests" in said(test)
    oldest = expected[-1]
    test = app(after=request_list.cursor(Key(oldest["started_at"], oldest["usage"])))
    assert "No request comes after" in said(test)
    test.button(key="turn-first").click().run()
    assert table(test).column("Began") == began(expected[:PAGE])


@pytest.mark.parametrize(
    "place",
    one_fast(["", "x", "1.2.3", "9" * 16 + ".1", "-5.1", "1e9.1", "\u202e1.1"], fast="-5.1"),
)
def test_a_place_that_is_none_is_ignored(store: Store, place: str) -> None:
    assert store
    assert f"First {PAGE} of" in said(app(before=place, after="" if place else "?"))


@pytest.mark.parametrize("name", ["tool", "server", "status"])
def test_a_filter_of_this_page_keeps_what_counting_keeps(store: Store, name: str) -> None:
    assert store
    if name == "status":
        value = "notional"
        expected = [row for row in facts().usage if row["status"] == value]
    else:
        column = {"tool": "tool", "server": "server_url"}[name]
        value = next(row[column] for row in facts().calls if row["injected"])
        expected = using(**{column: value})
    test = app(**{request_list.NARROWED[name]: value})
    assert f"{formats.plural(len(expected), 'request')}, newest first" in said(test) or (
        f"First {PAGE} of {formats.plural(len(expected), 'request')}" in said(test)
    )
    assert table(test).column("Began") == began(newest_first(expected)[:PAGE])


def test_filters_of_the_shell_and_of_the_page_hold_together(store: Store) -> None:
    assert store
    person = newest_first(using(tool="Read"))[0]["person"]
    expected = [row for row in using(tool="Read") if row["person"] == person]
    test = app(tools="Read", people=person)
    assert set(table(test).column("Person")) == {person}
    assert formats.plural(len(expected), "request") in said(test)


def test_only_requests_with_errors_can_be_listed(store: Store) -> None:
    assert store
    failed = newest_first([row for row in facts().usage if row["tool_errors"]])
    test = app(errors="true")
    assert table(test).column("Began") == began(failed[:PAGE])
    assert formats.plural(len(failed), "request with an error", "requests with an error") in said(
        test
    )


def test_nothing_found_says_what_to_do(store: Store) -> None:
    assert store
    test = app(tools="no such tool")
    assert not test.exception
    assert "No request of this period passes the filters" in said(test)


def test_a_row_leads_to_its_request_in_its_session(store: Store) -> None:
    assert store
    links = table(app()).links("Session")
    for link, row in zip(links, newest_first(facts().usage)[:PAGE], strict=True):
        if row["session"] is None:
            assert link is None
            continue
        assert link is not None
        page, _, query = link.partition("?")
        assert page == "session"
        assert {name: values[0] for name, values in parse_qs(query).items()} == {
            "id": row["session_id"],
            "initiator": row["initiator_id"],
            "thread": row["thread"],
            "call": row["id"],
            "tz": "UTC",
        }


def test_a_row_leads_to_its_request_and_keeps_the_place_in_the_list(store: Store) -> None:
    assert store
    expected = newest_first(using(tool="Read"))[PAGE : 2 * PAGE]
    test = app(tools="Read")
    test.button(key="turn-next").click().run()
    shown = table(test)
    assert shown.heads[0] == "Began"
    for link, row in zip(shown.links("Began"), expected, strict=True):
        assert link is not None
        page, _, query = link.partition("?")
        assert page == ""
        asked = {name: [value] for name, value in test.query_params.items()}
        assert {"tools", "after"} <= set(asked)
        assert parse_qs(query) == {**asked, "request": [row["id"]]}


def test_heads_of_numbers_and_times_sort_the_list_and_no_others_do(store: Store) -> None:
    assert store
    shown = table(app())
    assert [column["label"] for column in shown.data["columns"] if "first" in column] == [
        *("Began", "Spend", "Input", "Output", "Cache read", "Cache write", "Duration"),
        *("Tool calls", "Errors"),
    ]
    assert shown.order == ("Began", False)


def test_a_press_on_a_head_sorts_the_whole_list_and_leads_to_its_beginning(store: Store) -> None:
    assert store
    rows = using(tool="Read")
    assert len(rows) > 2 * PAGE
    largest = sorted(newest_first(rows), key=lambda row: row["output"], reverse=True)
    smallest = sorted(newest_first(rows), key=lambda row: row["output"])
    test = app(tools="Read")
    test.button(key="turn-next").click().run()
    shown_tables.sort(test, "requests-table", "Output", upwards=False)
    assert table(test).column("Began") == began(largest[:PAGE])
    assert f"First {PAGE} of {len(rows):,} requests, largest first" in said(test)
    assert dict(test.query_params) == {"tools": "Read", "tz": "UTC", "sort": "output"}
    shown_tables.sort(test, "requests-table", "Output", upwards=True)
    assert table(test).order == ("Output", True)
    test.button(key="turn-next").click().run()
    assert table(test).column("Began") == began(smallest[PAGE : 2 * PAGE])
    assert f"{PAGE + 1}-{2 * PAGE} of {len(rows):,} requests, smallest first" in said(test)
    again = app(**{name: test.query_params[name] for name in test.query_params})
    assert table(again).column("Began") == began(smallest[PAGE : 2 * PAGE])
    test.button(key="turn-previous").click().run()
    assert table(test).column("Began") == began(smallest[:PAGE])
    shown_tables.sort(test, "requests-table", "Began", upwards=True)
    assert table(test).column("Began") == began(newest_first(rows)[::-1][:PAGE])
    shown_tables.sort(test, "requests-table", "Began", upwards=False)
    assert dict(test.query_params) == {"tools": "Read", "tz": "UTC"}


def test_a_place_of_a_list_in_another_order_is_not_understood(store: Store) -> None:
    assert store
    test = app(sort="cost", after="-input.1.2.3")
    assert "after=-input.1.2.3" in said(test)
    assert f"First {PAGE} of" in said(test)
    assert table(test).order == ("Spend", False)


@given(
    order=st.sampled_from(ORDERS),
    at=st.integers(0, 10**16 - 1),
    usage=st.integers(-(10**17), 10**17),
    value=st.none() | st.integers(-(10**29), 10**29),
)
def test_an_address_holds_any_place_of_its_own_order_only(
    order: Order, at: int, usage: int, value: int | None
) -> None:
    began_at = EPOCH + timedelta(microseconds=at)
    key = Key(began_at, usage, value if order.value else None)
    word = request_list.cursor(key, order)
    assert request_list._key(word, order) == key
    assert [other for other in ORDERS if request_list._key(word, other)] == [order]


@pytest.mark.parametrize(
    "place", ["1.2", "-cost.1.2", "cost.1.2.3", "-cost.1.2.3.4", "-cost.x.2.3"]
)
def test_a_word_that_no_list_writes_is_no_place(place: str) -> None:
    assert request_list._key(place, Order("cost")) is None


def test_rows_are_in_the_order_of_what_their_cells_say(store: Store) -> None:
    with store.write() as batch:  # a part of it is priced, at nothing
        batch.execute(
            "UPDATE usage SET cost = 0, priced_tokens = priced_tokens - 1 WHERE usage ="
            " (SELECT max(usage) FROM usage WHERE status = 'priced' AND priced_tokens > 1)"
        )
    every = Scope(datetime(2020, 1, 1, tzinfo=UTC), demo_sync.NOW)
    column = tables.Column("", "count")
    for order in ORDERS:
        with store.snapshot() as reader:
            rows = list(
                questions.first_requests(reader, every, order, errors_only=False, most=10**6)
            )
        place = request_table.COLUMNS.index(order.name)
        keys = [tables._key(column, request_table._line(row)[place]) for row in rows]
        known = [key for key in keys if key is not None]
        assert len(set(known)) > 1, order
        assert keys == sorted(known, reverse=order.descending) + [None] * keys.count(None), order
        assert len({row.usage for row in rows}) == len(rows), order


def test_names_that_would_act_on_the_screen_are_made_visible(store: Store) -> None:
    with store.write() as batch:
        batch.execute("UPDATE usage SET client = chr(8238) || 'evil', model = '[x](javascript:1)'")
    shown = table(app())
    assert set(shown.column("Client")) == {formats.visible("\u202eevil")}


@pytest.mark.parametrize("errors", [False, True])
def test_files_hold_all_requests_of_the_list_with_all_digits(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, errors: bool
) -> None:
    monkeypatch.setattr(questions, "BLOCK", 97)
    every = Scope(datetime(2020, 1, 1, tzinfo=UTC), demo_sync.NOW)
    with store.snapshot() as reader:
        rows = questions.first_requests(
            reader, every, NEWEST_FIRST, errors_only=errors, most=request_list.EXPORTED
        )
        sheet = request_table.sheet(rows, "Requests")
    names = [column.name for column in sheet.columns]
    by_id = {row["id"]: row for row in facts().usage}
    for row in sheet.rows:
        given = dict(zip(names, row, strict=True))
        own = by_id[given["request"]]
        assert given["spend"] == own["cost"]
        assert given["initiator"] == own["person"]
        assert [given[f"{kind}_tokens"] for kind in KINDS] == [own[kind] for kind in KINDS]
    (count,) = store.rows(*queries.counted(every, errors_only=errors))
    assert len({row[0] for row in sheet.rows}) == len(sheet.rows) == count[0]


def test_a_request_without_some_of_its_prices_costs_at_least_the_rest(store: Store) -> None:
    with store.write() as batch:
        batch.execute(
            "UPDATE usage SET priced_tokens = priced_tokens - 1 WHERE usage = (SELECT min(usage)"
            " FROM usage WHERE grain = 'interception' AND requests > 0 AND priced_tokens > 1"
            " AND cost IS NOT NULL)"
        )
    every = Scope(datetime(2020, 1, 1, tzinfo=UTC), demo_sync.NOW)
    with store.snapshot() as reader:
        rows = list(
            questions.first_requests(reader, every, NEWEST_FIRST, errors_only=False, most=10**6)
        )
    bounds = {
        name: {
            row.usage
            for row in rows
            for cell in request_table._cells(row, name)
            if isinstance(cell, Inexact) and cell.standing == "at_least"
        }
        for name in ("cost", "tool_calls", "input")
    }
    partly = {
        row.usage for row in rows if row.cost is not None and row.by_metric["unpriced_tokens"]
    }
    assert len(partly) == 1
    assert bounds == {"cost": partly, "tool_calls": set(), "input": set()}
    columns = {one.name: one.accuracy for one in request_table.sheet(rows, "x").columns}
    has_sums = any(row.grain != "interception" for row in rows)
    assert columns["spend"] == ("about" if has_sums else "at_least")
    assert columns["prompts"] == ("at_least" if has_sums else "exact")
    assert columns["model"] == columns["duration_seconds"] == ""


def test_a_file_of_more_requests_than_it_may_hold_has_the_newest_and_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "BLOCK", 7)
    monkeypatch.setattr(request_list, "EXPORTED", 20)
    every = Scope(datetime(2020, 1, 1, tzinfo=UTC), demo_sync.NOW)
    with store.snapshot() as reader:
        told = list(
            questions.first_requests(reader, every, NEWEST_FIRST, errors_only=False, most=20)
        )
    newest = typed(Interception, store.rows(*queries.interceptions(every, limit=20)))
    assert [row.id for row in told] == [row.id for row in newest]
    (count,) = store.rows(*queries.counted(every))
    assert f"20 requests, the first of {count[0]:,}, with all digits" in said(
        app(range="Last 90 days")
    )


# One request


def one(**wanted: int) -> InterceptionRow:
    """The newest request of the small world with at least so many prompts and tool calls."""
    tables = session_stores.tables()
    for row in sorted(truth.finished(tables), key=lambda row: row.started_at, reverse=True):
        prompts = len(truth.prompts(tables, [row])) >= wanted.get("prompts", 0)
        tools = len(truth.tool_calls(tables, [row])) >= wanted.get("tools", 0)
        if prompts and tools and truth.token_rows(tables, [row]):
            return row
    raise AssertionError(wanted)


def serve(monkeypatch: pytest.MonkeyPatch, profile: str) -> None:
    """Let the dashboard ask a bridge in this process."""
    tables = session_stores.tables()
    bridge = demo_sync.bridge(
        tables, profile=profile, clock=partial(session_stores._same, demo_sync.NOW)
    )
    token = api.tokens(tables, 1)["owner"]

    def client(_: object) -> Client:
        return Client(
            demo_sync.ADDRESS,
            token,
            transport=bridge_transport.Transport(bridge),
            retry=demo_sync.at_once(total=0),
        )

    monkeypatch.setattr(clients, "client", client)


def test_a_link_to_a_request_tells_all_of_it_on_a_cold_server(
    exact: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert exact
    serve(monkeypatch, "v2.34")
    row = one(tools=1)
    test = app(request=row.id)
    assert not test.exception
    assert not test.error
    counted = truth.total(truth.responses(session_stores.tables(), [row]).values())
    shown = {card.label: card.help for card in headline(test)}
    for label, kind in (("Input tokens", "input"), ("Cache reads", "cache_read")):
        assert f"Exactly {formats.exact(getattr(counted, kind))}." in shown[label]
    drawn = shown_tables.table(test, "responses")
    assert len(drawn.rows) == len(truth.responses(session_stores.tables(), [row]))
    assert shown_tables.table(test, "calls").column("Tool") == [
        each.tool for each in truth.tool_calls(session_stores.tables(), [row])
    ]
    output = shown_tables.table(test, "token-rows").column("Output")
    recorded = truth.recorded(session_stores.tables(), [row])
    assert sum(int(count.replace(",", "")) for count in output) == recorded.output
    assert row.id in said(test)


def test_what_was_written_is_hidden_until_it_is_revealed_which_is_logged(
    exact: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert exact
    before = last()
    serve(monkeypatch, "v2.34")
    row = one(prompts=1, tools=1)
    prompt = truth.prompts(session_stores.tables(), [row])[0].prompt
    call = truth.tool_calls(session_stores.tables(), [row])[0]
    opening = formats.visible(prompt)[:40]
    test = app(request=row.id)
    assert opening not in said(test)
    assert call.input not in said(test)
    assert "Metadata: hidden" in said(test)
    assert "request_user_agent" not in said(test)
    test.toggle(key="reveal").set_value(True).run()
    assert opening in said(test)
    inputs = formats.pretty_json(call.input) or call.input
    assert formats.visible(inputs)[:60].replace("\\", "") in said(test)
    agent = (row.metadata or {}).get("request_user_agent")
    assert agent is None or json.dumps(agent)[1:-1] in said(test)
    (entry,) = noted("reveal", before)
    assert entry.about == f"text of person {row.initiator_id}, request {row.id}"
    assert prompt[:40] not in f"{caplog.text}{entry}"


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [("v2.35", "no longer lists single requests"), ("newer", "no longer lists single requests")],
)
def test_a_server_that_lists_no_requests_is_told_in_one_sentence(
    exact: Store, monkeypatch: pytest.MonkeyPatch, profile: str, sentence: str
) -> None:
    assert exact
    serve(monkeypatch, profile)
    test = app(request=one().id)
    assert not test.error
    assert sentence in said(test)


def test_a_silent_deployment_leaves_the_page_whole(exact: Store) -> None:
    assert exact
    test = app(request=one().id)
    assert not test.error
    assert "which does not answer now" in said(test)
    assert headline(test)


@pytest.mark.parametrize(
    "named", one_fast(["00000000-0000-0000-0000-000000000001", "no id", "\u202e", "x" * 9_000])
)
def test_an_address_of_no_request_says_so_and_shows_the_list(store: Store, named: str) -> None:
    assert store
    test = app(request=named)
    assert not test.exception
    assert not test.error
    assert "request that this link names is not here" in said(test)
    assert len(table(test).rows) == PAGE


def test_from_a_request_the_list_is_come_back_to(store: Store) -> None:
    assert store
    test = app(request=newest_first(facts().usage)[0]["id"])
    test.button(key="all-requests").click().run()
    assert f"First {PAGE} of" in said(test)


def test_of_a_server_without_single_requests_the_store_says_what_it_has(tmp_path: Path) -> None:
    with session_stores.synced(tmp_path, "summed") as summed, looking(summed, demo_sync.NOW):
        test = app()
        assert not test.exception
        assert "no longer lists single requests" in said(test)
        assert "none from before" in said(test)
        assert len(table(test).rows)
        usage = next(row for row in summed.rows("SELECT id FROM usage WHERE grain = 'action'"))[0]
        detail = app(request=str(usage))
        assert not detail.error
        assert "a sum, whose end is not known" in said(detail)
        assert "known from its session only" in said(detail)


def test_after_an_upgrade_the_store_says_until_when_requests_are_exact(tmp_path: Path) -> None:
    with session_stores.synced(tmp_path, "upgraded") as upgraded, looking(upgraded, demo_sync.NOW):
        test = app()
        ((newest, count),) = upgraded.rows(
            "SELECT max(started_at), count(*) FROM usage WHERE grain = 'interception'"
        )
        assert f"the last of {formats.moment(newest, UTC)}" in said(test)
        assert formats.plural(count, "of them is", "of them are") in said(test)


def test_a_custom_period_can_begin_and_end_at_a_minute(store: Store) -> None:
    assert store
    day = END.date().isoformat()
    told = sorted(
        row["started_at"] for row in facts().usage if row["started_at"].date() == END.date()
    )
    begins, ends = (at.replace(second=0, microsecond=0) for at in (told[3], told[-3]))
    assert begins < ends
    hours = {"from": begins.strftime("%H:%M"), "until": ends.strftime("%H:%M")}
    test = app(range="Custom days", dates=[day, day], **hours)
    assert not test.exception
    expected = [row for row in newest_first(facts().usage) if begins <= row["started_at"] < ends]
    assert table(test).column("Began") == began(expected)[:PAGE]
    assert f"of {len(expected):,} request" in said(test)
    assert formats.stretch(begins, ends, UTC) in said(test)
