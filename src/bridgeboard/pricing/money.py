"""Responses and a book → money, exact to the pico-USD (docs/costs.md 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bridgeboard.pricing import bundled_prices, corrections
from bridgeboard.pricing.price_book import STANDARD_TIERS, Book
from bridgeboard.pricing.rates import CLASSES, Price, Status
from bridgeboard.pricing.responses import MOST, Ints

Mask = NDArray[np.bool_]

MOST_TOKENS: Final = 10**12
"""A larger count of one response is a mistake of its reporter (docs/costs.md 4)."""
DEAREST: Final = 9 * 10**18
"""Pico-USD from which on a response is not priced: 9 million dollars, where 64 bits end."""
_CACHED: Final = np.array([name.startswith("cache_") for name in CLASSES])


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cards of all prices as rectangles: [price, tier] and [price, tier, class]."""

    above: Ints
    rates: Ints
    known: Mask

    @classmethod
    def of(cls, prices: list[Price]) -> "Sheet":
        """Lay the cards of these prices out."""
        depth = max([1, *(len(price.cards) for price in prices)])
        above = np.full((len(prices), depth), MOST, dtype=np.int64)
        rates = np.zeros((len(prices), depth, len(CLASSES)), dtype=np.int64)
        known = np.zeros(rates.shape, dtype=bool)
        above[:, 0] = -1
        for row, price in enumerate(prices):
            for column, card in enumerate(price.cards):
                above[row, column] = card.above
                rates[row, column] = [rate or 0 for rate in card.rates]
                known[row, column] = [rate is not None for rate in card.rates]
        return cls(above, rates, known)

    def tier(self, which: Ints, prompt: Ints) -> Ints:
        """The place of the card for each response, by the size of its whole prompt."""
        reached = (prompt[:, None] > self.above[which]).sum(axis=1) - 1
        tier: Ints = np.maximum(reached, 0)
        return tier


@dataclass(frozen=True, slots=True)
class Bill:
    """Per response: value and saving in pico-USD, and what stands against them.

    ``lacking``: some class in use has no rate; ``blind``: no rate to compare cached tokens with;
    ``absurd``, ``too_dear``: beyond what can be true, worth nothing here.
    """

    value: Ints
    saving: Ints
    lacking: Mask
    blind: Mask
    absurd: Mask
    too_dear: Mask

    @classmethod
    def of(cls, tokens: Ints, rates: Ints, known: Mask) -> "Bill":
        """Charge each response's counts at its rates; ``known`` says which rates are."""
        absurd = np.asarray((tokens > MOST_TOKENS).any(axis=1), dtype=bool)
        uncached = np.where(_CACHED, rates[:, :1], rates)
        too_dear = ~absurd & (_dear(tokens, rates) | _dear(tokens, uncached))
        sane = np.where((absurd | too_dear)[:, None], 0, tokens)
        value: Ints = (sane * rates).sum(axis=1)
        cached = np.asarray((sane * _CACHED).any(axis=1), dtype=bool)
        return cls(
            value,
            (sane * (uncached - rates)).sum(axis=1),
            np.asarray(((sane > 0) & ~known).any(axis=1), dtype=bool),
            cached & ~known[:, 0],
            absurd,
            too_dear,
        )


def _dear(tokens: Ints, rates: Ints) -> Mask:
    estimate = (tokens.astype(np.float64) * rates).sum(axis=1)
    return np.asarray(estimate >= DEAREST, dtype=bool)


ABSURD: Final = "a count beyond 10^12 cannot be true"
TOO_DEAR: Final = "one response of more than 9 million dollars cannot be true"
UNPRICEABLE: Final = frozenset({ABSURD, TOO_DEAR})
"""Why a response has no price whatever its list says: a price of its own would not help."""

_WORDS: Final = ("vendor", "price_id", "source", "version")


def price(responses: pd.DataFrame, book: Book) -> pd.DataFrame:
    """What each response costs, by its own time and its own prompt size.

    Args:
        responses: as made by ``responses``, with ``provider``, ``provider_name`` and ``model``;
            optional ``credential_kind`` ("byok" is no spend), ``service_tier`` (as served) and
            ``accuracy`` ("aggregate" rows are sums of several responses and stay in the first
            tier).
        book: where prices come from.

    Returns:
        A frame on the same index: ``status``; in pico-USD (Int64, missing where unknown) ``cost``
        (spend), ``shadow_cost`` (value that is no spend) and ``cache_saving`` (what the same
        response would have cost more without a cache; negative where writes were not worth it);
        ``tier`` (the threshold exceeded, -1 for none); ``note``, ``vendor``, ``price_id``,
        ``source``, ``version`` of the price. What cannot be true is unpriced, never an error.
    """
    prices, which = resolved(responses, book)
    sheet = Sheet.of(prices)
    tier = sheet.tier(which, _prompt(responses))
    bill = Bill.of(_tokens(responses), sheet.rates[which, tier], sheet.known[which, tier])
    priced = _as_frame(responses.index, prices, which, bill)
    return priced.assign(tier=sheet.above[which, tier])


