"""The rate limit: sends requests no faster than the server allows (api-contract 1.7).

The server counts requests by person and path in minutes of its clock, and takes the count of this
minute and as much of the last one's as lies within sixty seconds. ``Pace`` counts along, and lets
a request wait until the server would have room for it. What others use of the same allowance, and
how large it is, the server tells with every answer; how far its clock is from ours, the times of
its answers (``ClockOffset``).
"""

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from aibridge.errors import ConfigurationError

_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
"""No clock is this wrong; near the calendar's end whoever reckons with it would leave it."""


class ClockOffset:
    """Bounds of (server's clock - our clock) in seconds, narrowed by every answer.

    One answer tells it to a second and the time the answer took; many together tell it better.
    Bounds that contradict earlier ones replace them: a clock was set.
    """

    def __init__(self) -> None:
        self._bounds = -math.inf, math.inf

    @property
    def seconds(self) -> float | None:
        """What lies within the bounds, as near to 0 as can be; None before any answer."""
        low, high = self._bounds
        return min(max(0.0, low), high) if math.isfinite(high - low) else None

    def learn(self, headers: httpx.Headers, sent_at: float, received_at: float) -> None:
        """Take in the ``Date`` of an answer; the times are those of our clock, since 1970."""
        date = _date(headers)
        if date is not None:
            # The header leaves out the fraction of its second.
            self.narrow(date - received_at, date + 1 - sent_at)

    def narrow(self, low: float, high: float) -> None:
        """Take in bounds; such as exclude each other (our clock was set meanwhile) tell nothing."""
        if high < low:
            return
        lowest, highest = self._bounds
        is_new = high < lowest or low > highest
        self._bounds = (low, high) if is_new else (max(low, lowest), min(high, highest))


def _date(headers: httpx.Headers) -> float | None:
    try:
        parsed = parsedate_to_datetime(headers.get("Date", ""))
        date = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except Exception:  # noqa: BLE001  # the parser of dates fails in ways it does not promise
        return None
    return date if 0 <= date < _LATEST else None


MINUTE: Final = 60.0
LONGEST_NAP: Final = 5.0
"""Seconds after which a waiting request looks again: the allowance may have grown."""

SHORTEST_NAP: Final = 0.001
MOST_PENANCE: Final = 600.0
MOST_MARGIN: Final = 0.5
MOST_DIGITS: Final = 15


@dataclass
class _Tally:
    """What the server is thought to have counted of one path, in its own minutes."""

    minute: int
    current: float = 0
    previous: float = 0
    limit: int | None = None
    barred_until: float = 0

    def turn(self, minute: int) -> None:
        if minute != self.minute:
            self.previous = self.current if minute == self.minute + 1 else 0
            self.current = 0
            self.minute = minute

    def lift(self) -> None:
        """Forget what does not apply on a server that does not limit, or no longer."""
        self.limit = None
        self.current = self.previous = 0

    def fading(self, now: float) -> float:
        """The share of the previous minute that still counts."""
        return self.previous * (1 - (now % MINUTE) / MINUTE)

    def room_at(self, now: float, margin: float) -> float:
        """When there is room for one more request; not after ``now`` if there is already."""
        if self.limit is None:
            return self.barred_until
        # The server rounds its estimate, and refuses when that has reached the limit.
        most = self.limit * (1 - margin) - 0.5
        return max(self.barred_until, self._falls_below(most, now))

    def _falls_below(self, most: float, now: float) -> float:
        if self.fading(now) + self.current < most:
            return now
        began = now - now % MINUTE
        if self.current < most:
            return began + MINUTE * (1 - (most - self.current) / self.previous)
        return began + MINUTE + MINUTE * max(0.0, 1 - most / self.current)


