"""Entries handed on to a file or a syslog server, once they are in the log, until it took them.

The state database says how far that has come, and what is wrong. What a target took just before a
crash may be handed on twice: an entry's number and digest tell.
"""

import os
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from sqlalchemy import insert, select

from bridgeboard.state.audit.entry import Entry, line
from bridgeboard.state.audit.log import Audit
from bridgeboard.state.database import Database
from bridgeboard.state.errors import AuditError, StateError
from bridgeboard.state.schema import FORWARDED

EVERY_SECONDS: Final = 5.0
"""How often somebody looks for new entries."""
AT_ONCE: Final = 500
"""Entries that are handed over together."""
SECONDS: Final = 10.0
"""How long a collector may take to be reached, and to take what is sent."""
_PRIORITY: Final = 13 * 8 + 5
"""The facility "log audit" and the severity "notice"."""
_MODE: Final = 0o600
_APPENDING: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
_PORTS: Final = {"udp": 514, "tcp": 601, "tls": 6514}
Transport = Literal["udp", "tcp", "tls"]


@dataclass(frozen=True)
class File:
    """A file that grows by a JSON line per entry, each as it stands in the log.

    It is opened anew every time, so that whoever rotates it only has to rename it. A file that is
    there keeps its permissions: a collector may have an account of its own.
    """

    path: Path

    def send(self, entries: Sequence[Entry]) -> None:
        """Append entries, all of them or none."""
        file = os.open(self.path, _APPENDING, _MODE)
        try:
            size = os.fstat(file).st_size
            is_torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
            text = b"\n" * is_torn + b"".join(map(line, entries))
            try:
                if os.write(file, text) != len(text):
                    raise OSError(28, os.strerror(28))  # noqa: TRY301 - undone like any other error
                os.fsync(file)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(file, size)
                raise
        finally:
            os.close(file)


@dataclass(frozen=True)
class Syslog:
    """A syslog server: datagrams, or a connection, with each message's length before it.

    The connection is closed after every delivery, and the server has to close its side: a server
    that went away without taking what was sent would otherwise not be noticed.
    """

    transport: Transport
    host: str
    port: int

    def send(self, entries: Sequence[Entry]) -> None:
        """Send entries as one message each."""
        messages = [self._message(entry) for entry in entries]
        if self.transport == "udp":
            self._send_datagrams(messages)
            return
        with socket.create_connection((self.host, self.port), SECONDS) as plain:
            if self.transport == "tcp":
                _deliver(plain, messages)
                plain.shutdown(socket.SHUT_WR)
                _wait_for_the_end(plain)
                return
            context = ssl.create_default_context()
            with context.wrap_socket(plain, server_hostname=self.host) as secured:
                _deliver(secured, messages)
                secured.unwrap().close()

    def _send_datagrams(self, messages: Sequence[bytes]) -> None:
        family, _, _, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[
            0
        ]
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.settimeout(SECONDS)
            sender.connect(address)
            for message in messages:
                sender.send(message)

    def _message(self, entry: Entry) -> bytes:
        at = f"{entry.at:%Y-%m-%dT%H:%M:%S}.{entry.at.microsecond // 1000:03d}Z"
        host = re.sub(r"[^!-~]", "", socket.gethostname())[:255] or "-"
        head = f"<{_PRIORITY}>1 {at} {host} bridgeboard - audit - "
        return head.encode("ascii") + line(entry).removesuffix(b"\n")


Target = File | Syslog
"""What takes entries, all in their order; an OSError says that they may not have arrived."""


