"""Paging the threads of a session (api-contract 2.5, 4.6)."""

from typing import Any

import pytest
from small_bridges import (
    Book,
    Reply,
    ids,
    wire_time,
)

UNKNOWN_ID = "12345678-1234-4234-8234-123456789abc"


@pytest.fixture
def book() -> Book:
    return Book()


def counts(usage: dict[str, Any]) -> tuple[int, ...]:
    return tuple(value for key, value in usage.items() if key != "metadata")


# Paging: the setup of V107-V113


@pytest.fixture
def three(book: Book) -> Book:
    for hour in range(3):
        book.call(60 * hour, session="s")
    return book


def bounds(reply: Reply) -> list[str | None]:
    return [reply.json.get("page_started_at"), reply.json.get("page_ended_at")]


def test_v107_threads_come_oldest_first(three: Book) -> None:
    reply = three.ask("/sessions/s")
    assert ids(reply) == [row.id for row in three.calls]
    assert bounds(reply) == [wire_time(0), wire_time(121)]


def test_v108_a_limit_keeps_the_oldest(three: Book) -> None:
    reply = three.ask("/sessions/s", limit=1)
    assert ids(reply) == [three.calls[0].id]
    assert bounds(reply) == [wire_time(0), wire_time(1)]


def test_v109_after_id_tells_newer_threads(three: Book) -> None:
    first, second, third = (row.id for row in three.calls)
    assert ids(three.ask("/sessions/s", after_id=first, limit=1)) == [second]
    assert ids(three.ask("/sessions/s", after_id=second)) == [third]


def test_v110_an_empty_page_has_no_bounds(three: Book) -> None:
    reply = three.ask("/sessions/s", after_id=three.calls[2].id)
    assert (reply.status, reply.json["threads"]) == (200, [])
    assert "page_" not in reply.text


def test_v111_before_id_tells_older_threads_from_the_oldest_on(three: Book) -> None:
    first, second, third = (row.id for row in three.calls)
    reply = three.ask("/sessions/s", before_id=third)
    assert ids(reply) == [first, second]
    assert bounds(reply) == [wire_time(0), wire_time(61)]
    assert ids(three.ask("/sessions/s", before_id=third, limit=1)) == [first]


def test_v113_both_cursors_together_are_refused(three: Book) -> None:
    reply = three.ask("/sessions/s", after_id=UNKNOWN_ID, before_id=UNKNOWN_ID)
    assert (reply.status, reply.json) == (
        400,
        {"message": "Cannot use both after_id and before_id in the same request."},
    )


@pytest.mark.parametrize("nothing", ["", "00000000-0000-0000-0000-000000000000"])
def test_an_empty_and_the_zero_cursor_count_as_none(three: Book, nothing: str) -> None:
    reply = three.ask("/sessions/s", after_id=nothing, before_id=three.calls[1].id)
    assert ids(reply) == [three.calls[0].id]


def test_v114_the_summary_speaks_of_the_whole_session(book: Book) -> None:
    for hour in range(3):
        root = book.call(60 * hour, session="s")
        child = book.call(60 * hour + 1, root=root)
        book.token_row(
            root, 100, 50, 20, 5, metadata={"cache_read_input": 20, "cache_creation_input": 5}
        )
        book.token_row(child, 200, 100, 30, 0, metadata={"cache_read_input": 30})
    detail = book.ask("/sessions/s", limit=1).json
    (thread,) = detail["threads"]
    assert counts(thread["token_usage"]) == (300, 150, 50, 5)
    summary = detail["token_usage_summary"]
    assert counts(summary) == (900, 450, 150, 15)
    assert summary["metadata"] == {"cache_creation_input": 15, "cache_read_input": 150}


@pytest.mark.parametrize("name", ["after_id", "before_id"])
def test_v115_an_unknown_cursor_is_refused(three: Book, name: str) -> None:
    reply = three.ask("/sessions/s", **{name: UNKNOWN_ID})
    assert (reply.status, reply.json) == (
        400,
        {
            "message": "Invalid pagination cursor.",
            "detail": f"execute transaction: {name}: interception {UNKNOWN_ID} not found:"
            " invalid pagination cursor",
        },
    )


@pytest.mark.parametrize("name", ["after_id", "before_id"])
def test_v116_a_cursor_of_another_session_is_refused(three: Book, name: str) -> None:
    other = three.call(0)
    reply = three.ask("/sessions/s", **{name: other.id})
    assert reply.status == 400
    assert reply.json["detail"] == (
        f"execute transaction: {name}: interception {other.id} does not belong to session s:"
        " invalid pagination cursor"
    )


def sixty(book: Book) -> dict[str, Any]:
    for minute in range(60):
        row = book.call(2 * minute, session="long", tools=["Read"])
        book.token_row(row, 1, 2, 3, 4, metadata={"n": 1})
    detail: dict[str, Any] = book.ask("/sessions/long", limit=200).json
    return detail


