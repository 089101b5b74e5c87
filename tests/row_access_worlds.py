"""Stores to look at with a row access, stores that hold no more than it shows, every question.

What a row access shows is counted here by plain Python over all rows: nothing of the product is
asked whose a row is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import stores_of_the_run
from listed_sessions import listed

from bridgeboard.analysis import coverage, invariants, sync_history
from bridgeboard.analysis.radar.sweep import sweep
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries import recorded_text, request_list, session_detail, session_pauses
from bridgeboard.queries import session_calls as one_call
from bridgeboard.queries.adoption import active_people_windows, cohort_people, cohorts, presence
from bridgeboard.queries.metric_query import Query, first_seen, select, select_top, values
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.session_list import listing
from bridgeboard.queries.session_totals import count as sessions_found
from bridgeboard.queries.session_totals import totals
from bridgeboard.queries.text_search import Search, slices, spread
from bridgeboard.store import Reader, Store
from bridgeboard.store.schema import MIGRATIONS

Row = dict[str, Any]
WORK = """
INSERT INTO runs VALUES (1, TIMESTAMP '2026-11-16 15:00:00', TIMESTAMP '2026-11-16 15:01:00',
    'interceptions', 'done', 10, 10, 1, 1, 1, 3, 'of session s-1');
INSERT INTO windows VALUES
    ('sessions', NULL, NULL, '00000000-0000-4000-8000-000000000001', 3, TIMESTAMP '2026-11-16',
    NULL);
INSERT INTO quarantine VALUES (TIMESTAMP '2026-11-16', 'thread', 'x', 'bad: secret', '{}', 1);
INSERT INTO anomalies VALUES (TIMESTAMP '2026-11-16', 'short', 'the session s-1 is short');
UPDATE usage SET api_key_id = 'key-' || initiator;
UPDATE threads SET error_message = 'quoting a prompt', credential_hint = 'sk...'
    WHERE error_type IS NOT NULL;
INSERT INTO tool_inputs
    SELECT usage, started_at, ordinal, 'deploy ' || usage, '' FROM tool_calls WHERE usage % 2 = 0;
INSERT INTO last_prompts SELECT session, started_at, 'the last of ' || session FROM sessions;
INSERT INTO thinking
    SELECT session, id, started_at, 0, 'how to deploy' FROM usage
    WHERE session IS NOT NULL AND usage % 3 = 0;
INSERT INTO responses
    SELECT usage, started_at, started_at, input, output, cache_read, cache_write, 0, 0, NULL, 0,
        FALSE, FALSE, FALSE, cost, shadow_cost, cache_saving, status, -1, NULL, NULL, NULL
    FROM usage WHERE responses > 0;
