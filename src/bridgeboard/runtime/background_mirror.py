"""Mirrors the store to a ClickHouse from a thread of its own, so that no sync waits for it."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from bridgeboard.clickhouse.connection import Server, connected
from bridgeboard.clickhouse.errors import MirrorError, MirrorTakenError
from bridgeboard.clickhouse.live import seconds_since
from bridgeboard.clickhouse.mirror import Done, Mirror, StoppedError
from bridgeboard.model.store_status import MirrorStatus
from bridgeboard.runtime.failure_messages import logged
from bridgeboard.settings import Settings
from bridgeboard.settings.clickhouse_address import parsed
from bridgeboard.store import Store

RETRY_SECONDS: Final = 5.0
"""How long after a failure it is tried again; twice as long after each further one."""
MOST_SECONDS: Final = 300.0
TAKEN_SECONDS: Final = 600.0
"""How long it is left to another process that mirrors into the same database."""
COLLECT_SECONDS: Final = 660.0
"""After so long without news, what holds no more is deleted."""


def server(settings: Settings) -> Server | None:
    """Where the settings want a mirror; None if nowhere."""
    if not settings.mirror or settings.demo:
        return None
    return server_at(settings.mirror, settings.mirror_password.get_secret_value())


def server_at(address: str, password: str) -> Server:
    """The server of an address that the settings have."""
    parts = parsed(address)
    return Server(
        parts.hosts,
        parts.database,
        parts.user,
        password,
        is_secure=parts.is_secure,
        ca_file=parts.ca_file,
    )


def mirrored(opened: Store, to: Server, now: datetime, *, rebuild: bool = False) -> Done:
    """Mirror a store once. Raises MirrorError."""
    mirror = Mirror(lambda: connected(to))
    try:
        with opened.snapshot() as reader:
            return mirror.run(reader, now, rebuild=rebuild)
    finally:
        mirror.close()


def seen(to: Server) -> tuple[str, int | None]:
    """What answers there, and how many seconds ago the last version was published; None for none.

    Raises:
        MirrorError: when nothing answers, or what answers refuses.
    """
    connection = connected(to)
    try:
        return connection.where, seconds_since(connection)
    finally:
        connection.close()


class BackgroundMirror:
    """Brings the mirror up to date after each sync; a failure is tried again, later each time.

    Args:
        to: where to.
        clock: the time, aware.
        may: whether this process may publish now; raises what forbids it.
        wait: waits for some seconds, or until something is new.

    Attributes:
        status: how it is with the mirror.
        reading: held while the store is read, when its file cannot be exchanged.
    """

    def __init__(
        self,
        to: Server,
        clock: Callable[[], datetime],
        *,
        may: Callable[[], None] = lambda: None,
        connect: Callable[[Server], Mirror] | None = None,
    ) -> None:
        self._clock = clock
        self._may = may
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._store: Store | None = None
        self._failures = 0
        make = connect or (lambda to: Mirror(lambda: connected(to), self._stopping.is_set))
        self._mirror = make(to)
        self._thread: threading.Thread | None = None
        self.reading = threading.Lock()
        self.status = MirrorStatus()

    def mirror(self, opened: Store) -> None:
        """Mirror a store soon: it was written to."""
        self._store = opened
        self._woken.set()
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(
                target=self._run, name="bridgeboard-mirror", daemon=True
            )
            self._thread.start()

    def stop(self, seconds: float) -> bool:
        """Stop between two blocks; whether it has, within so many seconds. May be repeated."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def round(self) -> float:
        """Mirror once; after how many seconds to do so again if nothing is new until then."""
        if self._store is None:
            return COLLECT_SECONDS
        began_at = self._clock()
        try:
            self._may()
            with self.reading, self._store.snapshot() as reader:
                done = self._mirror.run(reader, began_at)
        except StoppedError:
            return COLLECT_SECONDS
        except Exception as error:  # noqa: BLE001  # whatever it is, the thread goes on
            self._failures += 1
            problem = logged("The mirror is not up to date", error)
            self.status = replace(self.status, problem=problem)
            if isinstance(error, MirrorTakenError):
                return TAKEN_SECONDS
            return float(min(RETRY_SECONDS * 2 ** min(self._failures - 1, 10), MOST_SECONDS))
        self._failures = 0
        self.status = MirrorStatus(began_at, done.version, self.status.rows + done.rows)
        return COLLECT_SECONDS

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            seconds = self.round()
            if self._failures:
                # A sync each minute must not press a server that is in need.
                self._stopping.wait(seconds)
            else:
                self._woken.wait(seconds)
        with suppress(MirrorError, OSError):
            self._mirror.close()
