"""Reads around rows that make the server fail.

One row can break every page it is on: the server answers 500 for a session whose first interception
has SQL NULL for its metadata (api-contract 2.4). A window that fails is halved until only such rows
are left out. A server that fails altogether raises.

Sessions are paged by offset, and pages are halved. Offsets hold while the list does not change, as
that of a past day; the counts show whether it did, and then it is read again.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from aibridge import (
    AIBridgeError,
    DecodeError,
    Rejected,
    Search,
    ServerError,
    SessionPage,
    SessionSummary,
    TimedOutError,
)
from bridgeboard.model.store_status import LeftOut
from bridgeboard.sync.windows import NARROWEST, Span

FAILING: Final = (DecodeError, ServerError, TimedOutError)
"""Errors that one row of a page, or the size of the page, can cause each time it is read."""

_NOTHING: Final = Search(started_after=datetime(9999, 1, 1, tzinfo=UTC))
BEFORE_ALL: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""No AI Bridge existed before this date."""


def check(ask: Callable[[Search], object], error: AIBridgeError) -> None:
    """Raise the error if the server also fails for a window that cannot hold any row.

    Raises:
        AIBridgeError: the given one; no row is to blame then.
    """
    try:
        ask(_NOTHING)
    except FAILING:
        raise error from None


def halves(span: Span, now: datetime) -> tuple[Span, ...]:
    """A window in two, the newer one first; empty if it is too small.

    Open ends count as 2020 and as one day after ``now``.
    """
    since, until = span.since or BEFORE_ALL, span.until or now + timedelta(days=1)
    cut = since + (until - since) // 2
    if cut - since < NARROWEST or until - cut < NARROWEST:
        return ()
    return Span(cut, span.until), Span(span.since, cut)


def left_out(
    kind: str, span: Span, rows: int | None, error: AIBridgeError, now: datetime
) -> LeftOut:
    """The record of rows that were left out: their window, and the server's message."""
    return LeftOut(kind, span.since, span.until, rows, _reason(error), now)


def _reason(error: AIBridgeError) -> str:
    message = ": ".join(filter(None, (error.message, error.detail)))
    return message or error.what


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
