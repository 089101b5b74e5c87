"""Closed days are counted again: what ended long after its beginning is found, and told until."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import demo_sync
import pytest
from slow_cases import one_fast
from small_bridges import NOW, Book

from bridgeboard.analysis import completeness
from bridgeboard.analysis.completeness import verdicts
from bridgeboard.demo.api.deployment import Profile
from bridgeboard.model.store_status import DayCount, LeftOut
from bridgeboard.store import Store, sync_state
from bridgeboard.store.sync_state import Suspect
from bridgeboard.sync import Options, day_counts
from bridgeboard.sync.options import Context

HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with demo_sync.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def book() -> Book:
    return Book()


def sync(
    store: Store, book: Book, now: datetime, profile: Profile = "v2.34", **options: object
) -> None:
    served = demo_sync.bridge(book.tables(), profile=profile, clock=lambda: now)
    demo_sync.run(store, served, now=now, **options)


def tokens(store: Store) -> int:
    ((total,),) = store.rows("SELECT coalesce(sum(input_sum), 0)::BIGINT FROM usage")
    return int(total)


@pytest.mark.parametrize(
    ("profile", "hours", "session"),
    one_fast(
        [
            ("v2.34", 30, "own"),
            ("v2.34", 9 * 24, "other"),
            ("v2.35", 30, "other"),
            ("v2.35", 9 * 24, "own"),
        ]
    ),
)
def test_a_request_that_ends_long_after_the_overlap_is_found(
    store: Store, book: Book, hours: int, session: str, profile: Profile
) -> None:
    book.call(-60, session="other", tokens=[(5, 1)])
    book.call(0, lasts=hours * 60, session=session, tokens=[(70, 1)])
    for after in (1, hours - 1, hours + 9):
        assert tokens(store) in {0, 5}
        sync(store, book, NOW + after * HOUR, profile)
    assert tokens(store) == 75
    assert store.rows("SELECT count(*) FROM sessions") == [(len({"other", session}),)]
    assert store.rows("SELECT count(*) FROM sessions WHERE detailed_at IS NULL") == [(0,)]
    assert all(not count.missing for count in completeness.day_counts(store))


def test_both_counts_of_each_closed_day_are_kept(store: Store, book: Book) -> None:
    for start in (-3 * 24 * 60, -3 * 24 * 60 + 5, -24 * 60, 0):
        book.call(start)
    sync(store, book, NOW + HOUR, since=None)
    counts = [one for one in completeness.day_counts(store) if one.kind == "interceptions"]
    assert [one.day for one in counts] == [NOW.date() - timedelta(days=n) for n in range(1, 61)]
    told = {one.day.day: (one.counted, one.held, one.missing) for one in counts if one.counted}
    assert told == {17: (2, 2, 0), 19: (1, 1, 0)}


def test_a_day_that_the_server_has_purged_lacks_nothing(store: Store, book: Book) -> None:
    call = book.call(-3 * 24 * 60, tokens=[(5, 1)])
    sync(store, book, NOW)
    book.calls.remove(call)
    sync(store, book, NOW + 8 * HOUR)
    (count,) = [one for one in completeness.day_counts(store) if one.held and one.kind[0] == "i"]
    assert (count.counted, count.held, count.missing) == (0, 1, 0)
    assert all(one.good for one in verdicts(completeness.day_counts(store), []))


def test_a_first_sync_that_reads_no_further_back_misses_nothing_before(
    store: Store, book: Book
) -> None:
    book.call(-20 * 24 * 60)
    book.call(-2 * 24 * 60)
    served = demo_sync.bridge(book.tables())
    demo_sync.run(store, served, now=NOW, since=NOW - timedelta(days=5))
    demo_sync.run(store, served, now=NOW + 8 * HOUR)
    assert store.rows("SELECT count(*) FROM usage") == [(1,)]
    assert min(one.day for one in completeness.day_counts(store)) == date(2026, 5, 16)


def test_records_in_quarantine_are_not_missing(store: Store, book: Book) -> None:
    call = book.call(-3 * 24 * 60)
    sync(store, book, NOW)
    raw = f'{{"id": "x", "started_at": "{call.started_at.isoformat()}"}}'
    with store.write() as batch:
        batch.execute("DELETE FROM usage")
        sync_state.quarantine(batch, "interception", [Suspect("x", "odd", raw)], NOW)
        sync_state.quarantine(batch, "interception", [Suspect("y", "odd", "no JSON")], NOW)
    context = Context(Options(), NOW, "interceptions")
    with demo_sync.client(demo_sync.bridge(book.tables())) as client:
        (count,) = day_counts.counted(client, store, context, [call.started_at.date()])
        assert (count.counted, count.held, count.unreadable, count.missing) == (1, 0, 1, 0)
        with store.write() as batch:
            batch.execute("UPDATE quarantine SET raw = ''")
        (again,) = day_counts.counted(client, store, context, [call.started_at.date()])
    assert again == count, "the text of old ones is deleted"


def test_the_older_a_day_the_more_seldom_it_is_looked_at(store: Store, book: Book) -> None:
    book.call(-40 * 24 * 60)
    sync(store, book, NOW, since=None)

    def due(after: timedelta) -> set[int]:
        context = Context(Options(), NOW + after, "interceptions")
        return {(NOW.date() - day).days for day in day_counts.due(store, "interceptions", context)}

    assert due(timedelta(0)) == set()
    assert due(HOUR) == {1}
    assert due(7 * HOUR) == set(range(1, 8))
    assert due(timedelta(days=3)) == set(range(-2, 58))
    assert due(-HOUR) == set(range(1, 61)), "a clock that once ran ahead hides nothing"


def test_days_whose_rows_are_deleted_here_are_not_read_again(store: Store, book: Book) -> None:
    book.call(-40 * 24 * 60)
    sync(store, book, NOW)
    context = Context(Options(kept_days=7), NOW + timedelta(days=9), "interceptions")
    days = day_counts.due(store, "interceptions", context)
    assert (context.now.date() - min(days)).days == 6


def test_the_verdict_names_both_counts_and_says_what_to_do() -> None:
    whole = DayCount("interceptions", date(2026, 5, 1), 10, 9, 1, NOW)
    short = DayCount("interceptions", date(2026, 5, 2), 1_200, 1_199, 0, NOW)
    (good,) = verdicts([whole], [])
    assert good.good
    assert "counts 10 requests" in good.text
    assert "9, 1 in quarantine" in good.text
    (bad,) = verdicts([whole, short], [])
    assert not bad.good
    assert "On 1 of 2 closed days" in bad.text
    assert "1 of 1,200 are missing" in bad.text
    assert "reads them again" in bad.text
    left = [LeftOut("sessions", NOW, None, 2, "oops", NOW)]
    (gone,) = verdicts([], left)
    assert "fails to list 2 sessions" in gone.text
    (gone,) = verdicts([], [*left, LeftOut("sessions", NOW, NOW, None, "", NOW)])
    assert "at least 3" in gone.text
