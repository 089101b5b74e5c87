"""The SQL that searches one stretch of recorded text, and cuts the snippets that are shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.metric_sources import Arguments, rows
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.session_totals import matching

Kind = Literal["prompt", "thinking", "tool_input"]

KINDS: Final[tuple[Kind, ...]] = ("prompt", "thinking", "tool_input")
BEFORE: Final = 80
"""Characters of a snippet before its first match."""
SNIPPET: Final = 320
"""Characters of a whole snippet."""


@dataclass(frozen=True)
class Stretch:
    """A half-open stretch of time; ``edge`` is the hit after which those wanted come, if any.

    Of prompts only those are looked at whose requests' keys are in ``keys``, both ends included;
    None looks at all.
    """

    since: datetime
    until: datetime
    edge: tuple[datetime, str] | None = None
    keys: tuple[tuple[int, int], ...] | None = None


_OF_REQUEST: Final = "u.usage = t.usage AND u.started_at >= {since} AND u.started_at < {until}"
_SAME_REQUEST: Final = "t.usage = b.of_usage AND t.ordinal = b.ordinal"


@dataclass(frozen=True)
class _Source:
    """A table ``t`` of texts: what tells a row, and how it is joined with its request ``u``."""

    table: str
    text: str
    written_at: str
    usage: str = "t.usage"
    session: str = "CAST(NULL AS BIGINT)"
    interception: str = "CAST(NULL AS UUID)"
    request: str = _OF_REQUEST
    same: str = _SAME_REQUEST


_SOURCES: Final[dict[Kind, _Source]] = {
    "prompt": _Source("prompts", "t.text", "t.written_at"),
    "thinking": _Source(
        "thinking",
        "t.text",
        "t.started_at",
        usage="CAST(NULL AS BIGINT)",
        session="t.session",
        interception="t.interception",
        # A thought has the time of its thread, which its request may be long after.
        request="u.id = t.interception AND u.started_at >= {since} AND u.grain <> 'thread'",
        same="t.session = b.of_session AND t.interception = b.interception"
        " AND t.ordinal = b.ordinal",
    ),
    "tool_input": _Source("tool_inputs", "t.input", "t.started_at"),
}
_KEY: Final = (
    "concat_ws(':', '{kind}', coalesce(CAST({usage} AS VARCHAR), concat_ws('/', {session},"
    " {interception})), lpad(CAST(t.ordinal AS VARCHAR), 10, '0'))"
)


def table(kind: Kind) -> str:
    """The table that texts of a kind are in."""
    return _SOURCES[kind].table


def searched(
    find: Find, kinds: Sequence[Kind], words: Sequence[str], stretch: Stretch, most: int
) -> Query:
    """The latest texts in a stretch that have all words, of sessions or requests that pass.

    Texts are looked at where they are, without their sessions; only what has all words is joined,
    and only what is shown is read again for its snippet.

    Returns:
        ``kind``, ``session``, ``usage``, ``thread``, ``ordinal``, ``started_at``, ``written_at``,
        ``key``, ``start`` (characters before the snippet), ``length`` (of the text, in
        characters) and ``snippet``; the latest first.
    """
    into = Arguments()
    ends = {"since": into.bound(stretch.since), "until": into.bound(stretch.until)}
    having = " UNION ALL ".join(_having(kind, words, ends, into, stretch.keys) for kind in kinds)
    linked = " UNION ALL ".join(_linked(kind, ends) for kind in kinds)
    texts = " UNION ALL ".join(_shown(kind, words, into) for kind in kinds)
    best = f"SELECT * FROM passing{_beyond(stretch, into)}"
    common = [
        *matching(find, "s.session", into),
        f"near AS MATERIALIZED ({_near(stretch.keys, into)})",
        f"having_all AS MATERIALIZED ({having})",
        f"linked AS MATERIALIZED ({linked})",
        f"passing AS ({_passing(find, ends, into)})",
        f"best AS MATERIALIZED ({best} ORDER BY started_at DESC, key LIMIT {into.bound(most)})",
        *(f"{kind}_of_best AS MATERIALIZED ({_again(kind, ends)})" for kind in kinds),
        f"shown AS ({texts})",
    ]
    columns = (
        "kind, session, usage, thread, ordinal, started_at, written_at, key, start,"
        f" length(text) AS length, substring(text, start + 1, {SNIPPET}) AS snippet"
    )
    sql = f"WITH {', '.join(common)} SELECT {columns} FROM shown ORDER BY started_at DESC, key"
    return Query(sql, tuple(into.values))


def _near(keys: Sequence[tuple[int, int]] | None, into: Arguments) -> str:
    """Every key of some ranges."""
    ends = zip(*(keys or [(0, -1)]), strict=True)
    first, last = (f"list_extract(CAST({into.bound(each)} AS BIGINT[]), n.place)" for each in ends)
    places = f"SELECT unnest(range(1, {max(len(keys or ()), 1) + 1})) AS place"
    return f"SELECT unnest(range({first}, {last} + 1)) AS usage FROM ({places}) n"


def _having(
    kind: Kind,
    words: Iterable[str],
    ends: dict[str, str],
    into: Arguments,
    keys: Sequence[tuple[int, int]] | None,
) -> str:
    source = _SOURCES[kind]
    # "i": upper and lower case are the same; "l": the word is no pattern. It takes half the time
    # of lower(), which makes a copy of every text.
    words_in = (f"regexp_matches({source.text}, {into.bound(word)}, 'il')" for word in words)
    has, near = " AND ".join(words_in), ""
    if kind == "prompt" and keys is not None:
        # Only what needs the other side of a join as well is not worked out before the join,
        # which would read every text.
        near = " JOIN near n ON t.usage = n.usage"
        has = f"CASE WHEN n.usage IS NOT NULL THEN {has} ELSE FALSE END"
    return (
        f"SELECT '{kind}' AS kind, {source.usage} AS of_usage, {source.session} AS of_session,"
        f" {source.interception} AS interception, t.ordinal, t.started_at,"
        f" {source.written_at} AS written_at, {_key(kind)} AS key FROM {source.table} t{near}"
        f" WHERE {_within(ends)} AND {has}"
    )


def _key(kind: Kind) -> str:
    source = _SOURCES[kind]
    return _KEY.format(
        kind=kind, usage=source.usage, session=source.session, interception=source.interception
    )


def _linked(kind: Kind, ends: dict[str, str]) -> str:
    """The texts of a kind beside their requests; a thought knows its session by itself."""
    request = _SOURCES[kind].request.format(**ends).replace("t.usage", "t.of_usage")
    session = "t.of_session" if kind == "thinking" else "u.session"
    return (
        f"SELECT t.*, u.usage, {session} AS session, u.thread FROM having_all t"
        f" LEFT JOIN usage u ON {request} WHERE t.kind = '{kind}'"
    )


def _passing(find: Find, ends: dict[str, str], into: Arguments) -> str:
    """The texts of sessions that are found, and of requests without one that pass themselves."""
    sql = "SELECT * FROM linked WHERE session IN (SELECT session FROM each)"
    if not find.is_about_requests:
        return sql
    alone = (
        f"SELECT f.usage {rows('usage', [], find.scope, into).text} AND f.session IS NULL"
        f" AND f.started_at >= {ends['since']}"
    )
    return f"{sql} UNION ALL SELECT * FROM linked WHERE session IS NULL AND usage IN ({alone})"


def _beyond(stretch: Stretch, into: Arguments) -> str:
    if stretch.edge is None:
        return ""
    at, key = into.bound(stretch.edge[0]), into.bound(stretch.edge[1])
    return f" WHERE started_at < {at} OR (started_at = {at} AND key > {key})"


def _again(kind: Kind, ends: dict[str, str]) -> str:
    """The texts of what is shown, and some beside them: read by one key, as few as can be."""
    source = _SOURCES[kind]
    key, own = ("interception", "interception") if kind == "thinking" else ("usage", "of_usage")
    return (
        f"SELECT * FROM {source.table} t WHERE {_within(ends)}"
        f" AND t.{key} IN (SELECT {own} FROM best WHERE kind = '{kind}')"
    )


def _shown(kind: Kind, words: Iterable[str], into: Arguments) -> str:
    source = _SOURCES[kind]
    first = ", ".join(_first(source.text, into.bound(word)) for word in words)
    start = f"greatest(least({first}) - {BEFORE}, 0)"
    return (
        f"SELECT b.*, {source.text} AS text, {start} AS start"
        f" FROM best b JOIN {kind}_of_best t ON {source.same} WHERE b.kind = '{kind}'"
    )


def _first(text: str, word: str) -> str:
    """Characters before a word; beyond what lower() knows, as the search itself finds it."""
    prefix = f"regexp_extract({text}, '^(.*?)' || regexp_escape({word}), 1, 'is')"
    place = f"instr(lower({text}), lower({word}))"
    return f"CASE WHEN {place} > 0 THEN {place} - 1 ELSE length({prefix}) END"


def _within(ends: dict[str, str]) -> str:
    return f"t.started_at >= {ends['since']} AND t.started_at < {ends['until']}"
