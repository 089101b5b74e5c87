"""What the browser gets of a table: words, and ranks to sort by that no double can spoil."""

import ast
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import demo_sync
import pytest
import session_stores
import shown_tables
from dashboard_store import looking
from hypothesis import given
from hypothesis import strategies as st
from shown_tables import Table
from streamlit.testing.v1 import AppTest

from bridgeboard.formats import DASH, STATUSES
from bridgeboard.store import Store
from bridgeboard.ui.components import clock, tables
from bridgeboard.ui.components.tables import Column, Inexact

SCRIPT = """
import streamlit as st
from bridgeboard.ui.components import tables
asked = st.session_state["asked"]
tables.show(key="it", label="It", **asked)
"""
SOURCE = Path(__file__).parents[1] / "src" / "bridgeboard"
ELEMENTS = {
    *("altair_chart", "area_chart", "bar_chart", "bokeh_chart", "graphviz_chart", "line_chart"),
    *("map", "plotly_chart", "pydeck_chart", "pyplot", "scatter_chart", "vega_lite_chart"),
    *("json", "metric", "dataframe", "table", "data_editor"),
}
FACTS = """
from bridgeboard.ui.components import tables
facts = {"Id": "0123456789" * 2, "Failed with": "-"}
tables.facts(facts, key="it", label="Where", title="Where", longest=9)
"""
DOLLAR = 10**12
HOSTILE = '<img src=x onerror="alert(1)">\u202e"; javascript:alert(2) &amp; 100% #?=+/../'


def drawn(rows: Sequence[Sequence[Any]], *columns: Column, **more: Any) -> Table:
    test = AppTest.from_string(SCRIPT, default_timeout=60)
    test.session_state["asked"] = {"rows": rows, "columns": columns, **more}
    test.run()
    assert not test.exception
    return shown_tables.table(test, "it")


def one_column(values: Sequence[Any], kind: Any, *, exact: bool = False) -> Table:
    named = [(f"{place:03}", value) for place, value in enumerate(values)]
    return drawn(named, Column("Name"), Column("It", kind, exact=exact))


@pytest.mark.parametrize("kind", ["money", "count"])
def test_numbers_that_differ_in_their_last_digit_sort_by_it_however_large(kind: str) -> None:
    values = [10**25 + 1, 10**25, None, 2**53 + 1, 2**53, -(10**25), 0]
    numbers = one_column(values, kind)
    names = [f"{place:03}" for place in range(len(values))]
    upwards = sorted(
        (value, name) for value, name in zip(values, names, strict=True) if value is not None
    )
    expected = [name for _, name in upwards]
    assert [row["Name"] for row in numbers.sorted("It", upwards=True)] == [*expected, "002"]
    assert [row["Name"] for row in numbers.sorted("It", upwards=False)] == [*expected[::-1], "002"]


@given(st.lists(st.none() | st.integers(-(10**26), 10**26) | st.floats(0, 1), max_size=30))
def test_ranks_are_in_the_order_of_what_they_rank(values: list[float | None]) -> None:
    ranks = tables.ranks(values)
    assert [rank is None for rank in ranks] == [value is None for value in values]
    pairs = [(value, rank) for value, rank in zip(values, ranks, strict=True) if rank is not None]
    for value, rank in pairs:
        for other, others in pairs:
            assert (value < other) == (rank < others)


def test_a_cell_shows_few_digits_and_has_all_of_them_for_who_points_at_it() -> None:
    shown = one_column([15_552_570_894_725_123, DOLLAR, None], "money")
    assert shown.column("It") == ["$15.6k", "$1.00", DASH]
    assert shown.whole("It") == ["$15,552.570894725123", "$1.00", DASH]


def test_numbers_can_be_shown_with_all_their_digits() -> None:
    shown = one_column([2**62, None], "count", exact=True)
    assert shown.column("It") == ["4,611,686,018,427,387,904", DASH]


def test_rates_and_seconds_are_shown_as_everywhere_else() -> None:
    assert one_column([0.1234, None], "rate").column("It") == ["12.3%", DASH]
    assert one_column([130.4, None], "seconds").column("It") == ["2m 10s", DASH]


def test_a_lower_bound_is_called_one_and_one_of_nothing_is_unknown() -> None:
    bounds = [Inexact(value, "at_least") for value in (5, 0, 1_234)]
    shown = one_column([*bounds[:2], 3, bounds[2], Inexact(0, "about")], "count")
    assert shown.column("It") == ["≥ 5", DASH, "3", "≥ 1.2k", "≈ 0"]
    assert shown.whole("It")[3] == "≥ 1,234"
    in_order = [row["It"] for row in shown.sorted("It", upwards=True)]
    assert in_order == ["≈ 0", "3", "≥ 5", "≥ 1.2k", DASH]


def test_a_bar_is_full_at_all_of_it_and_beyond_that_never_looks_so() -> None:
    values = [0, 0.25, 1, 1.00001, 3.5, None, Inexact(0, "at_least"), Inexact(0.5, "at_least")]
    named = [(f"{place:03}", value) for place, value in enumerate(values)]
    shown = drawn(named, Column("Name"), Column("It", "rate", has_bars=True))
    assert shown.data["columns"][1]["bars"] == [0, 250, 1000, 1001, 3500, None, None, 500]
    assert shown.column("It")[2:4] == ["100%", ">100%"]


