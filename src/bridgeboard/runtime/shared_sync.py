"""What a process that syncs does for others: it holds a lease, and publishes copies."""

import threading
from contextlib import AbstractContextManager, nullcontext

from bridgeboard.model.store_status import CopyStatus, Status
from bridgeboard.runtime.publishing import LOOK_SECONDS, Publishing
from bridgeboard.runtime.sync_node import SyncNode
from bridgeboard.store import Store


class SharedSync:
    """The part of a process with a store that others know of.

    Attributes:
        status: what it is doing now.
        store: the open store; None until the deployment has answered once.
        node: its lease, where it syncs for others; None where it syncs for itself alone.
        publishing: of copies for dashboards that only read.
    """

    status: Status
    store: Store | None
    node: SyncNode | None
    publishing: Publishing
    _stopping: threading.Event

    is_remote = False

    @property
    def copy_status(self) -> CopyStatus:
        """How it is with the published copies of the store."""
        return self.publishing.status

    def one_state(self) -> AbstractContextManager[None]:
        """Nothing: the store stays the same one, and answers belong to its versions."""
        return nullcontext()

    @property
    def _is_in_charge(self) -> bool:
        """Whether no other process does what is done once for all dashboards."""
        return self.node is None or self.node.holds

    def _confirm(self) -> None:
        """Raise unless this process may publish what it has."""
        if self.node:
            self.node.confirm(ask=True)

    def _publish(self) -> None:
        """Publish copies of the store when there is something new."""
        while not self._stopping.wait(LOOK_SECONDS):
            if self.store is not None and self._is_in_charge:
                self.publishing.look(self.store, self.status)
