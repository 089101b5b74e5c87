"""Token rows → responses, the grain that is priced (docs/costs.md 1 and 2)."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

KEY: Final = ("interception_id", "provider_response_id")
TOKENS: Final = ("input", "output", "cache_read", "cache_write")
EXTRAS: Final = ("cache_write_5m", "cache_write_1h", "web_searches")
LEGACY: Final = ("legacy_cache_read", "legacy_cache_write")
SUMS: Final = tuple(f"{name}_sum" for name in TOKENS)

_METADATA: Final = {
    "cache_ephemeral_5m_input": "cache_write_5m",
    "cache_ephemeral_1h_input": "cache_write_1h",
    "web_search_requests": "web_searches",
    "cache_read_input": "legacy_cache_read",
    "input_cached": "legacy_cache_read",
    "prompt_cached": "legacy_cache_read",
    "cache_creation_input": "legacy_cache_write",
}


def extras(metadata: Mapping[str, object]) -> dict[str, int]:
    """The counts that only a token row's metadata knows, under this room's column names.

    Strings, flags and unknown keys are left out: metadata that failed to encode is no metadata.
    """
    found: dict[str, int] = {}
    for key, value in metadata.items():
        name = _METADATA.get(key)
        if name and isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = max(found.get(name, 0), int(value))
    return found


def responses(rows: pd.DataFrame) -> pd.DataFrame:
    """Merge token rows into one row per provider answer; free of row order.

    Args:
        rows: ``interception_id``, ``provider_response_id``, ``created_at`` and the four token
            counts; optional: what ``extras`` names, and columns to carry along, which must be
            constant within an interception (model, provider, ...).

    Returns:
        One row per (interception_id, provider_response_id), an empty response id being a
        response of its own per row: the largest of each count, the earliest ``created_at``,
        ``rows`` merged, ``negatives`` clamped to zero, ``split_clamped`` and ``split_unknown``
        for the 5 minute / 1 hour split of cache writes, and the server's plain sums as
        ``input_sum``, ``output_sum``, ``cache_read_sum``, ``cache_write_sum``.
    """
    counted = _counted(rows.reset_index(drop=True))
    groups = counted.groupby([*KEY, "_solo"], sort=True, dropna=False)
    merged = groups.agg(_plan(rows)).reset_index().drop(columns="_solo")
    return _split(merged).reset_index(drop=True)


def _counted(rows: pd.DataFrame) -> pd.DataFrame:
    counted = rows.drop(columns=[name for name in (*SUMS, "rows") if name in rows])
    counted["provider_response_id"] = rows["provider_response_id"].fillna("").astype("str")
    for name in (*TOKENS, *EXTRAS, *LEGACY):
        counted[name] = _whole(rows, name)
    for name, total in zip(TOKENS, SUMS, strict=True):
        counted[total] = counted[name]
    counted["negatives"] = sum((counted[name] < 0).astype("int64") for name in TOKENS)
    counted["split_unknown"] = _unsplit(rows)
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


def _unsplit(rows: pd.DataFrame) -> "pd.Series[bool]":
    known = pd.Series(data=False, index=rows.index)
    for name in ("cache_write_5m", "cache_write_1h"):
        if name in rows:
            known |= rows[name].notna()
    return ~known & (_whole(rows, "cache_write") > 0)


def _plan(rows: pd.DataFrame) -> dict[str, str]:
    ours = {*KEY, "created_at", *TOKENS, *EXTRAS, *LEGACY, *SUMS, "rows", "negatives"}
    carried = [str(name) for name in rows if name not in ours | {"split_unknown", "split_clamped"}]
    return {
        "created_at": "min",
        **dict.fromkeys((*TOKENS, *EXTRAS), "max"),
        **dict.fromkeys((*SUMS, "negatives"), "sum"),
        "split_unknown": "max",
        **dict.fromkeys(carried, "first"),
    }


def _split(merged: pd.DataFrame) -> pd.DataFrame:
    total, five, hour = (merged[name] for name in ("cache_write", *EXTRAS[:2]))
    told = (five > 0) | (hour > 0)
    clamped = hour.clip(upper=total)
    one_sided = (five == 0) & (hour <= total)
    return merged.assign(
        cache_write_1h=clamped,
        cache_write_5m=total - clamped,
        split_clamped=told & (five + hour != total) & ~one_sided,
    )
