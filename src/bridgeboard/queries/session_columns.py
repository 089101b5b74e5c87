"""What a row of the list of sessions says: each column once, with its SQL, words and order.

A column is SQL over a session ``s``, its person ``p``, its team ``b``, the sums ``u`` over its
requests in the scope (none if not one is known), those ``w`` over all its requests, its failed
threads ``e`` in the scope, and the names ``n`` of its models. NULL is unknown, never nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from bridgeboard.model.dimensions import DIMENSIONS, UNASSIGNED
from bridgeboard.model.metric import TOKEN_METRICS, TOKENS
from bridgeboard.model.metrics import METRICS
from bridgeboard.queries.metric_sources import place_in_word

ALL_OF_IT: Final = "all"
PART_OF_IT: Final = "part"

Kind = Literal["text", "list", "time", "seconds", "count", "money", "rate", "flag"]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: in code, SQL and addresses.
        label: on the screen.
        definition: one sentence.
        kind: what its values are; money is pico-USD, "list" is a tuple of text.
        sql: its value.
        order: SQL of what it is sorted by, NULL where it is unknown.
        summed: whether the total of a list is the sum of its rows.
        metric: of the vocabulary, whose number of the session it is: of its part in the scope, or
            of all of it if ``is_whole``.
    """

    name: str
    label: str
    definition: str
    kind: Kind
    sql: str
    order: str
    summed: bool = False
    metric: str = ""
    is_whole: bool = False


def metric_sql(name: str) -> str:
    """SQL of a metric over rows ``f`` of ``usage``."""
    metric = METRICS[name]
    return metric.value.format(*(part.usage for part in metric.parts))


_KEPT: Final = f'"&"(">>"(k.bits, {place_in_word("f.usage")}), 1) = 1'

NUMBERS: Final[Mapping[str, str]] = {
    **{name: name for name in ("threads", "requests", "prompts", "tool_calls", "tool_errors")},
    **dict(zip(TOKENS, TOKEN_METRICS, strict=True)),
    "cost": "spend",
    **{
        name: name
        for name in (
            "total_tokens",
            "recorded_tokens",
            "cache_hit_rate",
            "shadow_cost",
            "unpriced_tokens",
            "summed_rows",
            "unread_rows",
        )
    },
}
"""Column → metric, of the numbers of a session's part in the scope."""
WHOLE: Final[Mapping[str, str]] = {
    "whole_requests": "requests",
    "whole_tokens": "total_tokens",
    "whole_cost": "cost",
    "whole_unpriced_tokens": "unpriced_tokens",
    "whole_summed_rows": "summed_rows",
}
"""Column → that of the session's part; the last two say how exact the others are."""

TOLD_STATUS: Final = "CASE WHEN f.status <> 'unmetered' THEN f.status END"
"""SQL of what is known of the price of a row of ``usage``; NULL where it used nothing."""
COMMON_STATUS: Final = (
    f"CASE WHEN min({TOLD_STATUS}) = max({TOLD_STATUS}) THEN min({TOLD_STATUS}) END"
)
"""Aggregate: the status that all of some requests ``f`` have; NULL where they differ."""

SUMS: Final[Mapping[str, str]] = {
    **{name: metric_sql(metric) for name, metric in NUMBERS.items()},
    "priced_tokens": "sum(f.priced_tokens)",
    "rows": "count(*)",
    "first_kind": "min(f.credential_kind)",
    "last_kind": "max(f.credential_kind)",
    "kinds": "list_sort(list(DISTINCT f.credential_kind)"
    " FILTER (WHERE f.credential_kind IS NOT NULL))",
    "status": COMMON_STATUS,
    "is_exact": "bool_and(f.grain = 'interception')",
    "has_text": f"bool_or(coalesce({_KEPT}, FALSE))",
}
"""Aggregates over the requests ``f`` of a session, by the definitions of the vocabulary."""

TOOL_ERRORS: Final = (
    "CASE WHEN (f.tool_calls = 0 AND f.grain <> 'session') OR (f.grain = 'interception'"
    " AND (f.injected > 0 OR f.tool_errors > 0)) THEN f.tool_errors END"
)
"""The metric's SQL for a single row ``f`` of ``usage``."""

FAILED: Final = "coalesce(t.error_type, t.error_message) IS NOT NULL"
"""Whether a thread ``t`` is known to have failed."""

_MICROSECONDS: Final = "(epoch_us(s.ended_at) - epoch_us(s.started_at))"


_UNREAD: Final = {
    "whole_tokens": "s.input_sum + s.output_sum + s.cache_read_sum + s.cache_write_sum",
    "whole_summed_rows": "1",
}
"""Columns that tell something of a session of which no request is known: the server's own sum."""
_FAILED_THREADS: Final = (
    "CASE WHEN s.detailed_at IS NOT NULL AND s.threads > 0 THEN coalesce(e.failed, 0) END"
)
_EXTENT: Final = (
    "CASE WHEN NOT u.is_read THEN NULL"
    " WHEN u.rows = w.rows AND u.tool_calls IS NOT DISTINCT FROM w.tool_calls"
    f" THEN '{ALL_OF_IT}' ELSE '{PART_OF_IT}' END"
)


