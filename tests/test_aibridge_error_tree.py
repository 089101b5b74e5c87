"""Nothing strays from the error tree, and nothing foreign into the log."""

import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from aibridge_wire import (
    ADDRESS,
    ALICE,
    OLD,
    TOKEN,
    Wire,
    answer,
    at_once,
    connected,
    session_row,
    uuid,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aibridge import (
    AIBridgeError,
    Client,
    ClosedError,
    ConfigurationError,
    ConnectionFailedError,
    NotFoundError,
    OversizedError,
    RateLimitedError,
    Retry,
    ServerError,
    TimedOutError,
    default_retry,
)

FORGED = "a\nWARNING forged \x1b[31mred"
WRITTEN = "a%0AWARNING%20forged%20%1B%5B31mred"


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def no_sessions() -> Wire:
    return Wire(sessions={"count": 0, "sessions": []})


# Answers


@pytest.mark.parametrize("name", ["Jürgen".encode(), "Jürgen".encode("latin-1"), b"\xff\xfe"])
def test_a_header_beyond_ascii_harms_nothing(kind: str, name: bytes) -> None:
    headers = [(b"X-Auth-User", name), (b"Content-Type", b"application/json")]

    def server(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=headers, content=b'["gpt-5"]')

    with connected(kind, server, prefix=OLD) as client:
        assert client.models() == ("gpt-5",)


moments = st.builds(
    lambda hours, minutes: (
        datetime(1, 1, 1, tzinfo=timezone(timedelta(minutes=minutes))) + timedelta(hours=hours)
    ),
    st.integers(0, 30),
    st.integers(-23 * 60, 23 * 60),
)


@pytest.mark.parametrize(
    "times",
    [
        ["0001-01-01T00:00:00Z"],
        ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00-14:00"],
        ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"],
    ],
)
def test_the_zero_time_is_a_time_like_others(kind: str, times: list[str]) -> None:
    rows = [
        session_row(f"s{number}", started_at=time, last_active_at=time)
        for number, time in enumerate(times)
    ]
    with connected(kind, paged(rows)) as client:
        assert len(list(client.sessions(page_size=2))) == len(rows)


@settings(deadline=None, max_examples=50)
@given(st.lists(moments, min_size=3, max_size=6))
def test_a_walk_over_the_first_days_of_the_calendar_is_whole(times: list[datetime]) -> None:
    rows = [
        session_row(f"s{number}", last_active_at=time.isoformat())
        for number, time in enumerate(sorted(times, reverse=True))
    ]
    with connected("sync", paged(rows)) as client:
        assert [row.id for row in client.sessions(page_size=2)] == [row["id"] for row in rows]


def paged(rows: list[Any]) -> Wire:
    def page(request: httpx.Request) -> dict[str, Any]:
        limit, offset = (int(request.url.params.get(key, 0)) for key in ("limit", "offset"))
        return {"count": len(rows), "sessions": rows[offset : offset + limit]}

    return Wire(sessions=page)


# Policies


def limited(retry_after: bytes) -> Callable[[httpx.Request], httpx.Response]:
    headers = [(b"Retry-After", retry_after)]
    return lambda _request: httpx.Response(429, headers=headers, json={"message": "Slow down."})


NONSENSE = [
    b"Mon, 01 Jan 99999999999 00:00:00 GMT",
    b"Mon, 01 Jan 999999999999999999999999 00:00:00 GMT",
    b"Mon, 99 Foo 2026",
    b"Mon, 01 Jan 0001 00:00:00 +2300",
    b"soon",
    b"-5",
    b"nan",
    b"1.5",
    "²".encode("latin-1"),
    b"(",
]


@pytest.mark.parametrize("told", NONSENSE)
def test_a_nonsense_retry_after_is_passed_over_for_the_usual_wait(
    kind: str, told: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    naps: list[float] = []

    async def doze(seconds: float) -> None:
        naps.append(seconds)

    monkeypatch.setattr("httpx_retries.retry.time", SimpleNamespace(sleep=naps.append))
    monkeypatch.setattr("httpx_retries.retry.asyncio", SimpleNamespace(sleep=doze))
    with connected(kind, limited(told), retry=None) as client, pytest.raises(RateLimitedError):
        client.buildinfo()
    assert len(naps) == 4
    assert all(0.25 <= nap <= 4 for nap in naps)
    assert all(record.name == "aibridge" for record in caplog.records)


def test_a_retry_after_that_is_logged_is_printable(caplog: pytest.LogCaptureFixture) -> None:
    default_retry().parse_retry_after("Mon, 05 Jan 2026 00:00:00 -0000 \x1b[31m\nforged")
    assert len(caplog.records) == 1
    assert caplog.records[0].getMessage().isprintable()


@given(st.text(max_size=60) | st.from_regex(r"\w{3}, \d+ \w{3} \d+ [\d:]{0,9} [+\-\w]*"))
def test_any_retry_after_is_some_number_of_seconds(told: str) -> None:
    assert default_retry().parse_retry_after(told) >= 0


@pytest.mark.parametrize("told", NONSENSE)
def test_a_nonsense_retry_after_under_an_own_policy_stays_in_the_tree(
    kind: str, told: bytes
) -> None:
    own = Retry(total=1, backoff_factor=0)
    with connected(kind, limited(told), retry=own) as client, pytest.raises(AIBridgeError):
        client.buildinfo()


class Clumsy(Retry):
    """A policy that fails at its own work."""

    def backoff_strategy(self) -> float:
        raise ZeroDivisionError(f"float division by zero for {TOKEN}")


def test_an_own_policy_that_fails_is_named_as_the_culprit(kind: str) -> None:
    def server(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(503)

    with (
        connected(kind, server, retry=Clumsy(total=1)) as client,
        pytest.raises(
            ConfigurationError, match=r"policy .*status 503.*ZeroDivisionError"
        ) as caught,
    ):
        client.buildinfo()
    assert "retry=" in caught.value.advice
    assert caught.value.url == f"{ADDRESS}/api/v2/buildinfo"
    assert TOKEN not in str(caught.value)


def test_a_policy_that_raises_for_the_status_does_not_hide_the_servers_words(kind: str) -> None:
    own = Retry(total=1, validate_response=lambda response: response.raise_for_status() and None)
    with (
        connected(kind, lambda _: answer({"message": "Gone away."}, 404), retry=own) as client,
        pytest.raises(NotFoundError, match="Gone away"),
    ):
        client.buildinfo()


# Transports


@pytest.mark.parametrize("stray", [UnicodeError("label too long"), RuntimeError("loop is closed")])
def test_what_a_transport_raises_beyond_its_promise_is_a_failed_connection(
    kind: str, stray: Exception
) -> None:
    def server(_request: httpx.Request) -> httpx.Response:
        asked.append(1)
        raise stray

    asked: list[int] = []
    with (
        connected(kind, server, retry=at_once(3)) as client,
        pytest.raises(ConnectionFailedError, match=f"{type(stray).__name__}: {stray}") as caught,
    ):
        client.buildinfo()
    assert type(caught.value) is ConnectionFailedError
    assert asked == [1]


def test_a_closed_client_says_that_it_is_closed(kind: str) -> None:
    wire = Wire(models=["gpt-5"]).says("/sessions", {"count": 0, "sessions": []})
    with connected(kind, wire) as client:
        client.models()
        client.close()
        client.close()
        asked = len(wire.asked)
        for ask in (client.models, client.me, lambda: list(client.sessions())):
            with pytest.raises(ClosedError, match="closed") as caught:
                ask()
            assert caught.value.advice
    assert len(wire.asked) == asked


def test_a_walk_that_outlives_its_client_says_so() -> None:
    rows = [session_row(f"s{number}") for number in range(9)]
    client = Client(ADDRESS, TOKEN, transport=httpx.MockTransport(paged(rows)), prefix=OLD)
    walk = client.sessions(page_size=2)
    next(walk)
    client.close()
    with pytest.raises(ClosedError):
        list(walk)


def test_a_closed_client_is_not_tried_again_even_by_a_policy_that_tries_all(kind: str) -> None:
    own = Retry(total=2, retry_on_exceptions=[httpx.HTTPError])
    with connected(kind, no_sessions(), retry=own) as client:
        client.close()
        with pytest.raises(ClosedError):
            client.models()


# The log


def test_an_id_with_line_breaks_forges_no_line_of_the_log(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        connected(kind, lambda _: httpx.Response(503), prefix=OLD, retry=at_once(1)) as client,
        pytest.raises(ServerError, match=re.escape(WRITTEN)),
    ):
        client.session(FORGED)
    told = [record.getMessage() for record in caplog.records if record.name == "aibridge"]
    assert told == [f"attempt 2 of GET {OLD}/sessions/{WRITTEN} after: status 503"]
    assert all(record.getMessage().isprintable() for record in caplog.records)


def test_an_id_with_line_breaks_is_told_encoded_when_its_answer_is_too_large(kind: str) -> None:
    with (
        connected(kind, lambda _: answer("x" * 99), prefix=OLD, max_bytes=9) as client,
        pytest.raises(OversizedError, match=re.escape(f"{OLD}/sessions/{WRITTEN} is larger")),
    ):
        client.session(FORGED)


def test_an_id_with_line_breaks_is_told_encoded_when_its_answer_is_too_late(kind: str) -> None:
    with (
        connected(kind, lambda _: answer(ALICE), prefix=OLD, deadline=-1) as client,
        pytest.raises(TimedOutError, match=re.escape(f"{OLD}/sessions/{WRITTEN} was not")),
    ):
        client.session(FORGED, after_id=uuid(1))
