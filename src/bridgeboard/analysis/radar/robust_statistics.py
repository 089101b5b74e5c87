"""Robust statistics: median, MAD, and how unlikely a number of failures is."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, log1p
from statistics import median_high, median_low
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

NORMAL: Final = 0.6745
"""A MAD of a normal distribution, in standard deviations."""
_TINY: Final = 1e-12


@dataclass(frozen=True)
class Usual:
    """For each value the median of its group, and how far out it is; NaN where neither is known."""

    median: Floats
    z: Floats


def median(values: Sequence[int]) -> int:
    """The middle of whole numbers, the lower half of two; 0 of none."""
    return (median_low(values) + median_high(values)) // 2 if values else 0


def deviation(values: Sequence[int], middle: int) -> int:
    """The median distance from the middle."""
    return median([abs(value - middle) for value in values])


def logarithmic(values: Floats, groupings: Sequence[Codes], *, least: int, spread: float) -> Usual:
    """Values above zero beside others of their group, by their logarithms.

    Args:
        values: NaN is unknown and, like what is not above zero, belongs to no group.
        groupings: per value the ``codes`` of the group it is in, the narrowest grouping first.
        least: groups with fewer known values are passed over for the next grouping.
        spread: the least that a MAD counts.
    """
    positive = np.where(values > 0, values, np.nan)
    logs = np.log(positive)
    middle, mad = (np.full(len(values), np.nan) for _ in range(2))
    for grouping in groupings:
        lacking = np.isnan(middle) & ~np.isnan(logs)
        if not lacking.any():
            break
        for places in _places(grouping, ~np.isnan(logs)):
            if len(places) >= least:
                own = np.median(logs[places])
                chosen = places[lacking[places]]
                middle[chosen] = own
                mad[chosen] = np.median(np.abs(logs[places] - own))
    return Usual(np.exp(middle), NORMAL * (logs - middle) / np.maximum(mad, spread))


def codes(groups: Sequence[Hashable]) -> Codes:
    """A number for each value, the same for the same group."""
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(group, len(known)) for group in groups], dtype=np.intp)


def _places(grouping: Codes, known: NDArray[np.bool_]) -> list[Codes]:
    """The places of each group's known values."""
    wanted = np.flatnonzero(known)
    ordered = wanted[np.argsort(grouping[wanted], kind="stable")]
    cuts = np.flatnonzero(np.diff(grouping[ordered])) + 1
    return [part for part in np.split(ordered, cuts) if len(part)]


def at_least(successes: int, tries: int, rate: float) -> float:
    """How likely so many successes or more are, at a rate for each of the tries."""
    if successes <= 0 or rate >= 1:
        return 1.0
    if rate <= 0:
        return 0.0
    first = _log_binomial(successes, tries, rate)
    total, term, count = 0.0, 1.0, successes
    while count < tries and term > _TINY * max(total, 1.0):
        total += term
        term *= (tries - count) / (count + 1) * rate / (1 - rate)
        count += 1
    return min(1.0, exp(first) * (total + term))


def _log_binomial(successes: int, tries: int, rate: float) -> float:
    ways = lgamma(tries + 1) - lgamma(successes + 1) - lgamma(tries - successes + 1)
    return ways + successes * log(rate) + (tries - successes) * log1p(-rate)
