"""The API's rate limiter: a sliding estimate per user and path (api-contract 1.7)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and what the headers say."""

    passed: bool
    headers: tuple[tuple[str, str], ...]


class Limiter:
    """Counts requests by (caller, path) in the current and the previous clock minute."""

    def __init__(self, limit: int, clock: Callable[[], datetime]) -> None:
        self.limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._minute = -1
        self._current: dict[tuple[str, str], int] = {}
        self._previous: dict[tuple[str, str], int] = {}

    def judge(self, caller: str, path: str) -> Verdict:
        """Count a request unless it is one too many; refused ones are not counted."""
        with self._lock:
            minute, rate = self._rate(caller, path)
            passed = rate < self.limit
            if passed:
                self._current[caller, path] = self._current.get((caller, path), 0) + 1
        return Verdict(passed, self._headers(rate + passed, minute))

    def refuse(self, caller: str, path: str) -> Verdict:
        """Refuse a request for a reason of its own; it is not counted."""
        with self._lock:
            minute, rate = self._rate(caller, path)
        return Verdict(passed=False, headers=self._headers(rate, minute))

    def unlimited(self) -> Verdict:
        """Let a request pass that is its own first one, as a bypass makes it."""
        minute = int(self._clock().timestamp() // WINDOW_SECONDS)
        return Verdict(passed=True, headers=self._headers(1, minute))

    def _rate(self, caller: str, path: str) -> tuple[int, int]:
        minute, elapsed = divmod(self._clock().timestamp(), WINDOW_SECONDS)
        self._turn(int(minute))
        key = caller, path
        fading = self._previous.get(key, 0) * (WINDOW_SECONDS - elapsed) / WINDOW_SECONDS
        return int(minute), int(fading + self._current.get(key, 0) + 0.5)

    def _turn(self, minute: int) -> None:
        if minute != self._minute:
            self._previous = self._current if minute == self._minute + 1 else {}
            self._current = {}
            self._minute = minute

    def _headers(self, used: int, minute: int) -> tuple[tuple[str, str], ...]:
        return (
            ("X-RateLimit-Limit", str(self.limit)),
            ("X-RateLimit-Remaining", str(max(0, self.limit - used))),
            ("X-RateLimit-Reset", str((minute + 1) * WINDOW_SECONDS)),
        )
