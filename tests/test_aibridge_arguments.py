"""What a client and its calls are given, and cannot take, is refused before anything is sent."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from aibridge_wire import OLD, TOKEN, Wire, answer, buildinfo, connected, detail
from hypothesis import given, settings
from hypothesis import strategies as st

from aibridge import AIBridgeError, ArgumentError, Client, ConfigurationError, Search

HALF = "\ud800"


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def no_sessions() -> Wire:
    return Wire(sessions={"count": 0, "sessions": []})


# Addresses


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("https://coder..example.com", "host"),
        ("https://.example.com", "host"),
        (f"https://{'a' * 64}.example.com", "host"),
        ("http://xn--.test", "host"),
        ("http://xn--zz--zz.test/path", "host"),
        ("http://h:99999", "port"),
        ("http://h:65536/path", "port"),
        ("http://h:0", "port"),
    ],
)
def test_an_address_nothing_can_be_found_at_is_refused_at_once(address: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault) as caught:
        Client(address, TOKEN)
    assert "https://coder.example.com" in caught.value.advice


@pytest.mark.parametrize("address", [None, 5, b"https://coder.example.com"])
def test_an_address_that_is_no_text_is_refused(address: Any) -> None:
    with pytest.raises(ConfigurationError, match="address"):
        Client(address, TOKEN)


@pytest.mark.parametrize(
    "address",
    [
        f"https://{'a' * 63}.example.com",
        "https://coder.example.com.",
        "http://under_score.test",
        "http://straße.test:65535",
        "http://xn--strae-oqa.test:1",
        "http://[::1]:3000",
        "http://h:",
    ],
)
def test_an_unusual_address_is_taken(address: str) -> None:
    Client(address, TOKEN).close()


@settings(deadline=None)
@given(st.text(st.sampled_from("aZ0-._é:@[]xn%/ß") | st.characters(), max_size=80))
def test_any_address_is_taken_or_refused_in_the_tree(text: str) -> None:
    settled = {"ConfigurationError", "BuildInfo"}
    transport = httpx.MockTransport(lambda _: answer(buildinfo()))
    try:
        outcome: Any = Client(f"https://{text}", TOKEN, transport=transport).buildinfo()
    except AIBridgeError as error:
        outcome = error
    assert type(outcome).__name__ in settled


# Arguments


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.session("x" * 70_000),
        lambda client: client.sessions_page(Search(model="x" * 70_000)),
        lambda client: client.sessions_page("x" * 70_000),
        lambda client: client.sessions_page(after_session_id="é" * 30_000),
        lambda client: list(client.sessions("x" * 70_000)),
    ],
)
def test_what_makes_an_address_too_long_is_refused(kind: str, ask: Callable[[Any], object]) -> None:
    wire = no_sessions()
    with (
        connected(kind, wire, prefix=OLD) as client,
        pytest.raises(ArgumentError, match="too long") as caught,
    ):
        ask(client)
    assert wire.asked == []
    assert caught.value.advice
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (lambda client: client.sessions_page(f"model:{HALF}"), "q"),
        (lambda client: client.models(HALF), "q"),
        (lambda client: client.clients(HALF), "q"),
        (lambda client: list(client.sessions(HALF)), "q"),
        (lambda client: client.sessions_page(after_session_id=HALF), "after_session_id"),
        (lambda client: client.interceptions_page(after_id=HALF), "after_id"),
        (lambda client: client.session("s", after_id=HALF), "after_id"),
        (lambda client: client.session("s", before_id=HALF), "before_id"),
        (lambda client: client.session(HALF), "session id"),
    ],
)
def test_half_a_character_is_refused_by_name_before_anything_is_sent(
    kind: str, ask: Callable[[Any], object], name: str
) -> None:
    wire = no_sessions()
    with (
        connected(kind, wire) as client,
        pytest.raises(ArgumentError, match=f"{name} contains half a character"),
    ):
        ask(client)
    assert wire.asked == []


@pytest.mark.parametrize("limit", [0, -1, 1001, 10**30])
def test_a_limit_the_server_would_not_take_is_refused(kind: str, limit: int) -> None:
    wire = no_sessions()
    with connected(kind, wire) as client:
        for ask in (client.sessions_page, client.interceptions_page):
            with pytest.raises(ArgumentError, match=f"limit is {limit}.*between 1 and 1000"):
                ask(limit=limit)
        with pytest.raises(ArgumentError, match="between 1 and 200"):
            client.session("s", limit=limit)
    assert wire.asked == []


def test_one_thread_more_than_a_detail_may_have_is_refused(kind: str) -> None:
    wire = Wire().says("/sessions/s", detail([]))
    with connected(kind, wire) as client:
        client.session("s", limit=200)
        with pytest.raises(ArgumentError, match="limit is 201"):
            client.session("s", limit=201)


@pytest.mark.parametrize("offset", [-1, 2**31])
def test_an_offset_the_server_would_not_take_is_refused(kind: str, offset: int) -> None:
    wire = no_sessions()
    with connected(kind, wire) as client:
        for ask in (client.sessions_page, client.interceptions_page):
            with pytest.raises(ArgumentError, match=f"offset is {offset}"):
                ask(offset=offset)
        assert wire.asked == []
        client.sessions_page(offset=2**31 - 1)
