"""Every interception by itself, from servers that list them (up to v2.34; api-contract 2.3).

Windows of time are read side by side and written by one writer, together with how far each window
is: whatever ends a run, what is stored is whole and the next run goes on from there.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from aibridge import BulkPage, Client
from bridgeboard.store import Batch, Store, interceptions, ledger
from bridgeboard.store.ledger import Window
from bridgeboard.sync import windows
from bridgeboard.sync.crew import Crew, at_speed
from bridgeboard.sync.load import Arrival, Load
from bridgeboard.sync.options import Context
from bridgeboard.sync.progress import Event
from bridgeboard.sync.readable import believing
from bridgeboard.sync.walk import Walk
from bridgeboard.sync.windows import Span
from bridgeboard.sync.writer import KIND, Writer

OPENED_AT = "interceptions_opened_at"
"""Setting of the store: when the plan was made whose windows are read or have been read."""


def read(client: Client, store: Store, context: Context) -> Iterator[Event]:
    """Bring the store up to what the server lists, newest first; one event a transaction.

    Raises:
        IncompleteError: when the server's list does not lead to its end.
        AIBridgeError: whatever the client could not overcome. What was committed stays.
    """
    opened = _opened(store, context)

    def arrivals(window: Window) -> Iterator[Arrival]:
        walk = _walk(client, store, window, context)
        return (Arrival(window, step) for step in walk.steps())

    def loads(fetchers: Crew[Window, Arrival]) -> Iterator[Load]:
        return (Load.of(batch, context.options) for batch in fetchers.batches())

    fetchers = Crew(opened, arrivals, workers=context.options.workers)
    # One batch ahead of the writer: Python translates while the database writes.
    translator = Crew([fetchers], loads, workers=1, waiting=1)
    writer = Writer(store, context, len(opened))
    with believing(client, writer.believe), at_speed():
        for batch in translator.batches():
            yield from map(writer.commit, batch)


def _opened(store: Store, context: Context) -> list[Window]:
    """The windows of this run, newest first.

    A plan is read to its end, by as many runs as it takes; only its newest window is read anew by
    each of them, so that a long first sync that was interrupted shows what is new at once. The
    plan after it begins an overlap before the time at which this one was made.
    """
    told = store.meta(OPENED_AT)
    unfinished = ledger.unfinished(store, KIND)
    with store.write() as batch:
        if told and unfinished:
            newest = [window for window in unfinished if window.until is None]
            ledger.drop(batch, newest)
            spans = [windows.newest(datetime.fromisoformat(told))]
        else:
            spans = windows.plan(context.now, _since(batch, told, context))
            batch.keep_meta(OPENED_AT, context.now.isoformat())
        ledger.open_windows(batch, KIND, spans, context.now)
    return ledger.unfinished(store, KIND)


def _since(batch: Batch, told: str | None, context: Context) -> datetime | None:
    """Where a plan begins. A clock of ours that once ran ahead must not hide what came since."""
    if told is None:
        return context.options.since
    found = batch.rows("SELECT max(started_at) FROM usage WHERE grain = 'interception'")
    seen: list[datetime] = [newest.replace(tzinfo=UTC) for (newest,) in found if newest]
    latest = min([datetime.fromisoformat(told), context.now, *seen])
    # In the first days of the calendar, of which Go's zero time is one, there is no before.
    has_before = latest - datetime.min.replace(tzinfo=UTC) > context.options.overlap
    return latest - context.options.overlap if has_before else None


def _walk(client: Client, store: Store, window: Window, context: Context) -> Walk:
    span = Span(window.since, window.until)
    search = span.search
    known: frozenset[int] = frozenset()

    def ask(after: UUID | None, limit: int) -> BulkPage:
        nonlocal known
        # Below the row where an earlier run was left nothing is stored yet.
        if after is None:
            known = interceptions.digests(store, span.since, span.until)
        return client.interceptions_bulk(search, limit=limit, after_id=after, known=known)

    name = f"{span.since or 'the beginning'} to {span.until or 'now'}"
    return Walk(ask, context.options.page_size, name, window.after, window.rows_read)
