"""Who bills for a model, decided without a guess (docs/costs.md 3)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from bridgeboard.pricing import bundled_prices

UNKNOWN_MODELS: Final = frozenset({"", "coder-aibridge-unknown"})
COPILOT: Final = "github-copilot"
NONE: Final = "none"
"""What ``[vendors]`` says of an instance that nobody bills for."""
UNLISTED: Final = frozenset({"vercel"})
"""Vendors that the server knows and the price list does not."""

_TYPES: Final = {
    "azure": "azure",
    "bedrock": "aws",
    "copilot": COPILOT,
    "google": "google",
    "openrouter": "openrouter",
    "vercel": "vercel",
}
"""Provider types of the server that have one vendor, wherever they are."""
_HOME: Final = {"anthropic": "anthropic", "openai": "openai"}
"""Types that may point anywhere; without an address of their own they point to their maker."""

_SPELLINGS: Final = {
    "anthropic": ("claude",),
    "aws": ("amazon", "amazon-bedrock", "bedrock"),
    "azure": ("azure-openai", "openai-azure", "azure-ai", "azure-foundry", "ai-foundry"),
    "cohere": ("cohere-ai",),
    "deepseek": ("deepseek-ai",),
    "fireworks": ("fireworks-ai",),
    COPILOT: ("copilot",),
    "google": ("gemini", "google-ai", "google-gemini", "google-vertex", "vertex", "vertex-ai"),
    "groq": ("groq-cloud", "groqcloud"),
    "mistral": ("mistral-ai", "mistralai"),
    "moonshotai": ("kimi", "moonshot", "moonshot-ai"),
    "openai": ("chatgpt", "open-ai"),
    "openrouter": ("open-router",),
    "ovhcloud": ("ovh", "ovh-cloud"),
    "perplexity": ("perplexity-ai",),
    "together": ("together-ai", "togetherai"),
    "vercel": ("vercel-ai-gateway",),
    "voyageai": ("voyage", "voyage-ai"),
    "x-ai": ("grok", "xai"),
    "zai": ("z-ai",),
    "zhipuai": ("zhipu", "zhipu-ai", "bigmodel"),
}
"""How instances of a vendor are usually called, beside the list's own id and name for it."""
_PLACES: Final = (
    r"(-(\d+|eu|us|uk|ap|apac|au|ca|de|fr|jp|in|global|east|west|north|south|central"
    r"|prod|production|dev|development|test|staging|trial|default|main|primary|backup"
    r"|business|enterprise))+$"
)
"""What may follow a vendor's name: where, for what or under which contract an instance runs."""

_REGIONAL = re.compile(r"^(global|us|eu|apac|au|jp|ca|in|us-gov)\.[a-z0-9-]+\.")
_MAKER = re.compile(
    r"^(ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot|moonshotai"
    r"|nvidia|openai|qwen|stability|twelvelabs|writer|zai)\.[a-z]"
)
_RESELLERS: Final = frozenset({COPILOT, "quicksilverpro"})
"""Vendors that sell other makers' models under the makers' own names."""
_OPEN_WEIGHTS: Final = "gpt-oss"
"""Models that OpenAI gives away and does not sell."""


@dataclass(frozen=True, slots=True)
class Seller:
    """Who bills: the vendor's id in the price list, "" for nobody known; ``why`` is a sentence."""

    vendor: str
    why: str


@dataclass(frozen=True, slots=True)
class VendorStatement:
    """What the server said about one provider instance, from ``since`` on (None: always).

    ``host`` is the host of its address, "" for none; nothing else of the address is kept.
    """

    provider_name: str
    vendor: str
    why: str
    host: str = ""
    since: datetime | None = None


