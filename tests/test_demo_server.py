"""The demo API on a real port."""

import asyncio
import gc
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from small_bridges import PREFIX, Book, ask, session_path, token, with_switches

from bridgeboard.demo.api import Bridge, Faults
from bridgeboard.demo.server import Server


@pytest.fixture
def book() -> Book:
    book = Book()
    book.call(0, session="a b%é🙂", prompts=[(0, "hi")])
    return book


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """A socket that is not closed warns when it is collected, and warnings are errors."""
    before = set(threading.enumerate())
    yield
    gc.collect()
    assert set(threading.enumerate()) == before


def client(server: Server, book: Book, **more: object) -> httpx.Client:
    headers = {"Coder-Session-Token": token(book.owner)}
    return httpx.Client(base_url=server.url, headers=headers, trust_env=False, **more)


def struck(book: Book, kind: str, **more: float) -> Bridge:
    return book.bridge(switches=with_switches(faults=Faults(1, (kind,), **more)))


def test_a_port_gives_the_same_answers_as_the_bridge(book: Book) -> None:
    with Server(book.bridge()) as server, client(server, book) as http:
        for path in ("/sessions", "/models", session_path("a b%é🙂"), "//sessions", "/nope"):
            response = http.get(PREFIX + path)
            assert response.content == ask(book.bridge(), path, book.owner).answer.body
            assert response.headers["X-Coder-Build-Version"] == "v2.34.1+1d9ccb7"


def test_an_async_client_is_served_too(book: Book) -> None:
    async def statuses(url: str) -> list[int]:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            replies = await asyncio.gather(*(http.get("/api/v2/buildinfo") for _ in range(5)))
        return [reply.status_code for reply in replies]

    with Server(book.bridge()) as server:
        assert asyncio.run(statuses(server.url)) == [200] * 5


def test_a_head_request_has_no_body(book: Book) -> None:
    with Server(book.bridge()) as server, client(server, book) as http:
        response = http.head(PREFIX + "/sessions")
        assert (response.status_code, response.content) == (400, b"")
        assert http.get(PREFIX + "/sessions").status_code == 200


def test_a_server_is_upgraded_by_another_bridge(book: Book) -> None:
    with Server(book.bridge()) as server, client(server, book) as http:
        assert http.get(PREFIX + "/interceptions").status_code == 200
        server.bridge = book.bridge(profile="v2.35")
        assert http.get(PREFIX + "/interceptions").status_code == 400
        assert http.get("/api/v2/ai-gateway/sessions").status_code == 200


def test_a_stopped_server_frees_its_port_and_may_start_again(book: Book) -> None:
    server = Server(book.bridge())
    with server:
        port = httpx.URL(server.url).port
    assert port is not None
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
    with Server(book.bridge(), port=port) as again, client(again, book) as http:
        assert again.url == f"http://127.0.0.1:{port}"
        assert http.get("/api/v2/buildinfo").status_code == 200
    again.stop()
    with again, client(again, book) as http:
        assert http.get("/api/v2/buildinfo").status_code == 200


def test_a_server_that_does_not_run_has_no_url(book: Book) -> None:
    server = Server(book.bridge())
    for _ in range(2):
        with pytest.raises(RuntimeError, match="start it first"):
            _ = server.url
        with server:
            assert server.url.startswith("http://127.0.0.1:")


def test_a_port_in_use_is_an_error_that_leaves_nothing_behind(book: Book) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Server(book.bridge(), port=taken.getsockname()[1]).start()


def test_whoever_waits_for_a_server_is_woken_by_its_end(book: Book) -> None:
    with Server(book.bridge()) as server:
        waiter = threading.Thread(target=server.wait)
        waiter.start()
    waiter.join()
    server.wait()


def test_a_dropped_connection_is_closed_without_an_answer(book: Book) -> None:
    with (
        Server(struck(book, "dropped")) as server,
        client(server, book) as http,
        pytest.raises(httpx.RemoteProtocolError, match="without sending a response"),
    ):
        http.get(PREFIX + "/sessions")


def test_a_truncated_answer_breaks_in_its_middle(book: Book) -> None:
    with (
        Server(struck(book, "truncated")) as server,
        client(server, book) as http,
        pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"),
    ):
        http.get(PREFIX + "/sessions")


def test_a_dripped_answer_arrives_whole(book: Book) -> None:
    with (
        Server(struck(book, "dripped", drip_seconds=0.001)) as server,
        client(server, book) as http,
    ):
        response = http.get(PREFIX + "/sessions")
    assert response.content == ask(book.bridge(), "/sessions", book.owner).answer.body


def test_a_stalled_answer_times_out_on_the_callers_side(book: Book) -> None:
    with (
        Server(struck(book, "stalled")) as server,
        client(server, book, timeout=httpx.Timeout(5, read=0.05)) as http,
        pytest.raises(httpx.ReadTimeout),
    ):
        http.get(PREFIX + "/sessions")


def test_a_stalled_connection_dies_in_the_end(book: Book) -> None:
    with (
        Server(struck(book, "stalled", stall_seconds=0.01)) as server,
        client(server, book) as http,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        http.get(PREFIX + "/sessions")


def test_a_server_stops_while_an_answer_is_stalled(book: Book) -> None:
    asked = threading.Event()

    class Telling(Bridge):
        def answer(self, *args: object, **named: object) -> object:
            asked.set()
            return super().answer(*args, **named)

    faults = Faults(1, ("stalled",), stall_seconds=3600)
    bridge = Telling(book.tables(), tokens={}, switches=with_switches(faults=faults))
    server = Server(bridge).start()
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(httpx.get, server.url + "/api/v2/buildinfo", trust_env=False)
        assert asked.wait(60)
        server.stop()
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            pending.result(60)


def test_a_server_leaves_the_processs_logging_alone(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("uvicorn", "uvicorn.error", "uvicorn.access")
    loggers = [logging.getLogger(name) for name in names]
    before = [(log.level, list(log.handlers), log.propagate) for log in loggers]
    with (
        caplog.at_level(logging.WARNING),
        Server(struck(book, "truncated")) as server,
        client(server, book) as http,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        http.get(PREFIX + "/sessions")
    assert [(log.level, list(log.handlers), log.propagate) for log in loggers] == before
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


def test_a_request_line_of_many_kilobytes_is_read(book: Book) -> None:
    with Server(book.bridge()) as server, client(server, book) as http:
        query = 'model:"' + "x" * 60_000 + '"'
        assert http.get(PREFIX + "/sessions", params={"q": query}).json()["count"] == 0
