"""Adapts the number of parallel requests: more while response times stay low, else fewer."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Final

LEAST: Final = 2
MOST: Final = 20
"""As many connections as an httpx client keeps open."""
SLOWER: Final = 1.5
"""A response that takes so many times the usual time waited for others."""
JITTER_SECONDS: Final = 0.002
"""Differences too small to come from the server."""
DECREASE: Final = 0.7
ROUND: Final = 8
"""At least so many responses are judged together: single ones say little."""


@dataclass
class Turn:
    """One request in flight; ``failed`` is set where it ended in an error."""

    failed: bool = False


class Concurrency:
    """Additive increase, multiplicative decrease of the requests under way, by answer times.

    The median of the answer times of a round is compared with the lowest median so far. While it
    stays near, one more request may be under way; the limit doubles instead until answers slow down
    for the first time. Once they are slower, or one failed, the limit is cut. Safe to share
    between threads.

    Args:
        least: requests under way whatever the answer times.
        most: requests under way at most.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        *,
        least: int = LEAST,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._least, self._most = min(least, most), most
        self._clock = clock
        self._limit = float(self._least)
        self._is_searching = True
        self._usual: float | None = None
        self._times: list[float] = []
        self._under_way = 0
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return int(self._limit)

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait until one more request may be sent, and measure it; a failure cuts the limit.

        What is raised within is a failure too. The time of a failure counts for nothing: a server
        that refuses at once does not work any faster.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._under_way < self.limit)
            self._under_way += 1
        began, turn = self._clock(), Turn()
        try:
            yield turn
        except BaseException:
            turn.failed = True
            raise
        finally:
            took = self._clock() - began
            with self._changed:
                self._under_way -= 1
                self.learn(took, failed=turn.failed)
                # As many as may start now: the others would wake only to wait again.
                self._changed.notify(max(0, self.limit - self._under_way))

    def learn(self, seconds: float, *, failed: bool = False) -> None:
        """Record how long a response took, or that the request failed."""
        if failed:
            self._cut()
            return
        self._times.append(seconds)
        if len(self._times) >= max(ROUND, self.limit):
            self._judge(median(self._times))

    def _judge(self, seconds: float) -> None:
        # At the lowest limit requests do not wait for each other: the server itself is slow.
        is_alone = self._usual is None or self._limit <= self._least
        usual = self._usual = seconds if is_alone else min(self._usual or seconds, seconds)
        if seconds > max(usual * SLOWER, usual + JITTER_SECONDS):
            self._cut()
            return
        step = self._limit if self._is_searching else 1.0
        self._limit = min(self._limit + step, float(self._most))
        self._times.clear()

    def _cut(self) -> None:
        self._is_searching = False
        self._limit = max(self._limit * DECREASE, float(self._least))
        self._times.clear()
