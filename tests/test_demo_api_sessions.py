"""GET /sessions: rows, pages, activity (api-contract 2.4, 4.3)."""

from typing import Any

import pytest
from small_bridges import Book, ask, ids, wire_time

from bridgeboard.demo.records import FirewallLog

Row = dict[str, Any]


@pytest.fixture
def book() -> Book:
    return Book()


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


def test_v7_an_empty_bridge_lists_no_sessions(book: Book) -> None:
    assert book.ask("/sessions").text == '{"count":0,"sessions":[]}\n'


def test_v47_free_text_is_no_search_for_sessions(book: Book) -> None:
    for query in ("foo", '"model:x"'):
        reply = book.ask("/sessions", q=query)
        assert reply.json["message"] == "Invalid session search query."
        assert reply.json["validations"] == [{"field": "q", "detail": "no search key specified"}]


# The setup of V58-V62


@pytest.fixture
def four(book: Book) -> Book:
    root = book.call(
        0,
        session="session-A",
        client="claude-code",
        tokens=[(100, 50), (200, 75)],
        prompts=[(0, "first prompt"), (1, "last prompt in session")],
    )
    book.call(1, root=root, model="claude-4-haiku", client="claude-code")
    lone = book.call(-60, id="b" * 8 + root.id[8:], model="gpt-4", prompts=[(-30, "hi")])
    book.call(-59, root=lone, model="gpt-4")
    book.call(-120, id="c" * 8 + root.id[8:])
    book.call(-180, session="session-multi", prompts=[(-150, "one")])
    book.call(-179, session="session-multi", provider="openai", model="gpt-4")
    return book


def test_v59_a_session_sums_up_its_interceptions(four: Book) -> None:
    row = only(four, q="session_id:session-A")
    assert row == {
        "id": "session-A",
        "initiator": {"id": four.owner.id, "username": "owner"},
        "providers": ["anthropic"],
        "models": ["claude-4", "claude-4-haiku"],
        "client": "claude-code",
        "metadata": {},
        "started_at": "2026-05-20T12:00:00Z",
        "ended_at": "2026-05-20T12:02:00Z",
        "threads": 1,
        "token_usage_summary": {
            "input_tokens": 300,
            "output_tokens": 125,
            "cache_read_input_tokens": 0,
            "cache_write_input_tokens": 0,
        },
        "last_prompt": "last prompt in session",
        "last_active_at": "2026-05-20T12:01:00Z",
    }


def test_v60_a_session_without_an_id_of_its_client_takes_its_roots(four: Book) -> None:
    root = four.calls[2]
    row = only(four, q=f"session_id:{root.id}")
    assert (row["id"], row["threads"]) == (root.id, 1)


def test_v61_a_single_call_is_a_session_and_may_have_no_prompt(four: Book) -> None:
    row = only(four, q=f"session_id:{four.calls[4].id}")
    assert row["threads"] == 1
    assert "last_prompt" not in row


def test_v62_two_roots_are_two_threads(four: Book) -> None:
    row = only(four, q="session_id:session-multi")
    assert row["threads"] == 2
    assert row["providers"] == ["anthropic", "openai"]
    assert row["models"] == ["claude-4", "gpt-4"]


# Paging


def test_v63_pages_go_by_offset_or_by_cursor(book: Book) -> None:
    sessions = [book.call(-60 * hour).id for hour in range(5)]
    first = book.ask("/sessions", limit=2)
    assert (first.json["count"], ids(first)) == (5, sessions[:2])
    by_offset = book.ask("/sessions", limit=2, offset=2)
    by_cursor = book.ask("/sessions", limit=2, after_session_id=sessions[1])
    assert ids(by_offset) == ids(by_cursor) == sessions[2:4]
    assert by_offset.json["count"] == by_cursor.json["count"] == 5


def test_a_cursor_and_an_offset_exclude_each_other(book: Book) -> None:
    row = book.call(0)
    reply = book.ask("/sessions", after_session_id=row.id, offset=1)
    assert reply.json["detail"] == (
        "Cannot use both after_session_id and offset pagination in the same request."
    )
    assert book.ask("/sessions", after_session_id="", offset=1).status == 200


@pytest.mark.parametrize(
    ("cursor", "quoted"),
    [
        ("nonexistent-session-id", '"nonexistent-session-id"'),
        ('a"b\n', '"a\\"b\\n"'),
    ],
)
def test_v65_an_unknown_cursor_is_refused_as_a_quoted_string(
    book: Book, cursor: str, quoted: str
) -> None:
    reply = book.ask("/sessions", after_session_id=cursor)
    assert (reply.status, reply.json) == (
        400,
        {
            "message": "Query parameter has invalid value.",
            "detail": f"after_session_id: session {quoted} not found",
        },
    )


