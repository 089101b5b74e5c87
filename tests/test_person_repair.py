"""A backup from before somebody was erased neither brings them back nor counts them twice."""

from collections.abc import Iterator
from pathlib import Path

import demo_sync
import pytest
from slow_cases import one_fast
from small_bridges import NOW, Book
from test_person_syncs import (
    INPUT,
    MODEL,
    PROFILES,
    erase,
    read_again,
    sync,
)

from bridgeboard.demo.api.deployment import Profile
from bridgeboard.store import Store, backups, erasure, erasure_list, person_lookup, repair


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with demo_sync.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def book() -> Book:
    return Book()


def one_of_all(book: Book) -> None:
    """Requests of both people, in one session of both and in one of each, with text."""
    for session, who in (("s", None), ("own", None), ("s", book.member), ("other", book.member)):
        more = {"who": who} if who else {}
        book.call(len(book.calls), session=session, model=MODEL, tokens=[(10, 1)],
                  prompts=[(0, "PRIVATE")], **more)  # fmt: skip


def contents(store: Store) -> dict[str, object]:
    """What is told of usage, by whoever it is of, without keys of ours and times of syncs."""
    return {
        "usage": store.rows(
            "SELECT i.id, i.username, s.id, u.id, u.grain, u.input, u.requests FROM usage u"
            " JOIN initiators i USING (initiator) LEFT JOIN sessions s USING (session) ORDER BY ALL"
        ),
        "sessions": store.rows(
            "SELECT s.id, i.id, s.input_sum FROM sessions s JOIN initiators i USING (initiator)"
            " ORDER BY ALL"
        ),
        "threads": store.rows("SELECT id, input_sum FROM threads ORDER BY ALL"),
        "prompts": store.rows("SELECT text FROM prompts ORDER BY ALL"),
        "last_prompts": store.rows("SELECT text FROM last_prompts ORDER BY ALL"),
        "people": store.rows("SELECT id, username, name FROM initiators ORDER BY ALL"),
        "erased": store.rows("FROM erased ORDER BY ALL"),
    }


@pytest.mark.parametrize("profile", one_fast(PROFILES))
@pytest.mark.parametrize("has_numbers", one_fast([True, False]))
def test_no_repair_brings_an_erased_person_back_or_counts_them_twice(
    tmp_path: Path, book: Book, profile: Profile, *, has_numbers: bool
) -> None:
    one_of_all(book)
    with demo_sync.opened(tmp_path / "one") as store:
        sync(store, book, profile)
        with store.write() as batch:
            batch.execute("INSERT INTO former_names VALUES (1, 'maiden')")
        path, backup = store.path, tmp_path / "before"
        files = [erasure_list.file_in(path.parent, path)]
        backups.backup(store, backup, now=NOW)
        erase(store, "owner", has_numbers=has_numbers)
        erasure_list.write(store, files)
        told = contents(store)
    path.write_bytes(b"")
    assert repair(path, [backup], now=NOW, erasures=files)
    with Store.open(path) as store:
        assert contents(store) == told
        assert not person_lookup.people_called(store, "owner")
        assert not person_lookup.people_called(store, "maiden")
        sync(store, book, profile)
        assert contents(store) == told


def test_the_list_beside_a_store_brings_the_key_of_erasures_back(
    store: Store, tmp_path: Path, book: Book
) -> None:
    one_of_all(book)
    sync(store, book, "v2.34")
    files = [erasure_list.file_in(tmp_path, store.path)]
    erase(store, "owner", has_numbers=True)
    told = contents(store)
    erasure_list.write(store, files)
    with store.write() as batch:
        batch.execute("UPDATE erased SET key = NULL")
    erasure_list.write(store, files)  # which does not take it from the list
    assert erasure_list.apply(store, files).missing == 0
    sync(store, book, "v2.34")
    assert contents(store) == told


def test_an_erased_person_whom_an_older_store_held_beside_their_alias_is_one_again(
    store: Store, book: Book
) -> None:
    one_of_all(book)
    sync(store, book, "v2.35")
    before = store.rows("SELECT sum(input)::BIGINT FROM usage")
    alias = erase(store, "owner", has_numbers=True)
    with store.write() as batch:
        rows = batch.table("FROM erased")
        batch.execute("DELETE FROM erased")
    read_again(store)
    sync(store, book, "v2.35")
    with store.write() as batch:
        with batch.registered(rows=rows):
            batch.execute("INSERT INTO erased FROM rows")
        erasure.erase_again(batch)
    assert store.rows("SELECT sum(input)::BIGINT FROM usage") == before
    assert [name for name, _ in store.rows(INPUT)] == [alias.username, "member"]
    read_again(store)
    sync(store, book, "v2.35")
    assert store.rows("SELECT sum(input)::BIGINT FROM usage") == before
    assert store.rows("SELECT count(*) FROM sessions") == [(4,)]
