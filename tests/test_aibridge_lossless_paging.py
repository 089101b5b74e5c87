from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from aibridge_wire import (
    ALICE,
    BOB,
    OLD,
    Wire,
    answer,
    connected,
    session_row,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aibridge import (
    DecodeError,
    IncompleteError,
    Rejected,
    ServerError,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Sessions:
    """A list of sessions, latest activity first, that changes after each page it gives."""

    def __init__(self, names: list[str], *, hours_apart: float = 2) -> None:
        self.active = {name: -number * hours_apart for number, name in enumerate(names)}
        self.changes: dict[int, Callable[[Sessions], object]] = {}
        self.pages = 0
        self.now = 0.0

    @property
    def names(self) -> list[str]:
        return sorted(self.active, key=lambda name: -self.active[name])

    def wake(self, name: str, late: float = 0) -> None:
        """Active now, or so many hours before the walk began: then it tells of it only now."""
        self.now += 0.01
        self.active[name] = -late if late else self.now

    def __call__(self, request: httpx.Request) -> dict[str, Any]:
        limit, offset = (int(request.url.params.get(key, 0)) for key in ("limit", "offset"))
        page = [
            session_row(
                name, last_active_at=(NOON + timedelta(hours=self.active[name])).isoformat()
            )
            for name in self.names[offset : offset + limit]
        ]
        said = {"count": len(self.active), "sessions": page}
        self.changes.get(self.pages, lambda _server: None)(self)
        self.pages += 1
        return said


def numbered(count: int) -> list[str]:
    return [f"s{number:03d}" for number in range(count)]


def names_of(client: Any, size: int, **options: Any) -> list[str]:
    return [row.id for row in client.sessions(page_size=size, **options)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10, 11, 1000])
def test_a_quiet_list_is_read_once_and_in_order(kind: str, size: int) -> None:
    with connected(kind, Wire(sessions=Sessions(numbered(10)))) as client:
        assert names_of(client, size) == numbered(10)


def test_an_empty_list_is_read_in_one_request(kind: str) -> None:
    server = Sessions([])
    with connected(kind, Wire(sessions=server)) as client:
        assert names_of(client, 10) == []
    assert server.pages == 1


def test_a_list_of_one_page_is_a_snapshot_and_needs_no_second_look(kind: str) -> None:
    server = Sessions(numbered(9))
    with connected(kind, Wire(sessions=server)) as client:
        assert names_of(client, 10) == numbered(9)
    assert server.pages == 1


def test_a_long_quiet_list_costs_one_page_more_than_it_has(kind: str) -> None:
    server = Sessions(numbered(95))
    with connected(kind, Wire(sessions=server)) as client:
        assert names_of(client, 20) == numbered(95)
    assert server.pages == 6


def test_a_new_session_pushes_rows_down_and_none_is_told_twice(kind: str) -> None:
    server = Sessions(numbered(10))
    server.changes[1] = lambda it: it.wake("new")
    with connected(kind, Wire(sessions=server)) as client:
        told = names_of(client, 3)
    assert Counter(told) == Counter([*numbered(10), "new"])


def test_a_session_that_wakes_up_behind_the_reader_is_not_missed(kind: str) -> None:
    server = Sessions(numbered(10))
    server.changes[0] = lambda it: it.wake("s008")
    with connected(kind, Wire(sessions=server)) as client:
        told = names_of(client, 4)
    assert Counter(told) == Counter(numbered(10))


def test_a_session_that_vanishes_does_not_take_another_with_it(kind: str) -> None:
    server = Sessions(numbered(10))
    server.changes[0] = lambda it: it.active.pop("s001")
    with connected(kind, Wire(sessions=server)) as client:
        told = names_of(client, 4)
    assert Counter(told) == Counter(numbered(10))


def test_after_a_gap_the_reader_goes_back_by_a_page_and_not_to_the_same_rows(kind: str) -> None:
    server = Sessions(numbered(12))
    server.changes[1] = lambda it: [it.active.pop(name) for name in ("s000", "s001", "s002")]
    wire = Wire(sessions=server)
    with connected(kind, wire) as client:
        told = names_of(client, 4)
    assert Counter(told) == Counter(numbered(12))
    offsets = [int(asked.url.params.get("offset", 0)) for asked in wire.asked[1:]]
    assert offsets[:4] == [0, 3, 6, 3]
    # The list is read down once, its head once again, and but one page twice.
    assert offsets[4:] == [6, 0]


def test_vanishing_and_waking_at_once_does_not_deceive_the_count(kind: str) -> None:
    def change(it: Sessions) -> None:
        it.active.pop("s001")
        it.wake("s008")

    server = Sessions(numbered(10))
    server.changes[0] = change
    with connected(kind, Wire(sessions=server)) as client:
        told = names_of(client, 4)
    assert Counter(told) == Counter(numbered(10))


@pytest.mark.parametrize("late", [0.2, 0.9])
def test_a_request_that_ends_late_is_found_below_the_head(kind: str, late: float) -> None:
    server = Sessions(numbered(40), hours_apart=0.1)
    server.changes[2] = lambda it: it.wake("s035", late)
    with connected(kind, Wire(sessions=server)) as client:
        told = names_of(client, 4)
    assert Counter(told) == Counter(numbered(40))


changes = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.sampled_from(["new", "wake", "late", "gone"]),
        st.integers(0, 60),
    ),
    max_size=9,
)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 40), st.integers(1, 12), st.sampled_from([0.1, 2]), changes)
def test_whatever_moves_every_session_that_stays_is_told_once_or_the_walk_fails(
    count: int, size: int, hours_apart: float, moves: list[tuple[int, str, int]]
) -> None:
    server = Sessions(numbered(count), hours_apart=hours_apart)

    def apply(it: Sessions, what: str, where: int) -> None:
        name = it.names[where % len(it.names)] if it.names and what != "new" else f"new{where}"
        if what == "gone":
            it.active.pop(name, None)
        else:
            it.wake(name, where / 61 if what == "late" else 0)

    for page in {page for page, _, _ in moves}:
        due = [(what, where) for at, what, where in moves if at == page]
        server.changes[page] = lambda it, due=due: [apply(it, *each) for each in due]
    with connected("sync", Wire(sessions=server), prefix=OLD) as client:
        try:
            told = names_of(client, size)
        except IncompleteError:
            return
    assert len(set(told)) == len(told)
    assert set(numbered(count)) & set(server.active) <= set(told)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 40), st.integers(2, 12), st.lists(st.integers(0, 8), max_size=3))
