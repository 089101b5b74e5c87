"""Where the running month ends, on the page Spend."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import pytest
from dashboard_store import filled, looking
from facts import facts
from stores import fresh
from streamlit.testing.v1 import AppTest

from bridgeboard import charts
from bridgeboard.analysis.forecast import MonthEnd, month_end
from bridgeboard.analysis.runner import Snapshot
from bridgeboard.model import periods
from bridgeboard.store import Store

ROOT = Path(__file__).parents[1]
END: datetime = max(row["started_at"] for row in facts().usage)
HEAD = "Where this month ends"
DOLLAR = 10**12


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path / "store.duckdb") as opened:
        yield opened


def spend(**query: Any) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, values in {"tz": "UTC", **query}.items():
        test.query_params[name] = values
    return test.switch_page("pages/spend.py").run()


def said(test: AppTest) -> str:
    assert HEAD in [head.value for head in test.header]
    told = [str(one.value) for kind in ("markdown", "caption", "info") for one in test.get(kind)]
    return "\n".join(told).replace("\\", "").replace("\u2060", "")


def expected(store: Store, now: datetime, **only: str) -> MonthEnd:
    scope = periods.everything("UTC")
    for by, value in only.items():
        scope = scope.only(by, value)
    with store.snapshot() as reader:
        return month_end(Snapshot(reader), scope, now)


def spec(test: AppTest) -> dict[str, Any]:
    (chart,) = [each.proto for each in test.get("vega_lite_chart") if "Which is" in each.proto.spec]
    drawn: dict[str, Any] = json.loads(chart.spec)
    return drawn


def test_the_page_says_what_the_analysis_does_whatever_its_period(store: Store) -> None:
    with looking(store, END):
        end = expected(store, END)
        assert end.forecast
        for period in ("7d", "last-month"):
            test = spend(period=period)
            assert not test.exception
            for sentence in end.in_words:
                assert sentence in said(test)
            assert spec(test)["layer"]


def test_filters_apply(store: Store) -> None:
    model = max(
        ((row["cost"] or 0, row["model"]) for row in facts().usage if row["model"]),
        key=lambda pair: pair[0],
    )[1]
    with looking(store, END):
        narrow = expected(store, END, model=model)
        assert narrow.spent != expected(store, END).spent
        for sentence in narrow.in_words:
            assert sentence in said(spend(model_id=model))


def test_too_few_days_and_nothing_at_all_say_so(store: Store, tmp_path: Path) -> None:
    first = min(row["started_at"] for row in facts().usage if row["cost"])
    with looking(store, first + timedelta(days=1)):
        assert "A forecast needs 3 complete days" in said(spend())
    with fresh(tmp_path / "none") as empty, looking(empty, END):
        assert "Nothing was spent lately" in said(spend())


def test_the_picture_goes_on_where_the_spend_ends_and_holds_the_band() -> None:
    first = date(2026, 11, 1)
    days = [first + timedelta(days=place) for place in range(4)]
    spent = [(day, place * DOLLAR, f"${place}") for place, day in enumerate(days[:2])]
    after = [(days[2], 3 * DOLLAR, 2 * DOLLAR, 4 * DOLLAR, "$3")]
    after += [(days[3], 5 * DOLLAR, 3 * DOLLAR, 7 * DOLLAR, "$5")]
    drawn = charts.month_end(spent, after)
    assert alt.LayerChart.from_dict(charts.spec(drawn))  # as the schema of Vega-Lite wants it
    frames = [layer.data for layer in drawn.layer]
    band, line = frames[0], frames[1]
    assert band[["low", "high"]].to_numpy().tolist() == [[2, 4], [3, 7]]
    parts = {part: rows["amount"].tolist() for part, rows in line.groupby("part")}
    assert parts == {"Spent": [0, 1], "Forecast": [1, 3, 5]}
    alone = charts.month_end([], [replace_band(one) for one in after])
    assert len(alone.layer) == len(drawn.layer) - 1


def replace_band(one: tuple[Any, ...]) -> Any:
    day, middle, _, _, words = one
    return day, middle, None, None, words
