"""Responses and a book → money, exact to the pico-USD (docs/costs.md 6)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bridgeboard.pricing import catalog
from bridgeboard.pricing.book import Book
from bridgeboard.pricing.rates import CLASSES, Price, Status

Ints = NDArray[np.int64]
Amounts = NDArray[np.int64] | NDArray[np.object_]

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1) // _TICK
_SAFE: Final = 2.0**62
_MOST: Final = np.iinfo(np.int64).max
_BOOKED: Final = CLASSES[:4]
_WORDS: Final = ("note", "vendor", "price_id", "source", "version")


def price(responses: pd.DataFrame, book: Book) -> pd.DataFrame:
    """What each response costs, by its own time and its own prompt size.

    Args:
        responses: as made by ``responses``, with ``provider``, ``provider_name`` and ``model``;
            optional ``credential_kind`` ("byok" is no spend) and ``accuracy`` ("aggregate" rows
            are sums of several responses and stay in the first tier).
        book: where prices come from.

    Returns:
        A frame on the same index: ``status``; ``cost`` (spend) and ``shadow_cost`` (value that
        is no spend) in pico-USD, missing where unknown; ``tier`` (the threshold exceeded, -1
        for none); ``note``, ``vendor``, ``price_id``, ``source``, ``version`` of the price.
        Money is Int64, or Python integers where a response's does not fit.
    """
    prices, which = _resolved(responses, book)
    tokens = _tokens(responses)
    sheet = _Sheet.of(prices)
    tier = sheet.tier(which, _prompt(responses))
    rates, known = sheet.rates[which, tier], sheet.known[which, tier]
    lacking = np.asarray(((tokens > 0) & ~known).any(axis=1), dtype=bool)
    value = _value(tokens, rates)
    status = _status(prices, which, lacking)
    told = _told(responses.index, prices, which, status, value)
    return told.assign(tier=sheet.above[which, tier])


def server_micros(rows: pd.DataFrame, book: Book) -> "pd.Series[int]":
    """What the server books for raw token rows, in micro-USD; missing without a price.

    Its arithmetic at our list: each class of each row cut to whole micro-USD, no tiers, no hour's
    writes, no searches, nothing for a class without a rate of its own (docs/costs.md 7).
    """
    prices, which = _resolved(rows, book)
    flat = np.array([_flat(price) for price in prices], dtype=np.int64).reshape(-1, len(_BOOKED))
    counts = np.column_stack([rows[name].to_numpy(dtype=np.int64) for name in _BOOKED])
    missing = np.array([not price.cards for price in prices], dtype=bool)[which]
    micros = (counts * flat[which] // 10**6).sum(axis=1)
    return pd.Series(pd.arrays.IntegerArray(micros, missing), index=rows.index)


def _flat(price: Price) -> list[int]:
    if not price.cards:
        return [0] * len(_BOOKED)
    card = price.cards[0]
    told = zip(card.rates, card.own, strict=True)
    return [(rate or 0) if own else 0 for rate, own in told][: len(_BOOKED)]


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


def total(amounts: Iterable[object]) -> int:
    """The exact sum of pico-USD amounts, beyond 64 bits too; missing ones add nothing."""
    column = pd.Series(amounts) if not isinstance(amounts, pd.Series) else amounts
    present = column.dropna()
    if present.dtype == object:
        return sum(int(amount) for amount in present)
    whole = present.to_numpy(dtype="int64")
    # Halves of 32 bits: neither sum can overflow below two thousand million amounts.
    return (int((whole >> 32).sum()) << 32) + int((whole & 0xFFFFFFFF).sum())


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The cards of all prices as rectangles: [price, tier] and [price, tier, class]."""

    above: Ints
    rates: Ints
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, prices: list[Price]) -> "_Sheet":
        depth = max([1, *(len(price.cards) for price in prices)])
        above = np.full((len(prices), depth), _MOST, dtype=np.int64)
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
        reached = (prompt[:, None] > self.above[which]).sum(axis=1) - 1
        tier: Ints = np.maximum(reached, 0)
        return tier


