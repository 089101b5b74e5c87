"""Who gets in: licence, tokens, roles (api-contract 1.1 to 1.5)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from small_bridges import NOW, PREFIX, UNLIMITED, Book, ask, send, token, validation, with_switches

from bridgeboard.demo import api
from bridgeboard.demo.api import Bridge, Key
from bridgeboard.demo.api.deployment import Profile
from bridgeboard.demo.api.query_parameters import parse_query
from bridgeboard.demo.records import Provider

SIGNED_OUT = "You are signed out or your session has expired. Please sign in again to continue."
PREMIUM = {"message": "AI Gateway is a Premium feature. Contact sales!"}
NOT_FOUND = {"message": "Session not found."}


@pytest.fixture
def book() -> Book:
    return Book()


def signed(book: Book) -> dict[str, str]:
    return {"Coder-Session-Token": token(book.owner)}


def test_v1_an_unlicensed_server_refuses_interceptions(book: Book) -> None:
    reply = ask(book.bridge(switches=with_switches(licensed=False)), "/interceptions", book.owner)
    assert (reply.status, reply.json) == (403, PREMIUM)


def test_v2_an_unlicensed_server_refuses_clients(book: Book) -> None:
    reply = ask(book.bridge(switches=with_switches(licensed=False)), "/clients", book.owner)
    assert (reply.status, reply.json) == (403, PREMIUM)


def test_v3_the_licence_is_asked_before_the_token(book: Book) -> None:
    reply = send(book.bridge(switches=with_switches(licensed=False)), PREFIX + "/sessions")
    assert (reply.status, reply.json) == (403, PREMIUM)


@pytest.mark.parametrize("path", ["/sessions", "/nope", "", "/sessions/a/b"])
def test_a_bridge_switched_off_by_its_operator_answers_like_an_unlicensed_one(
    book: Book, path: str
) -> None:
    bridge = book.bridge(switches=with_switches(enabled=False))
    assert ask(bridge, path, book.owner).json == PREMIUM
    feature = send(bridge, "/api/v2/entitlements").json["features"]["aibridge"]
    assert feature == {"entitlement": "entitled", "enabled": False}


def test_a_server_without_enterprise_code_knows_neither_bridge_nor_entitlements(
    book: Book,
) -> None:
    bridge = book.bridge(switches=with_switches(enterprise=False))
    for path in (PREFIX + "/sessions", "/api/v2/entitlements"):
        reply = send(bridge, path, headers=signed(book))
        assert (reply.status, reply.json) == (404, {"message": "Route not found."})


def detail_of(bridge: Bridge, secret: str) -> str:
    reply = send(bridge, PREFIX + "/sessions", headers={"Coder-Session-Token": secret})
    assert reply.status == 401
    assert reply.json["message"] == SIGNED_OUT
    detail = reply.json["detail"]
    assert isinstance(detail, str)
    return detail


def test_v5_a_token_without_a_hyphen_is_malformed(book: Book) -> None:
    assert detail_of(book.bridge(), "abc") == (
        "Invalid API key format: incorrect amount of API key parts, expected 2 got 1"
    )


FORMAT = "Invalid API key format: "


@pytest.mark.parametrize(
    ("secret", "detail"),
    [
        ("", 'Cookie "coder_session_token" or query parameter must be provided.'),
        ("a-b-c", FORMAT + "incorrect amount of API key parts, expected 2 got 3"),
        ("abc-" + "x" * 22, FORMAT + "invalid API key ID length, expected 10 got 3"),
        ("a" * 10 + "-xyz", FORMAT + "invalid API key secret length, expected 22 got 3"),
        ("a" * 10 + "-" + "x" * 22, "API key is invalid."),
        ("owner00000-" + "y" * 22, "API key secret is invalid."),
    ],
)
def test_a_401_tells_what_is_wrong_with_the_token(book: Book, secret: str, detail: str) -> None:
    assert detail_of(book.bridge(), secret) == detail


@pytest.mark.parametrize("path", ["/sessions", "/sessions/x?limit=0", "/models", "/clients"])
def test_a_401_hides_all_mistakes_of_the_parameters(book: Book, path: str) -> None:
    path, _, query = path.partition("?")
    assert send(book.bridge(), PREFIX + path, query or "limit=x&q=foo:bar").status == 401


def test_an_expired_token_tells_when_it_expired(book: Book) -> None:
    key = Key(book.owner.id, expires_at=NOW)
    bridge = book.bridge(tokens={token(book.owner): key})
    assert detail_of(bridge, token(book.owner)) == (
        'API key expired at "2026-05-20 12:00:00 +0000 UTC".'
    )
    still = replace(key, expires_at=NOW + timedelta(microseconds=1))
    assert (
        ask(book.bridge(tokens={token(book.owner): still}), "/sessions", book.owner).status == 200
    )


def test_a_lapsed_login_tells_to_authenticate_again(book: Book) -> None:
    text = "You must re-authenticate with the login provider."
    bridge = book.bridge(tokens={token(book.owner): Key(book.owner.id, lapsed=text)})
    assert detail_of(bridge, token(book.owner)) == text


def test_a_token_of_a_deleted_person_is_unknown(book: Book) -> None:
    gone = book.person("gone", role="owner", deleted=True)
    assert detail_of(book.bridge(), token(gone)) == "API key is invalid."


def test_a_suspended_account_is_told_so_without_a_detail(book: Book) -> None:
    idle = book.person("idle", role="owner", status="suspended")
    reply = ask(book.bridge(), "/sessions", idle)
    assert reply.status == 401
    assert reply.json == {
        "message": 'User is not active (status = "suspended").'
        " Contact an admin to reactivate your account."
    }


def test_a_401_carries_a_challenge_that_always_speaks_of_expiry(book: Book) -> None:
    reply = send(book.bridge(), PREFIX + "/sessions")
    assert reply.answer.header("WWW-Authenticate") == (
        'Bearer realm="coder", error="invalid_token",'
        ' error_description="The access token has expired",'
        ' resource_metadata="http://localhost:3000/.well-known/oauth-protected-resource"'
    )


def sources(secret: str) -> list[tuple[str, dict[str, str]]]:
    """All places of a token as (query, headers), the strongest first."""
    return [
        ("", {"Cookie": f"a=b; coder_session_token={secret}; c=d"}),
        (f"coder_session_token={secret}", {}),
        ("", {"Coder-Session-Token": secret}),
        ("", {"Authorization": f"bEARER  {secret} "}),
        (f"access_token={secret}", {}),
    ]


@pytest.mark.parametrize("place", range(5))
def test_a_token_is_found_in_each_of_its_places(book: Book, place: int) -> None:
    query, headers = sources(token(book.owner))[place]
    assert send(book.bridge(), PREFIX + "/sessions", query, headers).status == 200


@pytest.mark.parametrize("place", range(4))
def test_the_first_place_with_a_token_wins_over_all_later_ones(book: Book, place: int) -> None:
    query, headers = sources("abc")[place]
    later = sources(token(book.owner))[place + 1 :]
    query = "&".join([query, *(more for more, _ in later if more)])
    for _, more in later:
        headers = more | headers
    assert send(book.bridge(), PREFIX + "/sessions", query, headers).status == 401


def test_an_empty_source_is_passed_over(book: Book) -> None:
    headers = signed(book) | {"Cookie": "coder_session_token="}
    assert send(book.bridge(), PREFIX + "/sessions", "coder_session_token=", headers).status == 200


def test_v9_a_member_lists_nothing_and_an_owner_everything(book: Book) -> None:
    newer = book.call(0)
    older = book.call(-10, who=book.member)
    assert book.ask("/interceptions", book.member).json == {"count": 0, "results": []}
    reply = book.ask("/interceptions")
    assert reply.json["count"] == 2
    assert [row["id"] for row in reply.json["results"]] == [newer.id, older.id]


def test_v11_a_member_does_not_even_find_himself(book: Book) -> None:
    book.call(0, who=book.member)
    for path, rows in (("/interceptions", "results"), ("/sessions", "sessions")):
        reply = book.ask(path, book.member, q="initiator:me")
        assert (reply.status, reply.json) == (200, {"count": 0, rows: []})


def test_a_member_may_name_himself_but_nobody_else(book: Book) -> None:
    assert book.ask("/sessions", book.member, q="initiator:MEMBER").status == 200
    assert validation(book.ask("/sessions", book.member, q="initiator:owner"))[0] == "initiator"


def test_v12_an_auditor_lists_everybody(book: Book) -> None:
    of_owner = book.call(-5)
    own = book.call(0, who=book.auditor)
    reply = book.ask("/sessions", book.auditor)
    assert reply.json["count"] == 2
    assert [row["id"] for row in reply.json["sessions"]] == [own.id, of_owner.id]


def test_v13_a_member_opens_no_session_at_all(book: Book) -> None:
    foreign, own = book.call(0), book.call(0, who=book.member)
    for session in (foreign.id, own.id, "nonexistent"):
        reply = book.ask(f"/sessions/{session}", book.member)
        assert (reply.status, reply.json) == (404, NOT_FOUND)


def test_v14_an_owner_opens_his_session(book: Book) -> None:
    row = book.call(0)
    reply = book.ask(f"/sessions/{row.id}")
    assert (reply.status, reply.json["id"]) == (200, row.id)


def test_v15_only_an_owner_may_filter_by_provider_name(book: Book) -> None:
    book.providers.append(Provider("openai", "openai"))
    row = book.call(0, provider="openai", provider_name="openai")
    refused = book.ask("/sessions", book.auditor, q="provider_name:openai")
    assert validation(refused) == (
        "provider_name",
        'Query param "provider_name" has invalid value: provider not found or unauthorized',
    )
    allowed = book.ask("/sessions", q="provider_name:openai")
    assert [found["id"] for found in allowed.json["sessions"]] == [row.id]


def test_a_removed_provider_cannot_be_named_any_more(book: Book) -> None:
    book.providers.append(Provider("openai", "openai", deleted=True))
    book.call(0, provider="openai", provider_name="openai")
    assert validation(book.ask("/sessions", q="provider_name:openai"))[0] == "provider_name"


@pytest.mark.parametrize("profile", ["v2.34", "v2.35", "newer"])
def test_every_server_refuses_unknown_provider_names_and_auditors(
    book: Book, profile: Profile
) -> None:
    book.providers.append(Provider("openai", "openai"))
    row = book.call(0, provider="openai", provider_name="openai")
    bridge = book.bridge(profile=profile)
    found = ask(bridge, "/sessions", book.owner, q="provider_name:openai")
    assert [each["id"] for each in found.json["sessions"]] == [row.id]
    for who, name in ((book.owner, "gone"), (book.auditor, "openai"), (book.auditor, "gone")):
        refused = ask(bridge, "/sessions", who, q=f"provider_name:{name}")
        assert validation(refused)[1].endswith("provider not found or unauthorized")


@pytest.mark.parametrize("path", ["/models", "/clients"])
def test_a_member_gets_null_where_an_owner_gets_names(book: Book, path: str) -> None:
    book.call(0, who=book.member)
    assert book.ask(path, book.member).text == "null\n"
    assert len(book.ask(path).json) == 1


def test_a_cursor_of_a_member_names_nothing(book: Book) -> None:
    row = book.call(0, who=book.member)
    assert book.ask("/interceptions", book.member, after_id=row.id).status == 400
    assert book.ask("/sessions", book.member, after_session_id=row.id).status == 400


# The bridge as a whole


def test_tokens_are_well_formed_and_the_same_for_the_same_seed(book: Book) -> None:
    tables = book.tables()
    made = api.tokens(tables, 7)
    assert made == api.tokens(tables, 7) != api.tokens(tables, 8)
    bridge = Bridge(tables, tokens=api.holders(tables, made), switches=UNLIMITED)
    for role, secret in made.items():
        assert [len(part) for part in secret.split("-")] == [10, 22]
        headers = {"Coder-Session-Token": secret}
        assert send(bridge, "/api/v2/users/me", headers=headers).json["username"] == role


def test_tokens_are_made_for_the_living_and_active_only() -> None:
    book = Book(people=[])
    book.people = [replace(book.owner, deleted=True), replace(book.auditor, status="suspended")]
    assert api.tokens(book.tables(), 7) == {}


def test_a_bridge_refuses_malformed_tokens_without_repeating_them(book: Book) -> None:
    with pytest.raises(ValueError, match="malformed: Invalid API key format") as caught:
        book.bridge(tokens={"my-own-secret": book.owner.id})
    assert "secret" not in str(caught.value)


def test_retention_without_a_clock_is_refused(book: Book) -> None:
    with pytest.raises(ValueError, match="clock"):
        book.bridge(switches=with_switches(retention_days=30))


def test_of_a_repeated_parameter_the_first_counts_where_nothing_checks(book: Book) -> None:
    book.call(0, model="a")
    query = "q=model:a&q=model:b"
    assert parse_query(query.encode()) == {"q": ["model:a", "model:b"]}
    reply = send(book.bridge(), PREFIX + "/sessions", query + "&unknown=1", signed(book))
    assert reply.json["count"] == 1
