import json
from typing import Any

import httpx
import pytest
from aibridge_wire import (
    OLD,
    TOKEN,
    Wire,
    answer,
    connected,
    detail,
    interception_row,
    session_row,
    text,
    thread_row,
    uuid,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aibridge import ArgumentError, DecodeError, Rejected, Search

KINDS = ["sync", "async"]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_page_of_sessions_is_asked_for_by_query_limit_and_offset(kind: str) -> None:
    wire = Wire(sessions={"count": 0, "sessions": []})
    with connected(kind, wire) as client:
        client.sessions_page(Search(model="GPT 4+%&"), limit=7, offset=14)
    asked = wire.asked[-1]
    assert asked.method == "GET"
    assert asked.url.path == f"{OLD}/sessions"
    assert dict(asked.url.params) == {"q": 'model:"GPT 4+%&"', "limit": "7", "offset": "14"}


def test_the_token_travels_in_its_header_and_nowhere_else(kind: str) -> None:
    wire = Wire(sessions={"count": 0, "sessions": []})
    with connected(kind, wire, user_agent="probe/1") as client:
        client.sessions_page()
        assert TOKEN not in repr(client)
    for asked in wire.asked:
        assert asked.headers["Coder-Session-Token"] == TOKEN
        assert asked.headers["User-Agent"] == "probe/1"
        assert "authorization" not in asked.headers
        assert TOKEN not in str(asked.url)


def test_cookies_of_the_server_are_not_sent_back_since_they_would_outrank_the_token(
    kind: str,
) -> None:
    def set_cookie(_request: httpx.Request) -> httpx.Response:
        said = answer(None)
        said.headers["set-cookie"] = "coder_session_token=other; Path=/"
        return said

    wire = Wire(models=set_cookie)
    with connected(kind, wire) as client:
        client.models()
        client.models()
    assert all("cookie" not in asked.headers for asked in wire.asked)


def test_a_raw_query_is_passed_as_it_is_and_an_empty_one_not_at_all(kind: str) -> None:
    wire = Wire(sessions={"count": 0, "sessions": []})
    with connected(kind, wire) as client:
        client.sessions_page('model:"x" foo')
        client.sessions_page("")
    assert wire.asked[-2].url.params["q"] == 'model:"x" foo'
    assert "q" not in wire.asked[-1].url.params


def test_a_cursor_is_passed_to_each_kind_of_page(kind: str) -> None:
    wire = Wire(
        sessions={"count": 0, "sessions": []},
        interceptions={"count": 0, "results": []},
    ).says("/sessions/s", detail([]))
    with connected(kind, wire) as client:
        client.sessions_page(after_session_id="s 1")
        client.interceptions_page(after_id=uuid(1))
        client.session("s", after_id=uuid(2), limit=200)
        client.session("s", before_id=uuid(3))
    cursors = [dict(asked.url.params) for asked in wire.asked if asked.url.params]
    assert cursors == [
        {"limit": "100", "after_session_id": "s 1"},
        {"limit": "100", "after_id": uuid(1)},
        {"limit": "200", "after_id": uuid(2)},
        {"limit": "50", "before_id": uuid(3)},
    ]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("plain", b"plain"),
        ("a b", b"a%20b"),
        ("a+b", b"a%2Bb"),
        ("%2e", b"%252e"),
        ("%25", b"%2525"),
        ("50%", b"50%25"),
        ("é", b"%C3%A9"),
        ("a?b#c", b"a%3Fb%23c"),
        ("...", b"..."),
        (".a.", b".a."),
        ('"\\', b"%22%5C"),
        ("a:b@c;d=e&f", b"a%3Ab%40c%3Bd%3De%26f"),
        ("\n", b"%0A"),
    ],
)
def test_a_session_id_is_encoded_whole_into_the_path(kind: str, name: str, raw: bytes) -> None:
    asked: list[bytes] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        return answer(detail([], name))

    with connected(kind, server, prefix=OLD) as client:
        assert client.session(name).id == name
    assert asked == [OLD.encode() + b"/sessions/" + raw + b"?limit=50"]


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1))
def test_the_server_decodes_the_very_id_that_was_asked_for(name: str) -> None:
    asked: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return answer(detail([], "s"))

    with connected("sync", server, prefix=OLD) as client:
        client.session(name)
    assert asked == [f"{OLD}/sessions/{name}"]


