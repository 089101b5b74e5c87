"""GET /interceptions: walks, filters, rows (api-contract 2.3, 5.2)."""

import json
import random
from dataclasses import replace

import pytest
from small_bridges import NOW, Book, ask, at, ids, validation, wire_time

from bridgeboard.demo.api import asking, lists
from bridgeboard.demo.api.deployment import ERAS
from bridgeboard.demo.api.http_answers import stamper
from bridgeboard.demo.api.index import Index
from bridgeboard.demo.records import PromptRow, TokenRow

INVALID = "Query parameters have invalid values."
UNKNOWN_ID = "12345678-1234-4234-8234-123456789abc"


@pytest.fixture
def book() -> Book:
    return Book()


def test_v6_an_empty_bridge_lists_no_interceptions(book: Book) -> None:
    assert book.ask("/interceptions").text == '{"count":0,"results":[]}\n'


def many(book: Book) -> set[str]:
    """V17's rows: ten of one instant, ten of others."""
    dice = random.Random(17)  # noqa: S311 -- a test's dice
    for n in range(10):
        book.call(0, id=f"{n:02d}{UNKNOWN_ID[2:]}")
    for _ in range(10):
        book.call(-dice.uniform(1, 1000))
    return {row.id for row in book.calls}


def test_v17_a_walk_by_cursor_meets_every_row_once_whatever_the_ties(book: Book) -> None:
    everything = many(book)
    bridge = book.bridge()

    def walk() -> list[str]:
        seen: list[str] = []
        while True:
            after = seen[-1] if seen else None
            reply = ask(bridge, "/interceptions", book.owner, limit=1, after_id=after)
            assert reply.json["count"] == 20
            if not reply.json["results"]:
                return seen
            seen += ids(reply)

    first = walk()
    assert (len(first), set(first)) == (20, everything)
    assert first[:10] == sorted(first[:10], reverse=True)
    assert walk() == first


def test_v18_a_walk_by_offset_meets_every_row_once(book: Book) -> None:
    everything = many(book)
    bridge = book.bridge()
    pages = [
        ask(bridge, "/interceptions", book.owner, limit=1, offset=offset) for offset in range(21)
    ]
    assert {page.json["count"] for page in pages} == {20}
    seen = [row for page in pages for row in ids(page)]
    assert (len(seen), set(seen)) == (20, everything)
    assert seen == ids(ask(bridge, "/interceptions", book.owner))


def test_v19_a_limit_beyond_a_thousand_is_refused(book: Book) -> None:
    reply = book.ask("/interceptions", limit=1001)
    assert (reply.status, reply.json) == (
        400,
        {
            "message": "Invalid pagination limit value.",
            "detail": "Pagination limit must be in range (0, 1000]",
        },
    )


def test_v20_a_cursor_and_an_offset_exclude_each_other(book: Book) -> None:
    row = book.call(0)
    reply = book.ask("/interceptions", after_id=row.id, offset=1)
    assert (reply.status, reply.json) == (
        400,
        {
            "message": INVALID,
            "detail": "Cannot use both after_id and offset pagination in the same request.",
        },
    )
    assert book.ask("/interceptions", after_id=row.id, offset=0).status == 200


def test_v21_an_unfinished_row_is_invisible(book: Book) -> None:
    done = book.call(0)
    book.call(1, lasts=None)
    reply = book.ask("/interceptions")
    assert (reply.json["count"], ids(reply)) == (1, [done.id])


def test_v23_a_cursor_among_equal_starts_goes_by_the_id(book: Book) -> None:
    first, second, _ = (book.call(0) for _ in range(3))
    older = book.call(-1)
    assert ids(book.ask("/interceptions", after_id=second.id)) == [first.id, older.id]


def test_v24_an_unfinished_row_may_be_a_cursor(book: Book) -> None:
    before = book.call(-1)
    running = book.call(0, lasts=None)
    book.call(1)
    reply = book.ask("/interceptions", after_id=running.id)
    assert (reply.json["count"], ids(reply)) == (2, [before.id])


