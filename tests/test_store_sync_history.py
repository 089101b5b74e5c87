"""What a store tells of itself: what it covers, what its syncs did, what was odd or unreadable."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import demo_sync
import demo_worlds
import pytest
import truth
from costly_laws import tried
from hypothesis import given
from hypothesis import strategies as st
from small_bridges import NOW, at
from stores import fresh, put

from bridgeboard.analysis import coverage, invariants, sync_history
from bridgeboard.analysis.coverage import Coverage
from bridgeboard.analysis.sync_history import Anomaly, Quarantined, Run
from bridgeboard.model.store_status import Counts
from bridgeboard.store import Store, sync_state

WORLD = demo_worlds.small()
ROWS = truth.finished(WORLD.tables)
BEGAN = [row.started_at for row in ROWS]
NEVER = datetime.min.replace(tzinfo=UTC)
EMPTY = Coverage(None, None, None, is_whole=True, rows=0, sessions=0, detailed=0, quarantined=0)
laws = tried(20)


class Record(NamedTuple):
    identity: str
    reason: str = "no id"
    raw: str = "what somebody wrote"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    with fresh(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An empty store that is left empty."""
    with fresh(tmp_path_factory.mktemp("blank")) as opened:
        yield opened


def begin(held: Store, minutes: float = 0, generation: str = "interceptions") -> int:
    with held.write() as batch:
        return sync_state.begin_run(batch, generation, at(minutes))


def finish(held: Store, run: int, outcome: str, minutes: float, **counts: int) -> None:
    with held.write() as batch:
        sync_state.finish_run(batch, run, outcome, Counts(**counts), f"{outcome}.", at(minutes))


def test_an_empty_store_covers_nothing_and_has_nothing_to_tell(empty: Store) -> None:
    assert coverage.coverage(empty) == EMPTY
    assert coverage.coverage(empty).as_of == NEVER
    assert (
        sync_history.runs(empty, 5)
        == sync_history.anomalies(empty, 5)
        == sync_history.quarantined(empty, 5)
        == []
    )
    with empty.snapshot() as reader:
        pairs = invariants.tables(reader, NEVER, NOW)
        assert [(pair.left, pair.right) for pair in pairs] == [(0, 0)] * 5


def test_a_store_covers_the_world_from_its_first_request_to_its_last(empty: Store) -> None:
    put(empty, WORLD.tables, ROWS)
    covered = coverage.coverage(empty)
    assert (covered.first_at, covered.last_at) == (min(BEGAN), max(BEGAN))
    assert (covered.rows, covered.sessions, covered.detailed) == (len(ROWS), 0, 0)
    assert covered.synced_at is None
    assert covered.as_of == max(BEGAN)


def test_a_whole_sync_covers_sessions_and_their_details(tmp_path: Path) -> None:
    tables = demo_sync.latest(60)
    rows = truth.finished(tables)
    with demo_sync.opened(tmp_path) as opened:
        demo_sync.run(opened, demo_sync.bridge(tables))
        covered = coverage.coverage(opened)
        with opened.snapshot() as reader:
            assert coverage.coverage(reader) == covered
        (run,) = sync_history.runs(opened, 5)
    begun = [row.started_at for row in rows]
    sessions = len(truth.sessions(rows))
    assert covered == Coverage(
        first_at=min(begun),
        last_at=max(begun),
        synced_at=demo_sync.NOW,
        is_whole=True,
        rows=len(rows),
        sessions=sessions,
        detailed=sessions,
        quarantined=0,
    )
    assert covered.as_of == demo_sync.NOW
    assert (run.began_at, run.outcome, run.generation) == (demo_sync.NOW, "done", "interceptions")
    assert (run.counts.read_rows, run.counts.changed_rows) == (len(rows), len(rows))


def test_until_one_sync_went_well_not_everything_is_there(empty: Store) -> None:
    assert coverage.coverage(empty).is_whole
    first = begin(empty, 0)
    assert not coverage.coverage(empty).is_whole
    finish(empty, first, "failed", 5)
    second = begin(empty, 10)
    assert (coverage.coverage(empty).is_whole, coverage.coverage(empty).synced_at) == (False, None)
    finish(empty, second, "done", 15)
    assert (coverage.coverage(empty).is_whole, coverage.coverage(empty).synced_at) == (True, at(10))
    assert coverage.coverage(empty).as_of == at(10)


@pytest.mark.parametrize("outcome", ["failed", "stopped", "running"])
def test_a_sync_that_did_not_go_well_changes_nothing_about_what_is_covered(
    empty: Store, outcome: str
) -> None:
    finish(empty, begin(empty, 0), "done", 3)
    later = begin(empty, 60)
    if outcome != "running":
        finish(empty, later, outcome, 65)
    assert coverage.coverage(empty).synced_at == at(0)
    assert coverage.coverage(empty).is_whole


def test_data_may_be_newer_than_the_beginning_of_the_last_good_sync(empty: Store) -> None:
    put(empty, WORLD.tables, ROWS[:3])
    finish(empty, begin(empty, 0), "done", 3)
    covered = coverage.coverage(empty)
    assert covered.synced_at == at(0)
    assert covered.as_of == max(BEGAN[:3]) > at(0)


