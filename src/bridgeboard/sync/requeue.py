"""What was put into quarantine, read again: this version may understand what an earlier did not."""

from dataclasses import dataclass
from datetime import datetime

from aibridge import BulkInterception, bulk
from bridgeboard.pricing import informed
from bridgeboard.store import Store, erasure, interceptions, sync_state
from bridgeboard.sync.errors import ErasureKeyLostError
from bridgeboard.sync.options import Options
from bridgeboard.sync.quarantine import is_beyond_belief
from bridgeboard.sync.translate import told
from bridgeboard.sync.writer import SUSPECT

_PAGE = bulk.interceptions(None, limit=1, after_id=None, known=frozenset())


@dataclass(frozen=True)
class Requeued:
    """How many records were taken over, and how many stay in quarantine."""

    released: int
    kept: int


def requeue(store: Store, options: Options, now: datetime) -> Requeued:
    """Take over quarantined interceptions that can be read now; the server is not asked.

    Sessions and threads stay: those are read again from the server with the next change of theirs.

    Raises:
        ErasureKeyLostError: when the store cannot recognise people who were erased from it.
    """
    if lost := erasure.key_lost(store):
        raise ErasureKeyLostError(lost)
    waiting = sync_state.quarantined(store)
    asked = [each for each in waiting if each.kind == SUSPECT]
    good = {each.identity: found for each in asked if (found := _read(each.raw))}
    fresh = {row.id: (row, digest) for row, digest in good.values()}
    rows, digests = [row for row, _ in fresh.values()], [digest for _, digest in fresh.values()]
    book = informed(store, options.book)
    entries = told(rows, digests, book, text=options.text) if good else None
    with store.write() as batch:
        if entries:
            interceptions.put(batch, entries)
        sync_state.release(batch, SUSPECT, list(good))
        bad = [each for each in asked if each.identity not in good]
        sync_state.quarantine(batch, SUSPECT, bad, now)
    return Requeued(len(good), len(waiting) - len(good))


def _read(raw: str) -> tuple[BulkInterception, int] | None:
    """The row and its digest, read as the only one of a page."""
    try:
        page = _PAGE.parse(b'{"count":1,"results":[' + raw.encode() + b"]}")
    except ValueError:
        return None
    rows = zip(page.rows, page.digests, strict=True)
    return next((each for each in rows if not is_beyond_belief(each[0])), None)
