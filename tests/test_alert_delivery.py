"""Messages through apprise to servers of this machine, and what is known if none arrives."""

import logging
import socket
import sys
from collections.abc import Iterator

import pytest
from misbehaving_ports import Server, says
from webhooks import webhook

from bridgeboard.alerts import delivery
from bridgeboard.alerts.delivery import AppriseSender, outcome
from bridgeboard.alerts.recipients import Recipient
from bridgeboard.alerts.rules import Message
from bridgeboard.alerts.sending import AddressError, Outcome

MESSAGE = Message("Bridgeboard: 1 alert", "Budget Everything: $5.00 spent\nReference 3f2a9c1b")
SECRET = "s3cretToken"


def address(server: str) -> Recipient:
    return Recipient("Ada", f"json://ada:{SECRET}@{server.partition('://')[2]}/{SECRET}")


def answer(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "READ_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def _says_no_secret(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    # What urllib3 logs at the level DEBUG, which no switch of ours chooses, is not of this module.
    ours = [one for one in caplog.records if not one.name.startswith("urllib3")]
    assert SECRET not in "".join(map(str, (*ours, *capfd.readouterr())))


def test_a_message_arrives_as_it_was_written() -> None:
    with webhook() as hook:
        assert AppriseSender()(address(hook.url), MESSAGE) == Outcome("sent")
    ((path, headers, sent),) = hook.calls
    assert path == f"/{SECRET}"
    assert (sent["title"], sent["message"]) == (MESSAGE.title, MESSAGE.body)
    assert "github" not in f"{headers}{sent}".lower()


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("403 Forbidden", "failed"),
        ("429 Too Many Requests", "failed"),
        ("503 Unavailable", "failed"),
        ("504 Gateway Timeout", "unknown"),
    ],
)
def test_an_answer_that_says_no_is_tried_again(status: str, state: str) -> None:
    with Server(says(answer(status))) as server:
        result = AppriseSender()(address(server.url), MESSAGE)
    assert result.state == state
    assert status[:3] in result.problem
    assert server.visits == 1


def test_no_redirect_is_followed() -> None:
    with Server(says(answer("200 OK"))) as other:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n"
        with Server(says(moved.encode())) as server:
            assert AppriseSender()(address(server.url), MESSAGE).state == "failed"
        assert other.visits == 0


def test_a_server_that_is_not_there_has_not_got_it() -> None:
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        result = AppriseSender()(address(f"http://127.0.0.1:{port.getsockname()[1]}"), MESSAGE)
    assert result == Outcome("failed", "the server cannot be reached")


def test_a_connection_that_breaks_off_may_have_taken_it() -> None:
    with Server(lambda _visit: None) as server:
        result = AppriseSender()(address(server.url), MESSAGE)
    assert result.state == "unknown"


@pytest.mark.parametrize(
    ("said", "result"),
    [
        (["Socket Exception: HTTPSConnectionPool: Read timed out. (read timeout=20)"], "unknown"),
        (["Socket Exception: ('Connection aborted.', RemoteDisconnected('closed'))"], "unknown"),
        (["Socket Exception: ConnectionResetError(104, 'Connection reset by peer')"], "unknown"),
        (["Socket Exception: [Errno -2] Name or service not known"], "failed"),
        (["Socket Exception: SSLError(certificate verify failed)"], "failed"),
        (["Socket Exception: (535, b'5.7.8 Authentication failed')"], "failed"),
        (["JSON Payload: {'message': 'Connection refused'}", "Connection error"], "unknown"),
        ([], "failed"),
    ],
)
def test_only_what_surely_did_not_arrive_has_failed(said: list[str], result: str) -> None:
    assert outcome(said).state == result


def test_an_answer_that_does_not_come_in_time_is_unknown() -> None:
    assert outcome([], timed_out=True).state == "unknown"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"nothing://{SECRET}", "none that alerts can be sent to"),
        (f"slack://{SECRET}", "none that alerts can be sent to"),
        (
            f"mailto://a:{SECRET}@example.com?to=a@example.com,b@example.com",
            "2 targets: give each a",
        ),
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str, message: str) -> None:
    with pytest.raises(AddressError, match=message) as raised:
        AppriseSender().longest(Recipient("Ada", url))
    assert SECRET not in str(raised.value)


def test_a_message_is_no_longer_than_its_service_takes() -> None:
    key = "A" * 32
    longest = AppriseSender().longest
    assert longest(Recipient("Ada", "json://127.0.0.1")) == 4_000
    assert longest(Recipient("Ada", f"pagerduty://{key}@{key}")) < 1_000


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    delivery._library.cache_clear()
    with pytest.raises(AddressError, match=r"pip install \"bridgeboard\[alerts\]\""):
        AppriseSender().longest(Recipient("Ada", "json://127.0.0.1"))
    delivery._library.cache_clear()
