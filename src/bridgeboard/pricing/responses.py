"""Token rows → responses, the grain that is priced (docs/costs.md 1, 2), and → requests (4)."""

from collections.abc import Mapping
from math import isfinite
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bridgeboard.pricing.rates import Status

Ints = NDArray[np.int64]

MOST: Final = int(np.iinfo(np.int64).max)
"""Where a count or a sum that is too large stops."""


def summed(values: Ints, row: Ints, size: int) -> Ints:
    """``size`` sums of ``values`` by their ``row`` (0 to size - 1); too large ones stop at ± MOST.

    Only absurd counts reach that limit; they are not to break the sum of everything else.
    """
    if _roomy(values):
        sums = np.zeros(size, dtype=np.int64)
        np.add.at(sums, row, values)
        return sums
    exact = np.zeros(size, dtype=object)
    np.add.at(exact, row, values.astype(object))
    limited: Ints = np.clip(exact, -MOST, MOST).astype(np.int64)
    return limited


def _roomy(values: Ints) -> bool:
    if not len(values):
        return True
    return max(int(values.max()), -int(values.min())) * len(values) <= MOST


KEY: Final = ("interception_id", "provider_response_id")
TOKENS: Final = ("input", "output", "cache_read", "cache_write")
EXTRAS: Final = ("cache_write_5m", "cache_write_1h", "web_searches")
LEGACY: Final = ("legacy_cache_read", "legacy_cache_write")
CHECKS: Final = ("told_total", "reasoning")
FLAGS: Final = ("negatives", "split_unknown", "split_clamped", "total_mismatch", "service_tier")
SUMS: Final = tuple(f"{name}_sum" for name in TOKENS)

_METADATA: Final = {
    "cache_ephemeral_5m_input": "cache_write_5m",
    "cache_ephemeral_1h_input": "cache_write_1h",
    "web_search_requests": "web_searches",
    "cache_read_input": "legacy_cache_read",
    "input_cached": "legacy_cache_read",
    "prompt_cached": "legacy_cache_read",
    "cache_creation_input": "legacy_cache_write",
    "total_tokens": "told_total",
    "output_reasoning": "reasoning",
    "completion_reasoning": "reasoning",
}


def extras(metadata: Mapping[str, object]) -> dict[str, int | str]:
    """What only a token row's metadata knows, under this room's column names.

    Counts, and ``service_tier`` as a word. Flags, other words and unknown keys are left out:
    metadata that failed to encode is no metadata. Counts beyond 64 bits are cut to them.
    """
    extras: dict[str, int] = {}
    for key, value in metadata.items():
        name = _METADATA.get(key)
        if name and isinstance(value, int | float) and _counts(value):
            extras[name] = max(extras.get(name, 0), _cut(value))
    tier = metadata.get("service_tier")
    return {**extras, "service_tier": tier} if isinstance(tier, str) and tier else {**extras}


def _counts(value: float) -> bool:
    return not isinstance(value, bool) and (isinstance(value, int) or isfinite(value))


def _cut(value: float) -> int:
    return max(0, min(int(value), MOST))


def responses(rows: pd.DataFrame) -> pd.DataFrame:
    """Merge token rows into one row per provider answer; free of row order.

    Args:
        rows: ``interception_id``, ``provider_response_id``, ``created_at`` and the four token
            counts; optional: what ``extras`` names, and columns to carry along, which must be
            constant within an interception (model, provider, ...).

    Returns:
        One row per (interception_id, provider_response_id), an empty response id being a
        response of its own per row: the largest of each count, the earliest ``created_at``,
        ``negatives`` clamped to zero, ``split_clamped`` and ``split_unknown`` for the 5 minute /
        1 hour split of cache writes, ``total_mismatch`` where the upstream's own total or its
        reasoning contradicts the counts, ``service_tier`` (missing if there was none), and the
        server's plain sums as ``input_sum``, ``output_sum``, ``cache_read_sum``,
        ``cache_write_sum``.
    """
    counted = _counted(rows.reset_index(drop=True))
    groups = counted.groupby([*KEY, "_solo"], sort=True, dropna=False)
    merged = groups.agg(_plan(rows)).reset_index().drop(columns="_solo")
    row = np.asarray(groups.ngroup(), dtype=np.int64)
    for name in SUMS:
        merged[name] = summed(counted[name].to_numpy(dtype=np.int64), row, len(merged))
    return _split(_checked(merged))


