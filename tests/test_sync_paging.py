import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aibridge import BulkPage, CursorError, DecodeError, IncompleteError, OversizedError
from bridgeboard.sync.paging import Step, Walk
from bridgeboard.sync.worker_pool import WorkerPool

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

# How a window is walked: pages from a list of so many rows, numbered from the newest.


class Listing:
    """A server's list of one window; ``tricks`` replace the answer to the n-th question."""

    def __init__(self, size: int, tricks: dict[int, Callable[["Listing"], object]]) -> None:
        self.rows = list(range(size))
        self.tricks = tricks
        self.asked = 0
        self.told: set[int] = set()
        self.limits: list[int] = []

    def __call__(self, after: UUID | None, limit: int) -> BulkPage:
        trick = self.tricks.get(self.asked)
        self.asked += 1
        self.limits.append(limit)
        made = trick(self) if trick else None
        if isinstance(made, Exception):
            raise made
        return made if isinstance(made, BulkPage) else self.page(after, limit)

    def page(self, after: UUID | None, limit: int) -> BulkPage:
        rest = [row for row in self.rows if after is None or row > after.int]
        self.told.update(rest[:limit])
        return paged(len(self.rows), rest[:limit])


def paged(count: int, rows: list[int]) -> BulkPage:
    first, last = (place(rows[0]), place(rows[-1])) if rows else (None, None)
    return BulkPage(count, len(rows), first, last)


def place(row: int) -> tuple[datetime, UUID]:
    return NOON - timedelta(seconds=row), UUID(int=row)


def walked(listing: Listing, **left: object) -> list[Step]:
    return list(Walk(listing, 10, "today", **left).steps())  # type: ignore[arg-type]  # two words


def kinds(steps: Iterable[Step]) -> list[str]:
    return [remark.kind for step in steps for remark in step.remarks]


@settings(deadline=None, max_examples=60)
@given(size=st.integers(0, 60))
def test_a_quiet_window_is_read_once_without_a_remark(size: int) -> None:
    listing = Listing(size, {})
    steps = walked(listing)
    assert listing.told == set(range(size))
    assert [step.is_last for step in steps] == [False] * (len(steps) - 1) + [True]
    assert (steps[-1].rows, kinds(steps)) == (size, [])
    assert listing.asked == size // 10 + 1


@settings(deadline=None, max_examples=60)
@given(size=st.integers(1, 60), left=st.integers(0, 59))
def test_a_walk_goes_on_where_an_earlier_one_was_left(size: int, left: int) -> None:
    left = min(left, size - 1)
    listing = Listing(size, {})
    steps = walked(listing, after=UUID(int=left), rows=left + 1)
    assert listing.told == set(range(left + 1, size))
    assert (steps[-1].rows, kinds(steps)) == (size, [])


def test_a_cursor_that_is_gone_sends_the_walk_back_to_the_top() -> None:
    listing = Listing(35, {2: lambda _: CursorError("gone")})
    steps = walked(listing)
    assert listing.told == set(range(35))
    assert kinds(steps) == ["lost_cursor"]
    assert [step.after for step in steps].count(None) == 1


def test_an_answer_that_is_no_page_is_asked_for_again() -> None:
    listing = Listing(35, {1: lambda _: DecodeError("odd"), 2: lambda _: DecodeError("odd")})
    steps = walked(listing)
    assert listing.told == set(range(35))
    assert kinds(steps) == ["error_body", "error_body"]


def test_a_server_that_never_answers_with_a_page_is_an_error() -> None:
    with pytest.raises(DecodeError):
        walked(Listing(35, dict.fromkeys(range(100), lambda _: DecodeError("odd"))))


def test_a_page_too_large_to_take_is_asked_for_in_halves() -> None:
    listing = Listing(35, {0: lambda _: OversizedError("large")})
    assert kinds(walked(listing)) == []
    assert listing.told == set(range(35))
    assert listing.limits[:2] == [10, 5]


def test_a_repeated_page_is_seen_and_the_window_read_again() -> None:
    listing = Listing(35, {2: lambda each: each.page(UUID(int=9), 10)})
    steps = walked(listing)
    assert listing.told == set(range(35))
    assert kinds(steps) == ["repeated_page"]


def test_a_list_that_only_repeats_itself_is_an_error_and_no_endless_walk() -> None:
    listing = Listing(35, dict.fromkeys(range(1000), lambda each: each.page(None, 10)))
    with pytest.raises(IncompleteError, match="today"):
        walked(listing)
    assert listing.asked < 20


def test_rows_out_of_order_are_remarked() -> None:
    listing = Listing(35, {1: lambda _: paged(35, [*range(5, 19), 19])})
    assert "order" in kinds(walked(listing))


