"""The demo server's rate limiter in a time of its own, and those who ask it."""

import types
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from heapq import heappop, heappush

import httpx

from aibridge import Pace
from bridgeboard.demo.api.auth_and_rate_limit import Limiter

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC).timestamp()
LIST = "/api/v2/aibridge/interceptions"


@types.coroutine
def pause(seconds: float) -> Generator[float, None, None]:
    yield seconds


class Day:
    """Time that jumps from one waiting task's moment to the next."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def clock(self) -> float:
        return self.now

    def run(self, *tasks: Coroutine[float, None, None], until: float) -> None:
        waiting = [(self.now, number, task) for number, task in enumerate(tasks)]
        while waiting and waiting[0][0] < until:
            self.now, number, task = heappop(waiting)
            try:
                heappush(waiting, (self.now + task.send(None), number, task))
            except StopIteration:
                continue
        for _, _, task in waiting:
            task.close()


@dataclass
class Server:
    """A rate-limited server on its own clock, and what it let pass and refused."""

    now: Callable[[], float]
    limit: int = 512
    ahead: float = 0.0
    is_dated: bool = True
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.limiter = Limiter(self.limit, self.clock)

    def clock(self) -> datetime:
        return datetime.fromtimestamp(self.now() + self.ahead, UTC)

    def judged(self, who: str, path: str = LIST) -> tuple[int, httpx.Headers]:
        verdict = self.limiter.judge("token", path)
        status = 200 if verdict.passed else 429
        self.answers[who, status] += 1
        date = [("Date", format_datetime(self.clock(), usegmt=True))] if self.is_dated else []
        rest = [] if verdict.passed else [("Retry-After", "60")]
        return status, httpx.Headers([*verdict.headers, *date, *rest])

    @property
    def refused(self) -> int:
        return self.answers["us", 429]

    @property
    def passed(self) -> int:
        return self.answers["us", 200]


def pace_of(day: Day) -> Pace:
    return Pace(clock=day.clock, async_sleep=pause)


def fifth() -> float:
    return 0.2


async def work(server: Server, pace: Pace, latency: Callable[[], float], path: str = LIST) -> None:
    """Ask for ever, as fast as the pace allows."""
    while True:
        sent_at = await pace.async_wait(path)
        await pause(latency() / 2)
        status, headers = server.judged("us", path)
        await pause(latency() / 2)
        pace.learn(path, status, headers, sent_at)


async def other_user(server: Server, every: float) -> None:
    while True:
        server.judged("them")
        await pause(every)


async def later(seconds: float, change: Callable[[], object]) -> None:
    await pause(seconds)
    change()
