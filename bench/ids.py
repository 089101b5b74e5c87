"""Whether every model that the bundled price list can match by itself costs what the list says."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from bench.report import Report, arguments, note
from genai_prices.data import providers
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ClauseEquals, ClauseOr, MatchLogic, ModelPrice, TieredPrices

from bridgeboard.pricing import Book, Price, bundled_prices
from bridgeboard.pricing.rates import pico

WIRES = {"anthropic": "anthropic", "github-copilot": "copilot"}
KEYS = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok")
NOON = "2026-11-20T12:00"


@dataclass(frozen=True)
class Listed:
    """One name of a vendor's list: the price that the list itself has for it, and ours."""

    vendor: str
    name: str
    theirs: ModelPrice
    ours: Price

    @property
    def is_corrected(self) -> bool:
        """Whether ours is meant to be another one."""
        return self.ours.source.startswith("correction")

    @property
    def differs(self) -> bool:
        """Whether ours is another one in some class, for some size of prompt."""
        fields = [getattr(self.theirs, key) for key in KEYS]
        tiered = (field for field in fields if isinstance(field, TieredPrices))
        edges = {tier.start for field in tiered for tier in field.tiers}
        edges |= {card.above for card in self.ours.cards}
        return any(self._differs(fields, edge + 1) for edge in edges)

    def _differs(self, fields: list[Decimal | TieredPrices | None], prompt: int) -> bool:
        asked = (_above(field, prompt) for field in fields)
        pairs = zip(asked, self.ours.card(prompt).rates, strict=False)
        return any(usd is not None and rate != pico(usd) for usd, rate in pairs)


def listed(book: Book, at: datetime) -> Iterator[Listed]:
    """All names that the list's own matcher prices, each at an instance named like its vendor."""
    for home in providers:
        wire = WIRES.get(home.id, "openai")
        for name in _names(home.id):
            theirs = _matched(home.id, name, at)
            if theirs and any(getattr(theirs, key) is not None for key in KEYS):
                yield Listed(home.id, name, theirs, book.resolve(wire, home.id, name, at))


def _names(vendor: str) -> Iterator[str]:
    spelt_out = (
        n for entry in bundled_prices.entries(vendor) for n in (entry.id, *_exact(entry.match))
    )
    yield from dict.fromkeys(spelt_out)


def _exact(clause: MatchLogic) -> Iterator[str]:
    if isinstance(clause, ClauseOr):
        for part in clause.or_:
            yield from _exact(part)
    elif isinstance(clause, ClauseEquals):
        yield clause.equals


def _matched(vendor: str, name: str, at: datetime) -> ModelPrice | None:
    try:
        return get_snapshot().find_provider_model(name, None, vendor, None)[1].get_prices(at)
    except LookupError:
        return None


def _above(field: Decimal | TieredPrices | None, prompt: int) -> Decimal | None:
    if not isinstance(field, TieredPrices):
        return field
    reached = [tier.price for tier in field.tiers if prompt > tier.start]
    return reached[-1] if reached else field.base


def main() -> int:
    """Compare all of them at one moment."""
    asked = arguments(__doc__, at=NOON)
    report = Report(strict=asked.strict)
    every = list(listed(Book(), datetime.fromisoformat(asked.at).replace(tzinfo=UTC)))
    unpriced = [one for one in every if not one.ours.cards]
    other = [one for one in every if one.ours.cards and one.differs]
    for one in [*unpriced, *(one for one in other if not one.is_corrected)]:
        note(f"{one.vendor}: {one.name}: {one.ours.price_id or one.ours.note}")
    report.say("ids_compared", len(every), "ids")
    report.say("ids_unpriced", len(unpriced), "ids", 0)
    report.say("ids_other_price", sum(not one.is_corrected for one in other), "ids", 0)
    report.say("ids_corrected", sum(one.is_corrected for one in other), "ids")
    return report.verdict()


if __name__ == "__main__":
    sys.exit(main())