def vendors(usage: pd.DataFrame, book: Book) -> "pd.Series[str]":
    """Who bills for each request, by ``provider``, ``provider_name``, ``model``, ``created_at``.

    The same word as ``price`` says for its responses; missing where nobody knows.
    """
    prices, which = resolved(usage, book)
    names = pd.array([price.vendor or None for price in prices], dtype="str")
    return pd.Series(names.take(which), index=usage.index)


def exact(response: Mapping[str, int], price: Price) -> int | None:
    """One response's value in plain Python integers, in pico-USD; None without a price.

    Slow and obvious: what the fast path is tested against.
    """
    if not price.cards:
        return None
    hour = response.get("cache_write_1h", 0)
    five = response["cache_write"] - hour
    prompt = response["input"] + response["cache_read"] + response["cache_write"]
    counts = (
        response["input"],
        response["output"],
        response["cache_read"],
        five,
        hour,
        response.get("web_searches", 0),
    )
    rates = price.card(prompt).rates
    return sum(count * (rate or 0) for count, rate in zip(counts, rates, strict=True))


def class_rates(
    book: Book,
    usage: tuple[str, str, str],
    at: datetime,
    *,
    byok: bool,
    service_tier: str,
    tier: int,
) -> tuple[int, ...]:
    """What a token of each of ``CLASSES`` costs at a moment, in pico-USD; 0 where that is unknown.

    ``usage`` is provider, instance and model; ``tier`` as ``price`` tells it. Without a price it is
    empty.
    """
    price = book.resolve(*usage, at, byok=byok, service_tier=_served(service_tier))
    if not price.cards:
        return ()
    return tuple(rate or 0 for rate in price.card(tier + 1).rates)


def _tokens(responses: pd.DataFrame) -> Ints:
    empty = pd.Series(0, index=responses.index)
    hour = responses.get("cache_write_1h", empty)
    columns = [
        responses["input"],
        responses["output"],
        responses["cache_read"],
        responses["cache_write"] - hour,
        hour,
        responses.get("web_searches", empty),
    ]
    return np.column_stack([column.to_numpy(dtype=np.int64) for column in columns])


def _prompt(responses: pd.DataFrame) -> Ints:
    prompt = responses["input"] + responses["cache_read"] + responses["cache_write"]
    counted: Ints = prompt.to_numpy(dtype=np.int64)
    if "accuracy" not in responses:
        return counted
    aggregate = responses["accuracy"].eq("aggregate").fillna(value=False).to_numpy(dtype=bool)
    return np.where(aggregate, 0, counted)


def _as_frame(index: pd.Index, prices: list[Price], which: Ints, bill: Bill) -> pd.DataFrame:
    status = _status(prices, which, bill)
    spent = (status == Status.PRICED) | (status == Status.PARTIAL)
    unpriced = status == Status.UNPRICED
    worthless = np.array([not price.cards for price in prices], dtype=bool)[which]
    columns = {
        "status": _repeated(status.tolist(), np.arange(len(status))),
        "cost": _money(np.where(spent, bill.value, 0), unpriced),
        "shadow_cost": _money(np.where(spent, 0, bill.value), unpriced | (worthless & ~spent)),
        "cache_saving": _money(np.where(spent, bill.saving, 0), unpriced | (spent & bill.blind)),
        "note": _notes(prices, which, bill),
        **{name: _repeated([getattr(p, name) for p in prices], which) for name in _WORDS},
    }
    return pd.DataFrame(columns, index=index)


def _status(prices: list[Price], which: Ints, bill: Bill) -> NDArray[np.object_]:
    status = np.array([price.status for price in prices], dtype=object)[which]
    status[bill.lacking & (status == Status.PRICED)] = Status.PARTIAL
    status[bill.absurd | bill.too_dear] = Status.UNPRICED
    return status


