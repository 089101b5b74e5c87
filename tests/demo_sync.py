"""Stores synced from demo bridges in this process, and what they then hold."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import bridge_transport
import demo_worlds
import stores_of_the_run
import truth

from aibridge import Client, Retry
from bridgeboard import sync
from bridgeboard.demo import api
from bridgeboard.demo.records import Tables
from bridgeboard.model.store_status import Event
from bridgeboard.store import Store
from bridgeboard.sync import Options, interception_windows
from bridgeboard.sync.options import Context

NOW = demo_worlds.END + timedelta(minutes=1)
ADDRESS = "http://bridge"
TOKEN = "abcdefghij-klmnopqrstuvwxyzABCDEF"

CONTENTS = {
    "initiators": "SELECT * EXCLUDE (initiator) FROM initiators ORDER BY ALL",
    "usage": """
        SELECT u.* EXCLUDE (usage, initiator, session), i.id AS who, s.id AS part_of
        FROM usage u JOIN initiators i USING (initiator)
        LEFT JOIN sessions s ON s.session = u.session ORDER BY ALL""",
    "tool_calls": """
        SELECT c.* EXCLUDE (usage, initiator, session), u.id, i.id AS who, s.id AS part_of
        FROM tool_calls c JOIN usage u USING (usage)
        JOIN initiators i ON i.initiator = c.initiator
        LEFT JOIN sessions s ON s.session = c.session ORDER BY ALL""",
    "sessions": """
        SELECT s.* EXCLUDE (session, initiator, listed_at, detailed_at), i.id AS who
        FROM sessions s JOIN initiators i USING (initiator) ORDER BY ALL""",
    "threads": """
        SELECT t.* EXCLUDE (session, initiator), s.id AS part_of, i.id AS who
        FROM threads t JOIN sessions s USING (session)
        JOIN initiators i ON i.initiator = t.initiator ORDER BY ALL""",
} | {
    name: f"""
        SELECT c.* EXCLUDE (usage), u.id FROM {name} c JOIN usage u USING (usage) ORDER BY ALL"""
    for name in ("responses", "prompts", "tool_inputs")
}
"""All that a store holds of usage, without our keys and without when it was read."""


EXACT = CONTENTS | {
    "usage": """
        SELECT u.* EXCLUDE (usage, initiator, session, thread, threads, credential_kind,
                            cost, shadow_cost, cache_saving, status),
               u.cost + u.shadow_cost AS worth, i.id AS who
        FROM usage u JOIN initiators i USING (initiator) ORDER BY ALL""",
    "tool_calls": """
        SELECT c.* EXCLUDE (usage, initiator, session, credential_kind), u.id
        FROM tool_calls c JOIN usage u USING (usage) ORDER BY ALL""",
    "responses": """
        SELECT r.* EXCLUDE (usage, cost, shadow_cost, cache_saving, status, note), u.id
        FROM responses r JOIN usage u USING (usage) ORDER BY ALL""",
}
"""Likewise, but for the session and thread of a request, and what its credential means."""


def contents(store: Store, queries: Mapping[str, str] = CONTENTS) -> dict[str, str]:
    """A fingerprint of each table: equal for equal contents, however they came there."""
    return {name: _fingerprint(store.rows(query)) for name, query in queries.items()}


def _fingerprint(rows: list[tuple[Any, ...]]) -> str:
    return f"{len(rows)} rows, {hashlib.sha256(repr(rows).encode()).hexdigest()[:16]}"


def latest(count: int) -> Tables:
    """The small company's last so many interceptions and all that hangs on them."""
    tables = demo_worlds.small().tables
    rows = sorted(truth.finished(tables), key=lambda row: row.started_at)[-count:]
    kept = {row.id for row in rows}
    parts: dict[str, Any] = {
        name: tuple(row for row in getattr(tables, name) if row.interception_id in kept)
        for name in ("tokens", "prompts", "tools", "thoughts")
    }
    return Tables(tables.people, tables.providers, rows, **parts)


def bridge(tables: Tables, **options: Any) -> api.Bridge:
    """A bridge over tables, of the last version that lists interceptions, without a rate limit."""
    plain: dict[str, Any] = {"switches": api.Switches(rate_limit=None), "wall": lambda: NOW}
    tokens = api.holders(tables, api.tokens(tables, 1))
    return api.Bridge(tables, tokens=tokens, **(plain | options))


def at_once(total: int = 6) -> Retry:
    return Retry(total=total, backoff_factor=0, respect_retry_after_header=False)


@contextmanager
def client(served: api.Bridge, **options: Any) -> Iterator[Client]:
    """A client of the owner that talks to a bridge without any socket, and never waits."""
    plain = {"transport": bridge_transport.Transport(served), "retry": at_once()}
    with Client(ADDRESS, api.tokens(served.tables, 1)["owner"], **(plain | options)) as made:
        yield made


def run(store: Store, served: api.Bridge, *, now: datetime = NOW, **options: Any) -> list[Event]:
    """One whole run; it does not ask for the empty days before the first request of the bridge."""
    with client(served) as asking:
        return list(sync.run(asking, store, Options(**since(served, now) | options), now))


def since(served: api.Bridge, now: datetime) -> dict[str, Any]:
    """The option that leaves out the empty days before the first request of a bridge."""
    first = min((row.started_at for row in served.tables.interceptions), default=now)
    return {"since": min(first, now) - timedelta(days=2)}


def interceptions(
    store: Store, served: api.Bridge, *, now: datetime = NOW, **options: Any
) -> list[Event]:
    """The phase of a run that reads interceptions, alone."""
    context = Context(Options(**since(served, now) | options), now, "interceptions")
    with client(served) as asking:
        return list(interception_windows.read(asking, store, context))


@contextmanager
def opened(folder: Path, name: str = "store.duckdb") -> Iterator[Store]:
    with Store.open(folder / name, memory_mb=256, threads=2) as store:
        yield store


def whole(folder: Path, profile: str = "v2.34") -> AbstractContextManager[Store]:
    """An open store in a folder, with all that a version tells of the small company."""
    served = bridge(demo_worlds.small().tables, profile=profile)
    return stores_of_the_run.copied(f"whole {profile}", partial(run, served=served), folder)
