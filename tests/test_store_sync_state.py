"""The work of syncing: how far windows are, what runs did, what could not be read."""

from datetime import timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest
from small_bridges import NOW, at
from stores import fresh

from bridgeboard.model.store_status import Counts
from bridgeboard.store import Batch, Store, sync_state
from bridgeboard.store.sync_state import Suspect, Window

KIND = "interceptions"
AFTER = UUID("00000000-0000-4000-8000-000000000001")
SPANS = [(at(0), None), (at(-10), at(0)), (None, at(-10))]


@pytest.fixture
def planned(tmp_path: Path) -> Store:
    store = fresh(tmp_path)
    with store.write() as batch:
        sync_state.open_windows(batch, KIND, SPANS[::-1], NOW)
        sync_state.open_windows(batch, "sessions", [(at(-5), at(-1))], NOW)
    return store


def _advance(batch: Batch, windows: list[Window], count: int) -> None:
    for place in range(count):
        sync_state.advance(batch, windows[place], AFTER, 1000)


def test_unfinished_windows_come_newest_first_as_they_were_opened(planned: Store) -> None:
    with planned as store:
        assert sync_state.unfinished(store, KIND) == [Window(KIND, *span) for span in SPANS]
        assert sync_state.unfinished(store, "sessions") == [Window("sessions", at(-5), at(-1))]
        assert sync_state.unfinished(store, "nothing") == []


def test_the_zone_of_a_window_does_not_matter(tmp_path: Path) -> None:
    zone = timezone(timedelta(hours=5, minutes=45))
    with fresh(tmp_path) as store, store.write() as batch:
        sync_state.open_windows(batch, KIND, [(at(0).astimezone(zone), None)], NOW)
        (found,) = sync_state.unfinished(batch, KIND)
        assert found == Window(KIND, at(0), None)
        sync_state.finish(batch, Window(KIND, at(0).astimezone(zone), None), NOW)
        assert sync_state.unfinished(batch, KIND) == []


def test_a_window_remembers_how_far_it_was_read(planned: Store) -> None:
    with planned as store:
        first, second, _ = sync_state.unfinished(store, KIND)
        with store.write() as batch:
            sync_state.advance(batch, second, AFTER, 1000)
        found = sync_state.unfinished(store, KIND)
        assert [(each.after, each.rows_read) for each in found] == [
            (None, 0),
            (AFTER, 1000),
            (None, 0),
        ]
        with store.write() as batch:
            sync_state.advance(batch, second, None, 0)
        assert (found[0], sync_state.unfinished(store, KIND)[1].after) == (first, None)


def test_finished_and_dropped_windows_are_left_alone(planned: Store) -> None:
    with planned as store, store.write() as batch:
        first, second, third = sync_state.unfinished(batch, KIND)
        sync_state.finish(batch, first, NOW)
        sync_state.drop(batch, [second])
        assert sync_state.unfinished(batch, KIND) == [third]
        sync_state.open_windows(batch, KIND, [(first.since, first.until)], NOW)
        sync_state.advance(batch, first, AFTER, 7)
        assert sync_state.unfinished(batch, KIND)[0].rows_read == 7
        sync_state.drop(batch, [first])
        done = batch.rows("SELECT rows_read FROM windows WHERE done_at IS NOT NULL")
        assert done == [(0,)]


def test_a_mark_of_a_batch_that_failed_is_forgotten(planned: Store) -> None:
    with planned as store:
        before = sync_state.unfinished(store, KIND)
        with pytest.raises(IndexError), store.write() as batch:
            _advance(batch, before[:1], 2)
        found = sync_state.unfinished(store, KIND)
        assert [(each, each.after) for each in found] == [(each, None) for each in before]


def test_a_run_is_told_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    with fresh(tmp_path) as store, store.write() as batch:
        run = sync_state.begin_run(batch, KIND, NOW)
        assert run == 1
        counts = Counts(1, 2, 3, 4, 5, 6)
        sync_state.finish_run(batch, run, "failed", counts, "half \ud800", at(5))
        began_at, ended_at = (moment.replace(tzinfo=None) for moment in (NOW, at(5)))
        (found,) = batch.rows("FROM runs")
        assert found == (1, began_at, ended_at, KIND, "failed", 1, 2, 3, 4, 5, 6, "half ?")
        assert sync_state.begin_run(batch, KIND, NOW) == 2


def test_a_killed_run_is_called_stopped_by_the_next_one(tmp_path: Path) -> None:
    with fresh(tmp_path) as store, store.write() as batch:
        for _ in range(2):
            sync_state.begin_run(batch, KIND, NOW)
        found = batch.rows("SELECT run, outcome, ended_at FROM runs ORDER BY run")
        assert found == [(1, "stopped", None), (2, "running", None)]


def test_a_record_in_quarantine_counts_its_tries_and_keeps_its_first_day(tmp_path: Path) -> None:
    with fresh(tmp_path) as store, store.write() as batch:
        sync_state.quarantine(
            batch, "interception", [Suspect("a", "no id", "{}"), Suspect("b", "no id", "{}")], at(0)
        )
        sync_state.quarantine(batch, "interception", [Suspect("a", "no time", "{1}")], at(5))
        sync_state.quarantine(batch, "session", [Suspect("a", "no id", "{}")], at(9))
        assert sync_state.quarantined(batch) == [
            ("interception", "a", "no time", "{1}", at(0), 2),
            ("interception", "b", "no id", "{}", at(0), 1),
            ("session", "a", "no id", "{}", at(9), 1),
        ]
        sync_state.release(batch, "interception", ["a", "b", "c"])
        assert [(each.kind, each.identity) for each in sync_state.quarantined(batch)] == [
            ("session", "a")
        ]


def test_whatever_text_a_broken_record_has_it_is_kept(tmp_path: Path) -> None:
    hostile = Suspect("\ud800", "a\0b \udfff", "'); DROP TABLE quarantine; --")
    with fresh(tmp_path) as store, store.write() as batch:
        for _ in range(2):
            sync_state.quarantine(batch, "interception", [hostile], NOW)
        (found,) = sync_state.quarantined(batch)
        assert (found.identity, found.reason, found.raw) == ("?", "a\0b ?", hostile.raw)
        sync_state.release(batch, "interception", [hostile.identity])
        assert sync_state.quarantined(batch) == []


def test_the_same_anomaly_of_a_day_is_kept_once(tmp_path: Path) -> None:
    with fresh(tmp_path) as store, store.write() as batch:
        for minutes in (0, 5, 24 * 60):
            sync_state.anomaly(batch, "short", "one is missing", at(minutes))
        sync_state.anomaly(batch, "short", "two are missing", at(5))
        sync_state.anomaly(batch, "order", "one is missing", at(5))
        found = batch.rows(
            "SELECT kind, message, count(*) FROM anomalies GROUP BY ALL ORDER BY ALL"
        )
        assert found == [
            ("order", "one is missing", 1),
            ("short", "one is missing", 2),
            ("short", "two are missing", 1),
        ]
