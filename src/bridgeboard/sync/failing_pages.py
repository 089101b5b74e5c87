"""Reads around rows that make the server fail.

One row can break every page it is on: the server answers 500 for a session whose first interception
has SQL NULL for its metadata (api-contract 2.4). A window that fails is halved until only such rows
are left out. A server that fails altogether raises.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from aibridge import AIBridgeError, DecodeError, Search, ServerError, TimedOutError
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
