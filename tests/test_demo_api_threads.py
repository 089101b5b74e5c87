"""GET /sessions/{id}: threads, actions, ids, credentials (api-contract 4.4, 4.5)."""

from typing import Any

import pytest
from small_bridges import (
    PREFIX,
    Book,
    ask,
    send,
    session_path,
    token,
    wire_time,
)

from bridgeboard.demo.api.threads import masked
from bridgeboard.demo.records import InterceptionRow, ThoughtRow, ToolRow

UNKNOWN_ID = "12345678-1234-4234-8234-123456789abc"


@pytest.fixture
def book() -> Book:
    return Book()


def counts(usage: dict[str, Any]) -> tuple[int, ...]:
    return tuple(value for key, value in usage.items() if key != "metadata")


def test_v99_a_session_opens_with_its_thread(book: Book) -> None:
    book.call(0, session="my-session")
    reply = book.ask("/sessions/my-session")
    assert (reply.status, reply.json["id"]) == (200, "my-session")
    (thread,) = reply.json["threads"]
    assert (thread["model"], thread["provider"]) == ("claude-4", "anthropic")


# The setup of V101-V106


@pytest.fixture
def login(book: Book) -> Book:
    root = book.call(
        0,
        session="thread-session",
        prompts=[(0, "implement login feature")],
        tools=["read_file", "list_dir"],
        thoughts=["Where do I start?"],
    )
    child = book.call(1, root=root, tools=["write_file"])
    book.token_row(
        root, 100, 50, 20, 10, metadata={"cache_read_input": 20, "cache_creation_input": 10}
    )
    book.token_row(child, 200, 100, 30, metadata={"cache_read_input": 30})
    return book


def opened(book: Book) -> dict[str, Any]:
    detail: dict[str, Any] = book.ask("/sessions/thread-session").json
    return detail


def test_v101_a_thread_is_its_root(login: Book) -> None:
    (thread,) = opened(login)["threads"]
    assert thread["id"] == login.calls[0].id
    assert thread["prompt"] == "implement login feature"
    assert (thread["model"], thread["provider"]) == ("claude-4", "anthropic")
    assert (thread["started_at"], thread["ended_at"]) == (wire_time(0), wire_time(2))


def test_v102_a_page_lasts_as_long_as_its_threads(login: Book) -> None:
    detail = opened(login)
    assert (detail["page_started_at"], detail["page_ended_at"]) == (wire_time(0), wire_time(2))


def test_v103_a_thread_sums_its_tokens_and_their_metadata(login: Book) -> None:
    (thread,) = opened(login)["threads"]
    assert thread["token_usage"] == {
        "input_tokens": 300,
        "output_tokens": 150,
        "cache_read_input_tokens": 50,
        "cache_write_input_tokens": 10,
        "metadata": {"cache_creation_input": 10, "cache_read_input": 50},
    }


def test_v104_an_interception_with_tools_is_an_action(login: Book) -> None:
    (thread,) = opened(login)["threads"]
    first, second = thread["agentic_actions"]
    assert [call["tool"] for call in first["tool_calls"]] == ["read_file", "list_dir"]
    assert first["thinking"] == [{"text": "Where do I start?"}]
    assert counts(first["token_usage"])[:2] == (100, 50)
    assert second["model"] == "claude-4"


def test_v105_an_action_may_have_no_thinking(login: Book) -> None:
    (thread,) = opened(login)["threads"]
    action = thread["agentic_actions"][1]
    assert [call["tool"] for call in action["tool_calls"]] == ["write_file"]
    assert action["thinking"] == []


def test_a_tool_call_of_an_action_tells_no_error(login: Book) -> None:
    (thread,) = opened(login)["threads"]
    assert set(thread["agentic_actions"][0]["tool_calls"][0]) == {
        "id", "interception_id", "provider_response_id", "server_url", "tool", "injected", "input",
        "metadata", "created_at",
    }  # fmt: skip


def test_the_thinking_of_a_call_without_tools_is_nowhere(book: Book) -> None:
    row = book.call(0, thoughts=["unseen"])
    reply = book.ask(session_path(row.id))
    assert reply.json["threads"][0]["agentic_actions"] == []
    assert "unseen" not in reply.text


def test_children_are_ordered_by_time_then_id(book: Book) -> None:
    row = book.call(0)
    low, high = book.id(), book.id()
    when = row.started_at
    book.tools += [ToolRow(high, row.id, when, "b"), ToolRow(low, row.id, when, "a")]
    book.thoughts += [ThoughtRow(high, row.id, when, "2"), ThoughtRow(low, row.id, when, "1")]
    (action,) = book.ask(session_path(row.id)).json["threads"][0]["agentic_actions"]
    assert [call["tool"] for call in action["tool_calls"]] == ["a", "b"]
    assert [thought["text"] for thought in action["thinking"]] == ["1", "2"]


def test_a_thread_without_a_prompt_on_its_root_tells_none(book: Book) -> None:
    root = book.call(0)
    book.call(1, root=root, prompts=[(1, "a child's")])
    (thread,) = book.ask(session_path(root.id)).json["threads"]
    assert "prompt" not in thread