@pytest.mark.parametrize("name", [".", ".."])
def test_an_id_of_dots_is_not_taken_for_a_step_in_the_path(kind: str, name: str) -> None:
    sent: list[bytes] = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.raw_path)
        return answer(detail([], name))

    with connected(kind, server, prefix=OLD) as client:
        assert client.session(name).id == name
    (path,) = sent
    assert path.partition(b"?")[0] == f"{OLD}/sessions/{'%2E' * len(name)}".encode()


@pytest.mark.parametrize("name", ["", "a/b", "/", "a\0", "\ud800"])
def test_a_session_id_that_no_path_can_hold_is_refused_before_anything_is_sent(
    kind: str, name: str
) -> None:
    wire = Wire()
    with connected(kind, wire) as client:
        with pytest.raises(ArgumentError, match="session id"):
            client.session(name)
        with pytest.raises(ArgumentError, match="session id"):
            client.threads(name)
    assert wire.asked == []


def test_the_refusal_of_an_id_with_a_slash_says_to_use_the_list() -> None:
    with connected("sync", Wire()) as client, pytest.raises(ArgumentError, match=r"Search\("):
        client.session("a/b")


@pytest.mark.parametrize("size", [0, -1, 1001])
def test_a_page_size_the_server_would_not_take_is_refused_at_once(size: int) -> None:
    with connected("sync", Wire()) as client:
        with pytest.raises(ArgumentError, match="between 1 and 1000"):
            client.sessions(page_size=size)
        with pytest.raises(ArgumentError, match="between 1 and 1000"):
            client.interceptions(page_size=size)
        with pytest.raises(ArgumentError, match="between 1 and 200"):
            client.threads("s", page_size=size or 201)


@pytest.mark.parametrize("name", ["models", "clients"])
def test_a_json_null_is_an_empty_list_of_names(kind: str, name: str) -> None:
    with connected(kind, Wire(**{name: answer(None)})) as client:
        assert getattr(client, name)() == ()


def test_names_are_sorted_and_told_once(kind: str) -> None:
    wire = Wire(clients=["Unknown", "Mux", "Unknown", "Claude Code"])
    with connected(kind, wire) as client:
        assert client.clients() == ("Claude Code", "Mux", "Unknown")
    assert dict(wire.asked[-1].url.params) == {"limit": "1000"}


def test_more_than_a_thousand_names_are_all_read(kind: str) -> None:
    every = [f"model-{number:04d}" for number in range(2500)]

    def models(request: httpx.Request) -> Any:
        offset = int(request.url.params.get("offset", 0))
        return every[offset : offset + 1000]

    with connected(kind, Wire(models=models)) as client:
        assert client.models() == tuple(every)


def test_a_server_that_repeats_its_names_does_not_hold_us(kind: str) -> None:
    wire = Wire(models=[f"model-{number}" for number in range(1000)])
    with connected(kind, wire) as client:
        assert len(client.models()) == 1000
    assert len(wire.asked) == 3


@pytest.mark.parametrize("body", [["a", 5], {"a": 1}, "a", 5])
def test_names_that_are_not_names_are_refused(kind: str, body: Any) -> None:
    with (
        connected(kind, Wire(models=answer(body))) as client,
        pytest.raises(DecodeError, match="models"),
    ):
        client.models()


def bad_rows(rows: list[Any]) -> list[Any]:
    return [
        rows[0] | {"started_at": "yesterday"},
        rows[0] | {"started_at": 1777629600},
        rows[0] | {"started_at": "2026-05-01T10:00:00"},
        rows[0] | {"initiator": None},
        {},
        None,
        [],
        "row",
    ]


@pytest.mark.parametrize(
    ("path", "field", "good"),
    [
        ("sessions", "sessions", [session_row("s1"), session_row("s2")]),
        ("interceptions", "results", [interception_row(1), interception_row(2)]),
    ],
)
def test_a_bad_row_does_not_cost_its_neighbours(
    kind: str, path: str, field: str, good: list[Any]
) -> None:
    bad = bad_rows(good)
    rows = [good[0], *bad, good[1]]
    wire = Wire(**{path: {"count": len(rows), field: rows}})
    with connected(kind, wire) as client:
        page = getattr(client, f"{path}_page")()
    assert [str(row.id) for row in getattr(page, field)] == [row["id"] for row in good]
    assert [json.loads(row.raw) for row in page.rejected] == bad
    assert page.rejected[0].reason.startswith("started_at: ")
    assert "yesterday" not in page.rejected[0].reason


