"""Where entries go beside the log: a file of JSON lines for a collector, or syslog (RFC 5424)."""

import os
import re
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, get_args
from urllib.parse import urlsplit

from bridgeboard.state.audit.entry import Entry, line
from bridgeboard.state.errors import AuditError

SECONDS: Final = 10.0
"""How long a collector may take to be reached, and to take what is sent."""
_PRIORITY: Final = 13 * 8 + 5
"""The facility "log audit" and the severity "notice"."""
_MODE: Final = 0o600
_APPENDING: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
_PORTS: Final = {"udp": 514, "tcp": 601, "tls": 6514}
Transport = Literal["udp", "tcp", "tls"]


class Target(Protocol):
    """Something that takes entries."""

    def send(self, entries: Sequence[Entry]) -> None:
        """Hand over entries in their order. Raises OSError when it cannot be said they arrived."""


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