def _text(name: str, label: str, definition: str, sql: str, order: str = "") -> Column:
    return Column(name, label, definition, "text", sql, f"lower({order or sql})")


def _list(name: str, label: str, definition: str, sql: str, order: str = "") -> Column:
    joined = order or f"nullif(array_to_string({sql}, ', '), '')"
    return Column(name, label, definition, "list", sql, f"lower({joined})")


def _time(name: str, label: str, definition: str, sql: str) -> Column:
    return Column(name, label, definition, "time", sql, f"epoch_us({sql})")


def _flag(name: str, label: str, definition: str, sql: str) -> Column:
    shown, order = f"CAST({sql} AS BOOLEAN)", f"CAST({sql} AS INTEGER)"
    return Column(name, label, definition, "flag", shown, order)


def _number(name: str) -> Column:
    """A number of the vocabulary, of the session's part in the scope."""
    one = METRICS[NUMBERS[name]]
    sql = f"u.{name}"
    return Column(name, one.label, one.definition, one.format, sql, sql, one.additive, one.name)


def _whole(name: str) -> Column:
    """A number of the whole session; while no request of it is known, it is one of the server's."""
    one = METRICS[NUMBERS[WHOLE[name]]]
    sql = f"w.{WHOLE[name]}"
    if name in _UNREAD:
        sql = f"CASE WHEN w.session IS NULL THEN {_UNREAD[name]} ELSE {sql} END"
    label = f"Whole session: {one.label.lower()}"
    meaning = f"The same of all of the session, whatever the period and the filters: {one.label}."
    return Column(name, label, meaning, one.format, sql, f"({sql})", metric=one.name, is_whole=True)


_WHO: Final = (
    _text("id", "Session", "The id that the client gave it.", "s.id"),
    _text("person", "Person", "Whose session it was, by user name.", "p.person"),
    _text("name", "Name", "The full name of the person.", "nullif(p.name, '')"),
    _text(
        "team",
        "Team",
        "The team that the person belonged to when the session began.",
        f"coalesce(b.team, '{UNASSIGNED}')",
    ),
    _text("client", "Client", "The tool that the person used.", "nullif(s.client, '')"),
    _list("providers", "Providers", "The kinds of API that it used.", "s.providers"),
    _list("models", "Models", "The models that it asked for.", "s.models", "nullif(n.names, '')"),
    _list(
        "credential_kinds",
        "Credentials",
        "Whose keys paid: the company's (centralized) or the person's own (byok).",
        "coalesce(w.kinds, list_value())",
        "CASE WHEN w.first_kind = w.last_kind THEN w.first_kind"
        " ELSE w.first_kind || ', ' || w.last_kind END",
    ),
)
_WHEN: Final = (
    _time("started_at", "Started", "When its first request began.", "s.started_at"),
    _time("last_active_at", "Last active", "When its last request ended.", "s.ended_at"),
    Column(
        "duration_seconds",
        "Duration",
        "From its first request's beginning to its last one's end, pauses included.",
        "seconds",
        f"{_MICROSECONDS} / 1e6",
        _MICROSECONDS,
    ),
)
_ACTIVITY: Final = (
    _text(
        "extent",
        "Extent",
        f"Whether the row's numbers are of all of the session ({ALL_OF_IT}), or of a part of it: of"
        " what lies in the period and passes the filters.",
        _EXTENT,
    ),
    *map(_number, ("threads", "requests", "prompts", "tool_calls", "tool_errors")),
    Column(
        "failed_threads",
        "Failed threads",
        "Threads of the period that are known to have ended with an error; under filters, those"
        " with a request that passes.",
        "count",
        _FAILED_THREADS,
        f"({_FAILED_THREADS})",
        summed=True,
    ),
)
_USED: Final = (
    *map(_number, tuple(NUMBERS)[5:]),
    *map(_whole, WHOLE),
)
_KNOWN: Final = (
    _text(
        "accuracy",
        "Accuracy",
        "Whether usage is known per request (exact) or only as a sum (aggregate).",
        "CASE WHEN u.is_exact THEN 'exact' ELSE 'aggregate' END",
    ),
    _text(
        "status",
        DIMENSIONS["status"].label,
        "What is known about the price of its requests, where it is the same of all.",
        "u.status",
    ),
    _flag(
        "has_text",
        "Text",
        "Whether prompts of it are kept and can be searched.",
        "coalesce(w.has_text, FALSE)",
    ),
    _flag(
        "has_details",
        "Details",
        "Whether its details have been read; without them only the server's sums are known.",
        "s.detailed_at IS NOT NULL",
    ),
)

COLUMNS: Final[Mapping[str, Column]] = {
    one.name: one for one in (*_WHO, *_WHEN, *_ACTIVITY, *_USED, *_KNOWN)
}
"""All columns by name, in the order of a row; each can be sorted by."""

RANGES: Final = ("cost", "duration_seconds", "threads", "tool_calls")
"""Columns that a list can be narrowed to a range of."""
