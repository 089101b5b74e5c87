"""The bundled price list of genai-prices: offline, dated, tiered; never updated from here.

First come the names under which a model's price may be listed (docs/costs.md 3).
"""

import re
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
    ClauseEquals,
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

from bridgeboard.pricing.corrections import CORRECTIONS
from bridgeboard.pricing.rates import Card, card

_RELEASE = re.compile(r"(-\d{8}|-\d{4}-\d{2}-\d{2}|@\d{8}|@\d{4}-\d{2}-\d{2}|@default|@latest)$")
_ANNEX = re.compile(r"\[1m\]$")
_BEDROCK = re.compile(r"(?P<name>.+)-v(?P<version>\d+)(:\d+)*(:\d+[km])?")
"""An id with a version of Bedrock's: ``-v1``, ``-v1:0``, ``-v1:0:200k``, ``-v1:1m``."""


def spellings(model: str, vendor: str = "") -> Iterator[str]:
    """The names to look a model up by, exact first, then without its release suffixes.

    ``vendor`` is whose list is asked: some vendors put a maker or a version of their own
    around a name.
    """
    name = _ANNEX.sub("", model.strip().lower()).removeprefix("models/")
    if name.startswith("arn:"):
        name = name.rsplit("/", maxsplit=1)[-1]
    yield name
    if vendor == "aws" and (bare := _unversioned(name)) != name:
        yield bare
        name = bare
    while (shorter := _RELEASE.sub("", name)) != name:
        yield shorter
        name = shorter


def _unversioned(name: str) -> str:
    # Only of Claude is the version no part of what is sold: Titan 2 is another model than Titan 1.
    match = _BEDROCK.fullmatch(name)
    plain = match and (match["version"] == "1" or "anthropic." in name)
    return match["name"] if match and plain else name


def released(rest: str) -> bool:
    """Whether what follows a listed name says only which release it is, not another model."""
    while (shorter := _RELEASE.sub("", rest)) != rest:
        rest = shorter
    return rest in {"", "-latest"}


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


def titles() -> dict[str, str]:
    """The vendors' names by their ids."""
    return {provider.id: provider.name for provider in providers}


def makers(model: str) -> tuple[str, ...]:
    """The vendors whose own models are called like this, by the list's rules for bare names."""
    rules = ((home.id, home.model_match) for home in providers)
    return tuple(vendor for vendor, rule in rules if rule is not None and rule.is_match(model))


def is_maker(vendor: str) -> bool:
    """Whether the list has a rule for the bare names of a vendor's own models."""
    return _PROVIDERS[vendor].model_match is not None


def literals(entry: ModelInfo) -> tuple[str, ...]:
    """The ids that an entry's rule writes out."""
    return tuple(_literals(entry.match))


def at_address(url: str) -> str:
    """The vendor whose API answers at an address, by the list's patterns; "" for none of them."""
    return next((home.id for home in providers if _answers(home.api_pattern, url)), "")


def _answers(pattern: str, url: str) -> bool:
    match = re.match(pattern, url)
    if match is None:
        return False
    # Most patterns end within the host: what follows must not make it another host.
    return match[0].endswith((".", "/")) or url[match.end() :][:1] in {"", "/", ":"}


@lru_cache(maxsize=65536)
def listed(vendor: str, model: str) -> tuple[str, ModelInfo] | None:
    """(vendor whose list it is, entry) for a model under its exact or undated name, or None.

    A name that the list spells out is matched by the list's own rules. For any other, a loose rule
    ("starts with") counts only if the rest of the name is a release date: "claude-opus-4-6-fast"
    is another product at another price (docs/costs.md 3.2).
    """
    home = _PROVIDERS.get(vendor)
    if home is None:
        return None
    shelves = (home, *(_PROVIDERS[name] for name in home.fallback_model_providers or ()))
    for name in spellings(model, vendor):
        for spelt in (name, _unmade(name, shelves)):
            if spelt and (entry := _listing(home, shelves, spelt)):
                return entry
    return None


def _listing(
    home: Provider, shelves: tuple[Provider, ...], name: str
) -> tuple[str, ModelInfo] | None:
    if any(name in _spelt_out(shelf.id) for shelf in shelves):
        entry = home.find_model(name, all_providers=providers)
    else:
        entry = next((entry for shelf in shelves if (entry := _entry(shelf, name))), None)
    if entry is None:
        return None
    return next(shelf.id for shelf in shelves if any(entry is one for one in shelf.models)), entry


def _unmade(name: str, shelves: tuple[Provider, ...]) -> str:
    """The name without its maker in front ("google/gemini..."), if that is what stands there."""
    maker, slash, bare = name.rpartition("/")
    return (
        bare if slash and any(maker in {shelf.id, shelf.name.lower()} for shelf in shelves) else ""
    )


@cache
def _spelt_out(vendor: str) -> frozenset[str]:
    """All names that a vendor's list writes out, in lower case: ids and exact matches."""
    home = _PROVIDERS[vendor]
    exact = (name for entry in home.models for name in _literals(entry.match))
    return frozenset(name.lower() for name in (*(entry.id for entry in home.models), *exact))


def _literals(clause: MatchLogic) -> Iterator[str]:
    if isinstance(clause, ClauseOr):
        for part in clause.or_:
            yield from _literals(part)
    elif isinstance(clause, ClauseEquals):
        yield clause.equals


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
            head, separator, rest = name.partition(clause.contains)
            return bool(separator) and released(rest) and (not head or head[-1] in "./")
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
        card(
            above,
            {name: _at(_field(prices, name), above) for name in _KEYS},
            vendor=vendor,
            model=entry.id,
        )
        for above in _steps(prices)
    )


def since(entry: ModelInfo, at: datetime) -> datetime | None:
    """Since when the price that an entry has at a moment holds, None for always."""
    if isinstance(entry.prices, ModelPrice):
        return None
    dates = (dated.constraint for dated in entry.prices)
    begun = [rule.start_date for rule in dates if isinstance(rule, StartDateConstraint)]
    past = [day for day in begun if day <= at.astimezone(UTC).date()]
    return datetime.combine(max(past), time(), UTC) if past else None


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


@lru_cache(maxsize=65536)
def hourly(model: str) -> bool:
    """Whether some vendor's price of a model may change within a day, corrections included."""
    return any(
        (entry := listed(vendor, model)) and entry[1].id in ids for vendor, ids in _hourly().items()
    )


@cache
def _hourly() -> dict[str, frozenset[str]]:
    """The ids of entries with a price by the hour, by vendors that list them or borrow them."""
    own = {home.id: {entry.id for entry in home.models if _by_hour(entry)} for home in providers}
    for one in CORRECTIONS:
        own[one.vendor].add(one.model)
    borrowed = {
        home.id: frozenset(own[home.id]).union(
            *(own[name] for name in home.fallback_model_providers or ())
        )
        for home in providers
    }
    return {vendor: ids for vendor, ids in borrowed.items() if ids}


def _by_hour(entry: ModelInfo) -> bool:
    dated = [] if isinstance(entry.prices, ModelPrice) else entry.prices
    rules = (_rule(one) for one in (*dated, *(entry.price_variants or ())))
    return any(isinstance(rule, TimeOfDateConstraint) for rule in rules)


def _rules() -> Iterator[Rule | None]:
    for provider in providers:
        for entry in provider.models:
            if not isinstance(entry.prices, ModelPrice):
                yield from (_rule(dated) for dated in entry.prices)
            yield from (_rule(variant) for variant in entry.price_variants or ())


def _rule(dated: ConditionalPrice | PriceVariant) -> Rule | None:
    return dated.constraint
