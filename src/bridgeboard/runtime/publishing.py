"""Publishes copies of the store for dashboards that only read, beside the process that syncs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from bridgeboard.model.store_status import CopyStatus, Status
from bridgeboard.runtime.failure_messages import logged
from bridgeboard.settings import Settings, unsecret
from bridgeboard.store import Store, published_copies
from bridgeboard.store.published_copies import Published

EVERY_SECONDS: Final = 60.0
"""The least time from the beginning of one copy to that of the next."""
LOOK_SECONDS: Final = 5.0
"""How often it is looked whether there is something to publish."""
SAY_SECONDS: Final = 15.0
"""How often it is said that the newest copy still is the newest."""
OLDEST: Final = timedelta(hours=1)
"""So long after the newest was made, former copies go: what was deleted since is in them."""


class Publishing:
    """Publishes the states of a store, at most one a minute.

    Args:
        settings: where to.
        clock: the time, aware.
        seconds: that passed, for what may not depend on the clock being set.
        confirm: raises where another process publishes by now, as after a long pause of this one.

    Attributes:
        status: which copy is the newest, and what stands in the way of the next.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime],
        seconds: Callable[[], float] = monotonic,
        confirm: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._seconds = seconds
        self._confirm = confirm
        self._newest: Published | None = None
        self._tried_at: float | None = None
        self._said_at: float | None = None
        self.status = CopyStatus()

    def look(self, opened: Store, sync: Status) -> None:
        """Publish the store's state if it is another than that of the newest copy, and it is time.

        What goes wrong is in ``status``, and tried again.
        """
        folder = self._settings.publish_path
        if folder is None:
            return
        try:
            if self._newest is None or opened.version != self._newest.version:
                if self._tried_at is None or self._seconds() - self._tried_at >= EVERY_SECONDS:
                    self._tried_at = self._seconds()
                    self._publish(opened, sync)
                elif self._newest:
                    self._say(sync, is_current=False)
            else:
                self._say(sync, is_current=True)
        except Exception as error:  # noqa: BLE001  # whatever it is, the sync goes on
            self.status = replace(self.status, problem=logged("No copy was published", error))

    def _publish(self, opened: Store, sync: Status) -> None:
        folder, now = self._settings.publish_path, self._clock()
        if folder is None:
            return
        # Before the copy is made: what a sync that ends meanwhile has read may not be in it.
        good_at, problem = sync.good_at, self._shown(sync)
        made = published_copies.publish(opened, folder, now)
        newest = Published(
            store=opened.path.stem,
            number=made.number,
            version=made.version,
            schema=made.schema,
            floor=self._settings.floor,
            made_at=now,
            current_at=now,
            synced_at=good_at,
            seen_at=now,
            problem=problem,
        )
        self._confirm()
        published_copies.name_newest(folder, newest)
        self._newest, self._said_at = newest, self._seconds()
        self.status = CopyStatus(now, now, now, None, made.bytes)

    def _shown(self, sync: Status) -> str | None:
        """Why the last sync failed, without our secrets, which others could not take out."""
        return sync.problem and unsecret(sync.problem, self._settings)

    def _say(self, sync: Status, *, is_current: bool) -> None:
        """Say how it is with the newest copy, unless that was said a moment ago."""
        newest, folder = self._newest, self._settings.publish_path
        is_early = self._said_at is not None and self._seconds() - self._said_at < SAY_SECONDS
        if newest is None or folder is None or is_early:
            return
        now, self._said_at = self._clock(), self._seconds()
        newest = replace(newest, seen_at=now, problem=self._shown(sync))
        if is_current:
            newest = replace(newest, current_at=now, synced_at=sync.good_at or newest.synced_at)
        self._confirm()
        published_copies.name_newest(folder, newest)
        if now - newest.made_at > OLDEST:
            numbers = published_copies.numbers_in(folder, newest.store)
            former = [each for each in numbers if each != newest.number]
            published_copies.drop(folder, newest.store, former)
        self._newest = newest
        problem = None if is_current else self.status.problem
        self.status = replace(
            self.status, current_at=newest.current_at, seen_at=now, problem=problem
        )


def publish(settings: Settings, opened: Store, clock: Callable[[], datetime]) -> str | None:
    """Publish once, after a sync that went well; why that could not be, or None."""
    work = Publishing(settings, clock)
    work.look(opened, Status(good_at=clock()))
    return work.status.problem


def withdrawn(settings: Settings, name: str) -> int:
    """Delete all published copies of a store; how many there were. Raises StoreError."""
    folder = settings.publish_path
    if folder is None or not folder.is_dir():
        return 0
    return published_copies.withdraw(folder, name)