def test_an_unknown_cursor_is_refused_with_its_id(book: Book) -> None:
    reply = book.ask("/interceptions", after_id=UNKNOWN_ID.upper())
    assert (reply.status, reply.json) == (
        400,
        {
            "message": "Invalid pagination cursor.",
            "detail": f"execute transaction: after_id: interception {UNKNOWN_ID} not found:"
            " invalid pagination cursor",
        },
    )


def test_a_cursor_need_not_match_the_filters(book: Book) -> None:
    older = book.call(-1, model="b")
    row = book.call(0, model="a")
    assert ids(book.ask("/interceptions", after_id=row.id, q="model:b")) == [older.id]


# The filter set of V25-V41


@pytest.fixture
def three(book: Book) -> Book:
    """F1, F2 and F3; their ids are kept in the models' order: one, two, three."""
    user2 = book.person("user2")
    book.call(0, model="one", provider="one")
    book.call(-60, model="two", provider="two", client="Cursor")
    book.call(-120, model="three", provider="three", client="Claude Code", who=user2)
    return book


def after(minutes: float) -> str:
    return f'started_after:"{wire_time(minutes)}"'


def before(minutes: float) -> str:
    return f'started_before:"{wire_time(minutes)}"'


CASES = [
    pytest.param("", "one two three", id="v25 no filter keeps all"),
    pytest.param(f"initiator:{UNKNOWN_ID}", "", id="v26 an unknown initiator's id matches nothing"),
    pytest.param("initiator:me", "one two", id="v27 me is the caller"),
    pytest.param("initiator:user2", "three", id="v29 a user name is looked up"),
    pytest.param("provider:nonsense", "", id="v30 an unknown provider matches nothing"),
    pytest.param("provider:two", "two", id="v31 a provider matches exactly"),
    pytest.param("model:nonsense", "", id="v32 an unknown model matches nothing"),
    pytest.param("model:three", "three", id="v33 a model matches exactly"),
    pytest.param(after(10), "", id="v37 nothing started after the last"),
    pytest.param(after(-70), "one two", id="v38 started_after keeps the later"),
    pytest.param(before(-130), "", id="v39 nothing started before the first"),
    pytest.param(before(-110), "three", id="v40 started_before keeps the earlier"),
    pytest.param(f"{after(-70)} {before(-50)}", "two", id="v41 a window keeps what is within"),
    pytest.param(f"{after(10)} {before(20)}", "", id="v41 an empty window keeps nothing"),
    pytest.param("user2", "three", id="free text is an initiator"),
    pytest.param("USER2", "three", id="user names have no case"),
    pytest.param("client:Unknown", "one", id="a missing client is Unknown"),
    pytest.param("client:cursor", "", id="a client has case"),
    pytest.param(
        "initiator:00000000-0000-0000-0000-000000000000",
        "one two three",
        id="the zero id is no filter",
    ),
]


@pytest.mark.parametrize(("query", "models"), CASES)
def test_v25_to_v41_a_filter_keeps_its_rows_and_count_is_their_number(
    three: Book, query: str, models: str
) -> None:
    reply = three.ask("/interceptions", q=query)
    assert [row["model"] for row in reply.json["results"]] == models.split()
    assert reply.json["count"] == len(models.split())


@pytest.mark.parametrize("form", ["{}", "{{{}}}", "urn:uuid:{}"])
def test_an_initiator_may_be_written_in_any_form_of_a_uuid(three: Book, form: str) -> None:
    user2 = three.people[-1].id
    reply = three.ask("/interceptions", q=f'initiator:"{form.format(user2)}"')
    assert reply.json["count"] == 1


def test_rows_of_deleted_people_stay_but_are_found_by_id_only(book: Book) -> None:
    gone = book.person("gone", deleted=True)
    book.call(0, who=gone)
    assert book.ask("/interceptions").json["results"][0]["initiator"]["username"] == "gone"
    assert book.ask("/interceptions", q=f"initiator:{gone.id}").json["count"] == 1
    assert validation(book.ask("/interceptions", q="initiator:gone"))[0] == "initiator"


# What a row tells


