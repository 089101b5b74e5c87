"""The SDK on real sockets, against servers that mean no good: bounded, told, and got over."""

import gzip
import json
import socket
import ssl
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aibridge_wire import OLD, TOKEN, at_once, buildinfo, connected, session_row
from misbehaving_ports import (
    ELSEWHERE,
    GIVE_UP_SECONDS,
    PATIENCE,
    Act,
    Server,
    Visit,
    certificate,
    drips,
    pours,
    says,
)

from aibridge import (
    AIBridgeError,
    Client,
    InterruptedAnswerError,
    NameResolutionError,
    OversizedError,
    RedirectError,
    ServerError,
    TimedOutError,
    TLSError,
)

MOST = 1_000_000
BUFFERS = 32_000_000
"""More than the sockets of both sides hold, and less than what a server in earnest would send."""
GOOD = json.dumps(buildinfo()).encode()
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WHOLE = JSON + b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(GOOD), GOOD)
BLANKS = b" " * 65_536


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@contextmanager
def peak() -> Iterator[Callable[[], int]]:
    """The most bytes of Python's memory that were held at once since."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def refused(
    kind: str, act: Act, error: type[AIBridgeError], *, tries: int = 1, **options: Any
) -> tuple[AIBridgeError, Server]:
    """The error that a server's way brings; after it the same client is served well."""
    fair = says(WHOLE)
    with (
        Server(*[act] * tries, fair) as server,
        connected(kind, None, base_url=server.url, **{"max_bytes": MOST} | options) as client,
    ):
        with pytest.raises(error) as caught:
            client.buildinfo()
        assert type(caught.value) is error
        assert TOKEN not in str(caught.value)
        assert server.visits == tries
        assert served(client)
    return caught.value, server


def served(client: Any) -> bool:
    """Whether a client is served in the end; under load a short deadline may pass first."""
    for _ in range(20):
        with suppress(TimedOutError):
            return bool(client.buildinfo().deployment_id == "d-1")
    return False


# Too much.


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKS = JSON + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "act",
    [
        pours(CHUNKS, chunked(BLANKS)),
        pours(JSON + b"\r\n", BLANKS),
        pours(CHUNKS, chunked(b" " * 500)),
    ],
    ids=["chunks", "no length", "small chunks"],
)
def test_a_body_without_end_is_taken_to_the_limit_and_no_further(kind: str, act: Act) -> None:
    error, server = refused(kind, act, OversizedError)
    assert "1,000,000 bytes" in str(error)
    assert "smaller pages" in str(error)
    assert server.sent < BUFFERS


def test_of_a_body_that_is_announced_as_too_large_nothing_is_taken(kind: str) -> None:
    left = threading.Event()

    def act(visit: Visit) -> None:
        visit.say(JSON + b"Content-Length: 1000000000\r\n\r\n")
        if not visit.hear():
            left.set()

    refused(kind, act, OversizedError)
    assert left.wait(GIVE_UP_SECONDS), "the client hangs up unasked"