INSERT INTO meta VALUES ('text', 'all');
INSERT INTO vocabulary
    SELECT min(usage), max(usage), min(started_at), max(started_at), count(*), 'deploy'
    FROM prompts"""
"""Rows of tables that the worlds of other tests leave empty."""


def filled(path: Path) -> Store:
    """An open store with rows in every table."""
    return Store.open(stores_of_the_run.copy("rows in every table", _fill, path), threads=1)


def _fill(store: Store) -> None:
    source = listed().connection
    with store.write() as batch:
        for table in opened_tables(store):
            if table != "meta":
                with batch.registered(given=source.sql(f"FROM {table}").to_arrow_table()):
                    batch.execute(f"INSERT INTO {table} BY NAME SELECT * FROM given")
        for statement in WORK.split(";"):
            batch.execute(statement)


def opened_tables(opened: Store) -> list[str]:
    with opened.snapshot() as reader:
        return reader.tables()


@dataclass(frozen=True)
class World:
    """All rows of a store, by table, with whose they are."""

    rows: dict[str, list[Row]]

    @classmethod
    def of(cls, opened: Store) -> "World":
        with opened.snapshot() as reader:
            return cls({name: _records(reader, name) for name in reader.tables()})

    def username(self, initiator: int) -> str:
        return next(
            str(one["username"]) for one in self.rows["initiators"] if one["initiator"] == initiator
        )

    def teams(self, initiator: int, at: datetime) -> set[str]:
        """The teams of somebody at a time."""
        name = self.username(initiator).lower()
        return {
            one["team"]
            for one in self.rows["memberships"]
            if one["username"] == name and one["valid_from"] <= at < one["valid_to"]
        }

    def of_teams(self, *teams: str) -> "World":
        """What people did while they were in these teams."""
        chosen = set(teams)
        return self._only(
            lambda row: bool(self.teams(row["initiator"], row["started_at"]) & chosen),
            lambda row: row["team"] in chosen,
        )

    def of_person(self, username: str) -> "World":
        """What one person did."""
        return self._only(
            lambda row: self.username(row["initiator"]) == username,
            lambda row: row["username"] == username.lower(),
        )

    def without_text(self) -> "World":
        """The same without text."""
        texts = ("prompts", "tool_inputs", "thinking", "last_prompts", "vocabulary")
        kept = {name: [] if name in texts else rows for name, rows in self.rows.items()}
        kept["threads"] = [
            {**row, "error_message": row["error_message"] and ""} for row in kept["threads"]
        ]
        kept["quarantine"] = [{**row, "reason": "", "raw": ""} for row in kept["quarantine"]]
        return World(kept)

    def _only(self, is_own: Callable[[Row], bool], is_member: Callable[[Row], bool]) -> "World":
        kept: dict[str, list[Row]] = {name: [] for name in self.rows}
        for name in ("usage", "tool_calls", "sessions", "threads"):
            kept[name] = [row for row in self.rows[name] if is_own(row)]
        requests = {row["usage"] for row in kept["usage"]}
        sessions = {row["session"] for row in kept["sessions"]}
        for name in ("usage", "tool_calls"):
            # A session that began when its person was elsewhere is not seen.
            kept[name] = [
                {**row, "session": row["session"] if row["session"] in sessions else None}
                for row in kept[name]
            ]
        for name in ("responses", "prompts", "tool_inputs"):
            kept[name] = [row for row in self.rows[name] if row["usage"] in requests]
        for name in ("thinking", "last_prompts"):
            kept[name] = [row for row in self.rows[name] if row["session"] in sessions]
        kept["memberships"] = [row for row in self.rows["memberships"] if is_member(row)]
        names = {row["username"] for row in kept["memberships"]}
        own = {row["initiator"] for row in kept["usage"]}
        kept["initiators"] = [
            row
            for row in self.rows["initiators"]
            if row["username"].lower() in names or row["initiator"] in own
        ]
        counts = ("read_rows", "changed_rows", "sessions", "details", "quarantined", "requests")
        kept["runs"] = [
            {**row, "message": "", **dict.fromkeys(counts, 0)} for row in self.rows["runs"]
        ]
        kept["anomalies"] = [{**row, "message": ""} for row in self.rows["anomalies"]]
        for name in ("meta", "families"):  # what models are called says nothing of anybody
            kept[name] = self.rows[name]
        return World(kept)

    def stored(self, path: Path, like: Store) -> Store:
        """A store that holds these rows and no others."""
        opened = Store.open(path, threads=1)
        with opened.write() as batch, like.snapshot() as reader:
            batch.keep("DELETE FROM meta")
            for name, rows in self.rows.items():
                shape = reader.table(f"FROM {name} LIMIT 0").schema
                with batch.registered(given=pa.Table.from_pylist(rows, shape)):
                    batch.keep(f"INSERT INTO {name} BY NAME SELECT * FROM given")
        return opened


def _records(reader: Reader, name: str) -> list[Row]:
    told, rows = reader.named(f"FROM {name}")
    return [
        {
            column: str(value) if isinstance(value, UUID) else value
            for column, value in zip(told, row, strict=True)
        }
        for row in rows
    ]


def answer(reader: Reader, query: Query) -> Answer:
    """What a question is answered; rows without an order of their own are sorted."""
    told = Answer.of(*reader.named(*query))
    return told if "ORDER BY" in query.sql else Answer.of(told.columns, sorted(told.rows, key=repr))


def asked(reader: Reader, scope: Scope, now: datetime) -> Iterator[tuple[str, Any]]:
    """Every question of the dashboard, and its answer."""
    for name, query in (*of_metrics(scope), *of_explorer(reader, scope)):
        yield name, answer(reader, query)
    yield "radar", sweep(reader, scope, now=now)
    yield "invariants", invariants.check(reader, scope)
    yield "coverage", coverage.coverage(reader)
    yield "reach", coverage.field_coverage(reader)
    yield "runs", [(one.began_at, one.outcome, one.message) for one in sync_history.runs(reader, 5)]
    yield "anomalies", sync_history.anomalies(reader, 5)
    yield "broken", sync_history.quarantined(reader, 5)
    yield "settings", (reader.meta("text"), reader.version)


def of_metrics(scope: Scope) -> Iterator[tuple[str, Query]]:
    """Every number by every dimension, and all that is told of people over time."""
    yield "numbers", select(tuple(METRICS), (), scope)
    for dimension, one in DIMENSIONS.items():
        names = tuple(name for name, metric in METRICS.items() if metric.splits(one))
        yield f"numbers by {dimension}", select(names, (dimension,), scope)
    for dimension, one in DIMENSIONS.items():
        number = "tool_calls" if dimension in ("tool", "server") else "requests"
        if not one.time and METRICS[number].splits(one):
            yield f"values {dimension}", values(dimension, scope)
            yield f"first {dimension}", first_seen(dimension, scope)
            top = select_top((number,), ("day", dimension), scope, rank_by=number, n=2)
            yield f"top {dimension}", top
    yield "windows", active_people_windows(scope)
    yield "presence", presence(scope)
    yield "cohorts", cohorts(scope)
    week = scope.week_of(scope.first_day)
    yield "cohort people", cohort_people(scope, week, week)


def of_explorer(reader: Reader, scope: Scope) -> Iterator[tuple[str, Query]]:
    """Lists of sessions and requests, and every one of them that a link may lead to."""
    find = Find(scope)
    yield "sessions", listing(find)
    yield "sessions with errors", listing(Find(scope, has_errors=True))
    yield "totals", totals(find)
    yield "count", sessions_found(find)
    yield "requests", request_list.interceptions(scope, limit=10_000)
    yield "requests with errors", request_list.interceptions(scope, errors_only=True)
    yield "counted", request_list.counted(scope)
    for name in request_list.Order.columns:
        order = request_list.Order(name)
        yield f"requests by {name}", request_list.interceptions(scope, order, limit=10_000)
    search = Search("deploy", ("prompt", "thinking", "tool_input"))
    yield "spread", spread(find, search)
    for number, part in enumerate(slices(find, search, answer(reader, spread(find, search)))):
        yield f"slice {number}", part.query
    yield "owners", session_detail.owners(tuple(range(200)))
    for session in range(0, 200, 19):
        yield f"head {session}", session_detail.head(session)
        yield f"threads {session}", session_detail.threads(session)
        yield f"tools {session}", session_detail.tools(session)
        yield f"pauses {session}", session_pauses.responses(session)
        yield f"calls {session}", one_call.calls(session)
        yield f"course {session}", one_call.course(session)
        yield f"kept {session}", recorded_text.kept(session)
        yield f"hits {session}", recorded_text.hits(session, "deploy")
    for usage in range(3, 3_000, 315):
        yield f"detail {usage}", request_list.detail(usage)
        yield f"responses {usage}", request_list.responses(usage)
        yield f"timeline {usage}", recorded_text.timeline([usage])
        yield f"texts {usage}", recorded_text.texts([usage])
        yield f"whole {usage}", recorded_text.whole(usage, "prompt", 0)


def schema() -> dict[str, str]:
    """Every table that a migration makes, and the statement."""
    made: dict[str, str] = {}
    for migration in MIGRATIONS:
        for statement in migration.split("CREATE TABLE ")[1:]:
            made[statement.split()[0]] = statement
    return made


NOW = datetime(2026, 11, 16, 15, 4, 5, tzinfo=UTC)
