"""Runs of prompts whose words the store has gathered: stretches of keys of requests."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, NamedTuple, Self

from bridgeboard.model.times import aware

LAST_KEY: Final = 2**63 - 1
BETWEEN_WORDS: Final = re.compile("[^0-9A-Za-z_\x80-\U0010ffff]+")
"""What stands between words of prompts."""


class Run(NamedTuple):
    """A stretch of keys of requests, both ends included, and when the requests began (aware)."""

    first: int
    last: int
    since: datetime
    until: datetime
    texts: int

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """A row of first and last key, first and last time, and number of prompts."""
        first, last, since, until, texts = row
        return cls(first, last, aware(since), aware(until), texts)


def gaps(runs: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """The stretches of keys before the first of the runs, between them, and after the last one.

    ``runs`` are first and last keys, ascending.
    """
    every = [(-1, -1), *runs, (LAST_KEY + 1, LAST_KEY)]
    return [(one[1] + 1, two[0] - 1) for one, two in pairwise(every) if one[1] + 1 < two[0]]
