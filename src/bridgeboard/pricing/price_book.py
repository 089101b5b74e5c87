"""Which price applies to which usage, when, and why (docs/costs.md 3 and 4)."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from bridgeboard.pricing import bundled_prices, corrections, other_price_lists
from bridgeboard.pricing.operator_prices import Billing, Override, PriceFile, load
from bridgeboard.pricing.rates import Card, Price, Status, scaled
from bridgeboard.pricing.vendors import (
    COPILOT,
    NONE,
    UNKNOWN_MODELS,
    UNLISTED,
    Seller,
    VendorStatement,
    newest,
    seller,
)

CREDITS_SINCE: Final = datetime(2026, 6, 1, tzinfo=UTC)
"""From here on GitHub meters Copilot in credits against a pooled allowance."""

STANDARD_TIERS: Final = frozenset({"", "auto", "default", "on_demand", "standard"})
"""Service tiers that are charged at the plain list price; Groq calls it on demand."""

_BILLED: Final[dict[Billing, Status]] = {
    "metered": Status.PRICED,
    "included": Status.INCLUDED,
    "seat": Status.NOTIONAL,
    "byok": Status.NOTIONAL,
    "free": Status.FREE,
}


@dataclass(frozen=True, slots=True)
class Book:
    """The bundled list with the operator's file on top.

    ``statements`` are what the server said about its provider instances, ascending by ``since``.
    ``version`` changes whenever a price could: then everything is to be priced anew.
    """

    file: PriceFile = field(default_factory=PriceFile)
    statements: tuple[VendorStatement, ...] = ()

    @property
    def version(self) -> str:
        """Versions of list, corrections and snapshot; digests of the file and the statements."""
        mine = f" + {self.file.version}" if self.file.version else ""
        words = [(one.provider_name, one.vendor, one.since) for one in self.statements]
        server = f" + vendors {sha256(repr(words).encode()).hexdigest()[:8]}" if words else ""
        bundled = f"{bundled_prices.SOURCE} {bundled_prices.VERSION}"
        lists = f"{bundled} + {other_price_lists.VERSION} + {corrections.VERSION}"
        return f"{lists}{server}{mine}"

    def resolve(
        self,
        provider: str,
        provider_name: str,
        model: str,
        at: datetime,
        *,
        byok: bool = False,
        service_tier: str = "",
    ) -> Price:
        """The price of one response at an aware moment; never raises for an unknown model.

        ``byok`` says that the initiator's own credential paid: the value is then shown as
        notional and is no spend. ``service_tier`` is the tier that was served, in lower case.
        """
        served = "" if service_tier in STANDARD_TIERS else service_tier
        row = self._override(provider_name, model, at)
        bills = self.seller(provider, provider_name, model, at)
        price = replace(self._price(row, bills, model, at, served), why=bills.why)
        metered = price.status in {Status.PRICED, Status.FREE}
        if byok and metered and provider != "copilot":
            return replace(price, status=Status.NOTIONAL, note="paid by the initiator's own key")
        return price

    def seller(self, provider: str, provider_name: str, model: str, at: datetime) -> Seller:
        """Who bills at a moment, and why we say so (docs/costs.md 3)."""
        if mapped := self.file.vendor(provider_name):
            why = f"{self.file.name} maps the instance"
            return Seller("" if mapped == NONE else mapped, why)
        return seller(provider, provider_name, model, newest(self.statements, provider_name, at))

    def edges(self) -> tuple[datetime, ...]:
        """Every UTC moment at which the answer of ``resolve`` may change, ascending."""
        rows = self.file.overrides
        own = {at for row in rows for at in (row.valid_from, row.valid_to) if at}
        by_server = {one.since for one in self.statements if one.since}
        by_list = bundled_prices.dates() | corrections.dates()
        return tuple(sorted(own | by_server | by_list | {CREDITS_SINCE}))

    def hourly(self, model: str) -> bool:
        """Whether a model's price may change within a day."""
        return any(row.alias for row in self.file.overrides) or bundled_prices.hourly(model)

    def _override(self, provider_name: str, model: str, at: datetime) -> Override | None:
        rows = (row for row in self.file.overrides if row.speaks_for(provider_name, model, at))
        return min(rows, key=lambda row: row.model == "*", default=None)

    def _price(
        self, row: Override | None, bills: Seller, model: str, at: datetime, served: str
    ) -> Price:
        vendor = bills.vendor
        if row is None:
            price = _from_lists(vendor, model, at, served, bills.why)
            return _copilot(price, model, at, served) if vendor == COPILOT else price
        if _overreaches(row, model):
            return self._ruled(row, _from_lists("", model, at, served))
        if row.cards:
            return self._ruled(row, _own(row, vendor, model))
        if row.alias:
            shelf, _, name = row.alias.partition("/")
            return self._ruled(row, _from_lists(shelf, name, at, served))
        return self._ruled(row, _from_lists(vendor, model, at, served, bills.why))

    def _ruled(self, row: Override, price: Price) -> Price:
        status = _BILLED[row.billing]
        note = f"{self.file.name}, line {row.line}"
        if not price.cards and status is Status.PRICED:
            return replace(price, note=f"{price.note}; {note} gives no price either")
        return replace(
            price,
            status=status,
            note=note,
            source="operator"
            if row.cards
            else f"operator, {price.source or bundled_prices.SOURCE}",
            version=self.version,
            cards=scaled(price.cards, row.multiplier),
            valid_from=max((at for at in (row.valid_from, price.valid_from) if at), default=None),
        )


