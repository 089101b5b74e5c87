"""Reads the whole list of sessions, although its order changes meanwhile.

The list is sorted by latest activity and read by offset, since its cursor is not sound under a
filter (api-contract 2.4). Between two pages

* a new session, or one that wakes up above the reader, moves rows down: they come twice, and are
  told once;
* a session that wakes up below the reader moves to the head, behind the reader's back: so the
  head is read again at the end, down to where nothing can have woken since the walk began;
* a session that vanishes above the reader moves rows up, past the reader: so each page begins on
  the last row of the page before, and where that one is not found the reader steps back.

A list of one page is one snapshot and needs none of this.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aibridge import calls
from aibridge.calls import MAX_ROWS, Query
from aibridge.errors import IncompleteError
from aibridge.lists import Batch, OnRejected, Plan, Row, SeenRows, Walk, routed, session_rows
from aibridge.models import Rejected, SessionSummary

ROUNDS = 5
STEPS_BACK = 10
IDLE_PAGES = 10
LATEST_ARRIVAL = timedelta(hours=1)
"""A request counts from its end, but sorts by its prompt: so long a request is allowed for."""


def sessions(search: Query, page_size: int, on_rejected: OnRejected) -> Walk[SessionSummary]:
    """All sessions, each once.

    Raises:
        IncompleteError: when the list does not keep still for long enough, or the server counts
            more than it lists, rather than pass a part off as the whole.
    """
    # A page of one row has no room for the overlap that shows what vanished.
    size = max(2, calls.within("page_size", page_size, MAX_ROWS))
    return _rounds(_Reader(search, size, SeenRows(on_rejected)))


def _rounds(reader: "_Reader") -> Walk[SessionSummary]:
    yield from _Sweep(reader).run()
    if reader.pages == 1 and reader.has_all:
        return
    for _ in range(ROUNDS):
        # Only the head, unless rows were lost further down.
        sweep = _Sweep(reader, None if reader.is_torn else reader.floor)
        reader.is_torn = False
        yield from sweep.run()
        if sweep.is_calm and reader.has_all:
            return
        reader.is_torn |= sweep.is_calm
    raise IncompleteError(_shortfall(len(reader.seen.keys), reader.count))


def _shortfall(met: int, count: int) -> str:
    if met < count:
        return f"The server counts {count:,} sessions; {met:,} could be read."
    return f"The list of sessions kept changing while it was read: {met:,} were met so far."


@dataclass
class _Reader:
    """What is known over all sweeps. ``count`` is the server's latest.

    ``floor``: what was last active before it has not woken since the walk began.
    """

    search: Query
    size: int
    seen: SeenRows[SessionSummary]
    count: int = 0
    pages: int = 0
    floor: datetime | None = None
    is_torn: bool = False

    @property
    def has_all(self) -> bool:
        return len(self.seen.keys) >= self.count

    def page(self, offset: int) -> Plan[list[Row[SessionSummary]]]:
        call = calls.sessions(self.search, limit=self.size, offset=offset)
        page = yield from routed(call)
        rows = session_rows(page)
        if not self.pages:
            newest = max(map(_activity, page.sessions), default=None)
            self.floor = newest and _before_arrivals(newest)
        self.count = page.count
        self.pages += 1
        return rows


class _Sweep:
    """One way down the list, to its end or to a floor. Calm: nothing moved under the reader."""

    def __init__(self, reader: _Reader, floor: datetime | None = None) -> None:
        self.is_calm = True
        self._reader = reader
        self._floor = floor
        self._offset = 0
        self._before: list[Row[SessionSummary]] = []
        self._count: int | None = None
        self._steps_left = STEPS_BACK

    def run(self) -> Walk[SessionSummary]:
        while True:
            rows = yield from self._reader.page(self._offset)
            good, fresh = self._reader.seen.enter(rows)
            yield Batch(good)
            self._watch(rows)
            if self._is_gap(rows) and self._steps_back():
                continue
            if self._is_end(rows) or self._is_idle(fresh) or self._is_below_floor(rows):
                return
            self._before = rows
            self._offset += max(1, len(rows) - 1)

    def _watch(self, rows: list[Row[SessionSummary]]) -> None:
        count = self._reader.count
        is_steady = self._count in {None, count}
        self._count = count
        self.is_calm &= is_steady and not (self._has_overlap and not self._joins(rows))

    @property
    def _has_overlap(self) -> bool:
        return self._offset > 0 and len(self._before) > 1

    def _joins(self, rows: list[Row[SessionSummary]]) -> bool:
        """Whether a page begins on the last row of the one before."""
        return bool(_firsts(rows) & _lasts(self._before))

    def _is_gap(self, rows: list[Row[SessionSummary]]) -> bool:
        before = {row.key for row in self._before}
        return self._has_overlap and not _firsts(rows) & before

    def _steps_back(self) -> bool:
        if not self._steps_left:
            self._reader.is_torn = True
            return False
        self._steps_left -= 1
        self._offset = max(0, self._offset - self._reader.size + 1)
        return True

    def _is_end(self, rows: list[Row[SessionSummary]]) -> bool:
        reader = self._reader
        is_short = len(rows) < reader.size and self._offset + len(rows) >= reader.count
        return not rows or is_short

    def _is_idle(self, fresh: int) -> bool:
        # A server that repeats a page, or counts what it does not list, must not hold us for ever.
        reader = self._reader
        return not fresh and self._offset > len(reader.seen.keys) + IDLE_PAGES * reader.size

    def _is_below_floor(self, rows: list[Row[SessionSummary]]) -> bool:
        floor = self._floor
        readable = [row.value for row in rows if not isinstance(row.value, Rejected)]
        return floor is not None and any(_activity(each) < floor for each in readable)


def _activity(session: SessionSummary) -> datetime:
    # Servers before v2.33 sort by the start, and do not tell the activity (api-contract 6.1).
    return session.last_active_at or session.started_at


def _before_arrivals(newest: datetime) -> datetime:
    try:
        return newest - LATEST_ARRIVAL
    except OverflowError:
        # Go's zero time is the first of the calendar; nothing lies below such a floor.
        return datetime.min.replace(tzinfo=UTC)


def _firsts(rows: list[Row[SessionSummary]]) -> set[object]:
    # Where unreadable rows stood in the page is not known: any of them may be its first or last.
    return {row.key for row in rows[:1]} | _unreadable(rows)


def _lasts(rows: list[Row[SessionSummary]]) -> set[object]:
    readable = [row.key for row in rows if not isinstance(row.value, Rejected)]
    return set(readable[-1:]) | _unreadable(rows)


def _unreadable(rows: list[Row[SessionSummary]]) -> set[object]:
    return {row.key for row in rows if isinstance(row.value, Rejected)}
