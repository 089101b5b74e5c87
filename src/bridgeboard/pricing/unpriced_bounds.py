"""What usage without a price may have cost, and how to give it one (docs/costs.md 9)."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, Final

import pandas as pd

from bridgeboard.pricing import bundled_prices
from bridgeboard.pricing.money import UNPRICEABLE
from bridgeboard.pricing.operator_prices import Override
from bridgeboard.pricing.rates import CLASSES
from bridgeboard.pricing.vendors import UNKNOWN_MODELS

COUNTS: Final = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "web_searches")
"""The counts of a response, in the order of the classes that bill them; the hour's writes are
part of all writes."""


def bounds(vendor: str, counts: Mapping[str, int], at: datetime) -> tuple[int, int] | None:
    """The least and the most that these counts cost with any listed model of a vendor.

    Pico-USD at the list of that UTC day, all in the first tier. Models at no charge or without a
    price for input or output are left out; None for a vendor without any other.
    """
    offers = _offers(vendor, at.astimezone(UTC).date())
    hour = counts["cache_write_1h"]
    tokens = [*(counts[name] for name in COUNTS[:3]), counts["cache_write"] - hour, hour]
    tokens.append(counts["web_searches"])
    values = [sum(n * rate for n, rate in zip(tokens, rates, strict=True)) for rates in offers]
    return (min(values), max(values)) if values else None


@lru_cache(maxsize=256)
def _offers(vendor: str, day: date) -> tuple[tuple[int, ...], ...]:
    noon = datetime.combine(day, time(12), UTC)
    cards = (bundled_prices.cards(vendor, entry, noon) for entry in bundled_prices.entries(vendor))
    first = (tiers[0] for tiers in cards if tiers)
    sold = {card.rates for card in first if card.rates[0] and card.rates[1]}
    return tuple(tuple(rate or 0 for rate in rates) for rates in sold)


def snippet(provider_name: str | None, model: str | None) -> str:
    """A table for ``prices.toml`` in which only the prices are missing; "" without a model.

    The marks in place of prices are refused by the file's reader, so that nothing is charged at
    zero by mistake.
    """
    if (model or "").strip().lower() in UNKNOWN_MODELS:
        return ""
    lines = ["[[price]]", f"model = {_quoted(_glob(model))}"]
    if instance := _glob(provider_name):
        lines.insert(1, f"provider_name = {_quoted(instance)}")
    return "\n".join([*lines, *(f'{name} = "?"  # USD per million tokens' for name in CLASSES[:2])])


def _glob(name: str | None) -> str:
    # The file's names are globs and know no brackets.
    return (name or "").strip().replace("[", "?")


def _quoted(glob: str) -> str:
    # TOML takes JSON's escapes, and wants DEL's.
    return json.dumps(glob, ensure_ascii=False).replace("\x7f", "\\u007f")


def vendor_line(provider_name: str, vendor: str = "") -> str:
    """The line of ``[vendors]`` that settles who bills for an instance.

    Without a vendor it holds a mark that the file's reader refuses until somebody fills it in.
    """
    known = _quoted(vendor) if vendor else '"?"  # a vendor of the price list, or "none"'
    return f"{_quoted(provider_name)} = {known}"


def estimated(
    unpriced: pd.DataFrame, at: datetime, priced: Iterable[tuple[str | None, str | None]] = ()
) -> pd.DataFrame:
    """The list of unpriced usage with what may be done about it.

    Args:
        unpriced: ``provider_name``, ``vendor``, ``model``, ``note`` and the six counts, a row per
            model and note.
        at: the moment whose list tells the range.
        priced: instance and model of all usage that has a price.

    Returns:
        The same rows with ``least`` and ``most`` (``bounds`` in pico-USD, Python integers, None
        where no vendor tells) and ``snippet``, which is "" where no price would help, or where it
        would take the place of the price of other usage.
    """
    others = tuple(priced)
    rows = unpriced.to_dict("records")
    ranges = [
        bounds(str(row["vendor"]), {name: int(row[name]) for name in COUNTS}, at)
        if isinstance(row["vendor"], str)
        else None
        for row in rows
    ]
    return unpriced.assign(
        least=_whole([bound and bound[0] for bound in ranges], unpriced.index),
        most=_whole([bound and bound[1] for bound in ranges], unpriced.index),
        snippet=[
            ""
            if row["note"] in UNPRICEABLE or _speaks_for(row, others, at)
            else snippet(_text(row["provider_name"]), _text(row["model"]))
            for row in rows
        ],
    )


def _speaks_for(
    row: Mapping[Any, Any], others: Iterable[tuple[str | None, str | None]], at: datetime
) -> bool:
    """Whether a table for a row's names would speak for one of the others, too."""
    instance, model = (_glob(_text(row[name])).lower() for name in ("provider_name", "model"))
    table = Override(0, provider_name=instance or "*", model=model)
    return any(table.speaks_for(instance or "", model or "", at) for instance, model in others)


def _whole(values: list[int | None], index: pd.Index) -> "pd.Series[Any]":
    # Sums over many responses may leave 64 bits.
    return pd.Series(values, index=index, dtype=object)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