def test_the_prompt_of_a_thread_is_the_first_of_its_root(book: Book) -> None:
    root = book.call(0, prompts=[(2, "second"), (1, "first")])
    (thread,) = book.ask(session_path(root.id)).json["threads"]
    assert thread["prompt"] == "first"


def test_v132_a_chain_of_three_is_one_thread(book: Book) -> None:
    # A called a tool, B answered it, C answered B's: the server writes A as the root of both.
    first = book.call(0, tools=["Read"])
    second = book.call(1, root=first, tools=["Edit"])
    book.call(2, root=first)
    (thread,) = book.ask(session_path(first.id)).json["threads"]
    assert thread["id"] == first.id
    assert thread["ended_at"] == wire_time(3)
    called = [action["tool_calls"][0] for action in thread["agentic_actions"]]
    assert [call["interception_id"] for call in called] == [first.id, second.id]
    assert book.ask("/sessions").json["sessions"][0]["threads"] == 1


# Session ids


@pytest.mark.parametrize(
    "session",
    ["a:b", "with blank", "50%", "é", "a+b", 'q"uote', "?x=1#y", "🙂", "..", "a\nb", "<b>"],
)
def test_a_session_id_may_be_almost_any_text(book: Book, session: str) -> None:
    book.call(0, session=session)
    reply = book.ask(session_path(session))
    assert (reply.status, reply.json["id"]) == (200, session)


def test_a_plus_in_a_path_is_a_plus(book: Book) -> None:
    book.call(0, session="a+b")
    headers = {"Coder-Session-Token": token(book.owner)}
    assert send(book.bridge(), PREFIX + "/sessions/a+b", headers=headers).status == 200


def test_a_session_id_with_a_slash_is_out_of_reach_but_listed(book: Book) -> None:
    book.call(0, session="a/b")
    assert book.ask(session_path("a/b")).text == "no authentication key provided\n"
    assert book.ask("/sessions", q='session_id:"a/b"').json["count"] == 1


def test_a_session_id_is_compared_exactly(book: Book) -> None:
    book.call(0, session="Abc")
    assert book.ask("/sessions/abc").status == 404


@pytest.mark.parametrize("escaped", ["a%00", "%ff"])
def test_a_session_id_that_no_database_stores_is_an_internal_error(
    book: Book, escaped: str
) -> None:
    headers = {"Coder-Session-Token": token(book.owner)}
    reply = send(book.bridge(), f"{PREFIX}/sessions/{escaped}", headers=headers)
    assert (reply.status, reply.json["message"]) == (500, "Internal error fetching session.")


# Credentials, firewall, errors


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("", ""),
        ("sk-a...efgh", "sk-a...efgh"),
        ("...", "..."),
        ("sk-abcdefgh", "..."),
        ("sk-abcde...vwxyz", "..."),
        ("é...ééééé", "é...ééééé"),
        ("é...éééééé", "..."),
    ],
)
def test_a_hint_that_may_be_a_secret_is_masked(stored: str, told: str) -> None:
    assert masked(stored) == told


def test_a_thread_tells_its_roots_credential(book: Book) -> None:
    root = book.call(0, credential_kind="byok", credential_hint="sk-secret-secret")
    book.call(1, root=root, credential_hint="gh...xy")
    (thread,) = book.ask(session_path(root.id)).json["threads"]
    assert (thread["credential_kind"], thread["credential_hint"]) == ("byok", "...")


def first_thread(book: Book, root: InterceptionRow, profile: str) -> dict[str, Any]:
    reply = ask(book.bridge(profile=profile), session_path(root.session_id), book.owner)
    thread: dict[str, Any] = reply.json["threads"][0]
    return thread


FIREWALL = {"agent_firewall_session_id": UNKNOWN_ID, "agent_firewall_sequence_number": 5}


@pytest.mark.parametrize("profile", ["v2.35", "newer"])
def test_v144_a_thread_tells_the_firewalls_mark_of_its_root(book: Book, profile: str) -> None:
    marked = book.call(0, **FIREWALL)
    plain = book.call(0)
    assert first_thread(book, marked, profile).items() >= FIREWALL.items()
    assert not FIREWALL.keys() & first_thread(book, plain, profile).keys()


def test_an_older_server_tells_neither_firewall_nor_errors(book: Book) -> None:
    row = book.call(0, error_type="timeout", error_message="late", **FIREWALL)
    hidden = {*FIREWALL, "error_type", "error_message"}
    assert not hidden & first_thread(book, row, "v2.34").keys()
    assert hidden & first_thread(book, row, "v2.35").keys() == set(FIREWALL)


def test_a_newer_server_tells_why_the_root_failed(book: Book) -> None:
    failed = book.call(0, error_type="rate_limited", error_message="slow down")
    silent = book.call(0, error_type="unknown")
    messageless = book.call(0, error_message="a message alone is never told")
    child_failed = book.call(0)
    book.call(1, root=child_failed, error_type="timeout")

    def error(row: InterceptionRow) -> dict[str, str]:
        thread = first_thread(book, row, "newer")
        return {key: value for key, value in thread.items() if key.startswith("error_")}

    assert error(failed) == {"error_type": "rate_limited", "error_message": "slow down"}
    assert error(silent) == {"error_type": "unknown"}
    assert error(messageless) == error(child_failed) == {}
