"""The limit of requests under way follows what the server can do, told by answer times alone."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard.sync.concurrency import DECREASE, LEAST, MOST, ROUND, Concurrency

Server = Callable[[int], float]
"""Requests under way → seconds that each answer takes."""


def queueing(seconds: float, capacity: int) -> Server:
    """A server that works on so many requests at the same time; the others wait."""
    return lambda under_way: seconds * max(1.0, under_way / capacity)


def settled(limit: Concurrency, server: Server, answers: int = 2_000) -> list[int]:
    """The limits that a crowd of fetchers meets, answer by answer."""
    limits = []
    for _ in range(answers):
        limit.learn(server(limit.limit))
        limits.append(limit.limit)
    return limits


def per_second(limits: list[int], server: Server) -> float:
    return sum(limit / server(limit) for limit in limits) / len(limits)


@pytest.mark.parametrize("seconds", [0.005, 0.02, 0.05])
def test_a_server_that_does_not_slow_down_is_asked_as_much_as_may_be(seconds: float) -> None:
    limits = settled(Concurrency(), queueing(seconds, 100), 200)
    assert limits[-1] == MOST
    assert limits == sorted(limits)
    assert per_second(limits, queueing(seconds, 100)) > 200


@given(st.integers(LEAST, MOST), st.sampled_from([0.005, 0.02, 0.05, 0.5]))
def test_a_server_of_any_capacity_is_used_and_not_flooded(capacity: int, seconds: float) -> None:
    server = queueing(seconds, capacity)
    limits = settled(Concurrency(most=60), server)[500:]
    assert per_second(limits, server) > 0.85 * capacity / seconds
    assert max(limits) <= 2 * capacity + 1
    assert sum(limits) / len(limits) <= 1.7 * capacity + 1


def test_it_grows_again_by_one_a_round_after_a_cut() -> None:
    limit = Concurrency(most=100)
    settled(limit, queueing(0.02, 100), 500)
    before = limit.limit
    limit.learn(0.0, failed=True)
    cut = limit.limit
    assert cut == int(before * DECREASE)
    for _ in range(max(ROUND, cut)):
        limit.learn(0.02)
    assert limit.limit == cut + 1


def test_a_fault_that_comes_at_once_cuts_it_and_does_not_pass_for_speed() -> None:
    now = 0.0
    limit = Concurrency(most=16, clock=lambda: now)

    def answer(seconds: float, *, failed: bool = False) -> None:
        nonlocal now
        with limit.turn() as turn:
            now += seconds
            turn.failed = failed

    for _ in range(200):
        answer(0.02)
    assert limit.limit == 16
    answer(0.001, failed=True)
    assert limit.limit == int(16 * DECREASE)
    for _ in range(200):
        answer(0.001, failed=True)
    assert limit.limit == LEAST
    for _ in range(400):
        answer(0.02)
    assert limit.limit == 16


def test_all_who_wait_get_their_turn_and_never_more_than_may() -> None:
    limit = Concurrency(least=2, most=5)
    watch = threading.Lock()
    under_way, seen = 0, []

    def work() -> None:
        nonlocal under_way
        for number in range(50):
            with limit.turn() as turn:
                with watch:
                    under_way += 1
                    seen.append(under_way)
                turn.failed = number % 7 == 0
                with watch:
                    under_way -= 1

    crowd = [threading.Thread(target=work, daemon=True) for _ in range(12)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join(30)
    assert len(seen) == 12 * 50
    assert max(seen) <= 5


def test_it_never_falls_below_its_least_however_much_fails() -> None:
    limit = Concurrency()
    for _ in range(100):
        limit.learn(1.0, failed=True)
    assert limit.limit == LEAST


def test_a_server_that_became_slower_for_good_is_asked_more_again() -> None:
    limit = Concurrency()
    settled(limit, queueing(0.01, 100))
    slower = settled(limit, queueing(0.03, 100), 3_000)
    assert min(slower) < MOST
    assert slower[-1] == MOST


def test_differences_of_a_millisecond_are_none() -> None:
    limit = Concurrency()
    for number in range(1_000):
        limit.learn(0.001 + 0.001 * (number // 50 % 2))
    assert limit.limit == MOST


def test_a_turn_waits_for_its_place_and_is_measured_by_the_clock_given() -> None:
    now = 0.0
    limit = Concurrency(least=1, most=1, clock=lambda: now)
    order: list[str] = []

    def second() -> None:
        with limit.turn():
            order.append("second")

    waiting = threading.Thread(target=second)
    with limit.turn():
        waiting.start()
        order.append("first")
    waiting.join(60)
    assert order == ["first", "second"]
    with pytest.raises(KeyError), limit.turn():
        raise KeyError
    assert limit.limit == 1
