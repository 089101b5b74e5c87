"""Cases of a test of which the README's test line runs one, and ``.ci/run`` all."""

from collections.abc import Iterable
from typing import Any

import pytest


def one_fast(cases: Iterable[Any], fast: Any = None) -> list[Any]:
    """The cases of a test, all but one marked as slow: ``fast``, or the first one."""
    every = list(cases)
    chosen = every[0] if fast is None else fast
    assert chosen in every
    return [case if case == chosen else _slow(case) for case in every]


def _slow(case: Any) -> Any:
    # A named tuple is one value, a plain one the values of several parameters.
    values = case if type(case) is tuple else (case,)
    return pytest.param(*values, marks=pytest.mark.slow)
