"""Reads every interception, from servers that list them (up to v2.34; api-contract 2.3).

Time windows are read in parallel and written by one writer, together with the progress of each
window: however a run ends, the store is consistent and the next run goes on from there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

from aibridge import BulkPage, Client
from bridgeboard.model.store_status import Event
from bridgeboard.store import Batch, Store, interceptions, sync_state
from bridgeboard.store.sync_state import Window
from bridgeboard.sync import day_counts, failing_pages, sessions, windows
from bridgeboard.sync.options import Context
from bridgeboard.sync.paging import Step, Walk
from bridgeboard.sync.permission_check import confirming_empty_windows
from bridgeboard.sync.windows import Span
from bridgeboard.sync.worker_pool import WorkerPool, at_speed
from bridgeboard.sync.writer import KIND, TranslatedBatch, WindowStep, Writer

OPENED_AT = "interceptions_opened_at"
"""Setting of the store: when the current plan of windows was made."""


def read(client: Client, store: Store, context: Context) -> Iterator[Event]:
    """Bring the store up to what the server lists, newest first; one event a transaction.

    Raises:
        IncompleteError: when the server's list does not lead to its end.
        AIBridgeError: whatever the client could not overcome. What was committed stays.
    """
    writer = Writer(store, context)
    yield from _read(client, store, context, writer, _opened(store, context))
    counts = day_counts.counted(client, store, context, day_counts.due(store, KIND, context))
    if incomplete := [count.day for count in counts if count.missing]:
        windows_again = _open_again(store, context, incomplete)
        yield from _read(client, store, context, writer, windows_again)
        day_counts.counted(client, store, context, incomplete)


def _open_again(store: Store, context: Context, days: Sequence[date]) -> list[Window]:
    """Windows of days of which the server counts more; their sessions are read again, too."""
    spans = [windows.day(day) for day in days]
    with store.write() as batch:
        for kind in (KIND, sessions.KIND):
            sync_state.open_windows(batch, kind, spans, context.now)
    return sync_state.unfinished(store, KIND)


def _read(
    client: Client, store: Store, context: Context, writer: Writer, opened: Sequence[Window]
) -> Iterator[Event]:
    writer.expect(len(opened))

    def window_steps(window: Window) -> Iterator[WindowStep]:
        return (WindowStep(window, step) for step in _steps(client, store, window, context))

    def translated(fetchers: WorkerPool[Window, WindowStep]) -> Iterator[TranslatedBatch]:
        return (TranslatedBatch.of(batch, context.options) for batch in fetchers.batches())

    fetchers = WorkerPool(opened, window_steps, workers=context.options.workers)
    # One batch ahead of the writer: Python translates while the database writes.
    translator = WorkerPool([fetchers], translated, workers=1, waiting=1)
    with confirming_empty_windows(client, writer.finish_empty), at_speed():
        for batch in translator.batches():
            yield from map(writer.commit, batch)


def _opened(store: Store, context: Context) -> list[Window]:
    """The windows of this run, newest first.

    A plan is read to its end, by as many runs as it takes. Each run also reads the newest window
    anew, so that new requests show although a long first sync was interrupted. The next plan
    begins one overlap before the time at which this one was made.
    """
    opened_at = store.meta(OPENED_AT)
    unfinished = sync_state.unfinished(store, KIND)
    with store.write() as batch:
        if opened_at and unfinished:
            newest = [window for window in unfinished if window.until is None]
            sync_state.drop(batch, newest)
            spans = [windows.newest(datetime.fromisoformat(opened_at))]
        else:
            since = _since(batch, opened_at, context)
            spans = windows.plan(context.now, since)
            batch.keep_meta(day_counts.PLANNED_FROM, since.isoformat() if since else "")
            if opened_at is None:
                day_counts.begin(batch, KIND, context.options.since)
            batch.keep_meta(OPENED_AT, context.now.isoformat())
        sync_state.open_windows(batch, KIND, spans, context.now)
    return sync_state.unfinished(store, KIND)


def _since(batch: Batch, opened_at: str | None, context: Context) -> datetime | None:
    """Where a plan begins, also if our clock once ran ahead: nothing since is skipped."""
    if opened_at is None:
        return context.options.since
    rows = batch.rows("SELECT max(started_at) FROM usage WHERE grain = 'interception'")
    seen: list[datetime] = [newest.replace(tzinfo=UTC) for (newest,) in rows if newest]
    latest = min([datetime.fromisoformat(opened_at), context.now, *seen])
    # In the first days of the calendar, of which Go's zero time is one, there is no before.
    has_before = latest - datetime.min.replace(tzinfo=UTC) > context.options.overlap
    return latest - context.options.overlap if has_before else None


def _steps(client: Client, store: Store, window: Window, context: Context) -> Iterator[Step]:
    """The pages of a window, around the rows that the server fails to list."""
    try:
        yield from _walk(client, store, window, context).steps()
    except failing_pages.FAILING as error:
        failing_pages.check(client.interceptions_page, error)
        yield from _around(client, store, window, context)


def _around(client: Client, store: Store, window: Window, context: Context) -> Iterator[Step]:
    """The pages of the halves of a window; halves that fail are cut again."""
    is_empty = True
    waiting = list(failing_pages.halves(Span(window.since, window.until), context.now))[::-1]
    while waiting:
        span = waiting.pop()
        try:
            for step in _walk(client, store, Window(KIND, *span), context).steps():
                is_empty = is_empty and (step.page is None or not step.page.size)
                # Progress in a part is not stored: known rows are skipped when it is read again.
                yield replace(step, after=None, rows=0, is_last=False, is_empty=False)
        except failing_pages.FAILING as error:
            failing_pages.check(client.interceptions_page, error)
            is_empty = False
            if parts := failing_pages.halves(span, context.now):
                waiting += parts[::-1]
            else:
                left = failing_pages.left_out(KIND, span, None, error, context.now)
                yield Step(None, None, 0, left_out=(left,))
    yield Step(None, None, 0, is_last=True, is_empty=is_empty)


def _walk(client: Client, store: Store, window: Window, context: Context) -> Walk:
    span = Span(window.since, window.until)
    search = span.search
    known: frozenset[int] = frozenset()

    def ask(after: UUID | None, limit: int) -> BulkPage:
        nonlocal known
        # Below the row where an earlier run stopped nothing is stored yet.
        if after is None:
            known = interceptions.digests(store, span.since, span.until)
        return client.interceptions_bulk(search, limit=limit, after_id=after, known=known)

    name = f"{span.since or 'the beginning'} to {span.until or 'now'}"
    return Walk(ask, context.options.page_size, name, window.after, window.rows_read)
