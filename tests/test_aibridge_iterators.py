from collections.abc import Callable
from typing import Any

import httpx
import pytest
from aibridge_wire import (
    Wire,
    answer,
    connected,
    detail,
    interception_row,
    thread_row,
    uuid,
)

from aibridge import (
    CursorError,
    DecodeError,
    IncompleteError,
    NotFoundError,
    Rejected,
)

CURSOR_GONE = {"message": "Invalid pagination cursor.", "detail": "execute transaction: gone"}


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Linked:
    """Interceptions (newest first) or threads (oldest first) by ``after_id``."""

    def __init__(self, count: int, *, is_thread: bool = False) -> None:
        self.numbers = list(range(1, count + 1))
        self.is_thread = is_thread
        self.changes: dict[int, Callable[[list[int]], object]] = {}
        self.row: Callable[[int], Any] = thread_row if is_thread else interception_row
        self.pages = 0

    def __call__(self, request: httpx.Request) -> Any:
        after = request.url.params.get("after_id")
        known = [uuid(number) for number in self.numbers]
        if after is not None and after not in known:
            return answer(CURSOR_GONE, 400)
        begin = known.index(after) + 1 if after else 0
        page = self.numbers[begin : begin + int(request.url.params["limit"])]
        rows = [self.row(number) for number in page]
        said = detail(rows) if self.is_thread else {"count": len(self.numbers), "results": rows}
        self.changes.get(self.pages, lambda _numbers: None)(self.numbers)
        self.pages += 1
        return said


def interception_ids(client: Any, size: int, **options: Any) -> list[int]:
    return [row.id.int & 0xFFFF for row in client.interceptions(page_size=size, **options)]


def thread_ids(client: Any, size: int, **options: Any) -> list[int]:
    return [row.id.int & 0xFFFF for row in client.threads("s", page_size=size, **options)]


@pytest.mark.parametrize(("size", "pages"), [(1, 11), (3, 4), (5, 3), (10, 2), (11, 1)])
def test_interceptions_are_followed_by_id_to_their_end(kind: str, size: int, pages: int) -> None:
    server = Linked(10)
    wire = Wire(interceptions=server)
    with connected(kind, wire) as client:
        assert [number % 256 for number in interception_ids(client, size)] == [
            0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, 0x9, 0x10,
        ]  # fmt: skip  # the last digits of ids are decimal
    assert server.pages == pages
    assert all("offset" not in asked.url.params for asked in wire.asked)


def test_a_walk_over_interceptions_begins_where_it_is_told(kind: str) -> None:
    with connected(kind, Wire(interceptions=Linked(9))) as client:
        assert interception_ids(client, 4, after_id=uuid(7)) == [8, 9]


def test_a_first_cursor_that_does_not_exist_is_the_callers_error(kind: str) -> None:
    wire = Wire(interceptions=Linked(9))
    with connected(kind, wire) as client, pytest.raises(CursorError):
        interception_ids(client, 4, after_id=uuid(99))


def test_a_purge_that_takes_the_cursor_ends_the_walk_whole(kind: str) -> None:
    server = Linked(9)
    server.changes[1] = lambda numbers: numbers.__delitem__(slice(3, None))
    with connected(kind, Wire(interceptions=server)) as client:
        assert interception_ids(client, 2) == [1, 2, 3, 4]


def test_a_purge_that_takes_the_cursor_and_the_one_before_begins_anew(kind: str) -> None:
    server = Linked(9)
    server.changes[2] = lambda numbers: numbers.__delitem__(slice(1, None))
    with connected(kind, Wire(interceptions=server)) as client:
        assert interception_ids(client, 2) == [1, 2, 3, 4, 5, 6]


def test_a_server_that_gives_fewer_interceptions_than_asked_for_is_read_on(kind: str) -> None:
    server = Linked(9)

    def sparing(request: httpx.Request) -> Any:
        said = server(request)
        return said | {"results": said["results"][:2]}

    with connected(kind, Wire(interceptions=sparing)) as client:
        assert interception_ids(client, 5) == list(range(1, 10))


def test_interceptions_that_arrive_meanwhile_do_not_keep_the_walk_from_ending(kind: str) -> None:
    server = Linked(9)
    server.changes[0] = lambda numbers: numbers.insert(0, 90)
    with connected(kind, Wire(interceptions=server)) as client:
        assert interception_ids(client, 5) == list(range(1, 10))


