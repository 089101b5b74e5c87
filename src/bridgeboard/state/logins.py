"""Logins: since when one holds, for how long, and which of them were ended before that.

Streamlit's cookie is good wherever it is copied to. So logins that were ended are kept, by digests
that tell nobody whose they were, in a small file that outlives a restart. So is whose logins the
operator ended, and when: another process may write that, and it counts from the next look on.
"""

import hashlib
import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final

from bridgeboard import private_files

if sys.platform != "win32":
    import fcntl

AHEAD: Final = timedelta(minutes=5)
"""So far a provider's clock may be ahead of ours."""
LONGEST: Final = timedelta(days=30)
"""No login lasts longer, whatever is set."""
LARGEST: Final = 16_000_000
"""Bytes of a file of ended logins that is still read: far more than any company ends in a month."""
_DIGEST: Final = 64
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)

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
        told = "\n".join(str(claims.get(name)) for name in ("iss", "sub", "iat", "nonce"))
        key = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
        try:
            began_at = datetime.fromtimestamp(float(claims.get("iat")), UTC)  # type: ignore[arg-type]  # it raises
        except (TypeError, ValueError, OverflowError, OSError):
            raise ClosedError("The login does not say when it began.") from None
        return cls(key, began_at, frozenset(map(person, names)))


class Ended:
    """Logins that were ended before their time, in one file.

    What cannot be read is as if it were empty, and what cannot be written holds until the end of
    this process; the log says both.

    Args:
        path: the file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._seen = _version(path)
        self._began: dict[str, datetime] = _read(path)

    def check(self, login: Login, *, hours: float, now: datetime) -> None:
        """Raise ClosedError unless a login holds, where each does for so many hours."""
        if login.began_at > now + AHEAD:
            raise ClosedError("The login says that it has not begun yet.")
        with self._lock:
            ended = self._look()
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
        with self._lock, _alone(self.path.parent):
            if login.key in self._look():
                return False
            try:
                self._keep(login.key, login.began_at, now - timedelta(hours=hours))
            except OSError as error:
                log.warning(
                    "%s cannot be written (%s): a logout will be forgotten at the next start",
                    self.path,
                    error.strerror,
                )
        return True

    def end_all_of(self, name: str, *, now: datetime) -> None:
        """End every login that somebody has by now, by any of the names they are known by.

        Raises OSError when that cannot be written: then nothing has ended.
        """
        with self._lock, _alone(self.path.parent):
            self._look()
            self._keep(person(name), now, now - LONGEST)

    def _look(self) -> dict[str, datetime]:
        """All that was ended, with what other processes wrote since the last look."""
        if (version := _version(self.path)) != self._seen:
            self._seen = version
            self._began = {**self._began, **_read(self.path)}
        return self._began

    def _keep(self, key: str, at: datetime, since: datetime) -> None:
        """Remember one more, and let go of what lies so far back that it is over anyway."""
        kept = {each: began_at for each, began_at in self._began.items() if began_at > since}
        self._began = {**kept, key: at}
        began = {each: began_at.timestamp() for each, began_at in self._began.items()}
        private_files.make_folder(self.path.parent)
        private_files.put(self.path, json.dumps(began))


_known: dict[Path, Ended] = {}
_knowing = Lock()


def ended(path: Path) -> Ended:
    """The ended logins of a file, the same for all who ask in this process."""
    with _knowing:
        if path not in _known:
            _known[path] = Ended(path)
        return _known[path]


def person(name: str) -> str:
    """The digest of a name, in any case. No login has the same: those are of several lines."""
    return hashlib.sha256(name.strip().casefold().encode("utf-8", "surrogatepass")).hexdigest()


def _version(path: Path) -> tuple[int, ...]:
    """What is another once the file was written anew."""
    try:
        told = path.lstat()
    except OSError:
        return ()
    return told.st_ino, told.st_mtime_ns, told.st_size


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While no other process changes the file in that folder; not on Windows."""
    held = None
    with suppress(OSError):  # a folder that is not there yet has no file to change
        held = os.open(folder, os.O_RDONLY) if sys.platform != "win32" else None
    try:
        if held is not None and sys.platform != "win32":
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        if held is not None:
            os.close(held)


def _read(path: Path) -> dict[str, datetime]:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _NO_LINKS), "rb") as file:
            told = json.loads(file.read(LARGEST))
        return {_digest(key): datetime.fromtimestamp(at, UTC) for key, at in told.items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        reason = error.strerror
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        reason = "it is damaged"
    log.warning("%s cannot be read (%s): who logged out before may come in again", path, reason)
    return {}


def _digest(key: str) -> str:
    if len(key) != _DIGEST:
        raise ValueError(key)
    return key