def bomb() -> tuple[bytes, bytes]:
    """The beginning of a packed body, and a kilobyte that may follow for ever, a million each."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    head = packer.compress(b"[") + packer.flush(zlib.Z_FULL_FLUSH)
    return head, packer.compress(b" " * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH)


PACKED = JSON + b"Content-Encoding: gzip\r\n\r\n"
NOTHING = b"\0\0\0\xff\xff"  # an empty block of deflate


@pytest.mark.parametrize(
    ("head", "data"),
    [
        (PACKED + bomb()[0], bomb()[1] * 64),
        (PACKED + gzip.compress(GOOD), BLANKS),
        (PACKED + bomb()[0], NOTHING * 10_000),
    ],
    ids=["bomb", "more after the end", "packed nothing"],
)
def test_a_packed_body_never_takes_more_memory_than_the_limit(
    kind: str, head: bytes, data: bytes
) -> None:
    with peak() as most:
        _, server = refused(kind, pours(head, data), OversizedError)
        assert most() < 12 * MOST
    assert server.sent < BUFFERS


def test_what_follows_the_end_of_a_packed_body_is_not_waited_for(kind: str) -> None:
    with (
        Server(pours(PACKED + gzip.compress(GOOD), BLANKS)) as server,
        connected(kind, None, base_url=server.url, max_bytes=10**9) as client,
    ):
        assert client.buildinfo().deployment_id == "d-1"
    assert server.sent < BUFFERS


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (b"503 Service Unavailable", ServerError),
        (b"302 Found\r\nLocation: /login", RedirectError),
    ],
)
def test_of_any_other_answer_only_the_beginning_is_taken(
    kind: str, status: bytes, error: type[AIBridgeError]
) -> None:
    head = b"HTTP/1.1 " + status + b"\r\n\r\n"
    _, server = refused(kind, pours(head, BLANKS), error, max_bytes=10**9)
    assert server.sent < BUFFERS


def test_a_head_without_end_is_no_answer(kind: str) -> None:
    act = pours(JSON, b"X-More: and more\r\n" * 100)
    _, server = refused(kind, act, InterruptedAnswerError, tries=3, retry=at_once(2))
    assert server.sent < BUFFERS


# Too slow.

SLOW = {
    "head": drips(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"z"),
    "body": drips(JSON + b"\r\n", b" "),
    "chunks": drips(CHUNKS, chunked(b" ")),
    "size of a chunk": drips(CHUNKS + b"1;", b"z"),
    "interim answers": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "packed nothing": drips(PACKED + bomb()[0], NOTHING),
    "a flood of interim answers": pours(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99),
}


@pytest.mark.parametrize("act", SLOW.values(), ids=SLOW)
def test_what_comes_for_ever_is_left_at_the_deadline(kind: str, act: Act) -> None:
    error, _ = refused(kind, act, TimedOutError, deadline=PATIENCE, retry=at_once(3))
    assert f"{PATIENCE} seconds" in str(error)
    assert error.__context__ is None, "what httpx tells holds the request and its token"


def test_a_proxy_that_never_comes_to_the_point_is_left_at_the_deadline(kind: str) -> None:
    with (
        Server(drips(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"z")) as proxy,
        connected(kind, None, proxy=proxy.url, deadline=PATIENCE) as client,
        pytest.raises(TimedOutError),
    ):
        client.buildinfo()
    assert proxy.heard.startswith(b"CONNECT ")
    assert TOKEN.encode() not in proxy.heard


def test_each_thread_has_a_deadline_of_its_own() -> None:
    """What one thread waits for does not shorten what another one may wait."""
    asked = threading.Event()
    outcome: list[object] = []

    def slowly(visit: Visit) -> None:
        asked.set()
        visit.drip(b"HTTP/1.1 100 Continue\r\n\r\n")

    def ask(client: Client) -> None:
        try:
            client.buildinfo()
        except TimedOutError as error:
            outcome.append(error)

    with (
        Server(slowly, says(WHOLE)) as server,
        connected("sync", None, base_url=server.url, deadline=PATIENCE) as client,
    ):
        thread = threading.Thread(target=ask, args=(client,))
        thread.start()
        assert asked.wait(GIVE_UP_SECONDS)
        assert client.buildinfo().deployment_id == "d-1"
        thread.join(GIVE_UP_SECONDS)
    assert len(outcome) == 1


# Somebody else.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_is_never_carried_to_where_a_redirect_leads(kind: str, status: int) -> None:
    with Server(says(WHOLE)) as thief:
        head = (
            f"HTTP/1.1 {status} Moved\r\nLocation: {thief.url}/steal\r\nContent-Length: 0\r\n\r\n"
        )
        error, _ = refused(kind, says(head.encode()), RedirectError, retry=at_once(3))
    assert thief.visits == 0
    assert f"set its address to {thief.url}" in str(error)


def test_a_redirect_in_the_middle_of_a_walk_ends_it(kind: str) -> None:
    page = json.dumps({"count": 9, "sessions": [session_row(f"s{n}") for n in range(2)]}).encode()
    length = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(page)
    with Server(says(WHOLE)) as thief:
        away = f"HTTP/1.1 307 Moved\r\nLocation: {thief.url}/\r\n\r\n".encode()
        with (
            Server(says(JSON + length + page), says(away)) as server,
            connected(kind, None, base_url=server.url, prefix=OLD) as client,
            pytest.raises(RedirectError),
        ):
            list(client.sessions(page_size=2))
    assert thief.visits == 0


@pytest.mark.parametrize("fault", ["self-signed", "expired", "127.0.0.1"])
def test_a_wrong_certificate_is_told_and_hears_no_token(
    kind: str, fault: str, tmp_path: Path
) -> None:
    other = certificate(tmp_path, "other")
    shown, trusted = {
        "self-signed": (certificate(tmp_path, "ours"), other),
        "expired": (late := certificate(tmp_path, "late", until=2001), late),
        "127.0.0.1": (far := certificate(tmp_path, "far", host=ELSEWHERE), far),
    }[fault]
    context = ssl.create_default_context(cafile=trusted)
    with (
        Server(says(WHOLE), certificate=shown) as server,
        connected(kind, None, base_url=server.url, verify=context) as client,
        pytest.raises(TLSError, match="SSL_CERT_FILE") as caught,
    ):
        client.buildinfo()
    assert fault in str(caught.value)
    assert server.heard == b""


def test_a_private_authority_that_is_named_is_trusted(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = certificate(tmp_path, "ours")
    monkeypatch.setenv("SSL_CERT_FILE", str(ours))
    with (
        Server(says(WHOLE), certificate=ours) as server,
        connected(kind, None, base_url=server.url) as client,
    ):
        assert client.buildinfo().deployment_id == "d-1"
    assert TOKEN.encode() in server.heard


def test_a_name_that_is_unknown_for_a_while_is_told_and_found_later(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_asked: object, **_options: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with (
        Server(says(WHOLE)) as server,
        connected(kind, None, base_url=server.url.replace("127.0.0.1", "localhost")) as client,
    ):
        with monkeypatch.context() as patched:
            patched.setattr(socket, "getaddrinfo", unknown)
            with pytest.raises(NameResolutionError, match="DNS"):
                client.buildinfo()
        assert client.buildinfo().deployment_id == "d-1"