def target(text: str) -> Target:
    """The target that a setting names. Raises AuditError for one that is none."""
    scheme, separator, _ = text.partition("://")
    if not separator:
        path = Path(text).expanduser()
        if not path.is_absolute():
            raise AuditError(f"audit_target {text!r} is no address and no absolute path of a file.")
        return File(path)
    kind = scheme.removeprefix("syslog+")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    is_bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if kind == scheme or kind not in get_args(Transport) or not parts.hostname or not is_bare:
        raise AuditError(
            f"audit_target {text!r} is no target. Name a file, or syslog+udp://HOST:PORT,"
            " syslog+tcp://HOST:PORT or syslog+tls://HOST:PORT."
        )
    transport: Transport = kind  # type: ignore[assignment]  # one of them, as checked
    return Syslog(transport, parts.hostname, port or _PORTS[kind])


def _deliver(connection: socket.socket, messages: Sequence[bytes]) -> None:
    connection.sendall(b"".join(b"%d %b" % (len(message), message) for message in messages))


def _wait_for_the_end(connection: socket.socket) -> None:
    """Return when the other side has closed. Raises OSError when it breaks off or does not."""
    while connection.recv(4_096):
        pass


@dataclass(frozen=True)
class Progress:
    """How far a target has come.

    Attributes:
        target: which one; each has a progress of its own.
        number: of the last entry it took; 0 if none.
        digest: of that entry.
        problem: why it does not take more; empty if it does.
        failing_since: since when, as an ISO time; empty likewise.
    """

    target: str = ""
    number: int = 0
    digest: str = ""
    problem: str = ""
    failing_since: str = ""

    @property
    def explained(self) -> str:
        """What keeps the target from taking entries, since when, and what becomes of them."""
        return (
            f"{self.target} has not taken entries of the audit log since {self.failing_since}"
            f" ({self.problem}). Nothing is lost: they are in the log, and handed on once it does."
            f" The last one that it took is entry {self.number}."
        )


def progress(database: Database, name: str) -> Progress:
    """How far the target of this name has come. Raises StateError."""
    with database.reading() as connection:
        row = connection.execute(select(FORWARDED).where(FORWARDED.c.target == name)).first()
    return Progress(*row) if row else Progress(name)


def forward(log: Audit, name: str, target: Target, now: datetime) -> Progress:
    """Hand on all entries that a target has not taken yet; how far it has come.

    Of several processes and dashboards one does it at a time, and the others do nothing. Nothing
    here raises, but for mistakes of ours.
    """
    done = Progress(name)
    try:
        done = progress(log.database, name)
        with log.database.lock("audit") as is_ours:
            if not is_ours:
                return done
            done = progress(log.database, name)
            for entries in _batches(log.since(done.number, done.digest)):
                target.send(entries)
                last = entries[-1]
                done = Progress(name, last.number, last.digest)
                _keep(log.database, done)
            if done.problem:
                done = Progress(name, done.number, done.digest)
                _keep(log.database, done)
    except (OSError, UnicodeError, StateError) as error:
        since = done.failing_since or now.isoformat()
        done = replace(done, problem=str(error), failing_since=since)
        with suppress(StateError):  # the page that asks how far it is meets the same
            _keep(log.database, done)
    return done


class Forwarder:
    """Hands on new entries from a thread of its own until it is stopped."""

    def __init__(
        self, log: Audit, name: str, target: Target, clock: Callable[[], datetime]
    ) -> None:
        self._log, self._name, self._target, self._clock = log, name, target, clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bridgeboard-audit", daemon=True)

    def start(self) -> None:
        """Begin with what is missing."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and hand on what was noted last, unless a target keeps it waiting."""
        self._stopping.set()
        self._thread.join(EVERY_SECONDS)

    def _run(self) -> None:
        while True:
            is_last = self._stopping.is_set()
            forward(self._log, self._name, self._target, self._clock())
            if is_last:
                return
            self._stopping.wait(EVERY_SECONDS)


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _keep(database: Database, done: Progress) -> None:
    """Remember it; what cannot be remembered is handed on again. Raises StateError."""
    with database.writing() as connection:
        connection.execute(FORWARDED.delete().where(FORWARDED.c.target == done.target))
        connection.execute(insert(FORWARDED).values(asdict(done)))