def seller(
    provider: str, provider_name: str, model: str, statement: VendorStatement | None = None
) -> Seller:
    """Who bills for a model of a provider instance; the operator's own word comes before this.

    Args:
        provider: the recorded wire type.
        provider_name: the instance, "" if unknown.
        model: as requested.
        statement: what the server said about the instance, if our token may read it.
    """
    if provider == "copilot":
        return Seller(COPILOT, "the provider type is Copilot")
    if statement is not None:
        return Seller(statement.vendor, statement.why)
    plain_name = model.strip().lower()
    home = provider if not provider_name.strip() and _at_home(provider, plain_name) else ""
    reasons = (
        ("aws" if bedrock(plain_name) else "", "the model id is spelled as only Bedrock does"),
        (name := named(provider_name), f"the instance is named like {name}"),
        (sole := _sole(plain_name), f"only {sole} sells this model"),
        (home, "the instance is unknown; the provider type is that of the model's maker"),
    )
    known = (Seller(vendor, why) for vendor, why in reasons if vendor)
    return next(known, Seller("", "nobody knows who bills for this provider"))


def bedrock(model: str) -> bool:
    """Whether an id, in lower case, is written as only Bedrock writes ids."""
    return bool(model.startswith("arn:aws") or _REGIONAL.match(model) or _MAKER.match(model))


def named(provider_name: str) -> str:
    """The vendor whose name an instance bears, a place or purpose behind it apart; or ""."""
    name = _plain(provider_name)
    return _names().get(name) or _names().get(re.sub(_PLACES, "", name), "")


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    titles = {_plain(name): vendor for vendor, name in bundled_prices.titles().items()}
    ids = {_plain(vendor): vendor for vendor in (*bundled_prices.vendors(), *UNLISTED)}
    usual = {name: vendor for vendor, names in _SPELLINGS.items() for name in names}
    return titles | usual | ids


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.strip().lower()).strip("-")


@lru_cache(maxsize=4096)
def _sole(model: str) -> str:
    sellers = {
        vendor
        for vendor in bundled_prices.vendors() - _RESELLERS
        if bundled_prices.listed(vendor, model)
    }
    return (
        next(iter(sellers))
        if len(sellers) == 1 and sellers <= {*bundled_prices.makers(model)}
        else ""
    )


def _at_home(provider: str, model: str) -> bool:
    if provider not in _HOME or model.startswith(_OPEN_WEIGHTS):
        return False
    return provider in bundled_prices.makers(model)


def vendor_by_address(kind: str, base_url: str) -> tuple[str, str, str]:
    """(vendor or "", why, host) of an instance by its configured type and its address.

    The list's own patterns know the vendor by the address; where they do not, types that have
    one vendor do. An address may hold credentials: only its host is returned.
    """
    parts = _split(base_url)
    host = parts[0] if parts else ""
    if parts and (vendor := bundled_prices.at_address(f"https://{host}{parts[1]}")):
        return vendor, f"the server says: {kind} at {host}, an address of {vendor}", host
    vendor, why = vendor_by_type(kind)
    if vendor:
        return vendor, why, host
    if not base_url.strip() and kind in _HOME:
        return _HOME[kind], f"the server says: of type {kind}, at its maker's address", host
    return (
        "",
        f"the server says: {kind} at {host or 'an unknown address'}, no vendor's address",
        host,
    )


def vendor_by_type(kind: str) -> tuple[str, str]:
    """(vendor or "", why) of an instance by its configured type, wherever it is."""
    return _TYPES.get(kind, ""), f"the server says: of type {kind}"


def _split(base_url: str) -> tuple[str, str] | None:
    text = base_url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    plain = host if port in {None, 80, 443} else f"{host}:{port}"
    return (plain, parts.path) if host else None


def newest(
    statements: Iterable[VendorStatement], provider_name: str, at: datetime
) -> VendorStatement | None:
    """What the server had said about an instance at a moment: the latest of it."""
    name = provider_name.strip().lower()
    latest = [
        one
        for one in statements
        if one.provider_name == name and (one.since is None or one.since <= at)
    ]
    return latest[-1] if latest else None
