"""What the cache saved: the money of the same usage without one, less what was paid."""

import pandas as pd
import pytest
from costly_laws import tried
from hypothesis import given
from hypothesis import strategies as st
from token_rows import AT, response

from bridgeboard.formats import PICO
from bridgeboard.pricing import Book, Status, parse, price

BOOK = Book()
MILLION = 10**6
DOLLAR = PICO

offers = st.sampled_from(
    [
        ("anthropic", "anthropic", "claude-sonnet-4-5-20250929"),
        ("anthropic", "bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("openai", "openai", "gpt-5.6-sol"),
        ("openai", "openai", "gpt-5-pro"),
        ("openai", "openai", "gpt-5.4"),
    ]
)
counts = st.integers(0, 300_000)


def saving(model: str, provider: str = "anthropic", **given_counts: object) -> int:
    return price(response(model, provider, **given_counts), BOOK)["cache_saving"].item()


@pytest.mark.parametrize(
    ("used", "dollars"),
    [
        ({"cache_read": MILLION // 10}, 0.1 * (5 - 0.5)),
        ({"cache_write": MILLION // 10}, 0.1 * (5 - 6.25)),
        ({"cache_write": MILLION // 10, "cache_write_1h": MILLION // 10}, 0.1 * (5 - 10)),
        ({"input": MILLION // 10, "output": 5}, 0),
    ],
)
def test_reading_saves_and_writing_costs_a_premium(used: dict[str, int], dollars: float) -> None:
    assert saving("claude-opus-4-7", **used) == pytest.approx(dollars * DOLLAR)


def test_a_model_without_a_cache_discount_saves_nothing() -> None:
    assert saving("gpt-5-pro", "openai", cache_read=9000) == 0


def test_the_saving_stays_in_the_tier_of_the_whole_prompt() -> None:
    edge = {"input": 1, "cache_read": 199_999}
    at_edge = saving("claude-sonnet-4-5-20250929", **edge)
    beyond = saving("claude-sonnet-4-5-20250929", **(edge | {"input": 2}))
    assert (at_edge, beyond) == (199_999 * 2_700_000, 199_999 * 5_400_000)


@tried(40)
@given(offers, st.tuples(counts, counts, counts, counts), st.integers(0, 5000))
def test_the_saving_is_the_cost_without_a_cache_less_the_cost_paid(
    offer: tuple[str, str, str], prompt: tuple[int, int, int, int], output: int
) -> None:
    wire, name, model = offer
    fresh, read, five, hour = prompt
    named = {"provider_name": name, "output": output}
    writes = {"cache_write": five + hour, "cache_write_1h": hour}
    paid = price(response(model, wire, **named, input=fresh, cache_read=read, **writes), BOOK)
    plain = price(response(model, wire, **named, input=sum(prompt)), BOOK)
    assert paid["cache_saving"].item() == plain["cost"].item() - paid["cost"].item()


def test_what_is_no_spend_saves_no_spend_and_the_unknown_saves_the_unknown() -> None:
    asked = pd.concat(
        [
            response("gpt-5", cache_read=10, credential_kind="byok"),
            response("claude-sonnet-4.6", "copilot", cache_read=10),
            response("gpt-imaginary", cache_read=10),
        ],
        ignore_index=True,
    )
    told = price(asked, BOOK)
    assert told["status"].tolist() == [Status.NOTIONAL, Status.NOTIONAL, Status.UNPRICED]
    assert told["cache_saving"].isna().tolist() == [False, False, True]
    assert told["cache_saving"].iloc[:2].tolist() == [0, 0]


def test_a_saving_beyond_64_bits_is_unpriced_though_the_cost_would_fit() -> None:
    text = '[[price]]\nmodel = "m"\ninput = 900000\noutput = 1\ncache_read = 0.1\n'
    told = price(response("m", cache_read=10**12, created_at=AT), Book(parse(text)))
    assert told["status"].item() == Status.UNPRICED
