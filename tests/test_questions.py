"""What pages and reports ask: the same rows whoever asks, and no rows read twice."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from dashboard_store import filled
from facts import facts

from bridgeboard.analysis import movers, questions
from bridgeboard.analysis.runner import Snapshot
from bridgeboard.model.answer import Answer
from bridgeboard.model.pages import MOVING
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import Query

MEASURE = "total_tokens"


@dataclass(frozen=True)
class Recording(Snapshot):
    """A snapshot that lists what the store was asked."""

    asked: list[Query] = field(default_factory=list)

    def ask(self, question: Query) -> Answer:
        self.asked.append(question)
        return super().ask(question)


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    with filled(tmp_path / "facts.duckdb") as store, store.snapshot() as reader:
        yield Recording(reader)


def month() -> Scope:
    until = max(row["started_at"] for row in facts().usage) + timedelta(seconds=1)
    return Scope(until - timedelta(days=30), until)


def test_what_moved_most_reads_nothing_that_a_breakdown_has_read(recording: Recording) -> None:
    scope = month()
    for by in MOVING:
        recording.measured((MEASURE,), by, scope, f"-{MEASURE}")
    known = [str(question) for question in recording.asked]
    before = Scope(scope.since - timedelta(days=30), scope.since)
    movers.changes(recording, MEASURE, MOVING, before, scope)
    again = [str(question) for question in recording.asked[len(known) :]]
    assert len(again) == 2 * len(MOVING)
    assert len(set(again) - set(known)) == len(MOVING)


def test_a_split_has_all_values_even_if_a_breakdown_has_not(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = recording.split((MEASURE,), ("initiator",), month()).records()
    monkeypatch.setattr(questions, "MOST", 2)
    assert len(recording.measured((MEASURE,), "initiator", month(), f"-{MEASURE}")) == 2
    few = recording.split((MEASURE,), ("initiator",), month()).records()
    rows = sorted(map(str, few))
    assert rows == sorted(map(str, every))
    assert len(rows) > 2
