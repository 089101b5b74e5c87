"""A process that only reads a store, which another one syncs and mirrors to ClickHouse."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from bridgeboard.clickhouse.read_connection import ReadConnection
from bridgeboard.clickhouse.start_check import check
from bridgeboard.clickhouse.store import ClickHouseStore
from bridgeboard.clickhouse.store_errors import ServerRefusedError, ServerUnfitError
from bridgeboard.model.store import StoreError
from bridgeboard.model.store_status import BackupStatus, CopyStatus, MirrorStatus, Status
from bridgeboard.runtime.background_mirror import server_at
from bridgeboard.runtime.failure_messages import logged
from bridgeboard.runtime.remote_sync import NOBODY, RemoteSync
from bridgeboard.settings import Settings, SettingsError
from bridgeboard.state.wishes import Wish

LOOK_SECONDS: Final = 5.0
"""How often it is looked whether the server answers, where nobody asks it anyway."""
PATIENCE_SECONDS: Final = 10.0


def refuse_an_unfit_server(settings: Settings) -> None:
    """Raise SettingsError where the server of the setting ``store`` would answer wrongly.

    One that does not answer is waited for: it may start later than this process.
    """
    if not settings.store:
        return
    connection = _connection(settings)
    try:
        connection.host()
    except (ServerRefusedError, ServerUnfitError) as error:
        raise SettingsError(str(error)) from None
    except StoreError:
        pass
    finally:
        connection.close()


def opened(settings: Settings) -> ClickHouseStore:
    """The store of the setting ``store``; nothing is asked yet."""
    return ClickHouseStore(_connection(settings), settings.folder, settings.url)


class ClickHouseReading:
    """Reads a mirrored store until ``stop``.

    How the sync of the other process goes is known by the state database that both have.

    Attributes:
        store: the mirrored store; None while it does not answer.
        copy_status: how old it is, and what stands in the way of reading it.
    """

    is_remote = True

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._opened = opened(settings)
        self.store: ClickHouseStore | None = None
        self.copy_status = CopyStatus()
        self._remote = RemoteSync(settings, self._key, lambda: self.store)
        self.deployment = self._remote.deployment
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._logged = ""

    def start(self) -> None:
        """Look whether the server answers, now and from then on."""
        self.look()
        self._thread = threading.Thread(
            target=self._run, name="bridgeboard-clickhouse", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Let go of the server; may be repeated."""
        self._stopping.set()
        if self._thread:
            self._thread.join(PATIENCE_SECONDS)
        self._opened.close()
        self.store = self._thread = None
        self._remote.close()

    def one_state(self) -> AbstractContextManager[None]:
        """Nothing: answers belong to versions of the store."""
        return nullcontext()

    @property
    def status(self) -> Status:
        """The sync of the other process; the last good one is that whose numbers are shown."""
        shown = self._remote.status
        if shown.problem == NOBODY:
            shown = Status()
        state = self._opened.known
        return replace(shown, good_at=state.synced_at if state else None)

    @property
    def backup_status(self) -> BackupStatus:
        """How it is with the backups of the other process."""
        return self._remote.backup_status

    @property
    def mirror_status(self) -> MirrorStatus | None:
        """How it is with the mirror, as the other process says."""
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

    def look(self) -> None:
        """Ask for the newest state, and say what stands in the way."""
        try:
            state = self._opened.state()
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
            self.copy_status = replace(self.copy_status, problem=self._logged_once(error))
            self.store = None  # pages wait for it to be back
            return
        self._logged = ""
        now = self._clock()
        self.copy_status = CopyStatus(state.made_at, state.made_at, seen_at=now)
        self.store = self._opened

    def _logged_once(self, error: Exception) -> str:
        """Log a failure unless it is the one before again; what to show of it."""
        if self._logged != str(error):
            self._logged = str(error)
            logged("The mirrored store could not be read", error)
        return str(error) if isinstance(error, StoreError) else type(error).__name__

    def _key(self) -> str:
        return self._opened.path.stem if self._opened.known else ""

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            with suppress(Exception):
                self.look()


def _connection(settings: Settings) -> ReadConnection:
    password = settings.store_password.get_secret_value()
    return ReadConnection(server_at(settings.store, password), check)