def _notes(prices: list[Price], which: Ints, bill: Bill) -> pd.api.extensions.ExtensionArray:
    notes = [*(price.note for price in prices), ABSURD, TOO_DEAR]
    refused = np.where(bill.absurd, len(prices), len(prices) + 1)
    return _repeated(notes, np.where(bill.absurd | bill.too_dear, refused, which))


def _repeated(values: list[str], which: Ints) -> pd.api.extensions.ExtensionArray:
    codes, kinds = pd.factorize(np.array([str(value) for value in values], dtype=object))
    return pd.Categorical.from_codes(codes[which], pd.Index(kinds, dtype="str"))


def _money(amounts: Ints, missing: Mask) -> pd.api.extensions.ExtensionArray:
    return pd.arrays.IntegerArray(amounts.astype(np.int64), missing.copy())


_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1) // _TICK
_WEEK: Final = 7
_THURSDAY: Final = 3
"""The weekday of 1970-01-01, Monday being 0."""


def resolved(responses: pd.DataFrame, book: Book) -> tuple[list[Price], Ints]:
    """The distinct prices of responses, and for each response the place of its own.

    Columns as ``price`` takes them: provider, provider_name, model, created_at, and if they are
    there credential_kind and service_tier.
    """
    keys = pd.DataFrame(
        {
            "provider": responses["provider"].astype("str").fillna(""),
            "provider_name": responses["provider_name"].astype("str").fillna(""),
            "model": responses["model"].astype("str").fillna(""),
            "byok": _own_key(responses),
            "service_tier": _service_tier(responses),
            "epoch": _epochs(responses["created_at"], book),
            "hour": _hours(responses, book),
        }
    )
    which = np.asarray(keys.groupby(list(keys), sort=False).ngroup(), dtype=np.int64)
    _, firsts = np.unique(which, return_index=True)
    wanted = keys.drop(columns=["epoch", "hour"]).iloc[firsts].itertuples(index=False, name=None)
    times = responses["created_at"].iloc[firsts].tolist()
    prices = [
        book.resolve(provider, name, model, _utc(at), byok=own, service_tier=served)
        for (provider, name, model, own, served), at in zip(wanted, times, strict=True)
    ]
    return prices, which


def _own_key(responses: pd.DataFrame) -> "pd.Series[bool]":
    if "credential_kind" not in responses:
        return pd.Series(data=False, index=responses.index)
    return responses["credential_kind"].astype("str").eq("byok").astype(bool)


def _service_tier(responses: pd.DataFrame) -> pd.Series:
    if "service_tier" not in responses:
        return pd.Series("", index=responses.index)
    codes, kinds = pd.factorize(responses["service_tier"].astype("str").fillna(""))
    words = np.array([_served(str(kind)) for kind in kinds], dtype=object)
    return pd.Series(words[codes] if len(words) else [], index=responses.index, dtype="str")


def _served(word: str) -> str:
    plain = word.strip().lower()
    return "" if plain in STANDARD_TIERS else plain


def _epochs(times: "pd.Series[pd.Timestamp]", book: Book) -> Ints:
    # Within one epoch no price changes by date.
    edges = np.array([(edge - _START) // _TICK for edge in book.edges()], dtype=np.int64)
    return np.searchsorted(edges, _moments(times), side="right").astype(np.int64)


def _hours(responses: pd.DataFrame, book: Book) -> Ints:
    """The stretch of the week in which no price changes by the hour; 0 for models without hours.

    Peak hours spare the weekends.
    """
    codes, models = pd.factorize(responses["model"].astype("str").fillna(""))
    timed = np.array([book.hourly(str(model)) for model in models], dtype=bool)
    if not timed.any():
        return np.zeros(len(responses), dtype=np.int64)
    moments = _moments(responses["created_at"])
    clocks = (
        np.array(sorted(bundled_prices.clocks() | corrections.clocks()), dtype=np.int64) * 1_000_000
    )
    stretch = np.searchsorted(clocks, moments % _DAY, side="right")
    weekday = (moments // _DAY + _THURSDAY) % _WEEK
    return np.where(timed[codes], stretch * _WEEK + weekday, 0).astype(np.int64)


def _moments(times: "pd.Series[pd.Timestamp]") -> Ints:
    return np.asarray(pd.to_datetime(times, utc=True).dt.as_unit("us").astype("int64"))


def _utc(at: pd.Timestamp) -> datetime:
    moment = pd.Timestamp(at)
    aware = moment.tz_localize(UTC) if moment.tzinfo is None else moment.tz_convert(UTC)
    return aware.floor("us").to_pydatetime(warn=False)
