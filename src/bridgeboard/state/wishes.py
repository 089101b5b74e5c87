"""What readers of other dashboards want of the process that syncs: a sync now, a session's details.

Of each kind and target one wish is open at a time, whoever has it: a second reader gets the same
one. A wish that nobody takes expires. One that was taken by a process that ended before it was
done is taken again by the next: what is wished may be done twice, and is the same after it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

from sqlalchemy import Connection, case, delete, func, insert, or_, select, update

from bridgeboard.state.database import Database
from bridgeboard.state.errors import StateError
from bridgeboard.state.schema import SYNC_NODES, WISHES, database_clock
from bridgeboard.state.sync_nodes import Clock, Lease, SyncNodes

WAITS: Final = timedelta(minutes=5)
"""How long a wish waits for somebody who takes it."""
REMEMBERED: Final = timedelta(hours=1)
"""How long it is known what became of one."""
MOST: Final = 200
"""So many are open at once; more are refused."""
LONGEST: Final = 200
"""Characters of a target."""
Kind = Literal["sync", "session"]
State = Literal["open", "doing", "done", "failed", "expired"]
_columns: Final = WISHES.c


class TooManyWishesError(StateError):
    """So many wishes are open that another one is refused."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants, and what became of it. Times are the database's.

    Attributes:
        number: higher than that of every wish before.
        kind: what is wanted.
        target: of what it is wanted: the key of a session; empty where there is only one.
        state: how it stands.
        wished_at: since when it is open.
        ended_at: when it was done or failed.
        problem: why it failed.
    """

    number: int
    kind: Kind
    target: str
    state: State
    wished_at: datetime
    ended_at: datetime | None
    problem: str

    @property
    def is_open(self) -> bool:
        """Whether something is still to come of it."""
        return self.state in {"open", "doing"}


class Wishes:
    """The wishes about one store, from any number of processes.

    Args:
        database: where they are.
        store: the key of the store.
        clock: what time it is, by the database.
    """

    def __init__(self, database: Database, store: str, clock: Clock = database_clock) -> None:
        self.database = database
        self.store = store
        self.clock = clock
        self._nodes = SyncNodes(database, store, clock)

    def add(self, kind: Kind, target: str = "") -> Wish:
        """Wish something, or join in a wish that is open.

        Raises:
            TooManyWishesError: when too many others are open.
            StateError: when it cannot be written.
        """
        if kind not in get_args(Kind) or len(target) > LONGEST:
            raise ValueError(kind, target)
        with self.database.writing() as connection:
            now = self.clock(connection)
            known = self._one(connection, kind, target, now)
            if known is not None and known.is_open:
                return known
            self._tidy(connection, now)
            number = self._next_number(connection, now)
            about = {"store": self.store, "kind": kind, "target": target}
            connection.execute(delete(WISHES).filter_by(**about))
            row = {"number": number, "state": "open", "lease": 0, "problem": "", "wished_at": now}
            row |= {"expires_at": now + WAITS}
            connection.execute(insert(WISHES).values(**about, **row))
        return Wish(number, kind, target, "open", now, None, "")

    def get(self, kind: Kind, target: str = "") -> Wish | None:
        """The last wish of a kind and target; None if nothing is known of one. Raises StateError.

        One that was wished later than another is that one's answer, too: it was not open any more.
        """
        with self.database.reading() as connection:
            return self._one(connection, kind, target, self.clock(connection))

    def take(self, lease: Lease) -> list[Wish]:
        """All that somebody has to do who holds the lease, the oldest first; each is taken once.

        Among them are those that the holder before had not done.

        Raises:
            LeaseLostError: when the lease is another one's.
            StateError: when the wishes cannot be read or written.
        """
        with self.database.reading() as connection:
            now = self.clock(connection)
            is_old = connection.execute(self._old(select(_columns.number), now)).first()
            if not is_old and not self._to_take(connection, lease, now):
                return []
        with self.database.writing() as connection:
            self._nodes.check(connection, lease)
            now = self.clock(connection)
            connection.execute(self._old(delete(WISHES), now))
            rows = self._to_take(connection, lease, now)
            mine = _columns.number.in_([row.number for row in rows])
            change = update(WISHES).filter_by(store=self.store).where(mine)
            connection.execute(change.values(state="doing", lease=lease.number))
        return [
            Wish(row.number, row.kind, row.target, "doing", row.wished_at, None, "") for row in rows
        ]

    def settle(self, lease: Lease, numbers: list[int], problem: str = "") -> None:
        """Say of wishes that were taken that they are done, or why they failed.

        Raises:
            LeaseLostError: when the lease is another one's: its holder does them again.
            StateError: when that cannot be written.
        """
        if not numbers:
            return
        with self.database.writing() as connection:
            self._nodes.check(connection, lease)
            state = "failed" if problem else "done"
            values = {"state": state, "problem": problem, "ended_at": self.clock(connection)}
            mine = update(WISHES).filter_by(store=self.store, lease=lease.number, state="doing")
            connection.execute(mine.where(_columns.number.in_(numbers)).values(**values))

    def _to_take(self, connection: Connection, lease: Lease, now: datetime) -> list[Any]:
        left = (_columns.state == "doing") & (_columns.lease != lease.number)
        question = select(WISHES).filter_by(store=self.store).order_by(_columns.number)
        question = question.where(or_(_columns.state == "open", left), _columns.expires_at > now)
        return list(connection.execute(question))

    def _one(self, connection: Connection, kind: Kind, target: str, now: datetime) -> Wish | None:
        question = select(WISHES, self._state(now).label("now")).filter_by(
            store=self.store, kind=kind, target=target
        )
        row = connection.execute(question).first()
        if row is None:
            return None
        return Wish(row.number, kind, target, row.now, row.wished_at, row.ended_at, row.problem)

    def _state(self, now: datetime) -> Any:
        """How a wish stands: one that a living process does cannot expire."""
        nodes = SYNC_NODES.c
        lives = (nodes.store == _columns.store) & (nodes.number == _columns.lease)
        alive = select(nodes.store).where(lives, nodes.expires_at > now).exists()
        is_over = (_columns.expires_at <= now) & (
            (_columns.state == "open") | ((_columns.state == "doing") & ~alive)
        )
        return case((is_over, "expired"), else_=_columns.state)

    def _old(self, statement: Any, now: datetime) -> Any:
        """A statement on the wishes that nobody needs to know of any more."""
        is_over = self._state(now).not_in(("open", "doing"))
        old = (_columns.wished_at <= now - REMEMBERED) & is_over
        return statement.where(_columns.store == self.store, old)

    def _tidy(self, connection: Connection, now: datetime) -> None:
        """Forget old ones, and refuse another one where too many are open."""
        connection.execute(self._old(delete(WISHES), now))
        is_open = self._state(now).in_(("open", "doing"))
        count = select(func.count()).select_from(WISHES).filter_by(store=self.store)
        if connection.execute(count.where(is_open)).scalar_one() >= MOST:
            raise TooManyWishesError(
                f"{MOST} wishes wait for the process that syncs already: try again in a minute."
            )

    def _next_number(self, connection: Connection, now: datetime) -> int:
        last = connection.execute(select(func.max(_columns.number))).scalar() or 0
        return max(int(last) + 1, int(now.timestamp() * 1_000_000))
