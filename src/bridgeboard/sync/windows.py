"""The time windows that a sync reads, newest first. Pure.

A span is half-open, ``[since, until)``, in aware UTC; None is without end. Spans of one plan
touch and never overlap, so that reading each of them reads everything once.
"""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from aibridge import Search

DAYS_BACK: Final = 60
"""Servers keep rows so long by default (api-contract 7); all that is older is one last window."""

NARROWEST: Final = timedelta(microseconds=2)
"""The server's shortest window (api-contract 3.10)."""

_DAY: Final = timedelta(days=1)
_TICK: Final = timedelta(microseconds=1)


class Span(NamedTuple):
    """A half-open time window; None is unbounded."""

    since: datetime | None
    until: datetime | None

    @property
    def search(self) -> Search:
        """The span as a search of the API, whose bounds are inclusive (api-contract 3.10)."""
        last = self.until - _TICK if self.until else None
        return Search(started_after=self.since, started_before=last)


def plan(now: datetime, since: datetime | None = None, *, days: int = DAYS_BACK) -> list[Span]:
    """One span for today and later, one for each day before, and one for all that is older.

    Newest first. ``since`` (taken to the whole second) is where the last span begins; None is
    from the beginning.
    """
    start = since.astimezone(UTC).replace(microsecond=0) if since else None
    today = _midnight(now)
    edges = [today - _DAY * back for back in range(days + 1)]
    inner = [edge for edge in edges if start is None or edge > start]
    falling = [None, *inner, start]
    return [Span(lower, upper) for upper, lower in pairwise(falling)]


def day(on: date) -> Span:
    """A whole day."""
    start = datetime.combine(on, time(), UTC)
    return Span(start, start + _DAY)


def closed_day(span: Span, now: datetime) -> date | None:
    """The day of a span that is one whole past day; else None."""
    on = past_day(span, now)
    return on if on and span == day(on) else None


def past_day(span: Span, now: datetime) -> date | None:
    """The past day that a span is, or is a part of; else None."""
    if span.since is None or span.until is None or span.until > _midnight(now):
        return None
    on = span.since.astimezone(UTC).date()
    end = day(on).until
    return on if end and span.until <= end else None


def newest(opened_at: datetime) -> Span:
    """The span from the start of that day on, which contains the newest span of its plan."""
    return Span(_midnight(opened_at), None)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC), time(), UTC)
