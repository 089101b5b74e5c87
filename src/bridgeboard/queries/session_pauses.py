"""The responses of a session in order, as far as they tell what its caches held."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from bridgeboard.model.metric import TOKENS
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.typed_rows import selected


@dataclass(frozen=True, slots=True)
class Response:
    """A response of a session's request; one without tokens for a request that has none.

    Attributes:
        is_request: whether its request is known one by one.
        place, place_in_thread: of its request, from 1 on, by time.
        split_unknown: whether nobody knows how long what it wrote is cached.
    """

    usage: int
    place: int
    thread: UUID | None
    place_in_thread: int
    is_request: bool
    started_at: datetime
    ended_at: datetime | None
    provider: str
    provider_name: str | None
    model: str | None
    credential_kind: str | None
    answered_at: datetime | None
    input: int
    output: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    web_searches: int
    service_tier: str | None
    split_unknown: bool
    cost: int | None
    shadow_cost: int | None
    status: str


_SQL: Final = {
    "is_request": "CAST(f.grain = 'interception' AS BOOLEAN)",
    "answered_at": "r.answered_at",
    **{name: f"coalesce(r.{name}, 0)" for name in (*TOKENS, "cache_write_1h")},
    "web_searches": "coalesce(r.web_searches, 0)",
    "service_tier": "r.service_tier",
    "split_unknown": "coalesce(r.split_unknown, FALSE)",
    "cost": "r.cost",
    "shadow_cost": "r.shadow_cost",
    "status": "coalesce(r.status, f.status)",
}


def responses(session: int) -> Query:
    """Rows of ``Response`` by time; of a request by when they were answered."""
    placed = (
        "SELECT *, row_number() OVER (ORDER BY started_at, usage) AS place, row_number() OVER"
        " (PARTITION BY thread ORDER BY started_at, usage) AS place_in_thread"
        " FROM usage WHERE session = $1"
    )
    return Query(
        f"WITH own AS ({placed}) SELECT {selected(Response, 'f', _SQL)}"
        " FROM own f LEFT JOIN responses r ON r.usage = f.usage"
        " ORDER BY f.started_at, f.usage, r.answered_at",
        (session,),
    )
