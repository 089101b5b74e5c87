"""Below the rate limit without a single refusal, by the demo server's own limiter."""

from collections.abc import Coroutine
from random import Random

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rate_limiter import LIST, NOON, Day, Server, fifth, later, other_user, pace_of, pause, work

from aibridge import ConfigurationError, Pace

MINUTES = 10


def ten_minutes(
    day: Day, server: Server, *others: Coroutine[float, None, None], workers: int = 4
) -> float:
    """Let workers ask for ten minutes; return how many requests passed a minute."""
    pace = pace_of(day)
    tasks = [work(server, pace, fifth) for _ in range(workers)]
    day.run(*tasks, *others, until=day.now + 60 * MINUTES)
    return server.passed / MINUTES


@pytest.mark.parametrize(
    ("limit", "share", "workers"), [(1, 0.5, 1), (10, 0.85, 4), (60, 0.9, 16), (512, 0.9, 16)]
)
def test_nine_tenths_of_the_limit_are_used_and_nothing_is_refused(
    limit: int, share: float, workers: int
) -> None:
    day = Day(NOON + 17)
    server = Server(day.clock, limit)
    assert ten_minutes(day, server, workers=workers) >= share * limit
    assert server.refused == 0


@settings(deadline=None, max_examples=60)
@given(
    start=st.floats(0, 60),
    ahead=st.floats(-4000, 4000),
    workers=st.integers(1, 8),
    longest=st.floats(0.01, 2),
    limit=st.integers(30, 600),
    seed=st.integers(0, 1000),
)
@example(start=59.99, ahead=0.0, workers=8, longest=0.3, limit=512, seed=0)
def test_nothing_is_refused_whatever_the_clocks_and_the_network_do(
    *, start: float, ahead: float, workers: int, longest: float, limit: int, seed: int
) -> None:
    dice = Random(seed)  # noqa: S311  # a network, not a secret
    day = Day(NOON + start)
    server = Server(day.clock, limit, ahead)
    pace = pace_of(day)
    tasks = [work(server, pace, lambda: dice.uniform(0.01, longest)) for _ in range(workers)]
    day.run(*tasks, until=day.now + 240)
    assert server.refused == 0
    # Slow answers, not the pace, may be what holds few workers back.
    most_possible = workers * 60 / (longest / 2 + 0.01)
    assert server.passed >= 4 * min(0.9 * limit, 0.8 * most_possible)


def test_a_server_that_does_not_tell_the_time_is_taken_to_have_ours() -> None:
    day = Day(NOON + 17)
    server = Server(day.clock, is_dated=False)
    assert ten_minutes(day, server) >= 0.9 * 512
    assert server.refused == 0


def test_each_path_has_an_allowance_of_its_own() -> None:
    day = Day()
    server = Server(day.clock, 100)
    pace = pace_of(day)
    paths = [f"/sessions/{number}" for number in range(3)]
    tasks = [work(server, pace, fifth, path) for path in paths for _ in range(2)]
    day.run(*tasks, until=day.now + 240)
    assert server.refused == 0
    assert server.passed >= 0.9 * 100 * 4 * len(paths)


@pytest.mark.parametrize("every", [0.2, 0.4, 3])
def test_another_user_of_the_same_allowance_is_made_room_for(every: float) -> None:
    day = Day()
    server = Server(day.clock)
    assert ten_minutes(day, server, other_user(server, every)) + 60 / every >= 0.9 * 512
    assert server.refused == 0
    # Only in the first minute, whose allowance is ours before they come, are they in need.
    assert server.answers["them", 429] <= 60 / every


def test_another_user_who_comes_and_goes_costs_no_refusal() -> None:
    day = Day(NOON + 33)
    server = Server(day.clock)

    async def visits() -> None:
        while True:
            for _ in range(90):
                server.judged("them")
                await pause(0.5)
            await pause(70)

    assert ten_minutes(day, server, visits()) >= 0.9 * (512 - 120)
    assert server.refused == 0


def test_a_limit_that_grows_is_used_within_a_minute() -> None:
    day = Day()
    server = Server(day.clock, 60)
    grown = later(120, lambda: setattr(server.limiter, "limit", 600))
    assert ten_minutes(day, server, grown, workers=8) >= 0.9 * (60 * 3 + 600 * 7) / MINUTES
    assert server.refused == 0


