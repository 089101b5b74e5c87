"""Loopback ports that behave as badly as told, and certificates for them."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

GIVE_UP_SECONDS = 60
PATIENCE = 0.25
"""How long a client waits for an answer in all, in seconds."""

LOOPBACK = x509.IPAddress(ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("elsewhere.example")


def certificate(
    folder: Path, name: str, host: x509.GeneralName = LOOPBACK, until: int = 2999
) -> Path:
    """A file with a self-signed certificate and its key; valid from 2000 to the year ``until``."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    signed = (
        x509.CertificateBuilder(names, names, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(until, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / f"{name}.pem"
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path


class Visit:
    """One connection, as the server sees it."""

    def __init__(self, server: "Server", connection: socket.socket) -> None:
        self._server = server
        self._connection = connection
        self.done = server.done

    def hear(self) -> bytes:
        """What comes next; nothing once the other side has hung up."""
        heard = self._connection.recv(65_536)
        self._server.heard += heard
        return heard

    def say(self, data: bytes) -> None:
        self._connection.sendall(data)
        self._server.sent += len(data)

    def pour(self, data: bytes) -> None:
        """Say it for ever."""
        while not self.done.is_set():
            self.say(data)

    def drip(self, data: bytes) -> None:
        """Say it for ever, byte by byte, each well within any read timeout."""
        while not self.done.is_set():
            for at in range(len(data)):
                self.say(data[at : at + 1])
                self.done.wait(PATIENCE / 10)


Act = Callable[[Visit], object]


class Server:
    """A loopback port that treats its visitors as told, the last way for ever."""

    def __init__(self, *acts: Act, certificate: Path | None = None) -> None:
        self.heard = b""
        self.sent = 0
        self.visits = 0
        self.done = threading.Event()
        self._acts = acts
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if self._context:
            self._context.load_cert_chain(certificate)
        self._port = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._serve)]
        self._open: list[socket.socket] = []
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._port.getsockname()[1]}"

    def _serve(self) -> None:
        with suppress(OSError):
            while not self.done.is_set():
                connection, _ = self._port.accept()
                act = self._acts[min(self.visits, len(self._acts) - 1)]
                self.visits += 1
                self._open.append(connection)
                thread = threading.Thread(target=self._treat, args=(connection, act))
                self._threads.append(thread)
                thread.start()

    def _treat(self, connection: socket.socket, act: Act) -> None:
        with suppress(OSError), ExitStack() as stack:
            stack.enter_context(connection)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
                stack.enter_context(connection)
            visit = Visit(self, connection)
            visit.hear()
            act(visit)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.done.set()
        for each in (self._port, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(GIVE_UP_SECONDS)
        self._port.close()


def says(data: bytes) -> Act:
    return lambda visit: visit.say(data)


def pours(head: bytes, data: bytes) -> Act:
    def act(visit: Visit) -> None:
        visit.say(head)
        visit.pour(data)

    return act


def drips(head: bytes, data: bytes) -> Act:
    def act(visit: Visit) -> None:
        visit.say(head)
        visit.drip(data)

    return act
