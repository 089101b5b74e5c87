"""Keeps the store of one deployment up to date from a thread of the dashboard.

The process that serves owns the store: it writes from here and reads from everywhere. What went
wrong is reported in ``Status`` and tried again at the next round; nothing here ends the dashboard.
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.metadata import version
from queue import SimpleQueue
from typing import NamedTuple, Self

from aibridge import Client
from bridgeboard import store, sync
from bridgeboard.model.deployment import Capabilities, DeploymentError
from bridgeboard.model.store_status import (
    BackupStatus,
    Event,
    MirrorStatus,
    Status,
    Totals,
)
from bridgeboard.model.sync_report import SyncReport
from bridgeboard.runtime import clients, state_files, store_files, team_sources
from bridgeboard.runtime.background_alerts import BackgroundAlerts
from bridgeboard.runtime.background_mirror import BackgroundMirror, server
from bridgeboard.runtime.clients import LiveDeployment
from bridgeboard.runtime.failure_messages import logged
from bridgeboard.runtime.nightly_backups import NightlyBackups
from bridgeboard.runtime.publishing import Publishing
from bridgeboard.runtime.shared_sync import SharedSync
from bridgeboard.runtime.sync_node import SyncNode
from bridgeboard.runtime.sync_steps import gather, options, prepare, prune
from bridgeboard.settings import Settings, unsecret
from bridgeboard.state import StateError
from bridgeboard.state.sync_nodes import LeaseLostError
from bridgeboard.state.wishes import Wish
from bridgeboard.store import Store, sync_state

PATIENCE_SECONDS = 10.0
RETRY_SECONDS = 10.0
BACKUP_POLL_SECONDS = 10.0
"""How often it is asked whether a backup is due."""
ALERT_POLL_SECONDS = 10.0
"""How often it is looked whether somebody is to be told of something."""
DETAILS_A_ROUND = timedelta(minutes=2)
"""How long a round reads details before the next one looks for what is new, which comes first."""


class _Wanted(NamedTuple):
    """A session whose details are wanted, and the wish of another dashboard that it is for."""

    session: int
    wish: int | None = None


class BackgroundSync(SharedSync):
    """Syncs every ``settings.sync_seconds`` until ``stop``; also a context manager.

    Args:
        settings: of what, how often, with which backups and alerts.
        clock: the time, aware.
        opened: the store, where it is open already.
        is_node: whether it syncs for dashboards of other processes, too: then it waits while
            another process does so.
        reads_back: how far back a first sync reads; None is all there is.
        after_sync: is called after each sync that ended well, while the lease is held.

    Attributes:
        status: what it is doing now.
        store: the open store; None until the deployment has answered once.
        deployment: the deployment, to be asked while a reader waits.
        backups: the backups of the store.
        alerts: what is told to recipients.
        mirror: what mirrors the store; None where nothing does.
        node: its lease, where it syncs for others; None where it syncs for itself alone.
        totals: what its syncs have done.
        publishing: of copies for dashboards that only read.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        opened: Store | None = None,
        is_node: bool = False,
        reads_back: timedelta | None = None,
        after_sync: Callable[[Store], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self.status = Status()
        self.store = opened
        self.deployment = LiveDeployment(settings)
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._wanted: SimpleQueue[_Wanted | None] = SimpleQueue()
        self._reads_back = reads_back
        self._after_sync = after_sync
        self.totals = Totals()
        self._capabilities: Capabilities | None = None
        self.node = None
        if is_node:
            self.node = SyncNode(state_files.state_database(settings), self.report)
        to = server(settings)
        self.mirror = BackgroundMirror(to, clock, may=self._confirm) if to else None
        self._threads: list[threading.Thread] = []
        self.backups = NightlyBackups(settings, clock)
        self.alerts = BackgroundAlerts(settings, clock)
        self.publishing = Publishing(settings, clock, confirm=self._confirm)
        # A file that is written anew would wait for the long question that a backup is.
        self._reading_all = threading.Lock()

    @property
    def backup_status(self) -> BackupStatus:
        """How it is with the backups of the store."""
        return self.backups.status

    @property
    def mirror_status(self) -> MirrorStatus | None:
        """How it is with the mirror of the store; None where there is none."""
        return self.mirror.status if self.mirror else None

    @property
    def alert_problem(self) -> str | None:
        """Why nobody could be told of alerts; None where all is well."""
        return self.alerts.problem

    @property
    def sync_seconds(self) -> int:
        """Seconds between two syncs; 0 where there are none."""
        return self._settings.sync_seconds if self._settings.configured else 0

    def report(self) -> SyncReport:
        """What other processes may know of this one."""
        status, opened, mirror = self.status, self.store, self.mirror_status
        if status.good_at is None and opened:  # by the process before this one
            status = replace(status, good_at=sync_state.read_until(opened))
        if mirror and mirror.problem:
            mirror = replace(mirror, problem=unsecret(mirror.problem, self._settings))
        if status.problem:  # readers of other dashboards could not take our secrets out
            status = replace(status, problem=unsecret(status.problem, self._settings))
        return SyncReport(
            status=status,
            version=version("bridgeboard"),
            sync_seconds=self.sync_seconds,
            store_version=opened.version if opened else None,
            capabilities=self._capabilities,
            backups=self.backup_status,
            mirror=mirror,
            alert_problem=self.alert_problem and unsecret(self.alert_problem, self._settings),
        )

    def start(self) -> None:
        """Begin, unless the settings name no deployment. Without syncs the store is opened only."""
        if not self._settings.configured:
            return
        works = [self._run, self._serve_wanted] if self._settings.sync_seconds else [self._open]
        if self._settings.backup_time:
            works.append(self._back_up)
        if self._settings.alerts_path:
            works.append(self._tell_recipients)
        if self.node:
            works.append(self._beat)
        if self._settings.publish_path:
            works.append(self._publish)
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
        has_ended = not any(thread.is_alive() for thread in self._threads)
        if self.mirror:
            has_ended &= self.mirror.stop(PATIENCE_SECONDS)
        if self.store and has_ended:
            self.store.close()
        self._threads, self.store = [], None
        self.deployment.close()
        if self.node and has_ended:  # else somebody may still write: the lease ends by itself
            self._tell(state="off")
            try:
                self.node.release()
            except StateError as error:
                logged("The lease of the store could not be given back", error)

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
        self._wanted.put(_Wanted(session))

    def wish(self, session: int | None = None) -> Wish | None:  # noqa: ARG002 - of the protocol
        """None: this process does all itself."""
        return None

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            if not self._may_sync():
                self._woken.wait(RETRY_SECONDS)
                continue
            is_cut_short = self._round()
            # What waits for its details waits for nothing else.
            self._woken.wait(0 if is_cut_short else self._settings.sync_seconds)

    def _may_sync(self) -> bool:
        """Whether this process is the one that syncs; the beat wakes who waits for that."""
        if self.node is None:
            return True
        if self.store is None:
            try:
                with clients.client(self._settings) as client:
                    self._opened(client)
            except Exception as error:  # noqa: BLE001  # whatever it is, the thread goes on
                self._tell(problem=logged("The store could not be opened", error))
                return False
        if not self.node.holds:
            self._tell(state="standby", problem=self.node.problem or None)
        return self.node.holds

    def _round(self) -> bool:
        """Sync once; whether details were left for the next round for want of time."""
        is_cut_short = False
        wishes = self.node.wished_syncs() if self.node else []
        self._tell(state="syncing", began_at=self._clock())
        try:
            with clients.patient_client(self._settings) as client:
                is_cut_short = self._sync(client)
        except LeaseLostError as error:
            self._tell(state="standby", ended_at=self._clock(), problem=str(error))
            return False  # what was wished is done by who has the lease now
        except Exception as error:  # noqa: BLE001  # whatever it is, the thread goes on
            problem = logged("The sync stopped", error)
            self.totals = replace(self.totals, failed=self.totals.failed + 1)
            self._tell(state="waiting", ended_at=self._clock(), problem=problem)
            self._settle(wishes, problem)
        else:
            left = self._rewrite()
            if self.mirror and self.store:  # after the file, which nobody may read meanwhile
                self.mirror.mirror(self.store)
            now = self._clock()
            if not self._stopping.is_set():
                self.totals = replace(self.totals, good=self.totals.good + 1)
            self._tell(state="waiting", ended_at=now, good_at=now, problem=left)
            if not self._stopping.is_set():
                self._settle(wishes)
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
        now = self._clock()
        since = now - self._reads_back if self._reads_back else None
        chosen = replace(options(self._settings, since), details_for=DETAILS_A_ROUND)
        if self.node:
            self._learn_capabilities()
        last: dict[str, Event] = {}
        events = sync.run(client, opened, chosen, now)
        try:
            for event in events:
                if not last:  # groups have been read by now
                    team_sources.put_teams(opened, self._settings)
                last[event.phase] = event
                self._tell(event=event)
                if self.node:
                    self.node.confirm()
                if self._stopping.is_set():
                    return False
        finally:
            events.close()
            self.totals = self.totals.with_events(last.values())
        details = last.get("details")
        is_cut_short = details is not None and details.done < (details.total or 0)
        prune(opened, self._settings, self._clock())
        gather(opened, self._settings, stops=self._stopping.is_set)
        self._after_sync(opened)
        return is_cut_short

    def _rewrite(self) -> str | None:
        """Write the file anew if that is due; why it could not be, which leaves the sync good."""
        if self.store is None or self._stopping.is_set():
            return None
        with ExitStack() as held:
            for lock in (self._reading_all, *([self.mirror.reading] if self.mirror else ())):
                if not lock.acquire(blocking=False):
                    return None  # the next round does, once all is read
                held.callback(lock.release)
            try:
                store.rewrite_if_due(self.store, self._clock())
            except Exception as error:  # noqa: BLE001  # likewise
                return logged("What was deleted is still in the bytes of the store's file", error)
        return None

    def _back_up(self) -> None:
        """Make backups when they are due."""
        while not self._stopping.wait(BACKUP_POLL_SECONDS):
            if self.store is None or not self._is_in_charge:
                continue
            try:
                with self._reading_all:
                    self.backups.make_if_due(self.store, self._stopping.is_set)
            except Exception as error:  # noqa: BLE001  # likewise
                logged("Whether a backup is due cannot be told", error)

    def _tell_recipients(self) -> None:
        """Tell recipients of alerts what is due to them."""
        while not self._stopping.wait(ALERT_POLL_SECONDS):
            if self.store is not None and self._is_in_charge:
                self.alerts.tell(self.store, self.status)

    def _opened(self, client: Client) -> Store:
        if self.store is None:
            self.store = store_files.stored(self._settings, client)
            self.backups.look(self.store.path)
            if self.node:
                self.node.of_store(self.store.path.stem)
        return self.store

    def _learn_capabilities(self) -> None:
        """Ask what the deployment and its token can do, for dashboards that cannot ask it."""
        try:
            self._capabilities = self.deployment.capabilities()
        except DeploymentError as error:
            logged("What the deployment can do is not known anew", error)

    def _beat(self) -> None:
        """Hold the lease, tell others how it goes, and do what they wish."""
        if self.node:
            self.node.serve(self._stopping, wake=self.wake, want=self._want_for_others)

    def _want_for_others(self, session: int, wish: int) -> None:
        self._wanted.put(_Wanted(session, wish))

    def _settle(self, wishes: list[int], problem: str = "") -> None:
        if self.node:
            self.node.settle(wishes, unsecret(problem, self._settings))

    def _serve_wanted(self) -> None:
        while not self._stopping.is_set():
            wanted = self._wanted.get()
            if wanted is not None and self.store:
                problem = self._read(self.store, wanted.session)
                self._settle([wanted.wish] if wanted.wish else [], problem)

    def _read(self, opened: Store, session: int) -> str:
        """Read the details of a session; why they could not be read."""
        try:
            with clients.patient_client(self._settings) as client:
                if self.node:
                    self.node.confirm()
                sync.read_session(client, opened, options(self._settings), session, self._clock())
        except Exception as error:  # noqa: BLE001  # likewise
            return logged("The details of a session could not be read", error)
        return ""

    def _tell(self, **news: object) -> None:
        self.status = replace(self.status, **news)  # type: ignore[arg-type]  # fields of Status