def test_a_limit_that_falls_costs_at_most_what_is_under_way() -> None:
    day = Day()
    server = Server(day.clock, 600)
    fallen = later(110, lambda: setattr(server.limiter, "limit", 60))
    assert ten_minutes(day, server, fallen, workers=4) >= 0.9 * (600 * 1.8 + 60 * 6) / MINUTES
    assert server.refused <= 4


def test_a_run_that_begins_when_most_is_spent_is_not_refused() -> None:
    day = Day(NOON + 20)
    server = Server(day.clock)
    for _ in range(480):
        server.judged("an earlier run")
    assert ten_minutes(day, server) >= 0.8 * 512
    assert server.refused == 0


def test_after_a_refusal_the_whole_path_rests_as_long_as_told() -> None:
    day = Day(NOON + 20)
    server = Server(day.clock)
    for _ in range(512):
        server.judged("a greedy run")
    assert ten_minutes(day, server, workers=8) >= 0.7 * 512
    assert 1 <= server.refused <= 8


def test_another_path_does_not_rest_with_a_refused_one() -> None:
    day = Day()
    pace = pace_of(day)
    pace.learn(LIST, 429, httpx.Headers({"Retry-After": "30"}), day.now)
    waited: list[float] = []

    async def ask(path: str) -> None:
        await pace.async_wait(path)
        waited.append(day.now - NOON)

    day.run(ask("/other"), ask(LIST), until=day.now + 100)
    assert waited == [0, 30]


def test_a_server_that_does_not_limit_is_not_waited_for() -> None:
    pace = Pace(clock=lambda: NOON, sleep=lambda _: pytest.fail("slept"))
    for _ in range(5000):
        sent_at = pace.wait(LIST)
        pace.learn(LIST, 200, httpx.Headers(), sent_at)


def test_a_server_that_limits_no_longer_is_not_waited_for() -> None:
    day = Day()
    server = Server(day.clock, limit=3)
    pace = pace_of(day)
    served: list[float] = []

    async def ask() -> None:
        for number in range(200):
            sent_at = await pace.async_wait(LIST)
            headers = server.judged("us")[1] if number < 3 else httpx.Headers()
            pace.learn(LIST, 200, headers, sent_at)
            served.append(day.now - NOON)

    day.run(ask(), until=day.now + 600)
    assert len(served) == 200
    assert served[2] == 0
    assert served[3] > 0
    assert served[-1] == served[3]


TEXTS = st.sampled_from(["", "0", "1", "512", "-5", "²", "1e9", "9" * 20, "soon", "nan", "60"])


@settings(deadline=None, max_examples=200)
@given(
    limit=TEXTS,
    remaining=TEXTS,
    reset=TEXTS,
    rest=TEXTS,
    date=TEXTS | st.just("Wed, 99 Foo 2026"),
    status=st.sampled_from([200, 429]),
)
def test_nonsense_in_headers_harms_nothing(
    *, limit: str, remaining: str, reset: str, rest: str, date: str, status: int
) -> None:
    day = Day()
    told = {
        "X-RateLimit-Limit": limit,
        "X-RateLimit-Remaining": remaining,
        "X-RateLimit-Reset": reset,
        "Retry-After": rest,
        "Date": date,
    }
    headers = httpx.Headers([(name.encode(), text.encode()) for name, text in told.items()])
    pace = pace_of(day)
    done: list[float] = []

    async def ask() -> None:
        for _ in range(2):
            sent_at = await pace.async_wait(LIST)
            pace.learn(LIST, status, headers, sent_at)
        done.append(day.now)

    day.run(ask(), until=day.now + 2000)
    assert done


@pytest.mark.parametrize("margin", [-0.1, 0.5, 1.0, float("nan")])
def test_a_margin_that_leaves_nothing_is_refused(margin: float) -> None:
    with pytest.raises(ConfigurationError, match="margin"):
        Pace(margin=margin)


def test_paths_that_are_not_asked_any_more_are_forgotten() -> None:
    day = Day()
    pace = pace_of(day)
    for number in range(3000):
        pace.wait(f"/sessions/{number}")
        day.now += 0.1
    assert len(pace._tallies) <= 1200


def test_a_refusal_does_not_outlast_a_clock_that_is_set_back() -> None:
    day, naps = Day(), list[float]()
    pace = Pace(clock=day.clock, sleep=naps.append)
    sent_at = pace.wait(LIST)
    pace.learn(LIST, 429, httpx.Headers({"Retry-After": "60"}), sent_at)
    day.now -= 86_400
    assert pace.wait(LIST) == day.now
    assert naps == []
