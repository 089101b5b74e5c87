"""Faults on demand, and both ways to the bridge in this process."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable

import httpx
import pytest
from bridge_transport import Transport
from small_bridges import PREFIX, Book, ask, token, with_switches

from bridgeboard.demo.api import KINDS, Bridge, Faults
from bridgeboard.demo.server import asgi


@pytest.fixture
def book() -> Book:
    book = Book()
    for minute in range(3):
        book.call(minute)
    return book


def struck(book: Book, *kinds: str, rate: float = 1, drip_seconds: float = 0) -> Bridge:
    faults = Faults(rate, kinds or KINDS, seed=7, drip_seconds=drip_seconds)
    return book.bridge(switches=with_switches(faults=faults))


Fetch = Callable[..., httpx.Response]
URL = "http://demo" + PREFIX + "/sessions"


def fetch_sync(bridge: Bridge, book: Book, read: float | None = 5) -> httpx.Response:
    timeout = httpx.Timeout(5, read=read)
    with httpx.Client(transport=Transport(bridge), timeout=timeout) as client:
        return client.get(URL, headers={"Coder-Session-Token": token(book.owner)})


def fetch_async(bridge: Bridge, book: Book, read: float | None = 5) -> httpx.Response:
    async def fetched() -> httpx.Response:
        timeout = httpx.Timeout(5, read=read)
        async with httpx.AsyncClient(transport=Transport(bridge), timeout=timeout) as client:
            return await client.get(URL, headers={"Coder-Session-Token": token(book.owner)})

    return asyncio.run(fetched())


def fetch_asgi(bridge: Bridge, book: Book, read: float | None = 5) -> httpx.Response:
    async def fetched() -> httpx.Response:
        door = httpx.ASGITransport(asgi(bridge))
        async with httpx.AsyncClient(transport=door, timeout=read) as client:
            return await client.get(URL, headers={"Coder-Session-Token": token(book.owner)})

    return asyncio.run(fetched())


IN_PROCESS = pytest.mark.parametrize("fetch", [fetch_sync, fetch_async])
ALL_DOORS = pytest.mark.parametrize("fetch", [fetch_sync, fetch_async, fetch_asgi])


@ALL_DOORS
def test_a_door_lets_the_bridges_answer_through(book: Book, fetch: Fetch) -> None:
    response = fetch(book.bridge(), book)
    direct = ask(book.bridge(), "/sessions", book.owner)
    assert response.content == direct.answer.body
    assert response.headers["Content-Length"] == str(len(direct.answer.body))
    assert response.headers["X-Coder-Build-Version"] == "v2.34.1+1d9ccb7"


@ALL_DOORS
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("error_500", 500),
        ("error_502", 502),
        ("error_503", 503),
        ("error_504", 504),
        ("rate_limited", 429),
    ],
)
def test_a_sick_server_answers_with_its_status(
    book: Book, fetch: Fetch, kind: str, status: int
) -> None:
    response = fetch(struck(book, kind), book)
    assert response.status_code == status
    assert response.headers.get("Retry-After") == ("0" if status == 429 else None)


@ALL_DOORS
def test_a_proxys_page_is_html_with_status_200(book: Book, fetch: Fetch) -> None:
    response = fetch(struck(book, "html"), book)
    assert (response.status_code, response.headers["Content-Type"]) == (
        200,
        "text/html; charset=utf-8",
    )


@ALL_DOORS
def test_malformed_json_comes_with_a_fitting_length(book: Book, fetch: Fetch) -> None:
    response = fetch(struck(book, "malformed"), book)
    assert response.headers["Content-Length"] == str(len(response.content))
    with pytest.raises(json.JSONDecodeError):
        response.json()


@ALL_DOORS
def test_wrong_types_are_well_formed_json(book: Book, fetch: Fetch) -> None:
    twisted = fetch(struck(book, "wrong_types"), book).json()
    assert twisted["count"] == "3 or so"
    assert list(twisted["sessions"]) == ["0", "1", "2"]


@IN_PROCESS
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("stalled", httpx.ReadTimeout),
        ("dropped", httpx.RemoteProtocolError),
        ("truncated", httpx.RemoteProtocolError),
    ],
)
def test_a_broken_connection_is_the_matching_error_of_httpx(
    book: Book, fetch: Fetch, kind: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        fetch(struck(book, kind), book)


def test_a_truncated_answer_gives_its_first_half_before_it_breaks(book: Book) -> None:
    whole = fetch_sync(book.bridge(), book).content
    headers = {"Coder-Session-Token": token(book.owner)}
    got: list[bytes] = []
    with (
        httpx.Client(transport=Transport(struck(book, "truncated"))) as client,
        client.stream("GET", URL, headers=headers) as response,
        pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"),
    ):
        got.extend(response.iter_raw())
    assert b"".join(got) == whole[: len(whole) // 2]


@ALL_DOORS
def test_a_dripped_answer_arrives_whole(book: Book, fetch: Fetch) -> None:
    assert fetch(struck(book, "dripped"), book).content == fetch(book.bridge(), book).content


@IN_PROCESS
def test_a_drip_slower_than_the_callers_patience_is_a_timeout(book: Book, fetch: Fetch) -> None:
    with pytest.raises(httpx.ReadTimeout):
        fetch(struck(book, "dripped", drip_seconds=60), book)


@IN_PROCESS
def test_a_late_answer_is_a_timeout_without_the_wait(book: Book, fetch: Fetch) -> None:
    late = book.bridge(switches=with_switches(latency_seconds=60))
    with pytest.raises(httpx.ReadTimeout):
        fetch(late, book)


@ALL_DOORS
def test_a_little_latency_is_waited_for(book: Book, fetch: Fetch) -> None:
    slow = book.bridge(switches=with_switches(latency_seconds=0.001))
    assert fetch(slow, book, read=None).status_code == 200


def test_through_bare_asgi_a_broken_connection_is_an_error_of_the_application(book: Book) -> None:
    with pytest.raises(ConnectionResetError):
        fetch_asgi(struck(book, "dropped"), book)


def test_asgi_speaks_http_only(book: Book) -> None:
    async def nothing(*_: object) -> None:
        raise AssertionError

    with pytest.raises(NotImplementedError, match="websocket"):
        asyncio.run(asgi(book.bridge())({"type": "websocket"}, nothing, nothing))


def statuses(bridge: Bridge, book: Book, requests: int) -> list[tuple[int, str]]:
    answers = [ask(bridge, "/models", book.owner).answer for _ in range(requests)]
    return [(answer.status, answer.delivery) for answer in answers]


def test_faults_come_at_their_rate_and_repeat_with_their_seed(book: Book) -> None:
    kinds = ("error_503", "dropped", "truncated")
    first = statuses(struck(book, *kinds, rate=0.2), book, 500)
    assert first == statuses(struck(book, *kinds, rate=0.2), book, 500)
    tally = Counter(first)
    assert 360 <= tally[200, "whole"] <= 440
    assert set(tally) == {
        (200, "whole"), (503, "whole"), (200, "dropped"), (200, "truncated"),
    }  # fmt: skip


def test_a_rate_of_zero_strikes_nobody(book: Book) -> None:
    assert set(statuses(struck(book, rate=0), book, 100)) == {(200, "whole")}


def test_wrong_types_leave_plain_text_alone(book: Book) -> None:
    reply = ask(struck(book, "wrong_types"), "/nope", book.owner)
    assert reply.text == "no authentication key provided\n"


@pytest.mark.parametrize("kinds", [("nonsense",), ()])
def test_unknown_kinds_of_faults_are_refused(kinds: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="choose from error_500"):
        Faults(0.5, kinds)


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_an_impossible_rate_of_faults_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Faults(rate)


def test_many_threads_may_share_a_bridge(book: Book) -> None:
    bridge = book.bridge(switches=with_switches(rate_limit=120))
    wanted = ask(book.bridge(), "/sessions", book.owner).text
    seen: list[tuple[int, bool]] = []

    def knock() -> None:
        for _ in range(20):
            reply = ask(bridge, "/sessions", book.owner)
            seen.append((reply.status, reply.text == wanted))

    threads = [threading.Thread(target=knock) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(seen) == {(200, True): 120, (429, False): 40}
