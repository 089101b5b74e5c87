from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from token_rows import response

from bridgeboard.pricing import Book, Status, bundled_prices, price
from bridgeboard.pricing.corrections import CORRECTIONS

BOOK = Book()
WEEK = [datetime(2026, 11, 16, tzinfo=UTC) + timedelta(hours=hour) for hour in range(7 * 24)]


def usd(model: str, at: str) -> float:
    """USD per million input tokens at DeepSeek."""
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    rate = BOOK.resolve("openai", "deepseek", model, moment).cards[0].rates[0]
    assert rate is not None
    return rate / 10**6


@pytest.mark.parametrize(
    ("model", "at", "rate"),
    [
        ("deepseek-v4-pro", "2026-11-21T02:00", 0.66),  # a Saturday
        ("deepseek-v4-pro", "2026-11-20T02:00", 1.32),
        ("deepseek-v4-pro", "2026-11-20T04:00", 0.66),
        ("deepseek-v4-pro", "2026-11-20T09:59", 1.32),
        ("deepseek-v4-pro", "2026-06-10T02:00", 0.435),
        ("deepseek-v4-pro", "2026-08-22T02:00", 1.32),  # Saturdays were peak for one week
        ("deepseek-v4-pro", "2026-10-01T02:00", 0.66),  # a public holiday
        ("deepseek-v4-flash", "2026-06-10T02:00", 0.14),
        ("deepseek-v4-flash", "2026-08-18T02:00", 0.44),
        ("deepseek-flash", "2026-11-20T02:00", 0.3),
        ("deepseek-flash", "2026-11-22T02:00", 0.15),
        ("deepseek-chat", "2026-11-20T00:00", 0.15),
        ("deepseek-reasoner", "2026-11-20T12:00", 0.15),
    ],
)
def test_peak_hours_have_days_and_a_first_day(model: str, at: str, rate: float) -> None:
    assert usd(model, at) == rate


def test_a_correction_tells_its_source_and_since_when_it_holds() -> None:
    found = BOOK.resolve("openai", "deepseek", "deepseek-chat", WEEK[0])
    assert found.cards[0].rates[:2] == (150_000, 600_000)
    assert found.source.startswith("correction, DeepSeek's price page")
    assert found.valid_from == datetime(2026, 9, 10, 4, tzinfo=UTC)
    assert all(
        one.source and one.reason and one.checked <= date(2026, 11, 28) for one in CORRECTIONS
    )


@pytest.mark.parametrize("one", CORRECTIONS, ids=lambda one: one.model)
def test_a_correction_goes_away_when_the_list_is_right(one: object) -> None:
    correction = next(each for each in CORRECTIONS if each is one)
    _, entry = bundled_prices.listed(correction.vendor, correction.model) or pytest.fail(
        "not listed"
    )
    edges = [price.since for price in correction.prices]
    moments = [*WEEK, *(edge + timedelta(hours=hour) for edge in edges for hour in range(48))]
    wrong = [
        at
        for at in moments
        if (right := correction.at(at))
        and bundled_prices.cards(correction.vendor, entry, at)[0].rates[:3] != right[1].rates[:3]
    ]
    assert wrong, "the list says the same now: delete the correction"


def test_a_whole_week_costs_the_same_at_once_and_hour_by_hour() -> None:
    asked = pd.concat(
        [
            response("deepseek-v4-pro", input=10**6).assign(
                provider_name="deepseek", created_at=at, interception_id=str(at)
            )
            for at in WEEK
        ],
        ignore_index=True,
    )
    told = price(asked, BOOK)
    each = [
        BOOK.resolve("openai", "deepseek", "deepseek-v4-pro", at).cards[0].rates[0] for at in WEEK
    ]
    assert told["cost"].tolist() == [rate * 10**6 for rate in each if rate is not None]
    assert (told["status"] == Status.PRICED).all()
    assert sum(rate == 1_320_000 for rate in each) == 35
