"""Loads → one transaction each: rows, how far their windows are, and what was odd about them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bridgeboard.model.sync import Event
from bridgeboard.store import Batch, Store, Written, completeness, interceptions, sync_state
from bridgeboard.store.sync_state import Window
from bridgeboard.sync.batches import Arrival, Load
from bridgeboard.sync.options import Context
from bridgeboard.sync.paging import Remark

KIND: Final = "interceptions"
SUSPECT: Final = "interception"
FUTURE: Final = timedelta(days=1)
"""How far a row may lie ahead of the beginning of the run that reads it: runs may be long."""


class Writer:
    """Commits what arrives and counts it.

    Windows where the server counts nothing count as read only once that is believed (``readable``).
    """

    def __init__(self, store: Store, context: Context) -> None:
        self._store = store
        self._context = context
        self._doubtful: list[Window] = []
        self._tally = Event("interceptions")
        self._suspected = {
            each.identity for each in sync_state.quarantined(store) if each.kind == SUSPECT
        }

    def expect(self, windows: int) -> None:
        """Count on so many more windows."""
        total = self._tally.windows_total + windows
        self._tally = replace(self._tally, windows_total=total)

    def commit(self, load: Load) -> Event:
        """Write a load in one transaction, and tell how far the phase is."""
        with self._store.write() as batch:
            written = interceptions.put(batch, load.told) if load.told else Written(0, 0)
            completeness.leave_out(batch, load.left_out)
            self._mark(batch, load.marks)
            sync_state.quarantine(batch, SUSPECT, load.suspects, self._context.now)
            self._release(batch, load)
            remark(batch, (*load.remarks, *self._ahead(load)), self._context.now)
        self._suspected |= {each.identity for each in load.suspects}
        return self._counted(load, written)

    def believe(self, confirm: Callable[[], object]) -> None:
        """Count windows without rows as read, if there are any and it is confirmed."""
        believe(self._store, self._doubtful, self._context.now, confirm)

    def _mark(self, batch: Batch, arrivals: Iterable[Arrival]) -> None:
        last = {arrival.window: arrival.step for arrival in arrivals}
        for window, step in last.items():
            if step.is_last:
                now = self._context.now
                completeness.found_again(batch, KIND, window.since, window.until, now)
            if step.is_last and step.is_empty:
                self._doubtful.append(window)
            elif step.is_last:
                sync_state.finish(batch, window, self._context.now)
            else:
                sync_state.advance(batch, window, step.after, step.rows)

    def _release(self, batch: Batch, load: Load) -> None:
        good = self._suspected & load.ids if self._suspected else set()
        if good:
            sync_state.release(batch, SUSPECT, sorted(good))
            self._suspected -= good

    def _ahead(self, load: Load) -> list[Remark]:
        newest = load.newest
        if newest is None or newest <= self._context.now + FUTURE:
            return []
        told = f"A request is recorded for {newest:%Y-%m-%d %H:%M} UTC, which is yet to come."
        return [Remark("future", told)]

    def _counted(self, load: Load, written: Written) -> Event:
        tally = self._tally
        rows = tally.rows + load.read
        self._tally = replace(
            tally,
            done=rows,
            rows=rows,
            changed=tally.changed + written.new + written.changed,
            requests=tally.requests + len(load.marks),
            windows_done=tally.windows_done + sum(each.step.is_last for each in load.marks),
            quarantined=tally.quarantined + len(load.suspects),
        )
        return self._tally


def believe(
    store: Store, doubtful: Sequence[Window], now: datetime, confirm: Callable[[], object]
) -> None:
    """Count windows without rows as read, if there are any and it is confirmed."""
    if doubtful:
        confirm()
        with store.write() as batch:
            for window in doubtful:
                sync_state.finish(batch, window, now)


def remark(batch: Batch, remarks: Iterable[Remark], now: datetime) -> None:
    """Keep what was odd."""
    for kind, message in remarks:
        sync_state.anomaly(batch, kind, message, now)
