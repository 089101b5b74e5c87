"""Lists of which some page always fails: the rest is read, and what is missing is told."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bridge_transport
import demo_sync
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_cases import one_fast
from small_bridges import NOW, PREFIX, Book, ask, at

from aibridge import AIBridgeError, ServerError, SessionPage
from bridgeboard import sync
from bridgeboard.analysis import completeness
from bridgeboard.demo import api
from bridgeboard.demo.api.deployment import Profile
from bridgeboard.store import Store
from bridgeboard.sync import Options, failing_pages
from bridgeboard.sync.failing_pages import readable_sessions
from bridgeboard.sync.windows import Span

OOPS = {"message": "Internal error getting AI Bridge sessions.", "detail": "oops"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with demo_sync.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def book() -> Book:
    return Book()


def days(number: float) -> float:
    """So many days ago, in the minutes that a book counts in."""
    return -number * 24 * 60


def served(book: Book, profile: Profile = "v2.34") -> api.Bridge:
    return demo_sync.bridge(book.tables(), profile=profile)


def run(
    store: Store,
    bridge: api.Bridge,
    now: datetime = NOW,
    struck: Callable[[httpx.Request], bool] = lambda _: False,
    **options: Any,
) -> None:
    """One whole run against a server that fails with 500 on whatever is struck."""
    whole = bridge_transport.Transport(bridge)

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500, json=OOPS) if struck(request) else whole.handle_request(request)

    with demo_sync.client(bridge, transport=httpx.MockTransport(answer)) as asking:
        for _ in sync.run(asking, store, Options(**options), now):
            pass


def listed(store: Store) -> set[str]:
    return {id_ for (id_,) in store.rows("SELECT id FROM sessions")}


@pytest.mark.parametrize("profile", ["v2.34", "v2.35", "newer"])
def test_the_demo_server_fails_on_a_session_whose_first_metadata_is_null_as_the_real_one_does(
    book: Book, profile: Profile
) -> None:
    first = book.call(0, session="bad", metadata=None)
    book.call(1, session="bad", metadata={"n": 1})
    book.call(2, session="good")
    book.call(3, session="good", metadata=None)
    bridge = book.bridge(profile=profile)
    whole = ask(bridge, "/sessions", book.owner)
    assert (whole.status, whole.json["message"][:14]) == (500, "Internal error")
    good = ask(bridge, "/sessions", book.owner, limit=1)
    assert [row["id"] for row in good.json["sessions"]] == ["good"]
    behind = ask(bridge, "/sessions", book.owner, offset=2)
    assert behind.json == {"count": 2, "sessions": []}
    assert ask(bridge, "/sessions/bad", book.owner).status == 500
    if profile == "v2.34":
        (_, _, _, told) = ask(bridge, "/interceptions", book.owner).json["results"]
        assert (told["id"], told["metadata"]) == (first.id, None)


@pytest.mark.parametrize("profile", one_fast(["v2.34", "v2.35"]))
def test_a_session_that_spoils_every_page_is_left_out_and_all_others_are_read(
    store: Store, book: Book, profile: Profile
) -> None:
    for number in range(40):
        book.call(days(3 + number / 10), session=f"s{number}", tokens=[(5, 1)])
    for number in range(4):
        start = days(5 - number / 2)
        book.call(start, session="bad", metadata=None, tokens=[(7, 1)])
    run(store, served(book, profile))
    assert listed(store) == {f"s{number}" for number in range(40)}
    assert store.rows("SELECT count(*) FROM sessions WHERE detailed_at IS NULL") == [(0,)]
    assert store.rows("SELECT outcome FROM runs") == [("done",)]
    assert store.rows("SELECT count(*) FROM windows WHERE done_at IS NULL") == [(0,)]
    left = completeness.left_out(store)
    assert {one.since and one.since.date() for one in left} == {
        at(days(number)).date() for number in (3.5, 4, 4.5, 5)
    }
    assert {(one.kind, one.rows) for one in left} == {("sessions", 1)}
    assert all("metadata" in one.reason for one in left)


def test_a_session_that_is_listed_again_is_no_longer_left_out(store: Store, book: Book) -> None:
    book.call(days(0.1), session="good")
    bad = book.call(days(0.2), session="bad", metadata=None)
    run(store, served(book))
    assert len(completeness.left_out(store)) == 1
    book.calls.remove(bad)
    book.call(days(0.2), session="bad", id=bad.id)
    run(store, served(book), NOW + timedelta(minutes=1))
    assert completeness.left_out(store) == []
    assert listed(store) == {"good", "bad"}


@pytest.mark.parametrize("path", one_fast(["/sessions", "/interceptions"]))
def test_a_window_that_fails_whatever_is_asked_of_it_is_cut_down_to_the_moment(
    store: Store, book: Book, path: str
) -> None:
    for number in range(9):
        book.call(days(2) + number, session=f"s{number}", tokens=[(5, 1)])
    moment = at(days(2) + 4)

    def struck(request: httpx.Request) -> bool:
        return request.url.path.endswith(path) and _covers(request, moment)

    run(store, served(book), struck=struck)
    assert store.rows("SELECT outcome FROM runs") == [("done",)]
    assert listed(store) == {f"s{number}" for number in range(9)} - (
        {"s4"} if path == "/sessions" else set()
    )
    requests = 9 if path == "/sessions" else 8
    assert store.rows("SELECT count(*) FROM usage WHERE grain = 'interception'") == [(requests,)]
    (left,) = completeness.left_out(store)
    assert left.since
    assert left.until
    assert left.since <= moment < left.until
    assert left.until - left.since < timedelta(microseconds=8)


def _covers(request: httpx.Request, moment: datetime) -> bool:
    found = re.findall(r'started_(after|before):"(.+?)"', request.url.params.get("q", ""))
    bounds = {name: datetime.fromisoformat(text) for name, text in found}
    return bounds.get("after", moment) <= moment <= bounds.get("before", moment)


def test_a_list_that_fails_altogether_ends_the_run_and_leaves_nothing_out(
    store: Store, book: Book
) -> None:
    book.call(days(1), session="s")
    with pytest.raises(ServerError):
        run(store, served(book), struck=lambda request: request.url.path.endswith("/sessions"))
    assert completeness.left_out(store) == []
    assert store.rows("SELECT count(*) FROM usage") == [(1,)]
    run(store, served(book))
    assert listed(store) == {"s"}


moments = st.datetimes(datetime(2019, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # made aware


@given(st.none() | moments, st.none() | moments)
def test_halves_touch_are_the_window_and_come_to_an_end(
    since: datetime | None, until: datetime | None
) -> None:
    if since and until and since >= until:
        since, until = until, since + timedelta(microseconds=1)
    newer, depth = Span(since, until), 0
    older = newer
    while parts := failing_pages.halves(newer, NOW):
        assert (parts[1].since, parts[1].until, parts[0].until) == (
            newer.since, parts[0].since, newer.until,
        )  # fmt: skip
        newer, depth = parts[0], depth + 1
    while parts := failing_pages.halves(older, NOW):
        older, depth = parts[1], depth + 1
    assert depth < 120


@settings(deadline=None)
@given(st.sets(st.integers(0, 60)), st.integers(1, 60))
def test_sifting_reads_every_row_but_the_spoiled_ones(spoiled: set[int], count: int) -> None:
    book = Book()
    rows = [book.call(-number, session=f"s{number}") for number in range(count)]
    bad = {row.session_id for number, row in enumerate(rows) if number in spoiled}
    bridge = book.bridge()
    asked = 0

    def page(first: int, size: int) -> SessionPage:
        nonlocal asked
        asked += 1
        told = ask(bridge, "/sessions", book.owner, offset=first, limit=size)
        if bad & {row["id"] for row in told.json["sessions"]}:
            raise ServerError("500")
        return SessionPage.model_validate_json(told.text)

    def check(_: AIBridgeError) -> None:
        pass

    found = readable_sessions(page, count, check)
    assert {row.id for row in found.rows} == {row.session_id for row in rows} - bad
    assert found.spoiled == len(bad)
    assert asked <= 1 + 2 * len(bad) * (count.bit_length() + 1)


def test_what_no_row_is_to_blame_for_is_raised(book: Book) -> None:
    first = ServerError("the first")
    down = httpx.MockTransport(lambda _: httpx.Response(502, text="Bad Gateway"))
    options = {"prefix": PREFIX, "retry": demo_sync.at_once(0)}
    with (
        demo_sync.client(served(book), transport=down, **options) as client,
        pytest.raises(ServerError, match="the first"),
    ):
        failing_pages.check(client.sessions_page, first)
    with demo_sync.client(served(book)) as client:
        failing_pages.check(client.sessions_page, first)
