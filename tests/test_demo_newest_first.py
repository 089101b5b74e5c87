"""A demo server that knows its newest calls first."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from demo_worlds import END
from small_bridges import PREFIX, Book, at, session_path, token, wire_time

from bridgeboard.demo.api import Bridge
from bridgeboard.demo.newest_first import NewestFirst
from bridgeboard.demo.records import Tables
from bridgeboard.demo.server import Server
from bridgeboard.demo.world import make

SINCE = -10
"""The minute from which on the newest bridge has all calls."""


@dataclass
class Making:
    """A server whose older calls are made once ``may_finish`` is set."""

    server: Server
    http: httpx.Client
    may_finish: threading.Event

    def get(self, path: str, **params: str) -> httpx.Response:
        return self.http.get(PREFIX + path, params=params)


@pytest.fixture
def making() -> Iterator[Making]:
    whole, newest = Book(), Book()
    for book in (whole, newest):
        book.call(-5, session="new")
    whole.call(-60, session="old")
    may_finish = threading.Event()

    def make_whole() -> Bridge:
        may_finish.wait(60)
        return whole.bridge()

    source = NewestFirst(newest.bridge(), at(SINCE), at(0), make_whole)
    headers = {"Coder-Session-Token": token(whole.owner)}
    with (
        Server(source) as server,
        httpx.Client(base_url=server.url, headers=headers, trust_env=False) as http,
    ):
        yield Making(server, http, may_finish)
    may_finish.set()


def since(minutes: float) -> str:
    return f'started_after:"{wire_time(minutes)}"'


def test_what_the_newest_calls_tell_is_told_before_the_others_are_made(making: Making) -> None:
    assert making.get("/interceptions", q=since(SINCE)).json()["count"] == 1
    assert making.get("/sessions", q=since(1)).json()["count"] == 0
    assert making.http.get("/api/v2/users/me").json()["username"] == "owner"


@pytest.mark.parametrize(
    ("path", "params", "count"),
    [
        ("/interceptions", {}, 2),
        ("/interceptions", {"q": since(SINCE - 51)}, 2),
        ("/sessions", {}, 2),
        ("/sessions", {"q": since(SINCE)}, 1),
        ("/interceptions", {"q": "started_after:yesterday"}, None),
        (session_path("old"), {}, None),
        ("/models", {}, None),
    ],
)
def test_what_older_calls_have_a_part_in_waits_for_them(
    making: Making, path: str, params: dict[str, str], count: int | None
) -> None:
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(making.get, path, **params)
        assert making.get("/interceptions", q=since(SINCE)).status_code == 200
        assert not pending.done()
        making.may_finish.set()
        answer = pending.result(10)
    assert answer.status_code == (400 if "yesterday" in str(params) else 200)
    if count is not None:
        assert answer.json()["count"] == count


def test_a_server_stops_while_a_request_waits_for_older_calls(making: Making) -> None:
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(httpx.get, making.server.url + PREFIX + "/models", trust_env=False)
        assert making.get("/interceptions", q=since(SINCE)).status_code == 200
        making.server.stop()
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, httpx.ConnectError)):
            pending.result(10)


def test_a_request_that_is_given_up_takes_the_older_calls_from_no_other() -> None:
    book, may_finish = Book(), threading.Event()

    def make_whole() -> Bridge:
        may_finish.wait(60)
        return book.bridge()

    source = NewestFirst(book.bridge(), at(SINCE), at(0), make_whole)

    async def ask() -> Bridge:
        given_up = asyncio.create_task(source.bridge(PREFIX + "/models", b""))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        may_finish.set()
        return await source.bridge(PREFIX + "/models", b"")

    assert isinstance(asyncio.run(ask()), Bridge)


def test_spend_of_a_month_waits_for_older_calls_and_groups_do_not() -> None:
    newest, whole, may_finish = Book().bridge(), Book().bridge(), threading.Event()

    def make_whole() -> Bridge:
        may_finish.wait(60)
        return whole

    source = NewestFirst(newest, at(SINCE), at(0), make_whole)

    async def ask() -> tuple[Bridge, Bridge]:
        spend = asyncio.create_task(source.bridge("/api/v2/users/me/ai/spend", b""))
        groups = await source.bridge("/api/v2/groups", b"")
        await asyncio.sleep(0)
        assert not spend.done()
        may_finish.set()
        return groups, await spend

    groups, spend = asyncio.run(ask())
    assert (groups is newest, spend is whole) == (True, True)


def test_the_newest_days_of_a_world_are_the_same_without_the_older_ones() -> None:
    since = END - timedelta(days=4)
    whole, newest = (
        make(8, end=END, days=14, scale=0.1, since=one).tables for one in (None, since)
    )
    ids = {row.id for row in whole.interceptions if row.started_at >= since}

    def calls(tables: Tables) -> list[object]:
        children = (*tables.tokens, *tables.prompts, *tables.tools, *tables.thoughts)
        return [
            *(row for row in tables.interceptions if row.id in ids),
            *(row for row in children if row.interception_id in ids),
        ]

    assert calls(newest) == calls(whole)
    assert {row.id for row in newest.interceptions} == ids
    assert newest.people == whole.people
