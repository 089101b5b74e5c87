"""What syncs bring of people who were erased: nothing of theirs, and all of everybody else's."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import demo_sync
import duckdb
import pytest
from slow_cases import one_fast
from small_bridges import NOW, Book

from bridgeboard.analysis import completeness
from bridgeboard.cli import deployment_checks
from bridgeboard.demo.api.deployment import Profile
from bridgeboard.store import (
    Store,
    backups,
    erasure,
    erasure_list,
    opening,
    person_lookup,
    sync_state,
)
from bridgeboard.sync import ErasureKeyLostError, Options, requeue, sessions

MODEL = "claude-sonnet-4-5"
LATER = NOW + timedelta(hours=1)
PROFILES: tuple[Profile, ...] = ("v2.34", "v2.35")
THREADS = """
    SELECT username, session, count(*) FROM threads JOIN initiators USING (initiator)
    GROUP BY ALL ORDER BY ALL
"""
INPUT = """
    SELECT username, sum(input)::BIGINT FROM usage JOIN initiators USING (initiator)
    GROUP BY ALL ORDER BY ALL
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with demo_sync.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def book() -> Book:
    return Book()


def sync(store: Store, book: Book, profile: Profile) -> None:
    demo_sync.run(store, demo_sync.bridge(book.tables(), profile=profile), now=LATER)


def erase(store: Store, name: str, *, has_numbers: bool) -> erasure.Alias:
    (who,) = person_lookup.people_called(store, name)
    with store.write() as batch:
        return erasure.erase(batch, who, has_numbers=has_numbers, now=NOW)


def read_again(store: Store) -> None:
    """Let the next sync take nothing for known."""
    with store.write() as batch:
        batch.execute("DELETE FROM windows")
        batch.execute("UPDATE usage SET digest = 0")
        batch.execute("UPDATE sessions SET digest = 0, detailed_digest = NULL")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("erased_first", one_fast([False, True]))
def test_threads_of_an_erased_person_never_become_those_of_whom_they_shared_a_session_with(
    store: Store, book: Book, profile: Profile, *, erased_first: bool
) -> None:
    book.call(0, session="s", model=MODEL, tokens=[(10, 1)])
    if erased_first:
        sync(store, book, profile)
        erase(store, "owner", has_numbers=False)
    book.call(5, session="s", model=MODEL, tokens=[(20, 1)], who=book.member)
    sync(store, book, profile)
    if not erased_first:
        erase(store, "owner", has_numbers=False)
    for _ in range(2):
        read_again(store)
        sync(store, book, profile)
        assert [(who, count) for who, _, count in store.rows(THREADS)] == [("member", 1)]
        assert store.rows(INPUT) == [("member", 20)]


@pytest.mark.parametrize("profile", PROFILES)
def test_new_threads_in_a_shared_session_stay_under_the_name_of_the_erased_person(
    store: Store, book: Book, profile: Profile
) -> None:
    book.call(0, session="s", model=MODEL, tokens=[(10, 1)])
    book.call(5, session="s", model=MODEL, tokens=[(20, 1)], who=book.member)
    sync(store, book, profile)
    alias = erase(store, "owner", has_numbers=True)
    book.call(7, session="s", model=MODEL, tokens=[(4, 1)])
    book.call(9, session="s", model=MODEL, tokens=[(2, 1)], who=book.member)
    for _ in range(2):
        sync(store, book, profile)
        assert [(who, count) for who, _, count in store.rows(THREADS)] == [
            (alias.username, 2),
            ("member", 2),
        ]
        assert store.rows(INPUT) == [(alias.username, 14), ("member", 22)]
        assert store.rows("SELECT count(*) FROM anomalies") == [(0,)]
        read_again(store)


def test_sessions_of_an_erased_person_are_read_without_asking_whose_they_are(
    store: Store, book: Book
) -> None:
    book.call(0, session="s", model=MODEL, tokens=[(10, 1)])
    served = demo_sync.bridge(book.tables(), profile="v2.35")
    demo_sync.run(store, served, now=LATER)
    for has_alias in (False, True):
        if has_alias:
            erase(store, "owner", has_numbers=True)
        read_again(store)
        demo_sync.run(store, served, now=LATER)
    after, before, _ = store.rows("SELECT requests, details FROM runs ORDER BY run DESC")
    assert after == before


def test_what_was_deleted_on_purpose_is_neither_missing_nor_read_again(
    store: Store, book: Book
) -> None:
    day = 24 * 60
    book.call(-20 * day, tokens=[(10, 1)])
    for minute in (-20 * day + 5, 0):
        book.call(minute, tokens=[(20, 1)], who=book.member)
    sync(store, book, "v2.34")
    erase(store, "owner", has_numbers=False)
    # What they did since is left out as well, and counted once however often it is told.
    book.call(-20 * day + 9, tokens=[(30, 1)])
    book.call(-19 * day, tokens=[(40, 1)])
    served = demo_sync.bridge(book.tables())
    for hours in (30, 60, 90):
        demo_sync.run(store, served, now=NOW + timedelta(hours=hours))
    counts = [one for one in completeness.day_counts(store) if one.kind == "interceptions"]
    assert {
        (NOW.date() - one.day).days: (one.counted, one.held, one.deleted, one.missing)
        for one in counts
        if one.counted
    } == {19: (1, 0, 1, 0), 20: (3, 1, 2, 0), 0: (1, 1, 0, 0)}
    (verdict,) = [one for one in completeness.verdicts(counts, []) if "requests" in one.text]
    assert verdict.good
    assert "the store has 2, 3 deleted on purpose" in verdict.text
    # The last time they were counted and not read: one request lies in the overlap.
    assert store.rows("SELECT read_rows FROM runs ORDER BY run DESC LIMIT 1") == [(1,)]


