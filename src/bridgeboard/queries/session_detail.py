"""One session: whose it is, what it used, its threads, and its calls in order.

Numbers are those of the vocabulary over the rows that the store holds of the session, so that
calls add up to their thread, and threads with the rest to the session. Where the store holds no
row they are None, as nobody knows; but tokens of the session are then the server's own sums.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from bridgeboard.model.accuracy import of_usage
from bridgeboard.model.dimensions import UNASSIGNED, UNKNOWN
from bridgeboard.model.metric import TOKENS
from bridgeboard.model.metrics import METRICS
from bridgeboard.queries import session_columns
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.metric_sources import MEMBERS, PEOPLE, Arguments
from bridgeboard.queries.session_columns import COMMON_STATUS, SUMS, metric_sql
from bridgeboard.queries.typed_rows import columns, holdable, limited, selected

_METRICS: Final = {**session_columns.NUMBERS, "injected": "injected_calls"}
NUMBERS: Final[Mapping[str, str]] = {
    name: _METRICS.get(name, name)
    for name in (
        *("requests", "prompts", "tool_calls", "injected", "tool_errors"),
        *TOKENS,
        "unpriced_tokens",
        *("cost", "shadow_cost", "cache_saving"),
    )
}
"""Field → metric, in the order in which pages show them.

All are additive: those of disjoint parts add up to those of the whole.
"""

RECORDED: Final = " + ".join(f"{{0}}.{name}_sum" for name in TOKENS)
"""SQL: the server's own total of a row of ``usage``, ``threads`` or ``sessions``."""


def summed() -> str:
    """SQL of all numbers over rows ``f`` of ``usage``; NULL where there is no row."""
    return ", ".join(f"{metric_sql(name)} AS {field}" for field, name in NUMBERS.items())


THREADS: Final = 100
"""Threads on a page."""

Accuracy = Literal["exact", "aggregate"]


