"""Prices as data: integer rates per token class, tiers by prompt size, and how sure we are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Final

CLASSES: Final = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "web_search")
"""The billed classes; ``cache_write`` is the 5 minute kind here."""

_SINGLE_WRITE: Final = frozenset({"aws", "github-copilot"})
"""Vendors that ask the same for all of a Claude model's cache writes unless they list otherwise."""


class Status(StrEnum):
    """How a response got its cost (docs/costs.md 4)."""

    PRICED = "priced"
    PARTIAL = "partial"
    INCLUDED = "included"
    NOTIONAL = "notional"
    FREE = "free"
    UNPRICED = "unpriced"


@dataclass(frozen=True, slots=True)
class Card:
    """Rates in pico-USD per token or search, in the order of ``CLASSES``; None is unknown.

    The card holds for prompts strictly larger than ``above`` tokens (-1: for all). ``own`` says
    which rates were published and not taken from a parent.
    """

    above: int
    rates: tuple[int | None, ...]
    own: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Price:
    """What one response is charged at, or why nobody knows.

    ``cards`` ascend by ``above``, the first holds from zero; without cards there is no value.
    ``price_id`` is the vendor and model whose list was used, ``note`` a sentence for the reader,
    ``why`` one about the vendor. ``valid_from`` is since when the price holds, None for always.
    """

    status: Status
    note: str
    vendor: str = ""
    price_id: str = ""
    source: str = ""
    version: str = ""
    cards: tuple[Card, ...] = ()
    why: str = ""
    valid_from: datetime | None = None

    def card(self, prompt: int) -> Card:
        """The card for a response whose whole prompt has that many tokens; needs cards."""
        return next(card for card in reversed(self.cards) if prompt > card.above)


def pico(usd_per_million: Decimal) -> int:
    """USD per million tokens → whole pico-USD per token; finer list prices round half-even."""
    return int((usd_per_million * 10**6).to_integral_value(ROUND_HALF_EVEN))


def scaled(cards: tuple[Card, ...], multiplier: Decimal) -> tuple[Card, ...]:
    """The cards times an operator's discount or surcharge, each rate rounded half-even."""
    return tuple(
        Card(
            card.above,
            tuple(
                None
                if rate is None
                else int((rate * multiplier).to_integral_value(ROUND_HALF_EVEN))
                for rate in card.rates
            ),
            card.own,
        )
        for card in cards
    )


def card(above: int, usd: Mapping[str, Decimal | None], *, vendor: str, model: str = "") -> Card:
    """A card from USD per million tokens (``web_search``: per 1,000), gaps filled from parents.

    A class without a price of its own costs what its parent costs (docs/costs.md 3.4).
    """
    given = {name: usd.get(name) for name in CLASSES}
    search = given.pop("web_search")
    known = {name: None if value is None else pico(value) for name, value in given.items()}
    doubles = vendor == "anthropic" or ("claude" in model and vendor not in _SINGLE_WRITE)
    filled = _with_parents(known, doubles=doubles)
    filled["web_search"] = _search(search, vendor)
    own = tuple(usd.get(name) is not None for name in CLASSES)
    return Card(above, tuple(filled[name] for name in CLASSES), own)


def _with_parents(known: dict[str, int | None], *, doubles: bool) -> dict[str, int | None]:
    prompt, write, hour = known["input"], known["cache_write"], known["cache_write_1h"]
    if known["cache_read"] is None:
        known["cache_read"] = prompt
    if write is None:
        known["cache_write"] = prompt
    if hour is None:
        doubled = doubles and prompt is not None
        known["cache_write_1h"] = 2 * (prompt or 0) if doubled else known["cache_write"]
    return known


def _search(usd_per_thousand: Decimal | None, vendor: str) -> int | None:
    if usd_per_thousand is not None:
        return pico(usd_per_thousand * 1000)
    return 0 if vendor == "aws" else None
