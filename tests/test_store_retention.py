"""What is too old goes: text first, rows with their whole session."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import demo_worlds
import pytest
import truth
from small_bridges import NOW, Book, at
from stores import contents, fresh, naive, put

from bridgeboard.model.store_status import Counts
from bridgeboard.store import Store, prune, sync_state

DAY = 24 * 60.0
WORLD = demo_worlds.small().tables
ROWS = truth.finished(WORLD)
TEXT = ("prompts", "tool_inputs")
FACTS = ("usage", "responses", "tool_calls")
SESSION = """
    INSERT INTO sessions BY NAME
    SELECT $1 AS session, 's' || $1 AS id, 1 AS initiator, [] AS providers, [] AS models,
           $2::TIMESTAMP AS started_at, $3::TIMESTAMP AS ended_at, 0 AS input_sum,
           0 AS output_sum, 0 AS cache_read_sum, 0 AS cache_write_sum,
           $2::TIMESTAMP AS listed_at, 1 AS digest
"""
THREAD = """
    INSERT INTO threads BY NAME
    SELECT $1 AS session, uuid() AS id, 1 AS initiator, 'anthropic' AS provider, 'm' AS model,
           $2::TIMESTAMP AS started_at, 0 AS input_sum, 0 AS output_sum, 0 AS cache_read_sum,
           0 AS cache_write_sum, 0 AS actions
"""


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Store]:
    """A store with the small world's interceptions, of no session."""
    with fresh(tmp_path) as store:
        put(store, WORLD, ROWS)
        yield store


def _counts(store: Store) -> dict[str, int]:
    tables = (*TEXT, *FACTS)
    return {name: store.rows(f"SELECT count(*) FROM {name}")[0][0] for name in tables}


def _expected(since: datetime) -> dict[str, int]:
    young = truth.finished(WORLD, since=since)
    calls = len(truth.tool_calls(WORLD, young))
    return {
        "prompts": len(truth.prompts(WORLD, young)),
        "tool_inputs": calls,
        "usage": len(young),
        "responses": len(truth.responses(WORLD, young)),
        "tool_calls": calls,
    }


def _put_session(store: Store, key: int, days: list[float], ended: float | None) -> None:
    """A session with requests of these days and all that may hang on one."""
    book = Book(_last_id=1000 * key)
    for day in days:
        start = day * DAY
        book.call(start, tokens=[(1,)], prompts=[(start, "do")], tools=["Read"])
    put(store, book.tables(), book.calls)
    began = naive(at(days[0] * DAY))
    with store.write() as batch:
        batch.execute(SESSION, [key, began, None if ended is None else naive(at(ended * DAY))])
        batch.execute(THREAD, [key, began])
        batch.execute("INSERT INTO thinking VALUES (?, uuid(), ?, 0, 'hm')", [key, began])
        batch.execute("INSERT INTO last_prompts VALUES (?, ?, 'do')", [key, began])
        batch.execute("UPDATE usage SET session = ? WHERE session IS NULL", [key])


def test_old_text_goes_and_everything_else_stays(filled: Store) -> None:
    before, limit = _counts(filled), demo_worlds.END - timedelta(days=5)
    deleted = prune(filled, text_days=5, rows_days=None, now=demo_worlds.END)
    young = _expected(limit)
    assert _counts(filled) == before | {name: young[name] for name in TEXT}
    assert deleted == {name: before[name] - young[name] for name in TEXT}
    assert all(deleted.values())


def test_old_requests_go_with_all_that_hangs_on_them(filled: Store) -> None:
    before = _counts(filled)
    deleted = prune(filled, text_days=None, rows_days=10, now=demo_worlds.END)
    expected = _expected(demo_worlds.END - timedelta(days=10))
    assert _counts(filled) == expected
    assert deleted == {name: before[name] - expected[name] for name in before}
    for name in (*TEXT, "responses", "tool_calls"):
        orphans = f"SELECT count(*) FROM {name} WHERE usage NOT IN (SELECT usage FROM usage)"
        assert filled.rows(orphans) == [(0,)]