@dataclass(frozen=True, slots=True)
class Owner:
    """A session under an id, and whose it is; several people may use one id."""

    session: int
    id: str
    initiator_id: UUID
    person: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """A session as a whole.

    Attributes:
        team: that of the person when the session began.
        ended_at: when its last request ended, which is when it was last active.
        threads: whose first request is known; None before the details were read.
        tool_errors: None where nobody records how calls end.
        input, output, cache_read, cache_write: the server's own sums while no row is held.
        cost, shadow_cost, cache_saving: in pico-USD; None is not known.
        status: of the price of all of its usage; None where that is not the same.
        rows: of usage, that all numbers are sums of; ``exact_rows`` of them are requests that are
            known one by one, and of ``unread_rows`` only tokens are known.
        recorded_tokens: the server's own total, streamed answers counted more than once;
            ``held_tokens`` is as much of it as the rows account for.
        detailed_at: when its details were read; ``is_outdated`` when the list has changed since.
    """

    session: int
    id: str
    initiator_id: UUID
    person: str
    name: str
    team: str
    client: str | None
    providers: tuple[str, ...]
    models: tuple[str, ...]
    credential_kinds: tuple[str, ...]
    credential_hints: tuple[str, ...]
    started_at: datetime
    ended_at: datetime | None
    duration_seconds: float | None
    threads: int | None
    requests: int | None
    prompts: int | None
    tool_calls: int | None
    injected: int | None
    tool_errors: int | None
    input: int
    output: int
    cache_read: int
    cache_write: int
    priced_tokens: int | None
    unpriced_tokens: int | None
    cost: int | None
    shadow_cost: int | None
    cache_saving: int | None
    status: str | None
    rows: int
    exact_rows: int
    unread_rows: int
    recorded_tokens: int
    held_tokens: int
    network_total: int | None
    network_blocked: int | None
    detailed_at: datetime | None
    is_outdated: bool
    detail_problem: str | None

    @property
    def accuracy(self) -> Accuracy:
        """Whether all that is known are requests, or some of it is only sums of them."""
        return "exact" if self.rows and self.exact_rows == self.rows else "aggregate"

    @property
    def total_tokens(self) -> int:
        """All four counts."""
        return self.input + self.output + self.cache_read + self.cache_write

    @property
    def by_metric(self) -> Mapping[str, Any]:
        """Its numbers under the names of the vocabulary, for ``model.accuracy``."""
        return {
            **{metric: getattr(self, name) for name, metric in NUMBERS.items()},
            "threads": self.threads,
            "total_tokens": self.total_tokens,
            # While no row is held, its tokens are a sum of the server's.
            "summed_rows": self.rows - self.exact_rows if self.rows else 1,
            "unread_rows": self.unread_rows,
            **of_usage(self.cost, self.priced_tokens or 0, self.status),
        }


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread of a session, or, with no ``id`` and in the last place, all that is of none.

    Attributes:
        place: from 1 on, by time.
        model: that of its first request.
        root: our key of its first request; None where that is not held.
        has_prompt: whether its first request has one; None where nobody knows.
        status: of the price of all of its usage; None where that is not the same.
        recorded_tokens: the server's own total; 0 for threads that it tells no tokens of.
        summed_rows, unread_rows: what makes its numbers less than exact (``model.accuracy``).
    """

    place: int
    id: UUID | None
    started_at: datetime
    ended_at: datetime | None
    provider: str | None
    model: str | None
    credential_kind: str | None
    requests: int | None
    prompts: int | None
    tool_calls: int | None
    injected: int | None
    tool_errors: int | None
    input: int | None
    output: int | None
    cache_read: int | None
    cache_write: int | None
    unpriced_tokens: int | None
    cost: int | None
    shadow_cost: int | None
    cache_saving: int | None
    status: str | None
    recorded_tokens: int | None
    summed_rows: int | None
    unread_rows: int | None
    root: int | None
    has_prompt: bool | None
    error_type: str | None
    error_message: str | None

    @property
    def total_tokens(self) -> int | None:
        """All four counts; None where one of them is not known."""
        counts = [self.input, self.output, self.cache_read, self.cache_write]
        return None if None in counts else sum(map(int, filter(None, counts)))

    @property
    def by_metric(self) -> Mapping[str, Any]:
        """Its numbers under the names of the vocabulary, for ``model.accuracy``."""
        names = ("total_tokens", "summed_rows", "unread_rows")
        priced_tokens = (self.total_tokens or 0) - (self.unpriced_tokens or 0)
        return {
            **{metric: getattr(self, name) for name, metric in NUMBERS.items()},
            **{name: getattr(self, name) for name in names},
            **of_usage(self.cost, priced_tokens, self.status),
        }


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """How often a session called a tool, and how many calls failed; None is not recorded."""

    tool: str
    calls: int
    failures: int | None


def _different(column: str, table: str) -> str:
    listed = f"coalesce(list_sort(list(DISTINCT {column})), list_value())"
    return f"(SELECT {listed} FROM {table} WHERE {column} <> '')"


_OWN: Final = "own AS MATERIALIZED (SELECT f.* FROM usage f WHERE f.session = $1)"
_OWNER: Final = f"""
WITH {PEOPLE}
SELECT s.session, s.id, i.id, p.person, s.started_at
FROM sessions s JOIN initiators i USING (initiator) JOIN people p USING (initiator)
"""
_FOUND: Final = f"""{_OWNER}
WHERE s.id = $1 AND ($2 IS NULL OR i.id = TRY_CAST($2 AS UUID))
ORDER BY s.started_at DESC, s.session
"""
_HEAD_SQL: Final = {
    **{name: f"u.{name}" for name in (*NUMBERS, "priced_tokens", "rows", "exact_rows")},
    **{name: f"u.{name}" for name in ("status", "unread_rows", "held_tokens")},
    **{name: f"CASE WHEN u.rows = 0 THEN s.{name}_sum ELSE u.{name} END" for name in TOKENS},
    "initiator_id": "i.id",
    "person": f"coalesce(p.person, '{UNKNOWN}')",
    "name": "coalesce(i.name, '')",
    "team": "coalesce((SELECT min(m.team) FROM members m WHERE m.initiator = s.initiator"
    f" AND s.started_at >= m.valid_from AND s.started_at < m.valid_to), '{UNASSIGNED}')",
    "credential_kinds": _different("credential_kind", "kinds"),
    "credential_hints": _different("credential_hint", "own_threads"),
    "duration_seconds": "(epoch_us(s.ended_at) - epoch_us(s.started_at)) / 1e6",
    "threads": "coalesce(u.threads, nullif(s.threads, 0))",
    "recorded_tokens": f"CAST({RECORDED.format('s')} AS HUGEINT)",
    "is_outdated": "CAST(s.detailed_at IS NOT NULL"
    " AND s.detailed_digest IS DISTINCT FROM s.digest AS BOOLEAN)",
}
"""Field of a session → SQL, where it is no column of ``sessions``."""
_HEAD: Final = f"""
WITH {PEOPLE}, {MEMBERS}, {_OWN}, chosen AS (SELECT * FROM sessions WHERE session = $1),
own_threads AS (SELECT * FROM threads WHERE session = $1),
used AS (
    SELECT {summed()}, {SUMS["threads"]} AS threads, {COMMON_STATUS} AS status,
        {SUMS["priced_tokens"]} AS priced_tokens, count(*) AS rows,
        count(*) FILTER (WHERE f.grain = 'interception') AS exact_rows,
        count(*) FILTER (WHERE f.grain = 'session') AS unread_rows,
        coalesce(sum({RECORDED.format("f")}), 0) AS held_tokens
    FROM own f),
