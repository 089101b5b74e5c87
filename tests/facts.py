"""A store for metrics, and what is in it as plain rows to count: both told from a demo world.

Nothing of the product fills it but the schema. Some rows are as a store has them midway: not yet
linked to a session, known as a sum only, without a price.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import truth
from demo_worlds import small

from bridgeboard.demo.records import InterceptionRow
from bridgeboard.pricing import family
from bridgeboard.queries.metric_query import Query
from bridgeboard.store.schema import MIGRATIONS

Row = dict[str, Any]
KINDS = ("input", "output", "cache_read", "cache_write")
PICO = 3_000_000
"""What every priced token costs."""
ALWAYS = (datetime(1900, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Facts:
    """The rows of ``usage``, ``calls`` and ``sessions``, with names in place of keys."""

    connection: duckdb.DuckDBPyConnection
    usage: list[Row]
    calls: list[Row]
    sessions: list[Row]

    def rows(self, query: Query) -> list[tuple[Any, ...]]:
        """What a query answers."""
        return self.connection.execute(query.sql, list(query.params)).fetchall()


@cache
def facts() -> Facts:
    """The small world with its oddities; made once."""
    world = small()
    rows = truth.finished(world.tables)
    people = {person.id: person for person in world.tables.people}
    members = _members()
    usage = [_usage(number, row) for number, row in enumerate(rows)]
    for row in usage:
        row["person"] = people[row["initiator_id"]].username
        row["team"] = _team(members, row["person"], row["started_at"])
    sessions = _sessions(usage)
    calls = _calls(usage)
    for row in sessions:
        row["team"] = _team(members, row["person"], row["started_at"])
    return Facts(_stored(usage, calls, sessions, members), usage, calls, sessions)


def _usage(number: int, row: InterceptionRow) -> Row:
    responses, recorded, prompts, tools = _children()
    own = responses.get(row.id, [])
    counts = truth.total(own)
    known = number % 7 != 0 and bool(own)
    is_linked = number % 11 != 0
    is_sum = number % 17 == 0
    is_own_key = row.credential_kind == "byok" and is_linked
    value = counts.total * PICO if known else None
    told = tools.get(row.id, [])
    return {
        "usage": 5 * number + 3,
        "id": row.id,
        "grain": "action" if is_sum else "interception",
        "started_at": row.started_at,
        "ended_at": None if is_sum else row.ended_at,
        "initiator_id": row.initiator_id,
        "provider": row.provider,
        "provider_name": None if is_sum else row.provider_name,
        "vendor": None if "vllm" in row.provider_name else row.provider,
        "model": None if is_sum and number % 2 else row.model,
        "client": row.client,
        "credential_kind": row.credential_kind if is_linked else None,
        "session_id": row.session_id if is_linked else None,
        "true_session_id": row.session_id,
        "thread": (row.thread_root_id or row.id) if is_linked else None,
        "threads": int(is_linked and row.thread_root_id is None),
        "requests": 1,
        "responses": 0 if is_sum else len(own),
        "prompts": prompts.get(row.id, 0),
        "tool_calls": len(told),
        "injected": sum(tool.injected for tool in told),
        "tool_errors": 0 if is_sum else sum(bool(tool.invocation_error) for tool in told),
        "recordable": 0
        if is_sum
        else sum(tool.injected or bool(tool.invocation_error) for tool in told),
        **{kind: getattr(counts, kind) for kind in KINDS},
        **{f"{kind}_sum": getattr(recorded[row.id], kind) for kind in KINDS},
        "priced_tokens": counts.total if known else 0,
        "cost": value and (0 if is_own_key else value),
        "shadow_cost": value and (value if is_own_key else 0),
        "cache_saving": (counts.cache_read - 2 * counts.cache_write) * PICO if known else None,
        "status": _status(own=bool(own), known=known, is_own_key=is_own_key),
        "digest": number,
    }


def _status(*, own: bool, known: bool, is_own_key: bool) -> str:
    if not own:
        return "unmetered"
    if not known:
        return "unpriced"
    return "notional" if is_own_key else "priced"


@cache
def _children() -> tuple[Row, Row, Row, Row]:
    tables = small().tables
    ids = {row.id: row for row in truth.finished(tables)}
    responses: Row = {}
    for (own, _), counts in truth.responses(tables, ids.values()).items():
        responses.setdefault(own, []).append(counts)
    tokens: Row = {own: [] for own in ids}
    for token in truth.token_rows(tables, ids.values()):
        tokens[token.interception_id].append(truth._counts(token))
    recorded = {own: truth.total(counts) for own, counts in tokens.items()}
    prompts: Row = {}
    for prompt in truth.prompts(tables, ids.values()):
        prompts[prompt.interception_id] = prompts.get(prompt.interception_id, 0) + 1
    tools: Row = {}
    for tool in truth.tool_calls(tables, ids.values()):
        tools.setdefault(tool.interception_id, []).append(tool)
    return responses, recorded, prompts, tools


def _calls(usage: Iterable[Row]) -> list[Row]:
    tools = _children()[3]
    return [
        {
            **row,
            "tool": tool.tool,
            "server_url": tool.server_url,
            "injected": tool.injected,
            "failed": None if row["grain"] == "action" else bool(tool.invocation_error),
            "ordinal": ordinal,
            "called_at": tool.created_at,
            "input_hash": ordinal,
        }
        for row in usage
        for ordinal, tool in enumerate(tools.get(row["id"], []))
    ]


def tool_errors(rows: Sequence[Row]) -> int | None:
    """Failed calls of some requests; None where there are calls, but none that could tell."""
    if any(row["tool_calls"] for row in rows) and not any(row["recordable"] for row in rows):
        return None
    return sum(row["tool_errors"] for row in rows)


def _sessions(usage: Iterable[Row]) -> list[Row]:
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in usage:
        grouped.setdefault((row["true_session_id"], row["initiator_id"]), []).append(row)
    return [_session(key, own) for key, own in enumerate(grouped.values())]


def _session(key: int, own: list[Row]) -> Row:
    first = min(own, key=lambda row: row["started_at"])
    for row in own:
        row["session"] = None if row["session_id"] is None else key
    return {
        "session": key,
        "id": first["true_session_id"],
        "person": first["person"],
        "initiator_id": first["initiator_id"],
        "client": first["client"],
        "providers": sorted({row["provider"] for row in own}),
        "models": sorted({row["model"] for row in own if row["model"]}),
        "started_at": first["started_at"],
        "detailed_at": None if key % 5 == 0 else first["started_at"],
    }


def _members() -> list[tuple[str, str, datetime, datetime]]:
    """Everybody in the team that the world says; one has moved just when a request began."""
    world = small()
    told = sorted((name, team) for team, names in world.teams.items() for name in names)
    moved, team = told[0]
    person = next(one.id for one in world.tables.people if one.username == moved)
    begun = sorted(row.started_at for row in truth.finished(world.tables, person_id=person))
    moves_at = begun[len(begun) // 2]
    return [
        (moved, "Elsewhere", ALWAYS[0], moves_at),
        (moved, team, moves_at, ALWAYS[1]),
        *((name, team, *ALWAYS) for name, team in told[1:]),
    ]


def _team(
    members: Iterable[tuple[str, str, datetime, datetime]], person: str, at: datetime
) -> str | None:
    found = [team for name, team, since, until in members if name == person and since <= at < until]
    return found[0] if found else None


def _stored(
    usage: list[Row],
    calls: list[Row],
    sessions: list[Row],
    members: Iterable[tuple[str, str, datetime, datetime]],
) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute(";".join(MIGRATIONS))
    people = sorted(small().tables.people, key=lambda person: person.id)
    keys = {person.id: number for number, person in enumerate(people, 100)}
    _insert(
        connection,
        "initiators",
        [
            {"initiator": keys[one.id], "id": one.id, "username": one.username, "name": one.name}
            for one in people
        ],
    )
    names = ("username", "team", "valid_from", "valid_to")
    _insert(
        connection,
        "memberships",
        [dict(zip(names, (row[0].lower(), *row[1:]), strict=True)) for row in members],
    )
    models = sorted({row["model"] for row in usage if row["model"]})
    # Of what has no name yet, the id is shown.
    names = [
        {"model": model, "family": family(model)} for model in models if family(model) != model
    ]
    _insert(connection, "families", names)
    empty = {"network_total": None, "listed_at": ALWAYS[0], "digest": 0}
    sums = dict.fromkeys((f"{kind}_sum" for kind in KINDS), 0)
    sessions = [{**row, **empty, **sums} for row in sessions]
    for table, rows in (("usage", usage), ("tool_calls", calls), ("sessions", sessions)):
        _insert(
            connection, table, [{**row, "initiator": keys[row["initiator_id"]]} for row in rows]
        )
    return connection


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[Row]) -> None:
    told = connection.execute(f"SELECT * FROM {table} LIMIT 0").fetchall()
    assert told == []
    columns = [column[0] for column in connection.description if column[0] in rows[0]]
    plain = [{name: _naive(row[name]) for name in columns} for row in rows]
    given = pa.Table.from_pylist(plain)
    connection.register("given", given)
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM given")
    connection.unregister("given")


def _naive(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
