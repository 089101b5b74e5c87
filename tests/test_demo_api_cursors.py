"""What a filter changes in a session row, and the cursor's defects (api-contract 2.4, 4.3)."""

import itertools
from typing import Any

import pytest
from small_bridges import Book, Reply, ids, session_path, wire_time

Row = dict[str, Any]


@pytest.fixture
def book() -> Book:
    return Book()


Row = dict[str, Any]


def rows(book: Book, **params: Any) -> list[Row]:
    found: list[Row] = book.ask("/sessions", **params).json["sessions"]
    return found


def only(book: Book, **params: Any) -> Row:
    (row,) = rows(book, **params)
    return row


def tokens(row: Row) -> tuple[int, ...]:
    return tuple(row["token_usage_summary"].values())


def after(minutes: float) -> str:
    return f'started_after:"{wire_time(minutes)}"'


def before(minutes: float) -> str:
    return f'started_before:"{wire_time(minutes)}"'


# What filters change and what the cursor makes of it


def test_v81_a_filter_changes_some_fields_and_not_others(book: Book) -> None:
    book.call(0, session="S", model="haiku", prompts=[(0, "early")])
    book.call(20, session="S", model="opus", prompts=[(20, "late")])
    book.call(10, session="T", model="haiku")
    book.call(5, session="U", model="haiku")
    listed = rows(book, q="model:haiku")
    assert [row["id"] for row in listed] == ["T", "U", "S"]
    hit = listed[2]
    changed = {key: hit[key] for key in ("started_at", "ended_at", "threads", "last_active_at")}
    assert changed == {
        "started_at": wire_time(0),
        "ended_at": wire_time(1),
        "threads": 1,
        "last_active_at": wire_time(0),
    }
    assert (hit["models"], hit["last_prompt"]) == (["haiku", "opus"], "late")


def walk(book: Book, limit: int, pages: int, query: str) -> list[list[str]]:
    """Page by the cursor of each page's last row."""
    seen: list[list[str]] = []
    cursor = None
    for _ in range(pages):
        reply = book.ask("/sessions", q=query, limit=limit, after_session_id=cursor)
        seen.append(ids(reply))
        cursor = seen[-1][-1] if seen[-1] else cursor
    return seen


def test_v81_a_cursor_under_a_filter_goes_round_for_ever(book: Book) -> None:
    book.call(0, session="S", model="haiku", prompts=[(0, "early")])
    book.call(20, session="S", model="opus", prompts=[(20, "late")])
    book.call(10, session="T", model="haiku")
    book.call(5, session="U", model="haiku")
    pages = walk(book, 1, 7, "model:haiku")
    assert list(itertools.chain(*pages)) == ["T", "U", "S", "T", "U", "S", "T"]


def test_v83_a_cursor_under_a_time_filter_repeats_page_one_but_offsets_are_sound(
    book: Book,
) -> None:
    for n in range(5):
        book.call(n, session=f"s{n}", prompts=[(n, "early")])
        book.call(100 + n, session=f"s{n}", prompts=[(100 + n, "late")])
    assert walk(book, 2, 4, before(50)) == [["s4", "s3"]] * 4
    offsets = [ids(book.ask("/sessions", q=before(50), limit=2, offset=o)) for o in (0, 2, 4)]
    assert offsets == [["s4", "s3"], ["s2", "s1"], ["s0"]]


def test_v84_a_session_of_which_only_a_child_matches_has_no_threads(book: Book) -> None:
    root = book.call(0, model="opus", prompts=[(0, "the root's")])
    book.call(5, root=root, model="haiku")
    row = only(book, q="model:haiku")
    assert row["threads"] == 0
    assert row["started_at"] == row["last_active_at"] == wire_time(5)
    assert row["last_prompt"] == "the root's"