kinds AS (SELECT credential_kind FROM own UNION ALL SELECT credential_kind FROM own_threads)
SELECT {selected(Head, "s", _HEAD_SQL)}
FROM chosen s LEFT JOIN initiators i USING (initiator) LEFT JOIN people p USING (initiator)
CROSS JOIN used u
"""
_THREADS: Final = f"""
own_threads AS (SELECT * FROM threads WHERE session = $1),
used AS (
    SELECT f.thread AS thread, {summed()}, {COMMON_STATUS} AS status,
        min(f.started_at) AS began_at,
        max(coalesce(f.ended_at, f.started_at)) AS closed_at,
        arg_min(f.provider, (f.started_at, f.usage)) AS first_provider,
        arg_min(f.model, (f.started_at, f.usage)) AS first_model,
        min(f.credential_kind) AS kind,
        count(*) FILTER (WHERE f.grain <> 'interception') AS summed_rows,
        count(*) FILTER (WHERE f.grain = 'session') AS unread_rows,
        min(f.usage) FILTER (WHERE f.threads = 1) AS root,
        bool_or(f.prompts > 0) FILTER (WHERE f.threads = 1) AS has_prompt
    FROM usage f WHERE f.session = $1 GROUP BY f.thread),
joined AS (
    SELECT {", ".join(f"u.{name}" for name in NUMBERS)}, u.status, u.root, u.has_prompt,
        coalesce(t.id, u.thread) AS id,
        least(t.started_at, u.began_at) AS started_at,
        greatest(t.ended_at, u.closed_at) AS ended_at,
        coalesce(t.provider, u.first_provider) AS provider,
        coalesce(t.model, u.first_model) AS model,
        coalesce(t.credential_kind, u.kind) AS credential_kind,
        {RECORDED.format("t")} AS recorded_tokens, u.summed_rows, u.unread_rows,
        t.error_type, t.error_message
    FROM own_threads t FULL JOIN used u ON u.thread = t.id),
placed AS (
    SELECT *, row_number() OVER (ORDER BY id IS NULL, started_at, CAST(id AS VARCHAR))
        AS place FROM joined)
"""


def found(session_id: str, initiator_id: UUID | str | None = None) -> Query:
    """Sessions under an id, as ``Owner``, the newest first: one, if a person is given.

    Anything may be asked for: what is no session, or no id of a person, has no row.
    """
    whose = None if initiator_id is None else holdable(str(initiator_id))
    return Query(_FOUND, (holdable(session_id), whose))


def owners(sessions: tuple[int, ...]) -> Query:
    """Sessions by our keys, as ``Owner``, in no order."""
    into = Arguments()
    # No key is -1: brackets with nothing in them are no SQL.
    keys = into.listed(sessions or (-1,))
    return Query(f"{_OWNER} WHERE s.session IN {keys}", tuple(into.values))


def head(session: int) -> Query:
    """One row of ``Head``; none for a key that no session has."""
    return Query(_HEAD, (session,))


def threads(session: int, *, after: int = 0, limit: int | None = None) -> Query:
    """Rows of ``Thread`` in the order of their places, from behind ``after`` on."""
    sql = f"WITH {_THREADS} SELECT {columns(Thread)} FROM placed WHERE place > $2 ORDER BY place"
    return Query(sql + limited(limit), (session, after))


def tools(session: int) -> Query:
    """Rows of ``ToolCalls``, the tool that was called most first."""
    sql = (
        f"SELECT tool, count(*) AS calls, {METRICS['tool_errors'].parts[0].calls} AS failures"
        " FROM tool_calls f WHERE session = $1 GROUP BY tool ORDER BY calls DESC, tool"
    )
    return Query(sql, (session,))