def test_a_bad_thread_does_not_cost_its_neighbours(kind: str) -> None:
    bad = thread_row(2, token_usage=TOKEN)
    wire = Wire().says("/sessions/s", detail([thread_row(1), bad, thread_row(3)]))
    with connected(kind, wire) as client:
        found = client.session("s")
    assert [str(thread.id) for thread in found.threads] == [uuid(1), uuid(3)]
    assert [json.loads(row.raw) for row in found.rejected] == [bad]


def test_half_a_character_costs_only_its_row(kind: str) -> None:
    body = json.dumps(
        {"count": 2, "sessions": [session_row("\ud800"), session_row("whole")]}
    ).encode()
    said = httpx.Response(200, content=body, headers={"content-type": "application/json"})
    with connected(kind, Wire(sessions=said)) as client:
        page = client.sessions_page()
    assert [row.id for row in page.sessions] == ["whole"]
    assert len(page.rejected) == 1


def test_a_field_of_the_wire_called_rejected_is_not_taken_for_ours(kind: str) -> None:
    wire = Wire(sessions={"count": 0, "sessions": None, "rejected": [{"raw": "", "reason": ""}]})
    with connected(kind, wire) as client:
        page = client.sessions_page()
    assert page.rejected == ()
    assert page.sessions == ()


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"sessions": []},
        {"count": "1", "sessions": []},
        {"count": 1.5, "sessions": []},
        {"count": 0},
        {"count": 0, "sessions": {}},
        {"count": 0, "sessions": "none"},
        None,
    ],
)
def test_a_page_with_a_wrong_envelope_is_refused(kind: str, body: Any) -> None:
    with (
        connected(kind, Wire(sessions=answer(body))) as client,
        pytest.raises(DecodeError, match="not what the API promises") as caught,
    ):
        client.sessions_page()
    assert caught.value.status == 200


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, '{"count": 1', "1" * 5000, "nope"])
def test_a_body_that_is_not_json_is_refused(kind: str, body: str) -> None:
    with (
        connected(kind, Wire(sessions=text(body, 200, "application/json"))) as client,
        pytest.raises(DecodeError),
    ):
        client.sessions_page()


def test_bytes_that_are_not_unicode_are_refused(kind: str) -> None:
    said = httpx.Response(200, content=b'["\xff"]', headers={"content-type": "application/json"})
    with connected(kind, Wire(models=said)) as client, pytest.raises(DecodeError):
        client.models()


def test_a_login_page_instead_of_json_is_called_one(kind: str) -> None:
    page = text("<!doctype html><title>Sign in</title>", 200, "text/html; charset=utf-8")
    with connected(kind, lambda _request: page) as client:
        with pytest.raises(DecodeError, match="HTML page") as caught:
            client.me()
        assert "login page" in caught.value.advice


def test_the_caller_and_the_licence_are_read(kind: str) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/entitlements"):
            return answer({"features": {"aibridge": {"entitlement": "entitled", "enabled": True}}})
        return answer({"id": uuid(1), "username": "alice", "roles": [{"name": "owner"}]})

    with connected(kind, server) as client:
        assert client.me().roles[0].name == "owner"
        assert client.entitlements().features["aibridge"].enabled


def test_a_rejected_row_is_compared_by_value() -> None:
    assert Rejected(raw="{}", reason="x") == Rejected(raw="{}", reason="x")


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def test_a_server_of_the_first_release_with_sessions_is_understood(kind: str) -> None:
    rows = [without(session_row(f"s{number}"), "last_active_at") for number in range(3)]
    thread = without(thread_row(1), "credential_kind", "credential_hint")

    def page(request: httpx.Request) -> Any:
        limit, offset = (int(request.url.params.get(key, 0)) for key in ("limit", "offset"))
        return {"count": len(rows), "sessions": rows[offset : offset + limit]}

    wire = Wire("v2.32.0", sessions=page).says("/sessions/s0", detail([thread]))
    with connected(kind, wire) as client:
        listed = list(client.sessions(page_size=2))
        threads = list(client.threads("s0"))
    assert [(row.id, row.last_active_at) for row in listed] == [
        ("s0", None),
        ("s1", None),
        ("s2", None),
    ]
    assert [(each.credential_kind, each.credential_hint) for each in threads] == [(None, None)]
