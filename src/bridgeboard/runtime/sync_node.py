"""The one process that syncs a store for all dashboards that only read: its lease and its word.

It holds the lease of the store in the state database, tells there how the sync goes, and takes
what readers of other dashboards wish. Without the lease it does not sync.
"""

import logging
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import replace
from queue import SimpleQueue
from threading import Event, Lock
from time import monotonic

from bridgeboard.model.sync_report import SyncReport, report_of_text, report_text
from bridgeboard.runtime.failure_messages import logged
from bridgeboard.state import Database, StateError
from bridgeboard.state.sync_nodes import LASTS, Lease, LeaseLostError, SyncNodes
from bridgeboard.state.wishes import Wish, Wishes

BEAT_SECONDS = 1.0
"""How often it tells how it goes, and looks what readers of other dashboards want."""
RENEWED_SECONDS = 5.0
"""How long a lease is left as it is where there is nothing new to tell."""
WAITING = "Another process syncs this store: this one waits until that one has ended."

log = logging.getLogger(__name__)


class SyncNode:
    """The lease of a store as this process sees it; may be used by several threads.

    Args:
        database: where the lease is.
        report: what to tell of this process.
        clock: seconds that pass while the process is paused, too, from any beginning.
        holder: a name that no other process has.
    """

    def __init__(
        self,
        database: Database,
        report: Callable[[], SyncReport],
        *,
        clock: Callable[[], float] = monotonic,
        holder: str = "",
    ) -> None:
        self._database = database
        self._report = report
        self._clock = clock
        self._holder = holder or secrets.token_hex(16)
        self._name = f"{socket.gethostname()}, process {os.getpid()}"
        self._using = Lock()
        self._asked: SimpleQueue[int] = SimpleQueue()
        self._nodes: SyncNodes | None = None
        self._wishes: Wishes | None = None
        self._lease: Lease | None = None
        self._good_until = 0.0
        self._told: tuple[float, str] = (0.0, "")
        self._former: SyncReport | None = None
        self._has_waited = False
        self.problem = ""

    def of_store(self, key: str) -> None:
        """Say whose lease it is: the key of a store is its file's name without its end."""
        with self._using:
            if self._nodes is None:
                self._nodes = SyncNodes(self._database, key)
                self._wishes = Wishes(self._database, key)

    @property
    def number(self) -> int | None:
        """The number of the lease, by which what is published can be fenced; None without one."""
        return self._lease.number if self._lease else None

    @property
    def holds(self) -> bool:
        """Whether the lease is this process's for sure, without a question to the database."""
        return self._lease is not None and self._clock() < self._good_until

    def confirm(self, *, ask: bool = False) -> None:
        """Raise unless the lease is this process's now; nothing may be written otherwise.

        Args:
            ask: whether the database is asked in any case, as before something is published.

        Raises:
            LeaseLostError: when another process has it, as after a long pause of this one.
            StateError: when that cannot be known.
        """
        if self.holds and not ask:
            return
        with self._using:
            if self._nodes is None or self._lease is None:
                raise LeaseLostError(WAITING)
            self._renew(self._nodes, self._lease, None)

    def beat(self) -> list[Wish]:
        """Take or renew the lease, tell how it goes, and return what is to be done now.

        What goes wrong is in ``problem``; the lease is good until it expires.
        """
        with self._using:
            if self._nodes is None or self._wishes is None:
                return []
            try:
                lease = self._lease or self._take(self._nodes)
                if lease is None:
                    return []
                self._tell(self._nodes, lease)
                wishes = self._wishes.take(lease)
            except LeaseLostError as error:
                self._lease, self.problem = None, str(error)
                log.warning("The lease is lost: %s", error)
                return []
            except StateError as error:
                self.problem = str(error)
                return []
            self.problem = ""
            return wishes

    def serve(
        self, stopping: Event, *, wake: Callable[[], None], want: Callable[[int, int], None]
    ) -> None:
        """Beat until the end.

        Args:
            stopping: is set at the end.
            wake: begins a sync, as one is wished, or the lease is ours from now on.
            want: gets the key of a session whose details are wished, and the wish's number.
        """
        while not stopping.wait(BEAT_SECONDS):
            try:
                self._answer(wake, want)
            except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
                logged("Wishes of other dashboards could not be answered", error)

    def _answer(self, wake: Callable[[], None], want: Callable[[int, int], None]) -> None:
        had_lease = self.holds
        for wish in self.beat():
            if wish.kind == "sync":
                self._asked.put(wish.number)
                wake()
            else:
                want(int(wish.target), wish.number)
        if self.holds and not had_lease:
            wake()

    def wished_syncs(self) -> list[int]:
        """The wishes for a sync that one that begins now is for."""
        return [self._asked.get() for _ in range(self._asked.qsize())]

    def settle(self, numbers: list[int], problem: str = "") -> None:
        """Say of wishes that they are done, or why they failed.

        Where that cannot be written they are done again, by who has the lease then.
        """
        with self._using:
            try:
                if self._wishes and self._lease:
                    self._wishes.settle(self._lease, numbers, problem)
            except StateError as error:
                logged("What became of a wish could not be written", error)

    def release(self) -> None:
        """Give the lease back, so that another process need not wait. Raises StateError."""
        with self._using:
            lease, self._lease = self._lease, None
            if lease and self._nodes:
                self._nodes.release(lease, self._text())

    def _take(self, nodes: SyncNodes) -> Lease | None:
        began = self._clock()
        self._lease = nodes.take(self._holder, self._name)
        if self._lease is None and not self._has_waited:
            self._has_waited = True
            log.warning(WAITING)
        if self._lease:
            self._has_waited = False
            log.info("This process syncs now, with the lease %d.", self._lease.number)
            self._good_until, self._told = began + LASTS.total_seconds(), (0.0, "")
            before = nodes.node()
            self._former = report_of_text(before.report) if before else None
        return self._lease

    def _text(self) -> str:
        """What to tell; what the deployment can do is known from before until it has answered."""
        report = self._report()
        if report.capabilities is None and self._former:
            report = replace(report, capabilities=self._former.capabilities)
        return report_text(report)

    def _tell(self, nodes: SyncNodes, lease: Lease) -> None:
        """Renew the lease if that is due, or there is news."""
        told_at, told = self._told
        text = self._text()
        if text != told or self._clock() - told_at >= RENEWED_SECONDS:
            began = self._clock()
            self._renew(nodes, lease, text)
            self._told = began, text

    def _renew(self, nodes: SyncNodes, lease: Lease, text: str | None) -> None:
        # By the time before the question: the database may have answered long before we go on.
        began = self._clock()
        try:
            nodes.renew(lease, text)
        except LeaseLostError:
            self._lease = None
            raise
        self._good_until = began + LASTS.total_seconds()
