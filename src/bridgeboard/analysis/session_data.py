"""What the page Session reads from the store, and what is unknown about a session.

Text goes from the store to the reader who reveals it: only numbers are ever kept for others.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar
from uuid import UUID

from bridgeboard.analysis.runner import Runner
from bridgeboard.queries import recorded_text, session_calls, session_detail
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.recorded_text import Item, Kept, Kind, Text
from bridgeboard.queries.session_calls import REST, Call, Mark, Part, Spot
from bridgeboard.queries.session_detail import THREADS, Head, Owner, Thread, ToolCalls
from bridgeboard.queries.typed_rows import Key, holdable, typed

T = TypeVar("T")
Drawn = Callable[[T], float | None]
"""A number of a row that a picture draws; None is not drawn."""

PAGE: Final = 50
"""Calls on a page: a browser takes seconds to draw several times as many folds."""
DRAWN: Final = 400
"""Calls that a picture draws at most."""
MARKS: Final = 1_000
"""Matches that are marked in one text."""
_PROBLEMS: Final = {
    "unaddressable": "The server cannot tell its details: its ID cannot be part of an address.",
    "gone": "The server does not know it any more; what is shown was read before.",
    "unreadable": "The server's answer with its details could not be read.",
}


@dataclass(frozen=True)
class Course:
    """The calls of a part as pictures need them, few enough to draw, and how they are paged.

    Attributes:
        marks: calls and sums, for charts of what adds up.
        calls: calls whose tokens are on record, for charts of single calls; ``calls_count`` is how
            many there are in all, and ``untold`` how many calls have no tokens on record.
        sums: how many rows are no call.
        sums_tokens: those of the prompts of calls that are only known as sums.
        ends: the last calls of all full pages.
        count: how many calls and sums there are.
    """

    marks: tuple[Mark, ...]
    calls: tuple[Mark, ...]
    calls_count: int
    untold: int
    sums: int
    sums_tokens: int
    ends: tuple[Key, ...]
    count: int

    @property
    def pages(self) -> int:
        """How many pages of calls there are, one at least."""
        return max(1, -(-self.count // PAGE))

    def page(self, key: Key) -> int:
        """The page, from 1 on, on which a call is."""
        return min(bisect_left(self.ends, key) + 1, self.pages)


def owners(runner: Runner, session_id: str) -> tuple[Owner, ...]:
    """All sessions under an id, the newest first."""
    return _asked(runner, Owner, session_detail.found(session_id))


def head(runner: Runner, session: int) -> Head | None:
    """A session as a whole; None when it has gone."""
    rows = _asked(runner, Head, session_detail.head(session))
    return rows[0] if rows else None


def kept(runner: Runner, session: int) -> Kept:
    """How many of its texts there are."""
    (counts,) = runner.cached(
        ("texts kept", session), lambda: _asked(runner, Kept, recorded_text.kept(session))
    )
    return counts


def places(runner: Runner, session: int) -> dict[UUID | None, int]:
    """The place of each thread, that of what is of none included."""
    question = session_detail.threads(session)
    return runner.cached(
        ("places of threads", session),
        lambda: {each.id: each.place for each in _asked(runner, Thread, question)},
    )


def part(runner: Runner, session: int, thread: Part) -> Part:
    """A thread if the session has it; else None, which is all of it."""
    known = places(runner, session)
    return thread if (None if thread == REST else thread) in known else None


def threads(runner: Runner, session: int, page: int) -> tuple[Thread, ...]:
    """A page of its threads, by time."""
    return _asked(
        runner, Thread, session_detail.threads(session, after=(page - 1) * THREADS, limit=THREADS)
    )


def thread(runner: Runner, session: int, place: int) -> Thread:
    """The thread at a place that there is."""
    return _asked(runner, Thread, session_detail.threads(session, after=place - 1, limit=1))[0]


def costliest(runner: Runner, session: int) -> tuple[Part, int] | None:
    """The thread that cost most, and that cost; None where nothing of several has a price."""

    def asked() -> tuple[Part, int] | None:
        every = _asked(runner, Thread, session_detail.threads(session))
        priced = [each for each in every if each.cost]
        if len(every) == 1 or not priced:
            return None
        most = max(priced, key=lambda each: each.cost or 0)
        return most.id or REST, most.cost or 0

    return runner.cached(("costliest thread", session), asked)


def tools(runner: Runner, session: int) -> tuple[ToolCalls, ...]:
    """How often each tool was called, the most called first."""
    return runner.cached(
        ("tools of a session", session),
        lambda: _asked(runner, ToolCalls, session_detail.tools(session)),
    )


def course(runner: Runner, session: int, part: Part) -> Course:
    """All calls of a part at once, made once for each state of the store."""
    return runner.cached(("course of calls", session, part), lambda: _course(runner, session, part))


def page_of_calls(
    runner: Runner, session: int, part: Part, course: Course, page: int
) -> tuple[Call, ...]:
    """A page of the calls of a part, by time."""
    after = course.ends[page - 2] if page > 1 else None
    return _asked(runner, Call, session_calls.calls(session, part, after=after, limit=PAGE))


def call_spot(runner: Runner, session: int, interception: UUID, part: Part) -> Spot | None:
    """Where a call stands among those of a part; None when it is not there."""
    rows = _asked(runner, Spot, session_calls.call_spot(session, interception, part, size=PAGE))
    return rows[0] if rows else None


def items(runner: Runner, usages: Sequence[int]) -> dict[int, list[Item]]:
    """What there is in calls, without a word of it."""
    by_usage: dict[int, list[Item]] = {usage: [] for usage in usages}
    for item in _asked(runner, Item, recorded_text.timeline(usages)):
        by_usage[item.usage].append(item)
    return by_usage


def texts(
    runner: Runner, usages: Sequence[int], kinds: Sequence[Kind], most: int
) -> tuple[Text, ...]:
    """The beginnings of texts of calls."""
    return _asked(runner, Text, recorded_text.texts(usages, kinds, most=most))


def whole(runner: Runner, usage: int, kind: Kind, ordinal: int) -> str:
    """All of a text; nothing where it is not kept any more."""
    rows = _asked(runner, Text, recorded_text.whole(usage, kind, ordinal))
    return rows[0].text if rows else ""


def hits(runner: Runner, session: int, words: str) -> tuple[recorded_text.Hit, ...]:
    """The texts with words in them."""
    return _asked(runner, recorded_text.Hit, recorded_text.hits(session, words))


def marks(text: str, words: str, *, most: int = MARKS) -> tuple[tuple[int, int], ...]:
    """Where the words are in a text: (start, end) of the first ``most`` matches, in order."""
    sought = recorded_text.lowered(holdable(words))
    return tuple(islice(_marks(recorded_text.lowered(text), sought), most)) if sought else ()


def missing(head: Head, retained: Kept | None = None) -> tuple[str, ...]:
    """What a reader would miss without noticing; empty when all is known."""
    return (*_usage(head), *_details(head), *(_text(head, retained) if retained else ()))


def _marks(text: str, sought: str) -> Iterator[tuple[int, int]]:
    end = 0
    while (at := text.find(sought, end)) >= 0:
        end = at + len(sought)
        yield at, end


def _usage(head: Head) -> Iterator[str]:
    unseen = head.recorded_tokens - head.held_tokens
    if not head.rows:
        yield (
            "None of its requests has been linked to it yet: its tokens are the server's own"
            " totals, and nothing else is known."
        )
    elif unseen > 0:
        yield f"{unseen:,} of the tokens that the server counts belong to requests not known here."
    if head.exact_rows < head.rows:
        known = "Some requests are" if head.exact_rows else "Requests are"
        yield (
            f"{known} not listed one by one by this version of the server: those without tool calls"
            " are known as sums only, so requests and prompts are lower bounds."
        )
        yield "Of these, neither failed tool calls nor durations are known."
    if head.unpriced_tokens:
        yield f"{head.unpriced_tokens:,} tokens have no known price: the cost is a lower bound."


def _details(head: Head) -> Iterator[str]:
    if head.detail_problem:
        yield _PROBLEMS.get(head.detail_problem, f"Details: {head.detail_problem}.")
    elif head.detailed_at is None:
        yield "Its details have not been read yet: which threads it has is not known."
    elif head.is_outdated:
        yield "It has gone on since its details were read."
    if head.detailed_at is not None and head.threads is None:
        yield (
            "Which threads and tool calls are its own is not known: several people used the same"
            " session ID at the same moment, or the first requests of its threads were deleted."
        )
    if head.network_total is None:
        yield (
            "Its network calls are not known: servers report them from v2.36 on, and only where"
            " there is an agent firewall."
        )


def _text(head: Head, retained: Kept) -> Iterator[str]:
    has_any = retained.prompts or retained.inputs or retained.thoughts
    if retained.setting == "none" and not has_any:
        yield "No recorded text is kept: no prompts, no thinking, no tool inputs."
        return
    for name, there, recorded in (
        ("prompts", retained.prompts, head.prompts or 0),
        ("tool inputs", retained.inputs, head.tool_calls or 0),
    ):
        if there < recorded:
            gone = recorded - there
            yield f"The text of {gone:,} of its {recorded:,} {name} is not kept (any more)."
    if not retained.thoughts:
        yield "It has no recorded thinking; only requests that called tools can have some."


def _asked(runner: Runner, kind: Callable[..., T], question: Query) -> tuple[T, ...]:
    return typed(kind, runner.read(lambda reader: reader.rows(*question)))


def _course(runner: Runner, session: int, part: Part) -> Course:
    every = _asked(runner, Mark, session_calls.course(session, part))
    ends = tuple(Key(mark.started_at, mark.usage) for mark in every[PAGE - 1 :: PAGE])
    with_tokens = [mark for mark in every if mark.is_call and not mark.is_untold]
    sums = [mark for mark in every if not mark.is_call]
    return Course(
        marks=_drawn(every),
        calls=_drawn(with_tokens),
        calls_count=len(with_tokens),
        untold=len(every) - len(with_tokens) - len(sums),
        sums=len(sums),
        sums_tokens=sum(mark.context for mark in sums),
        ends=ends,
        count=len(every),
    )


def _drawn(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    return thinned(marks, DRAWN, lambda mark: mark.context, lambda mark: mark.output)


def thinned(rows: Sequence[T], at_most: int, *values: Drawn[T]) -> tuple[T, ...]:
    """At most so many of the rows, in their order: the first, the last, and the extremes.

    Rows are cut into stretches of equal length, and of each those with the least and the greatest
    of every value stay. Few enough rows all stay.

    Args:
        rows: in the order of the picture.
        at_most: how many may stay.
        values: what is drawn of a row.

    Raises:
        ValueError: when there is no room for two ends and the extremes of one stretch.
    """
    room = at_most - 2
    bins = room // (2 * len(values)) if values else room
    if bins < 1:
        raise ValueError(f"{at_most} rows have no room for extremes of {len(values)} values.")
    if len(rows) <= at_most:
        return tuple(rows)
    stays = {0, len(rows) - 1}
    for number in range(bins):
        stretch = range(number * len(rows) // bins, (number + 1) * len(rows) // bins)
        stays.update(_extremes(rows, stretch, values))
    return tuple(rows[place] for place in sorted(stays))


def _extremes(rows: Sequence[T], stretch: range, values: Sequence[Drawn[T]]) -> Iterator[int]:
    if not values:
        yield from stretch[:1]
    for value in values:
        known = [(number, place) for place in stretch if (number := value(rows[place])) is not None]
        if known:
            yield min(known)[1]
            yield max(known, key=lambda pair: pair[0])[1]