def test_a_few_sessions_that_wake_never_fail_a_walk(
    count: int, size: int, pages: list[int]
) -> None:
    server = Sessions(numbered(count))
    for page in pages:
        server.changes[page] = lambda it: it.active and it.wake(it.names[-1])
    with connected("sync", Wire(sessions=server), prefix=OLD) as client:
        assert Counter(names_of(client, size)) == Counter(numbered(count))


def test_two_people_with_one_session_id_are_two_rows(kind: str) -> None:
    rows = [session_row("s", who=ALICE), session_row("s", who=BOB)]
    with connected(kind, Wire(sessions={"count": 2, "sessions": rows})) as client:
        assert [str(row.initiator.id) for row in client.sessions()] == [ALICE, BOB]


def test_a_server_that_repeats_its_page_for_ever_is_left_with_an_error(kind: str) -> None:
    rows = [session_row(name) for name in numbered(5)]
    wire = Wire(sessions={"count": 500, "sessions": rows})
    with connected(kind, wire) as client, pytest.raises(IncompleteError, match="500 sessions"):
        names_of(client, 5)
    assert len(wire.asked) < 100


@pytest.mark.parametrize("count", [7, 10**12])
def test_a_count_beyond_what_is_listed_is_an_error_and_no_endless_search(
    kind: str, count: int
) -> None:
    server = Sessions(numbered(5))
    wire = Wire(sessions=lambda request: server(request) | {"count": count})
    with connected(kind, wire) as client, pytest.raises(IncompleteError, match="5 could be read"):
        names_of(client, 2)
    assert len(wire.asked) < 200


