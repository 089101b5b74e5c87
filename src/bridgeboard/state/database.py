"""The database of what readers and operators leave behind: SQLite, or PostgreSQL for several.

SQLite lies in the data folder. Dashboards that share their views, notes, logins and audit log name
one PostgreSQL instead (``state_url``). Whoever writes is alone, over all threads, processes and
dashboards, so that what is read in a transaction that writes stays so until its end.
"""

import os
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Final

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, InvalidatePoolError, SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from bridgeboard import private_files
from bridgeboard.state import schema
from bridgeboard.state.errors import StateError, explained

if sys.platform != "win32":
    import fcntl

FILE: Final = "state.sqlite"
WAITING_SECONDS: Final = 5.0
"""How long one waits for another who writes, for a connection, and for an answer."""
STUCK_SECONDS: Final = 60.0
"""How long a dashboard that is stuck in the middle of writing may keep others from it."""
PAUSE_SECONDS: Final = 5.0
"""For so long a PostgreSQL that did not answer is not asked again: pages would wait for it."""
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0)
_LOCKING: Final = os.O_RDWR | os.O_CREAT | _NO_LINKS


class Database:
    """One state database, from any number of threads.

    A SQLite file that is not there yet is read as an empty one, and made by the first who writes.

    Args:
        folder: the data folder, where SQLite lies, and what earlier versions left.
        url: of a PostgreSQL that several dashboards share; empty is SQLite.
    """

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder = folder
        self.path = None if url else folder / FILE
        self._url = _address(url) if url else URL.create("sqlite", database=str(folder / FILE))
        self._ready: tuple[int, ...] | None = None
        self._preparing = Lock()
        self._silent_until, self._last_reason = 0.0, ""

    @property
    def name(self) -> str:
        """What messages call it: its file, or its host without user and password."""
        return str(self.path or f"PostgreSQL at {self._url.host or 'this machine'}")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read with; all of it sees one state of SQLite. Raises StateError."""
        with self._explained("read"):
            engine = self._engine if self._is_there() else _empty()
            if engine is self._engine:
                self._prepare("read")
            with engine.connect() as connection:
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction of the only one who writes; undone if the block raises.

        Raises:
            StateError: when it cannot be written.
        """
        with self._explained("written"):
            if self.path and not self._is_there():
                with self._explained("made", OSError):
                    _make(self.path)
                self._ready = None
            self._prepare("written")
            with self._alone() as connection:
                yield connection

    @contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Whether one is the only one, of all processes and dashboards, to do what a name says.

        Nobody waits, and others may write meanwhile. Raises StateError.
        """
        with self._explained("used"):
            if self.path:
                with self._explained("used", OSError):
                    private_files.make_folder(self.folder)
                    file = os.open(self.folder / f"{name}.lock", _LOCKING, 0o600)
                try:
                    yield _is_locked(file)
                finally:
                    os.close(file)
                return
            key = {"key": int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)}
            # Between transactions, so that a long delivery keeps none open.
            options = {"isolation_level": "AUTOCOMMIT"}
            with self._engine.connect().execution_options(**options) as connection:
                is_ours = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key))
                try:
                    yield is_ours
                finally:
                    if is_ours:
                        connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)

    def scrub(self) -> None:
        """Leave nothing of what was deleted in the database's bytes. Raises StateError."""
        with self._explained("rewritten"), self._explained("rewritten", sqlite3.Error):
            if not self._is_there():
                return
            with self._engine.connect() as connection:
                if self.path is None:
                    connection.execution_options(isolation_level="AUTOCOMMIT")
                    connection.execute(text("VACUUM FULL saved_views, notes, alerts, login_groups"))
                else:  # on the bare connection, as it may not stand in a transaction
                    plain: Any = connection.connection.driver_connection
                    plain.execute("VACUUM")
                    ((is_busy, *_),) = plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    if is_busy:
                        advice = "Try again, or end the process that reads it."
                        raise StateError(
                            self._message("rewritten", "another process reads it", advice)
                        )

    def close(self) -> None:
        """Let go of all connections; the next use makes new ones."""
        self._engine.dispose()
        # Without a connection to the file, the one that replaces it may get its inode.
        self._ready = None

    @cached_property
    def _engine(self) -> Engine:
        try:
            if self.path is None:
                return sqlalchemy.create_engine(
                    self._url,
                    pool_pre_ping=True,
                    pool_timeout=WAITING_SECONDS,
                    connect_args=_postgres_options(),
                    hide_parameters=True,
                )
        except ModuleNotFoundError:
            raise StateError(
                "state_url names a PostgreSQL, which needs a package that is not installed."
                ' Run: pip install "bridgeboard[postgres]"'
            ) from None
        return _sqlite(self._url, Path(self.path))

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """A transaction during which nobody else has one like it."""
        if self.path:
            with self._engine.execution_options(immediate=True).begin() as connection:
                yield connection
            return
        with self._engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(7305808871465447265)"))
            yield connection

    def _prepare(self, done: str) -> None:
        """Make or change tables, once in a process for each file. Raises StateError."""
        # Explained inside: who waited here for one that got no answer does not ask again.
        with self._preparing, self._explained(done):
            identity = _identity(self.path)
            if identity == self._ready:
                return
            with self._engine.connect() as connection:
                is_current = schema.version(connection) == len(schema.MIGRATIONS)
            if not is_current:
                with self._alone() as connection:
                    schema.migrate(connection)
            self._ready = identity

    def _is_there(self) -> bool:
        """Whether there is a database. Raises StateError if others may look into its file."""
        if self.path is None:
            return True
        try:
            mode = self.path.lstat().st_mode
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(mode):
            raise StateError(f"{self.path} is no file: move it away.")
        if os.name != "nt" and mode & _OTHERS:
            raise StateError(f"Others may read or change {self.path}. Run: chmod 600 {self.path}")
        return True

    @contextmanager
    def _explained(
        self,
        done: str,
        kind: type[SQLAlchemyError | OSError | sqlite3.Error] = SQLAlchemyError,
    ) -> Iterator[None]:
        """Errors of the database as one that says what to do; never with a password."""
        if monotonic() < self._silent_until:
            reason = f"it did not answer a moment ago ({self._last_reason})"
            raise StateError(self._message(done, reason, ""))
        try:
            yield
        except kind as error:
            reason, advice, is_away = explained(error)
            if self.path is None and is_away:
                self._silent_until = monotonic() + PAUSE_SECONDS
            password = self._url.password
            reason = reason.replace(password, "…") if password else reason
            self._last_reason = reason
            raise StateError(self._message(done, reason, advice)) from error

    def _message(self, done: str, reason: str, advice: str) -> str:
        return f"{self.name} cannot be {done}: {reason}. {advice}".strip()


