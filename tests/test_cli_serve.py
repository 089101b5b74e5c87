"""``bridgeboard serve`` as a process: what it answers, whom it refuses, and what it never shows."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from dashboard_process import dashboard
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from bridgeboard.runtime.demo_company import Running
from bridgeboard.server.middleware.headers import SECURITY_HEADERS

LISTENING = """
import os, sys

def note(event, arguments):
    if event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    elif event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if host not in {None, "", "localhost", "127.0.0.1", "::1"}:
        with open(os.environ["ASKED_OUTSIDE"], "a") as file:
            file.write(f"{event} {host}\\n")

sys.addaudithook(note)
"""
"""Python runs it before anything else: it writes down each other host that a process asks for."""


@pytest.fixture(scope="module")
def asked_outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that is there once the dashboard has asked for another host than this machine."""
    return tmp_path_factory.mktemp("outside") / "hosts"


@pytest.fixture(scope="module")
def address(running: Running, asked_outside: Path) -> Iterator[str]:
    (asked_outside.parent / "sitecustomize.py").write_text(LISTENING)
    listening = {"PYTHONPATH": str(asked_outside.parent), "ASKED_OUTSIDE": str(asked_outside)}
    token = running.tokens["owner"]
    given = {"CODER_URL": running.url, "CODER_SESSION_TOKEN": token}
    with dashboard("serve", **given, **listening) as address:
        yield address


@pytest.mark.parametrize(
    "path", ["", "healthz", "session?id=x", "static/none.js", "_stcore/health"]
)
def test_every_answer_has_the_security_headers(address: str, path: str) -> None:
    headers = httpx.get(address + path).headers
    for name, value in SECURITY_HEADERS.items():
        assert headers.get_list(name) == [value]


def test_the_health_check_says_ok_and_the_version(address: str) -> None:
    told = httpx.get(f"{address}healthz").json()
    assert told["status"] == "ok"
    assert told["version"]


def test_the_overview_is_found_under_its_own_name_too(address: str) -> None:
    answer = httpx.get(f"{address}overview?models=gpt-5")
    assert answer.is_redirect
    assert answer.headers["location"] == "./?models=gpt-5"


def handshake(address: str, host: str, origin: str | None) -> int:
    """The status with which a websocket is accepted (101) or refused."""
    place = urlsplit(address)
    url = f"ws://{host}:{place.port}/_stcore/stream"
    raw = socket.create_connection((place.hostname, place.port))
    try:
        with connect(url, origin=origin and Origin(origin), sock=raw) as opened:
            assert opened.response
            return opened.response.status_code
    except InvalidStatus as refused:
        return refused.response.status_code


def test_a_browser_of_this_machine_is_served(address: str) -> None:
    place = urlsplit(address).netloc
    assert handshake(address, "127.0.0.1", f"http://{place}") == 101


def test_a_name_that_a_foreign_site_points_here_is_refused(address: str) -> None:
    port = urlsplit(address).port
    assert handshake(address, "evil.example", f"http://evil.example:{port}") == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:{other}",
        "http://localhost:{port}",
        "http://localhost:{other}",
        "http://0.0.0.0:{port}",
        "http://[::1]:{port}",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:{port}/",
        "http://evil@127.0.0.1:{port}",
        "http://127.0.0.1:{port}, http://evil.example",
        "null",
        "127.0.0.1:{port}",
        None,
    ],
)
def test_a_page_of_another_origin_is_refused_and_nothing_is_asked_outside(
    address: str, asked_outside: Path, origin: str | None
) -> None:
    port = urlsplit(address).port or 0
    told = origin and origin.format(port=port, other=port + 1)
    assert handshake(address, "127.0.0.1", told) == 403
    assert not asked_outside.exists()


def test_a_request_of_another_origin_is_not_told_that_it_may_read_the_answer(
    address: str, asked_outside: Path
) -> None:
    for path in ("healthz", "_stcore/health", "_stcore/host-config", "media/none", "component/x/y"):
        for origin in ("http://evil.example", "http://localhost:1"):
            told = httpx.get(f"{address}{path}", headers={"Origin": origin})
            assert "access-control-allow-origin" not in told.headers, path
    assert not asked_outside.exists()


def test_what_is_asked_outside_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(LISTENING)
    seen = tmp_path / "hosts"
    told = os.environ | {"PYTHONPATH": str(tmp_path), "ASKED_OUTSIDE": str(seen)}
    asking = (
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"
    )
    subprocess.run([sys.executable, "-c", asking], check=False, env=told)  # noqa: S603 - our own
    assert seen.read_text() == "socket.connect 192.0.2.1\n"


@pytest.mark.parametrize("size", [1_000_001, 10_000_000])
def test_a_message_that_no_page_sends_ends_its_socket_and_nothing_else(
    address: str, size: int
) -> None:
    place = urlsplit(address).netloc
    with connect(f"ws://{place}/_stcore/stream", origin=f"http://{place}") as opened:  # type: ignore[arg-type]  # told as text
        opened.send(b"x" * size)
        with pytest.raises(ConnectionClosed) as closed:
            list(opened)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1009
    assert handshake(address, "127.0.0.1", f"http://{place}") == 101


def test_the_token_is_not_among_the_arguments_of_any_process(
    address: str, running: Running
) -> None:
    assert address
    shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)  # noqa: S607 - of this machine
    assert "bridgeboard" in shown.stdout
    assert running.tokens["owner"] not in shown.stdout


@pytest.mark.slow
def test_the_demos_store_goes_with_it(tmp_path: Path) -> None:
    with dashboard("demo", "--days", "3", "--scale", "0.1", TMPDIR=str(tmp_path)) as address:
        assert httpx.get(f"{address}healthz").json()["status"] == "ok"
        assert list(tmp_path.glob("bridgeboard-demo-*"))
    assert not list(tmp_path.glob("bridgeboard-demo-*"))
