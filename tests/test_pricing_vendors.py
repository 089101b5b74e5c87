"""Who bills, and what the bundled list asks then: prices in USD per million tokens."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from token_rows import response

from bridgeboard.formats import PICO
from bridgeboard.pricing import Book, Price, Status, parse, price
from bridgeboard.pricing.vendors import VendorStatement, vendor_by_address

AT = datetime(2026, 11, 20, tzinfo=UTC)
BOOK = Book()
OPUS = "anthropic.claude-opus-4-6-v1"


def usd(price: Price) -> tuple[float | None, ...]:
    """Input and output in USD per million tokens."""
    return tuple(None if rate is None else rate / 10**6 for rate in price.cards[0].rates[:2])


@pytest.mark.parametrize(
    ("provider", "instance", "model", "vendor", "rates"),
    [
        *(
            ("anthropic", "anthropic", f"{region}{OPUS}{size}", "aws", (5.5, 27.5))
            for region in ("us.", "eu.", "au.", "")
            for size in ("", ":0", ":1m", ":0:1m")
        ),
        ("anthropic", "anthropic", f"global.{OPUS}", "aws", (5, 25)),
        ("anthropic", "bedrock", "us.anthropic.claude-3-5-sonnet-20241022-v2:0", "aws", (3, 15)),
        ("openai", "bedrock", "openai.gpt-oss-120b-1:0", "aws", (0.15, 0.6)),
        ("openai", "bedrock", "amazon.titan-embed-text-v2:0", "aws", (0.02, None)),
        ("anthropic", "vertex", "claude-opus-4-6@default", "google", (5, 25)),
        ("anthropic", "vertex", "claude-opus-4-6", "google", (5, 25)),
        ("openai", "vertex", "google/gemini-3.1-pro-preview", "google", (2, 12)),
        ("openai", "google", "models/gemini-3.1-pro-preview", "google", (2, 12)),
        ("openai", "ovhcloud", "gpt-oss-120b", "ovhcloud", (0.09, 0.47)),
        ("openai", "x-ai", "grok-4.3", "x-ai", (1.25, 2.5)),
        ("openai", "xai", "grok-4.3", "x-ai", (1.25, 2.5)),
        ("openai", "huggingface_ovhcloud", "openai/gpt-oss-20b", "huggingface_ovhcloud", None),
        ("openai", "azure-openai", "gpt-5", "azure", (1.25, 10)),
        ("openai", "azure-prod-eu", "gpt-5", "azure", (1.25, 10)),
        ("openai", "corp-gateway", "gemini-2.5-pro", "google", (1.25, 10)),
    ],
)
def test_a_listed_model_costs_what_the_list_of_its_vendor_says(
    provider: str, instance: str, model: str, vendor: str, rates: tuple[float | None, ...] | None
) -> None:
    found = BOOK.resolve(provider, instance, model, AT)
    assert (found.vendor, found.status) == (vendor, Status.PRICED)
    assert rates is None or usd(found) == rates


def test_a_bedrock_model_has_the_price_of_its_very_id() -> None:
    found = BOOK.resolve("openai", "bedrock", "openai.gpt-oss-120b-1:0", AT)
    assert found.price_id == "aws/openai.gpt-oss-120b-1:0"


def test_another_version_of_titan_is_another_model() -> None:
    assert not BOOK.resolve("openai", "bedrock", "amazon.titan-embed-text-v7:0", AT).cards


@pytest.mark.parametrize(
    ("provider", "instance", "model", "vendor"),
    [
        ("openai", "vercel", "anthropic/claude-opus-5", "vercel"),
        ("openai", "ai-team", "gpt-oss-120b", ""),
        ("openai", "nim", "nvidia/nemotron-3-super-120b-a12b", ""),
        ("openai", "gateway", "anthropic/claude-sonnet-4.6", ""),
        ("openai", "openai-proxy", "gpt-5", ""),
        ("openai", "openai-compat", "gpt-5", ""),
        ("openai", "groq-like-gpus", "openai/gpt-oss-120b", ""),
        ("anthropic", "litellm-anthropic", "claude-opus-4-7", ""),
        ("openai", "", "gpt-oss-120b", ""),
    ],
)
def test_a_word_in_a_name_is_no_vendor(
    provider: str, instance: str, model: str, vendor: str
) -> None:
    found = BOOK.resolve(provider, instance, model, AT)
    assert (found.vendor, found.status, found.cards) == (vendor, Status.UNPRICED, ())
    assert found.note


def test_an_unknown_instance_bills_by_its_wire_type_for_the_models_of_that_maker() -> None:
    asked = [("anthropic", "claude-opus-4-7"), ("openai", "gpt-5.4"), ("openai", "mistral-large")]
    vendors = [BOOK.resolve(provider, "", model, AT).vendor for provider, model in asked]
    assert vendors[:2] == ["anthropic", "openai"]
    assert vendors[2] != "openai"


@pytest.mark.parametrize("tier", ["on_demand", "default", "auto", "standard", ""])
def test_the_plain_tier_has_many_names(tier: str) -> None:
    found = BOOK.resolve("openai", "groq", "llama-3.3-70b-versatile", AT, service_tier=tier)
    assert usd(found)[0] == 0.59


@pytest.mark.parametrize(
    ("instance", "model"),
    [
        ("openrouter", "anthropic/claude-opus-5"),
        ("anthropic", "claude-opus-5"),
        ("vertex", "claude-opus-5"),
        ("azure", "claude-opus-5"),
    ],
)
def test_an_hours_cache_write_of_claude_costs_twice_its_input(instance: str, model: str) -> None:
    asked = response(model, "anthropic", cache_write=10**6, cache_write_1h=10**6)
    told = price(asked.assign(provider_name=instance, created_at=AT), BOOK)
    assert told["cost"].item() == 10 * PICO


@pytest.mark.parametrize(
    ("model", "rates"),
    [
        ("claude-opus-4.6", (5, 25)),
        ("claude-sonnet-4.5", (3, 15)),
        ("gpt-5", (1.25, 10)),
        ("gemini-2.5-pro", (1.25, 10)),
        ("o4-mini", (1.1, 4.4)),
        ("grok-code-fast-1", (0.2, 1.5)),
    ],
)
def test_what_copilot_lists_no_longer_is_notional_at_its_makers_price(
    model: str, rates: tuple[float, float]
) -> None:
    found = BOOK.resolve("copilot", "copilot-business", model, AT)
    assert (found.status, found.vendor, usd(found)) == (Status.NOTIONAL, "github-copilot", rates)
    assert "maker" in found.note


def test_seats_keep_the_spend_exact_whatever_the_model() -> None:
    told = price(
        response("claude-imaginary", "copilot", input=5).assign(
            created_at=datetime(2026, 5, 31, tzinfo=UTC)
        ),
        BOOK,
    )
    assert (told["status"].item(), told["cost"].item()) == (Status.NOTIONAL, 0)
    assert told["shadow_cost"].isna().item()


def test_the_operator_may_say_any_vendor_of_the_list_or_none() -> None:
    text = '[vendors]\n"ai-team" = "ovhcloud"\n"openai" = "none"\n"edge" = "vercel"\n'
    book = Book(parse(text))
    found = [
        book.resolve("openai", instance, "gpt-oss-120b", AT)
        for instance in ("ai-team", "openai", "edge")
    ]
    assert [price.vendor for price in found] == ["ovhcloud", "", "vercel"]
    assert usd(found[0]) == (0.09, 0.47)
    assert "prices.toml maps the instance" in found[1].why


@pytest.mark.parametrize(
    ("kind", "url", "vendor", "host"),
    [
        ("openai", "https://api.openai.com/v1", "openai", "api.openai.com"),
        ("openai", "https://api.groq.com/openai/v1", "groq", "api.groq.com"),
        ("anthropic", "https://key:secret@api.z.ai/api/anthropic", "zai", "api.z.ai"),
        ("azure", "https://corp.example/openai", "azure", "corp.example"),
        ("bedrock", "", "aws", ""),
        ("anthropic", "", "anthropic", ""),
        ("openai-compat", "http://gpu-7:8000/v1", "", "gpu-7:8000"),
        ("openai", "https://u:p@llm.corp.example/v1", "", "llm.corp.example"),
        ("openai", "https://api.openai.com.corp.example/v1", "", "api.openai.com.corp.example"),
        ("openai", "https://[broken", "", ""),
        ("vercel", "https://ai-gateway.vercel.sh/v1", "vercel", "ai-gateway.vercel.sh"),
        ("google", "https://generativelanguage.googleapis.com", "google", None),
    ],
)
def test_the_server_tells_the_vendor_by_type_and_address_and_no_credential_is_kept(
    kind: str, url: str, vendor: str, host: str | None
) -> None:
    found, why, where = vendor_by_address(kind, url)
    assert found == vendor
    assert host is None or where == host
    assert "secret" not in why
    assert "u:p" not in why


def test_what_the_server_says_comes_before_the_name_and_holds_from_its_day() -> None:
    moved = datetime(2026, 10, 1, tzinfo=UTC)
    told = (
        VendorStatement("openai", "openai", "the server says so"),
        VendorStatement("openai", "groq", "the server says so", since=moved),
    )
    book = Book(statements=told)
    before, after = (
        book.resolve("openai", "OpenAI", "openai/gpt-oss-120b", at)
        for at in (datetime(2026, 9, 30, tzinfo=UTC), moved)
    )
    assert (before.vendor, after.vendor) == ("openai", "groq")
    assert moved in book.edges()
    assert book.version != BOOK.version
    mapped = Book(parse('[vendors]\n"openai" = "azure"\n'), told)
    assert mapped.resolve("openai", "openai", "gpt-5", AT).vendor == "azure"


@pytest.mark.slow
def test_every_model_of_the_list_costs_what_the_list_says() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.ids", "--strict"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '"ids_compared"' in done.stdout
