"""Whether values that two engines answered are the same."""

import math
from typing import Any


def is_same(value: Any, other: Any) -> bool:
    """Whether two values are of one type and equal, numbers with a fraction to 1e-12 of them."""
    if type(value) is not type(other):
        return False
    if isinstance(value, list | tuple):
        return len(value) == len(other) and all(map(is_same, value, other))
    if isinstance(value, float):
        return math.isclose(value, other, rel_tol=1e-12) or (
            math.isnan(value) and math.isnan(other)
        )
    return bool(value == other)
