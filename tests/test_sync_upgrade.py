"""A store over servers that change: each request counts once, however it was told."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import demo_sync
import demo_worlds
import pytest
import truth
from slow_cases import one_fast

from bridgeboard.demo import api
from bridgeboard.demo.records import InterceptionRow
from bridgeboard.store import Store

TABLES = demo_sync.latest(800)
BEFORE = demo_worlds.END - timedelta(days=4)
AFTER = demo_worlds.END + timedelta(minutes=5)
SUMS = ("input_sum", "output_sum", "cache_read_sum", "cache_write_sum")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with demo_sync.opened(tmp_path) as opened:
        yield opened


def served(profile: str, now: datetime) -> api.Bridge:
    return demo_sync.bridge(TABLES, profile=profile, clock=lambda: now)


def told(now: datetime) -> list[InterceptionRow]:
    rows = truth.finished(TABLES)
    return [row for row in rows if row.ended_at and row.ended_at <= now]


def recorded(now: datetime) -> tuple[int, ...]:
    counts = truth.recorded(TABLES, told(now))
    return counts.input, counts.output, counts.cache_read, counts.cache_write


def sums(store: Store, where: str = "true") -> tuple[int, ...]:
    columns = ", ".join(f"sum({name})" for name in SUMS)
    return store.rows(f"SELECT {columns} FROM usage WHERE {where}")[0]


def misplaced(store: Store) -> list[str]:
    """Exact rows that were given another session or thread than theirs."""
    rows = store.rows(
        "SELECT u.id::VARCHAR, s.id, u.thread::VARCHAR FROM usage u JOIN sessions s USING (session)"
        " WHERE u.grain = 'interception'"
    )
    own = {row.id: (row.session_id, row.thread_root_id or row.id) for row in TABLES.interceptions}
    return [id_ for id_, session, thread in rows if (session, thread or own[id_][1]) != own[id_]]


@pytest.mark.parametrize("details", one_fast([None, 0, 20]))
def test_an_upgraded_server_adds_its_new_work_and_nothing_twice(
    store: Store, details: int | None
) -> None:
    demo_sync.run(store, served("v2.34", BEFORE), now=BEFORE, details=details)
    assert sums(store) == recorded(BEFORE)
    demo_sync.run(store, served("v2.35", AFTER), now=AFTER)
    assert sums(store) == recorded(AFTER)
    assert sums(store, "grain = 'interception'") == recorded(BEFORE)
    assert store.rows("SELECT count(*) FROM usage WHERE grain = 'interception'") == [
        (len(told(BEFORE)),)
    ]
    assert misplaced(store) == []


@pytest.mark.slow
def test_a_downgraded_server_replaces_sums_by_requests(store: Store) -> None:
    demo_sync.run(store, served("v2.34", BEFORE), now=BEFORE)
    demo_sync.run(store, served("v2.35", AFTER), now=AFTER)
    demo_sync.run(store, served("v2.34", AFTER), now=AFTER)
    assert sums(store) == recorded(AFTER)
    assert store.rows("SELECT grain, count(*) FROM usage GROUP BY ALL") == [
        ("interception", len(told(AFTER)))
    ]
    assert misplaced(store) == []


def test_a_store_that_began_with_sums_becomes_exact(store: Store) -> None:
    demo_sync.run(store, served("v2.35", BEFORE), now=BEFORE)
    demo_sync.run(store, served("v2.34", AFTER), now=AFTER)
    assert sums(store) == recorded(AFTER)
    assert store.rows("SELECT DISTINCT grain FROM usage") == [("interception",)]
    assert misplaced(store) == []


def test_a_downgrade_without_details_counts_nothing_twice(store: Store) -> None:
    demo_sync.run(store, served("v2.35", BEFORE), now=BEFORE, details=0)
    assert sums(store) == recorded(BEFORE)
    demo_sync.run(store, served("v2.34", AFTER), now=AFTER, details=0)
    assert sums(store) == recorded(AFTER)


def test_an_upgrade_without_details_never_counts_too_much(store: Store) -> None:
    demo_sync.run(store, served("v2.34", BEFORE), now=BEFORE, details=0)
    demo_sync.run(store, served("v2.35", AFTER), now=AFTER, details=0)
    held, whole = sums(store), recorded(AFTER)
    assert all(part <= most for part, most in zip(held, whole, strict=True))
    assert all(part >= least for part, least in zip(held, recorded(BEFORE), strict=True))


@pytest.mark.slow
def test_upgrading_is_the_same_whether_the_store_was_filled_in_one_run_or_two(
    store: Store, tmp_path: Path
) -> None:
    demo_sync.run(store, served("v2.34", BEFORE), now=BEFORE)
    demo_sync.run(store, served("v2.35", AFTER), now=AFTER)
    with demo_sync.opened(tmp_path, "other.duckdb") as other:
        early = BEFORE - timedelta(days=2)
        for profile, now in (("v2.34", early), ("v2.34", BEFORE), ("v2.35", AFTER)):
            demo_sync.run(other, served(profile, now), now=now)
        assert demo_sync.contents(other) == demo_sync.contents(store)