def test_details_and_quarantine_are_counted(empty: Store) -> None:
    with empty.write() as batch:
        for key, detailed in enumerate(["NULL", "TIMESTAMP '2026-05-20'", "NULL"]):
            batch.execute(
                "INSERT INTO sessions SELECT $1, 'id', 1, NULL, [], [], TIMESTAMP '2026-05-20',"
                f" NULL, NULL, 0, 0, 0, 0, NULL, NULL, TIMESTAMP '2026-05-20', 0, {detailed},"
                " NULL, NULL",
                [key],
            )
        sync_state.quarantine(batch, "session", [Record("a"), Record("b")], NOW)
        sync_state.quarantine(batch, "session", [Record("a")], NOW)
    covered = coverage.coverage(empty)
    assert (covered.sessions, covered.detailed, covered.quarantined) == (3, 1, 2)
    assert (covered.first_at, covered.rows) == (None, 0)


def test_runs_come_newest_first_with_all_they_did(empty: Store) -> None:
    finish(empty, begin(empty, 0), "done", 1, read_rows=1, changed_rows=2, sessions=3)
    finish(empty, begin(empty, 2, "sessions"), "failed", 3, details=4, quarantined=5, requests=6)
    begin(empty, 4)
    last = Run(at(4), None, "interceptions", "running", Counts(), "")
    failed = Run(at(2), at(3), "sessions", "failed", Counts(0, 0, 0, 4, 5, 6), "failed.")
    first = Run(at(0), at(1), "interceptions", "done", Counts(1, 2, 3), "done.")
    assert sync_history.runs(empty, 9) == [last, failed, first]
    assert sync_history.runs(empty, 2) == [last, failed]
    assert sync_history.runs(empty, 0) == []


def test_runs_are_in_the_order_in_which_they_were_begun_whatever_clocks_said(empty: Store) -> None:
    for minutes in (10, -30, 5):
        begin(empty, minutes)
    assert [run.began_at for run in sync_history.runs(empty, 9)] == [at(5), at(-30), at(10)]
    assert [run.outcome for run in sync_history.runs(empty, 9)] == ["running", "stopped", "stopped"]


def test_a_run_that_did_not_get_to_know_the_api_has_no_generation(empty: Store) -> None:
    begin(empty)
    with empty.write() as batch:
        batch.execute("UPDATE runs SET generation = NULL")
    assert sync_history.runs(empty, 1)[0].generation == ""


MINUTES = st.lists(st.integers(-5_000, 5_000), unique=True, max_size=8)


@laws
@given(MINUTES, st.integers(0, 10))
def test_the_last_so_many_anomalies_come_newest_first(
    blank: Store, minutes: list[int], limit: int
) -> None:
    with blank.write() as batch:
        batch.execute("DELETE FROM anomalies")
        for each in minutes:
            sync_state.anomaly(batch, "short", f"after {each} minutes", at(each))
        told = sync_history.anomalies(batch, limit)
        batch.execute("DELETE FROM anomalies")
    every = [Anomaly(at(each), "short", f"after {each} minutes") for each in minutes]
    assert told == sorted(every, reverse=True)[:limit]


@laws
@given(MINUTES, st.integers(0, 10))
def test_the_last_so_many_broken_records_come_newest_first(
    blank: Store, minutes: list[int], limit: int
) -> None:
    with blank.write() as batch:
        for each in minutes:
            sync_state.quarantine(batch, "thread", [Record(str(each))], at(each))
        told = sync_history.quarantined(batch, limit)
        sync_state.release(batch, "thread", [str(each) for each in minutes])
    every = [Quarantined("thread", str(each), "no id", at(each), 1) for each in minutes]
    assert told == sorted(every, key=lambda one: one.seen_at, reverse=True)[:limit]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_is_of_the_same_moment_is_in_order_of_its_names(
    empty: Store, order: tuple[int, ...]
) -> None:
    kinds = ("clock_skew", "lost_cursor", "short")
    records = (("interception", "b"), ("interception", "c"), ("session", "a"))
    with empty.write() as batch:
        for place in order:
            sync_state.anomaly(batch, kinds[place], "odd", NOW)
            kind, identity = records[place]
            sync_state.quarantine(batch, kind, [Record(identity)], NOW)
    assert tuple(one.kind for one in sync_history.anomalies(empty, 9)) == kinds
    assert [one.kind for one in sync_history.anomalies(empty, 2)] == list(kinds[:2])
    assert tuple((one.kind, one.identity) for one in sync_history.quarantined(empty, 9)) == records
    assert [one.identity for one in sync_history.quarantined(empty, 1)] == ["b"]


def test_a_broken_record_is_told_with_its_tries_and_without_its_text(empty: Store) -> None:
    with empty.write() as batch:
        for minutes in (0, 5, 9):
            sync_state.quarantine(batch, "interception", [Record("a", "no time")], at(minutes))
    (told,) = sync_history.quarantined(empty, 5)
    assert told == Quarantined("interception", "a", "no time", at(0), 3)
    assert Record("a").raw not in repr(told)


def test_times_are_told_in_utc_whatever_zone_they_were_noted_in(empty: Store) -> None:
    zone = timezone(timedelta(hours=5, minutes=45))
    with empty.write() as batch:
        sync_state.begin_run(batch, "sessions", NOW.astimezone(zone))
        sync_state.anomaly(batch, "short", "odd", NOW.astimezone(zone))
        sync_state.quarantine(batch, "session", [Record("a")], NOW.astimezone(zone))
    told = [
        sync_history.runs(empty, 1)[0].began_at,
        sync_history.anomalies(empty, 1)[0].seen_at,
        sync_history.quarantined(empty, 1)[0].seen_at,
    ]
    assert told == [NOW] * 3
    assert {moment.tzinfo for moment in told} == {UTC}
