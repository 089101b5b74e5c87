import asyncio
import gzip
import json
import logging
import random
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from aibridge_wire import (
    ADDRESS,
    OLD,
    TOKEN,
    answer,
    at_once,
    buildinfo,
    connected,
    session_row,
    text,
)

from aibridge import (
    AIBridgeError,
    DecodeError,
    OversizedError,
    RateLimitedError,
    Retry,
    ServerError,
    TimedOutError,
    TLSError,
    default_retry,
)
from aibridge.bodies import Limits
from aibridge.transports import AsyncWholeTransport, WholeTransport

GOOD = json.dumps(buildinfo()).encode()


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def scripted(*answers: Any) -> tuple[Callable[[httpx.Request], httpx.Response], list[Any]]:
    """A server that gives these answers in order, the last one for ever, and its count."""
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        said = answers[min(len(asked), len(answers) - 1)]
        asked.append(request)
        if isinstance(said, Exception):
            raise said
        response: httpx.Response = said()
        return response

    return server, asked


def fine() -> httpx.Response:
    return answer(buildinfo())


def failing(status: int, **headers: str) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, headers=headers, json={"message": "oops"})


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []

    async def doze(seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr("httpx_retries.retry.time", SimpleNamespace(sleep=taken.append))
    monkeypatch.setattr("httpx_retries.retry.asyncio", SimpleNamespace(sleep=doze))
    return taken


@pytest.mark.parametrize(
    "fault",
    [
        failing(429),
        failing(502),
        failing(503),
        failing(504),
        httpx.ReadTimeout("slow"),
        httpx.ConnectTimeout("slow"),
        httpx.ConnectError("down"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("cut"),
    ],
)
def test_a_passing_fault_is_tried_four_times_more_and_no_further(
    kind: str, fault: Any, naps: list[float]
) -> None:
    server, asked = scripted(fault, fault, fault, fault, fine)
    with connected(kind, server, retry=None) as client:
        client.buildinfo()
    assert len(asked) == 5
    server, asked = scripted(fault)
    with connected(kind, server, retry=None) as client, pytest.raises(AIBridgeError):
        client.buildinfo()
    assert len(asked) == 5
    assert len(naps) == 8
    most = [0.5, 1, 2, 4] * 2
    assert all(longest / 2 <= nap <= longest for nap, longest in zip(naps, most, strict=True))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (failing(500), ServerError),
        (lambda: text("<html>maintenance</html>", 200, "text/html"), DecodeError),
        (lambda: text('{"version": "v2', 200, "application/json"), DecodeError),
    ],
)
def test_a_doubtful_fault_is_tried_twice_more(
    kind: str, fault: Any, error: type[AIBridgeError], naps: list[float]
) -> None:
    server, asked = scripted(fault, fault, fine)
    with connected(kind, server, retry=None) as client:
        client.buildinfo()
    server, asked = scripted(fault)
    with connected(kind, server, retry=None) as client, pytest.raises(error):
        client.buildinfo()
    assert len(asked) == 3
    assert len(naps) == 4


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 428, 501])
def test_what_will_not_pass_is_not_tried_again(kind: str, status: int, naps: list[float]) -> None:
    server, asked = scripted(failing(status))
    with connected(kind, server, retry=None) as client, pytest.raises(AIBridgeError):
        client.buildinfo()
    assert len(asked) == 1
    assert naps == []


def test_a_certificate_that_is_not_trusted_is_not_tried_again(kind: str, naps: list[float]) -> None:
    def server(_request: httpx.Request) -> httpx.Response:
        asked.append(1)
        cause = ssl.SSLCertVerificationError(1, "self-signed certificate")
        raise httpx.ConnectError("self-signed certificate") from cause

    asked: list[int] = []
    with (
        connected(kind, server, retry=None) as client,
        pytest.raises(TLSError, match="SSL_CERT_FILE"),
    ):
        client.buildinfo()
    assert asked == [1]
    assert naps == []


