"""Responses → the prices they ask for, each looked up once (docs/costs.md 3)."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd

from bridgeboard.pricing import catalog
from bridgeboard.pricing.book import STANDARD_TIERS, Book
from bridgeboard.pricing.rates import Price
from bridgeboard.pricing.sums import Ints

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1) // _TICK


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
        }
    )
    which = np.asarray(keys.groupby(list(keys), sort=False).ngroup(), dtype=np.int64)
    _, firsts = np.unique(which, return_index=True)
    asked = keys.drop(columns="epoch").iloc[firsts].itertuples(index=False, name=None)
    times = responses["created_at"].iloc[firsts].tolist()
    prices = [
        book.resolve(provider, name, model, _utc(at), byok=own, service_tier=served)
        for (provider, name, model, own, served), at in zip(asked, times, strict=True)
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
