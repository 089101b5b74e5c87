"""Finds the candidates that together have a given sum of all four token counts."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, groupby
from operator import itemgetter
from typing import Any, Final

Counts = tuple[int, ...]
Candidate = Mapping[str, Any]

MOST: Final = 12
MOST_PAIRS: Final = 60
"""Of more candidates than these not every choice, or not even every pair is tried."""


def filling(candidates: Sequence[Counts], need: Counts) -> tuple[int, ...] | None:
    """The places of the fewest candidates whose sum is exactly the need, or None.

    Candidates of no tokens are left out, since they would fill anything.
    """
    places = [place for place, counts in enumerate(candidates) if any(counts)]
    for size in _sizes(len(places)):
        for chosen in combinations(places, size):
            if all(
                map(
                    int.__eq__, map(sum, zip(*(candidates[at] for at in chosen), strict=True)), need
                )
            ):
                return chosen
    return None


def _sizes(places: int) -> Iterable[int]:
    if places <= MOST:
        return range(1, places + 1)
    return (1, 2, places) if places <= MOST_PAIRS else (1, places)


def fillings(candidates: Iterable[Candidate], key: str, counts: Sequence[str]) -> list[Candidate]:
    """The candidates that make up the needs of groups, each used once.

    Args:
        candidates: rows in the order of ``key``, with ``usage``, the counts, and ``need_`` and
            the name of each count, equal within a group.
        key: what tells groups apart.
        counts: the names of the counts.
    """
    groups = [list(rows) for _, rows in groupby(candidates, itemgetter(key))]
    used: set[int] = set()
    chosen: list[Candidate] = []
    # Those with the least choice first: what they need is most surely theirs.
    for group in sorted(groups, key=len):
        rows = [row for row in group if row["usage"] not in used]
        need = tuple(group[0][f"need_{name}"] for name in counts)
        places = filling([tuple(row[name] for name in counts) for row in rows], need)
        taken = [rows[place] for place in places or ()]
        used.update(row["usage"] for row in taken)
        chosen += taken
    return chosen