def _counted(rows: pd.DataFrame) -> pd.DataFrame:
    counted = rows.drop(columns=[name for name in (*SUMS, "rows") if name in rows])
    counted["provider_response_id"] = rows["provider_response_id"].fillna("").astype("str")
    for name in (*TOKENS, *EXTRAS, *LEGACY, *CHECKS):
        counted[name] = _whole(rows, name)
    for name, total in zip(TOKENS, SUMS, strict=True):
        counted[total] = counted[name]
    counted["negatives"] = sum((counted[name] < 0).astype("int64") for name in TOKENS)
    counted["split_unknown"] = _unsplit(rows)
    counted["service_tier"] = _tier(rows)
    for name in (*TOKENS, *EXTRAS, *LEGACY):
        counted[name] = counted[name].clip(lower=0)
    # Old rows repeat the cache columns in their metadata; a repeat is never an addition.
    for name in ("cache_read", "cache_write"):
        counted[name] = counted[name].mask(counted[name] == 0, counted[f"legacy_{name}"])
    return _apart(counted)


def _apart(counted: pd.DataFrame) -> pd.DataFrame:
    # Rows without a response id are numbered in an order of their own, so that the order in
    # which they came shows nowhere.
    nameless = counted[counted["provider_response_id"] == ""]
    order = nameless.sort_values(["interception_id", "created_at", *TOKENS, *EXTRAS]).index
    solo = np.full(len(counted), -1, dtype=np.int64)
    solo[order.to_numpy()] = np.arange(len(order))
    return counted.assign(_solo=solo)


def _whole(rows: pd.DataFrame, name: str) -> "pd.Series[int]":
    if name not in rows:
        return pd.Series(0, index=rows.index, dtype="int64")
    return rows[name].fillna(0).astype("int64")


def _tier(rows: pd.DataFrame) -> "pd.Series[str]":
    if "service_tier" not in rows:
        return pd.Series("", index=rows.index, dtype="str")
    return rows["service_tier"].fillna("").astype("str")


def _unsplit(rows: pd.DataFrame) -> "pd.Series[bool]":
    known = pd.Series(data=False, index=rows.index)
    for name in ("cache_write_5m", "cache_write_1h"):
        if name in rows:
            known |= rows[name].notna()
    return ~known & (_whole(rows, "cache_write") > 0)


def _plan(rows: pd.DataFrame) -> dict[str, str]:
    ours = {*KEY, "created_at", *TOKENS, *EXTRAS, *LEGACY, *CHECKS, *SUMS, *FLAGS, "rows"}
    carried = [str(name) for name in rows if name not in ours]
    return {
        "created_at": "min",
        **dict.fromkeys((*TOKENS, *EXTRAS, *CHECKS, "service_tier", "split_unknown"), "max"),
        "negatives": "sum",
        **dict.fromkeys(carried, "first"),
    }


def _checked(merged: pd.DataFrame) -> pd.DataFrame:
    counted = sum(merged[name] for name in TOKENS)
    off = (merged["told_total"] > 0) & (merged["told_total"] != counted)
    tier = merged["service_tier"]
    return merged.drop(columns=list(CHECKS)).assign(
        total_mismatch=off | (merged["reasoning"] > merged["output"]),
        service_tier=tier.mask(tier == ""),
    )