@pytest.mark.parametrize(("told", "waited"), [("7", 7), ("60", 60), ("86400", 60)])
def test_the_server_is_given_the_time_it_asks_for_up_to_a_minute(
    kind: str, told: str, waited: float, naps: list[float]
) -> None:
    server, _ = scripted(failing(429, **{"Retry-After": told}), fine)
    with connected(kind, server, retry=None) as client:
        client.buildinfo()
    assert naps == [waited]


def test_all_waiting_together_is_bounded(kind: str, naps: list[float]) -> None:
    server, _ = scripted(failing(429, **{"Retry-After": "60"}))
    with connected(kind, server, retry=None) as client, pytest.raises(RateLimitedError):
        client.buildinfo()
    assert sum(naps) == 120


def test_an_own_policy_is_used_as_it_is(kind: str, naps: list[float]) -> None:
    server, asked = scripted(failing(500))
    own = Retry(total=6, status_forcelist=[500])
    with connected(kind, server, retry=own) as client, pytest.raises(ServerError):
        client.buildinfo()
    assert len(asked) == 7
    assert sum(naps) == 0


HURRIED = {"total": 2, "max_backoff_wait": 4.0, "total_timeout": 8.0}
SLOW_DOWN = failing(429, **{"Retry-After": "60"})


def broken() -> httpx.Response:
    return text('{"version": "v2', 200, "application/json")


@pytest.mark.parametrize(
    ("fault", "changes", "tries"),
    [
        (failing(500), HURRIED, 3),
        (broken, HURRIED, 3),
        (failing(503), HURRIED, 3),
        (SLOW_DOWN, HURRIED, 3),
        (failing(500), {"total": 1}, 2),
        (broken, {"total": 1}, 2),
        (failing(500), {"total": 0}, 1),
        (failing(500), {"total": 9}, 3),
        (broken, {"total": 9}, 3),
        (failing(404), HURRIED, 1),
    ],
)
def test_a_copy_of_the_default_policy_keeps_its_judgement(
    kind: str, fault: Any, changes: dict[str, Any], tries: int, naps: list[float]
) -> None:
    server, asked = scripted(fault)
    policy = default_retry().copy_with(**changes)
    with connected(kind, server, retry=policy) as client, pytest.raises(AIBridgeError):
        client.buildinfo()
    assert len(asked) == tries
    assert naps == [4, 4] if fault is SLOW_DOWN else len(naps) == tries - 1
    assert sum(naps) <= 8


def test_a_copy_of_the_default_policy_gives_up_on_certificates_and_nonsense_waits() -> None:
    policy = default_retry().copy_with(**HURRIED)
    untrusted = httpx.ConnectError("x")
    untrusted.__cause__ = ssl.SSLCertVerificationError(1, "self-signed certificate")
    assert policy.is_retryable_exception(httpx.ConnectError("x"))
    assert not policy.is_retryable_exception(untrusted)
    assert policy.parse_retry_after("Mon, 01 Jan 99999999999 00:00:00 GMT") == 0


def test_the_default_policy_repeats_nothing_but_get() -> None:
    policy = default_retry()
    assert policy.is_retryable_method("GET")
    assert not any(map(policy.is_retryable_method, ["HEAD", "PUT", "POST", "DELETE"]))


def test_each_retry_is_logged_once_with_its_reason_and_without_the_token(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    server, _ = scripted(failing(503), httpx.ReadTimeout("slow\n\x1b[31m"), fine)
    with connected(kind, server, retry=at_once(3)) as client:
        client.buildinfo()
    assert [record.getMessage() for record in caplog.records] == [
        "attempt 2 of GET /api/v2/buildinfo after: status 503",
        "attempt 3 of GET /api/v2/buildinfo after: ReadTimeout: slow ?[31m",
    ]
    assert TOKEN not in caplog.text


def packed(body: bytes, coding: str = "gzip") -> Callable[[httpx.Request], httpx.Response]:
    headers = {"content-type": "application/json", "content-encoding": coding}

    def server(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] == "gzip, deflate"
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(gzip.compress(body)))

    return server


def test_a_packed_answer_is_unpacked(kind: str) -> None:
    with connected(kind, packed(GOOD)) as client:
        assert client.buildinfo().deployment_id == "d-1"


