"""Requests one by one: a list by time or any number, and all that the store knows of one of them.

Not in the store are the metadata and the user agent of a request, ids of responses, and raw token
rows: only a server that lists interceptions tells them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from bridgeboard.model.accuracy import of_usage
from bridgeboard.model.dimensions import UNASSIGNED, UNKNOWN
from bridgeboard.model.errors import ListError
from bridgeboard.model.metric import TOKEN_METRICS, TOKENS
from bridgeboard.model.scope import Scope
from bridgeboard.model.times import stored
from bridgeboard.queries import list_order
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.metric_sources import MEMBERS, PEOPLE, Arguments, asked, rows, tables
from bridgeboard.queries.session_columns import FAILED, TOOL_ERRORS
from bridgeboard.queries.typed_rows import Key, columns, holdable, limited, selected

PAGE: Final = 50
"""Requests on a page."""
NUMBERS: Final[Mapping[str, str]] = {
    "total_tokens": "total_tokens",
    **dict(zip(TOKENS, TOKEN_METRICS, strict=True)),
    "cost": "spend",
    "shadow_cost": "shadow_cost",
    "prompts": "prompts",
    "tool_calls": "tool_calls",
    "tool_errors": "tool_errors",
}
"""Field of a request → metric."""


@dataclass(frozen=True, slots=True)
class Interception:
    """A request.

    Attributes:
        usage: our key; ``id`` is the server's.
        grain: "interception" comes from the list of requests, all else from details of a session.
        duration_seconds: None where the end is unknown.
        family: what the model of the id ``model`` is called.
        session: our key of its session, ``session_id`` the client's; None is not known.
        tool_errors: None where nobody records how calls end.
        priced_tokens: tokens whose price is known; with others, the cost is a lower bound.
        cost, shadow_cost: in pico-USD; None is not known.
        error_type: why it failed, if it is known to have; only of the first in a thread.
        sorted_by: the number that the list is sorted by; None where it is unknown, and by time.
    """

    usage: int
    id: UUID | None
    grain: str
    started_at: datetime
    ended_at: datetime | None
    duration_seconds: float | None
    initiator_id: UUID | None
    person: str
    team: str
    client: str | None
    provider: str
    provider_name: str | None
    model: str | None
    family: str | None
    session: int | None
    session_id: str | None
    thread: UUID | None
    credential_kind: str | None
    responses: int
    prompts: int
    tool_calls: int
    tool_errors: int | None
    input: int
    output: int
    cache_read: int
    cache_write: int
    priced_tokens: int
    cost: int | None
    shadow_cost: int | None
    status: str
    error_type: str | None
    sorted_by: int | None

    @property
    def total_tokens(self) -> int:
        """All four counts."""
        return self.input + self.output + self.cache_read + self.cache_write

    @property
    def by_metric(self) -> Mapping[str, Any]:
        """Its numbers under the names of the vocabulary, for ``model.accuracy``."""
        return {
            **{metric: getattr(self, name) for name, metric in NUMBERS.items()},
            "unpriced_tokens": self.total_tokens - self.priced_tokens,
            **of_usage(self.cost, self.priced_tokens, self.status),
            "summed_rows": int(self.grain != "interception"),
            "unread_rows": 0,
        }

    @property
    def key(self) -> Key:
        """What to ask for the requests before or after it with."""
        return Key(self.started_at, self.usage, self.sorted_by)


@dataclass(frozen=True, slots=True)
class Detail(Interception):
    """A request with what else is known of it; ``..._sum`` are the server's own sums."""

    vendor: str | None
    api_key_id: str | None
    credential_hint: str | None
    error_message: str | None
    requests: int
    injected: int
    cache_saving: int | None
    input_sum: int
    output_sum: int
    cache_read_sum: int
    cache_write_sum: int


@dataclass(frozen=True, slots=True)
class Response:
    """One answer of a provider with its price, as ``pricing.price`` tells it.

    Attributes:
        place: from 1 on, by time.
        cache_write_1h: of ``cache_write``, what is kept for an hour.
        negatives: how many counts were below zero, and taken as zero.
        tier: the prompt size above which this price holds; -1 for all.
        cost, shadow_cost, cache_saving: in pico-USD; None is not known.
    """

    place: int
    answered_at: datetime
    input: int
    output: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    web_searches: int
    service_tier: str | None
    negatives: int
    split_unknown: bool
    split_clamped: bool
    total_mismatch: bool
    cost: int | None
    shadow_cost: int | None
    cache_saving: int | None
    status: str
    tier: int
    price_id: str | None
    source: str | None
    note: str | None


_MICROSECONDS: Final = "(epoch_us(f.ended_at) - epoch_us(f.started_at))"
VALUES: Final[Mapping[str, str]] = {
    **{name: f"f.{name}" for name in (*TOKENS, "tool_calls")},
    "cost": "CASE WHEN f.cost <> 0 OR f.priced_tokens >="
    " f.input + f.output + f.cache_read + f.cache_write THEN f.cost END",
    "duration_seconds": _MICROSECONDS,
    "tool_errors": TOOL_ERRORS,
}
"""Number that a list can be sorted by → SQL, a whole number; NULL is unknown.

A cost of 0 is unknown if some tokens have no price, as it is in the cell.
"""


@dataclass(frozen=True)
class Order(list_order.Order):
    """By what requests are sorted. Equal ones are in order of time, the newest first."""

    columns: ClassVar[Collection[str]] = ("started_at", *VALUES)

    @property
    def value(self) -> str:
        """SQL of what decides before the time; empty for nothing."""
        return VALUES.get(self.name, "")

    @property
    def is_newest_first(self) -> bool:
        """Whether equal ones are, or all where only the time decides."""
        return self.descending or bool(self.value)


