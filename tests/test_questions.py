"""What pages and reports ask: the same rows whoever asks, and no rows read twice."""

import operator
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from dashboard_store import filled
from facts import facts

from bridgeboard.access import EVERYTHING
from bridgeboard.analysis import movers, questions
from bridgeboard.analysis.runner import AnswerCache, Runner, Snapshot, answer
from bridgeboard.model.answer import Answer
from bridgeboard.model.pages import MOVING
from bridgeboard.model.scope import Scope
from bridgeboard.queries import metric_query, session_list, session_totals
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.session_filters import Find

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


@pytest.mark.parametrize(
    "question",
    [
        *(metric_query.select(("sessions",), by, month()) for by in ((), ("day",), ("family",))),
        metric_query.select_top(("sessions",), ("day", "client"), month(), rank_by="sessions", n=2),
        session_list.listing(
            Find(month()), session_list.Order("models"), limit=session_list.LARGEST
        ),
        session_totals.totals(Find(month())),
        session_totals.count(Find(month())),
    ],
)
def test_unread_sessions_are_counted_as_soon_as_there_are_any(
    tmp_path: Path, question: Query
) -> None:
    assert question.if_all_read != question
    counts = []
    with filled(tmp_path / "facts.duckdb") as store:
        runner = Runner(store, EVERYTHING, AnswerCache(64))
        for change in (
            "DELETE FROM sessions WHERE session NOT IN (SELECT coalesce(session, 0) FROM usage)",
            "DELETE FROM usage WHERE session = (SELECT max(session) FROM usage)",
        ):
            with store.write() as batch:
                batch.execute(change)
            with store.snapshot() as reader:
                whole = answer(reader, question)
                counts.append((whole, answer(reader, question.if_all_read)))
            assert runner.ask(question) == whole
    (read, same), (unread, fewer) = counts
    assert read == same
    assert unread != fewer


def test_places_are_asked_again_only_for_values_that_have_none(tmp_path: Path) -> None:
    newest = "SELECT arg_max(usage, started_at) FROM usage"
    with filled(tmp_path / "facts.duckdb") as store:
        runner = Runner(store, EVERYTHING, AnswerCache(64))
        known = runner.places("client", ())
        assert known == runner.first_seen("client")
        with store.write() as batch:
            batch.execute(f"UPDATE usage SET client = 'Fresh' WHERE usage = ({newest})")
        assert runner.places("client", known) is known
        again = runner.places("client", [*known, "Fresh"])
        assert again == runner.first_seen("client") == known | {"Fresh": len(known)}


def test_numbers_that_pages_often_ask_share_a_statement(recording: Recording) -> None:
    tokens = recording.measured(("total_tokens",), "client", month(), "-total_tokens")
    count = len(recording.asked)
    spend = recording.split(("spend",), ("client",), month())
    shown = [question for question in recording.asked[count:] if "status" not in str(question)]
    assert {str(question) for question in shown} <= set(map(str, recording.asked[:count]))
    by_hand = answer(recording.reader, metric_query.select(("spend",), ("client",), month()))
    assert spend.only_columns(("client", "spend")) == by_hand
    assert tokens.columns[:2] == ("client", "total_tokens")


def test_a_statement_is_written_once(monkeypatch: pytest.MonkeyPatch, recording: Recording) -> None:
    recording.series((MEASURE,), "day", month())
    recording.top((MEASURE,), ("day", "model"), month(), rank_by=MEASURE, n=3)
    first = list(recording.asked)
    for name in ("select", "select_top"):
        monkeypatch.delattr(metric_query, name)
    recording.series((MEASURE,), "day", month())
    recording.top((MEASURE,), ("day", "model"), month(), rank_by=MEASURE, n=3)
    assert all(map(operator.is_, recording.asked, (*first, *first)))
    assert len(recording.asked) == 2 * len(first)
