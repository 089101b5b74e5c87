"""Service tiers: the same model sold faster or slower, at another price."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from genai_prices import Usage, calc_price
from token_rows import AT, response

from bridgeboard.formats import PICO
from bridgeboard.pricing import Book, Status, parse, price

BOOK = Book()
SINCE = datetime(2026, 10, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 1, tzinfo=UTC)
MICRO = 10**6


@pytest.mark.parametrize("tier", ["", "auto", "default", "standard", " Standard ", None])
def test_a_plain_tier_is_the_list_price(tier: str | None) -> None:
    told = price(response("gpt-5", input=1, service_tier=tier), BOOK)
    assert told["cost"].item() == 1_250_000


@pytest.mark.parametrize("tier", ["flex", "priority", "PRIORITY"])
@pytest.mark.parametrize("model", ["gpt-5", "gpt-5.4", "gpt-5.6-sol"])
@pytest.mark.parametrize("prompt", [272_000, 272_001])
def test_a_tier_on_the_list_costs_what_the_list_says(tier: str, model: str, prompt: int) -> None:
    used = {"input": prompt - 100, "cache_read": 100, "output": 7}
    told = price(response(model, service_tier=tier, created_at=pd.Timestamp(LATER), **used), BOOK)
    theirs = calc_price(
        Usage(input_tokens=prompt, cache_read_tokens=100, output_tokens=7),
        model,
        provider_id="openai",
        genai_request_timestamp=LATER,
        price_context={"service_tier": tier.lower()},
    )
    assert (told["status"].item(), told["cost"].item()) == (
        Status.PRICED,
        theirs.total_price * PICO,
    )


def test_a_tier_is_unpriced_until_the_day_it_is_listed() -> None:
    asked = pd.concat(
        [
            response("gpt-5", input=1, service_tier="flex", created_at=pd.Timestamp(at))
            for at in (SINCE - timedelta(microseconds=1), SINCE)
        ],
        ignore_index=True,
    )
    told = price(asked, BOOK)
    assert told["status"].tolist() == [Status.UNPRICED, Status.PRICED]
    assert told["note"].iloc[0] == "tier unpriced: flex"
    assert told["cost"].iloc[1] == 625_000


@pytest.mark.parametrize(
    ("model", "provider"), [("claude-opus-4-7", "anthropic"), ("claude-sonnet-4.6", "copilot")]
)
def test_a_tier_that_nobody_lists_is_never_charged_at_the_plain_price(
    model: str, provider: str
) -> None:
    told = price(response(model, provider, input=1, service_tier="priority"), BOOK)
    assert (told["status"].item(), told["cost"].isna().item()) == (Status.UNPRICED, True)


def test_a_model_of_the_plan_stays_in_the_plan_on_every_tier() -> None:
    told = price(response("gpt-4.1", "copilot", input=1, service_tier="priority"), BOOK)
    assert told["status"].item() == Status.INCLUDED


def test_the_operators_own_price_holds_for_every_tier_and_a_discount_for_listed_ones() -> None:
    own = Book(parse('[[price]]\nmodel = "gpt-5"\ninput = 3\noutput = 3\n'))
    discount = Book(parse('[[price]]\nmodel = "gpt-5"\nmultiplier = 0.5\n'))
    flex = {"input": 1, "service_tier": "flex", "created_at": pd.Timestamp(LATER)}
    assert price(response("gpt-5", **flex), own)["cost"].item() == 3 * MICRO
    assert price(response("gpt-5", **flex), discount)["cost"].item() == 312_500
    unknown = response("gpt-5", input=1, service_tier="warp", created_at=pd.Timestamp(AT))
    assert price(unknown, discount)["status"].item() == Status.UNPRICED
