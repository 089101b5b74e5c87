"""Writes batches, a transaction each: rows, progress of their windows, and remarks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bridgeboard.model.store_status import Event
from bridgeboard.store import Batch, Store, Written, interceptions, sync_state
from bridgeboard.store.sync_state import Window
from bridgeboard.sync.batches import TranslatedBatch, WindowStep
from bridgeboard.sync.options import Context
from bridgeboard.sync.paging import Remark

KIND: Final = "interceptions"
SUSPECT: Final = "interception"
FUTURE: Final = timedelta(days=1)
"""A row may lie so far after the start of the run that reads it: runs may be long."""


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