def _resolved(responses: pd.DataFrame, book: Book) -> tuple[list[Price], Ints]:
    keys = pd.DataFrame(
        {
            "provider": responses["provider"].fillna("").astype("str"),
            "provider_name": responses["provider_name"].fillna("").astype("str"),
            "model": responses["model"].fillna("").astype("str"),
            "byok": _own_key(responses),
            "epoch": _epochs(responses["created_at"], book),
        }
    )
    which = np.asarray(keys.groupby(list(keys), sort=False).ngroup(), dtype=np.int64)
    _, firsts = np.unique(which, return_index=True)
    asked = (keys[name].iloc[firsts].tolist() for name in ("provider", "provider_name", "model"))
    byok = keys["byok"].iloc[firsts].tolist()
    times = responses["created_at"].iloc[firsts].tolist()
    prices = [
        book.resolve(provider, name, model, _utc(at), byok=own)
        for provider, name, model, own, at in zip(*asked, byok, times, strict=True)
    ]
    return prices, which


def _own_key(responses: pd.DataFrame) -> "pd.Series[bool]":
    if "credential_kind" not in responses:
        return pd.Series(data=False, index=responses.index)
    return responses["credential_kind"].fillna("").eq("byok").astype(bool)


def _epochs(times: "pd.Series[pd.Timestamp]", book: Book) -> Ints:
    # Within one epoch no price changes: neither by date nor by the hour of off-peak rates.
    moments = np.asarray(pd.to_datetime(times, utc=True).dt.as_unit("us").astype("int64"))
    edges = np.array([(edge - _START) // _TICK for edge in book.edges()], dtype=np.int64)
    clocks = np.array(sorted(catalog.clocks()), dtype=np.int64) * 1_000_000
    day = np.searchsorted(edges, moments, side="right")
    hour = np.searchsorted(clocks, moments % _DAY, side="right")
    return np.asarray(day * (len(clocks) + 1) + hour, dtype=np.int64)


def _utc(at: pd.Timestamp) -> datetime:
    moment = pd.Timestamp(at)
    aware = moment.tz_localize(UTC) if moment.tzinfo is None else moment.tz_convert(UTC)
    return aware.floor("us").to_pydatetime(warn=False)


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


def _value(tokens: Ints, rates: Ints) -> Amounts:
    estimate = (tokens.astype(np.float64) * rates).sum(axis=1)
    if (estimate < _SAFE).all():
        fast: Ints = (tokens * rates).sum(axis=1)
        return fast
    slow: NDArray[np.object_] = (tokens.astype(object) * rates.astype(object)).sum(axis=1)
    return slow


def _status(prices: list[Price], which: Ints, lacking: NDArray[np.bool_]) -> NDArray[np.object_]:
    status = np.array([price.status for price in prices], dtype=object)[which]
    status[lacking & (status == Status.PRICED)] = Status.PARTIAL
    return status


def _told(
    index: pd.Index, prices: list[Price], which: Ints, status: NDArray[np.object_], value: Amounts
) -> pd.DataFrame:
    spent = (status == Status.PRICED) | (status == Status.PARTIAL)
    unpriced = status == Status.UNPRICED
    worthless = np.array([not price.cards for price in prices], dtype=bool)[which]
    words = {name: _repeated([getattr(p, name) for p in prices], which) for name in _WORDS}
    columns = {
        "status": _repeated(status.tolist(), np.arange(len(status))),
        "cost": _money(np.where(spent, value, 0), unpriced),
        "shadow_cost": _money(np.where(spent, 0, value), unpriced | (worthless & ~spent)),
        **words,
    }
    return pd.DataFrame(columns, index=index)


def _repeated(values: list[str], which: Ints) -> pd.api.extensions.ExtensionArray:
    codes, kinds = pd.factorize(np.array([str(value) for value in values], dtype=object))
    return pd.Categorical.from_codes(codes[which], pd.Index(kinds, dtype="str"))


def _money(amounts: Amounts, missing: NDArray[np.bool_]) -> pd.api.extensions.ExtensionArray:
    if amounts.dtype != object:
        return pd.arrays.IntegerArray(amounts.astype(np.int64), missing.copy())
    known = [pd.NA if gone else int(amount) for amount, gone in zip(amounts, missing, strict=True)]
    fits = all(gone or amount <= _MOST for amount, gone in zip(amounts, missing, strict=True))
    return pd.array(known, dtype="Int64" if fits else "object")
