"""Logins: since when one holds, for how long, and which of them were ended before that.

Streamlit's cookie is good wherever it is copied to. So logins that were ended are kept, by digests
that tell nobody whose they were. So is whose logins the operator ended, and when. Other processes
and dashboards write there, too, and what they write counts a second later at most.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from threading import Lock
from time import monotonic
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from bridgeboard.state import former_files
from bridgeboard.state.database import Database
from bridgeboard.state.errors import StateError
from bridgeboard.state.schema import ENDED_LOGINS

AHEAD: Final = timedelta(minutes=5)
"""So far a provider's clock may be ahead of ours."""
LONGEST: Final = timedelta(days=30)
"""No login lasts longer, whatever is set."""
KEPT_SECONDS: Final = 1.0
"""How long it is known without a question what others have ended: a page asks many times."""
FORMER_FILE: Final = "logouts.json"
"""Where earlier versions kept them, in the data folder."""
_LARGEST: Final = 16_000_000
_MOST_KEPT: Final = 1_000
_DIGEST: Final = 64

log = logging.getLogger(__name__)


class ClosedError(Exception):
    """Nobody is logged in, or not any more; the message says which."""


@dataclass(frozen=True)
class Login:
    """One login of somebody: in all tabs, and in every copy of its cookie.

    Attributes:
        key: a digest that only this login has.
        began_at: when somebody came in, as the provider tells it.
        people: digests of all that its person is called.
    """

    key: str
    began_at: datetime
    people: frozenset[str] = frozenset()

    @classmethod
    def of(cls, claims: Mapping[str, Any], names: Iterable[str] = ()) -> "Login":
        """The login that a provider's claims are of. Raises ClosedError if they say no time.

        Args:
            claims: what the provider says.
            names: all that the person is called.
        """
        identity = "\n".join(str(claims.get(name)) for name in ("iss", "sub", "iat", "nonce"))
        key = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
        try:
            began_at = datetime.fromtimestamp(float(claims.get("iat")), UTC)  # type: ignore[arg-type]  # it raises
        except (TypeError, ValueError, OverflowError, OSError):
            raise ClosedError("The login does not say when it began.") from None
        return cls(key, began_at, frozenset(map(person, names)))


class Ended:
    """Logins that were ended before their time.

    Where the database cannot be read, what this process has seen of it counts, and what cannot be
    written holds until the end of this process; the log says both.

    Args:
        database: where they are.
        clock: seconds that pass, from any beginning.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = Lock()
        self._known: dict[str, datetime] = {}
        self._looked_at: dict[frozenset[str], float] = {}
        self._warning = ""

    def check(self, login: Login, *, hours: float, now: datetime) -> None:
        """Raise ClosedError unless a login holds, where each does for so many hours."""
        if login.began_at > now + AHEAD:
            raise ClosedError("The login says that it has not begun yet.")
        ended = self._recent({login.key, *login.people})
        if login.key in ended:
            raise ClosedError("You have logged out, perhaps in another window.")
        if any(login.began_at <= ended[each] for each in login.people & ended.keys()):
            raise ClosedError("The operator of this dashboard ended your login.")
        if now >= login.began_at + timedelta(hours=hours):
            raise ClosedError(f"Your login is over: here it lasts for {hours:g} h.")

    def end(self, login: Login, *, hours: float, now: datetime) -> bool:
        """End a login for good; whether it had not been ended before.

        Those that would be over by now anyway are let go of, so that they cannot pile up.
        """
        with self._lock:
            if login.key in self._look({login.key}):
                return False
            try:
                return self._put(login.key, login.began_at, now - timedelta(hours=hours))
            except StateError as error:
                log.warning("A logout will be forgotten at the next start. %s", error)
            self._known[login.key] = login.began_at
        return True

    def end_all_of(self, name: str, *, now: datetime) -> None:
        """End every login that somebody has by now, by any of the names they are known by.

        Raises StateError when that cannot be written: then nothing has ended.
        """
        with self._lock:
            self._take_over()
            self._put(person(name), now, now - LONGEST)

    def _recent(self, keys: set[str]) -> dict[str, datetime]:
        """The same as ``_look``, as it was a second ago at most."""
        asked, now = frozenset(keys), self._clock()
        looked_at = self._looked_at.get(asked)
        if looked_at is not None and now - looked_at < KEPT_SECONDS:
            return {key: self._known[key] for key in asked & self._known.keys()}
        ended = self._look(keys)
        if len(self._looked_at) >= _MOST_KEPT:
            self._looked_at = {}
        # By the time before the question: what was written after it may not be in the answer.
        self._looked_at[asked] = now
        return ended

    def _look(self, keys: set[str]) -> dict[str, datetime]:
        """Those of the keys that were ended, and when."""
        self._take_over()
        ended = select(ENDED_LOGINS).where(ENDED_LOGINS.c.digest.in_(keys))
        try:
            with self._database.reading() as connection:
                self._known |= {row.digest: row.began_at for row in connection.execute(ended)}
        except StateError as error:
            self._warn(f"{error} Who logged out before may come in again.")
        return {key: self._known[key] for key in keys & self._known.keys()}

    def _put(self, key: str, began_at: datetime, since: datetime) -> bool:
        """Remember one more, and let go of what lies so far back; whether it was not known."""
        column = ENDED_LOGINS.c
        with self._database.writing() as connection:
            connection.execute(delete(ENDED_LOGINS).where(column.began_at <= since))
            known = connection.execute(delete(ENDED_LOGINS).where(column.digest == key)).rowcount
            connection.execute(insert(ENDED_LOGINS).values(digest=key, began_at=began_at))
        self._known[key] = began_at
        return not known

    def _take_over(self) -> None:
        """Put what is in the file of an earlier version into the database."""
        path = self._database.folder / FORMER_FILE
        try:
            former_files.take_over(self._database, path, _put_file)
        except StateError as error:
            self._warn(f"{path} cannot be taken over: who logged out may come in again. {error}")

    def _warn(self, warning: str) -> None:
        """Log what is wrong, once and not for every request."""
        if warning != self._warning:
            log.warning("%s", warning)
        self._warning = warning


_known: dict[Database, Ended] = {}
_knowing = Lock()


def ended(database: Database) -> Ended:
    """The ended logins of a database, the same for all who ask in this process."""
    with _knowing:
        return _known.setdefault(database, Ended(database))


def person(name: str) -> str:
    """The digest of a name, in any case. No login has the same: those are of several lines."""
    return hashlib.sha256(name.strip().casefold().encode("utf-8", "surrogatepass")).hexdigest()


def _put_file(connection: Connection, file: BufferedReader) -> str:
    """Put the logins of a file there, but for those that are there already."""
    try:
        content = json.loads(file.read(_LARGEST))
        ended = {_digest(key): datetime.fromtimestamp(at, UTC) for key, at in content.items()}
    except (ValueError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        raise StateError("It is damaged: mend it, or move it away.") from None
    known = set(connection.execute(select(ENDED_LOGINS.c.digest)).scalars())
    rows = [{"digest": key, "began_at": at} for key, at in ended.items() if key not in known]
    if rows:
        connection.execute(insert(ENDED_LOGINS), rows)
    return f"{len(ended)} logins that were ended"


def _digest(key: str) -> str:
    if len(key) != _DIGEST:
        raise ValueError(key)
    return key
