"""Words in recorded text: looked for slice by slice of time, the latest first.

A slice holds some ten thousand texts, so that a reader sees the first hits at once and how far the
search has come. Words are plain text, never a pattern; upper and lower case are the same.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from bridgeboard.model.answer import Answer
from bridgeboard.model.errors import ListError
from bridgeboard.model.scope import Scope
from bridgeboard.model.text_runs import Run
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.metric_sources import Arguments
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.text_snippets import KINDS, Kind, Stretch, searched, table
from bridgeboard.queries.typed_rows import holdable

MOST_WORDS: Final = 10
LONGEST: Final = 200
"""Characters that can be looked for, all words together."""
SLICE: Final = 50_000
"""Texts of the first slice; each later one has twice as many as that before, up to ``WIDEST``."""
WIDEST: Final = 800_000

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Search:
    """What to look for; hashable.

    Args:
        words: text as somebody typed it. Every word in it, split at blanks, must occur in a text.
        kinds: in which texts.

    Raises:
        ListError: for no word, too many or too long ones, or no kind.
    """

    words: str
    kinds: tuple[Kind, ...] = ("prompt",)
    each: tuple[str, ...] = field(init=False, compare=False, default=())

    def __post_init__(self) -> None:
        each = tuple(dict.fromkeys(holdable(self.words).split()))
        if not each:
            raise ListError("There is no word to look for.")
        if len(each) > MOST_WORDS or sum(map(len, each)) > LONGEST:
            raise ListError(
                f"At most {MOST_WORDS} words of {LONGEST} characters together can be looked for."
            )
        if not self.kinds or not set(self.kinds) <= set(KINDS):
            raise ListError(f"Texts to search in are {', '.join(KINDS)}.")
        object.__setattr__(self, "each", each)


@dataclass(frozen=True)
class Spot:
    """Where a hit stands in time; a search goes on from there. ``key`` orders what is equal."""

    started_at: datetime
    key: str


@dataclass(frozen=True)
class Slice:
    """A stretch of time to search: the question, and how many texts it looks at."""

    query: Query
    texts: int
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Hit:
    """A text with all words in it.

    Attributes:
        kind: prompt, thinking or tool_input.
        session: our key; None if it is not known yet whose session it is.
        usage: our key of the request; None for a thought of one that is not known.
        thread: None is unknown.
        ordinal: the text's place among those of its kind in the request.
        snippet: some of the text around its first match, as it was recorded.
        matches: begin and end of every match in the snippet, in order, not overlapping.
        is_cut_before, is_cut_after: whether the text goes on.
    """

    kind: Kind
    session: int | None
    usage: int | None
    thread: UUID | None
    ordinal: int
    started_at: datetime
    written_at: datetime
    spot: Spot
    snippet: str
    matches: tuple[tuple[int, int], ...]
    is_cut_before: bool
    is_cut_after: bool


@dataclass(frozen=True)
class Progress:
    """What a search has found so far: the latest hits first.

    Attributes:
        hits: at most ``most``.
        searched: texts looked at, of ``texts`` in all.
        is_full: whether there are ``most`` hits; the next page begins at the last one's spot.
    """

    texts: int
    most: int
    hits: tuple[Hit, ...] = ()
    searched: int = 0

    @property
    def is_full(self) -> bool:
        """Whether no more hits are wanted."""
        return len(self.hits) >= self.most

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to ask."""
        return self.is_full or self.searched >= self.texts


def spread(find: Find, search: Search) -> Query:
    """How texts are spread over time: ``hour`` (naive UTC) and ``texts``, the latest first.

    Only those of requests in the period of ``find``.
    """
    into = Arguments()
    since, until = into.bound(find.scope.since), into.bound(find.scope.until)
    every = " UNION ALL ".join(
        f"SELECT divide(epoch_us(started_at), 3600000000) AS hour FROM {table(kind)}"
        f" WHERE started_at >= {since} AND started_at < {until}"
        for kind in search.kinds
    )
    sql = (
        f"SELECT make_timestamp(t.hour * 3600000000) AS hour, count(*) AS texts FROM ({every}) t"
        " GROUP BY t.hour ORDER BY hour DESC"
    )
    return Query(sql, tuple(into.values))


def slices(
    find: Find,
    search: Search,
    answer: Answer,
    *,
    most: int = 50,
    before: Spot | None = None,
    size: int = SLICE,
) -> list[Slice]:
    """The questions of a search, in the order to ask them in.

    Args:
        find: in which sessions. Requests of no known session are searched, too, as long as
            only the scope is filtered, which they must pass themselves.
        search: for what.
        answer: what ``spread`` answered.
        most: hits that are wanted at most.
        before: the last hit of the page before; only later rows of the same order are returned.
        size: texts of the first slice, about; it ends with an hour.
    """
    edge = (before.started_at, before.key) if before else None
    return [
        Slice(
            searched(find, search.kinds, search.each, Stretch(since, until, edge), most),
            texts,
            since,
            until,
        )
        for since, until, texts in _stretches(answer, before, size, find.scope)
    ]


def begun(parts: Iterable[Slice], *, most: int = 50) -> Progress:
    """A search of which nothing has been asked yet."""
    return Progress(sum(part.texts for part in parts), most)


def folded(so_far: Progress, part: Slice, answer: Answer, search: Search) -> Progress:
    """A search after one more answer."""
    hits = (*so_far.hits, *(_hit(row, search) for row in answer.rows))
    searched = so_far.searched + part.texts
    return Progress(so_far.texts, so_far.most, hits[: so_far.most], searched)


def matches(text: str, words: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Where words are in a text, whatever their case: begins and ends, not overlapping."""
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
    return tuple(match.span() for match in pattern.finditer(text))


def _stretches(
    answer: Answer, before: Spot | None, size: int, scope: Scope
) -> list[tuple[datetime, datetime, int]]:
    """Hours taken together until they have texts enough; each stretch may have twice as many.

    The first and the last end with the period, which may be within an hour.
    """
    stretches: list[tuple[datetime, datetime, int]] = []
    hours = [(hour.replace(tzinfo=UTC), texts) for hour, texts in answer.rows]
    if before:
        hours = [(hour, texts) for hour, texts in hours if hour <= before.started_at]
    taken, until = 0, None
    for place, (hour, texts) in enumerate(hours):
        until = until or hour + _HOUR
        taken += texts
        if taken >= size or place == len(hours) - 1:
            stretches.append((max(hour, scope.since), min(until, scope.until), taken))
            size, taken, until = min(2 * size, WIDEST), 0, None
    return stretches


def _hit(row: tuple[Any, ...], search: Search) -> Hit:
    kind, session, usage, thread, ordinal, started_at, written_at, key, start, length, text = row
    began, written = (at.replace(tzinfo=UTC) for at in (started_at, written_at))
    return Hit(
        kind,
        session,
        usage,
        thread,
        ordinal,
        began,
        written,
        Spot(began, key),
        text,
        matches(text, search.each),
        is_cut_before=start > 0,
        is_cut_after=start + len(text) < length,
    )


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
