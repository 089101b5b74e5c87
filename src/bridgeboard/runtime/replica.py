"""A process that only reads: it shows the newest published copy of a store that another syncs."""

import shutil
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bridgeboard import private_files
from bridgeboard.model.store_status import BackupStatus, CopyStatus, MirrorStatus, Status
from bridgeboard.runtime.failure_messages import logged
from bridgeboard.runtime.remote_sync import NOBODY, RemoteSync
from bridgeboard.settings import Settings
from bridgeboard.state.wishes import Wish
from bridgeboard.store import published_copies
from bridgeboard.store.published_copies import Published
from bridgeboard.store.replica_store import Copy, ReplicaStore

LOOK_SECONDS: Final = 2.0
"""How often it is looked for a newer copy."""
RETRY: Final = timedelta(seconds=10)
"""How long after a copy that could not be opened it is tried again."""
STALE: Final = timedelta(minutes=10)
"""A process that publishes says so every few seconds: after that long, something is wrong."""
PATIENCE_SECONDS: Final = 10.0


class Replica:
    """Follows the newest copy until ``stop``.

    How the sync of the other process goes is known by the state database that both have
    (``remote_sync``), and where that one tells nothing there, by what it says of its copies.

    Attributes:
        store: the newest copy; None until there was one.
        copy_status: which copy is shown, and what stands in the way of a newer one.
    """

    is_remote = True

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._folder = settings.replica_path or Path()
        self._clock = clock
        self.store: ReplicaStore | None = None
        self.copy_status = CopyStatus()
        self._remote = RemoteSync(settings, self._key, lambda: self.store)
        self.deployment = self._remote.deployment
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._said: Published | None = None
        self._failed: tuple[int, datetime] | None = None
        self._logged = "", ""

    def start(self) -> None:
        """Look for the newest copy, now and from then on."""
        shutil.rmtree(self._spill, ignore_errors=True)  # what one that was killed left
        private_files.make_folder(self._spill)
        self.look()
        self._thread = threading.Thread(target=self._run, name="bridgeboard-replica", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let go of the copy; may be repeated."""
        self._stopping.set()
        if self._thread:
            self._thread.join(PATIENCE_SECONDS)
        if self.store:
            self.store.close()
        self.store = self._thread = None
        self._remote.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    def one_state(self) -> AbstractContextManager[None]:
        """Have all questions of a block answered by the same copy."""
        return self.store.one_state() if self.store else nullcontext()

    @property
    def status(self) -> Status:
        """The sync of the other process; the last good one is that whose numbers are shown."""
        shown, said = self._remote.status, self._shown()
        if shown.problem == NOBODY:
            shown = Status(problem=said.problem if said else None)
        return replace(shown, good_at=said.synced_at if said else None)

    @property
    def backup_status(self) -> BackupStatus:
        """How it is with the backups of the other process."""
        return self._remote.backup_status

    @property
    def mirror_status(self) -> MirrorStatus | None:
        """How it is with the mirror that the other process keeps."""
        return self._remote.mirror_status

    @property
    def alert_problem(self) -> str | None:
        """Why that one could tell nobody of alerts."""
        return self._remote.alert_problem

    @property
    def sync_seconds(self) -> int:
        """Seconds between two syncs of that one; 0 where it takes no wishes."""
        return self._remote.sync_seconds

    def wake(self) -> None:
        """Wish a sync now. Raises StateError."""
        self._remote.wake()

    def want(self, session: int) -> None:
        """Wish that the details of a session are read. Raises StateError."""
        self._remote.want(session)

    def wish(self, session: int | None = None) -> Wish | None:
        """The last wish for a sync, or for the details of a session. Raises StateError."""
        return self._remote.wish(session)

    def _key(self) -> str:
        return self._said.store if self._said else ""

    def _shown(self) -> Published | None:
        """What was said last of the copy that is shown."""
        shown = self.store.newest if self.store else None
        said = self._said
        return said if shown and said and said.number == shown.number else shown

    def look(self) -> None:
        """Move to the newest copy, if it is another, and see how old it is."""
        try:
            problem = self._follow()
        except Exception as error:  # noqa: BLE001  # whatever it is, the thread goes on
            problem = self._logged_once(error)
        said = self._shown()
        if said is None:
            self.copy_status = CopyStatus(problem=problem)
            return
        if problem is None and self._clock() - said.seen_at > STALE:
            problem = (
                f"The process that syncs has said nothing since {said.seen_at:%Y-%m-%d %H:%M} UTC:"
                f" look whether it runs, and publishes to {self._folder}."
            )
        self.copy_status = CopyStatus(said.made_at, said.current_at, said.seen_at, problem)

    def _logged_once(self, error: Exception) -> str:
        """Log a failure unless it is the one before again; what to show of it."""
        about = repr(error)
        if self._logged[0] != about:
            text = logged("The newest copy of the store could not be opened", error)
            self._logged = about, text
        return self._logged[1]

    def _follow(self) -> str | None:
        """Open the newest copy; why there is none to be seen, or None. Raises StoreError."""
        newest = published_copies.named(self._folder)
        if newest is None:
            return (
                f"No copy of a store is published in {self._folder}. Start the process that syncs"
                " with `bridgeboard serve --publish` and the name of this folder."
            )
        self._said = newest
        if self.store and self.store.newest.number == newest.number:
            return None
        now = self._clock()
        number, failed_at = self._failed or (None, now)
        if number == newest.number and timedelta(0) <= now - failed_at < RETRY:
            return self.copy_status.problem
        self._failed = newest.number, now
        copy = Copy(newest, self._folder, self._spill, memory_mb=self._settings.store_memory_mb)
        self._failed = None
        if self.store is None:
            self.store = ReplicaStore(self._folder, copy)
        else:
            self.store.move_to(copy)
        return None

    @property
    def _spill(self) -> Path:
        """Where databases put down what does not fit into memory: nobody else has this port."""
        name = f".replica-{socket.gethostname()}-{self._settings.port}.tmp"
        return self._settings.folder / name

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            with suppress(Exception):
                self.look()
