"""The forecast command, over a synced store: its numbers counted again, and its words."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import commands
import demo_sync
import pytest
from stores import fresh

from bridgeboard.analysis import forecast as forecasts
from bridgeboard.cli import forecast
from bridgeboard.store import Store

run = partial(commands.run, "forecast")
answered = partial(commands.answered, "forecast")
TODAY = demo_sync.NOW.date()


@pytest.fixture(autouse=True)
def _now(no_settings: pytest.MonkeyPatch) -> None:
    no_settings.setattr(forecast, "now", lambda: demo_sync.NOW)


def costs(synced_file: Path, where: str = "TRUE") -> dict[date, int]:
    """What each day cost in UTC, asked of the table itself."""
    with Store.open(synced_file, memory_mb=256, threads=2) as store:
        rows = store.rows(
            "SELECT started_at::DATE, coalesce(sum(cost), 0) FROM usage JOIN initiators"
            f" USING (initiator) WHERE {where} GROUP BY 1"
        )
    return {day: int(cost) for day, cost in rows}


def test_what_is_spent_and_how_the_month_ends_are_made_of_the_days_of_the_store(
    synced_file: Path, store_options: Sequence[str]
) -> None:
    days = costs(synced_file)
    answer = answered(*store_options)
    assert (answer["month"], answer["as_of"]) == (f"{TODAY:%Y-%m}", TODAY.isoformat())
    spent = sum(cost for day, cost in days.items() if day >= TODAY.replace(day=1))
    assert Decimal(answer["spent_usd"]) == Decimal(spent).scaleb(-12)
    first = min(day for day, cost in days.items() if cost)
    known = [
        days.get(first + timedelta(days=place), 0) for place in range((TODAY - first).days + 1)
    ]
    last = date(2026, 11, 30)
    made = forecasts.forecast(
        forecasts.Days(first, tuple(known[:-1]), known[-1]), TODAY.replace(day=1), last
    )
    assert made is not None
    assert Decimal(answer["end"]["usd"]) == Decimal(made.end.middle).scaleb(-12)
    assert [step["day"] for step in answer["days"]] == [
        (TODAY + timedelta(days=place)).isoformat() for place in range((last - TODAY).days + 1)
    ]
    assert answer["complete_days"] == made.days
    assert answer["method"] == made.method


def test_the_words_say_the_numbers_and_what_they_leave_out(store_options: Sequence[str]) -> None:
    answer, said = answered(*store_options), run(*store_options)
    assert said.exit_code == 0, said.output
    assert "November is expected to end at " in said.output
    assert (answer["standing"] == "at_least") == ("≥" in said.output)
    for reason in answer["reasons"]:
        assert reason in said.output


def test_filters_narrow_it_and_names_that_nobody_has_are_told(
    synced_file: Path, store_options: Sequence[str]
) -> None:
    with Store.open(synced_file, memory_mb=256, threads=2) as store:
        rows = store.rows(
            "SELECT username, sum(cost) FROM usage JOIN initiators USING (initiator)"
            " WHERE started_at >= '2026-11-01' GROUP BY 1 ORDER BY 2 DESC NULLS LAST LIMIT 2"
        )
    (who, cost), (other, more) = rows
    assert Decimal(answered(*store_options, "--person", who)["spent_usd"]) == Decimal(cost).scaleb(
        -12
    )
    both = answered(*store_options, "--person", who, "--person", other)
    assert Decimal(both["spent_usd"]) == Decimal(cost + more).scaleb(-12)
    said = run(*store_options, "--person", "nobody-at-all")
    assert said.exit_code == 0
    assert "Nothing was ever recorded of person 'nobody-at-all'." in said.output
    assert "Nothing was spent lately" in said.output


def test_days_without_a_sync_are_no_days_without_spend(
    store_options: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = answered(*store_options)
    monkeypatch.setattr(forecast, "now", lambda: demo_sync.NOW + timedelta(days=5))
    assert answered(*store_options) == before


def test_an_empty_store_has_no_forecast_and_says_why(tmp_path: Path) -> None:
    fresh(tmp_path).close()
    answer = answered("--store", str(tmp_path / "store.duckdb"))
    assert answer["end"] is answer["accuracy"] is None
    assert Decimal(answer["spent_usd"]) == 0  # as the cards of an empty store say
    assert "Nothing was spent" in answer["why_none"]


def test_days_are_those_of_the_zone(
    store_options: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    monkeypatch.setattr(forecast, "now", lambda: late)
    assert answered(*store_options)["month"] == "2026-10"
    assert answered(*store_options, "--zone", "Europe/Berlin")["month"] == "2026-11"
