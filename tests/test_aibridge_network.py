import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import httpx
import pytest
from aibridge_wire import TOKEN, at_once, buildinfo, connected

from aibridge import (
    Client,
    ClosedError,
    ConfigurationError,
    InterruptedAnswerError,
    ProxyFailedError,
    RefusedError,
    TimedOutError,
    TLSError,
)

GOOD = json.dumps(buildinfo()).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WHOLE = HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(GOOD), GOOD)
KEPT_OPEN = WHOLE.replace(b"Connection: close\r\n", b"")
CUT = HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(GOOD), GOOD[:-9])
CUT_CHUNK = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s" % (len(GOOD), GOOD[:-9])


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Port:
    """A loopback port that answers its connections with the given bytes, one after the other.

    None is no answer: the connection stays open until the other side ends it.
    """

    def __init__(self, *answers: bytes | None) -> None:
        self.heard: list[str] = []
        self.has_heard = threading.Event()
        self._answers = answers
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        for said in self._answers:
            connection, _ = self._socket.accept()
            with connection:
                self.heard.append(connection.recv(65536).decode("latin-1"))
                self.has_heard.set()
                if said is None:
                    connection.settimeout(30)
                    connection.recv(1)
                else:
                    connection.sendall(said)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._thread.join()
        self._socket.close()


@pytest.mark.parametrize("broken", [CUT, CUT_CHUNK, b"", b"HTTP/1.1 2", b"nonsense\r\n\r\n"])
def test_an_answer_that_breaks_off_is_asked_for_again(kind: str, broken: bytes) -> None:
    with (
        Port(broken, broken, WHOLE) as port,
        connected(kind, None, base_url=port.url, retry=at_once(3)) as client,
    ):
        assert client.buildinfo().deployment_id == "d-1"
    assert len(port.heard) == 3


def test_an_answer_that_always_breaks_off_is_an_error(kind: str) -> None:
    with (
        Port(CUT, CUT) as port,
        connected(kind, None, base_url=port.url, retry=at_once(1)) as client,
        pytest.raises(InterruptedAnswerError),
    ):
        client.buildinfo()


def test_a_port_where_nobody_listens_is_called_so(kind: str) -> None:
    with Port() as port:
        url = port.url
    with (
        connected(kind, None, base_url=url) as client,
        pytest.raises(RefusedError, match="running") as caught,
    ):
        client.buildinfo()
    assert isinstance(caught.value.__cause__, OSError)


def test_plain_http_where_tls_was_expected_is_called_so(kind: str) -> None:
    with (
        Port(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port,
        connected(kind, None, base_url=port.url.replace("http:", "https:")) as client,
        pytest.raises(TLSError, match="http://"),
    ):
        client.buildinfo()


def test_a_server_that_says_nothing_is_left_after_the_timeout(kind: str) -> None:
    with (
        Port(None) as port,
        connected(kind, None, base_url=port.url, timeout=0.05) as client,
        pytest.raises(TimedOutError),
    ):
        client.buildinfo()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(
    kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Port(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as port:
        monkeypatch.setenv(name, port.url)
        with (
            connected(kind, None, base_url="https://coder.test") as client,
            pytest.raises(ProxyFailedError, match="HTTPS_PROXY"),
        ):
            client.buildinfo()
    assert port.heard[0].startswith("CONNECT coder.test:443 ")
    assert TOKEN not in port.heard[0]


def test_a_proxy_for_plain_http_is_used_and_its_answers_are_retried(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Port(CUT, WHOLE) as port:
        monkeypatch.setenv("HTTP_PROXY", port.url)
        with connected(kind, None, base_url="http://coder.test", retry=at_once(1)) as client:
            client.buildinfo()
    assert port.heard[1].startswith("GET http://coder.test/api/v2/buildinfo ")


def test_no_proxy_is_honoured(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Port(WHOLE) as port, connected(kind, None, base_url=port.url) as client:
        client.buildinfo()


def test_a_given_proxy_goes_before_the_environments(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with (
        Port(WHOLE) as port,
        connected(kind, None, base_url="http://coder.test", proxy=port.url) as client,
    ):
        client.buildinfo()
    assert len(port.heard) == 1


def test_a_certificate_file_that_is_missing_is_a_matter_of_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        Client("https://coder.example.com", TOKEN)


def test_no_certificates_are_read_for_a_transport_that_is_given(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with connected(kind, lambda _: httpx.Response(200, content=GOOD)) as client:
        assert client.buildinfo().version


def test_a_head_that_never_comes_over_the_network_is_left_at_the_deadline(kind: str) -> None:
    with (
        Port(None) as port,
        connected(kind, None, base_url=port.url, deadline=0.05, retry=at_once(0)) as client,
        pytest.raises(TimedOutError, match=r"0\.05 seconds"),
    ):
        client.buildinfo()


def test_a_request_under_way_ends_when_its_client_is_closed() -> None:
    with Port(None) as port, ThreadPoolExecutor(1) as beside:
        client = Client(port.url, TOKEN, retry=at_once(3))
        asked = beside.submit(client.buildinfo)
        port.has_heard.wait(30)
        client.close()
        with pytest.raises(ClosedError):
            asked.result(30)
    assert len(port.heard) == 1


def test_requests_at_the_same_time_have_connections_of_their_own_which_are_used_again() -> None:
    together = threading.Barrier(4)
    callers = set()

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            callers.add(self.client_address)
            together.wait(30)
            self.wfile.write(KEPT_OPEN)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        url = f"http://127.0.0.1:{server.server_port}"
        with (
            Client(url, TOKEN, retry=at_once(0)) as client,
            ThreadPoolExecutor(4) as readers,
        ):
            for _ in range(3):
                answers = list(readers.map(lambda _: client.buildinfo(), range(4)))
                assert [each.deployment_id for each in answers] == ["d-1"] * 4
        server.shutdown()
        serving.join()
    assert len(callers) == 4


def test_a_client_can_be_used_where_an_event_loop_runs_already() -> None:
    async def ask(url: str) -> str:
        with Client(url, TOKEN, retry=at_once(0)) as client:
            return client.buildinfo().deployment_id or ""

    with Port(WHOLE) as port:
        assert asyncio.run(ask(port.url)) == "d-1"


INTERRUPTED = """
import signal, sys
from aibridge import Client, Retry

# A shell that starts something in the background lets it ignore interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

with Client(sys.argv[1], "t" * 33, retry=Retry(total=0)) as client:
    try:
        client.buildinfo()
    except KeyboardInterrupt:
        print(client.buildinfo().deployment_id)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="interrupts are signals on POSIX only")
def test_an_interrupt_ends_a_request_and_leaves_the_client_usable() -> None:
    with Port(None, WHOLE) as port:
        command = [sys.executable, "-c", INTERRUPTED, port.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own words
            port.has_heard.wait(60)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "d-1\n")


FORKING = """
import os, sys
from aibridge import Client, RefusedError, Retry

def ask():
    with Client(sys.argv[1], "t" * 33, retry=Retry(total=0)) as client:
        try:
            client.buildinfo()
        except RefusedError:
            return 0
    return 1

asked = ask()
child = os.fork()
if not child:
    os._exit(ask())
sys.exit(asked or os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes fork on POSIX only")
def test_a_forked_process_has_clients_of_its_own() -> None:
    with Port() as port:
        url = port.url
    command = [sys.executable, "-W", "ignore", "-c", FORKING, url]
    subprocess.run(command, check=True, timeout=60)  # noqa: S603  # our own words
