"""Translates pages into batches and writes these, a transaction each, with windows and remarks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import pyarrow.compute as pc

from aibridge import BulkInterception, BulkPage
from bridgeboard.model.store_status import Event, LeftOut
from bridgeboard.store import Batch, Store, UsageTables, Written, interceptions, sync_state
from bridgeboard.store.sync_state import Suspect, Window
from bridgeboard.sync import families
from bridgeboard.sync.options import Context, Options
from bridgeboard.sync.paging import Remark, Step
from bridgeboard.sync.quarantine import as_rejected, has_impossible_counts, suspects
from bridgeboard.sync.translate import interception_tables

KIND: Final = "interceptions"
SUSPECT: Final = "interception"
FUTURE: Final = timedelta(days=1)
"""A row may lie so far after the start of the run that reads it: runs may be long."""


@dataclass(frozen=True)
class WindowStep:
    """One page of a window, with how far the window is then."""

    window: Window
    step: Step


@dataclass(frozen=True)
class TranslatedBatch:
    """The rows of some pages: each interception once, in its latest version.

    The pages themselves are dropped: they are many times as large.
    """

    marks: tuple[WindowStep, ...]
    tables: UsageTables | None
    suspects: tuple[Suspect, ...]
    remarks: tuple[Remark, ...]
    left_out: tuple[LeftOut, ...]
    read: int

    @classmethod
    def of(cls, steps: Sequence[WindowStep], options: Options) -> "TranslatedBatch":
        """Translate and price pages."""
        pages = [each.step.page for each in steps if each.step.page]
        fresh = _fresh(pages)
        impossible = {id_: row for id_, (row, _) in fresh.items() if has_impossible_counts(row)}
        fresh = {id_: each for id_, each in fresh.items() if id_ not in impossible}
        rejected = [each for page in pages for each in page.rejected]
        rejected += map(as_rejected, impossible.values())
        rows = [row for row, _ in fresh.values()]
        digests = [digest for _, digest in fresh.values()]
        return cls(
            tuple(replace(each, step=replace(each.step, page=None)) for each in steps),
            interception_tables(rows, digests, options.book, text=options.text) if rows else None,
            tuple(suspects(rejected, text=options.text)),
            tuple(remark for each in steps for remark in each.step.remarks),
            tuple(left_out for each in steps for left_out in each.step.left_out),
            sum(page.size for page in pages),
        )

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the interceptions."""
        return frozenset(self.tables.usage["id"].to_pylist()) if self.tables else frozenset()

    @property
    def newest(self) -> datetime | None:
        """When the latest of them began; None without any."""
        latest = pc.max(self.tables.usage["started_at"]).as_py() if self.tables else None
        return latest and latest.replace(tzinfo=UTC)


def _fresh(pages: Sequence[BulkPage]) -> dict[UUID, tuple[BulkInterception, int]]:
    return {
        row.id: (row, digest)
        for page in pages
        for row, digest in zip(page.rows, page.digests, strict=True)
    }


class Writer:
    """Writes batches and counts them.

    Windows that the server counts as empty are finished only once that is confirmed
    (``permission_check``).
    """

    def __init__(self, store: Store, context: Context) -> None:
        self._store = store
        self._context = context
        self._empty: list[Window] = []
        self._tally = Event("interceptions")
        self._suspected = {
            each.identity for each in sync_state.quarantined(store) if each.kind == SUSPECT
        }

    def expect(self, windows: int) -> None:
        """Add so many windows to the total."""
        total = self._tally.windows_total + windows
        self._tally = replace(self._tally, windows_total=total)

    def commit(self, translated: TranslatedBatch) -> Event:
        """Write a batch in one transaction; the progress of the phase."""
        with self._store.write() as batch:
            written = (
                interceptions.put(batch, translated.tables) if translated.tables else Written(0, 0)
            )
            if translated.tables:
                families.learn(batch, translated.tables.usage["model"])
            sync_state.leave_out(batch, translated.left_out)
            self._mark(batch, translated.marks)
            sync_state.quarantine(batch, SUSPECT, translated.suspects, self._context.now)
            self._release(batch, translated)
            remark(
                batch, (*translated.remarks, *self._future_remarks(translated)), self._context.now
            )
        self._suspected |= {each.identity for each in translated.suspects}
        return self._count(translated, written)

    def finish_empty(self, confirm: Callable[[], object]) -> None:
        """Finish windows without rows, if there are any, once ``confirm`` does not raise."""
        finish_empty(self._store, self._empty, self._context.now, confirm)

    def _mark(self, batch: Batch, steps: Iterable[WindowStep]) -> None:
        last = {each.window: each.step for each in steps}
        for window, step in last.items():
            if step.is_last:
                now = self._context.now
                sync_state.found_again(batch, KIND, window.since, window.until, now)
            if step.is_last and step.is_empty:
                self._empty.append(window)
            elif step.is_last:
                sync_state.finish(batch, window, self._context.now)
            else:
                sync_state.advance(batch, window, step.after, step.rows)

    def _release(self, batch: Batch, translated: TranslatedBatch) -> None:
        readable = self._suspected & translated.ids if self._suspected else set()
        if readable:
            sync_state.release(batch, SUSPECT, sorted(readable))
            self._suspected -= readable

    def _future_remarks(self, translated: TranslatedBatch) -> list[Remark]:
        newest = translated.newest
        if newest is None or newest <= self._context.now + FUTURE:
            return []
        message = f"A request is recorded for {newest:%Y-%m-%d %H:%M} UTC, which is yet to come."
        return [Remark("future", message)]

    def _count(self, translated: TranslatedBatch, written: Written) -> Event:
        tally = self._tally
        rows = tally.rows + translated.read
        self._tally = replace(
            tally,
            done=rows,
            rows=rows,
            changed=tally.changed + written.new + written.changed,
            requests=tally.requests + len(translated.marks),
            windows_done=tally.windows_done + sum(each.step.is_last for each in translated.marks),
            quarantined=tally.quarantined + len(translated.suspects),
        )
        return self._tally


def finish_empty(
    store: Store, empty: Sequence[Window], now: datetime, confirm: Callable[[], object]
) -> None:
    """Finish windows without rows, if there are any, once ``confirm`` does not raise."""
    if empty:
        confirm()
        with store.write() as batch:
            for window in empty:
                sync_state.finish(batch, window, now)


def remark(batch: Batch, remarks: Iterable[Remark], now: datetime) -> None:
    """Store remarks for the operator."""
    for kind, message in remarks:
        sync_state.anomaly(batch, kind, message, now)
