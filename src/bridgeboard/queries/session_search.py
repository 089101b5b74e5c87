"""Looking for words within one session, without reading more than the places where they are.

Letters are compared without case, one by one: no letter becomes two, so that a place in the text
is a place in what is shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.recorded_text import Kind, passages
from bridgeboard.queries.typed_rows import columns, holdable

SEARCHED: Final[tuple[Kind, ...]] = ("prompt", "thinking", "tool_input")
MARKS: Final = 1_000
"""Matches that are marked in one text."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A text with the words in it, ``matches`` times, none of them overlapping.

    ``usage``, ``kind`` and ``ordinal`` name it as ``recorded_text.whole`` wants them;
    ``started_at`` is that of its request.
    """

    usage: int
    thread: UUID | None
    started_at: datetime
    kind: Kind
    ordinal: int
    matches: int


# Texts are chosen before they are looked at: a needle is sought in one session, never in all.
_HITS: Final = f"""
WITH asked AS MATERIALIZED (
    SELECT usage, id, grain, session, thread, started_at FROM usage WHERE session = $1),
texts AS MATERIALIZED ({passages(SEARCHED, "lower(t.text) AS text")}),
counted AS (
    SELECT *, divide(length(text) - length(replace(text, $2, '')), length($2)) AS matches
    FROM texts WHERE $2 <> '' AND contains(text, $2))
SELECT {columns(Hit)} FROM counted ORDER BY started_at, usage, rank, ordinal
"""


def hits(session: int, needle: str) -> Query:
    """Rows of ``Hit`` in the order of time, over all threads; none for an empty needle.

    The needle is taken as it is: no character means anything but itself.
    """
    return Query(_HITS, (session, lowered(holdable(needle))))


def marks(text: str, needle: str, *, most: int = MARKS) -> tuple[tuple[int, int], ...]:
    """Where the words are in a text: (start, end) of the first ``most`` matches, in order."""
    sought = lowered(holdable(needle))
    return tuple(_marks(lowered(text), sought, most)) if sought else ()


def following(hits: Sequence[Hit], here: Hit | None) -> Hit | None:
    """The hit after one, the first after the last or after none; None without hits."""
    if not hits:
        return None
    return hits[(hits.index(here) + 1) % len(hits) if here in hits else 0]


def lowered(text: str) -> str:
    """Text in small letters, as long as it was, as the database makes them."""
    return text.lower() if text.isascii() else text.translate(_SMALL)


class _Small(dict[int, int]):
    def __missing__(self, code: int) -> int:
        self[code] = ord(chr(code).lower()[0])
        return self[code]


_SMALL: Final = _Small()


def _marks(text: str, sought: str, most: int) -> Iterator[tuple[int, int]]:
    at = text.find(sought)
    for _ in range(most):
        if at < 0:
            return
        yield at, at + len(sought)
        at = text.find(sought, at + len(sought))
