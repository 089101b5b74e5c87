"""What the browser gets of a table: numbers that it holds, each with the words that it shows."""

import ast
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import demo_sync
import pyarrow as pa
import pytest
import session_stores
import shown_tables
from dashboard_store import looking
from streamlit.testing.v1 import AppTest

from bridgeboard.formats import DASH
from bridgeboard.store import Store
from bridgeboard.ui.components import clock, data_table
from bridgeboard.ui.components.data_table import Column

SOURCE = Path(__file__).parents[1] / "src" / "bridgeboard"
DOLLAR = 10**12
SCRIPT = """
import streamlit as st
from bridgeboard.ui.components import data_table
told = st.session_state
column = data_table.Column("it", "It", told["kind"], exact=told["exact"])
data_table.show([(value,) for value in told["values"]], [column], key="table", alt="It")
"""
TABLES = {"dataframe", "table", "data_editor"}
CHARTS = {
    *("altair_chart", "area_chart", "bar_chart", "bokeh_chart", "graphviz_chart", "line_chart"),
    *("map", "plotly_chart", "pydeck_chart", "pyplot", "scatter_chart", "vega_lite_chart"),
    *("json", "metric"),
}
AMOUNTS = (1, 10_000, 1_000_000, 1_000_000_000, 9_007_199_254_740_993)
TOKENS = (0, 10**13, 2**53, 2**62, 10**20)


def drawn(values: Sequence[Any], kind: Any, *, exact: bool = False) -> tuple[pa.Table, pa.Table]:
    """A column as it goes over the wire: what it is sorted by, and what it shows."""

    test = AppTest.from_string(SCRIPT, default_timeout=60)
    for name, value in (("values", values), ("kind", kind), ("exact", exact)):
        test.session_state[name] = value
    test.run()
    assert not test.exception
    told = test.dataframe[0].proto.arrow_data
    return tuple(
        pa.ipc.open_stream(data).read_all() for data in (told.data, told.styler.display_values)
    )  # type: ignore[return-value]  # these are two


def shown(values: Sequence[Any], kind: Any, *, exact: bool = False) -> list[Any]:
    words: list[Any] = drawn(values, kind, exact=exact)[1]["it"].to_pylist()
    return words


@pytest.mark.parametrize("kind", ["count", "money"])
def test_no_number_of_a_table_is_a_whole_one_that_a_browser_cannot_hold(kind: str) -> None:
    values = [one * DOLLAR for one in AMOUNTS[:-1]] if kind == "money" else TOKENS
    (told,) = drawn(values, kind)[0].columns
    assert not pa.types.is_integer(told.type)
    for value in told.to_pylist():
        whole = isinstance(value, float) and value.is_integer()
        assert not whole or abs(value) <= data_table.LARGEST


def test_money_goes_to_the_browser_in_dollars() -> None:
    values = [15_552_570_894_725_000, 1_000_000 * DOLLAR, 250_000_000, None]
    (told,) = drawn(values, "money")[0].columns
    assert told.to_pylist() == [15_552.570894725, 1_000_000.0, 0.00025, None]


def test_money_of_any_size_is_shown_in_words() -> None:
    values = [10_000 * DOLLAR, 1_000_000 * DOLLAR, 1_000_000_000 * DOLLAR, None]
    assert shown(values, "money") == ["$10k", "$1M", "$1B", DASH]


def test_all_digits_are_shown_of_money_that_no_double_holds() -> None:
    values = [15_552_570_894_725_123, 1_000_000_000_000_000_000_001]
    assert shown(values, "money", exact=True) == [
        "$15,552.570894725123",
        "$1,000,000,000.000000000001",
    ]


def test_counts_beyond_what_a_browser_holds_show_all_digits_and_sort_by_size() -> None:
    values = [5, 2**62, None, 2**53, 10**13]
    behind, words = (table["it"].to_pylist() for table in drawn(values, "count", exact=True))
    assert words == [
        "5",
        "4,611,686,018,427,387,904",
        DASH,
        "9,007,199,254,740,992",
        "10,000,000,000,000",
    ]
    known = {value: text for value, text in zip(values, behind, strict=True) if value is not None}
    assert sorted(known, key=lambda value: known[value]) == sorted(known)
    assert {int(text) for text in known.values()} == set(known)


def test_counts_that_a_browser_holds_stay_numbers() -> None:
    (told,) = drawn([3, 10**13, data_table.LARGEST], "count")[0].columns
    assert told.to_pylist() == [3.0, 1e13, float(data_table.LARGEST)]


def test_rates_and_seconds_are_shown_as_everywhere_else() -> None:
    assert shown([0.1234, None], "rate") == ["12.3%", DASH]
    assert shown([130.4, None], "seconds") == ["2m 10s", DASH]


def test_a_column_of_which_nothing_is_known_is_a_column_of_numbers() -> None:
    behind, words = drawn([None, None], "money")
    assert pa.types.is_floating(behind["it"].type)
    assert words["it"].to_pylist() == [DASH, DASH]


def test_text_shows_what_would_act_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "zone", lambda: ZoneInfo("UTC"))
    frame = data_table.styled([("a\u202eb",), (None,)], [Column("it", "It")])
    assert list(frame["it"]) == ["a⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩b", None]


def test_times_stay_times_in_the_readers_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "zone", lambda: ZoneInfo("America/New_York"))
    twice = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6)]
    frame = data_table.styled([(at,) for at in twice], [Column("it", "It", "moment")]).data
    assert [str(at) for at in frame["it"]] == [
        "2026-11-01 01:30:00-04:00",
        "2026-11-01 01:30:00-05:00",
    ]


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
    if drawn := shown_tables.tables(test):
        spent = [amount for one in drawn for amount in one.whole("Spend") if amount != DASH]
        assert max(float(amount.strip("≥ $").replace(",", "")) for amount in spent) > 10_000
        return
    cells = [cell for frame in test.dataframe for cell in frame.value.to_numpy().flatten()]
    numbers = [cell for cell in cells if isinstance(cell, float | int)]
    assert max(numbers) > 10_000
    assert not [one for one in numbers if float(one).is_integer() and abs(one) > data_table.LARGEST]


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


def test_tables_and_charts_have_one_way_to_the_screen_each() -> None:
    pages = [*(SOURCE / "ui").rglob("*.py"), *(SOURCE.parents[1] / "pages").glob("*.py")]
    assert len(pages) > 50
    ways = {path.name: calls(path) & (TABLES | CHARTS) for path in pages}
    assert {name for name, found in ways.items() if found & TABLES} == {"data_table.py"}
    assert {name for name, found in ways.items() if found & CHARTS} == {"chart.py"}
