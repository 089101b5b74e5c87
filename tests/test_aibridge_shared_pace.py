"""Threads and clients that share a pace."""

import threading
from heapq import heappop, heappush
from typing import Any

import httpx
import pytest
from aibridge_wire import OLD, Wire, answer, at_once, connected
from rate_limiter import LIST, NOON, Day, Server

from aibridge import Pace, RateLimitedError


class Clockwork:
    """Time for real threads: it goes on when all of them sleep."""

    def __init__(self, threads: int) -> None:
        self.now = NOON
        self._awake = threads
        self._turned = threading.Condition()
        self._alarms: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._turned:
            until = self.now + seconds
            heappush(self._alarms, until)
            self.leave()
            self._turned.wait_for(lambda: self.now >= until)

    def leave(self) -> None:
        with self._turned:
            self._awake -= 1
            if not self._awake and self._alarms:
                self.now = self._alarms[0]
                while self._alarms and self._alarms[0] <= self.now:
                    heappop(self._alarms)
                    self._awake += 1
                self._turned.notify_all()


def test_threads_share_one_allowance() -> None:
    hours = Clockwork(threads=6)
    server = Server(hours.clock)
    pace = Pace(clock=hours.clock, sleep=hours.sleep)

    def toil() -> None:
        while hours.now < NOON + 180:
            sent_at = pace.wait(LIST)
            hours.sleep(0.1)
            status, headers = server.judged("us")
            hours.sleep(0.1)
            pace.learn(LIST, status, headers, sent_at)
        hours.leave()

    threads = [threading.Thread(target=toil) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.refused == 0
    assert server.passed >= 0.9 * 512 * 3


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_client_with_a_pace_waits_before_the_request_that_would_be_refused(kind: str) -> None:
    day = Day()
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        day.now += seconds

    async def doze(seconds: float) -> None:
        nap(seconds)

    server = Server(day.clock, limit=20)

    def models(request: httpx.Request) -> httpx.Response:
        status, headers = server.judged("us", request.url.path)
        said = answer(["gpt-5"], status)
        said.headers.update(headers)
        return said

    pace = Pace(clock=day.clock, sleep=nap, async_sleep=doze)
    with connected(kind, Wire(models=models), pace=pace, retry=at_once(0)) as client:
        for _ in range(60):
            client.models()
    assert server.answers == {("us", 200): 60}
    assert 120 <= sum(naps) <= 200


def test_a_client_without_a_pace_is_refused(kind: str) -> None:
    server = Server(Day().clock, limit=20)

    def models(request: httpx.Request) -> httpx.Response:
        status, _ = server.judged("us", request.url.path)
        return answer(["gpt-5"], status)

    with connected(kind, models, prefix=OLD) as client:
        for _ in range(20):
            client.models()
        with pytest.raises(RateLimitedError):
            client.models()


def test_every_attempt_counts(kind: str) -> None:
    def server(_request: httpx.Request) -> httpx.Response:
        asked.append(1)
        return httpx.Response(503)

    asked: list[int] = []
    pace = Pace(clock=lambda: NOON)
    paths: list[Any] = []
    waits = {"sync": "wait", "async": "async_wait"}
    plain = getattr(pace, waits[kind])
    setattr(pace, waits[kind], lambda path: paths.append(path) or plain(path))
    with (
        connected(kind, server, prefix=OLD, pace=pace, retry=at_once(2)) as client,
        pytest.raises(Exception, match="503"),
    ):
        client.session("s 1")
    assert len(asked) == 3
    assert paths == [f"{OLD}/sessions/s%201"] * 3
