"""Keeps the store of one deployment up to date from a thread of the dashboard.

The process that serves owns the store: it writes from here and reads from everywhere. What went
wrong is reported in ``Status`` and tried again at the next round; nothing here ends the dashboard.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Self

from aibridge import Client
from bridgeboard import pricing, store, sync
from bridgeboard.access import RowAccess
from bridgeboard.model.store_status import BackupStatus, Status
from bridgeboard.runtime import clients, store_files, team_sources
from bridgeboard.runtime.background_alerts import BackgroundAlerts
from bridgeboard.runtime.clients import LiveDeployment
from bridgeboard.runtime.failure_messages import logged
from bridgeboard.runtime.nightly_backups import NightlyBackups
from bridgeboard.settings import Settings
from bridgeboard.store import Store, sync_state, text_index

PATIENCE_SECONDS = 10.0
RETRY_SECONDS = 10.0
BACKUP_POLL_SECONDS = 10.0
"""How often it is asked whether a backup is due."""
ALERT_POLL_SECONDS = 10.0
"""How often it is looked whether somebody is to be told of something."""
DETAILS_A_ROUND = timedelta(minutes=2)
"""How long a round reads details before the next one looks for what is new, which comes first."""


def options(settings: Settings, since: datetime | None = None) -> sync.Options:
    """How these settings want to sync. Raises PriceFileError."""
    return sync.Options(
        book=pricing.own_book(settings.prices_path),
        since=since,
        overlap=timedelta(hours=settings.overlap_hours),
        text=settings.text == "all",
        kept_days=settings.rows_days or None,
    )


def prepare(opened: Store, settings: Settings) -> None:
    """Bring teams and the names of models into the store.

    Raises:
        TeamsFileError: for a teams file that cannot be read.
    """
    sync.name_models(opened)
    team_sources.put_teams(opened, settings)


def prune(opened: Store, settings: Settings, now: datetime) -> None:
    """Delete what the settings do not let grow older, by our clock and by the server's."""
    # The last sync was dated by the server. A clock that is wrong for a while, here or there, must
    # not delete what cannot be read again.
    ended_at = sync_state.last_ended_at(opened)
    store.prune(
        opened,
        text_days=settings.text_days or None,
        rows_days=settings.rows_days or None,
        now=min(now, ended_at or now),
    )


def gather(opened: Store, settings: Settings, *, stops: Callable[[], bool] = lambda: False) -> None:
    """Make what readers would wait for, until it is stopped.

    The words of new prompts, where they may be searched, and the sums of groups, where there may
    be readers who see nothing else.
    """
    if settings.search_text:
        text_index.gather(opened, stops=stops)
    if settings.guarded and not stops():
        with opened.snapshot(RowAccess.of_groups(settings.floor)):
            pass


