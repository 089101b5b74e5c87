"""Reads the list of sessions (api-contract 2.4, 4.3).

The list is read by time windows: a window that fits into one page is a consistent snapshot of the
server; a larger one is cut. So no cursor is needed, which would repeat or skip rows under a filter.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from aibridge import (
    AIBridgeError,
    Client,
    OversizedError,
    Rejected,
    SessionPage,
    SessionSummary,
)
from bridgeboard.model.store_status import DayCount, Event, LeftOut
from bridgeboard.queries.store_status import LEFT_OUT
from bridgeboard.queries.typed_rows import typed
from bridgeboard.store import Batch, Store, erasure, sync_state
from bridgeboard.store import sessions as session_table
from bridgeboard.store.sync_state import Window
from bridgeboard.sync import day_counts, failing_pages, families, windows, writer
from bridgeboard.sync.aggregates import put_remainders
from bridgeboard.sync.arrow_columns import clean, moments, texts
from bridgeboard.sync.failing_pages import readable_sessions
from bridgeboard.sync.options import Context
from bridgeboard.sync.permission_check import confirming_empty_windows, require_read_access
from bridgeboard.sync.quarantine import suspects, without_impossible
from bridgeboard.sync.threads import counted
from bridgeboard.sync.windows import NARROWEST, Span

KIND: Final = "sessions"
OPENED_AT: Final = "sessions_opened_at"
"""Setting of the store: when the current plan of windows was made."""
LARGEST_PAGE: Final = 1000
_BEHIND_ALL: Final = 2**31 - 1
"""An offset behind the last row of any list (api-contract 2.2)."""
_CUT: Final = 5
"""A window is cut where a fifth of the sessions on its page began before."""


@dataclass(frozen=True)
class _Reading:
    """The result of reading a window: rows, and the windows it was cut into, if it was.

    ``counted`` is the server's count of its sessions; None if that failed.
    """

    rows: tuple[SessionSummary, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    parts: tuple[Span, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    counted: int | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.rejected or self.parts or self.left_out)

    @property
    def without_impossible_rows(self) -> "_Reading":
        """The same with sessions of impossible token counts moved to ``rejected``."""
        rows, impossible = without_impossible(self.rows)
        return replace(self, rows=rows, rejected=(*self.rejected, *impossible))


def discover(client: Client, store: Store, context: Context) -> Iterator[Event]:
    """Bring the store's sessions up to what the server lists, newest first.

    One event a window. The next run goes on where this one stops.

    Raises:
        IncompleteError: when a list that cannot be cut changes while it is read.
        AIBridgeError: whatever the client could not overcome. What was committed stays.
    """
    _open(store, context)
    doubtful: dict[Window, None] = {}

    def finish_empty(confirm: Callable[[], object]) -> None:
        writer.finish_empty(store, list(doubtful), context.now, confirm)

    with confirming_empty_windows(client, finish_empty):
        yield from _read(client, store, context, doubtful)


def _read(
    client: Client, store: Store, context: Context, doubtful: dict[Window, None]
) -> Iterator[Event]:
    tally = Event("sessions", windows_total=len(sync_state.unfinished(store, KIND)))
    while window := next(
        (w for w in sync_state.unfinished(store, KIND) if w not in doubtful), None
    ):
        span = Span(window.since, window.until)
        reading = _reading(client, span, context.now)
        if context.generation == "sessions":  # else its numbers come from requests
            reading = reading.without_impossible_rows
        with store.write() as batch:
            changed = _put(batch, reading, context)
            _note(batch, span, reading, context.now)
            sync_state.open_windows(batch, KIND, reading.parts, context.now)
            if reading.is_empty:
                doubtful[window] = None
            else:
                sync_state.finish(batch, window, context.now)
        tally = replace(
            tally,
            done=tally.done + len(reading.rows),
            rows=tally.rows + len(reading.rows) + len(reading.rejected),
            changed=tally.changed + changed,
            requests=tally.requests + 1,
            windows_done=tally.windows_done + 1,
            windows_total=tally.windows_total + len(reading.parts),
            quarantined=tally.quarantined + len(reading.rejected),
        )
        yield tally


def _open(store: Store, context: Context) -> None:
    """Plan this run's windows: the unfinished and a newest one, or a new plan; and past days."""
    opened_at = store.meta(OPENED_AT)
    again = _old_days(store, context) if opened_at else []
    unfinished = sync_state.unfinished(store, KIND)
    with store.write() as batch:
        if opened_at and unfinished:
            sync_state.drop(batch, [window for window in unfinished if window.until is None])
            spans = [windows.newest(datetime.fromisoformat(opened_at))]
        else:
            since = context.options.since
            if opened_at:
                # Our clock may have run ahead once: nothing since is skipped.
                since = (
                    min(datetime.fromisoformat(opened_at), context.now) - context.options.overlap
                )
                # A request that was read from further back may be the first of its session.
                if context.generation == "interceptions" and (
                    planned := store.meta(day_counts.PLANNED_FROM)
                ):
                    since = min(since, datetime.fromisoformat(planned))
            spans = windows.plan(context.now, since)
            if opened_at is None:
                day_counts.begin(batch, KIND, since)
            batch.keep_meta(OPENED_AT, context.now.isoformat())
        sync_state.open_windows(batch, KIND, [*spans, *again], context.now)


