"""Where the list and the second opinion differ (docs/costs.md 8)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

from bridgeboard.pricing import catalog, snapshot
from bridgeboard.pricing.book import Book
from bridgeboard.pricing.rates import CLASSES
from bridgeboard.pricing.snapshot import Quote
from bridgeboard.pricing.vendors import COPILOT

TOLERANCE: Final = Decimal("0.01")
"""Sources may differ by this share of the smaller rate before anybody is told."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One rate on which the list and another source differ; rates in pico-USD per token.

    ``listed`` is None where our list has no rate. ``price_id`` is what priced responses of the
    model carry; ``reason`` is "" for a difference that nobody has explained.
    """

    price_id: str
    vendor: str
    model: str
    token_class: str
    listed: int | None
    quoted: int
    source: str
    told_on: date
    reason: str


def disagreements(book: Book, at: datetime) -> tuple[Disagreement, ...]:
    """Rates on which a source that had spoken by ``at`` and the list differ by more than 1 %.

    Both are asked about the day the source spoke, so that a price change since is no
    disagreement. Only base rates are compared: the sources have no tiers. A model for which the
    operator's file names a price of its own is settled.
    """
    quotes = (quote for line in snapshot.QUOTES.values() for quote in line)
    spoken = (quote for quote in quotes if quote.at <= at and not _settled(book, quote))
    return tuple(found for quote in spoken for found in _differences(quote))


def _settled(book: Book, quote: Quote) -> bool:
    own = (row for row in book.file.overrides if row.cards)
    return any(fnmatchcase(quote.model.lower(), row.model) for row in own)


def _differences(quote: Quote) -> list[Disagreement]:
    price_id, ours = _ours(quote)
    pairs = zip(CLASSES, ours, quote.card.rates, quote.card.own, strict=True)
    return [
        Disagreement(
            price_id,
            quote.vendor,
            quote.model,
            name,
            rate,
            told,
            quote.source,
            quote.told_on,
            quote.reason,
        )
        for name, rate, told, own in pairs
        if own and told is not None and _apart(rate, told)
    ]


def _ours(quote: Quote) -> tuple[str, tuple[int | None, ...]]:
    found = catalog.listed(quote.vendor, quote.model)
    if found is None:
        return f"{quote.vendor}/{quote.model}", quote.card.rates
    shelf, entry = found
    cards = catalog.cards(shelf, entry, quote.at)
    # Copilot's list leaves the price of the plan's models out: that is a price of zero.
    absent = 0 if quote.vendor == COPILOT else None
    return f"{shelf}/{entry.id}", cards[0].rates if cards else (absent,) * len(CLASSES)


def _apart(rate: int | None, told: int) -> bool:
    return rate is None or abs(rate - told) > TOLERANCE * min(rate, told)
