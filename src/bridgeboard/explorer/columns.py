"""What a row of the list of sessions says: each column once, with its SQL, words and order.

A column is SQL over a session ``s``, its person ``p``, its team ``b``, the sums ``u`` over its
requests (none if not one is known) and its failed threads ``e``. NULL is unknown, never nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from bridgeboard.explorer.errors import ExplorerError
from bridgeboard.metrics import METRICS, UNASSIGNED

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
    """

    name: str
    label: str
    definition: str
    kind: Kind
    sql: str
    order: str
    summed: bool = False


def _metric(name: str) -> str:
    metric = METRICS[name]
    return metric.value.format(*(part.usage for part in metric.parts))


_KEPT: Final = "(k.bits >> (f.usage & 63)::UBIGINT) & 1 = 1"

SUMS: Final[Mapping[str, str]] = {
    "requests": _metric("requests"),
    "threads": _metric("threads"),
    "prompts": _metric("prompts"),
    "tool_calls": _metric("tool_calls"),
    "tool_errors": _metric("tool_errors"),
    "input": _metric("input_tokens"),
    "output": _metric("output_tokens"),
    "cache_read": _metric("cache_read_tokens"),
    "cache_write": _metric("cache_write_tokens"),
    "cost": _metric("spend"),
    "priced_tokens": "sum(f.priced_tokens)",
    "shadow_cost": _metric("shadow_cost"),
    "first_kind": "min(f.credential_kind)",
    "last_kind": "max(f.credential_kind)",
    "kinds": "list_sort(list(DISTINCT f.credential_kind) FILTER (f.credential_kind IS NOT NULL))",
    "is_exact": "bool_and(f.grain = 'interception')",
    "has_text": f"bool_or(coalesce({_KEPT}, FALSE))",
}
"""Aggregates over the requests ``f`` of a session, by the definitions of the vocabulary."""

FAILED: Final = "coalesce(t.error_type, t.error_message) IS NOT NULL"
"""Whether a thread ``t`` is known to have failed."""

_MICROSECONDS: Final = "(epoch_us(s.ended_at) - epoch_us(s.started_at))"


def _tokens(name: str) -> str:
    """Of requests if any is known, else the server's own sum."""
    return f"CASE WHEN u.session IS NULL THEN s.{name}_sum ELSE u.{name} END"


_PROMPT_TOKENS: Final = " + ".join(map(_tokens, ("input", "cache_read", "cache_write")))
_ALL_TOKENS: Final = f"{_PROMPT_TOKENS} + {_tokens('output')}"
_HIT_RATE: Final = f"({_tokens('cache_read')})::DOUBLE / nullif({_PROMPT_TOKENS}, 0)"


def _text(name: str, label: str, definition: str, sql: str, order: str = "") -> Column:
    return Column(name, label, definition, "text", sql, f"lower({order or sql})")


def _list(name: str, label: str, definition: str, sql: str, order: str = "") -> Column:
    joined = order or f"nullif(array_to_string({sql}, ', '), '')"
    return Column(name, label, definition, "list", sql, f"lower({joined})")


def _time(name: str, label: str, definition: str, sql: str) -> Column:
    return Column(name, label, definition, "time", sql, f"epoch_us({sql})")


def _flag(name: str, label: str, definition: str, sql: str) -> Column:
    return Column(name, label, definition, "flag", sql, f"({sql})::INTEGER")


def _sum(name: str, label: str, definition: str, sql: str, kind: Kind = "count") -> Column:
    return Column(name, label, definition, kind, sql, f"({sql})", summed=True)


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
    _list("models", "Models", "The models that it asked for.", "s.models"),
    _list(
        "credential_kinds",
        "Credentials",
        "Whose keys paid: the company's (centralized) or the person's own (byok).",
        "coalesce(u.kinds, [])",
        "CASE WHEN u.first_kind = u.last_kind THEN u.first_kind"
        " ELSE u.first_kind || ', ' || u.last_kind END",
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
    _sum("threads", "Threads", "Threads in it.", "coalesce(u.threads, s.threads)"),
    _sum("requests", "Requests", METRICS["requests"].definition, "u.requests"),
    _sum("prompts", "Prompts", METRICS["prompts"].definition, "u.prompts"),
    _sum("tool_calls", "Tool calls", METRICS["tool_calls"].definition, "u.tool_calls"),
    _sum("tool_errors", "Tool errors", METRICS["tool_errors"].definition, "u.tool_errors"),
    _sum(
        "failed_threads",
        "Failed threads",
        "Threads that are known to have ended with an error.",
        "CASE WHEN s.detailed_at IS NOT NULL THEN coalesce(e.failed, 0) END",
    ),
)
_USED: Final = (
    _sum("input", "Input tokens", "Tokens of prompts that no cache had.", _tokens("input")),
    _sum("output", "Output tokens", "Tokens that models wrote.", _tokens("output")),
    _sum(
        "cache_read",
        "Cache reads",
        "Tokens of prompts read from a cache.",
        _tokens("cache_read"),
    ),
    _sum(
        "cache_write",
        "Cache writes",
        "Tokens of prompts written to a cache.",
        _tokens("cache_write"),
    ),
    _sum(
        "total_tokens",
        "Tokens",
        "Input, output, cache reads and cache writes; as the server adds them where no request"
        " is known.",
        _ALL_TOKENS,
    ),
    _sum(
        "recorded_tokens",
        "Tokens as recorded",
        "The server's own total of the whole session, streamed answers counted more than once.",
        "s.input_sum + s.output_sum + s.cache_read_sum + s.cache_write_sum",
    ),
    Column(
        "cache_hit_rate",
        "Cache hit rate",
        METRICS["cache_hit_rate"].definition,
        "rate",
        _HIT_RATE,
        _HIT_RATE,
    ),
    _sum("cost", "Spend", METRICS["spend"].definition, "u.cost", "money"),
    _sum("priced_tokens", "Priced tokens", "Tokens whose price is known.", "u.priced_tokens"),
    _sum("shadow_cost", "Shadow cost", METRICS["shadow_cost"].definition, "u.shadow_cost", "money"),
)
_KNOWN: Final = (
    _text(
        "accuracy",
        "Accuracy",
        "Whether usage is known per request (exact) or only as a sum (aggregate).",
        "CASE WHEN u.is_exact THEN 'exact' ELSE 'aggregate' END",
    ),
    _flag(
        "has_text",
        "Text",
        "Whether prompts of it are kept and can be searched.",
        "coalesce(u.has_text, FALSE)",
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


def column(name: str) -> Column:
    """The column of a name. Raises ExplorerError for a name that is none."""
    if name not in COLUMNS:
        raise ExplorerError(f"{name!r} is no column; there are {', '.join(COLUMNS)}.")
    return COLUMNS[name]