class BackgroundSync:
    """Syncs every ``settings.sync_seconds`` until ``stop``; also a context manager.

    Attributes:
        status: what it is doing now.
        store: the open store; None until the deployment has answered once.
        deployment: the deployment, to be asked while a reader waits.
        backups: the backups of the store.
        alerts: what is told to recipients.
    """

    def __init__(
        self, settings: Settings, *, clock: Callable[[], datetime], opened: Store | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self.status = Status()
        self.store = opened
        self.deployment = LiveDeployment(settings)
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._wanted: SimpleQueue[int | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.backups = NightlyBackups(settings, clock)
        self.alerts = BackgroundAlerts(settings, clock)
        # A file that is written anew would wait for the long question that a backup is.
        self._reading_all = threading.Lock()

    @property
    def backup_status(self) -> BackupStatus:
        """How it is with the backups of the store."""
        return self.backups.status

    @property
    def alert_problem(self) -> str | None:
        """Why nobody could be told of alerts; None where all is well."""
        return self.alerts.problem

    def start(self) -> None:
        """Begin, unless the settings name no deployment. Without syncs the store is opened only."""
        if not self._settings.configured:
            return
        works = [self._run, self._serve_wanted] if self._settings.sync_seconds else [self._open]
        if self._settings.backup_time:
            works.append(self._back_up)
        if self._settings.alerts_path:
            works.append(self._tell_recipients)
        for work in works:
            thread = threading.Thread(target=work, name=f"bridgeboard-{work.__name__}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop at the next committed batch and close the store; may be repeated."""
        self._stopping.set()
        self._woken.set()
        self._wanted.put(None)
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
        # A thread that still waits for an answer of the network is left behind: its transaction
        # is not committed, and the file is whole without it.
        if self.store and not any(thread.is_alive() for thread in self._threads):
            self.store.close()
        self._threads, self.store = [], None
        self.deployment.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def wake(self) -> None:
        """Sync now instead of at the end of the interval."""
        self._woken.set()

    def want(self, session: int) -> None:
        """Read the details of a session soon, by our key: somebody has opened it.

        The key, since ids that a reader is shown may be pseudonyms.
        """
        self._wanted.put(session)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            is_cut_short = self._round()
            # What waits for its details waits for nothing else.
            self._woken.wait(0 if is_cut_short else self._settings.sync_seconds)

    def _round(self) -> bool:
        """Sync once; whether details were left for the next round for want of time."""
        is_cut_short = False
        self._tell(state="syncing", began_at=self._clock())
        try:
            with clients.patient_client(self._settings) as client:
                is_cut_short = self._sync(client)
        except Exception as error:  # noqa: BLE001  # whatever it is, the thread goes on
            problem = logged("The sync stopped", error)
            self._tell(state="waiting", ended_at=self._clock(), problem=problem)
        else:
            left = self._rewrite()
            now = self._clock()
            self._tell(state="waiting", ended_at=now, good_at=now, problem=left)
        return is_cut_short

    def _open(self) -> None:
        """Open the store, which is read though it is not synced; tried until it succeeds."""
        while self.store is None and not self._stopping.is_set():
            try:
                with clients.client(self._settings) as client:
                    prepare(self._opened(client), self._settings)
            except Exception as error:  # noqa: BLE001  # likewise
                self._tell(problem=logged("The store could not be opened", error))
                self._woken.wait(RETRY_SECONDS)
            else:
                self._tell(problem=None)

    def _sync(self, client: Client) -> bool:
        opened = self._opened(client)
        prepare(opened, self._settings)
        chosen = replace(options(self._settings), details_for=DETAILS_A_ROUND)
        events = sync.run(client, opened, chosen, self._clock())
        is_cut_short = False
        try:
            for number, event in enumerate(events):
                if number == 0:  # groups have been read by now
                    team_sources.put_teams(opened, self._settings)
                self._tell(event=event)
                if event.phase == "details":
                    is_cut_short = event.done < (event.total or 0)
                if self._stopping.is_set():
                    return False
        finally:
            events.close()
        prune(opened, self._settings, self._clock())
        gather(opened, self._settings, stops=self._stopping.is_set)
        return is_cut_short

    def _rewrite(self) -> str | None:
        """Write the file anew if that is due; why it could not be, which leaves the sync good."""
        if self.store is None or self._stopping.is_set():
            return None
        if not self._reading_all.acquire(blocking=False):
            return None  # the next round does, once the backup is made
        try:
            store.rewrite_if_due(self.store, self._clock())
        except Exception as error:  # noqa: BLE001  # likewise
            return logged("What was deleted is still in the bytes of the store's file", error)
        finally:
            self._reading_all.release()
        return None

    def _back_up(self) -> None:
        """Make backups when they are due."""
        while not self._stopping.wait(BACKUP_POLL_SECONDS):
            if self.store is None:
                continue
            try:
                with self._reading_all:
                    self.backups.make_if_due(self.store, self._stopping.is_set)
            except Exception as error:  # noqa: BLE001  # likewise
                logged("Whether a backup is due cannot be told", error)

    def _tell_recipients(self) -> None:
        """Tell recipients of alerts what is due to them."""
        while not self._stopping.wait(ALERT_POLL_SECONDS):
            if self.store is not None:
                self.alerts.tell(self.store, self.status)

    def _opened(self, client: Client) -> Store:
        if self.store is None:
            self.store = store_files.stored(self._settings, client)
            self.backups.look(self.store.path)
        return self.store

    def _serve_wanted(self) -> None:
        while not self._stopping.is_set():
            wanted = self._wanted.get()
            if wanted is not None and self.store:
                self._read(self.store, wanted)

    def _read(self, opened: Store, session: int) -> None:
        try:
            with clients.patient_client(self._settings) as client:
                sync.read_session(client, opened, options(self._settings), session, self._clock())
        except Exception as error:  # noqa: BLE001  # likewise
            logged("The details of a session could not be read", error)

    def _tell(self, **news: object) -> None:
        self.status = replace(self.status, **news)  # type: ignore[arg-type]  # fields of Status
