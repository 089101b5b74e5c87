"""What was written and called in requests: first that there is something, then the words.

``timeline`` tells what there is and how long it is. Words are only in the answers of ``texts``
and ``whole``, which are asked when somebody reveals them.

Words are looked for within one session without reading more than the places where they are.
Letters are compared without case, one by one: no letter becomes two, so that a place in the text
is a place in what is shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

from bridgeboard.model.errors import ListError
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.typed_rows import columns, holdable

Kind = Literal["prompt", "thinking", "tool_input", "tool_error"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""What is text: prompts, thoughts, inputs of tools, and what tools said that failed."""

FOLD: Final = 2_000
"""Characters of a text that are read at first."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something in a request: a prompt, a thought or a tool call, in this order.

    Attributes:
        usage: our key of the request.
        ordinal: its place among those of its kind.
        length: characters of the prompt, the thought or the tool's input; None is not kept.
        at: when it was written or called; None is not known.
        tool, server_url, injected: of a tool call; the server is "" unless it was injected.
        failed: of a tool call; None is not recorded.
        error_length: characters of what the tool said; None is not kept.
    """

    usage: int
    kind: Literal["prompt", "thinking", "tool"]
    ordinal: int
    at: datetime | None
    length: int | None
    tool: str | None
    server_url: str | None
    injected: bool | None
    failed: bool | None
    error_length: int | None


@dataclass(frozen=True, slots=True)
class Text:
    """The beginning of a text, or all of it, and how many characters it has."""

    usage: int
    kind: Kind
    ordinal: int
    text: str
    length: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out."""
        return len(self.text) == self.length


@dataclass(frozen=True, slots=True)
class Kept:
    """How many texts of a session the store has; ``setting`` is "all", "none" or unknown."""

    prompts: int
    inputs: int
    thoughts: int
    setting: str | None


# Thoughts hang on requests that called tools. A thread's rest has the id of its first request,
# too, and none of its thoughts.
_THOUGHTS: Final = (
    "FROM asked a JOIN thinking k ON a.session = k.session AND a.id = k.interception"
    " AND a.grain IN ('interception', 'action')"
)
_INPUTS: Final = "FROM asked a JOIN tool_inputs i USING (usage)"
_SOURCES: Final[dict[Kind, str]] = {
    "prompt": "SELECT a.*, p.ordinal, p.text FROM asked a JOIN prompts p USING (usage)",
    "thinking": f"SELECT a.*, k.ordinal, k.text {_THOUGHTS}",
    "tool_input": f"SELECT a.*, i.ordinal, i.input AS text {_INPUTS}",
    "tool_error": f"SELECT a.*, i.ordinal, i.error AS text {_INPUTS} WHERE i.error <> ''",
}
_ASKED: Final = (
    "asked AS MATERIALIZED (SELECT usage, id, grain, session, thread, started_at, prompts"
    " FROM usage WHERE usage IN (SELECT unnest(CAST($1 AS BIGINT[]))))"
)
_TIMELINE: Final = f"""
WITH {_ASKED}, items AS (
    SELECT n.usage, n.started_at, 0 AS rank, 'prompt' AS kind, n.ordinal, p.written_at AS at,
        length(p.text) AS length, CAST(NULL AS VARCHAR) AS tool,
        CAST(NULL AS VARCHAR) AS server_url, CAST(NULL AS BOOLEAN) AS injected,
        CAST(NULL AS BOOLEAN) AS failed, CAST(NULL AS BIGINT) AS error_length
    FROM (SELECT usage, started_at, unnest(range(prompts)) AS ordinal FROM asked) n
    LEFT JOIN prompts p ON p.usage = n.usage AND p.ordinal = n.ordinal
    UNION ALL
    SELECT a.usage, a.started_at, 1, 'thinking', k.ordinal, NULL, length(k.text),
        NULL, NULL, NULL, NULL, NULL
    {_THOUGHTS}
    UNION ALL
    SELECT a.usage, a.started_at, 2, 'tool', c.ordinal, c.called_at, length(i.input),
        c.tool, c.server_url, c.injected,
        CASE WHEN c.injected OR c.failed THEN c.failed END, length(i.error)
    FROM tool_calls c JOIN asked a USING (usage)
    LEFT JOIN tool_inputs i ON i.usage = c.usage AND i.ordinal = c.ordinal)
