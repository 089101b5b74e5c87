"""The sessions of a window in which some rows make the server fail.

Pages by offset are halved until only those rows are left. Offsets hold while the list does not
change, as that of a past day; the counts show whether it did, and then it is read again.
"""

from collections.abc import Callable
from typing import Final, TypeAlias
from uuid import UUID

from aibridge import AIBridgeError, Rejected, SessionPage, SessionSummary
from bridgeboard.sync.failing_pages import FAILING

TRIES: Final = 3
Ask: TypeAlias = Callable[[int, int], SessionPage]
Check: TypeAlias = Callable[[AIBridgeError], None]


class HalvedPages:
    """Reads a window page by page: the sessions, and how many could not be read."""

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
        """Read ``size`` rows from an offset on, in halves where the server fails."""
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
        """Whether the list did not change meanwhile, so that every row was seen once."""
        seen = len(self._rows) + len(self.rejected) + self.spoiled
        return self._counts <= {count} and seen == count


def readable_sessions(ask: Ask, count: int, check: Check) -> HalvedPages:
    """All sessions of a window except those that the server fails to list.

    Args:
        ask: (offset, limit) → that page of the window.
        count: how many sessions the window has; at most what fits into a page.
        check: raises when the server fails altogether.
    """
    sifter = HalvedPages(ask, check)
    for _ in range(TRIES):
        sifter = HalvedPages(ask, check)
        sifter.read(0, count)
        if sifter.is_steady(count):
            break
    return sifter