def test_pruning_twice_is_pruning_once_and_writes_nothing(filled: Store) -> None:
    prune(filled, text_days=5, rows_days=10, now=demo_worlds.END)
    before, version = contents(filled), filled.version
    assert prune(filled, text_days=5, rows_days=10, now=demo_worlds.END) == {}
    assert (contents(filled), filled.version) == (before, version)


def test_without_limits_everything_is_kept(filled: Store) -> None:
    before = contents(filled)
    assert prune(filled, text_days=None, rows_days=None, now=demo_worlds.END) == {}
    assert contents(filled) == before


def test_a_session_goes_as_a_whole_once_all_of_it_is_old(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        _put_session(store, 1, [-50, -41], ended=-41)
        _put_session(store, 2, [-50, -2], ended=-2)
        _put_session(store, 3, [-50], ended=None)
        _put_session(store, 4, [-2], ended=None)
        deleted = prune(store, text_days=None, rows_days=40, now=NOW)
        for name in ("sessions", "threads", "thinking", "last_prompts", "usage"):
            held = store.rows(f"SELECT DISTINCT session FROM {name} ORDER BY session")
            assert held == [(2,), (4,)], name
        assert store.rows("SELECT count(*) FROM usage") == [(3,)]
        per_request = dict.fromkeys((*TEXT, *FACTS), 3)
        per_session = dict.fromkeys(("sessions", "threads", "thinking", "last_prompts"), 2)
        assert deleted == per_request | per_session
        assert store.rows("SELECT count(*) FROM initiators") == [(4,)]


def test_text_of_threads_and_sessions_goes_by_its_start(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        _put_session(store, 1, [-50, -2], ended=-2)
        _put_session(store, 2, [-2], ended=-2)
        deleted = prune(store, text_days=40, rows_days=None, now=NOW)
        assert deleted == {"prompts": 1, "tool_inputs": 1, "thinking": 1, "last_prompts": 1}
        assert store.rows("SELECT session FROM thinking") == [(2,)]
        assert store.rows("SELECT count(*) FROM usage") == [(3,)]


def test_the_moment_of_the_limit_is_young_enough(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        _put_session(store, 1, [-40], ended=-40)
        assert prune(store, text_days=40, rows_days=40, now=NOW) == {}
        later = NOW + timedelta(microseconds=1)
        assert prune(store, text_days=40, rows_days=None, now=later)["prompts"] == 1
        assert prune(store, text_days=None, rows_days=40, now=later)["sessions"] == 1


def test_words_in_quarantine_go_like_text_and_the_record_like_rows(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        with store.write() as batch:
            for day in (-50, -2):
                record = sync_state.Suspect(f"r{day}", "no id", '{"prompt": "secret"}')
                sync_state.quarantine(batch, "interception", [record], at(day * DAY))
        assert prune(store, text_days=40, rows_days=None, now=NOW) == {"quarantine": 1}
        kept = [(each.identity, each.raw) for each in sync_state.quarantined(store)]
        assert kept == [("r-50", ""), ("r-2", '{"prompt": "secret"}')]
        assert prune(store, text_days=40, rows_days=40, now=NOW) == {"quarantine": 1}
        assert [each.identity for each in sync_state.quarantined(store)] == ["r-2"]


def test_the_work_of_syncing_is_forgotten_in_time(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        with store.write() as batch:
            for day in (-100, -2):
                now = at(day * DAY)
                sync_state.anomaly(batch, "short", f"on day {day}", now)
                sync_state.open_windows(batch, "interceptions", [(now, None)], now)
                run = sync_state.begin_run(batch, "interceptions", now)
                sync_state.finish_run(batch, run, "done", Counts(), "", now)
            for window in sync_state.unfinished(batch, "interceptions"):
                sync_state.finish(batch, window, now=window.since)
            sync_state.open_windows(
                batch, "interceptions", [(None, at(-100 * DAY))], at(-100 * DAY)
            )
        deleted = prune(store, text_days=None, rows_days=None, now=NOW)
        assert deleted == {"anomalies": 1, "windows": 1, "runs": 1}
        assert len(sync_state.unfinished(store, "interceptions")) == 1
