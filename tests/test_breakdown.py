"""The breakdowns of pages: all values with their numbers, in the order of the address."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
import shown_tables
from headline_cards import headline
from shown_tables import Table
from streamlit.testing.v1 import AppTest
from test_url import app, complaints, query, store
from test_url_clicks import WHO

from bridgeboard.analysis import runner as analysis_runner
from bridgeboard.model.answer import Answer
from bridgeboard.model.store import Reader
from bridgeboard.queries.metric_query import Query
from bridgeboard.store import Store
from bridgeboard.ui import runner as ui_runner
from bridgeboard.ui.components import breakdown_columns, tables

__all__ = ["store"]  # a fixture

ALL = {"period": "90d"}


def breakdown(at: str, key: str = "breakdown", **asked: Any) -> Table:
    return shown_tables.table(app(at, **ALL, **asked), f"rows-{key}")


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ({}, ("Spend", False)),
        ({"breakdown-sort": "requests"}, ("Requests", False)),
        ({"breakdown-sort": "requests", "breakdown-up": "true"}, ("Requests", True)),
        ({"breakdown-sort": "name", "breakdown-up": "true"}, ("Model", True)),
        ({"breakdown-by": "team", "breakdown-sort": "name"}, ("Team", False)),
    ],
)
def test_an_address_opens_a_table_in_its_order(
    store: Store, asked: dict[str, str], order: tuple[str, bool]
) -> None:
    assert store
    assert breakdown("spend", **asked).order == order


def test_a_press_on_a_head_is_in_the_address_and_names_only_what_is_not_usual(
    store: Store,
) -> None:
    assert store
    test = app("spend", **ALL)
    for by, upwards, words in (
        ("Requests", False, {"breakdown-sort": "requests"}),
        ("Requests", True, {"breakdown-sort": "requests", "breakdown-up": "true"}),
        ("Model", True, {"breakdown-sort": "name", "breakdown-up": "true"}),
        ("Spend", False, {}),
    ):
        shown_tables.sort(test, "rows-breakdown", by, upwards=upwards)
        assert query(test) == {**ALL, **words}
        assert shown_tables.table(test, "rows-breakdown").order == (by, upwards)
        assert complaints(test) == []


def test_the_totals_are_those_of_the_page_and_stand_below_parts_only(store: Store) -> None:
    assert store
    test = app("spend", **ALL)
    totals = shown_tables.table(test, "rows-breakdown").totals
    cards = {card.label: card.value for card in headline(test)}
    assert totals["Spend"] == cards["Spend"]
    assert totals["Cache saving"] == cards["Cache saving"]
    assert totals["Model"] == "Total"
    assert totals["Spend per request"] == totals["Cache hit rate"] == ""


def test_parts_come_to_the_total_below_them(store: Store) -> None:
    assert store
    for by in ("model", "team", "client"):
        drawn = breakdown("spend", **{"breakdown-by": by})
        counts = [int(count.strip("≥ ").replace(",", "")) for count in drawn.whole("Requests")]
        total = drawn.data["totals"][0][drawn.heads.index("Requests")]
        whole = total if isinstance(total, str) else total[1]
        assert sum(counts) == int(whole.strip("≥ ").replace(",", ""))


def test_shares_are_told_of_every_number_whose_parts_add_up(store: Store) -> None:
    assert store
    drawn = breakdown("spend")
    shares = {each["label"] for each in drawn.data["columns"] if "shares" in each}
    assert shares == {"Spend", "Tokens", "Requests", "Cache saving"}
    (spend,) = [each["shares"] for each in drawn.data["columns"] if each["label"] == "Spend"]
    assert max(width for width, _ in spend) == 1000


def test_a_name_keeps_only_its_value_and_drops_what_means_nothing_then(store: Store) -> None:
    assert store
    asked = {"model": "~x", "breakdown-sort": "requests", "compare": "false"}
    drawn = breakdown("spend", **asked, **{"breakdown-rows": "1"})
    page, query = led(drawn)
    assert page == ""
    (model,) = query.pop("model")
    assert model in drawn.column("Model")
    kept = {"period": "90d", "breakdown-sort": "requests", "compare": "none", "tz": "UTC"}
    assert query == {name: [word] for name, word in kept.items()}


def test_a_person_has_a_page_with_the_filters_of_this_one(store: Store) -> None:
    assert store
    asked = {"clients": ["x", "Claude Code"], "everybody-sort": "requests"}
    page, query = led(breakdown("people", "everybody", **asked))
    assert page == "person"
    assert query.pop("who")
    assert query == {"client": ["x", "Claude Code"], "period": ["90d"], "tz": ["UTC"]}


def test_a_tool_is_looked_into_where_one_stands(store: Store) -> None:
    assert store
    assert "tool" in led(breakdown("tools", "tools-tool"))[1]
    servers = breakdown("tools", "tools-server")
    page, words = led(servers)
    assert (page, words["servers"]) == ("interceptions", [servers.column("MCP server")[0]])
    assert "model" in led(breakdown("person", "model", **WHO))[1]


def test_a_hostile_name_stays_one_value_of_a_link_to_the_page_it_is_on(store: Store) -> None:
    assert store
    name = '<img src=x onerror="alert(1)">\u202e"; javascript:alert(2) &amp; 100% #?=+/../'
    script = f"from bridgeboard.ui import navigation; NAMES = ({name!r},)"
    test = AppTest.from_string(
        script
        + """