def _overreaches(row: Override, model: str) -> bool:
    # A wildcard knows nothing about a request that named no model at all.
    return model.strip().lower() in UNKNOWN_MODELS and any(wild in row.model for wild in "*?")


def _own(row: Override, vendor: str, model: str) -> Price:
    # The operator's own price holds for every service tier: the file knows none.
    name = model.strip().lower()
    return Price(Status.PRICED, "", vendor, price_id=f"operator/{name}", cards=row.cards)


def _from_lists(vendor: str, model: str, at: datetime, served: str, why: str = "") -> Price:
    if model.strip().lower() in UNKNOWN_MODELS:
        return Price(Status.UNPRICED, "the request named no model", vendor)
    if not vendor:
        return Price(Status.UNPRICED, why or "nobody knows who bills for this provider")
    if vendor in UNLISTED:
        return Price(Status.UNPRICED, f"the price list does not know {vendor}", vendor)
    price = _cataloged(vendor, model, at, served)
    if price.status is Status.UNPRICED and not served:
        return other_price_lists.listed(vendor, model) or price
    return price


def _cataloged(vendor: str, model: str, at: datetime, served: str) -> Price:
    listing = bundled_prices.listed(vendor, model)
    if listing is None:
        return Price(Status.UNPRICED, f"{vendor} lists no price for this model", vendor)
    shelf, entry = listing
    right = corrections.correction(shelf, entry.id) if shelf == vendor else None
    dated = right and right.at(at)
    cards = bundled_prices.cards(vendor, entry, at, served)
    if cards and served and not bundled_prices.offers(entry, at, served):
        return Price(Status.UNPRICED, f"tier unpriced: {served[:40]}", vendor)
    if right and dated:
        price, card = dated
        return Price(
            Status.PRICED,
            f"corrected: {right.reason}",
            vendor,
            f"{shelf}/{entry.id}",
            f"correction, {right.source}",
            corrections.VERSION,
            (card,),
            valid_from=price.since,
        )
    priced = Price(
        _worth(cards, vendor),
        "" if cards else "listed without a price",
        vendor,
        f"{shelf}/{entry.id}",
        bundled_prices.SOURCE,
        bundled_prices.VERSION,
        cards,
        valid_from=bundled_prices.since(entry, at),
    )
    return replace(priced, note="listed at no charge") if priced.status is Status.FREE else priced


def _worth(cards: tuple[Card, ...], vendor: str) -> Status:
    if not cards:
        # Copilot's list names the models of the plan and leaves their price out; with others
        # the list just does not know.
        return Status.INCLUDED if vendor == COPILOT else Status.UNPRICED
    charged = any(rate for card in cards for rate in card.rates[:5])
    known = all(rate is not None for card in cards for rate in card.rates[:5])
    return Status.FREE if known and not charged else Status.PRICED


def _copilot(price: Price, model: str, at: datetime, served: str) -> Price:
    if price.status is Status.INCLUDED:
        return replace(price, note="included in the Copilot plan")
    retired = None if bundled_prices.listed(COPILOT, model) else _at_maker(model, at, served)
    worth = retired or price
    if at < CREDITS_SINCE:
        return replace(worth, status=Status.NOTIONAL, note="Copilot was billed by seat")
    if worth.status is Status.UNPRICED:
        return worth
    note = "Copilot credits are drawn from a pool; their cash is known by the month only"
    if retired:
        note = f"not on Copilot's list any more: at its maker's price. {note}"
    return replace(worth, status=Status.NOTIONAL, note=note)


def _at_maker(model: str, at: datetime, served: str) -> Price | None:
    """What the maker of a model that Copilot does not list asks for it, if anything."""
    makers = bundled_prices.makers(model.strip().lower())
    prices = (_cataloged(maker, model, at, served) for maker in makers)
    price = next((price for price in prices if price.status is Status.PRICED), None)
    return replace(price, vendor=COPILOT) if price else None


def own_book(path: Path | None) -> Book:
    """The price book with the operator's file, if there is one. Raises PriceFileError."""
    return Book(load(path)) if path else Book()


SAID: Final = "instance_vendors"
"""The setting of a store that holds it."""


class Informant(Protocol):
    """What holds the settings of a store: the store itself, or a reader of it."""

    def meta(self, name: str) -> str | None:
        """A setting; None if it was never set."""


def informed(store: Informant, book: Book) -> Book:
    """The book with all that the server has ever said about its instances."""
    return replace(book, statements=said(store))


def said(store: Informant) -> tuple[VendorStatement, ...]:
    """What the server has said about its instances, in order of time."""
    rows = json.loads(store.meta(SAID) or "[]")
    return tuple(
        VendorStatement(**row | {"since": row["since"] and datetime.fromisoformat(row["since"])})
        for row in rows
    )


def written(statements: Iterable[VendorStatement]) -> str:
    """The same as the text of that setting."""
    return json.dumps([asdict(one) for one in statements], default=datetime.isoformat)