def _split(merged: pd.DataFrame) -> pd.DataFrame:
    total, five, hour = (merged[name] for name in ("cache_write", *EXTRAS[:2]))
    split = (five > 0) | (hour > 0)
    clamped = hour.clip(upper=total)
    one_sided = (five == 0) & (hour <= total)
    return merged.assign(
        cache_write_1h=clamped,
        cache_write_5m=total - clamped,
        split_clamped=split & (five + hour != total) & ~one_sided,
    )


UNMETERED: Final = "unmetered"
"""The status of a request that ended without any response on record."""
WORST: Final = (
    Status.UNPRICED,
    Status.PARTIAL,
    Status.INCLUDED,
    Status.NOTIONAL,
    Status.FREE,
    Status.PRICED,
)
"""Statuses, the worst first: the less a cost says about the value of the usage, the worse."""
MONEY: Final = ("cost", "shadow_cost", "cache_saving")
"""The amounts of a response and of a request, in pico-USD."""

Mask = NDArray[np.bool_]


def usage_money(priced: pd.DataFrame, row: Ints, size: int) -> pd.DataFrame:
    """What each of ``size`` requests used and cost, from its responses.

    Args:
        priced: responses beside what ``price`` says of them; the server's ``*_sum`` columns are
            summed if they are there.
        row: the request of each response, 0 to size - 1.
        size: how many requests there are, with responses or without.

    Returns:
        ``size`` rows: ``responses``, the four counts (and sums), ``priced_tokens`` (of responses
        with a known price), ``cost``, ``shadow_cost``, ``cache_saving`` (pico-USD as Int64,
        missing where no response has one), and ``status``: the worst of its responses by
        ``WORST``, "unmetered" without any. All sums are exact; a request whose money leaves
        64 bits is unpriced.
    """
    counts = [name for name in (*TOKENS, *SUMS) if name in priced]
    token_sums = {name: summed(_ints(priced[name]), row, size) for name in counts}
    money = {name: _Sums(priced[name], row, size) for name in MONEY}
    beyond = np.logical_or.reduce([sums.beyond for sums in money.values()])
    known = np.where(_rank(priced) > 0, _tokens(priced), 0)
    columns = {
        "responses": np.bincount(row, minlength=size),
        **token_sums,
        "priced_tokens": np.where(beyond, 0, summed(known, row, size)),
        **{name: sums.amounts(beyond) for name, sums in money.items()},
        "status": _worst(priced, row, size, beyond),
    }
    return pd.DataFrame(columns)


class _Sums:
    """Sums of one kind of money by request: which have any, which are beyond 64 bits."""

    def __init__(self, amounts: pd.Series, row: Ints, size: int) -> None:
        present = amounts.notna().to_numpy(dtype=bool)
        self.sums = summed(_ints(amounts)[present], row[present], size)
        self.missing = np.bincount(row[present], minlength=size) == 0
        self.beyond: Mask = np.abs(self.sums) == MOST

    def amounts(self, beyond: Mask) -> pd.arrays.IntegerArray:
        return pd.arrays.IntegerArray(self.sums, self.missing | beyond)


def _ints(column: pd.Series) -> Ints:
    return column.fillna(0).to_numpy(dtype=np.int64)


def _tokens(priced: pd.DataFrame) -> Ints:
    total: Ints = np.sum([_ints(priced[name]) for name in TOKENS], axis=0)
    return total


def _rank(priced: pd.DataFrame) -> Ints:
    places = {str(status): place for place, status in enumerate(WORST)}
    words = pd.Categorical(priced["status"])
    ranks = np.array([places[str(word)] for word in words.categories], dtype=np.int64)
    return ranks[words.codes] if len(ranks) else np.zeros(0, dtype=np.int64)


def _worst(priced: pd.DataFrame, row: Ints, size: int, beyond: Mask) -> pd.Categorical:
    worst = np.full(size, len(WORST), dtype=np.int64)
    np.minimum.at(worst, row, _rank(priced))
    worst[beyond] = WORST.index(Status.UNPRICED)
    names = pd.Index([*(str(status) for status in WORST), UNMETERED], dtype="str")
    return pd.Categorical.from_codes(worst, names)
