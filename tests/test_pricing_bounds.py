"""Usage without a price: what it may have cost, and the way to give it one."""

import tomllib
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgeboard.pricing import (
    Book,
    PriceFileError,
    Status,
    bounds,
    estimated,
    exact,
    parse,
    snippet,
)
from bridgeboard.pricing.money import UNPRICEABLE

AT = datetime(2026, 11, 24, tzinfo=UTC)
USED = {
    "input": 1000,
    "output": 200,
    "cache_read": 5000,
    "cache_write": 300,
    "cache_write_1h": 100,
    "web_searches": 0,
}


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("anthropic", "claude-opus-4-7"),
        ("anthropic", "claude-haiku-4-5-20251001"),
        ("openai", "gpt-5"),
        ("google", "gemini-2.5-pro"),
    ],
)
def test_every_model_of_a_vendor_lies_between_the_bounds(vendor: str, model: str) -> None:
    provider = "anthropic" if vendor == "anthropic" else "openai"
    value = exact(USED, Book().resolve(provider, vendor, model, AT))
    least, most = bounds(vendor, USED, AT) or (0, 0)
    assert value is not None
    assert 0 < least <= value <= most


def test_an_unknown_vendor_has_no_bounds() -> None:
    assert bounds("", USED, AT) is None
    assert bounds("nobody", USED, AT) is None


def test_bounds_reach_beyond_64_bits() -> None:
    _, most = bounds("openai", USED | {"input": 10**16}, AT) or (0, 0)
    assert most > 2**63


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(NAMES.filter(lambda name: name.strip().lower() not in {"", "coder-aibridge-unknown"}), NAMES)
def test_a_snippet_speaks_for_its_model_as_soon_as_prices_stand_in_it(
    model: str, provider_name: str
) -> None:
    text = snippet(provider_name, model).replace('= "?"  #', "= 2  #")
    price = Book(parse(text)).resolve("openai", provider_name.strip(), model, AT)
    assert (price.status, price.cards[0].rates[:2]) == (Status.PRICED, (2_000_000, 2_000_000))


def test_a_snippet_without_prices_is_refused_with_the_line_to_fill() -> None:
    with pytest.raises(PriceFileError, match=r"line 4: 'input' must be a number"):
        parse(snippet("vllm", "qwen3"))


@pytest.mark.parametrize("model", [None, "", " ", "coder-aibridge-unknown"])
def test_no_model_no_snippet(model: str | None) -> None:
    assert snippet("vllm", model) == ""


def test_an_instance_without_a_name_is_left_out_of_the_snippet() -> None:
    assert tomllib.loads(snippet(None, "qwen3"))["price"][0].keys() == {"model", "input", "output"}


def test_the_unpriced_list_gets_its_range_and_its_snippet() -> None:
    rows = pd.DataFrame(
        [
            {"provider_name": "openai", "vendor": "openai", "model": "gpt-9", "note": "", **USED},
            {"provider_name": None, "vendor": None, "model": None, "note": "", **USED},
        ]
    )
    told = estimated(rows, AT)
    assert (told["least"].iloc[0], told["most"].iloc[0]) == bounds("openai", USED, AT)
    assert told["least"].iloc[1] is None
    assert told["snippet"].tolist() == [snippet("openai", "gpt-9"), ""]


@pytest.mark.parametrize(
    ("name", "priced", "is_proposed"),
    [
        (("openai", "gpt-9"), ("openai", "gpt-5"), True),
        (("openai", "gpt-9"), ("azure", "gpt-9"), True),
        (("openai", "gpt-9"), ("OpenAI", " GPT-9"), False),
        ((None, "gpt-9"), ("azure", "gpt-9"), False),
        (("openai", "*"), ("openai", "gpt-5"), False),
        (("openai", "gpt-[9"), ("openai", "gpt-x9"), False),
        (("openai", "gpt-[9"), ("openai", None), True),
    ],
)
def test_no_price_is_proposed_that_would_change_what_other_usage_costs(
    name: tuple[str | None, str], priced: tuple[str, str | None], *, is_proposed: bool
) -> None:
    row = {"provider_name": name[0], "vendor": None, "model": name[1], "note": "", **USED}
    (text,) = estimated(pd.DataFrame([row]), AT, [priced])["snippet"]
    assert bool(text) == is_proposed


def test_no_price_is_proposed_where_none_would_help() -> None:
    for note in UNPRICEABLE:
        row = {"provider_name": "openai", "vendor": "openai", "model": "x", "note": note, **USED}
        assert estimated(pd.DataFrame([row]), AT)["snippet"].tolist() == [""]