def test_a_packed_answer_that_bursts_its_limit_is_refused_and_not_tried_again(kind: str) -> None:
    with (
        connected(kind, packed(b" " * 5_000_000), max_bytes=1_000_000) as client,
        pytest.raises(OversizedError, match="1,000,000 bytes"),
    ):
        client.buildinfo()


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip"])
def test_a_packing_that_was_not_asked_for_is_refused(kind: str, coding: str) -> None:
    with (
        connected(kind, packed(GOOD, coding)) as client,
        pytest.raises(DecodeError, match=f"{coding!r}, which was not asked for") as caught,
    ):
        client.buildinfo()
    assert type(caught.value) is DecodeError
    assert (caught.value.method, caught.value.status) == ("GET", 200)
    assert caught.value.url == f"{ADDRESS}/api/v2/buildinfo"


def test_an_answer_exactly_at_the_limit_is_read(kind: str) -> None:
    server, _ = scripted(lambda: httpx.Response(200, content=GOOD))
    with connected(kind, server, max_bytes=len(GOOD)) as client:
        client.buildinfo()
    with (
        connected(kind, server, max_bytes=len(GOOD) - 1) as client,
        pytest.raises(OversizedError),
    ):
        client.buildinfo()


class Drip(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes byte by byte, a minute apart by the clock it turns."""

    def __init__(self) -> None:
        self.minutes = 0

    def clock(self) -> float:
        return self.minutes * 60.0

    def __iter__(self) -> Iterator[bytes]:
        for self.minutes in range(1, 10_000):
            yield b" "

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for each in self:
            yield each


def test_a_body_that_drips_for_ever_is_left_at_the_deadline() -> None:
    drip = Drip()
    http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=drip)))
    transport = WholeTransport(http, Limits(deadline=300, clock=drip.clock))
    with pytest.raises(TimedOutError, match="300 seconds"):
        transport.handle_request(httpx.Request("GET", "https://coder.example.com/x"))
    assert drip.minutes == 6
    transport.close()


def test_a_body_that_drips_for_ever_is_left_at_the_deadline_in_asyncio_too() -> None:
    drip = Drip()

    async def ask() -> None:
        server = httpx.MockTransport(lambda _: httpx.Response(200, stream=drip))
        transport = AsyncWholeTransport(
            httpx.AsyncClient(transport=server), Limits(deadline=300, clock=drip.clock)
        )
        try:
            await transport.handle_async_request(httpx.Request("GET", "https://x.example/x"))
        finally:
            await transport.aclose()

    with pytest.raises(TimedOutError, match="300 seconds"):
        asyncio.run(ask())
    assert drip.minutes == 6


def test_a_head_that_never_comes_is_left_at_the_deadline_in_asyncio() -> None:
    async def never(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    with (
        connected("async", never, deadline=0.02, retry=at_once(3)) as client,
        pytest.raises(TimedOutError, match=r"0\.02 seconds"),
    ):
        client.buildinfo()


@pytest.mark.parametrize("seed", range(5))
def test_a_walk_over_a_server_that_fails_every_fifth_time_is_whole(
    kind: str, seed: int, naps: list[float]
) -> None:
    dice = random.Random(seed)  # noqa: S311  # dice for faults, not for secrets
    rows = [session_row(f"s{number}") for number in range(100)]

    def server(request: httpx.Request) -> httpx.Response:
        if dice.random() < 0.2:
            fault = dice.choice([503, 502, "cut", "reset", "slow"])
            if isinstance(fault, int):
                return httpx.Response(fault)
            if fault == "cut":
                return text('{"count": 100, "sess', 200, "application/json")
            raise httpx.ReadTimeout("slow") if fault == "slow" else httpx.ReadError("reset")
        offset, limit = (int(request.url.params.get(key, 0)) for key in ("offset", "limit"))
        return answer({"count": 100, "sessions": rows[offset : offset + limit]})

    with connected(kind, server, retry=None, prefix=OLD) as client:
        told = [row.id for row in client.sessions(page_size=4)]
    assert told == [row["id"] for row in rows]
    assert naps
