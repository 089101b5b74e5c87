"""A search that knows where words cannot be: fewer questions, and fewer texts to read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bridgeboard.model.text_runs import Run
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.text_search import SLICE, Search, Slice, Spot
from bridgeboard.queries.text_slices import Stretch, searched

AT_ONCE: Final = 4 * SLICE
"""Texts that a question reads at most when stretches of time are taken together."""
MOST_KEYS: Final = 1_000_000
"""Keys are looked up one by one; beyond this it is quicker to read texts without regard to runs."""
WORTH: Final = 2
"""Likewise when runs hold more than one in so many texts."""
RUNS: Final = "SELECT DISTINCT first, last FROM vocabulary ORDER BY first"
"""The first and last keys of the runs whose words are gathered."""


def in_gaps(gaps: Iterable[tuple[int, int]]) -> str:
    """The prompts in stretches of keys, a row of ``model.text_runs.Run`` for each stretch."""
    return " UNION ALL ".join(
        "SELECT min(usage), max(usage), min(started_at), max(started_at), count(*) FROM prompts"
        f" WHERE usage BETWEEN {first} AND {last}"
        for first, last in gaps
    )


def runs_with(parts: Sequence[str]) -> tuple[str, list[str]]:
    """The gathered runs that may have all parts of words, likewise."""
    has = " AND ".join(
        f"bool_or(words IS NULL OR regexp_matches(words, ${place}, 'il'))"
        for place, _ in enumerate(parts, 1)
    )
    fields = "first, last, since, until, texts"
    return f"SELECT {fields} FROM vocabulary GROUP BY {fields} HAVING {has}", list(parts)


@dataclass(frozen=True)
class _Span:
    """Slices in a row as one stretch of time, with the runs that touch it."""

    since: datetime
    until: datetime
    texts: int
    runs: tuple[Run, ...]

    @property
    def kept(self) -> int:
        return sum(run[-1] for run in self.runs)

    def with_earlier(self, other: "_Span") -> "_Span":
        runs = tuple(sorted({*self.runs, *other.runs}))
        return _Span(other.since, self.until, self.texts + other.texts, runs)


def narrowed(
    find: Find,
    search: Search,
    parts: Iterable[Slice],
    runs: Sequence[Run],
    *,
    most: int = 50,
    before: Spot | None = None,
) -> list[Slice]:
    """The questions of a search that are still to be asked, without prompts outside of runs.

    They find the same. Stretches of time of which little has to be read are taken together.

    Args:
        find: as it was given to ``slices``, like all of the same name.
        search: likewise.
        parts: what it answered, or the rest of it.
        runs: which prompts may have all words; all others must lack one.
        most: likewise.
        before: likewise.
    """
    edge = (before.started_at, before.key) if before else None
    slices = []
    for span in _together(_span(part, runs) for part in parts):
        stretch = Stretch(span.since, span.until, edge, _ranges(span))
        query = searched(find, search.kinds, search.each, stretch, most)
        slices.append(Slice(query, span.texts, span.since, span.until))
    return slices


def _span(part: Slice, runs: Sequence[Run]) -> _Span:
    own = (run for run in runs if run[2] < part.until and run[3] >= part.since)
    return _Span(part.since, part.until, part.texts, tuple(own))


def _together(spans: Iterable[_Span]) -> list[_Span]:
    merged: list[_Span] = []
    for span in spans:
        if merged and (both := merged[-1].with_earlier(span)).kept <= AT_ONCE:
            merged[-1] = both
        else:
            merged.append(span)
    return merged


def _ranges(span: _Span) -> tuple[tuple[int, int], ...] | None:
    ranges: list[tuple[int, int]] = []
    for first, last, *_ in sorted(span.runs):
        if ranges and first <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], last)
        else:
            ranges.append((first, last))
    keys = sum(last - first + 1 for first, last in ranges)
    is_worth_it = span.kept * WORTH <= span.texts and keys <= MOST_KEYS
    return tuple(ranges) if is_worth_it else None
