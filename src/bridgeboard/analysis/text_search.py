"""Searches prompts for words, by slices of time, the latest first."""

from collections.abc import Iterator, Sequence
from typing import Final

from bridgeboard.analysis.runner import answer
from bridgeboard.model.store import Reader, Rows
from bridgeboard.model.text_runs import BETWEEN_WORDS, LAST_KEY, Run, gaps
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.text_search import (
    RUNS,
    Progress,
    Search,
    Slice,
    begun,
    folded,
    in_gaps,
    narrowed,
    slices,
    spread,
)
from bridgeboard.queries.text_search import runs_with as having
from bridgeboard.queries.typed_rows import typed

MOST_GAPS: Final = 64
"""With more stretches than these that are in no run, it is quicker to read everything."""
_MOST_PARTS: Final = 3


def searched(reader: Reader, find: Find, search: Search, *, most: int = 50) -> Iterator[Progress]:
    """How far a search is: before any text is read, and after each slice until it is over.

    Args:
        reader: one state of the store.
        find: the sessions whose prompts are searched.
        search: the words.
        most: hits.
    """
    parts = slices(find, search, answer(reader, spread(find, search)), most=most)
    progress = begun(parts, most=most)
    yield progress
    for part in _narrowed_after_first(reader, find, search, parts, most):
        progress = folded(progress, part, answer(reader, part.query), search)
        yield progress
        if progress.is_over:
            break


def _narrowed_after_first(
    reader: Reader, find: Find, search: Search, parts: list[Slice], most: int
) -> Iterator[Slice]:
    """The first slice at once; before any other it is asked where words cannot be."""
    yield from parts[:1]
    later = parts[1:]
    if later and (runs := runs_with(reader, search.each)) is not None:
        later = narrowed(find, search, later, runs, most=most)
    yield from later


def runs_with(reader: Rows, words: Sequence[str]) -> list[Run] | None:
    """The runs of prompts of which one may have all words, by their keys, and all that is in none.

    Args:
        reader: one state of the store; the answer is about no other.
        words: without blanks. Upper and lower case are the same.

    Returns:
        None when nothing can be ruled out without reading it.
    """
    parts = sorted({part for word in words for part in _parts(word)}, key=lambda part: -len(part))
    open_keys = gaps(reader.rows(RUNS))
    if not parts or len(open_keys) > MOST_GAPS or open_keys == [(0, LAST_KEY)]:
        return None
    chosen = parts[:_MOST_PARTS]
    ungathered = [row for row in reader.rows(in_gaps(open_keys)) if row[-1]] if open_keys else []
    return sorted(typed(Run, [*ungathered, *reader.rows(*having(chosen))]))


def _parts(word: str) -> Iterator[str]:
    """The words in a word, with a blank where one of them must begin or end."""
    parts = BETWEEN_WORDS.sub(" ", word).split(" ")
    for place, part in enumerate(parts):
        if part:
            yield f"{' ' if place else ''}{part}{' ' if place < len(parts) - 1 else ''}"