SELECT {columns(Item)} FROM items ORDER BY started_at, usage, rank, ordinal
"""
_KEPT: Final = """
WITH own AS MATERIALIZED (SELECT usage FROM usage WHERE session = $1)
SELECT (SELECT count(*) FROM prompts JOIN own USING (usage)),
    (SELECT count(*) FROM tool_inputs JOIN own USING (usage)),
    (SELECT count(*) FROM thinking WHERE session = $1),
    (SELECT any_value(value) FROM meta WHERE name = 'text')
"""


def timeline(usages: Iterable[int]) -> Query:
    """Rows of ``Item`` of requests (our keys), by time: what there is, without a word of it."""
    return Query(_TIMELINE, (tuple(usages),))


def texts(usages: Iterable[int], kinds: Sequence[Kind] = KINDS, *, most: int = FOLD) -> Query:
    """Rows of ``Text`` of requests (our keys), by time, each with its first characters only."""
    return Query(_texts(kinds), (tuple(usages), most))


def whole(usage: int, kind: Kind, ordinal: int) -> Query:
    """One row of ``Text``, all of it; none where it is not kept."""
    sql = f"WITH {_ASKED} {_source(kind)}"
    shown = "SELECT usage, $2, ordinal, text, length(text)"
    return Query(f"{shown} FROM ({sql}) WHERE ordinal = $3", ((usage,), kind, ordinal))


def kept(session: int) -> Query:
    """One row of ``Kept``."""
    return Query(_KEPT, (session,))


def passages(kinds: Iterable[Kind], columns_of: str) -> str:
    """SQL of texts of the requests in the table ``asked``, which has ``id`` and ``grain``.

    Raises:
        ListError: for what is no kind of text.
    """
    chosen = [
        f"SELECT usage, started_at, thread, {KINDS.index(kind)} AS rank, '{kind}' AS kind, ordinal,"
        f" {columns_of} FROM ({_source(kind)}) t"
        for kind in dict.fromkeys(kinds)
    ]
    return " UNION ALL ".join(chosen)


def _texts(kinds: Sequence[Kind]) -> str:
    texts = passages(kinds, "left(t.text, $2) AS text, length(t.text) AS length")
    if not texts:
        raise ListError("Texts of no kind were asked for.")
    return (
        f"WITH {_ASKED} SELECT {columns(Text)} FROM ({texts})"
        f" ORDER BY started_at, usage, rank, ordinal"
    )


def _source(kind: Kind) -> str:
    if kind not in _SOURCES:
        raise ListError(f"{kind!r} is no kind of text; there are {', '.join(KINDS)}.")
    return _SOURCES[kind]


SEARCHED: Final[tuple[Kind, ...]] = ("prompt", "thinking", "tool_input")


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
    SELECT *, divide(length(text) - length(replace(text, $2, '')), nullif(length($2), 0)) AS matches
    FROM texts WHERE $2 <> '' AND contains(text, $2))
SELECT {columns(Hit)} FROM counted ORDER BY started_at, usage, rank, ordinal
"""


def hits(session: int, needle: str) -> Query:
    """Rows of ``Hit`` in the order of time, over all threads; none for an empty needle.

    The needle is taken as it is: no character means anything but itself.
    """
    return Query(_HITS, (session, lowered(holdable(needle))))


def lowered(text: str) -> str:
    """Text in small letters, as long as it was, as the database makes them."""
    return text.lower() if text.isascii() else text.translate(_SMALL)


class _Small(dict[int, int]):
    def __missing__(self, code: int) -> int:
        self[code] = ord(chr(code).lower()[0])
        return self[code]


_SMALL: Final = _Small()
