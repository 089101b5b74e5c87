"""Exact sums by group in 64 bits: never rounded, never wrapped."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

MOST: Final = int(np.iinfo(np.int64).max)
"""Where a sum that is too large stops."""


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
