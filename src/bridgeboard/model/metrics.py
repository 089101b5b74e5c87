"""All numbers there are: each is defined once, with its SQL, its words, its look and its emptiness.

A metric is computed from parts, which are aggregates over the rows ``f`` of a source. Ratios are of
sums, never of ratios, so that they are right for any rows (docs/costs.md). Money is in pico-USD.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from bridgeboard.model.errors import MetricError
from bridgeboard.model.limits import (
    LEFT_OUT,
    NOT_BILLED,
    OF_ERRORS,
    PRICED_ONLY,
    SHIFTED,
    UNLINKED,
    UNPRICED,
    UNREAD,
    UNSEEN,
)
from bridgeboard.model.metric import TOKENS, Limit, Metric, Part, Rise

# A count that no server can have meant may be close to 64 bits: sums are wider, and one beyond
# 64 bits is unknown. Money keeps its full width.
_WIDE: Final = "TRY_CAST({0} AS BIGINT)"
_RATE: Final = "CAST({0} AS DOUBLE) / nullif({1}, 0)"
_EACH: Final = "divide({0}, nullif({1}, 0))"

_EXACT: Final = "f.grain = 'interception'"
_READ: Final = "f.grain <> 'session'"
"""Whether a row says anything but tokens: the rest of a session does not."""
_PRICED: Final = "f.cost IS NOT NULL"


def _sum(column: str, where: str = "") -> str:
    # A FILTER would say the same, and takes several times as long to leave rows out.
    return f"sum(CASE WHEN {where} THEN f.{column} END)" if where else f"sum(f.{column})"


def _sums(*columns: str, where: str = "") -> Part:
    return _added(" + ".join(_sum(column, where) for column in columns))


def _added(usage: str, *, calls: str | None = None) -> Part:
    return Part(usage, calls, of_calls=calls is not None, kind="sum")


def _total(name: str, label: str, definition: str, *columns: str) -> Metric:
    parts = (_sums(*columns),)
    return Metric(
        name, label, definition, "count", parts, _WIDE, empty=0, additive=True, limits=(SHIFTED,)
    )


def _count(
    name: str, label: str, definition: str, part: Part, *limits: Limit, rise: Rise = 1
) -> Metric:
    added = partial(Metric, empty=0, additive=True, limits=limits, rise=rise)
    return added(name, label, definition, "count", (part,), _WIDE)


def _money(
    name: str, label: str, definition: str, column: str, *limits: Limit, rise: Rise = 0
) -> Metric:
    added = partial(Metric, empty=0, additive=True, limits=(*limits, SHIFTED), rise=rise)
    return added(name, label, definition, "money", (_sums(column),))


def _rate(
    name: str, label: str, definition: str, share: Part, whole: Part, *limits: Limit, rise: Rise = 1
) -> Metric:
    parts = (share, whole)
    return Metric(name, label, definition, "rate", parts, _RATE, limits=limits, rise=rise)


def _each(name: str, label: str, definition: str, *parts: Part, limit: Limit = SHIFTED) -> Metric:
    limits = (PRICED_ONLY, limit, NOT_BILLED)
    return Metric(name, label, definition, "money", parts, _EACH, limits=limits, rise=0)


def _percentile(name: str, label: str, definition: str, place: int) -> Metric:
    value = f"list_extract({{0}}, {place}) / 1e6"
    parts = (_DURATIONS,)
    return Metric(name, label, definition, "seconds", parts, value, limits=(LEFT_OUT,), rise=0)


_SPEND: Final = _sums("cost")
_EXACT_SPEND: Final = _sums("cost", where=_EXACT)
_ALL_TOKENS: Final = _sums(*TOKENS)
_PROMPT_TOKENS: Final = _sums("input", "cache_read", "cache_write")
_PEOPLE: Final = "count(DISTINCT f.initiator)"
_BEGUN: Final = Part(sessions="count(*)", kind="sum")
_NO_SESSION: Final = _added("count_if(f.session IS NULL AND f.usage IS NOT NULL)")
# "count_if" says the same as a FILTER, but lets calls be grouped by their tools' dictionary.
_CALLS: Final = _added(_sum("tool_calls", _READ), calls="count(*)")
# Calls of which an error is recorded if there is one. "greatest" takes three times as long.
_RECORDABLE: Final = _added(
    "sum(CASE WHEN f.tool_errors > f.injected THEN f.tool_errors ELSE f.injected END)"
    f" FILTER (WHERE {_EXACT})",
    calls="count_if((f.injected OR f.failed) AND f.failed IS NOT NULL)",
)
# Of other calls nobody knows how they ended; without any call, none has failed.
_ERRORS: Final = Part(
    usage=f"CASE WHEN {_sum('tool_calls', _READ)} = 0 OR {_RECORDABLE.usage} > 0"
    f" THEN coalesce({_sum('tool_errors', _EXACT)}, 0) END",
    calls=f"CASE WHEN {_RECORDABLE.calls} > 0 THEN count_if(f.failed) END",
    of_calls=True,
)
_DURATIONS: Final = Part(
    usage="quantile_cont(epoch_us(f.ended_at) - epoch_us(f.started_at), list_value(0.5, 0.95))"
    f" FILTER (WHERE {_EXACT})"
)

_MONEY: Final = (
    _money(
        "spend",
        "Spend",
        "Estimated cost, at list prices, of usage that the company pays for; usage without a known"
        " price is left out, and included, notional or free usage counts as nothing.",
        "cost",
        UNPRICED,
        NOT_BILLED,
    ),
    _money(
        "shadow_cost",
        "Value not billed",
        "List-price value of usage that is not spend: paid by seats, plans or people's own keys.",
        "shadow_cost",
        UNPRICED,
    ),
    _money(
        "cache_saving",
        "Cache saving",
        "How much more the same usage would have cost without a cache, after the cost of writing"
        " to it; negative where the cache cost more than it saved.",
        "cache_saving",
        PRICED_ONLY,
        rise=1,
    ),
    _each(
        "cost_per_request",
        "Spend per request",
        "Spend over requests that are known one by one, and whose price is.",
        _EXACT_SPEND,
        _added(_sum("requests", f"{_PRICED} AND {_EXACT}")),
        limit=LEFT_OUT,
    ),
    _each(
        "cost_per_prompt",
        "Spend per prompt",
        "Spend over prompts, of requests that are known one by one, and whose price is.",
        _EXACT_SPEND,
        _added(_sum("prompts", f"{_PRICED} AND {_EXACT}")),
        limit=LEFT_OUT,
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
        Part(usage=f"{_PEOPLE} FILTER (WHERE {_PRICED})"),
    ),
    _each(
        "cost_per_tool_call",
        "Spend per tool call",
        "Spend over tool calls, of usage whose price and calls are known.",
        _sums("cost", where=_READ),
        _added(_sum("tool_calls", f"{_PRICED} AND {_READ}")),
    ),
    Metric(
        "cost_per_million_tokens",
        "Spend per 1M tokens",
        "Spend over tokens whose price is known, all kinds together, times a million.",
        "money",
        (_SPEND, _sums("priced_tokens")),
        "divide({0} * 1000000, nullif({1}, 0))",
        limits=(PRICED_ONLY, SHIFTED, NOT_BILLED),
        rise=0,
    ),
)
_ACTIVITY: Final = (
    _count(
        "requests",
        "Requests",
        "Completed requests; where only sums are known, those that can be told apart.",
        _sums("requests", where=_READ),
        UNSEEN,
    ),
    _count(
        "responses",
        "Responses",
        "Answers of a provider; unknown where only sums are known.",
        _added(_sum("responses", _EXACT)),
        UNSEEN,
    ),
    _count(
        "unmetered_requests",
        "Unmetered requests",
        "Completed requests without any token on record.",
        _added("coalesce(" + _sum("requests", "f.status = 'unmetered'") + ", 0)"),
        UNSEEN,
        rise=-1,
    ),
    Metric(
        "sessions",
        "Sessions",
        "Sessions with a request in the period; one without a known request counts when it began.",
        "count",
        (
            Part(usage="f.session", calls="f.session", kind="keys"),
            Part(unread="count(*)", is_optional=True, kind="sum"),
        ),
        "coalesce({0}, 0) + coalesce({1}, 0)",
        empty=0,
        limits=(UNSEEN, UNLINKED),
    ),
    _count(
        "threads",
        "Threads",
        "Threads that began, in sessions whose details are known.",
        _added(_sum("threads", "f.thread IS NOT NULL")),
        UNREAD,
    ),
    _count(
        "prompts",
        "Prompts",
        "Prompts that people or their tools wrote.",
        _sums("prompts", where=_READ),
        UNSEEN,
    ),
    Metric(
        "active_people",
        "Active people",
        "People with at least one completed request.",
        "count",
        (Part(usage=_PEOPLE, calls=_PEOPLE),),
        empty=0,
        limits=(UNSEEN,),
    ),
    _count(
        "summed_rows",
        "Sums",
        "Rows of usage that are sums of several requests, as newer servers tell them.",
        _added(f"count_if(NOT {_EXACT})"),
        rise=0,
    ),
    _count(
        "unread_rows",
        "Sums of sessions",
        "Sessions, or rests of them, of which only the tokens are known.",
        _added(f"count_if(NOT {_READ})"),
        rise=0,
    ),
    _count(
        "unlinked_rows", "Unlinked", "Requests whose session is not known.", _NO_SESSION, rise=0
    ),
    _percentile(
        "duration_p50",
        "Median duration",
        "Half of the requests took no longer from start to end, of those known one by one.",
        1,
    ),
    _percentile(
        "duration_p95",
        "Duration (95%)",
        "95 of 100 requests took no longer from start to end, of those known one by one.",
        2,
    ),
)
_TOKENS: Final = (
    _total("input_tokens", "Input tokens", "Prompt tokens that were not in a cache.", "input"),
    _total("output_tokens", "Output tokens", "Tokens that models wrote.", "output"),
    _total("cache_read_tokens", "Cache reads", "Prompt tokens read from a cache.", "cache_read"),
    _total(
        "cache_write_tokens",
        "Cache writes",
        "Prompt tokens written to a cache.",
        "cache_write",
    ),
    _total("total_tokens", "Tokens", "Input, output, cache reads and cache writes.", *TOKENS),
    _total(
        "recorded_tokens",
        "Tokens as recorded",
        "Tokens as the server adds them, streamed answers counted more than once.",
        *(f"{name}_sum" for name in TOKENS),
    ),
    _count(
        "unpriced_tokens",
        "Unpriced tokens",
        "Tokens without a known price; if there are any, spend is a lower bound.",
        _added(f"{_ALL_TOKENS.usage} - {_sum('priced_tokens')}"),
        SHIFTED,
        rise=0,
    ),
    _count(
        "unbilled_tokens",
        "Unbilled tokens",
        "Tokens that are included in a plan, notional or free: they are not part of the spend.",
        _added("coalesce(" + _sum("priced_tokens", "f.cost = 0") + ", 0)"),
        SHIFTED,
        rise=0,
    ),
    _rate(
        "priced_rate",
        "Priced share",
        "Share of tokens whose price is known.",
        _sums("priced_tokens"),
        _ALL_TOKENS,
        SHIFTED,
    ),
    _rate(
        "exact_rate",
        "Exact share",
        "Share of tokens that are known per request.",
        _added(f"coalesce({_sums(*TOKENS, where=_EXACT).usage}, 0)"),
        _ALL_TOKENS,
        SHIFTED,
    ),
    _rate(
        "cache_hit_rate",
        "Cache hit rate",
        "Share of prompt tokens that came from a cache.",
        _sums("cache_read"),
        _PROMPT_TOKENS,
        SHIFTED,
    ),
    _rate(
        "output_rate",
        "Output share",
        "Share of output in all tokens.",
        _sums("output"),
        _ALL_TOKENS,
        SHIFTED,
        rise=0,
    ),
)
_TOOLS: Final = (
    _count("tool_calls", "Tool calls", "Times that a model called a tool.", _CALLS, UNREAD),
    _count(
        "injected_calls",
        "Injected calls",
        "Calls of tools that AI Bridge injected.",
        _added(_sum("injected", _READ), calls="count_if(f.injected)"),
        UNREAD,
    ),
    _count(
        "tool_errors",
        "Tool errors",
        "Failed calls of injected tools, exact for these; unknown where only others were called.",
        _ERRORS,
        *OF_ERRORS,
        rise=-1,
    ),
    _rate(
        "tool_error_rate",
        "Tool error rate",
        "Share of failed calls among those of injected tools, the only ones whose end is recorded.",
        _ERRORS,
        _RECORDABLE,
        LEFT_OUT,
        rise=-1,
    ),
)
_COVERAGE: Final = (
    _rate(
        "detail_coverage",
        "Detail coverage",
        "Share of the sessions that began in the period whose details are known.",
        Part(sessions="count(f.detailed_at)", kind="sum"),
        _BEGUN,
    ),
)

METRICS: Final[Mapping[str, Metric]] = {
    one.name: one for one in (*_MONEY, *_ACTIVITY, *_TOKENS, *_TOOLS, *_COVERAGE)
}
"""All metrics by name."""


def metric(name: str) -> Metric:
    """The metric of a name. Raises MetricError for a name that is none."""
    if name not in METRICS:
        raise MetricError(f"{name!r} is no metric; there are {', '.join(METRICS)}.")
    return METRICS[name]
