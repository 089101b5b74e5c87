"""The sessions of a window of which some spoil every page that they are on.

Pages by offset are halved until those are left alone. Offsets hold while the list keeps still, as
that of a closed day does; whether it did shows in the counts, and if not it is read again.
"""

from collections.abc import Callable
from typing import Final, TypeAlias
from uuid import UUID

from aibridge import AIBridgeError, Rejected, SessionPage, SessionSummary
from bridgeboard.sync.failing_pages import FAILING

TRIES: Final = 3
Ask: TypeAlias = Callable[[int, int], SessionPage]
Check: TypeAlias = Callable[[AIBridgeError], None]


class Sifted:
    """What could be read of a window, and how many sessions could not."""

    def __init__(self, ask: Ask, check: Check) -> None:
        self._ask = ask
        self._check = check
        self._rows: dict[tuple[str, UUID], SessionSummary] = {}
        self._counts: set[int] = set()
        self.rejected: list[Rejected] = []
        self.spoiled = 0
        self.error: AIBridgeError | None = None

    @property
    def rows(self) -> tuple[SessionSummary, ...]:
        """The sessions, each once."""
        return tuple(self._rows.values())

    def read(self, first: int, size: int) -> None:
        """Read so many rows from an offset on, in pieces where the whole cannot be had."""
        try:
            page = self._ask(first, size)
        except FAILING as error:
            if size == 1:
                self._check(error)
                self.spoiled, self.error = self.spoiled + 1, error
                return
            half = size // 2
            self.read(first, half)
            self.read(first + half, size - half)
        else:
            self._rows |= {(row.id, row.initiator.id): row for row in page.sessions}
            self.rejected += page.rejected
            self._counts.add(page.count)

    def is_steady(self, count: int) -> bool:
        """Whether nothing moved meanwhile, so that every row was met once."""
        met = len(self._rows) + len(self.rejected) + self.spoiled
        return self._counts <= {count} and met == count


def sifted(ask: Ask, count: int, check: Check) -> Sifted:
    """All sessions of a window but those that the server fails to list.

    Args:
        ask: (offset, limit) → that page of the window.
        count: how many sessions the window has; at most what fits into a page.
        check: raises when the server fails altogether.
    """
    found = Sifted(ask, check)
    for _ in range(TRIES):
        found = Sifted(ask, check)
        found.read(0, count)
        if found.is_steady(count):
            break
    return found
