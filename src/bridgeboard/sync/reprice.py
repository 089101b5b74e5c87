"""Prices all usage of the store anew, after a change of prices, without the server.

The store has all that a price depends on (docs/costs.md 6), so that the result is what a fresh sync
with the same book would store.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from bridgeboard import pricing
from bridgeboard.pricing import Book, informed
from bridgeboard.store import Batch, Store, prices
from bridgeboard.sync.arrow_columns import series

ROWS: Final = 100_000
"""Rows of usage in one transaction, about; a day is never cut."""

_KINDS: Final = {
    "place": pa.int64(),
    "usage": pa.int64(),
    **dict.fromkeys(("cost", "shadow_cost", "cache_saving"), pa.int64()),
    **dict.fromkeys(("priced_tokens", "tier"), pa.int64()),
    **dict.fromkeys(("vendor", "status", "price_id", "source", "note"), pa.string()),
}
_PRICED_BY: Final = ("provider", "provider_name", "model", "credential_kind", "grain")


@dataclass(frozen=True)
class Repriced:
    """How many responses were priced anew, and how many prices changed."""

    rows: int
    changed: int


def needs_reprice(store: Store, book: Book) -> bool:
    """Whether some of the store's prices may come from another book, or from several."""
    return prices.version(store) != informed(store, book).version


def reprice(store: Store, book: Book, now: datetime, *, rows: int = ROWS) -> Repriced:
    """Give every row of usage the price this book has for it, at its own time.

    The vendors that the store has for provider instances replace those of the book.

    Works in windows, a transaction each, about ``rows`` rows of usage at once. It may be killed
    anywhere: until it has come to its end the store has no price version, and the next run starts
    again. Only what changes is written.
    """
    book = informed(store, book)
    with store.write() as batch:
        prices.set_version(batch, None, now)
    done = [_span(store, book, span) for span in prices.spans(store, rows)]
    with store.write() as batch:
        prices.set_version(batch, book.version, now)
    return Repriced(sum(one.rows for one in done), sum(one.changed for one in done))


def _span(store: Store, book: Book, span: tuple[datetime, datetime]) -> Repriced:
    with store.write() as batch:
        rows = prices.held(batch, span)
        usage, responses = _frame(rows.usage), _frame(rows.responses)
        row = np.searchsorted(_ints(usage["usage"]), _ints(responses["usage"]))
        priced = _priced(usage, responses, row, book)
        summed = _summed(usage, priced, row, book)
        changed = _changed(responses, priced, prices.RESPONSE)
        _put(batch, span, usage, summed, priced[changed])
    return Repriced(len(responses), int(changed.sum()))


def _priced(
    usage: pd.DataFrame, responses: pd.DataFrame, row: NDArray[np.int64], book: Book
) -> pd.DataFrame:
    named = {name: pd.Categorical(usage[name]).take(row) for name in _PRICED_BY}
    inputs = responses.drop(columns=list(prices.RESPONSE)).assign(
        created_at=responses["answered_at"],
        accuracy=np.where(named.pop("grain") == "interception", "exact", "aggregate"),
        **named,
    )
    return pd.concat([inputs, pricing.price(inputs, book)], axis="columns")


def _summed(
    usage: pd.DataFrame, priced: pd.DataFrame, row: NDArray[np.int64], book: Book
) -> pd.DataFrame:
    money = pricing.usage_money(priced, row, len(usage))
    vendor = pricing.vendors(usage.rename(columns={"started_at": "created_at"}), book)
    return money.assign(vendor=vendor, place=usage["place"], usage=usage["usage"])


def _put(
    batch: Batch,
    span: tuple[datetime, datetime],
    usage: pd.DataFrame,
    summed: pd.DataFrame,
    responses: pd.DataFrame,
) -> None:
    changed = summed[_changed(usage, summed, prices.USAGE)]
    moved = summed[_changed(usage, summed, ("vendor",))]
    prices.put(
        batch,
        span,
        _table(changed, ("place", *prices.USAGE)),
        _table(responses, ("place", *prices.RESPONSE)),
        _table(moved, ("usage", "vendor")),
    )


def _frame(table: pa.Table) -> pd.DataFrame:
    # Amounts with gaps would become floats.
    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return frame


def _ints(column: pd.Series) -> NDArray[np.int64]:
    return column.to_numpy(dtype=np.int64)


def _table(frame: pd.DataFrame, names: tuple[str, ...]) -> pa.Table:
    return pa.table({name: series(frame[name], _KINDS[name]) for name in names})


def _changed(
    before: pd.DataFrame, after: pd.DataFrame, names: tuple[str, ...]
) -> NDArray[np.bool_]:
    changed = np.zeros(len(before), dtype=bool)
    for name in names:
        one, other = (_plain(frame[name], name) for frame in (before, after))
        same = (one == other) | (one.isna() & other.isna())
        changed |= ~same.fillna(value=False).to_numpy(dtype=bool)
    return changed


def _plain(column: pd.Series, name: str) -> pd.Series:
    return column.astype("str" if _KINDS[name] == pa.string() else "Int64")
