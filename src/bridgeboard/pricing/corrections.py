"""What the bundled price list has wrong, and what is right: ``corrections.toml``, with sources.

The file says of itself how it is written. It speaks for the vendor whose list it corrects, not for
others that borrow that list (docs/costs.md 3.1).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from bridgeboard.pricing.rates import CLASSES, Card, card, scaled

_TEXT: Final = files("bridgeboard.pricing").joinpath("corrections.toml").read_text("utf-8")
VERSION: Final = f"corrections {sha256(_TEXT.encode()).hexdigest()[:8]}"
_HOUR: Final = 3600
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Peak:
    """The dearer hours: ``card`` holds on ``days`` (1 is Monday) within ``hours``, all in UTC."""

    card: Card
    days: frozenset[int]
    hours: tuple[tuple[int, int], ...]

    def holds(self, at: datetime) -> bool:
        """Whether a moment, in UTC, is within the peak hours."""
        within = any(start <= at.hour < end for start, end in self.hours)
        return within and at.isoweekday() in self.days


@dataclass(frozen=True, slots=True)
class Dated:
    """A price that holds from a moment on until the next one of its correction."""

    since: datetime
    card: Card
    peak: Peak | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """The right prices of one model, ascending in time; before the first the list speaks."""

    vendor: str
    model: str
    reason: str
    source: str
    checked: date
    off_days: frozenset[date]
    prices: tuple[Dated, ...]

    def at(self, at: datetime) -> tuple[Dated, Card] | None:
        """(the price that holds at an aware moment, its card); None where the list speaks."""
        moment = at.astimezone(UTC)
        past = [price for price in self.prices if price.since <= moment]
        if not past:
            return None
        price = past[-1]
        dear = price.peak if moment.date() not in self.off_days else None
        return price, dear.card if dear and dear.holds(moment) else price.card


def correction(vendor: str, model: str) -> Correction | None:
    """What corrects a vendor's own entry of a model, by the entry's id."""
    return _BY_MODEL.get((vendor, model))


def dates() -> frozenset[datetime]:
    """Every UTC moment from which on another correction holds, days without peak included."""
    every = CORRECTIONS
    days = {datetime.combine(day, time(), UTC) for one in every for day in one.off_days}
    return frozenset(
        {price.since for one in every for price in one.prices} | days | {day + _DAY for day in days}
    )


def clocks() -> frozenset[int]:
    """Every second of the UTC day at which some corrected price changes."""
    peaks = (price.peak for one in CORRECTIONS for price in one.prices if price.peak)
    return frozenset(hour * _HOUR for peak in peaks for span in peak.hours for hour in span)


def _read(text: str) -> tuple[Correction, ...]:
    entries = tomllib.loads(text, parse_float=Decimal)["correction"]
    return tuple(_correction(entry, name) for entry in entries for name in entry["models"])


def _correction(entry: Mapping[str, Any], name: str) -> Correction:
    vendor, _, model = name.partition("/")
    return Correction(
        vendor,
        model,
        entry["reason"],
        entry["source"],
        entry["checked"],
        frozenset(entry.get("off_days", ())),
        tuple(_dated(vendor, model, price) for price in entry["price"]),
    )


def _dated(vendor: str, model: str, price: Mapping[str, Any]) -> Dated:
    usd = {name: Decimal(price[name]) for name in CLASSES if name in price}
    plain = card(-1, usd, vendor=vendor, model=model)
    peak = price.get("peak")
    if peak is None:
        return Dated(price["from"], plain)
    (dear,) = scaled((plain,), Decimal(peak["times"]))
    hours = tuple((start, end) for start, end in peak["hours"])
    return Dated(price["from"], plain, Peak(dear, frozenset(peak["days"]), hours))


CORRECTIONS: Final = _read(_TEXT)
"""All corrections, one for each model."""
_BY_MODEL: Final = {(one.vendor, one.model): one for one in CORRECTIONS}
