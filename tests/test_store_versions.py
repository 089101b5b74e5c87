"""The version of a store moves when an answer may, and only then: kept answers hang on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import demo_sync
import pytest
from slow_cases import one_fast
from stores import contents

from bridgeboard.store import Batch, Store
from bridgeboard.sync import day_counts, interception_windows

OWN_WORK = {
    interception_windows.OPENED_AT,
    day_counts.PLANNED_FROM,
    "interceptions_read_since",
    "sessions_opened_at",
    "sessions_read_since",
    "unsettled_since",
    "data_version",
}
"""Settings in which a sync keeps how far it is."""


def answers(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """All that an answer can be made of: everything but how far the sync itself is."""
    told = contents(store)
    told |= {
        "windows": [],
        # Trust reads both anew each time.
        "day_counts": [],
        "left_out": [],
        "meta": [row for row in told["meta"] if row[0] not in OWN_WORK],
        "runs": store.rows("SELECT outcome, began_at FROM runs WHERE outcome <> 'running'"),
        "is_whole": [(bool(told["runs"]),)],
        "sessions": store.rows("SELECT * EXCLUDE (listed_at) FROM sessions ORDER BY ALL"),
    }
    return told


class Watched(Store):
    """A store that looks at what each batch has changed."""

    moved: int = 0
    stayed: int = 0

    @contextmanager
    def write(self) -> Iterator[Batch]:
        """As the store itself; a batch that left the version may not have changed an answer."""
        before, version = answers(self), self.version
        with super().write() as batch:
            yield batch
        if self.version == version:
            self.stayed += 1
            assert answers(self) == before
        else:
            self.moved += 1
            assert self.version == version + 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Watched]:
    with Watched.open(tmp_path / "store.duckdb", memory_mb=256, threads=2) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize("profile", one_fast(["v2.34", "v2.35"]))
def test_no_batch_of_a_sync_changes_an_answer_and_leaves_the_version(
    store: Watched, profile: str
) -> None:
    for count in (40, 41, 42, 60):
        demo_sync.run(store, demo_sync.bridge(demo_sync.latest(count), profile=profile))
        assert store.moved
        assert store.stayed, "nothing was written that is only about the sync itself"


@pytest.mark.parametrize("profile", one_fast(["v2.34", "v2.35"]))
def test_a_sync_that_finds_nothing_new_moves_the_version_once(store: Watched, profile: str) -> None:
    served = demo_sync.bridge(demo_sync.latest(40), profile=profile)
    demo_sync.run(store, served)
    store.moved = 0
    demo_sync.run(store, served)
    assert store.moved == 1, "when it ends: numbers are known until later now"


def test_a_batch_without_a_row_leaves_the_version(store: Watched) -> None:
    with store.write() as batch:
        batch.execute("DELETE FROM usage")
        assert not batch.change("UPDATE sessions SET client = 'x'")
        batch.keep_meta(interception_windows.OPENED_AT, "2026-01-01T00:00:00+00:00")
    assert (store.version, store.stayed) == (0, 1)


def test_a_setting_that_is_set_to_what_it_is_leaves_the_version(store: Watched) -> None:
    for value, version in (("a", 1), ("a", 1), ("b", 2)):
        with store.write() as batch:
            batch.set_meta("server_version", value)
        assert store.version == version
        assert store.meta("server_version") == value
