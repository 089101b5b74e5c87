"""A second opinion on prices: what two other lists said on a day, kept beside this file.

``other_price_lists.csv`` holds base rates in USD per million tokens, flat and undated, from
LiteLLM's list and from the one the server itself books by. It speaks for models that the first list
does not know (docs/costs.md 3); where they differ, a line says why the first list holds
(docs/costs.md 8).
"""

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from importlib.resources import files
from typing import Final

from bridgeboard.pricing.bundled_prices import spellings
from bridgeboard.pricing.rates import CLASSES, Card, Price, Status, card

_TEXT: Final = files("bridgeboard.pricing").joinpath("other_price_lists.csv").read_text("utf-8")
VERSION: Final = f"snapshot {sha256(_TEXT.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Quote:
    """One line of the snapshot: what ``source`` asked for a model on the day ``told_on``.

    ``card`` has rates in pico-USD.
    """

    source: str
    told_on: date
    vendor: str
    model: str
    card: Card


def listed(vendor: str, model: str) -> Price | None:
    """The first quote for a model under its exact or undated name, or None."""
    candidates = (QUOTES.get((vendor, name)) for name in spellings(model, vendor))
    quote = next((quotes[0] for quotes in candidates if quotes), None)
    if quote is None:
        return None
    note = f"as {quote.source} listed it on {quote.told_on}: without tiers or dates"
    price_id = f"{quote.vendor}/{quote.model}"
    return Price(
        Status.PRICED, note, vendor, price_id, f"snapshot {quote.source}", VERSION, (quote.card,)
    )


def _quote(line: dict[str, str]) -> Quote:
    usd = {name: Decimal(line[name]) if line.get(name) else None for name in CLASSES}
    return Quote(
        line["source"],
        date.fromisoformat(line["told_on"]),
        line["vendor"],
        line["model"],
        card(-1, usd, vendor=line["vendor"], model=line["model"]),
    )


def _quotes() -> dict[tuple[str, str], list[Quote]]:
    quotes: dict[tuple[str, str], list[Quote]] = {}
    for line in csv.DictReader(_TEXT.splitlines()):
        quote = _quote(line)
        quotes.setdefault((quote.vendor, quote.model), []).append(quote)
    return quotes


QUOTES: Final = _quotes()
"""All quotes by vendor and model, for each the one to trust first."""
