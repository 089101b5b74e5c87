"""Responses → the prices they ask for, each looked up once (docs/costs.md 3)."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd

from bridgeboard.pricing import bundled_prices, corrections
from bridgeboard.pricing.exact_sums import Ints
from bridgeboard.pricing.price_book import STANDARD_TIERS, Book
from bridgeboard.pricing.rates import Price

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