def test_times_have_their_offset_and_sort_by_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "zone", lambda: ZoneInfo("America/New_York"))
    began = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    shown = one_column([began, None, began + timedelta(hours=1)], "moment")
    # Clocks there show this hour twice on the day that summer time ends.
    assert shown.column("It") == [
        "1 Nov 2026, 01:30:00 -04:00",
        DASH,
        "1 Nov 2026, 01:30:00 -05:00",
    ]
    assert [row["Name"] for row in shown.sorted("It", upwards=False)] == ["002", "000", "001"]


def test_text_sorts_as_in_a_dictionary() -> None:
    shown = drawn([("b",), ("C",), (None,), ("a",), ("A",)], Column("Name"))
    assert [row["Name"] for row in shown.sorted("Name", upwards=True)] == ["A", "a", "b", "C", DASH]


def test_only_a_table_too_long_for_a_glance_has_a_field_to_search_it() -> None:
    rows = [(f"{place:03}",) for place in range(tables.UNSEARCHED + 1)]
    asked = {"search": "Search names", "count": 4_000}
    assert drawn(rows, Column("Name"), **asked).data["count"] == 4_000
    assert "search" not in drawn(rows[1:], Column("Name"), **asked).data


def test_hostile_text_stays_text() -> None:
    shown = drawn([(HOSTILE,)], Column("Model", longest=20))
    (cell,) = shown.column("Model")
    assert len(cell) == 20
    assert "\u202e" not in json.dumps(shown.data["columns"], ensure_ascii=False)


@pytest.mark.parametrize("event", [["x", True], [7, True], [-1, False], [0], None, [0, "up"]])
def test_what_no_head_tells_is_not_passed_on(event: Any) -> None:
    script = SCRIPT.replace("**asked", "on_sort=lambda order: st.session_state.update(order=1)")
    script = script.replace("label", 'rows=[("a",)], columns=[tables.Column("It")], label')
    test = AppTest.from_string(script, default_timeout=60)
    test.session_state["asked"] = {}
    test.run()
    shown_tables.press(test, "it", event)
    assert not test.exception
    assert "order" not in test.session_state
    shown_tables.press(test, "it", [0, True])
    assert "order" in test.session_state


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A company whose every request costs as much as a million do."""
    with session_stores.synced(tmp_path_factory.mktemp("rich"), "exact") as store:
        with store.write() as batch:
            for table in ("usage", "responses"):
                batch.execute(f"UPDATE {table} SET cost = cost * 1000000, input = input * 1000000")
        yield store


@pytest.mark.parametrize("page", ["spend", "people", "models", "sessions", "interceptions"])
def test_a_rich_company_sees_its_money_in_every_table(rich: Store, page: str) -> None:
    with looking(rich, demo_sync.NOW):
        test = AppTest.from_file(str(SOURCE.parents[1] / "app.py"), default_timeout=120)
        test.query_params.update(range="Custom days", tz="UTC")
        test.query_params["dates"] = ["2026-01-01", "2026-12-31"]
        test.switch_page(f"pages/{page}.py").run()
    assert not test.exception
    drawn = [one for one in shown_tables.tables(test) if "Spend" in one.heads]
    every = [amount for one in drawn for amount in one.whole("Spend")]
    spent = [amount for amount in every if amount not in {DASH, *STATUSES}]
    assert max(float(amount.strip("≥ $").replace(",", "")) for amount in spent) > 10_000


def calls(path: Path) -> set[str]:
    """The names of the methods that a file calls on anything but modules and classes of ours."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    ours = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bridgeboard")
        for alias in node.names
    }
    return {
        node.func.attr
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and not (isinstance(node.func.value, ast.Name) and node.func.value.id in ours)
    }


def test_charts_have_one_way_to_the_screen_and_no_table_is_streamlits_own() -> None:
    pages = [*(SOURCE / "ui").rglob("*.py"), *(SOURCE.parents[1] / "pages").glob("*.py")]
    assert len(pages) > 50
    ways = {path.name: calls(path) & ELEMENTS for path in pages}
    assert {name for name, used in ways.items() if used} == {"chart.py"}


def test_errors_have_one_way_to_the_screen() -> None:
    pages = [*(SOURCE / "ui").rglob("*.py"), *(SOURCE.parents[1] / "pages").glob("*.py")]
    assert {path.name for path in pages if "error" in calls(path)} == {"notices.py"}


def test_facts_are_cut_to_what_they_have_room_for_and_have_all_for_who_points_at_them() -> None:
    test = AppTest.from_string(FACTS, default_timeout=60).run()
    assert not test.exception
    shown = shown_tables.table(test, "it")
    assert shown.lines == [("Id", "0123…6789"), ("Failed with", "-")]
    assert shown_tables.titled(test, "Where").label == "Where"
    assert shown.data["columns"][1]["cells"][0] == ["0123…6789", "0123456789" * 2]
    assert "wrap" in shown.data["columns"][1]["look"]