def test_a_store_that_has_lost_the_key_of_its_erasures_takes_nothing_in(
    store: Store, book: Book
) -> None:
    book.call(0, tokens=[(10, 1)])
    sync(store, book, "v2.34")
    erase(store, "owner", has_numbers=True)
    assert not erasure.key_lost(store)
    with store.write() as batch:
        # The key is lost with what it is needed for only, and not with the settings.
        batch.execute("DELETE FROM meta WHERE name NOT IN ('schema', 'data_version')")
    sync(store, book, "v2.34")
    assert [name for name, _ in store.rows(INPUT)] != ["owner"]
    with store.write() as batch:
        batch.execute("UPDATE erased SET key = NULL")
    with pytest.raises(ErasureKeyLostError, match="bridgeboard restore FOLDER"):
        sync(store, book, "v2.34")
    with pytest.raises(ErasureKeyLostError, match="1 person was erased"):
        requeue(store, Options(), NOW)
    findings = [one for one in deployment_checks._contents(store) if not one.good]
    assert any("the key by which it recognises them is lost" in one.text for one in findings)


def test_the_key_of_an_earlier_version_moves_to_what_it_is_needed_for() -> None:
    with duckdb.connect() as connection:
        opening.migrate(connection, Path(":memory:"), until=7)
        connection.execute("INSERT INTO meta VALUES ('erasure_key', 'ab12')")
        connection.execute(
            "INSERT INTO erased VALUES ('d1', uuid(), 'erased-1', true, '2026-01-01')"
        )
        opening.migrate(connection, Path(":memory:"))
        assert connection.execute("SELECT key FROM erased").fetchall() == [("ab12",)]
        assert connection.execute("FROM meta WHERE name LIKE '%key%'").fetchall() == []


@pytest.mark.parametrize("profile", PROFILES)
def test_numbers_that_are_deleted_under_the_name_after_an_erasure_do_not_come_back(
    store: Store, book: Book, tmp_path: Path, profile: Profile
) -> None:
    book.call(0, session="s", model=MODEL, tokens=[(10, 1)])
    book.call(5, session="s", model=MODEL, tokens=[(20, 1)], who=book.member)
    sync(store, book, profile)
    alias = erase(store, "owner", has_numbers=True)
    # Once more, with the numbers kept, changes nothing.
    before = store.rows(INPUT)
    assert erase(store, alias.username, has_numbers=True) == alias
    assert store.rows(INPUT) == before
    backups.backup(store, tmp_path / "backup", now=NOW)
    erase(store, alias.username, has_numbers=False)
    files = [erasure_list.file_in(tmp_path, store.path)]
    erasure_list.write(store, files)
    read_again(store)
    sync(store, book, profile)
    assert store.rows(INPUT) == [("member", 20)]
    # Nor with a backup from between the two.
    backups.restore(tmp_path / "backup", tmp_path / "restored.duckdb", now=NOW)
    with Store.open(tmp_path / "restored.duckdb") as restored:
        assert [name for name, _ in restored.rows(INPUT)] == [alias.username, "member"]
        assert erasure_list.apply(restored, files).missing == 1
        assert restored.rows(INPUT) == [("member", 20)]
        read_again(restored)
        sync(restored, book, profile)
        assert restored.rows(INPUT) == [("member", 20)]


def test_sessions_that_were_deleted_on_purpose_do_not_count_as_held(
    store: Store, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where a day fits on one page of the list nor where it is read in parts."""
    minutes = -20 * 24 * 60
    for number in range(6):
        who = {"who": book.member} if number % 2 else {}
        book.call(minutes + number, session=f"s{number}", model=MODEL, tokens=[(10, 1)], **who)
    book.call(minutes + 60, session="s0", model=MODEL, tokens=[(10, 1)])
    served = demo_sync.bridge(book.tables(), profile="v2.35")
    demo_sync.run(store, served, now=LATER)
    erase(store, "owner", has_numbers=False)
    day = (NOW + timedelta(minutes=minutes)).date()
    for size in (1_000, 4):
        monkeypatch.setattr(sessions, "LARGEST_PAGE", size)
        with store.write() as batch:
            batch.execute("DELETE FROM day_counts")
            sync_state.open_windows(batch, "sessions", [sessions.windows.day(day)], LATER)
        demo_sync.run(store, served, now=LATER)
        (count,) = [one for one in completeness.day_counts(store) if one.day == day]
        assert (count.counted, count.held, count.deleted, count.missing) == (6, 3, 3, 0)