def test_a_session_that_is_only_running_is_no_cursor(book: Book) -> None:
    row = book.call(0, lasts=None)
    assert book.ask("/sessions", after_session_id=row.id).status == 400


def test_a_cursor_that_no_database_stores_is_an_internal_error(book: Book) -> None:
    reply = book.ask("/sessions", after_session_id="a\x00")
    assert (reply.status, reply.json) == (
        500,
        {"message": "Internal error validating after_session_id cursor."},
    )


def test_v66_each_filter_keeps_its_session(book: Book) -> None:
    user2 = book.person("user2")
    book.call(0, session="s1", client="claude-code")
    book.call(-60, session="s2", who=user2, provider="openai", model="gpt-4")
    wanted = {
        "initiator:user2": ["s2"],
        "provider:anthropic": ["s1"],
        "model:gpt-4": ["s2"],
        "client:claude-code": ["s1"],
        after(-30): ["s1"],
        "session_id:s2": ["s2"],
        "session_id:S2": [],
        "session_id:nonexistent": [],
    }
    replies = {query: book.ask("/sessions", q=query) for query in wanted}
    assert {query: ids(reply) for query, reply in replies.items()} == wanted
    assert all(reply.json["count"] == len(ids(reply)) for reply in replies.values())


def test_v67_one_id_of_two_people_is_two_rows(book: Book) -> None:
    other = book.person("other")
    book.call(0, session="shared", tokens=[(100, 50)])
    book.call(1, session="shared", who=other, tokens=[(200, 75)])
    reply = book.ask("/sessions")
    assert (reply.json["count"], ids(reply)) == (2, ["shared", "shared"])
    told = [(row["initiator"]["id"], tokens(row)[:2]) for row in reply.json["sessions"]]
    assert told == [(other.id, (200, 75)), (book.owner.id, (100, 50))]


def test_v68_an_unfinished_session_is_invisible(book: Book) -> None:
    done = book.call(0)
    book.call(0, lasts=None)
    reply = book.ask("/sessions")
    assert (reply.json["count"], ids(reply)) == (1, [done.id])


def test_v69_a_limit_beyond_a_thousand_is_refused(book: Book) -> None:
    reply = book.ask("/sessions", limit=1001)
    assert (reply.status, reply.json["message"]) == (400, "Invalid pagination limit value.")


def test_v71_a_missing_client_is_found_as_unknown_and_told_as_null(book: Book) -> None:
    book.call(0, client="claude-code")
    missing = book.call(0)
    row = only(book, q="client:Unknown")
    assert (row["id"], row["client"]) == (missing.id, None)


def test_v72_metadata_is_the_first_interceptions(book: Book) -> None:
    book.call(1, session="s", metadata={"editor": "jetbrains"})
    book.call(0, session="s", metadata={"editor": "vscode"})
    assert only(book)["metadata"] == {"editor": "vscode"}


def test_v73_a_session_lasts_from_its_earliest_start_to_its_latest_end(book: Book) -> None:
    book.call(0, session="s", lasts=1)
    book.call(2, session="s", lasts=3)
    row = only(book)
    assert (row["started_at"], row["ended_at"]) == (wire_time(0), wire_time(5))


def test_the_latest_end_need_not_be_the_last_starters(book: Book) -> None:
    book.call(0, session="s", lasts=60)
    book.call(2, session="s", lasts=3)
    assert only(book)["ended_at"] == wire_time(60)


def test_v74_the_last_prompt_is_the_newest_of_all_interceptions(book: Book) -> None:
    book.call(0, session="s", prompts=[(0, "earlier")])
    book.call(2, session="s", prompts=[(2, "later")])
    assert only(book)["last_prompt"] == "later"


def test_v75_filters_hold_together_on_one_interception(book: Book) -> None:
    book.call(0, session="all")
    book.call(0, session="other model", model="gpt-4")
    book.call(-60, session="too old")
    # This session satisfies each filter, but no single interception of it all three.
    book.call(-60, session="split")
    book.call(0, session="split", provider="openai")
    reply = book.ask("/sessions", q=f"provider:anthropic model:claude-4 {after(-30)}")
    assert (reply.json["count"], ids(reply)) == (1, ["all"])