def test_a_list_that_never_keeps_still_is_said_to_have_kept_changing(kind: str) -> None:
    server = Sessions(numbered(6), hours_apart=0.01)
    wire = Wire(sessions=lambda request: server(request) | {"count": 5 + server.pages % 2})
    with (
        connected(kind, wire) as client,
        pytest.raises(IncompleteError, match="kept changing while it was read: 6 were") as caught,
    ):
        names_of(client, 2)
    assert "could be read" not in str(caught.value)


@pytest.mark.parametrize("count", [0, -3])
def test_a_count_below_what_is_listed_does_not_cut_the_list(kind: str, count: int) -> None:
    server = Sessions(numbered(5))
    wire = Wire(sessions=lambda request: server(request) | {"count": count})
    with connected(kind, wire) as client:
        assert names_of(client, 2) == numbered(5)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_server_that_gives_less_than_asked_for_is_read_to_its_end(kind: str, most: int) -> None:
    server = Sessions(numbered(10))

    def sparing(request: httpx.Request) -> dict[str, Any]:
        said = server(request)
        return said | {"sessions": said["sessions"][:most]}

    with connected(kind, Wire(sessions=sparing)) as client:
        assert names_of(client, 6) == numbered(10)


def test_a_server_that_gives_more_than_asked_for_is_read_once(kind: str) -> None:
    rows = [session_row(name) for name in numbered(5)]

    def generous(request: httpx.Request) -> dict[str, Any]:
        return {"count": 5, "sessions": rows[int(request.url.params.get("offset", 0)) :]}

    with connected(kind, Wire(sessions=generous)) as client:
        assert names_of(client, 2) == numbered(5)


def test_an_unreadable_row_is_handed_over_once_and_the_walk_goes_on(kind: str) -> None:
    server = Sessions(numbered(10))

    def spoilt(request: httpx.Request) -> dict[str, Any]:
        said = server(request)
        rows = [row | {"threads": "x"} if row["id"] == "s004" else row for row in said["sessions"]]
        return said | {"sessions": rows}

    heard: list[Rejected] = []
    with connected(kind, Wire(sessions=spoilt)) as client:
        told = names_of(client, 3, on_rejected=heard.append)
        assert told == [name for name in numbered(10) if name != "s004"]
        assert [row.reason.split(":")[0] for row in heard] == ["threads"]
        with pytest.raises(DecodeError, match="on_rejected"):
            names_of(client, 3)


@pytest.mark.parametrize("size", [3, 4, 1000])
def test_unreadable_rows_without_identity_count_as_many_as_they_are(kind: str, size: int) -> None:
    server = Sessions(numbered(10))

    def spoilt(request: httpx.Request) -> dict[str, Any]:
        said = server(request)
        rows = [None if row["id"] in {"s004", "s005"} else row for row in said["sessions"]]
        return said | {"sessions": rows}

    heard: list[Rejected] = []
    with connected(kind, Wire(sessions=spoilt)) as client:
        told = names_of(client, size, on_rejected=heard.append)
    assert told == [name for name in numbered(10) if name not in {"s004", "s005"}]
    assert [row.raw for row in heard] == ["null", "null"]


def test_an_unreadable_row_whose_id_is_no_text_is_handed_over(kind: str) -> None:
    rows = [session_row("s1"), session_row("s2") | {"id": ["s2"]}]
    heard: list[Rejected] = []
    with connected(kind, Wire(sessions={"count": 2, "sessions": rows})) as client:
        assert names_of(client, 9, on_rejected=heard.append) == ["s1"]
    assert len(heard) == 1


def test_an_error_in_the_middle_of_a_walk_is_raised_and_not_passed_over(kind: str) -> None:
    server = Sessions(numbered(10))

    def failing(request: httpx.Request) -> Any:
        if request.url.params.get("offset") == "4":
            return answer({"message": "Internal error getting AI Bridge sessions."}, 500)
        return server(request)

    with connected(kind, Wire(sessions=failing)) as client, pytest.raises(ServerError):
        names_of(client, 3)


def test_an_iterator_asks_for_nothing_before_it_is_used() -> None:
    wire = Wire(sessions=Sessions(numbered(10)))
    with connected("sync", wire, prefix=OLD) as client:
        walk = client.sessions(page_size=2)
        assert wire.asked == []
        assert next(walk).id == "s000"
        assert len(wire.asked) == 1
