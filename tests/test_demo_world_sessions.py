"""The demo company's sessions and threads have every shape of api-contract 4.2 to 4.4."""

from collections import Counter, defaultdict
from datetime import timedelta

import pytest
import truth
from demo_worlds import quarter

from bridgeboard.demo.company.company_data import CLIENTS
from bridgeboard.demo.records import InterceptionRow, Tables
from bridgeboard.demo.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def world() -> World:
    return quarter()


@pytest.fixture(scope="session")
def tables(world: World) -> Tables:
    return world.tables


@pytest.fixture(scope="session")
def done(tables: Tables) -> list[InterceptionRow]:
    return truth.finished(tables)


def by_id(tables: Tables) -> dict[str, InterceptionRow]:
    return {row.id: row for row in tables.interceptions}


def threads_of(rows: list[InterceptionRow]) -> Counter[str]:
    return Counter(row.session_id for row in rows if row.thread_root_id is None)


def test_sessions_without_a_clients_id_are_single_threads(done: list[InterceptionRow]) -> None:
    nameless = {name for name, client in CLIENTS.items() if client.naming == "none"}
    rows = [row for row in done if row.client in nameless]
    assert len(rows) > 1_000
    assert all(row.session_id == (row.thread_root_id or row.id) for row in rows)


def test_sessions_have_a_long_tail(done: list[InterceptionRow]) -> None:
    lengths = sorted(threads_of(done).values())
    assert lengths[len(lengths) // 2] <= 2
    assert len([length for length in lengths if length > 50]) >= 4
    assert lengths[-1] == pytest.approx(300, abs=10)


def test_threads_are_up_to_eighty_deep(world: World, done: list[InterceptionRow]) -> None:
    runaways = {
        session
        for incident in world.incidents
        if incident.kind == "runaway"
        for session in incident.session_ids
    }
    ordinary = [row for row in done if row.session_id not in runaways]
    depths = sorted(Counter(row.thread_root_id or row.id for row in ordinary).values())
    assert 2 <= depths[len(depths) // 2] <= 6
    assert 60 < depths[-1] <= 80


def test_some_sessions_are_shared_by_two_people(done: list[InterceptionRow]) -> None:
    owners = Counter(session_id for session_id, _ in truth.sessions(done))
    assert len([1 for count in owners.values() if count == 2]) >= 3


def test_some_children_have_their_root_in_another_session(tables: Tables) -> None:
    calls = by_id(tables)
    strays = [
        row
        for row in tables.interceptions
        if row.thread_root_id and calls[row.thread_root_id].session_id != row.session_id
    ]
    assert len(strays) >= 6


def test_some_children_have_an_unfinished_root(tables: Tables) -> None:
    calls = by_id(tables)
    finished_children = [row for row in tables.interceptions if row.thread_root_id and row.ended_at]
    headless = [
        row for row in finished_children if calls[row.thread_root_id or ""].ended_at is None
    ]
    assert len(headless) >= 6


def test_sessions_span_midnight_and_the_end_of_a_month(done: list[InterceptionRow]) -> None:
    months = defaultdict(set)
    for row in done:
        months[row.session_id].add((row.started_at.year, row.started_at.month))
    assert len([1 for seen in months.values() if len(seen) == 2]) >= 2


def test_some_calls_are_unfinished_and_none_starts_after_the_end(world: World) -> None:
    rows = world.tables.interceptions
    unfinished = [row for row in rows if row.ended_at is None]
    assert len([row for row in unfinished if row.started_at > world.end - HOUR / 4]) >= 2
    assert len([row for row in unfinished if row.started_at < world.end - DAY]) >= 10
    assert [row for row in rows if row.ended_at and row.ended_at > world.end]
    assert len(unfinished) < 0.01 * len(rows)


def test_failed_calls_say_why_and_cost_nothing(tables: Tables) -> None:
    failed = [row for row in tables.interceptions if row.error_type]
    assert {row.error_type for row in failed} == {
        *("bad_request", "unauthorized", "rate_limited", "overloaded"),
        *("server_error", "timeout", "unknown"),
    }
    assert all(row.ended_at and row.error_message for row in failed)
    assert not [row for row in tables.interceptions if row.error_message and not row.error_type]
    assert truth.token_rows(tables, failed) == []
    assert truth.tool_calls(tables, failed) == []
    assert 100 < len(failed) < 0.05 * len(tables.interceptions)


def test_the_oldest_rows_know_less(world: World, tables: Tables) -> None:
    bare = [row for row in tables.interceptions if row.metadata == {}]
    assert 10 < len(bare) < 0.03 * len(tables.interceptions)
    assert all(row.started_at < world.start + 7 * DAY for row in bare)
    assert all(row.client is None and row.api_key_id is None for row in bare)
    ids = {row.id for row in bare}
    assert all(row.metadata is None for row in tables.tokens if row.interception_id in ids)