def test_v85_a_cursor_of_a_shared_id_repeats_rows(book: Book) -> None:
    alice, bob = book.person("alice"), book.person("bob")
    book.call(0, session="X", who=alice)
    book.call(30, session="X", who=bob)
    book.call(10, session="Y", who=alice)

    def told(reply: Reply) -> list[tuple[str, str]]:
        return [(row["initiator"]["username"], row["id"]) for row in reply.json["sessions"]]

    assert told(book.ask("/sessions")) == [("bob", "X"), ("alice", "Y"), ("alice", "X")]
    again = book.ask("/sessions", after_session_id="X")
    assert told(again) == [("alice", "Y"), ("alice", "X")]
    assert again.json["count"] == 3


def test_v86_a_child_of_an_unfinished_root_is_a_session_without_threads(book: Book) -> None:
    root = book.call(0, lasts=None, tokens=[(1000, 1000)], prompts=[(0, "unseen")])
    book.call(1, root=root, tokens=[(5, 7)])
    row = only(book)
    assert (row["id"], row["threads"], tokens(row)[:2]) == (root.id, 0, (5, 7))
    assert "last_prompt" not in row
    detail = book.ask(session_path(root.id))
    assert (detail.status, detail.json["threads"]) == (200, [])


def test_v87_a_child_in_another_session_counts_there_and_is_shown_nowhere(book: Book) -> None:
    root = book.call(0, session="A", tokens=[(1, 1)])
    book.call(1, session="B", root=root, tokens=[(10, 10)])
    listed = {row["id"]: (row["threads"], tokens(row)[:2]) for row in rows(book)}
    assert listed == {"A": (1, (1, 1)), "B": (0, (10, 10))}
    assert book.ask("/sessions/B").json["threads"] == []
    (thread,) = book.ask("/sessions/A").json["threads"]
    assert (thread["id"], thread["token_usage"]["input_tokens"]) == (root.id, 1)


def test_v89_of_equal_starts_the_smaller_id_comes_first(book: Book) -> None:
    low = book.id()
    book.call(0, session="s", client=None, metadata={"n": 5})
    book.call(0, id=low, session="s", client="Codex", metadata={"n": 2})
    row = only(book)
    assert (row["client"], row["metadata"]) == ("Codex", {"n": 2})


def test_a_first_interception_without_a_client_hides_all_later_ones(book: Book) -> None:
    book.call(0, session="s")
    book.call(1, session="s", client="Codex")
    assert only(book)["client"] is None
    assert "client" not in book.ask("/sessions/s").json


def test_v90_an_empty_newest_prompt_hides_the_earlier_ones(book: Book) -> None:
    book.call(0, prompts=[(1, "hello"), (2, "")])
    row = only(book)
    assert "last_prompt" not in row
    assert row["last_active_at"] == wire_time(2)


def test_v91_an_offset_beyond_the_end_is_an_empty_page(book: Book) -> None:
    book.call(0)
    assert book.ask("/sessions", offset=5).json == {"count": 1, "sessions": []}


def test_v145_a_cursor_under_a_filter_may_skip_rows_too(book: Book) -> None:
    root = book.call(0, session="S", prompts=[(0, "hi")])
    book.call(100, root=root)
    book.call(50, session="T", prompts=[(50, "hi")])
    book.call(20, session="U", prompts=[(20, "hi")])
    listed = rows(book, q=after(10))
    assert [row["id"] for row in listed] == ["S", "T", "U"]
    assert listed[0]["last_active_at"] == wire_time(100)
    assert ids(book.ask("/sessions", q=after(10), after_session_id="S")) == []
    assert ids(book.ask("/sessions", q=after(10), offset=1)) == ["T", "U"]


def test_v146_tokens_under_a_time_filter_are_the_whole_sessions(book: Book) -> None:
    book.call(0, session="s", tokens=[(100, 0)])
    book.call(100, session="s", tokens=[(7, 0)])
    row = only(book, q=after(50))
    assert (row["threads"], row["started_at"], tokens(row)[0]) == (1, wire_time(100), 107)
