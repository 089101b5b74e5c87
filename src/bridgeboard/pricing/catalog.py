"""The bundled price list of genai-prices: offline, dated, tiered; never updated from here."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Final

from genai_prices.data import providers
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseOr,
    ClauseStartsWith,
    ConditionalPrice,
    MatchLogic,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from bridgeboard.pricing.rates import Card, card
from bridgeboard.pricing.vendors import released, spellings

Rule = StartDateConstraint | TimeOfDateConstraint

SOURCE: Final = "genai-prices"
VERSION: Final = version("genai-prices")

_KEYS: Final = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "web_search": "web_searches_kcount",
}
_PROVIDERS: Final = {provider.id: provider for provider in providers}


def vendors() -> frozenset[str]:
    """The vendor ids that the list knows."""
    return frozenset(_PROVIDERS)


def entries(vendor: str) -> tuple[ModelInfo, ...]:
    """All models that a vendor lists; none for an unknown vendor."""
    home = _PROVIDERS.get(vendor)
    return tuple(home.models) if home else ()


@lru_cache(maxsize=4096)
def listed(vendor: str, model: str) -> tuple[str, ModelInfo] | None:
    """(vendor whose list it is, entry) for a model under its exact or undated name, or None.

    A loose rule of the list ("starts with") counts only if the rest of the name is a release
    date: "claude-opus-4-6-fast" is another product at another price (docs/costs.md 3.2).
    """
    home = _PROVIDERS.get(vendor)
    if home is None:
        return None
    shelves = [home, *(_PROVIDERS[name] for name in home.fallback_model_providers or ())]
    for name in spellings(model):
        for shelf in shelves:
            if entry := _entry(shelf, name):
                return shelf.id, entry
    return None


def _entry(shelf: Provider, name: str) -> ModelInfo | None:
    return next((entry for entry in shelf.models if _names(entry.match, name)), None)


def _names(clause: MatchLogic, name: str) -> bool:
    match clause:
        case ClauseOr():
            return any(_names(part, name) for part in clause.or_)
        case ClauseAnd():
            return clause.is_match(name) and any(_names(part, name) for part in clause.and_)
        case ClauseStartsWith():
            return clause.is_match(name) and released(name.removeprefix(clause.starts_with))
        case ClauseContains():
            head, found, rest = name.partition(clause.contains)
            return bool(found) and released(rest) and (not head or head[-1] in "./")
    return clause.is_match(name)


def offers(entry: ModelInfo, at: datetime, service_tier: str) -> bool:
    """Whether the entry has a price of its own for that service tier at that moment."""
    return any(
        variant.when == {"service_tier": service_tier}
        and (variant.constraint is None or variant.constraint.active(at))
        for variant in entry.price_variants or ()
    )


def cards(vendor: str, entry: ModelInfo, at: datetime, service_tier: str = "") -> tuple[Card, ...]:
    """The entry's rates at a moment, one card per tier; empty if the entry prices nothing.

    A service tier that the entry does not offer is charged like the standard one: ask ``offers``.
    """
    prices = entry.get_prices(at, {"service_tier": service_tier} if service_tier else None)
    if not any(_field(prices, name) is not None for name in _KEYS):
        return ()
    return tuple(
        card(above, {name: _at(_field(prices, name), above) for name in _KEYS}, vendor=vendor)
        for above in _steps(prices)
    )


def _field(prices: ModelPrice, name: str) -> Decimal | TieredPrices | None:
    value: Decimal | TieredPrices | None = getattr(prices, _KEYS[name])
    return value


def _steps(prices: ModelPrice) -> list[int]:
    tiered = (_field(prices, name) for name in _KEYS)
    starts = {
        tier.start for value in tiered if isinstance(value, TieredPrices) for tier in value.tiers
    }
    return [-1, *sorted(starts)]


def _at(value: Decimal | TieredPrices | None, above: int) -> Decimal | None:
    if not isinstance(value, TieredPrices):
        return value
    reached = [tier.price for tier in value.tiers if tier.start <= above]
    return reached[-1] if reached else value.base


@cache
def dates() -> frozenset[datetime]:
    """Every UTC moment at which some listed price changes."""
    return frozenset(
        datetime.combine(rule.start_date, time(), UTC)
        for rule in _rules()
        if isinstance(rule, StartDateConstraint)
    )


@cache
def clocks() -> frozenset[int]:
    """Every second of the UTC day at which some listed price changes (off-peak rates)."""
    return frozenset(
        edge.hour * 3600 + edge.minute * 60 + edge.second
        for rule in _rules()
        if isinstance(rule, TimeOfDateConstraint)
        for edge in (rule.start_time, rule.end_time)
    )


def _rules() -> Iterator[Rule | None]:
    for provider in providers:
        for entry in provider.models:
            if not isinstance(entry.prices, ModelPrice):
                yield from (_rule(dated) for dated in entry.prices)
            yield from (_rule(variant) for variant in entry.price_variants or ())


def _rule(dated: ConditionalPrice | PriceVariant) -> Rule | None:
    return dated.constraint