class Pace:
    """Keeps the requests of one token below the server's rate limit; for ``Client(pace=...)``.

    Safe to share between threads, and between clients of the same token and server. Without the
    server's headers nothing waits; after a refusal the path rests as long as the server says.

    Args:
        margin: the share of the allowance that is left alone, for what is counted otherwise
            than we think: requests under way, other users of the token, clocks.
        clock: seconds since 1970.
        sleep: what waits in threads.
        async_sleep: what waits in asyncio.

    Raises:
        ConfigurationError: unless the margin is a share below one half.
    """

    def __init__(
        self,
        *,
        margin: float = 0.05,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        async_sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        if not 0 <= margin < MOST_MARGIN:
            raise ConfigurationError(
                f"The margin is {margin}.", advice="It must be at least 0 and less than 0.5."
            )
        self._margin = margin
        self._clock = clock
        self._sleep = sleep
        self._async_sleep = async_sleep
        self._lock = threading.Lock()
        self._skew = ClockOffset()
        self._latest = 0.0
        self._minute = 0
        self._tallies: dict[str, _Tally] = {}

    def wait(self, path: str) -> float:
        """Sleep until a request for the path may be sent, and count it.

        Returns:
            When that is by the clock, for ``learn``.
        """
        while nap := self._taken_or_nap(path):
            self._sleep(nap)
        return self._clock()

    async def async_wait(self, path: str) -> float:
        """``wait`` for asyncio."""
        while nap := self._taken_or_nap(path):
            await self._async_sleep(nap)
        return self._clock()

    def learn(self, path: str, status: int, headers: httpx.Headers, sent_at: float) -> None:
        """Take in what an answer tells of the allowance."""
        with self._lock:
            reset = _number(headers, "X-RateLimit-Reset")
            now = self._synchronised(headers, sent_at, reset)
            tally = self._tally(path, now)
            if status == httpx.codes.TOO_MANY_REQUESTS:
                rest = _number(headers, "Retry-After") or MINUTE
                tally.barred_until = max(tally.barred_until, now + min(rest, MOST_PENANCE))
            limit = _number(headers, "X-RateLimit-Limit")
            remaining = _number(headers, "X-RateLimit-Remaining")
            if limit and remaining is not None:
                self._count(tally, limit, limit - remaining, reset, now)
            elif status == httpx.codes.OK:
                tally.lift()

    def _synchronised(self, headers: httpx.Headers, sent_at: float, reset: float | None) -> float:
        """The server's time, to which the headers may have added."""
        received_at = self._clock()
        is_first = self._skew.seconds is None
        self._skew.learn(headers, sent_at, received_at)
        if reset:
            self._skew.narrow(reset - MINUTE - received_at, reset - sent_at)
        return self._restarted() if is_first else self._now()

    def _restarted(self) -> float:
        # What was counted until now was counted in minutes of ours.
        self._latest = 0.0
        now = self._now()
        self._minute = int(now // MINUTE)
        for tally in self._tallies.values():
            tally.minute = self._minute
        return now

    @staticmethod
    def _count(tally: _Tally, limit: float, used: float, reset: float | None, now: float) -> None:
        tally.limit = int(limit)
        if reset is None or reset // MINUTE - 1 == tally.minute:
            # The higher of two counts wins; ours includes requests that are under way.
            tally.current = max(tally.current, used - tally.fading(now))

    def _taken_or_nap(self, path: str) -> float:
        """0 when a request may go, which is counted at once; else how long to sleep first."""
        with self._lock:
            now = self._now()
            tally = self._tally(path, now)
            if tally.barred_until > now + MOST_PENANCE:
                # Nobody is sent away for so long: a clock was set back meanwhile.
                tally.barred_until = 0
            room_at = tally.room_at(now, self._margin)
            if room_at > now:
                return min(max(room_at - now, SHORTEST_NAP), LONGEST_NAP)
            tally.current += 1
            return 0

    def _now(self) -> float:
        """The server's time; it does not go back by less than a minute, as estimates of it do."""
        now = self._clock() + (self._skew.seconds or 0.0)
        if not 0 < self._latest - now < MINUTE:
            self._latest = now
        return self._latest

    def _tally(self, path: str, now: float) -> _Tally:
        minute = int(now // MINUTE)
        if minute != self._minute:
            self._minute = minute
            self._forget(now)
        tally = self._tallies.setdefault(path, _Tally(minute))
        tally.turn(minute)
        return tally

    def _forget(self, now: float) -> None:
        # Every session is a path of its own; what was asked two minutes ago no longer counts.
        self._tallies = {
            path: tally
            for path, tally in self._tallies.items()
            if tally.minute >= self._minute - 1 or tally.barred_until > now
        }


def _number(headers: httpx.Headers, name: str) -> float | None:
    text = headers.get(name, "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    return float(text) if is_number else None
