"""The sync of another process, as a dashboard that only reads knows it.

What pages ask of the sync of their process is answered from what the sync node has told in the
state database, and what they want of it is wished there. Nothing here asks the deployment, unless
this dashboard has a token of its own.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Final
from uuid import UUID

from bridgeboard.model.deployment import (
    Capabilities,
    Deployment,
    DeploymentError,
    RecordedRequest,
)
from bridgeboard.model.store import Store
from bridgeboard.model.store_status import BackupStatus, CopyStatus, MirrorStatus, Status
from bridgeboard.model.sync_report import SyncReport, report_of_text
from bridgeboard.runtime import state_files
from bridgeboard.runtime.clients import LiveDeployment
from bridgeboard.settings import Settings
from bridgeboard.state import StateError
from bridgeboard.state.sync_nodes import SyncNode, SyncNodes
from bridgeboard.state.wishes import Wish, Wishes

KEPT_SECONDS: Final = 1.0
"""How long what the node told is known without a question: a page asks many times."""
NOBODY: Final = (
    "No process has synced for this dashboard yet: start `bridgeboard sync --watch` with the same"
    " state database."
)
UNREADABLE: Final = (
    "The process that syncs is of a version that this dashboard cannot read: bring both to the"
    " same version."
)
ELSEWHERE: Final = (
    "Raw data of a request is read from the deployment, which this dashboard has no token for: only"
    " the process that syncs has one."
)


@dataclass(frozen=True)
class _Known:
    """What is known of the node, and when it was asked for."""

    asked_at: float
    report: SyncReport
    is_alive: bool = False
    problem: str | None = None


class RemoteSync:
    """The sync node of a store, for pages of another process; may be used by several threads.

    Args:
        settings: of this dashboard.
        key: the key of the store, which is the name of its file on the node without its end;
            empty while it is not known yet.
        opened: the store that is read here.
        clock: seconds that pass, from any beginning.
    """

    is_remote = True

    def __init__(
        self,
        settings: Settings,
        key: Callable[[], str],
        opened: Callable[[], Store | None],
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._settings = settings
        self._key = key
        self._opened = opened
        self._clock = clock
        self._asking = Lock()
        self._known: _Known | None = None
        self.deployment: Deployment = _RemoteDeployment(settings, self._report)

    @property
    def store(self) -> Store | None:
        """The store that is read here."""
        return self._opened()

    @property
    def status(self) -> Status:
        """What the sync of the node does; that nobody syncs any more is a problem, too."""
        known = self._ask()
        if known.problem is None:
            return known.report.status
        return replace(known.report.status, state="silent", problem=known.problem)

    @property
    def backup_status(self) -> BackupStatus:
        """How it is with the backups that the node makes."""
        return self._report().backups

    @property
    def mirror_status(self) -> MirrorStatus | None:
        """How it is with the mirror that the node keeps."""
        return self._report().mirror

    @property
    def copy_status(self) -> CopyStatus:
        """Nothing: no copies are read here (``replica``)."""
        return CopyStatus()

    @property
    def alert_problem(self) -> str | None:
        """Why the node could tell nobody of alerts."""
        return self._report().alert_problem

    @property
    def sync_seconds(self) -> int:
        """Seconds between two syncs of the node; 0 while there is none that lives."""
        known = self._ask()
        return known.report.sync_seconds if known.is_alive else 0

    def one_state(self) -> AbstractContextManager[None]:
        """Nothing: answers belong to versions of the store."""
        return nullcontext()

    def wake(self) -> None:
        """Wish a sync now. Raises StateError."""
        self._wishes().add("sync")

    def want(self, session: int) -> None:
        """Wish that the details of a session are read. Raises StateError."""
        self._wishes().add("session", str(session))

    def wish(self, session: int | None = None) -> Wish | None:
        """The last wish for a sync, or for the details of a session. Raises StateError."""
        if not self._key():
            return None
        if session is None:
            return self._wishes().get("sync")
        return self._wishes().get("session", str(session))

    def close(self) -> None:
        """Let go of connections to the deployment, if there are any."""
        if isinstance(self.deployment, _RemoteDeployment):
            self.deployment.close()

    def _report(self) -> SyncReport:
        return self._ask().report

    def _wishes(self) -> Wishes:
        key = self._key()
        if not key:
            raise StateError(NOBODY)
        return Wishes(state_files.state_database(self._settings), key)

    def _ask(self) -> _Known:
        """What is known of the node, as it was a second ago at most."""
        with self._asking:
            now = self._clock()
            if self._known is None or now - self._known.asked_at >= KEPT_SECONDS:
                self._known = self._asked(now)
            return self._known

    def _asked(self, now: float) -> _Known:
        before = self._known.report if self._known else SyncReport()
        key = self._key()
        if not key:
            return _Known(now, before, problem=NOBODY)
        try:
            node = SyncNodes(state_files.state_database(self._settings), key).node()
        except StateError as error:
            return _Known(now, before, problem=f"How the sync goes is not known. {error}")
        if node is None:
            return _Known(now, before, problem=NOBODY)
        report = report_of_text(node.report)
        if report is None and node.report:
            return _Known(now, before, node.is_alive, UNREADABLE)
        report = report or before
        if node.is_alive:
            return _Known(now, report, is_alive=True)
        return _Known(now, report, problem=_silent(node))


class _RemoteDeployment:
    """What the node knows of the deployment, and what this dashboard may ask it itself."""

    def __init__(self, settings: Settings, report: Callable[[], SyncReport]) -> None:
        self._report = report
        self._live = LiveDeployment(settings) if settings.configured else None

    def capabilities(self) -> Capabilities:
        """What the deployment and the node's token can do. Raises DeploymentError."""
        able = self._report().capabilities
        if able is None:
            raise DeploymentError(
                "The process that syncs has not told yet what the deployment can do.", "silent"
            )
        return able

    def request(
        self, interception: UUID, initiator: UUID, started_at: datetime
    ) -> RecordedRequest | None:
        """One request as the deployment lists it. Raises DeploymentError, also without a token."""
        if self._live is None:
            raise DeploymentError(ELSEWHERE, "elsewhere")
        return self._live.request(interception, initiator, started_at)

    def close(self) -> None:
        """Let go of connections."""
        if self._live:
            self._live.close()


def _silent(node: SyncNode) -> str:
    """That a node does not live any more, or has ended."""
    at = f"{node.heartbeat_at:%Y-%m-%d %H:%M} UTC"
    return (
        f"The process that syncs ({node.name}) was heard last at {at}: start it again. Numbers are"
        " those of its last sync."
    )