def test_v131_a_bare_row_tells_null_where_it_may_and_empty_arrays(book: Book) -> None:
    row = book.call(0, lasts=None, metadata=None)
    view = Index(book.tables()).view(None, None)
    asked = asking.Ask(book.owner, {}, view, ERAS["v2.34"], stamper(0))
    assert lists.interception(asked, row) == {
        "id": row.id,
        "api_key_id": None,
        "initiator": {"id": book.owner.id, "username": "owner"},
        "provider": "anthropic",
        "provider_name": "anthropic",
        "model": "claude-4",
        "client": None,
        "metadata": None,
        "started_at": "2026-05-20T12:00:00Z",
        "ended_at": None,
        "token_usages": [],
        "user_prompts": [],
        "tool_usages": [],
    }


def test_a_full_row_tells_everything_with_its_children_by_time(book: Book) -> None:
    who = book.person("ann", name="Ann Ω", avatar_url="https://x/a.png")
    row = book.call(
        0,
        who=who,
        tokens=[(1, 2, 3, 4)],
        tools=["Read", "Edit"],
        client="Codex",
        metadata={"Username": "ann"},
        api_key_id="key",
        provider_name="bedrock-eu",
    )
    texts = [(3, "third"), (1, "first"), (2, "second")]
    book.prompts += [PromptRow(book.id(), row.id, at(when), text) for when, text in texts]
    (told,) = book.ask("/interceptions").json["results"]
    assert told["initiator"]["name"] == "Ann Ω"
    assert told["initiator"]["avatar_url"] == "https://x/a.png"
    assert (told["client"], told["api_key_id"]) == ("Codex", "key")
    assert told["provider_name"] == "bedrock-eu"
    assert told["ended_at"] == "2026-05-20T12:01:00Z"
    assert [p["prompt"] for p in told["user_prompts"]] == ["first", "second", "third"]
    assert [t["tool"] for t in told["tool_usages"]] == ["Read", "Edit"]
    assert told["tool_usages"][0] == {
        "id": book.tools[0].id,
        "interception_id": row.id,
        "provider_response_id": "",
        "server_url": "",
        "tool": "Read",
        "injected": False,
        "input": "{}",
        "invocation_error": "",
        "metadata": None,
        "created_at": "2026-05-20T12:00:01Z",
    }
    assert told["token_usages"] == [
        {
            "id": book.tokens[0].id,
            "interception_id": row.id,
            "provider_response_id": "resp",
            "input_tokens": 1,
            "output_tokens": 2,
            "cache_read_input_tokens": 3,
            "cache_write_input_tokens": 4,
            "metadata": None,
            "created_at": "2026-05-20T12:00:00Z",
        }
    ]


def test_negative_token_counts_pass_through(book: Book) -> None:
    row = book.call(0)
    book.tokens.append(TokenRow(book.id(), row.id, NOW, input_tokens=-5))
    (told,) = book.ask("/interceptions").json["results"]
    assert told["token_usages"][0]["input_tokens"] == -5


HOSTILE = '<script>alert("&")</script> ![x](http://x) \x1b[31m \u202e\u2028 🙂 e\u0301 \\u003c'


def test_hostile_text_passes_unharmed_and_safe_for_a_web_page(book: Book) -> None:
    book.call(0, model=HOSTILE, prompts=[(0, HOSTILE)], client=HOSTILE)
    for path in ("/interceptions", "/sessions", "/models", "/clients"):
        reply = book.ask(path)
        assert not set("<>&\u2028") & set(reply.text)
        assert '\\u003cscript\\u003ealert(\\"\\u0026\\")' in reply.text
        assert json.dumps(HOSTILE) in json.dumps(reply.json)


def test_a_megabyte_of_tool_input_passes_through(book: Book) -> None:
    row = book.call(0, tools=["Write"])
    big = json.dumps({"content": "x<y " * 262_144})
    book.tools = [replace(book.tools[0], input=big)]
    (told,) = book.ask("/interceptions").json["results"]
    assert told["tool_usages"][0]["input"] == big
    (thread,) = book.ask(f"/sessions/{row.id}").json["threads"]
    assert thread["agentic_actions"][0]["tool_calls"][0]["input"] == big
