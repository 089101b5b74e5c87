from datetime import UTC, datetime, timedelta

import pytest
from token_rows import AT

from bridgeboard.pricing import Book, Price, Status, parse

BOOK = Book()
SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
TICK = timedelta(microseconds=1)


def usd(price: Price) -> tuple[int, ...]:
    """Input and output in micro-USD per million, of the first tier."""
    return price.cards[0].rates[:2]


@pytest.mark.parametrize(
    ("model", "rates"),
    [
        (f"global.{SONNET}", (3_000_000, 15_000_000)),
        (f"us.{SONNET}", (3_300_000, 16_500_000)),
        (f"eu.{SONNET}", (3_300_000, 16_500_000)),
        (
            f"arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.{SONNET}",
            (3_300_000, 16_500_000),
        ),
        (
            f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET}",
            (3_300_000, 16_500_000),
        ),
    ],
)
def test_bedrock_is_known_by_the_model_though_the_wire_says_anthropic(
    model: str, rates: tuple[int, int]
) -> None:
    price = BOOK.resolve("anthropic", "anthropic", model, AT)
    assert (price.vendor, usd(price)) == ("aws", rates)


def test_an_application_inference_profile_names_no_model_and_is_unpriced() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4"
    assert BOOK.resolve("anthropic", "bedrock", arn, AT).status is Status.UNPRICED


@pytest.mark.parametrize("model", ["", "  ", "coder-aibridge-unknown"])
@pytest.mark.parametrize("provider", ["anthropic", "openai", "copilot"])
def test_a_request_without_a_model_is_unpriced(provider: str, model: str) -> None:
    price = BOOK.resolve(provider, provider, model, AT)
    assert (price.status, price.cards) == (Status.UNPRICED, ())


@pytest.mark.parametrize(
    "model", ["claude-opus-4-6-fast", "gpt-5-imaginary", "claude-sonnet-4-5-turbo", "gpt5"]
)
def test_a_name_that_only_resembles_a_listed_one_is_unpriced(model: str) -> None:
    provider = "anthropic" if model.startswith("claude") else "openai"
    assert BOOK.resolve(provider, provider, model, AT).status is Status.UNPRICED


@pytest.mark.parametrize(
    ("model", "listed"),
    [
        ("Claude-Sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("claude-sonnet-4-5[1m]", "anthropic/claude-sonnet-4-5"),
        ("claude-sonnet-4-5@20250929", "anthropic/claude-sonnet-4-5"),
        ("claude-sonnet-5-20990101", "anthropic/claude-sonnet-5"),
    ],
)
def test_a_release_suffix_is_no_other_model(model: str, listed: str) -> None:
    assert BOOK.resolve("anthropic", "anthropic", model, AT).price_id == listed


@pytest.mark.parametrize(
    ("provider_name", "model", "vendor"),
    [
        ("openai", "gpt-5", "openai"),
        ("azure-openai", "gpt-5", "azure"),
        ("google", "gemini-2.5-pro", "google"),
        ("", "models/gemini-2.5-pro", "google"),
        ("openrouter", "anthropic/claude-sonnet-4.6", "openrouter"),
    ],
)
def test_the_vendor_comes_from_the_instance_and_the_spelling(
    provider_name: str, model: str, vendor: str
) -> None:
    price = BOOK.resolve("openai", provider_name, model, AT)
    assert (price.vendor, price.status) == (vendor, Status.PRICED)


@pytest.mark.parametrize("name", ["vllm-internal", "self-hosted", "ollama", "on-prem-gpu"])
def test_a_server_of_ones_own_is_never_guessed(name: str) -> None:
    assert BOOK.resolve("openai", name, "gpt-5", AT).status is Status.UNPRICED


def test_a_custom_azure_deployment_is_not_silently_priced_by_another_list() -> None:
    assert BOOK.resolve("openai", "azure", "prod-chat-eu", AT).status is Status.UNPRICED


@pytest.mark.parametrize(
    ("model", "day", "before", "after"),
    [
        ("o3", datetime(2025, 6, 10, tzinfo=UTC), (10, 40), (2, 8)),
        ("gpt-5.6-sol", datetime(2026, 8, 21, tzinfo=UTC), (5, 30), (4, 20)),
    ],
)
def test_a_price_changes_at_midnight_utc_of_its_day(
    model: str, day: datetime, before: tuple[int, int], after: tuple[int, int]
) -> None:
    old = BOOK.resolve("openai", "openai", model, day - TICK)
    new = BOOK.resolve("openai", "openai", model, day)
    assert (usd(old), usd(new)) == (
        tuple(rate * 10**6 for rate in before),
        tuple(rate * 10**6 for rate in after),
    )


def test_copilot_is_never_plain_spend() -> None:
    june = datetime(2026, 6, 1, tzinfo=UTC)
    asked = {
        name: BOOK.resolve("copilot", "copilot-business", model, at)
        for name, model, at in [
            ("included", "gpt-4.1", june),
            ("credits", "claude-sonnet-4.6", june),
            ("seat", "claude-sonnet-4.6", june - TICK),
            ("unknown", "claude-imaginary", june),
        ]
    }
    assert {name: price.status for name, price in asked.items()} == {
        "included": Status.INCLUDED,
        "credits": Status.NOTIONAL,
        "seat": Status.NOTIONAL,
        "unknown": Status.UNPRICED,
    }
    assert "seat" in asked["seat"].note
    assert "credits" in asked["credits"].note


def test_an_own_key_makes_a_known_price_notional_and_leaves_an_unknown_one_unknown() -> None:
    known = BOOK.resolve("openai", "openai", "gpt-5", AT, byok=True)
    unknown = BOOK.resolve("openai", "openai", "gpt-imaginary", AT, byok=True)
    assert (known.status, unknown.status) == (Status.NOTIONAL, Status.UNPRICED)
    assert known.cards


def test_a_price_tells_where_it_comes_from() -> None:
    price = BOOK.resolve("openai", "openai", "gpt-5-2025-08-07", AT)
    assert (price.price_id, price.source) == ("openai/gpt-5", "genai-prices")
    assert price.version
    assert BOOK.version.startswith(f"genai-prices {price.version} + snapshot ")


def test_an_empty_listing_outside_copilot_is_unknown_and_not_free() -> None:
    price = BOOK.resolve("openai", "openrouter", "openrouter/auto", AT)
    assert (price.status, price.cards) == (Status.UNPRICED, ())


def test_the_book_version_follows_the_operators_file() -> None:
    text = '[[price]]\nmodel = "x"\nbilling = "free"\n'
    versions = {BOOK.version, Book(parse(text)).version, Book(parse(text + "# \n")).version}
    assert len(versions) == 3
