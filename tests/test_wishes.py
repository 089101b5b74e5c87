"""Wishes: one open at a time of each kind and target, each done once, whoever is killed."""

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import databases
import pytest
from sqlalchemy import Connection

from bridgeboard.state import Database
from bridgeboard.state import wishes as module
from bridgeboard.state.sync_nodes import LASTS, Lease, LeaseLostError, SyncNodes
from bridgeboard.state.wishes import (
    MOST,
    REMEMBERED,
    WAITS,
    TooManyWishesError,
    Wish,
    Wishes,
)

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


class Clock:
    """The database's clock, which stands still until it is set forward."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self, _: Connection) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wishes(database: Database, clock: Clock) -> Wishes:
    return Wishes(database, "store", clock)


@pytest.fixture
def nodes(database: Database, clock: Clock) -> SyncNodes:
    return SyncNodes(database, "store", clock)


@pytest.fixture
def lease(nodes: SyncNodes) -> Lease:
    return taken(nodes, "a")


def taken(nodes: SyncNodes, holder: str) -> Lease:
    lease = nodes.take(holder, holder)
    assert lease
    return lease


def state(wishes: Wishes, kind: module.Kind = "sync", target: str = "") -> str:
    wish = wishes.get(kind, target)
    return wish.state if wish else "none"


def test_a_wish_is_open_until_it_is_done(wishes: Wishes, lease: Lease, clock: Clock) -> None:
    assert wishes.get("sync") is None
    wish = wishes.add("sync")
    assert (wish.state, wish.is_open, wish.wished_at) == ("open", True, AT)
    assert wishes.get("sync") == wish
    (doing,) = wishes.take(lease)
    assert (doing.number, doing.state, state(wishes)) == (wish.number, "doing", "doing")
    assert wishes.take(lease) == []
    clock.now += MOMENT
    wishes.settle(lease, [wish.number])
    assert wishes.get("sync") == Wish(wish.number, "sync", "", "done", AT, clock.now, "")


def test_a_wish_that_fails_says_why(wishes: Wishes, lease: Lease) -> None:
    wish = wishes.add("session", "17")
    wishes.take(lease)
    wishes.settle(lease, [wish.number], "The deployment does not answer.")
    ended = wishes.get("session", "17")
    assert ended
    assert (ended.state, ended.problem) == ("failed", "The deployment does not answer.")
    assert not ended.is_open


def test_who_wishes_what_is_wished_already_joins_in(wishes: Wishes, lease: Lease) -> None:
    wish = wishes.add("session", "17")
    assert wishes.add("session", "17") == wish
    assert wishes.add("session", "18").number > wish.number
    wishes.take(lease)
    assert wishes.add("session", "17").number == wish.number
    wishes.settle(lease, [wish.number])
    again = wishes.add("session", "17")
    assert (again.number > wish.number, again.state) == (True, "open")
    (taken_again,) = wishes.take(lease)
    assert taken_again.number == again.number


def test_the_oldest_is_done_first_and_stores_are_told_apart(
    wishes: Wishes, lease: Lease, database: Database, clock: Clock
) -> None:
    Wishes(database, "other", clock).add("sync")
    numbers = [wishes.add("session", str(target)).number for target in (3, 1, 2)]
    assert [wish.number for wish in wishes.take(lease)] == numbers
    assert state(Wishes(database, "other", clock)) == "open"


def test_one_that_nobody_takes_expires_and_can_be_wished_again(
    wishes: Wishes, lease: Lease, clock: Clock
) -> None:
    first = wishes.add("sync")
    clock.now += WAITS - MOMENT
    assert state(wishes) == "open"
    clock.now += MOMENT
    assert state(wishes) == "expired"
    assert wishes.take(lease) == []
    assert wishes.add("sync").number > first.number
    assert len(wishes.take(lease)) == 1


def test_one_that_takes_long_does_not_expire_while_its_process_lives(
    wishes: Wishes, lease: Lease, nodes: SyncNodes, clock: Clock
) -> None:
    wish = wishes.add("sync")
    wishes.take(lease)
    clock.now += 10 * WAITS
    nodes.renew(lease)
    assert state(wishes) == "doing"
    assert wishes.add("sync").number == wish.number
    clock.now += LASTS
    assert state(wishes) == "expired"
    nodes.renew(lease)
    wishes.settle(lease, [wish.number])
    assert state(wishes) == "done"


def test_what_a_killed_process_had_taken_is_done_by_the_next_and_settled_by_it_alone(
    wishes: Wishes, lease: Lease, nodes: SyncNodes, clock: Clock
) -> None:
    wish = wishes.add("sync")
    wishes.take(lease)
    clock.now += LASTS
    after = taken(nodes, "b")
    for late in (lambda: wishes.settle(lease, [wish.number]), lambda: wishes.take(lease)):
        wishes.add("session", "17")
        with pytest.raises(LeaseLostError):
            late()
    assert state(wishes) == "doing"
    first, _ = wishes.take(after)
    assert first.number == wish.number
    wishes.settle(after, [wish.number])
    assert state(wishes) == "done"
    assert state(wishes, "session", "17") == "doing"


def test_what_is_settled_stays_so(wishes: Wishes, lease: Lease, nodes: SyncNodes) -> None:
    wish = wishes.add("sync")
    wishes.take(lease)
    wishes.settle(lease, [wish.number], "first")
    wishes.settle(lease, [wish.number])
    after = taken(nodes, "a")
    assert wishes.take(after) == []
    wishes.settle(after, [wish.number])
    ended = wishes.get("sync")
    assert ended
    assert (ended.state, ended.problem) == ("failed", "first")
    wishes.settle(after, [])


def test_readers_cannot_pile_up_wishes(wishes: Wishes, lease: Lease, clock: Clock) -> None:
    for target in range(MOST):
        wishes.add("session", str(target))
    with pytest.raises(TooManyWishesError, match="try again"):
        wishes.add("session", "one more")
    assert wishes.add("session", "7").target == "7"
    every = wishes.take(lease)
    wishes.settle(lease, [wish.number for wish in every[1:]])
    wishes.add("session", "one more")
    clock.now += REMEMBERED
    wishes.add("sync")
    known = [str(target) for target in range(MOST)] + ["one more"]
    assert Counter(state(wishes, "session", target) for target in known) == {"none": MOST + 1}
    with pytest.raises(ValueError, match="x"):
        wishes.add("session", "x" * 201)


def test_what_became_of_a_wish_is_forgotten_after_a_while_though_nothing_else_is_wished(
    wishes: Wishes, lease: Lease, clock: Clock
) -> None:
    wish = wishes.add("session", "17")
    wishes.add("session", "18")
    wishes.take(lease)
    wishes.settle(lease, [wish.number])
    clock.now += REMEMBERED - MOMENT
    wishes.take(lease)
    assert state(wishes, "session", "17") == "done"
    clock.now += MOMENT
    assert wishes.take(lease) == []
    assert [state(wishes, "session", target) for target in ("17", "18")] == ["none", "none"]


def test_of_many_readers_who_wish_the_same_at_once_each_gets_the_same(
    database: Database, state_url: str, clock: Clock
) -> None:
    start = Barrier(6)

    def wish(_: int) -> int:
        with databases.database(database.folder, state_url) as own:
            wishes = Wishes(own, "store", clock)
            start.wait()
            return wishes.add("sync").number

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(wish, range(6)))) == 1


def test_of_many_threads_that_take_with_one_lease_each_wish_goes_to_one(
    database: Database, state_url: str, wishes: Wishes, lease: Lease, clock: Clock
) -> None:
    numbers = [wishes.add("session", str(target)).number for target in range(40)]

    def take(_: int) -> list[int]:
        with databases.database(database.folder, state_url) as own:
            return [wish.number for wish in Wishes(own, "store", clock).take(lease)]

    with ThreadPoolExecutor(6) as threads:
        every = [number for part in threads.map(take, range(6)) for number in part]
    assert sorted(every) == numbers


_READER = """
import sys
from pathlib import Path
from bridgeboard.state import Database
from bridgeboard.state.wishes import Wishes
print(Wishes(Database(Path(sys.argv[1]), sys.argv[2]), "store").add("sync").number, flush=True)
sys.stdin.read()
"""


def test_a_wish_outlives_the_reader_whose_process_is_killed(
    database: Database, state_url: str
) -> None:
    command = [sys.executable, "-c", _READER, str(database.folder), state_url]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        number = int(process.stdout.readline())
        process.kill()
    lease = taken(SyncNodes(database, "store"), "a")
    assert [wish.number for wish in Wishes(database, "store").take(lease)] == [number]
