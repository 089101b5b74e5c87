"""Cases of a test of which the README's test line runs one, and ``.ci/run`` all."""

from collections.abc import Iterable
from typing import Any

import pytest


def one_fast(cases: Iterable[Any]) -> list[Any]:
    """The cases, all but the first one marked as slow."""
    first, *others = cases
    return [
        first,
        *(
            pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
            for case in others
        ),
    ]
