"""All numbers there are: each is defined once, with its SQL, its words, its look and its emptiness.

A metric is computed from parts, which are aggregates over the rows ``f`` of a source. Ratios are
always computed from sums, never from ratios, so that they are right for any group of rows
(docs/costs.md). Money is in pico-USD.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from bridgeboard.metrics.dimensions import Dimension, Source
from bridgeboard.metrics.errors import MetricError

Format = Literal["count", "money", "rate", "seconds"]
"""A whole number; pico-USD (an average, too, is cut to whole ones); 0 to 1; seconds."""

Kind = Literal["whole", "sum", "keys"]
"""How a part is made; each is right, but the latter two can be had faster.

"whole" is an aggregate of all rows at once. "sum" is one whose values over disjoint rows, added up
without those that are unknown, are its value over all of them. "keys" is no aggregate but a row's
key of ours, a BIGINT or NULL, and the part is how many different ones there are.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """An aggregate, in the SQL of each source that can tell it, made as its kind says.

    ``of_calls`` is one that counts calls: about some tools only, it counts these alone, while
    others are about all requests that pass.
    """

    usage: str | None = None
    calls: str | None = None
    sessions: str | None = None
    of_calls: bool = False
    kind: Kind = "whole"

    def sql(self, source: Source) -> str | None:
        """The aggregate over a source, or its keys; None where it tells nothing."""
        return {"usage": self.usage, "calls": self.calls, "sessions": self.sessions}[source]

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where it can be told from, the cheapest first."""
        every: tuple[Source, ...] = ("usage", "calls", "sessions")
        return tuple(source for source in every if self.sql(source))


@dataclass(frozen=True)
class Metric:
    """A number.

    Attributes:
        name: in code, SQL and addresses.
        label: on the screen.
        definition: one sentence.
        format: how it looks.
        parts: what it is computed from.
        value: SQL over the parts, ``{0}`` the first.
        empty: what it is where nothing happened; None where that is no number. Where something
            happened but is not known, the number is NULL whatever this says.
        additive: whether the numbers of disjoint rows add up to that of all of them.
    """

    name: str
    label: str
    definition: str
    format: Format
    parts: tuple[Part, ...]
    value: str = "{0}"
    empty: int | None = None
    additive: bool = False

    @property
    def counts_keys(self) -> bool:
        """Whether it takes the count of different keys, which is as dear as many sums."""
        return any(part.kind == "keys" for part in self.parts)

    def splits(self, dimension: Dimension) -> bool:
        """Whether it can be split by a dimension."""
        return all(any(map(dimension.splits, part.sources)) for part in self.parts)

    def adds_up(self, dimension: Dimension) -> bool:
        """Whether its parts by a dimension add up to the whole."""
        sources = {source for part in self.parts for source in part.sources}
        told = {source for source in sources if dimension.splits(source)}
        return self.additive and bool(told - dimension.overlapping)


# A count that no server can have meant may be close to 64 bits: sums are wider, and one beyond
# 64 bits is unknown. Money keeps its full width.
_WIDE: Final = "TRY_CAST({0} AS BIGINT)"
_RATE: Final = "{0}::DOUBLE / nullif({1}, 0)"
_EACH: Final = "{0} // nullif({1}, 0)"

_EXACT: Final = "f.grain = 'interception'"
_PRICED: Final = "f.cost IS NOT NULL"
_TOKENS: Final = ("input", "output", "cache_read", "cache_write")


def _sum(column: str, where: str = "") -> str:
    return f"sum(f.{column})" + (f" FILTER ({where})" if where else "")


def _sums(*columns: str, where: str = "") -> Part:
    return _added(" + ".join(_sum(column, where) for column in columns))


def _added(usage: str, *, calls: str | None = None) -> Part:
    return Part(usage, calls, of_calls=calls is not None, kind="sum")


def _total(name: str, label: str, definition: str, *columns: str) -> Metric:
    parts = (_sums(*columns),)
    return Metric(name, label, definition, "count", parts, _WIDE, empty=0, additive=True)


def _count(name: str, label: str, definition: str, part: Part) -> Metric:
    return Metric(name, label, definition, "count", (part,), _WIDE, empty=0, additive=True)


def _distinct(name: str, label: str, definition: str, part: Part) -> Metric:
    return Metric(name, label, definition, "count", (part,), empty=0)


def _money(name: str, label: str, definition: str, column: str) -> Metric:
    return Metric(name, label, definition, "money", (_sums(column),), empty=0, additive=True)


def _rate(name: str, label: str, definition: str, share: Part, whole: Part) -> Metric:
    return Metric(name, label, definition, "rate", (share, whole), _RATE)


def _each(name: str, label: str, definition: str, spend: Part, count: Part) -> Metric:
    return Metric(name, label, definition, "money", (spend, count), _EACH)


def _percentile(name: str, label: str, definition: str, place: int) -> Metric:
    return Metric(name, label, definition, "seconds", (_DURATIONS,), f"{{0}}[{place}] / 1e6")


_SPEND: Final = _sums("cost")
_ALL_TOKENS: Final = _sums(*_TOKENS)
_PROMPT_TOKENS: Final = _sums("input", "cache_read", "cache_write")
_PEOPLE: Final = "count(DISTINCT f.initiator)"
_SESSIONS: Final = Part(sessions="count(*)", kind="sum")
# "count_if" says the same as a FILTER, but lets calls be grouped by their tools' dictionary.
_CALLS: Final = _added(_sum("tool_calls"), calls="count(*)")
# Of aggregates nobody knows how their calls ended; without any call, none has failed.
_ERRORS: Final = Part(
    usage=f"CASE WHEN {_sum('tool_calls')} = 0 OR {_sum('tool_calls', _EXACT)} > 0"
    f" THEN coalesce({_sum('tool_errors', _EXACT)}, 0) END",
    calls="sum(f.failed::INTEGER)",
    of_calls=True,
)
_DURATIONS: Final = Part(
    usage="quantile_cont(epoch_us(f.ended_at) - epoch_us(f.started_at), [0.5, 0.95])"
    f" FILTER ({_EXACT})"
)

_MONEY: Final = (
    _money(
        "spend",
        "Spend",
        "Estimated cost at list prices of what the company pays by use; usage without a known"
        " price is left out.",
        "cost",
    ),
    _money(
        "shadow_cost",
        "Shadow cost",
        "Value of usage that is no spend: paid by seats, plans or people's own keys.",
        "shadow_cost",
    ),
    _money(
        "cache_saving",
        "Cache saving",
        "What the same usage would have cost more without a cache, less what writing to the"
        " cache cost; negative where it was not worth it.",
        "cache_saving",
    ),
    _each(
        "cost_per_request",
        "Spend per request",
        "Spend over requests whose price is known.",
        _SPEND,
        _added(_sum("requests", _PRICED)),
    ),
    _each(
        "cost_per_prompt",
        "Spend per prompt",
        "Spend over prompts of requests whose price is known.",
        _SPEND,
        _added(_sum("prompts", _PRICED)),
    ),
    _each(
        "cost_per_session",
        "Spend per session",
        "Spend of requests whose session is known, over the sessions they belong to.",
        _sums("cost", where="f.session IS NOT NULL"),
        Part(usage=f"CASE WHEN {_PRICED} THEN f.session END", kind="keys"),
    ),
    _each(
        "cost_per_thread",
        "Spend per thread",
        "Spend of requests whose thread is known, over the threads that began.",
        _sums("cost", where="f.thread IS NOT NULL"),
        _added(_sum("threads", f"{_PRICED} AND f.thread IS NOT NULL")),
    ),
    _each(
        "cost_per_person",
        "Spend per person",
        "Spend over people with a request whose price is known.",
        _SPEND,
        Part(usage=f"{_PEOPLE} FILTER ({_PRICED})"),
    ),
    _each(
        "cost_per_tool_call",
        "Spend per tool call",
        "Spend over tool calls of requests whose price is known.",
        _SPEND,
        _added(_sum("tool_calls", _PRICED)),
    ),
    Metric(
        "cost_per_million_tokens",
        "Spend per million",
        "Spend over tokens whose price is known, all kinds together, times a million.",
        "money",
        (_SPEND, _sums("priced_tokens")),
        "{0} * 1000000 // nullif({1}, 0)",
    ),
)
_ACTIVITY: Final = (
    _total(
        "requests",
        "Requests",
        "Requests that ended; where only sums are known, those that can be told apart.",
        "requests",
    ),
    _count(
        "responses",
        "Responses",
        "Answers of a provider; unknown where only sums are known.",
        _added(_sum("responses", _EXACT)),
    ),
    _count(
        "unmetered_requests",
        "Unmetered requests",
        "Requests that ended without any token on record.",
        _added("coalesce(" + _sum("requests", "f.status = 'unmetered'") + ", 0)"),
    ),
    _count(
        "sessions",
        "Sessions",
        "Sessions that began in the period.",
        _SESSIONS,
    ),
    _distinct(
        "active_sessions",
        "Active sessions",
        "Sessions with a request in the period, whenever they began, if their details are known.",
        Part(usage="f.session", calls="f.session", kind="keys"),
    ),
    _count(
        "threads",
        "Threads",
        "Threads that began, in sessions whose details are known.",
        _added(_sum("threads", "f.thread IS NOT NULL")),
    ),
    _total(
        "prompts",
        "Prompts",
        "Prompts that people or their tools wrote.",
        "prompts",
    ),
    _distinct(
        "active_people",
        "Active people",
        "People with at least one request that ended.",
        Part(usage=_PEOPLE, calls=_PEOPLE),
    ),
    _percentile(
        "duration_p50",
        "Median duration",
        "Half of all requests took no longer from beginning to end.",
        1,
    ),
    _percentile(
        "duration_p95",
        "Duration (95%)",
        "95 in 100 requests took no longer from beginning to end.",
        2,
    ),
)
_TOKEN_METRICS: Final = (
    _total("input_tokens", "Input tokens", "Tokens of prompts that no cache had.", "input"),
    _total("output_tokens", "Output tokens", "Tokens that models wrote.", "output"),
    _total(
        "cache_read_tokens", "Cache reads", "Tokens of prompts read from a cache.", "cache_read"
    ),
    _total(
        "cache_write_tokens",
        "Cache writes",
        "Tokens of prompts written to a cache.",
        "cache_write",
    ),
    _total("total_tokens", "Tokens", "Input, output, cache reads and cache writes.", *_TOKENS),
    _total(
        "recorded_tokens",
        "Tokens as recorded",
        "Tokens as the server adds them, streamed answers counted more than once.",
        *(f"{name}_sum" for name in _TOKENS),
    ),
    _count(
        "unpriced_tokens",
        "Unpriced tokens",
        "Tokens whose price nobody knows; above zero, spend is a lower bound.",
        _added(f"{_ALL_TOKENS.usage} - {_sum('priced_tokens')}"),
    ),
    _rate(
        "priced_rate",
        "Priced share",
        "Share of tokens whose price is known.",
        _sums("priced_tokens"),
        _ALL_TOKENS,
    ),
    _rate(
        "exact_rate",
        "Exact share",
        "Share of tokens that are known per request.",
        _added(f"coalesce({_sums(*_TOKENS, where=_EXACT).usage}, 0)"),
        _ALL_TOKENS,
    ),
    _rate(
        "cache_hit_rate",
        "Cache hit rate",
        "Share of the tokens of prompts that came from a cache.",
        _sums("cache_read"),
        _PROMPT_TOKENS,
    ),
    _rate(
        "output_rate",
        "Output share",
        "Share of output in all tokens.",
        _sums("output"),
        _ALL_TOKENS,
    ),
)
_TOOLS: Final = (
    _count("tool_calls", "Tool calls", "Uses of tools that models asked for.", _CALLS),
    _count(
        "injected_calls",
        "Injected calls",
        "Calls of tools that the bridge put there.",
        _added(_sum("injected"), calls="count_if(f.injected)"),
    ),
    _count(
        "tool_errors",
        "Tool errors",
        "Calls of injected tools that failed; nobody records how others end.",
        _ERRORS,
    ),
    _rate(
        "tool_error_rate",
        "Tool error rate",
        "Share of failures in the calls whose end is recorded, which are those of injected tools.",
        _ERRORS,
        _added(
            _sum("injected", _EXACT),
            calls="count_if(f.injected AND f.failed IS NOT NULL)",
        ),
    ),
)
_COVERAGE: Final = (
    _rate(
        "detail_coverage",
        "Detail coverage",
        "Share of sessions whose details are known.",
        Part(sessions="count(f.detailed_at)", kind="sum"),
        _SESSIONS,
    ),
)

METRICS: Final[Mapping[str, Metric]] = {
    one.name: one for one in (*_MONEY, *_ACTIVITY, *_TOKEN_METRICS, *_TOOLS, *_COVERAGE)
}
"""All metrics by name."""


def metric(name: str) -> Metric:
    """The metric of a name. Raises MetricError for a name that is none."""
    if name not in METRICS:
        raise MetricError(f"{name!r} is no metric; there are {', '.join(METRICS)}.")
    return METRICS[name]
