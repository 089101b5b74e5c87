"""Lists that the server fails to answer because of some rows: how to read all the others.

One row can spoil every page it is on: the server answers 500 for a session whose first
interception has SQL NULL for its metadata (api-contract 2.4). A window that fails is made smaller
until only such rows are left out. A server that fails altogether is another matter: that raises.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from aibridge import AIBridgeError, DecodeError, Search, ServerError, TimedOutError
from bridgeboard.model.completeness import LeftOut
from bridgeboard.sync.windows import NARROWEST, Span

FAILING: Final = (DecodeError, ServerError, TimedOutError)
"""What a page may fail with, time and again, because of a row on it or of its size."""

_NOTHING: Final = Search(started_after=datetime(9999, 1, 1, tzinfo=UTC))
BEFORE_ALL: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""No bridge recorded anything before."""


def check(ask: Callable[[Search], object], error: AIBridgeError) -> None:
    """Ask for a window in which there can be no row.

    Raises:
        AIBridgeError: the given one, when even that fails: then no row is to blame.
    """
    try:
        ask(_NOTHING)
    except FAILING:
        raise error from None


def halves(span: Span, now: datetime) -> tuple[Span, ...]:
    """A window in two, the newer one first; none if it cannot be cut.

    What is open to the past is cut as if nothing were before 2020, and to the future likewise
    after the day that follows ``now``.
    """
    since, until = span.since or BEFORE_ALL, span.until or now + timedelta(days=1)
    cut = since + (until - since) // 2
    if cut - since < NARROWEST or until - cut < NARROWEST:
        return ()
    return Span(cut, span.until), Span(span.since, cut)


def left_out(
    kind: str, span: Span, rows: int | None, error: AIBridgeError, now: datetime
) -> LeftOut:
    """What is told of rows that were given up: where they are, and the server's own words."""
    return LeftOut(kind, span.since, span.until, rows, _reason(error), now)


def _reason(error: AIBridgeError) -> str:
    said = ": ".join(filter(None, (error.message, error.detail)))
    return said or error.what
