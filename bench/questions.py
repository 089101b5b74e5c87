"""What the dashboard asks: every aggregate of its pages, as statements of ``metrics``.

Each question also names the columns that it cannot be answered without, for the bare scan.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bridgeboard.model.scope import Scope
from bridgeboard.queries.adoption import active_people_windows
from bridgeboard.queries.metric_query import Query, select, select_top, values
from bridgeboard.queries.spend_cells import spend_cells

TOKENS: Final = ("input", "output", "cache_read", "cache_write")
HEADLINE: Final = (
    "spend",
    "requests",
    "total_tokens",
    "active_people",
    "sessions",
    "prompts",
    "tool_calls",
    "cache_hit_rate",
    "priced_rate",
)
TOOL_TABLE: Final = (
    "tool_calls",
    "active_people",
    "injected_calls",
    "tool_errors",
    "tool_error_rate",
)
_MONEY: Final = ("spend", "total_tokens", "requests")
_COUNTED: Final = ("cost", "requests", *TOKENS)
_SESSION_PAGE: Final = """
    WITH page AS (
        SELECT session, id, initiator, client, models, started_at, ended_at, threads
        FROM sessions
        WHERE started_at >= $1 AND started_at < $2 AND list_contains(models, $3)
        ORDER BY ended_at DESC, session DESC LIMIT 50),
    spent AS (
        SELECT session, sum(cost) AS cost FROM usage
        WHERE session IN (SELECT session FROM page) GROUP BY session)
    SELECT page.*, username, cost
    FROM page JOIN initiators USING (initiator) LEFT JOIN spent USING (session)
    ORDER BY ended_at DESC, session DESC"""
_MODEL: Final = "gpt-5.4"
_PERSON: Final = "person-17"


@dataclass(frozen=True)
class Question:
    """One thing a page shows: the statements that answer it, and the columns they need."""

    name: str
    ask: Callable[[Scope], list[Query]]
    columns: tuple[str, ...]
    table: str = "usage"


def _split(name: str, metrics: tuple[str, ...], *by: str, columns: tuple[str, ...]) -> Question:
    return Question(name, lambda scope: [select(metrics, by, scope)], columns)


def _by(dimension: str, *columns: str) -> Question:
    needed = (*_COUNTED, *(columns or (dimension,)))
    return _split(f"by_{dimension}", _MONEY, dimension, columns=needed)


def _headline(scope: Scope) -> list[Query]:
    return [select(HEADLINE, (), scope), select(HEADLINE, (), scope.previous())]


def _durations(scope: Scope) -> list[Query]:
    return [select(("duration_p50", "duration_p95", "requests"), ("model",), scope)]


def _tools(scope: Scope) -> list[Query]:
    return [select(("tool_calls", "tool_errors", "tool_error_rate"), ("tool",), scope)]


def _tool_table(scope: Scope) -> list[Query]:
    # The page asks for sessions by themselves: sessions_by_tool.
    return [select(TOOL_TABLE, ("tool",), scope)]


def _sessions_by_tool(scope: Scope) -> list[Query]:
    return [select(("sessions",), ("tool",), scope)]


def _top_tools(scope: Scope) -> list[Query]:
    return [select_top(("tool_calls",), ("day", "tool"), scope, rank_by="tool_calls", n=8)]


def _top(dimension: str) -> Question:
    by = ("day", dimension)
    return Question(
        f"day_top_{dimension}s_sessions",
        lambda scope: [select_top(("sessions",), by, scope, rank_by="sessions", n=8)],
        ("started_at",),
        "sessions",
    )


def _top_people(scope: Scope) -> list[Query]:
    return [select(_MONEY, ("initiator",), scope, order=("-spend",), limit=20)]


def _top_models(scope: Scope) -> list[Query]:
    return [select_top(_MONEY, ("day", "model"), scope, rank_by="spend", n=5)]


def _one_person(scope: Scope) -> list[Query]:
    return [select(_MONEY, ("day", "model"), scope.only("initiator", _PERSON))]


def _session_page(scope: Scope) -> list[Query]:
    period = [moment.replace(tzinfo=None) for moment in (scope.since, scope.until)]
    return [Query(_SESSION_PAGE, (*period, _MODEL))]


def _budget_days(scope: Scope) -> list[Query]:
    return [select(("spend",), ("day", by), scope) for by in ("team", "initiator", "model")]


QUESTIONS: Final = (
    Question(
        "headline_and_previous",
        _headline,
        (*_COUNTED, "initiator", "session", "prompts", "tool_calls", "priced_tokens"),
    ),
    _split("day_model", _MONEY, "day", "model", columns=(*_COUNTED, "started_at", "model")),
    Question(
        "spend_cells",
        lambda scope: [spend_cells(scope, ())],
        ("usage", "started_at", *TOKENS, "cache_write_1h", "web_searches", "tier", "cost"),
        "responses",
    ),
    Question(
        "spend_of_budgets", _budget_days, ("cost", "requests", "started_at", "initiator", "model")
    ),
    _split("week", _MONEY, "week", columns=(*_COUNTED, "started_at")),
    Question("top_people", _top_people, (*_COUNTED, "initiator")),
    _by("provider"),
    _by("provider_name"),
    _by("vendor"),
    _by("client"),
    _by("status"),
    _by("team", "initiator", "started_at"),
    _split("sessions_a_day", ("sessions",), "day", columns=("started_at",)),
    Question("durations_by_model", _durations, ("started_at", "ended_at", "model")),
    _split(
        "cache_rate_a_day",
        ("cache_hit_rate", "cache_saving"),
        "day",
        columns=("started_at", "input", "cache_read", "cache_write", "cache_saving"),
    ),
    Question("tools", _tools, ("tool", "failed"), "tool_calls"),
    Question(
        "tool_table",
        _tool_table,
        ("tool", "failed", "injected", "initiator"),
        "tool_calls",
    ),
    Question("sessions_by_tool", _sessions_by_tool, ("tool", "session"), "tool_calls"),
    Question("day_top_tools_and_other", _top_tools, ("tool", "started_at"), "tool_calls"),
    Question(
        "servers",
        lambda scope: [select(("tool_calls", "tool_error_rate"), ("server",), scope)],
        ("server_url", "failed"),
        "tool_calls",
    ),
    _split("hour_of_week", ("requests",), "weekday_hour", columns=("started_at", "requests")),
    Question(
        "people_1_7_28_days",
        lambda scope: [active_people_windows(scope)],
        ("started_at", "initiator"),
    ),
    Question("session_page", _session_page, ("started_at",), "sessions"),
    Question("one_person_day_model", _one_person, (*_COUNTED, "started_at", "model", "initiator")),
    Question("day_top_models_and_other", _top_models, (*_COUNTED, "started_at", "model")),
    _top("team"),
    Question("filter_values", lambda scope: [values("model", scope)], ("requests", "model")),
    Question(
        "spend_where_tool",
        lambda scope: [select(_MONEY, ("day",), scope.only("tool", "tool_3"))],
        (*_COUNTED, "started_at"),
    ),
)
