"""Which price applies to which usage, when, and why (docs/costs.md 3 and 4)."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from bridgeboard.pricing import catalog, snapshot
from bridgeboard.pricing.overrides import Billing, Override, PriceFile
from bridgeboard.pricing.rates import Card, Price, Status, scaled
from bridgeboard.pricing.vendors import COPILOT, UNKNOWN_MODELS, vendor

CREDITS_SINCE: Final = datetime(2026, 6, 1, tzinfo=UTC)
"""From here on GitHub meters Copilot in credits against a pooled allowance."""

STANDARD_TIERS: Final = frozenset({"", "auto", "default", "standard"})
"""Service tiers that are charged at the plain list price."""

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

    ``version`` changes whenever a price could: then everything is to be priced anew.
    """

    file: PriceFile = field(default_factory=PriceFile)

    @property
    def version(self) -> str:
        """The versions of list and snapshot and a digest of the operator's file."""
        mine = f" + {self.file.version}" if self.file.version else ""
        return f"{catalog.SOURCE} {catalog.VERSION} + {snapshot.VERSION}{mine}"

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
        seller = self.file.vendor(provider_name) or vendor(provider, provider_name, model)
        found = self._price(row, seller, model, at, served)
        metered = found.status in {Status.PRICED, Status.FREE}
        if byok and metered and provider != "copilot":
            return replace(found, status=Status.NOTIONAL, note="paid by the initiator's own key")
        return found

    def edges(self) -> tuple[datetime, ...]:
        """Every UTC moment at which the answer of ``resolve`` may change, ascending."""
        rows = self.file.overrides
        own = {at for row in rows for at in (row.valid_from, row.valid_to) if at}
        return tuple(sorted(own | catalog.dates() | {CREDITS_SINCE}))

    def _override(self, provider_name: str, model: str, at: datetime) -> Override | None:
        rows = self.file.overrides
        return next((row for row in rows if row.speaks_for(provider_name, model, at)), None)

    def _price(
        self, row: Override | None, seller: str, model: str, at: datetime, served: str
    ) -> Price:
        if row is None:
            found = _listed(seller, model, at, served)
            return _copilot(found, at) if seller == COPILOT else found
        if _overreaches(row, model):
            return self._ruled(row, _listed("", model, at, served))
        if row.cards:
            return self._ruled(row, _own(row, seller, model))
        if row.alias:
            shelf, _, name = row.alias.partition("/")
            return self._ruled(row, _listed(shelf, name, at, served))
        return self._ruled(row, _listed(seller, model, at, served))

    def _ruled(self, row: Override, found: Price) -> Price:
        status = _BILLED[row.billing]
        note = f"{self.file.name}, line {row.line}"
        if not found.cards and status is Status.PRICED:
            return replace(found, note=f"{found.note}; {note} gives no price either")
        return replace(
            found,
            status=status,
            note=note,
            source="operator" if row.cards else f"operator, {found.source or catalog.SOURCE}",
            version=self.version,
            cards=scaled(found.cards, row.multiplier),
        )


def _overreaches(row: Override, model: str) -> bool:
    # A wildcard knows nothing about a request that named no model at all.
    return model.strip().lower() in UNKNOWN_MODELS and any(wild in row.model for wild in "*?")


def _own(row: Override, seller: str, model: str) -> Price:
    # The operator's own price holds for every service tier: the file knows none.
    name = model.strip().lower()
    return Price(Status.PRICED, "", seller, price_id=f"operator/{name}", cards=row.cards)


def _listed(seller: str, model: str, at: datetime, served: str) -> Price:
    if model.strip().lower() in UNKNOWN_MODELS:
        return Price(Status.UNPRICED, "the request named no model", seller)
    if not seller:
        return Price(Status.UNPRICED, "nobody knows who bills for this provider")
    found = _cataloged(seller, model, at, served)
    if found.status is Status.UNPRICED and not served:
        return snapshot.listed(seller, model) or found
    return found


def _cataloged(seller: str, model: str, at: datetime, served: str) -> Price:
    found = catalog.listed(seller, model)
    if found is None:
        return Price(Status.UNPRICED, f"{seller} lists no price for this model", seller)
    shelf, entry = found
    cards = catalog.cards(shelf, entry, at, served)
    if cards and served and not catalog.offers(entry, at, served):
        return Price(Status.UNPRICED, f"tier unpriced: {served[:40]}", seller)
    priced = Price(
        _worth(cards, seller),
        "" if cards else "listed without a price",
        seller,
        f"{shelf}/{entry.id}",
        catalog.SOURCE,
        catalog.VERSION,
        cards,
    )
    return replace(priced, note="listed at no charge") if priced.status is Status.FREE else priced


def _worth(cards: tuple[Card, ...], seller: str) -> Status:
    if not cards:
        # Copilot's list names the models of the plan and leaves their price out; with others
        # the list just does not know.
        return Status.INCLUDED if seller == COPILOT else Status.UNPRICED
    charged = any(rate for card in cards for rate in card.rates[:5])
    known = all(rate is not None for card in cards for rate in card.rates[:5])
    return Status.FREE if known and not charged else Status.PRICED


def _copilot(found: Price, at: datetime) -> Price:
    if found.status is Status.INCLUDED:
        return replace(found, note="included in the Copilot plan")
    if found.status is Status.UNPRICED:
        return found
    if at < CREDITS_SINCE:
        return replace(found, status=Status.NOTIONAL, note="Copilot was billed by seat")
    note = "Copilot credits are drawn from a pool; their cash is known by the month only"
    return replace(found, status=Status.NOTIONAL, note=note)
