"""Which process syncs a store for all dashboards that only read it, and what it tells of itself.

One process at a time holds the lease of a store: who else would sync it waits until the lease is
given back, or has expired by the database's own clock. Each holder has a number of its own, higher
than all before: one that was paused and comes back too late finds another number there, and what
it writes with its old one is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from bridgeboard.state.database import Database
from bridgeboard.state.errors import StateError
from bridgeboard.state.schema import SYNC_NODES, database_clock

LASTS: Final = timedelta(seconds=20)
"""How long a lease lasts unless it is renewed."""
Clock = Callable[[Connection], datetime]


class LeaseLostError(StateError):
    """Another process syncs this store now; whoever had the lease before writes no more."""


@dataclass(frozen=True)
class Lease:
    """The right to sync a store for all.

    Attributes:
        store: the key of the store, which is its file's name without its end.
        number: higher than that of every holder before.
        holder: the process that holds it, by a name that no other has.
    """

    store: str
    number: int
    holder: str


@dataclass(frozen=True)
class SyncNode:
    """What is known of the process that syncs a store, or did so last. Times are the database's.

    Attributes:
        number: of its lease.
        name: what an operator calls it: its machine and process.
        is_alive: whether its lease holds.
        heartbeat_at: when it was heard last.
        report: what it told then.
        asked_at: when this was read.
    """

    number: int
    name: str
    is_alive: bool
    heartbeat_at: datetime
    report: str
    asked_at: datetime


class SyncNodes:
    """The lease of one store, from any number of processes.

    Args:
        database: where it is.
        store: the key of the store.
        clock: what time it is, by the database.
    """

    def __init__(self, database: Database, store: str, clock: Clock = database_clock) -> None:
        self.database = database
        self.store = store
        self.clock = clock

    def take(self, holder: str, name: str) -> Lease | None:
        """The lease, if nobody else holds it; None where somebody does. Raises StateError."""
        with self.database.writing() as connection:
            now, row = self.clock(connection), self._row(connection)
            if row is not None and row.holder != holder and row.expires_at > now:
                return None
            number = row.number + 1 if row is not None else 1
            values = {"number": number, "holder": holder, "name": name, **_until(now)}
            if row is None:
                connection.execute(insert(SYNC_NODES).values(store=self.store, report="", **values))
            else:
                # The report stays until the new holder has one: dashboards show how it was.
                connection.execute(update(SYNC_NODES).filter_by(store=self.store).values(**values))
        return Lease(self.store, number, holder)

    def renew(self, lease: Lease, report: str | None = None) -> None:
        """Hold the lease for longer, and tell what the process does; None leaves that as it is.

        Raises:
            LeaseLostError: when it is another one's.
            StateError: when that cannot be known.
        """
        told = {} if report is None else {"report": report}
        with self.database.writing() as connection:
            self.check(connection, lease)
            values = _until(self.clock(connection)) | told
            connection.execute(update(SYNC_NODES).filter_by(store=self.store).values(**values))

    def release(self, lease: Lease, report: str | None = None) -> None:
        """Give the lease back, so that nobody has to wait. Raises StateError."""
        told = {} if report is None else {"report": report}
        with self.database.writing() as connection:
            self.check(connection, lease)
            now = self.clock(connection)
            values = {"heartbeat_at": now, "expires_at": now} | told
            connection.execute(update(SYNC_NODES).filter_by(store=self.store).values(**values))

    def check(self, connection: Connection, lease: Lease) -> None:
        """Raise LeaseLostError unless the lease is still this one, in a transaction that writes."""
        row = self._row(connection)
        if row is None or (row.number, row.holder) != (lease.number, lease.holder):
            whose = f"{row.name} syncs this store now" if row is not None else "The lease is gone"
            raise LeaseLostError(f"{whose}, and this process does not go on.")

    def node(self) -> SyncNode | None:
        """Who holds the lease or held it last; None if nobody ever did. Raises StateError."""
        with self.database.reading() as connection:
            row, now = self._row(connection), self.clock(connection)
        if row is None:
            return None
        is_alive = row.expires_at > now
        return SyncNode(row.number, row.name, is_alive, row.heartbeat_at, row.report, now)

    def _row(self, connection: Connection) -> Any:
        return connection.execute(select(SYNC_NODES).filter_by(store=self.store)).first()


def _until(now: datetime) -> dict[str, datetime]:
    return {"heartbeat_at": now, "expires_at": now + LASTS}
