from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import demo_sync
import demo_worlds
import pytest
import truth
from small_bridges import NOW, Book

from aibridge import Search
from bridgeboard.demo import api
from bridgeboard.model.store_status import Event
from bridgeboard.store import Store, sync_state
from bridgeboard.store import sessions as held
from bridgeboard.sync import Options, sessions
from bridgeboard.sync.options import Context, Generation

TABLES = demo_worlds.small().tables
FINISHED = truth.finished(TABLES)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with demo_sync.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def book() -> Book:
    return Book()


def discover(
    store: Store,
    served: api.Bridge,
    now: datetime = demo_sync.NOW,
    generation: Generation = "interceptions",
    **options: object,
) -> list[Event]:
    context = Context(Options(**demo_sync.since(served, now) | options), now, generation)
    with demo_sync.client(served) as client:
        return list(sessions.discover(client, store, context))


@pytest.fixture(scope="module")
def discovered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with the sessions of all windows of a plan; not to be changed."""
    with demo_sync.opened(tmp_path_factory.mktemp("discovered")) as opened:
        discover(opened, demo_sync.bridge(TABLES), since=None)
        yield opened


def of(book: Book, **more: object) -> api.Bridge:
    return demo_sync.bridge(book.tables(), **more)


def totals(store: Store) -> list[tuple[object, ...]]:
    return store.rows(
        "SELECT s.id, i.username, input_sum, output_sum FROM sessions s"
        " JOIN initiators i USING (initiator) ORDER BY ALL"
    )


def test_all_sessions_are_found_with_their_own_totals(discovered: Store) -> None:
    rows = discovered.rows(
        "SELECT s.id, i.id::VARCHAR, s.input_sum, s.output_sum, s.cache_read_sum, s.cache_write_sum"
        " FROM sessions s JOIN initiators i USING (initiator)"
    )
    expected = set()
    for session, person in truth.sessions(FINISHED):
        own = [r for r in FINISHED if (r.session_id, r.initiator_id) == (session, person)]
        told = truth.recorded(TABLES, own)
        expected.add((session, person, told.input, told.output, told.cache_read, told.cache_write))
    assert set(rows) == expected
    assert len(rows) == len(expected)


def test_times_over_all_windows_are_those_of_the_whole_session(discovered: Store) -> None:
    for session, started_at, ended_at in discovered.rows(
        "SELECT id, started_at, ended_at FROM sessions"
    ):
        own = [row for row in FINISHED if row.session_id == session]
        starts, ends = [row.started_at for row in own], [row.ended_at for row in own]
        assert started_at.replace(tzinfo=UTC) in starts
        assert ended_at.replace(tzinfo=UTC) in ends
        if len({row.initiator_id for row in own}) == 1:
            assert started_at.replace(tzinfo=UTC) == min(starts)
            assert ended_at.replace(tzinfo=UTC) == max(end for end in ends if end)


@pytest.mark.slow
def test_a_window_that_exceeds_a_page_is_cut_until_each_part_fits(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LARGEST_PAGE", 8)
    events = discover(store, demo_sync.bridge(TABLES))
    with demo_sync.opened(tmp_path, "whole.duckdb") as other:
        monkeypatch.setattr(sessions, "LARGEST_PAGE", 1000)
        whole = discover(other, demo_sync.bridge(TABLES))
        assert len(events) > len(whole)
        assert demo_sync.contents(store) == demo_sync.contents(other)
    assert events[-1].windows_done == events[-1].windows_total


def test_sessions_of_one_instant_are_walked_by_pages(
    store: Store, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LARGEST_PAGE", 3)
    for _ in range(9):
        book.call(0, tokens=[(1, 1)])
    discover(store, of(book), NOW)
    assert store.rows("SELECT count(*) FROM sessions") == [(9,)]


def test_two_people_who_share_a_session_id_have_a_session_each(store: Store, book: Book) -> None:
    book.call(0, session="shared", tokens=[(10, 1)])
    book.call(1, session="shared", tokens=[(20, 2)], who=book.member)
    discover(store, of(book), NOW)
    assert totals(store) == [("shared", "member", 20, 2), ("shared", "owner", 10, 1)]


def test_discovering_twice_is_discovering_once(store: Store) -> None:
    served = demo_sync.bridge(TABLES, profile="v2.35")
    discover(store, served, generation="sessions")
    before = demo_sync.contents(store)
    (*_, last) = discover(store, served, generation="sessions")
    assert last.changed == 0
    assert demo_sync.contents(store) == before


def test_a_stopped_run_is_gone_on_with(store: Store, tmp_path: Path) -> None:
    context = Context(Options(), demo_sync.NOW, "sessions")
    served = demo_sync.bridge(TABLES, profile="v2.35")
    with demo_sync.client(served) as client:
        walk = sessions.discover(client, store, context)
        for _ in range(5):
            next(walk)
        del walk
    assert len(sync_state.unfinished(store, sessions.KIND)) > 10
    discover(store, served, generation="sessions")
    assert sync_state.unfinished(store, sessions.KIND) == []
    with demo_sync.opened(tmp_path, "other.duckdb") as other:
        discover(other, served, generation="sessions", since=None)
        assert demo_sync.contents(store) == demo_sync.contents(other)


def test_later_runs_read_only_what_may_have_changed(store: Store) -> None:
    early = demo_worlds.END - timedelta(days=3)
    discover(store, demo_sync.bridge(TABLES, clock=lambda: early), early)
    events = discover(store, demo_sync.bridge(TABLES))
    assert events[-1].windows_total < 10
    assert store.rows("SELECT count(*) FROM sessions") == [(len(truth.sessions(FINISHED)),)]


def test_a_session_that_grows_is_to_be_read_again(store: Store, book: Book) -> None:
    book.call(0, session="s", tokens=[(10, 1)])
    discover(store, of(book), NOW)
    with store.write() as batch:
        batch.execute("UPDATE sessions SET detailed_digest = digest")
    assert held.stale(store) == []
    book.call(9, session="s", tokens=[(5, 1)])
    discover(store, of(book), NOW)
    assert held.stale(store) == ["s"]
    assert totals(store) == [("s", "owner", 15, 2)]


def test_what_the_server_purges_stays_in_the_totals(store: Store, book: Book) -> None:
    book.call(0, session="s", tokens=[(10, 1)])
    book.call(60, session="s", tokens=[(5, 1)])
    discover(store, of(book), NOW)
    book.calls, book.tokens = book.calls[1:], book.tokens[1:]
    discover(store, of(book), NOW)
    assert totals(store) == [("s", "owner", 15, 2)]
    assert store.rows("SELECT started_at FROM sessions") == [(NOW.replace(tzinfo=None),)]


def test_newest_and_largest_sessions_are_read_first(store: Store, book: Book) -> None:
    for number, tokens in enumerate((900, 1, 2, 3, 500, 4)):
        book.call(number, session=f"s{number}", tokens=[(tokens,)])
    discover(store, of(book), NOW)
    assert set(held.stale(store)[:2]) == {"s5", "s0"}
    assert held.stale(store)[2] == "s4"


def test_last_prompts_are_kept_only_with_text(store: Store, book: Book, tmp_path: Path) -> None:
    book.call(0, session="s", prompts=[(0, "first"), (1, "second")])
    discover(store, of(book), NOW)
    assert store.rows("SELECT text FROM last_prompts") == [("second",)]
    book.call(5, session="s", prompts=[(5, "third")])
    discover(store, of(book), NOW)
    assert store.rows("SELECT text FROM last_prompts") == [("third",)]
    with demo_sync.opened(tmp_path, "silent.duckdb") as silent:
        discover(silent, of(book), NOW, text=False)
        assert silent.rows("SELECT count(*) FROM last_prompts") == [(0,)]


def test_before_any_details_a_session_is_one_row_of_usage(store: Store, book: Book) -> None:
    book.call(0, session="s", tokens=[(10, 1)], model="claude-sonnet-4-5")
    book.call(5, session="t", tokens=[(20, 2)], model="claude-sonnet-4-5")
    book.call(6, session="t", tokens=[(30, 3)], model="gpt-5", provider="openai")
    discover(store, of(book, profile="v2.35"), NOW, "sessions")
    assert store.rows(
        "SELECT grain, id, model, provider, requests, input, status FROM usage ORDER BY input"
    ) == [
        ("session", None, "claude-sonnet-4-5", "anthropic", 0, 10, "priced"),
        ("session", None, None, "", 0, 50, "unpriced"),
    ]


def test_where_requests_are_listed_sessions_are_no_usage(discovered: Store) -> None:
    assert discovered.rows("SELECT count(*) FROM usage") == [(0,)]


def test_hostile_texts_are_held(discovered: Store) -> None:
    names = {name for (name,) in discovered.rows("SELECT id FROM sessions")}
    assert names == {row.session_id for row in FINISHED}


def test_sessions_are_asked_for_by_windows_that_the_server_takes() -> None:
    assert sessions.Span(NOW, NOW + sessions.NARROWEST).search == Search(
        started_after=NOW, started_before=NOW + timedelta(microseconds=1)
    )


def test_since_limits_how_far_a_first_run_reads(store: Store) -> None:
    since = demo_worlds.END - timedelta(days=2)
    discover(store, demo_sync.bridge(TABLES), since=since)
    expected = truth.sessions(truth.finished(TABLES, since=since))
    assert store.rows("SELECT count(*) FROM sessions") == [(len(expected),)]