def _old_days(store: Store, context: Context) -> list[Span]:
    """Past days to be listed again.

    Where the server counts interceptions, these counts show days with more (``day_counts``): then
    only days with rows that were left out are tried again.
    """
    days = day_counts.due(store, KIND, context)
    if context.generation == "interceptions":
        left = [one.since for one in typed(LeftOut, store.rows(LEFT_OUT)) if one.kind == KIND]
        spoiled = {since.astimezone(UTC).date() for since in left if since}
        days = [day for day in days if day in spoiled]
    return [windows.day(day) for day in days]


def _reading(client: Client, span: Span, now: datetime) -> _Reading:
    try:
        return _read_window(client, span)
    except failing_pages.FAILING as error:
        failing_pages.check(client.sessions_page, error)
        return _around(client, span, now, error)


def _read_window(client: Client, span: Span) -> _Reading:
    page, limit = _page(client, span)
    if page.count <= len(page.sessions) + len(page.rejected):
        return _Reading(page.sessions, page.rejected, counted=page.count)
    if parts := _parts(span, page):
        return _Reading(page.sessions, page.rejected, parts, counted=page.count)
    rejected: list[Rejected] = []
    rows = tuple(client.sessions(span.search, page_size=limit, on_rejected=rejected.append))
    require_read_access(client)
    return _Reading(rows, tuple(rejected), counted=page.count)


def _around(client: Client, span: Span, now: datetime, error: AIBridgeError) -> _Reading:
    """Read a window in which some row makes the server fail."""
    count = _count(client, span)
    if count and count <= LARGEST_PAGE:
        return _sift(client, span, count, now)
    if parts := failing_pages.halves(span, now):
        return _Reading(parts=parts, counted=count)
    return _Reading(
        left_out=(failing_pages.left_out(KIND, span, count, error, now),), counted=count
    )


def _sift(client: Client, span: Span, count: int, now: datetime) -> _Reading:
    sifter = readable_sessions(
        lambda first, size: client.sessions_page(span.search, limit=size, offset=first),
        count,
        partial(failing_pages.check, client.sessions_page),
    )
    left = (
        ()
        if sifter.error is None
        else (failing_pages.left_out(KIND, span, sifter.spoiled, sifter.error, now),)
    )
    return _Reading(sifter.rows, tuple(sifter.rejected), left_out=left, counted=count)


def _count(client: Client, span: Span) -> int | None:
    """The server's count of a window, from a page behind its last row; None if that fails too."""
    try:
        return client.sessions_page(span.search, limit=1, offset=_BEHIND_ALL).count
    except failing_pages.FAILING:
        return None


def _page(client: Client, span: Span) -> tuple[SessionPage, int]:
    """The first page of a window, as large as possible, and its row limit."""
    limit = LARGEST_PAGE
    while True:
        try:
            page = client.sessions_page(span.search, limit=limit)
        except OversizedError:
            if limit == 1:
                raise
            limit //= 2
        else:
            return page, limit