def test_a_list_that_repeats_its_page_is_not_followed_for_ever(kind: str) -> None:
    rows = [interception_row(number) for number in range(1, 4)]
    wire = Wire(interceptions={"count": 99, "results": rows})
    with connected(kind, wire) as client, pytest.raises(IncompleteError, match="repeats"):
        interception_ids(client, 3)
    assert len(wire.asked) == 3


@pytest.mark.parametrize("size", [1, 2, 3, 4, 50])
def test_unreadable_rows_are_handed_over_once_wherever_a_page_ends(kind: str, size: int) -> None:
    server = Linked(9)
    server.row = lambda number: interception_row(
        number, **({"model": None} if number in {1, 4, 5, 9} else {})
    )
    heard: list[Rejected] = []
    with connected(kind, Wire(interceptions=server)) as client:
        told = interception_ids(client, size, on_rejected=heard.append)
    assert told == [2, 3, 6, 7, 8]
    assert [row.reason for row in heard] == ["model: Input should be a valid string"] * 4


def test_a_page_of_rows_without_ids_cannot_be_followed_and_is_not_taken_for_the_end(
    kind: str,
) -> None:
    wire = Wire(interceptions={"count": 9, "results": [{"id": None}, {}]})
    with connected(kind, wire) as client, pytest.raises(IncompleteError):
        interception_ids(client, 2, on_rejected=lambda _row: None)


@pytest.mark.parametrize(("size", "pages"), [(2, 5), (3, 4), (9, 2), (50, 1)])
def test_threads_are_followed_oldest_first(kind: str, size: int, pages: int) -> None:
    server = Linked(9, is_thread=True)
    with connected(kind, Wire().says("/sessions/s", server)) as client:
        assert thread_ids(client, size) == list(range(1, 10))
    assert server.pages == pages


def test_a_purge_of_the_oldest_threads_in_mid_walk_loses_none_of_the_rest(kind: str) -> None:
    server = Linked(9, is_thread=True)
    server.changes[1] = lambda numbers: numbers.__delitem__(slice(0, 5))
    with connected(kind, Wire().says("/sessions/s", server)) as client:
        assert thread_ids(client, 2) == [1, 2, 3, 4, 6, 7, 8, 9]


def test_threads_that_arrive_meanwhile_are_told_too(kind: str) -> None:
    server = Linked(4, is_thread=True)
    server.changes[0] = lambda numbers: numbers.append(5)
    with connected(kind, Wire().says("/sessions/s", server)) as client:
        assert thread_ids(client, 2) == [1, 2, 3, 4, 5]


def test_a_session_that_is_not_there_has_no_threads_but_an_error(kind: str) -> None:
    wire = Wire().says("/sessions/s", answer({"message": "Session not found."}, 404))
    with connected(kind, wire) as client, pytest.raises(NotFoundError, match="Session not found"):
        thread_ids(client, 2)


def test_an_unreadable_thread_is_handed_over_or_raised(kind: str) -> None:
    server = Linked(5, is_thread=True)
    server.row = lambda number: thread_row(number, **({"token_usage": 0} if number == 2 else {}))
    heard: list[Rejected] = []
    with connected(kind, Wire().says("/sessions/s", server)) as client:
        assert thread_ids(client, 2, on_rejected=heard.append) == [1, 3, 4, 5]
        with pytest.raises(DecodeError):
            thread_ids(client, 2)
    assert len(heard) == 1


@pytest.mark.parametrize("is_thread", [True, False])
def test_unreadable_rows_without_identity_count_as_many_as_they_are(
    kind: str, *, is_thread: bool
) -> None:
    server = Linked(5, is_thread=is_thread)
    server.row = lambda number: (
        None if number in {2, 3} else (thread_row if is_thread else interception_row)(number)
    )
    wire = Wire(interceptions=server).says("/sessions/s", server)
    heard: list[Rejected] = []
    with connected(kind, wire) as client:
        ids = thread_ids if is_thread else interception_ids
        assert ids(client, 6, on_rejected=heard.append) == [1, 4, 5]
    assert [row.raw for row in heard] == ["null", "null"]
