"""All ids of a model have one name, and no two models have the same."""

import csv
import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from bridgeboard.pricing import bundled_prices, family

VECTORS = Path(__file__).with_name("vectors") / "model-families.csv"
"""Ids as vendors spell them, and what their models are called."""
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LISTED = [
    (vendor, entry)
    for vendor in bundled_prices.vendors()
    for entry in bundled_prices.entries(vendor)
]
TWO_PRICES = {
    ("google", "Gemini 1.5 Pro"): "gemini-pro-1.5 is an older entry of the same model",
    ("openrouter", "Qwen2.5-VL 72B Instruct"): "qwen-2.5-vl-72b-instruct is an older entry",
    ("perplexity", "Sonar"): "perplexity/sonar is its agent API, which asks another price",
}
APART = (
    ("gpt-5", "gpt-5-mini"),
    ("gpt-5", "gpt-5-codex"),
    ("gpt-5", "gpt-5-pro"),
    ("gpt-5-mini", "gpt-5-nano"),
    ("gpt-4", "gpt-4-32k"),
    ("gpt-4o", "gpt-4o-2024-05-13"),
    ("claude-opus-4-8", "claude-opus-4-8-fast"),
    ("claude-sonnet-4", "claude-sonnet-4-5"),
    ("claude-opus-5", "claude-opus-5-5"),
    ("anthropic/claude-opus-5", "anthropic/claude-opus-5:batch"),
    ("kimi-k2-thinking", "kimi-k2-thinking-turbo"),
    ("gemini-2.5-flash", "gemini-2.5-flash-lite"),
    ("gemini-2.5-flash-preview", "gemini-2.5-flash-preview:thinking"),
    ("amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0"),
    ("deepseek-v4-pro", "deepseek-v4-pro-0813"),
    ("o4-mini", "gpt-4o-mini"),
    ("text-embedding-3-large", "text-embedding-3-small"),
)
"""Models of almost the same name that are sold apart."""


def _rows() -> list[list[str]]:
    with VECTORS.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_an_id_is_called_what_its_model_is() -> None:
    assert [[model, family(model)] for model, _ in _rows()] == _rows()


def test_every_id_of_the_price_list_has_a_name_that_is_its_own_name() -> None:
    ids = {id_ for _, entry in LISTED for id_ in (entry.id, *bundled_prices.literals(entry))}
    assert len(ids) > 2_000
    assert [model for model in ids if not family(model)] == []
    assert [model for model in ids if family(family(model)) != family(model)] == []


def test_no_two_names_differ_by_their_spelling_only() -> None:
    spelt = defaultdict(set)
    for _, entry in LISTED:
        name = family(entry.id)
        spelt[tuple(sorted(re.findall("[a-z]+|[0-9]+", name.lower())))].add(name)
    assert [names for names in spelt.values() if len(names) > 1] == []


def _seller(vendor: str, model: str) -> str:
    """What of an id may have a price of its own within one vendor's list of one model."""
    if model.endswith(":free"):
        return "at no charge"
    if vendor == "aws":
        return model.split(".", maxsplit=1)[0]  # Bedrock's regions
    return "with its maker" if vendor == "openrouter" and "/" in model else ""


def test_the_ids_of_a_model_have_one_price_at_each_vendor() -> None:
    prices = defaultdict(set)
    for vendor, entry in LISTED:
        key = vendor, family(entry.id), _seller(vendor, entry.id)
        prices[key].add(bundled_prices.cards(vendor, entry, NOW))
    several = {key[:2] for key, cards in prices.items() if len(cards) > 1}
    assert several == set(TWO_PRICES)


def test_models_that_are_sold_apart_have_names_apart() -> None:
    assert [pair for pair in APART if family(pair[0]) == family(pair[1])] == []
