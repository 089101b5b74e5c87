"""Why spend changed, on the page Spend."""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import altair as alt
import pytest
from dashboard_store import filled, looking
from facts import facts
from stores import fresh
from streamlit.testing.v1 import AppTest

from bridgeboard import charts
from bridgeboard.analysis.bridge import COUNTS, effects
from bridgeboard.analysis.runner import Snapshot
from bridgeboard.analysis.spend_bridge import LABELS, Bridge, bridge
from bridgeboard.model import pages, periods
from bridgeboard.pricing import Book
from bridgeboard.queries.request_list import Order
from bridgeboard.queries.session_columns import COLUMNS
from bridgeboard.store import Store
from bridgeboard.ui import url_parameters
from bridgeboard.ui.components.breakdown_columns import CHANGE
from bridgeboard.ui.views.spend_bridge import EVIDENCE

ROOT = Path(__file__).parents[1]
END: datetime = max(row["started_at"] for row in facts().usage)
DOLLAR = 10**12


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path / "store.duckdb") as opened:
        yield opened


def spend(**query: Any) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, values in {"tz": "UTC", "period": "7d", **query}.items():
        test.query_params[name] = values
    return test.switch_page("pages/spend.py").run()


def said(test: AppTest) -> str:
    assert not test.exception
    assert "Why spend changed" in [head.value for head in test.header]
    told = [str(one.value) for kind in ("markdown", "caption", "info") for one in test.get(kind)]
    return "\n".join(told).replace("\\", "").replace("\u2060", "")


def expected(store: Store, **only: str) -> Bridge:
    scope = periods.scope("7d", END.date(), "UTC")
    for by, value in only.items():
        scope = scope.only(by, value)
    with store.snapshot() as reader:
        questions = Snapshot(reader)
        as_of = periods.known_until(END, questions.coverage().as_of)
        return bridge(questions, scope, periods.compared(scope, "7d", as_of), Book())


def tables(test: AppTest, key: str) -> dict[str, Any]:
    (one,) = [
        each.proto
        for each in test.get("bidi_component")
        if f"-{key}" in each.proto.id and each.proto.json
    ]
    data: dict[str, Any] = json.loads(one.json)
    return data


def test_the_page_has_the_steps_of_the_analysis(store: Store) -> None:
    with looking(store, END):
        made = expected(store)
        assert made.steps
        test = spend()
        assert made.in_words in said(test)
        for note in made.notes:
            assert note in said(test)
        data = tables(test, "steps-why")
        assert data["columns"][0]["cells"] == [one.label for one in made.steps]
        assert len(data["columns"][0]["links"]["ends"]) == len(made.steps)
        assert made.signed(made.change) in str(data["totals"])


def test_filters_and_the_split_apply(store: Store) -> None:
    with looking(store, END):
        model = max(
            ((row["cost"] or 0, row["model"]) for row in facts().usage if row["model"]),
            key=lambda pair: pair[0],
        )[1]
        narrow = expected(store, model=model)
        assert narrow.change != expected(store).change
        test = spend(model_id=model, **{"why-by": "initiator", "why-step": "unit_price"})
        assert narrow.in_words in said(test)
        assert "single steps do not" in said(test)
        data = tables(test, "parts-why")
        assert [column["label"] for column in data["columns"]][1] == "Prices"
        assert narrow.signed(narrow.change) in str(data["totals"])


def test_the_bars_are_drawn_again_only_for_other_steps_or_another_choice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = Mock(wraps=charts.waterfall)
    monkeypatch.setattr(charts, "waterfall", draw)
    with looking(store, END):
        first, again = spend(), spend()
        assert draw.call_count == 1
        assert [one.proto.spec for one in first.get("vega_lite_chart")] == [
            one.proto.spec for one in again.get("vega_lite_chart")
        ]
        spend(**{"why-step": "unit_price"})
        assert draw.call_args.args[2] == "unit_price"
        spend(model_id=facts().usage[0]["model"])
        assert draw.call_count == 3


def test_what_cannot_be_compared_says_so(store: Store, tmp_path: Path) -> None:
    with looking(store, END):
        assert "Choose what to compare with" in said(spend(compare="none"))
    with fresh(tmp_path / "none") as empty, looking(empty, END):
        assert "There are no records" in said(spend())


def test_every_step_leads_to_a_page_that_can_read_its_address() -> None:
    every = {
        name
        for count in range(4)
        for merged in combinations(COUNTS, count)
        for name in effects(merged)
    }
    assert set(EVIDENCE) == every
    assert set(LABELS) <= every
    for page, words in EVIDENCE.values():
        assert set(words) <= url_parameters.of(page)
    orders = {"sessions": COLUMNS, "interceptions": Order.columns}
    for page, words in EVIDENCE.values():
        known = (*orders.get(page, pages.COLUMNS), CHANGE)
        assert {word for name in words if name.endswith("sort") for word in words[name]} <= {*known}


def test_bars_begin_where_the_ones_before_ended() -> None:
    steps = [("people", "People", 5 * DOLLAR, "+$5"), ("unit_price", "Prices", -7 * DOLLAR, "-$7")]
    drawn = charts.waterfall(steps, ("", "Whole change", -2 * DOLLAR, "-$2"), "people")
    assert alt.LayerChart.from_dict(charts.spec(drawn))  # as the schema of Vega-Lite wants it
    frame: Any = drawn.layer[0].data
    assert frame[["start", "end"]].to_numpy().tolist() == [[0, 5], [5, -2], [0, -2]]
    assert frame["width"].tolist() == [2, 0, 0]
    assert frame["colour"].nunique() == 3