import streamlit as st
st.session_state["links"] = navigation.links("model", NAMES)
"""
    ).run()
    links = test.session_state["links"]
    assert links.start == "?model_id="
    assert parse_qs(links.start[1:] + links.ends[0]) == {"model_id": [name]}


def test_rows_changed_as_what_moved_most_says_and_their_total_as_the_card_does(
    store: Store,
) -> None:
    assert store
    test = app("spend", period="7d", **{"breakdown-by": "team"})
    drawn = shown_tables.table(test, "rows-breakdown")
    changes = dict(zip(drawn.column("Team"), drawn.column("Change of spend"), strict=True))
    (moved,) = [one for one in shown_tables.tables(test) if one.label == "What moved most"]
    said = {
        row["Name"]: f"{row['Change of spend']} ({row['Relative change'].removeprefix('≈ ')})"
        for row in moved.rows
        if row["Dimension"] == "Team"
    }
    assert said
    assert said.items() <= changes.items()
    (card,) = [card for card in headline(test) if card.label == "Spend"]
    share = drawn.totals["Change of spend"].partition(" (")[2].strip(")")
    assert card.delta.removeprefix("≈ ").lstrip("↑↓ ≈") == share.lstrip("+-")


def test_without_a_comparison_there_is_no_column_of_changes(store: Store) -> None:
    assert store
    heads = breakdown("spend", compare="false").heads  # nor is a right word about it a slip
    assert "Change of spend" not in heads
    assert "Trend of spend" in heads
    test = app("spend", **ALL, compare="false", **{"breakdown-sort": "change"})
    assert complaints(test) == []


def test_columns_are_in_the_address_with_that_of_the_order_in_any_case(store: Store) -> None:
    assert store
    chosen = {"breakdown-columns": ["requests", "trend", "prompts"]}
    test = app("spend", period="7d", **chosen)
    heads = shown_tables.table(test, "rows-breakdown").heads
    assert heads == ["Model", "Requests", "Prompts", "Spend", "Trend of spend"]
    shown_tables.sort(test, "rows-breakdown", "Requests", upwards=False)
    heads = shown_tables.table(test, "rows-breakdown").heads
    assert heads == ["Model", "Trend of spend", "Requests", "Prompts"]
    test.multiselect(key="breakdown-columns").set_value(["spend", "change"]).run()
    assert query(test)["breakdown-columns"] == ["spend", "change"]
    drawn = shown_tables.table(test, "rows-breakdown")
    assert drawn.heads == ["Model", "Spend", "Change of spend", "Requests"]
    test.multiselect(key="breakdown-columns").set_value([]).run()
    assert "breakdown-columns" not in query(test)
    assert complaints(test) == []


def test_long_tables_have_trends_where_the_reader_picks_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    monkeypatch.setattr(breakdown_columns, "TREND_ROWS", 1)
    test = app("spend", **ALL)
    assert "Trend of spend" not in shown_tables.table(test, "rows-breakdown").heads
    columns = test.multiselect(key="breakdown-columns-many")
    columns.set_value([*columns.value, "trend"]).run()
    assert "Trend of spend" in shown_tables.table(test, "rows-breakdown").heads
    assert query(test)["breakdown-columns"][-1] == "trend"


def test_a_column_that_a_dimension_has_not_is_named(store: Store) -> None:
    assert store
    test = app("tools", **ALL, **{"tools-tool-columns": ["tool_calls", "spend"]})
    assert any(one.value.endswith("tools. Not known by tool: Spend") for one in test.caption)
    assert shown_tables.table(test, "rows-tools-tool").heads == ["Tool", "Tool calls"]


def test_what_only_the_period_before_has_is_listed_as_gone(store: Store) -> None:
    """Each period of the company has people that the next one has not."""
    assert store
    test = app("people", period="7d", **{"everybody-sort": "change", "everybody-up": "true"})
    drawn = shown_tables.table(test, "rows-everybody")
    gone = [row for row in drawn.rows if row["Change of spend"].endswith("(gone)")]
    assert gone
    assert drawn.note.startswith(f"{len(gone)} ")
    assert {row["Requests"] for row in gone} == {"0"}
    assert {row["Trend of spend"] for row in gone} == {"Nothing on any day of this period"}
    (count,) = [one.value for one in test.caption if one.value.endswith(" people")]
    assert int(count.split()[0]) == len(drawn.rows) - len(gone)


def test_trends_have_the_days_of_the_period_and_the_largest_in_words(store: Store) -> None:
    assert store
    drawn = shown_tables.table(app("models", period="7d"), "rows-breakdown")
    place = drawn.heads.index("Trend of requests")
    column = drawn.data["columns"][place]
    assert {len(points) for points in column["points"]} == {7}
    lines = list(zip(column["cells"], column["points"], strict=True))
    assert {max(points) for words, points in lines if words.startswith("Largest per day: ")} == {
        100
    }
    rest = {(words, max(points)) for words, points in lines if not words.startswith("Largest")}
    assert rest <= {("Nothing on any day of this period", 0)}


def test_few_rows_have_their_trends_from_the_question_of_the_chart(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    asked: list[Query] = []

    def recorded(reader: Reader, question: Query) -> Answer:
        asked.append(question)
        return answer(reader, question)

    answer = analysis_runner.answer
    monkeypatch.setattr(analysis_runner, "answer", recorded)
    ui_runner.CACHE.clear()
    test = app("spend", period="7d", **{"spend-by": "provider", "breakdown-by": "provider"})
    assert "Trend of spend" in shown_tables.table(test, "rows-breakdown").heads
    over_time = [one for one in asked if set(one.dimensions or ()) == {"day", "provider"}]
    assert len(over_time) == 1


def led(drawn: Table) -> tuple[str, dict[str, list[str]]]:
    """The page and the parameters that the first row leads to."""
    links = drawn.data["columns"][0]["links"]
    page, _, query = (links["start"] + links["ends"][0]).partition("?")
    return page, parse_qs(query)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows a table has at most."""
    monkeypatch.setattr(tables, "MOST", 20)
    return 20


