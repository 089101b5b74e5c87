"""What pages know of this process: its store, its deployment, and how its sync goes."""

from contextlib import AbstractContextManager
from typing import Protocol

from bridgeboard.model.deployment import Deployment
from bridgeboard.model.store import Store
from bridgeboard.model.store_status import BackupStatus, CopyStatus, MirrorStatus, Status
from bridgeboard.state.wishes import Wish


class Process(Protocol):
    """The handles of the process that serves."""

    @property
    def status(self) -> Status:
        """What its sync is doing now."""

    @property
    def store(self) -> Store | None:
        """The open store; None until the deployment has answered once."""

    @property
    def deployment(self) -> Deployment:
        """The deployment whose usage the store has."""

    @property
    def backup_status(self) -> BackupStatus:
        """How it is with the backups of its store."""

    @property
    def mirror_status(self) -> MirrorStatus | None:
        """How it is with the mirror of its store in ClickHouse; None where there is none."""

    @property
    def copy_status(self) -> CopyStatus:
        """How it is with the copies that it publishes, or with the one that it reads."""

    @property
    def alert_problem(self) -> str | None:
        """Why nobody could be told of alerts; None where all is well."""

    @property
    def is_remote(self) -> bool:
        """Whether another process syncs, and this one only reads what that one has read."""

    @property
    def sync_seconds(self) -> int:
        """Seconds between two syncs; 0 where there are none."""

    def one_state(self) -> AbstractContextManager[None]:
        """Have questions of a block answered by one state, where the store may be exchanged."""

    def wake(self) -> None:
        """Sync now instead of at the end of the interval. Raises StateError if it is remote."""

    def want(self, session: int) -> None:
        """Read the details of a session soon, by our key: somebody has opened it.

        Raises StateError where another process is to read them, and cannot be told so.
        """

    def wish(self, session: int | None = None) -> Wish | None:
        """How it is with what another process was asked: a sync, or the details of a session.

        None where it was not asked, as this process does all itself. Raises StateError.
        """


_installed: Process | None = None


def install(process: Process | None) -> None:
    """Make these the handles of this process; the server does so before it serves."""
    global _installed  # noqa: PLW0603  # one process serves one deployment
    _installed = process


def current() -> Process | None:
    """The handles of this process, if it keeps a store."""
    return _installed
