"""Stores with sessions to look at, and questions asked of them as a page does."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import demo_sync
import stores_of_the_run
import truth

from bridgeboard.demo.records import InterceptionRow, Tables
from bridgeboard.queries import session_detail
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.typed_rows import typed
from bridgeboard.store import Store

T = TypeVar("T")
PROFILES = {"exact": ("v2.34",), "summed": ("v2.35",), "upgraded": ("v2.34", "v2.35")}
"""What versions of the server a store was synced from; of two, the former saw half of it."""
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
_BEGAN = "TIMESTAMP '2026-03-01 12:00:00'"
LONG = 900_000
"""Key of the session that ``prolonged`` makes."""


@cache
def tables() -> Tables:
    """The end of the small company's quarter; some of its threads began before it."""
    return demo_sync.latest(350)


@cache
def own() -> dict[tuple[str, str], list[InterceptionRow]]:
    """The finished requests of each session, in order, by (session id, person id)."""
    found: dict[tuple[str, str], list[InterceptionRow]] = {}
    for row in sorted(truth.finished(tables()), key=lambda row: (row.started_at, row.id)):
        found.setdefault((row.session_id, row.initiator_id), []).append(row)
    return found


def synced(folder: Path, kind: str, **options: Any) -> AbstractContextManager[Store]:
    """An open store of a kind in a folder."""
    name = " ".join(["sessions", kind, *(f"{name}={value}" for name, value in options.items())])
    return stores_of_the_run.copied(name, partial(_sync, kind, options), folder)


def _sync(kind: str, options: dict[str, Any], store: Store) -> None:
    profiles = PROFILES[kind]
    for profile, now in zip(profiles, (middle(), demo_sync.NOW)[-len(profiles) :], strict=True):
        served = demo_sync.bridge(tables(), profile=profile, clock=partial(_same, now))
        demo_sync.run(store, served, now=now, **options)


def middle() -> datetime:
    """When half of all requests had begun."""
    begun = sorted(row.started_at for row in tables().interceptions)
    return begun[len(begun) // 2]


def _same(now: datetime) -> datetime:
    return now


def asked(store: Store, kind: Callable[..., T], question: Query) -> tuple[T, ...]:
    return typed(kind, store.rows(*question))


def only(store: Store, kind: Callable[..., T], question: Query) -> T:
    (row,) = asked(store, kind, question)
    return row


def keys(store: Store) -> dict[tuple[str, str], int]:
    """Our key of each session, by what the world calls it."""
    rows = store.rows(
        "SELECT s.id, i.id, s.session FROM sessions s JOIN initiators i USING (initiator)"
    )
    return {(id_, str(person)): key for id_, person, key in rows}


def head(store: Store, session: int) -> session_detail.Head:
    return only(store, session_detail.Head, session_detail.head(session))


def prolonged(store: Store, calls: int) -> None:
    """Add a session of so many calls in threads of fifty, each with a prompt and two tools."""
    started = f"{_BEGAN} + to_seconds(10 * n)"
    with store.write() as batch:
        batch.execute(
            "INSERT INTO sessions BY NAME SELECT $1 AS session, 'long' AS id,"
            " (SELECT min(initiator) FROM initiators) AS initiator, ['anthropic'] AS providers,"
            f" ['m'] AS models, {_BEGAN} AS started_at, 0 AS input_sum,"
            " 0 AS output_sum, 0 AS cache_read_sum, 0 AS cache_write_sum,"
            f" {_BEGAN} AS listed_at, 0 AS digest",
            [LONG],
        )
        batch.execute(
            f"INSERT INTO usage BY NAME SELECT {LONG} + n AS usage, md5('call' || n)::UUID AS id,"
            f" 'interception' AS grain, {started} AS started_at, {started} + to_seconds(4) AS"
            " ended_at, (SELECT min(initiator) FROM initiators) AS initiator, 'anthropic' AS"
            " provider, 'm' AS model, $1 AS session, md5('call' || n // 50 * 50)::UUID AS thread,"
            " (n % 50 = 0)::UTINYINT AS threads, 1 AS requests, 1 AS responses,"
            " (n % 50 = 0)::UINTEGER AS prompts, 2 AS tool_calls, 0 AS injected, 0 AS tool_errors,"
            " n AS input, 2 AS output, 3 AS cache_read, 4 AS cache_write, n AS input_sum,"
            " 2 AS output_sum, 3 AS cache_read_sum, 4 AS cache_write_sum, n + 9 AS priced_tokens,"
            " n AS cost, 0 AS shadow_cost, 0 AS cache_saving, 'priced' AS status, n AS digest"
            " FROM range($2) r(n)",
            [LONG, calls],
        )
        batch.execute(
            "INSERT INTO tool_calls BY NAME SELECT u.usage, k AS ordinal, u.started_at,"
            " u.ended_at AS called_at, u.grain, u.initiator, u.provider, u.model, u.session,"
            " 'Bash' AS tool, '' AS server_url, FALSE AS injected, FALSE AS failed, 7 AS input_hash"
            " FROM usage u, range(2) r(k) WHERE u.session = $1",
            [LONG],
        )
        batch.execute(
            "INSERT INTO prompts SELECT usage, started_at, 0, started_at,"
            " 'Please do step ' || usage FROM usage WHERE session = $1 AND prompts > 0",
            [LONG],
        )
        batch.execute(
            "INSERT INTO tool_inputs SELECT usage, started_at, ordinal,"
            " '{\"command\": \"make ' || ordinal || '\"}', '' FROM tool_calls WHERE session = $1",
            [LONG],
        )


def at(number: int) -> datetime:
    """When a call of the long session began."""
    return BEGAN + timedelta(seconds=10 * number)