def test_v117_threads_beyond_the_first_fifty_have_no_tokens(book: Book) -> None:
    detail = sixty(book)
    usages = [thread["token_usage"] for thread in detail["threads"]]
    assert [counts(usage) for usage in usages] == [(1, 2, 3, 4)] * 50 + [(0, 0, 0, 0)] * 10
    assert [usage["metadata"] for usage in usages] == [{"n": 1}] * 50 + [{}] * 10
    actions = [thread["agentic_actions"][0]["token_usage"] for thread in detail["threads"]]
    assert actions == usages


def test_v117_the_summary_counts_all_but_its_metadata_only_fifty(book: Book) -> None:
    summary = sixty(book)["token_usage_summary"]
    assert counts(summary) == (60, 120, 180, 240)
    assert summary["metadata"] == {"n": 50}


def test_v117_the_fifty_are_the_sessions_first_whatever_the_page(book: Book) -> None:
    sixty(book)
    page = book.ask("/sessions/long", after_id=book.calls[47].id, limit=4).json
    inputs = [thread["token_usage"]["input_tokens"] for thread in page["threads"]]
    assert inputs == [1, 1, 0, 0]
    assert page["token_usage_summary"]["metadata"] == {"n": 50}


def test_without_a_limit_fifty_threads_come(book: Book) -> None:
    sixty(book)
    assert len(ids(book.ask("/sessions/long"))) == 50


def test_v119_a_child_may_be_a_cursor(book: Book) -> None:
    first = book.call(0, session="s")
    book.call(3, session="s")
    child = book.call(5, root=first)
    last = book.call(8, session="s")
    assert ids(book.ask("/sessions/s", after_id=child.id)) == [last.id]


def test_an_unfinished_row_may_be_a_cursor(book: Book) -> None:
    first = book.call(0, session="s")
    running = book.call(5, session="s", lasts=None)
    assert ids(book.ask("/sessions/s", before_id=running.id)) == [first.id]


def test_v120_a_shared_id_shows_threads_of_both_under_the_more_active_ones_head(
    book: Book,
) -> None:
    other = book.person("other")
    first = book.call(0, session="s", tokens=[(1, 1)], client="Codex", prompts=[(0, "hi")])
    second = book.call(10, session="s", who=other, tokens=[(20, 20)], model="gpt-4")
    detail = book.ask("/sessions/s").json
    assert detail["initiator"]["username"] == "other"
    assert detail["models"] == ["gpt-4"]
    assert "client" not in detail
    assert counts(detail["token_usage_summary"])[:2] == (20, 20)
    assert [thread["id"] for thread in detail["threads"]] == [first.id, second.id]
    assert detail["page_started_at"] == wire_time(0) != detail["started_at"]


@pytest.mark.parametrize("limit", ["0", "201", "abc", "-1", "1.5", "99999999999999999999"])
def test_v121_a_limit_out_of_range_is_refused(three: Book, limit: str) -> None:
    reply = three.ask("/sessions/s", limit=limit)
    assert (reply.status, reply.json) == (
        400,
        {
            "message": "Invalid limit query parameter.",
            "detail": "Limit must be between 1 and 200.",
        },
    )


@pytest.mark.parametrize("name", ["after_id", "before_id"])
@pytest.mark.parametrize(
    ("cursor", "detail"),
    [
        ("abc", "invalid UUID length: 3"),
        (UNKNOWN_ID.replace("-", "x"), "invalid UUID format"),
        (f"urx:uuid:{UNKNOWN_ID}", 'invalid urn prefix: "urx:uuid:"'),
    ],
)
def test_v122_a_cursor_that_is_no_uuid_is_refused(
    three: Book, name: str, cursor: str, detail: str
) -> None:
    reply = three.ask("/sessions/s", **{name: cursor})
    message = f"Invalid {name} query parameter."
    assert (reply.status, reply.json) == (400, {"message": message, "detail": detail})


def test_the_checks_come_in_order(three: Book) -> None:
    asked: list[tuple[dict[str, str], str, str]] = [
        (
            {"after_id": "x", "before_id": "x", "limit": "0"},
            "t",
            "Invalid after_id query parameter.",
        ),
        ({"before_id": "x", "limit": "0"}, "t", "Invalid before_id query parameter."),
        ({"after_id": UNKNOWN_ID, "limit": "0"}, "t", "Invalid limit query parameter."),
        ({"after_id": UNKNOWN_ID}, "t", "Session not found."),
        ({"after_id": UNKNOWN_ID}, "s", "Invalid pagination cursor."),
    ]
    told = [three.ask(f"/sessions/{session}", **p).json["message"] for p, session, _ in asked]
    assert told == [message for _, _, message in asked]


def test_search_and_offset_mean_nothing_to_one_session(three: Book) -> None:
    plain = three.ask("/sessions/s").text
    assert three.ask("/sessions/s", q="foo:bar", offset="x").text == plain
