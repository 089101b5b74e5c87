"""The chart over time: what the cards choose, its stretches of time, sums, and zoom."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import headline_cards
import pytest
from dashboard_store import filled, looking
from facts import facts
from streamlit.testing.v1 import AppTest
from test_url import app, complaints, query

from bridgeboard.analysis.trends import Trend
from bridgeboard.model import periods
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.scope import Scope
from bridgeboard.store import Store
from bridgeboard.ui import url
from bridgeboard.ui.components import downloads, trend, trend_drawing
from bridgeboard.ui.components.filters import Chosen

END: datetime = max(row["started_at"] for row in facts().usage)
DAYS = [date(2026, 11, day) for day in (1, 2, 3)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path: Path = tmp_path_factory.mktemp("trend") / "store.duckdb"
    with filled(path) as opened, looking(opened, END):
        yield opened


def heading(test: AppTest) -> str:
    """What the chart says that it shows."""
    (title,) = [one.value for one in test.header if one.value.endswith("over time")]
    return str(title)


def test_a_click_on_a_card_shows_its_number_over_time(store: Store) -> None:
    assert store
    test = app("overview", period="7d")
    assert headline_cards.charted(test) == "spend"
    assert heading(test) == "Spend over time"
    headline_cards.choose(test, "sessions")
    assert (headline_cards.charted(test), heading(test)) == ("sessions", "Sessions over time")
    assert query(test) == {"period": "7d", "overview-show": "sessions"}
    headline_cards.choose(test, "spend")
    assert query(test) == {"period": "7d"}
    headline_cards.choose(test, "no such number")
    assert query(test) == {"period": "7d"}
    assert complaints(test) == []


def test_what_no_card_shows_can_be_chosen_beside_the_cards(store: Store) -> None:
    assert store
    test = headline_cards.choose(app("overview"), "requests")
    assert heading(test) == "Requests over time"
    assert "Requests" not in {card.label for card in headline_cards.headline(test)}


def shown(monkeypatch: pytest.MonkeyPatch, at: str, **asked: Any) -> downloads.Sheet:
    """The table behind the chart of a page."""
    sheets: list[downloads.Sheet] = []
    monkeypatch.setattr(downloads, "behind", lambda sheet, *_, **__: sheets.append(sheet))
    assert complaints(app(at, **asked)) == []
    return sheets[0]


def test_a_chart_has_the_stretches_and_the_sums_that_its_address_says(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    words = {"period": "30d", "spend-by": "none", "spend-show": "spend"}
    days = shown(monkeypatch, "spend", **words)
    weeks = shown(monkeypatch, "spend", **words, **{"spend-grain": "week"})
    both = {"spend-grain": "week", "spend-cumulative": "true"}
    sums = shown(monkeypatch, "spend", **words, **both)
    assert len(days.rows) == 30
    assert weeks.columns[0].name == "week"
    total = sum(row[-1] or 0 for row in days.rows)
    assert total == sum(row[-1] or 0 for row in weeks.rows) == sums.rows[-1][-1] > 0
    assert sums.columns[-1].label == "Spend, cumulative"
    # Of people nobody can say how many there were by the sum of some days.
    active = {"people-show": "active_people", "people-by": "none", "people-cumulative": "true"}
    once = shown(monkeypatch, "people", **active)
    assert "cumulative" not in once.name


def test_a_grain_that_a_period_has_no_room_for_is_the_usual_one_and_no_complaint(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    sheet = shown(monkeypatch, "spend", period="90d", **{"spend-grain": "hour"})
    assert sheet.columns[0].name == "day"


def test_sums_over_time_leave_nothing_out_without_saying_so() -> None:
    bound = Accuracy("at_least", ("the price of 7 tokens is unknown",))
    rows = tuple(zip(DAYS * 2, "aaabbb", (1, None, 3, None, None, 5), strict=True))
    unknown = {(day, name): Accuracy("unknown") for day, name, value in rows if value is None}
    every = Trend("spend", rows, ("a", "b"), 2, None, unknown, bound).cumulative()
    assert [value for *_, value in every.rows] == [1, 1, 4, None, None, 5]
    standings = [every.accuracies.get(row[:2], EXACT).standing for row in every.rows]
    assert standings == ["exact", "at_least", "at_least", "unknown", "unknown", "at_least"]
    assert every.accuracy == bound
    # What was saved may be below zero, so that what is missing may make it too small or too large.
    saving = Trend("cache_saving", rows, ("a", "b"), 2, None, unknown).cumulative()
    assert saving.accuracies[DAYS[2], "a"].standing == "about"


BERLIN = Scope.days(date(2026, 10, 24), date(2026, 10, 26), "Europe/Berlin")


@pytest.mark.parametrize(
    ("grain", "places", "words"),
    [
        ("day", (0, 1), {"from": ["2026-10-24"], "to": ["2026-10-25"]}),
        # The 25th has 25 hours: 2 o'clock comes twice.
        (
            "hour",
            (27, 28),
            {"from": ["2026-10-25T02:00"], "to": ["2026-10-25T04:00"]},
        ),
        ("hour", (46, 48), {"from": ["2026-10-25T21:00"], "to": ["2026-10-25"]}),
        ("week", (0, 0), {"from": ["2026-10-24"], "to": ["2026-10-25"]}),
    ],
)
def test_dragging_over_stretches_of_time_makes_them_the_period(
    monkeypatch: pytest.MonkeyPatch, grain: Any, places: tuple[int, int], words: dict[str, Any]
) -> None:
    written: dict[str, Any] = {}
    monkeypatch.setattr(url, "put", written.update)
    every = periods.buckets(BERLIN, grain)
    trend.zoom_to(every[places[0] : places[1] + 1], grain, BERLIN)
    assert {name: list(value) for name, value in written.items()} == {"period": [], **words}
    trend.zoom_to([], grain, BERLIN)


def test_the_period_before_stands_beside_the_same_places(store: Store) -> None:
    scope = Scope.days(END.date() - timedelta(days=6), END.date(), "UTC")
    now = Chosen(scope, scope.previous(), "7d", running=False)
    every = periods.buckets(scope, "day")
    with store.snapshot():
        one = trend_drawing.Choice("total_tokens", trend_drawing.WHOLE, "day")
        (first, *others) = trend_drawing._previous(one, now, every)
        lines = replace(one, measure="active_people", split="provider")
        assert trend_drawing._previous(lines, now, every) == []
        assert trend_drawing._previous(one, replace(now, before=None), every) == []
    assert (first.bucket, first.at) == (every[0], every[0] - timedelta(days=7))
    assert len(others) == 6
    total = sum(part.value for part in (first, *others))
    usage = [
        sum(row[name] or 0 for name in ("input", "output", "cache_read", "cache_write"))
        for row in facts().usage
        if scope.previous().since <= row["started_at"].replace(tzinfo=UTC) < scope.since
    ]
    assert total == sum(usage) > 0