_opened: dict[tuple[Path, str], Database] = {}
_opening = Lock()


def opened(folder: Path, url: str = "") -> Database:
    """The database of a data folder or of an address, the same for all who ask in this process."""
    with _opening:
        if (folder, url) not in _opened:
            _opened[folder, url] = Database(folder, url)
        return _opened[folder, url]


def _address(url: str) -> URL:
    """The address of a PostgreSQL, with the driver that is used. Raises StateError."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        address = None
    is_ours = address is not None and address.get_backend_name() in {"postgresql", "postgres"}
    if address is None or not is_ours or "@" in (address.host or ""):
        raise StateError(
            "state_url is no address of a PostgreSQL: postgresql://HOST/DATABASE, with other"
            " characters than letters and digits of the password as %XX"
        )
    return address.set(drivername="postgresql+psycopg")


def _sqlite(url: URL, path: Path) -> Engine:
    engine = sqlalchemy.create_engine(
        url, pool_timeout=WAITING_SECONDS, max_overflow=50, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions begin below, and not when Python likes
        for pragma in _pragmas():
            connection.execute(f"PRAGMA {pragma}")
        record.info["identity"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def _taken(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info.get("identity") != _identity(path):
            raise InvalidatePoolError  # another file stands there now, and is opened anew

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _pragmas() -> tuple[str, ...]:
    return (
        f"busy_timeout = {int(WAITING_SECONDS * 1000)}",
        "journal_mode = WAL",
        "synchronous = FULL",  # an entry of the audit log is on the disk when its writing returns
        "secure_delete = ON",  # who is erased is in no byte of it
        "trusted_schema = OFF",
    )


def _postgres_options() -> dict[str, Any]:
    milliseconds = int(WAITING_SECONDS * 1000)
    limits = {"statement_timeout": milliseconds, "lock_timeout": milliseconds}
    limits["idle_in_transaction_session_timeout"] = int(STUCK_SECONDS * 1000)
    return {
        "connect_timeout": 3,
        "tcp_user_timeout": milliseconds,
        "application_name": "bridgeboard",
        "options": " ".join(f"-c {name}={limit}" for name, limit in limits.items()),
    }


@cache
def _empty() -> Engine:
    """A database that holds nothing; each connection has one of its own, in memory."""
    template = sqlalchemy.create_engine("sqlite://", poolclass=StaticPool)
    with template.begin() as connection:
        schema.migrate(connection)
        plain: Any = connection.connection.driver_connection
    content = plain.serialize()
    template.dispose()

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.deserialize(content)
        return connection

    return sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _make(path: Path) -> None:
    """An empty file for this account only. Raises OSError."""
    private_files.make_folder(path.parent)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o600))
    except FileExistsError:
        return  # another process was faster


def _identity(path: Path | None) -> tuple[int, ...]:
    """What is another where another file stands in a file's place."""
    if path is None:
        return ()
    try:
        status = path.stat()
    except FileNotFoundError:
        return ()
    return status.st_dev, status.st_ino


def _is_locked(file: int) -> bool:
    """Lock an open file unless another process or thread has; always so on Windows."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