def test_more_rows_than_a_browser_takes_come_in_parts_that_all_heads_sort(
    store: Store, few: int
) -> None:
    assert store
    test = app("people", **ALL)

    def named() -> list[str]:
        return shown_tables.table(test, "rows-everybody").column("Person")

    def every(sort: Callable[[], object]) -> list[str]:
        sort()
        names = []
        for start in range(0, count, few):
            test.selectbox(key="everybody-rows").set_value(start).run()
            assert len(named()) == min(few, count - start)
            names += named()
        return names

    count = int(test.selectbox(key="everybody-rows").options[-1].split("-")[1])
    assert count > few
    assert shown_tables.table(test, "rows-everybody").data["part"] is True
    key = "rows-everybody"
    down = every(lambda: shown_tables.sort(test, key, "Person", upwards=False))
    up = every(lambda: shown_tables.sort(test, key, "Person", upwards=True))
    assert up == sorted(up, key=str.casefold)
    assert up == down[::-1]
    assert len(set(up)) == count
    shown_tables.sort(test, key, "Spend", upwards=False)
    assert "everybody-rows" not in query(test)


def test_a_row_named_by_an_earlier_address_is_on_the_part_that_opens(
    store: Store, few: int
) -> None:
    assert store
    test = app("people", **ALL, **{"everybody-rows": "21"})
    assert complaints(test) == []
    assert test.selectbox(key="everybody-rows").value == few
