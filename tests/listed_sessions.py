"""The world of ``facts`` as a list of sessions: some not read yet, some failed, some with text.

Every row that the list should show is counted here by plain Python.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
from dashboard_store import TABLES
from facts import ALWAYS, KINDS, Row, facts, tool_errors

from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import UNASSIGNED, UNKNOWN
from bridgeboard.model.scope import Scope
from bridgeboard.pricing import family
from bridgeboard.queries.metric_query import Query
from bridgeboard.store.schema import MIGRATIONS

EVERYTHING = Scope(datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
WORDS = ("Deploy", "the", "Straße", "100%", "a_b", "O'Brien", "pagination", "Fehler")


@dataclass(frozen=True)
class Listed:
    """A store, the rows of its whole list, and what these are made of."""

    connection: duckdb.DuckDBPyConnection
    rows: list[Row]
    usage: list[Row]
    calls: list[Row]
    texts: list[Row]
    sessions: list[Row]

    def ask(self, query: Query) -> Answer:
        """What a question is answered."""
        told = self.connection.execute(query.sql, list(query.params))
        return Answer.of([column[0] for column in told.description], told.fetchall())

    def rows_of(self, scope: Scope, passing: list[Row], called: list[Row] | None) -> list[Row]:
        """The rows of a scope's list: of sessions of passing requests, and of unread ones.

        ``called`` are the calls that count, where the scope is about some tools only.
        """
        kept = {text["usage"] for text in self.texts}
        names = _names(self.connection)
        parts, wholes, calls = defaultdict(list), defaultdict(list), defaultdict(list)
        for rows, by in ((passing, parts), (self.usage, wholes), (called or [], calls)):
            for row in rows:
                by[row["session"]].append(row)
        return [
            _row(each, parts[key], wholes[key], names, kept, None if called is None else calls[key])
            | {"failed_threads": _failed(each, scope)}
            for each in self.sessions
            if parts[key := each["session"]]
            or (not wholes[key] and is_unread_in(each, names[str(each["initiator_id"])][0], scope))
        ]


def empty() -> Listed:
    """A store without anything."""
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute(";".join(MIGRATIONS))
    return Listed(connection, [], [], [], [], [])


@cache
def listed() -> Listed:
    """The world; made once, never written to."""
    connection = empty().connection
    for table in TABLES:
        connection.register("given", facts().connection.sql(f"FROM {table}").to_arrow_table())
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM given")
    connection.unregister("given")
    usage = [dict(row) for row in facts().usage]
    for row in usage:
        if row["session"] is not None and not _is_read(row["session"]):
            row["session"] = row["thread"] = None
    sessions = [_session(row) for row in facts().sessions]
    texts = _texts(usage)
    _write(connection, sessions, texts)
    calls = [
        {**call, "session": None}
        if call["session"] is not None and not _is_read(call["session"])
        else call
        for call in facts().calls
    ]
    told = Listed(connection, [], usage, calls, texts, sessions)
    return replace(told, rows=told.rows_of(EVERYTHING, usage, None))


def is_unread_in(each: Row, person: str, scope: Scope) -> bool:
    """Whether a session of which no request is known is in a scope."""
    own = {
        "initiator": person,
        "team": each["team"] or UNASSIGNED,
        "client": each["client"] or UNKNOWN,
    }
    others = {name for name, _ in (*scope.include, *scope.exclude)} - set(own)
    listed: list[dict[str, str]] = [{}]
    if others == {"provider"}:
        listed = [{"provider": one} for one in each["providers"] or [UNKNOWN]]
    elif others and others <= {"model", "family"}:
        listed = [{"model": one, "family": family(one)} for one in each["models"] or [UNKNOWN]]
    elif others:
        return False
    return scope.since <= each["started_at"] < scope.until and any(
        all({**own, **one}[name] in wanted for name, wanted in scope.include)
        and not any({**own, **one}[name] in left for name, left in scope.exclude)
        for one in listed
    )


def _is_read(session: int) -> bool:
    return session % 9 != 4


def _session(row: Row) -> Row:
    key = row["session"]
    told = {
        **row,
        "ended_at": None
        if key % 8 == 1
        else row["started_at"] + timedelta(seconds=key * 37 % 5000),
        "threads": key % 4 + 1 if _is_read(key) else None,
        "detailed_at": ALWAYS[0] if _is_read(key) else None,
        "failed": key % 3 if key % 6 == 2 and _is_read(key) else 0,
    }
    return told | {f"{kind}_sum": 1000 * (key + place) for place, kind in enumerate(KINDS)}


def _texts(usage: list[Row]) -> list[Row]:
    """A prompt or two of two requests in three."""
    found = []
    for number, row in enumerate(usage):
        for ordinal in range(number % 3):
            words = [WORDS[(number + step * ordinal) % len(WORDS)] for step in range(4)]
            found.append({**row, "ordinal": ordinal, "text": " ".join([*words, f"#{number}"])})
    return found


def _write(connection: duckdb.DuckDBPyConnection, sessions: list[Row], texts: list[Row]) -> None:
    for table in ("usage", "tool_calls"):
        connection.execute(f"UPDATE {table} SET session = NULL WHERE session % 9 = 4")
    connection.execute("UPDATE usage SET thread = NULL WHERE session IS NULL")
    numbers = ("session", "threads", "failed", *(f"{kind}_sum" for kind in KINDS))
    columns: dict[str, Any] = {name: [row[name] for row in sessions] for name in numbers}
    for name in ("ended_at", "detailed_at"):
        columns[name] = pa.array([_naive(row[name]) for row in sessions], pa.timestamp("us"))
    connection.register("given", pa.table(columns))
    updates = ", ".join(f"{name} = given.{name}" for name in columns.keys() - {"session", "failed"})
    connection.execute(
        f"UPDATE sessions SET {updates} FROM given WHERE sessions.session = given.session"
    )
    connection.execute(
        "INSERT INTO threads SELECT session, uuid(), initiator, 'openai', 'gpt', NULL, NULL,"
        " started_at, NULL, 0, 0, 0, 0, 0, CASE WHEN number > 0 THEN 'overloaded' END, NULL"
        " FROM (SELECT s.*, unnest(range(g.failed + 1)) AS number"
        " FROM sessions s JOIN given g USING (session))"
    )
    connection.unregister("given")
    put_prompts(connection, texts)


def put_prompts(connection: duckdb.DuckDBPyConnection, texts: list[Row]) -> None:
    """Write prompts: ``usage``, ``started_at``, ``ordinal``, ``text``."""
    moments = pa.array([_naive(row["started_at"]) for row in texts], pa.timestamp("us"))
    columns: dict[str, Any] = {
        name: [row[name] for row in texts] for name in ("usage", "ordinal", "text")
    }
    connection.register("given", pa.table(columns | {"moment": moments}))
    connection.execute("INSERT INTO prompts SELECT usage, moment, ordinal, moment, text FROM given")
    connection.unregister("given")


def _names(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str | None]]:
    people = connection.execute("SELECT id::VARCHAR, username, name FROM initiators").fetchall()
    often = Counter(username for _, username, _ in people)
    return {
        own: (f"{username} ({own[:8]})" if often[username] > 1 else username, name or None)
        for own, username, name in people
    }


def _row(  # noqa: PLR0917  # what a row is made of, told once
    each: Row,
    own: list[Row],
    whole: list[Row],
    names: dict[str, Any],
    kept: set[int],
    called: list[Row] | None,
) -> Row:
    person, name = names[str(each["initiator_id"])]
    ended_at = each["ended_at"]
    exact = bool(own) and all(row["grain"] == "interception" for row in own)
    is_all = len(own) == len(whole) and (
        called is None or len(called) == sum(row["tool_calls"] for row in whole)
    )
    statuses = {row["status"] for row in own} - {"unmetered"}
    return {
        "session": each["session"],
        "id": each["id"],
        "person": person,
        "name": name,
        "team": each["team"] or UNASSIGNED,
        "client": each["client"] or None,
        "providers": tuple(each["providers"]),
        "models": tuple(each["models"]),
        "credential_kinds": tuple(
            sorted({row["credential_kind"] for row in whole if row["credential_kind"]})
        ),
        "started_at": each["started_at"],
        "last_active_at": ended_at,
        "duration_seconds": ended_at and (ended_at - each["started_at"]).total_seconds(),
        "extent": ("all" if is_all else "part") if own else None,
        **numbers(own, called),
        "failed_threads": None,
        "whole_requests": _sum(whole, "requests"),
        "whole_tokens": sum(_sum(whole, kind) if whole else each[f"{kind}_sum"] for kind in KINDS),
        "whole_cost": _sum(whole, "cost"),
        "whole_unpriced_tokens": numbers(whole)["unpriced_tokens"],
        "whole_summed_rows": numbers(whole)["summed_rows"] if whole else 1,
        "accuracy": "exact" if exact else "aggregate",
        "status": statuses.pop() if len(statuses) == 1 else None,
        "has_text": any(row["usage"] in kept for row in whole),
        "has_details": each["detailed_at"] is not None,
    }


def _failed(each: Row, scope: Scope) -> int | None:
    """Threads that failed: all begin with their session here, and none has a request."""
    if not each["detailed_at"]:
        return None
    is_in = scope.since <= each["started_at"] < scope.until
    return each["failed"] if is_in and not (scope.include or scope.exclude) else 0


def numbers(own: list[Row], called: list[Row] | None = None) -> Row:
    """The numbers of some requests, of ``called`` calls only where these are told apart."""
    tokens = {kind: _sum(own, kind) for kind in KINDS}
    prompt_tokens = sum(tokens[kind] or 0 for kind in KINDS if kind != "output")
    total = sum(tokens[kind] for kind in KINDS) if own else None
    calls, errors = _sum(own, "tool_calls"), tool_errors(own) if own else None
    if called is not None and own:
        failed = [row["failed"] for row in called if row["failed"] or row["injected"]]
        known = [each for each in failed if each is not None]
        calls, errors = len(called), sum(known) if known or not called else None
    return {
        "threads": _sum([row for row in own if row["thread"]], "threads"),
        "requests": _sum(own, "requests"),
        "prompts": _sum(own, "prompts"),
        "tool_calls": calls,
        "tool_errors": errors,
        **tokens,
        "cost": _sum(own, "cost"),
        "total_tokens": total,
        "recorded_tokens": sum(row[f"{kind}_sum"] for row in own for kind in KINDS)
        if own
        else None,
        "cache_hit_rate": tokens["cache_read"] / prompt_tokens if prompt_tokens else None,
        "shadow_cost": _sum(own, "shadow_cost"),
        "unpriced_tokens": total - _sum(own, "priced_tokens") if own else None,
        "summed_rows": sum(row["grain"] != "interception" for row in own) if own else None,
        "unread_rows": sum(row["grain"] == "session" for row in own) if own else None,
    }


def _sum(own: list[Row], name: str) -> int | None:
    known = [row[name] for row in own if row[name] is not None]
    return sum(known) if known else None


def _naive(at: datetime | None) -> datetime | None:
    return at and at.astimezone(UTC).replace(tzinfo=None)
