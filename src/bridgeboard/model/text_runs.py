"""Runs of prompts whose words the store has gathered: stretches of keys of requests."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

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


def gaps(runs: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """The stretches of keys before the first of the runs, between them, and after the last one.

    ``runs`` are first and last keys, ascending.
    """
    every = [(-1, -1), *runs, (LAST_KEY + 1, LAST_KEY)]
    return [(one[1] + 1, two[0] - 1) for one, two in pairwise(every) if one[1] + 1 < two[0]]