NEWEST_FIRST: Final = Order()

_SQL: Final = {
    "session_id": "s.id",
    "initiator_id": "i.id",
    "person": f"coalesce(p.person, '{UNKNOWN}')",
    "family": "coalesce(n.family, f.model)",
    "duration_seconds": f"{_MICROSECONDS} / 1e6",
    "team": "coalesce((SELECT min(m.team) FROM members m WHERE m.initiator = f.initiator"
    f" AND f.started_at >= m.valid_from AND f.started_at < m.valid_to), '{UNASSIGNED}')",
    "tool_errors": TOOL_ERRORS,
    "credential_hint": "t.credential_hint",
    "error_type": "t.error_type",
    "error_message": "t.error_message",
}
"""Field of a request → SQL, where it is no column of ``chosen``."""
_JOINED: Final = """
FROM chosen f LEFT JOIN initiators i USING (initiator) LEFT JOIN people p USING (initiator)
LEFT JOIN sessions s ON s.session = f.session
LEFT JOIN threads t ON t.id = f.id
LEFT JOIN families n ON n.model = f.model
"""
_FAILED: Final = f"(f.tool_errors > 0 OR f.id IN (SELECT t.id FROM threads t WHERE {FAILED}))"
_DETAIL: Final = f"""
WITH {PEOPLE}, {MEMBERS}, chosen AS MATERIALIZED (
    SELECT *, NULL AS sorted_by FROM usage WHERE usage = $1)
SELECT {selected(Detail, "f", _SQL)} {_JOINED}
"""
_RESPONSES: Final = f"""
SELECT {columns(Response)} FROM (
    SELECT *, row_number() OVER (ORDER BY answered_at, input, output, cache_read, cache_write)
        AS place
    FROM responses WHERE usage = $1) ORDER BY place
"""
_FOUND: Final = "SELECT max(usage) FROM usage WHERE id = TRY_CAST($1 AS UUID) AND requests > 0"


def interceptions(
    scope: Scope,
    order: Order = NEWEST_FIRST,
    *,
    errors_only: bool = False,
    after: Key | None = None,
    before: Key | None = None,
    limit: int = PAGE,
) -> Query:
    """Rows of ``Interception`` in a scope, in an order.

    They are what the metric "requests" counts. Tools, servers and states of prices are
    dimensions of the scope.

    Args:
        scope: period and filters.
        order: by what they are sorted.
        errors_only: only those with a tool call that failed, or that failed themselves.
        after: only those after this row: the page after the one that it ends.
        before: only those before it, next to it: the page before the one that it begins.
        limit: how many at most.

    Raises:
        ListError: for both ends at once.
    """
    if after and before:
        raise ListError("A page lies after a row or before one, not both.")
    into = Arguments()
    sql = _chosen(scope, into, errors_only=errors_only)
    if key := after or before:
        sql += f" AND {_beyond(order, key, into, is_before=before is not None)}"
    sql += f" ORDER BY {_ordered(order, order.value, is_reversed=before is not None)}"
    common = tables(asked([], scope) | {"initiator", "team"})
    return Query(
        f"WITH {', '.join(common)}, chosen AS MATERIALIZED ("
        f"SELECT f.*, {order.value or 'NULL'} AS sorted_by {sql}{limited(limit)})"
        f" SELECT {selected(Interception, 'f', _SQL)} {_JOINED}"
        f" ORDER BY {_ordered(order, order.value and 'f.sorted_by')}",
        tuple(into.values),
    )


def counted(
    scope: Scope,
    order: Order = NEWEST_FIRST,
    *,
    errors_only: bool = False,
    before: Key | None = None,
) -> Query:
    """One row, ``requests``: how many ``interceptions`` tells, all or those before a row."""
    into = Arguments()
    sql = _chosen(scope, into, errors_only=errors_only)
    if before:
        sql += f" AND {_beyond(order, before, into, is_before=True)}"
    common = tables(asked([], scope))
    prefix = f"WITH {', '.join(common)} " if common else ""
    return Query(f"{prefix}SELECT count(*) AS requests {sql}", tuple(into.values))


def found(interception: UUID | str) -> Query:
    """One row with our key of a request of the server's id; None in it where there is none."""
    return Query(_FOUND, (holdable(str(interception)),))


def detail(usage: int) -> Query:
    """One row of ``Detail``; none for a key that no request has."""
    return Query(_DETAIL, (usage,))


def responses(usage: int) -> Query:
    """Rows of ``Response`` of a request, by time. A sum has at most one, of sums."""
    return Query(_RESPONSES, (usage,))


def _chosen(scope: Scope, into: Arguments, *, errors_only: bool) -> str:
    """FROM and WHERE of the requests of a scope, ``f``."""
    source = rows("usage", [], scope, into).text + " AND f.requests > 0"
    return f"{source} AND {_FAILED}" if errors_only else source


def _ordered(order: Order, value: str, *, is_reversed: bool = False) -> str:
    way = "DESC" if order.is_newest_first != is_reversed else "ASC"
    first = f"{order.by(value, is_reversed=is_reversed)}, " if value else ""
    return f"{first}f.started_at {way}, f.usage {way}"


def _beyond(order: Order, key: Key, into: Arguments, *, is_before: bool) -> str:
    """Whether a row ``f`` comes after a place, or before it."""
    at, usage = into.bound(stored(key.started_at)), into.bound(key.usage)
    sign = "<" if order.is_newest_first != is_before else ">"
    tied = f"f.started_at {sign}= {at} AND (f.started_at {sign} {at} OR f.usage {sign} {usage})"
    if not order.value:
        return tied
    return order.beyond(order.value, key.value, tied, into, is_before=is_before)
