"""``bridgeboard serve`` as a process: what it answers, whom it refuses, and what it never shows."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from dashboards import COMPANY, dashboard
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from bridgeboard.connect import Running
from bridgeboard.doors import SECURITY_HEADERS


@pytest.fixture(scope="module")
def address(running: Running) -> Iterator[str]:
    token = running.tokens["owner"]
    with dashboard("serve", CODER_URL=running.url, CODER_SESSION_TOKEN=token) as address:
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


def handshake(address: str, host: str, origin: str) -> int:
    """The status with which a websocket is accepted (101) or refused."""
    place = urlsplit(address)
    url = f"ws://{host}:{place.port}/_stcore/stream"
    raw = socket.create_connection((place.hostname, place.port))
    try:
        with connect(url, origin=origin, sock=raw) as opened:
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


def test_a_page_of_another_origin_is_refused(address: str) -> None:
    assert handshake(address, "127.0.0.1", "https://evil.example") == 403


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


def test_the_demos_store_goes_with_it(tmp_path: Path) -> None:
    with dashboard("demo", *COMPANY, TMPDIR=str(tmp_path)) as address:
        assert httpx.get(f"{address}healthz").json()["status"] == "ok"
        assert list(tmp_path.glob("bridgeboard-demo-*"))
    assert not list(tmp_path.glob("bridgeboard-demo-*"))