def _parts(span: Span, page: SessionPage) -> tuple[Span, ...]:
    """The window in two, the newer of which should fit into a page; empty if it is too small."""
    starts = sorted(session.started_at.astimezone(UTC) for session in page.sessions)
    for cut in starts[len(starts) // _CUT :]:
        late_enough = starts[0] < cut and (span.since is None or cut - span.since >= NARROWEST)
        if late_enough and (span.until is None or span.until - cut >= NARROWEST):
            return Span(cut, span.until), Span(span.since, cut)
    return ()


def _note(batch: Batch, span: Span, reading: _Reading, now: datetime) -> None:
    """Store what the server fails to list, and its count of a past day."""
    sync_state.leave_out(batch, reading.left_out)
    if not reading.parts:
        sync_state.found_again(batch, KIND, span.since, span.until, now)
    deleted = _note_deleted(batch, span, reading, now)
    day = windows.closed_day(span, now)
    if day is None or reading.counted is None:
        return
    unreadable = len(reading.rejected)
    # Sessions that are not on this page are in the parts, which are read as well.
    stored = reading.counted - unreadable - sum(left.rows or 0 for left in reading.left_out)
    stored = max(0, stored - deleted)
    count = DayCount(KIND, day, reading.counted, stored, unreadable, now, deleted)
    sync_state.put_counts(batch, [count])


def _note_deleted(batch: Batch, span: Span, reading: _Reading, now: datetime) -> int:
    """Store which sessions of a past day are left out because of an erasure; how many so far.

    A day that is listed in parts may list a session in several of them, which counts once.
    """
    day = windows.past_day(span, now)
    if day is None:
        return 0
    rows = reading.rows
    known = erasure.aliases(batch, [str(row.initiator.id) for row in rows]) if rows else {}
    ids = (
        f"{day} {row.initiator.id} {row.id}"
        for row in rows
        if (alias := known.get(str(row.initiator.id))) and not alias.has_numbers
    )
    if span == windows.day(day):
        sync_state.forget_listed(batch, day)
    erasure.leave_out(batch, erasure.LISTED, ((day, id_) for id_ in ids))
    return sync_state.put_deleted(batch, day)


def _put(batch: Batch, reading: _Reading, context: Context) -> int:
    options = context.options
    sync_state.quarantine(
        batch, "session", suspects(reading.rejected, text=options.text), context.now
    )
    if not reading.rows:
        return 0
    rows = {(clean(row.id), row.initiator.id): row for row in reading.rows}
    table = _table(list(rows.values()), text=options.text)
    changed = session_table.put_listed(batch, table, context.now)
    families.learn(batch, pc.list_flatten(table["models"]))
    if context.generation == "sessions":
        put_remainders(batch, changed, context)
    return len(changed)


def _table(rows: Sequence[SessionSummary], *, text: bool) -> pa.Table:
    sums = [counted(row.token_usage_summary) for row in rows]
    network = [row.network_calls for row in rows]
    prompts = [row.last_prompt if text else None for row in rows]
    return pa.table(
        {
            "row": pa.array(range(len(rows)), pa.int32()),
            "id": texts([row.id for row in rows]),
            "initiator_id": pa.array([str(row.initiator.id) for row in rows], pa.string()),
            "username": texts([row.initiator.username for row in rows]),
            "name": texts([row.initiator.name or "" for row in rows]),
            "client": texts([row.client for row in rows]),
            "providers": _lists([row.providers for row in rows]),
            "models": _lists([row.models for row in rows]),
            "started_at": moments(row.started_at for row in rows),
            "ended_at": moments(row.ended_at for row in rows),
            **{name: pa.array([each[name] for each in sums], pa.int64()) for name in sums[0]},
            "network_total": pa.array([calls and calls.total for calls in network], pa.int64()),
            "network_blocked": pa.array([calls and calls.blocked for calls in network], pa.int64()),
            "digest": pa.array([_digest(row) for row in rows], pa.int64()),
            "last_prompt": texts(prompts),
        }
    )


def _lists(values: Sequence[Sequence[str]]) -> pa.Array:
    return pa.array([[clean(each) for each in value] for value in values], pa.list_(pa.string()))


def _digest(row: SessionSummary) -> int:
    """A digest of the fields that describe the whole session, not the filter (api-contract 4.3)."""
    fields = (
        row.client,
        row.providers,
        row.models,
        row.token_usage_summary,
        row.network_calls,
        row.last_prompt,
    )
    digest = blake2b(repr(fields).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
