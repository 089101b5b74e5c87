"""Logins: since when one holds, for how long, and which of them were ended before that.

Streamlit's cookie is good wherever it is copied to. So logins that were ended are kept, by digests
that tell nobody whose they were, in a small file that outlives a restart.
"""

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final

from bridgeboard import private

AHEAD: Final = timedelta(minutes=5)
"""So far a provider's clock may be ahead of ours."""
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
    """

    key: str
    began_at: datetime

    @classmethod
    def of(cls, claims: Mapping[str, Any]) -> "Login":
        """The login that a provider's claims are of. Raises ClosedError if they say no time."""
        told = "\n".join(str(claims.get(name)) for name in ("iss", "sub", "iat", "nonce"))
        key = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
        try:
            began_at = datetime.fromtimestamp(float(claims.get("iat")), UTC)  # type: ignore[arg-type]  # it raises
        except (TypeError, ValueError, OverflowError, OSError):
            raise ClosedError("The login does not say when it began.") from None
        return cls(key, began_at)


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
        self._began: dict[str, datetime] = _read(path)

    def check(self, login: Login, *, hours: float, now: datetime) -> None:
        """Raise ClosedError unless a login holds, where each does for so many hours."""
        if login.began_at > now + AHEAD:
            raise ClosedError("The login says that it has not begun yet.")
        if login.key in self._began:
            raise ClosedError("You have logged out, perhaps in another window.")
        if now >= login.began_at + timedelta(hours=hours):
            raise ClosedError(f"Your login is over: here it lasts for {hours:g} h.")

    def end(self, login: Login, *, hours: float, now: datetime) -> bool:
        """End a login for good; whether it had not been ended before.

        Those that would be over by now anyway are let go of, so that they cannot pile up.
        """
        with self._lock:
            if login.key in self._began:
                return False
            since = now - timedelta(hours=hours)
            kept = {key: began_at for key, began_at in self._began.items() if began_at > since}
            self._began = {**kept, login.key: login.began_at}
            try:
                began = {key: began_at.timestamp() for key, began_at in self._began.items()}
                private.make_folder(self.path.parent)
                private.put(self.path, json.dumps(began))
            except OSError as error:
                log.warning(
                    "%s cannot be written (%s): a logout will be forgotten at the next start",
                    self.path,
                    error.strerror,
                )
        return True


_known: dict[Path, Ended] = {}
_knowing = Lock()


def ended(path: Path) -> Ended:
    """The ended logins of a file, the same for all who ask in this process."""
    with _knowing:
        if path not in _known:
            _known[path] = Ended(path)
        return _known[path]


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