def test_v77_without_a_limit_a_hundred_rows_come(book: Book) -> None:
    for minute in range(3):
        book.call(minute)
    assert len(rows(book)) == 3
    for minute in range(100):
        book.call(minute)
    reply = book.ask("/sessions")
    assert (reply.json["count"], len(ids(reply))) == (103, 100)


# Activity


def activity(book: Book, **sessions: tuple[float, float | None]) -> list[Row]:
    """List sessions that are given as (start, time of their prompt), both in hours."""
    for name, (start, prompt) in sessions.items():
        texts = [] if prompt is None else [(60 * prompt, "hi")]
        book.call(60 * start, session=name, prompts=texts)
    return rows(book)


def test_v78_sessions_come_by_their_newest_prompt(book: Book) -> None:
    listed = activity(book, a=(0, 0), b=(-1, -0.5), c=(-2, -1))
    assert [row["id"] for row in listed] == ["a", "b", "c"]
    assert [row["last_active_at"] for row in listed] == [wire_time(m) for m in (0, -30, -60)]


def test_v79_without_a_prompt_a_session_is_active_at_its_start(book: Book) -> None:
    listed = activity(book, A=(0, 0), B=(-1, None), C=(-2, -0.5))
    assert [row["id"] for row in listed] == ["A", "C", "B"]
    assert listed[2]["last_active_at"] == wire_time(-60)


def test_v80_a_late_prompt_lifts_an_old_session(book: Book) -> None:
    listed = activity(book, X=(0, 0), Y=(-2, -0.5), Z=(-1, -1))
    assert [row["id"] for row in listed] == ["X", "Y", "Z"]


def test_equal_activity_is_ordered_by_the_text_of_the_id_downwards(book: Book) -> None:
    for name in ("a", "B", "é", "🙂", "aa", "\uffff"):
        book.call(0, session=name)
    assert [row["id"] for row in rows(book)] == ["🙂", "\uffff", "é", "aa", "a", "B"]


# Newer servers


def network_calls(book: Book) -> dict[str, Any]:
    reply = ask(book.bridge(profile="newer"), "/sessions", book.owner)
    return {row["id"]: row.get("network_calls", "absent") for row in reply.json["sessions"]}


FIREWALL, OTHER = "f" * 8 + "-0000-4000-8000-000000000001", "f" * 8 + "-0000-4000-8000-000000000002"


def marked(book: Book, session: str, sequence: int, firewall: str = FIREWALL) -> None:
    book.call(
        sequence,
        session=session,
        agent_firewall_session_id=firewall,
        agent_firewall_sequence_number=sequence,
    )


def test_v143_network_calls_belong_to_the_interception_before_them(book: Book) -> None:
    marked(book, "sess-A", 0)
    marked(book, "sess-B", 3)
    book.call(0, session="plain")
    denied = {1, 3}
    book.logs += [FirewallLog(FIREWALL, number, number not in denied) for number in range(6)]
    assert network_calls(book) == {
        "sess-A": {"total": 2, "blocked": 1},
        "sess-B": {"total": 2, "blocked": 0},
        "plain": "absent",
    }


def test_v143_a_session_sums_over_its_firewall_sessions(book: Book) -> None:
    marked(book, "s", 0)
    marked(book, "s", 5, OTHER)
    for firewall, sequence in ((FIREWALL, 1), (OTHER, 6), (OTHER, 7)):
        book.logs.append(FirewallLog(firewall, sequence, allowed=False))
    assert network_calls(book) == {"s": {"total": 3, "blocked": 3}}


def test_v143_a_quiet_firewall_tells_zeros(book: Book) -> None:
    marked(book, "quiet", 0)
    assert network_calls(book) == {"quiet": {"total": 0, "blocked": 0}}


def test_older_servers_tell_no_network_calls(book: Book) -> None:
    marked(book, "s", 0)
    for profile in ("v2.34", "v2.35"):
        bridge = book.bridge(profile=profile)
        assert "network_calls" not in ask(bridge, "/sessions", book.owner).text


def test_servers_since_the_rename_word_their_errors_anew(book: Book) -> None:
    for profile in ("v2.35", "newer"):
        bridge = book.bridge(profile=profile)
        failed = ask(bridge, "/sessions", book.owner, q="model:\x00")
        assert failed.json["message"] == "Internal error getting AI Gateway sessions."
        for name in ("models", "clients"):
            reply = ask(bridge, f"/{name}", book.owner, q="foo:bar")
            assert reply.json["message"] == f"Invalid AI Gateway {name} search query."
