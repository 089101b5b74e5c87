"""Reads quarantined rows again: this version may understand what an earlier one did not."""

from dataclasses import dataclass
from datetime import datetime

from aibridge import BulkInterception, bulk
from bridgeboard.pricing import informed
from bridgeboard.store import Store, erasure, interceptions, sync_state
from bridgeboard.sync import families
from bridgeboard.sync.errors import ErasureKeyLostError
from bridgeboard.sync.options import Options
from bridgeboard.sync.quarantine import has_impossible_counts
from bridgeboard.sync.translate import interception_tables
from bridgeboard.sync.writer import SUSPECT

_PAGE = bulk.interceptions(None, limit=1, after_id=None, known=frozenset())


@dataclass(frozen=True)
class Requeued:
    """How many records were moved to the store, and how many stay in quarantine."""

    released: int
    remaining: int


def requeue(store: Store, options: Options, now: datetime) -> Requeued:
    """Move quarantined interceptions that can be read now to the store, without the server.

    Sessions and threads stay: they are read from the server again when they change.

    Raises:
        ErasureKeyLostError: when the store cannot recognise people who were erased from it.
    """
    if lost := erasure.key_lost(store):
        raise ErasureKeyLostError(lost)
    waiting = sync_state.quarantined(store)
    requests = [each for each in waiting if each.kind == SUSPECT]
    good = {each.identity: row for each in requests if (row := _read(each.raw))}
    fresh = {row.id: (row, digest) for row, digest in good.values()}
    rows, digests = [row for row, _ in fresh.values()], [digest for _, digest in fresh.values()]
    book = informed(store, options.book)
    entries = interception_tables(rows, digests, book, text=options.text) if good else None
    with store.write() as batch:
        if entries:
            interceptions.put(batch, entries)
            families.learn(batch, entries.usage["model"])
        sync_state.release(batch, SUSPECT, list(good))
        bad = [
            sync_state.Suspect(each.identity, each.reason, each.raw)
            for each in requests
            if each.identity not in good
        ]
        sync_state.quarantine(batch, SUSPECT, bad, now)
    return Requeued(len(good), len(waiting) - len(good))


def _read(raw: str) -> tuple[BulkInterception, int] | None:
    """The row and its digest, read as the only one of a page."""
    try:
        page = _PAGE.parse(b'{"count":1,"results":[' + raw.encode() + b"]}")
    except ValueError:
        return None
    rows = zip(page.rows, page.digests, strict=True)
    return next((each for each in rows if not has_impossible_counts(each[0])), None)