def test_a_purge_is_remarked_and_does_not_make_the_window_short() -> None:
    def purge(listing: Listing) -> None:
        listing.rows = listing.rows[:25]

    listing = Listing(35, {2: purge})
    steps = walked(listing)
    assert kinds(steps) == ["shrunk"]
    assert steps[-1].is_last


def test_a_window_that_ends_before_its_count_is_read_again() -> None:
    listing = Listing(35, {2: lambda _: paged(35, [])})
    steps = walked(listing)
    assert listing.told == set(range(35))
    assert kinds(steps) == ["short"]
    assert steps[-1].rows == 35


def test_a_window_that_stays_short_ends_with_a_remark() -> None:
    class Boasting(Listing):
        def page(self, after: UUID | None, limit: int) -> BulkPage:
            page = super().page(after, limit)
            return BulkPage(40, page.size, page.first, page.last)

    steps = walked(Boasting(35, {}))
    assert set(kinds(steps)) == {"short"}
    assert steps[-1].is_last


def test_rows_that_appeared_above_a_walk_that_was_left_are_fetched() -> None:
    """What came late above the mark makes the count too large for what was read."""
    listing = Listing(35, {})
    steps = walked(listing, after=UUID(int=20), rows=18)
    assert listing.told == set(range(35))
    assert kinds(steps) == []


@settings(deadline=None, max_examples=80)
@given(
    size=st.integers(0, 45), faults=st.lists(st.sampled_from("cdrs"), max_size=3), data=st.data()
)
def test_no_mix_of_faults_loses_a_row(size: int, faults: list[str], data: st.DataObject) -> None:
    tricks: dict[str, Callable[[Listing], object]] = {
        "c": lambda _: CursorError("gone"),
        "d": lambda _: DecodeError("odd"),
        "r": lambda each: each.page(None, 10),
        "s": lambda _: paged(size, []),
    }
    places = [data.draw(st.integers(1, 8)) for _ in faults]
    listing = Listing(size, {at: tricks[kind] for at, kind in zip(places, faults, strict=True)})
    steps = walked(listing)
    assert listing.told == set(range(size))
    assert steps[-1].is_last


def test_a_row_that_is_too_large_by_itself_is_an_error_and_no_endless_question() -> None:
    listing = Listing(35, dict.fromkeys(range(100), lambda _: OversizedError("large")))
    with pytest.raises(OversizedError):
        walked(listing)
    assert listing.limits == [10, 5, 2, 1]


# Fetchers and the one writer.


def test_everything_fetched_is_handed_over_each_jobs_in_its_order() -> None:
    crew = WorkerPool(range(7), lambda job: iter([(job, step) for step in range(5)]), workers=3)
    pieces = [piece for batch in crew.batches() for piece in batch]
    assert sorted(pieces) == [(job, step) for job in range(7) for step in range(5)]
    for job in range(7):
        assert [step for each, step in pieces if each == job] == list(range(5))


def test_a_fetcher_that_fails_is_told_after_what_came_before() -> None:
    def fetch(job: int) -> Iterator[int]:
        yield job
        if job == 3:
            raise ZeroDivisionError

    taken: list[int] = []

    def take() -> None:
        for batch in WorkerPool(range(100), fetch, workers=1).batches():
            taken.extend(batch)

    with pytest.raises(ZeroDivisionError):
        take()
    assert taken == [0, 1, 2, 3]


def test_leaving_early_ends_fetchers_that_wait_for_room() -> None:
    begun: list[int] = []

    def fetch(job: int) -> Iterator[int]:
        begun.append(job)
        yield from range(1000)

    batches = WorkerPool(range(1000), fetch, workers=4).batches()
    assert next(batches)
    batches.close()  # type: ignore[attr-defined]  # a generator
    assert len(begun) < 20


def test_workers_read_on_while_the_writer_is_busy_as_far_as_there_is_room() -> None:
    begun: list[int] = []

    def fetch(job: int) -> Iterator[int]:
        begun.append(job)
        yield job

    batches = WorkerPool(range(1000), fetch, workers=1, waiting=60, size=lambda _: 6).batches()
    first = next(batches)
    while len(begun) < len(first) + 11:  # ten wait, one waits for room
        threading.Event().wait(0.001)
    assert len(begun) == len(first) + 11
    batches.close()  # type: ignore[attr-defined]  # a generator


def test_an_item_that_is_larger_than_the_room_is_handed_over_alone() -> None:
    pool = WorkerPool(range(5), lambda job: iter([job]), workers=2, waiting=10, size=lambda _: 99)
    assert sorted(item for batch in pool.batches() for item in batch) == list(range(5))
