"""Versions, prefixes, methods, and what falls through (api-contract 1.8, 1.9, 6)."""

import pytest
from small_bridges import PREFIX, Book, ask, send, token, with_switches

from bridgeboard.demo.api import Profile

PROFILES: list[Profile] = ["v2.34", "v2.35", "v2.36-pre", "newer"]


@pytest.fixture
def book() -> Book:
    return Book()


def signed(book: Book) -> dict[str, str]:
    return {"Coder-Session-Token": token(book.owner)}


# Version and identity


@pytest.mark.parametrize(
    ("profile", "version"),
    [
        ("v2.34", "v2.34.1+1d9ccb7"),
        ("v2.35", "v2.35.1+6c40e8a"),
        ("v2.36-pre", "v2.36.0-devel+f963381"),
        ("newer", "v2.36.0+e2b71f9"),
    ],
)
def test_buildinfo_tells_the_version_to_anybody(book: Book, profile: Profile, version: str) -> None:
    info = send(book.bridge(profile=profile), "/api/v2/buildinfo")
    assert info.json["version"] == info.answer.header("X-Coder-Build-Version") == version
    assert info.json["deployment_id"] == "00000000-0000-4000-8000-000000000001"


def test_a_version_may_be_made_up(book: Book) -> None:
    bridge = book.bridge(switches=with_switches(version="v0.0.0-devel+4ddda3a"))
    assert send(bridge, "/api/v2/buildinfo").json["version"] == "v0.0.0-devel+4ddda3a"


@pytest.mark.parametrize("licensed", [True, False])
def test_entitlements_tell_the_licence_to_anybody(book: Book, *, licensed: bool) -> None:
    reply = send(book.bridge(switches=with_switches(licensed=licensed)), "/api/v2/entitlements")
    told = "entitled" if licensed else "not_entitled"
    assert reply.json["features"]["aibridge"] == {"entitlement": told, "enabled": licensed}
    assert reply.json["has_license"] is licensed


def test_the_caller_is_told_with_his_roles_but_the_implied_one(book: Book) -> None:
    bridge = book.bridge()
    ways = [ask(bridge, "/users/me", who, prefix="/api/v2").json for who in book.people]
    assert [[role["name"] for role in me["roles"]] for me in ways] == [["owner"], ["auditor"], []]
    assert ways[0]["username"] == "owner"
    assert "name" not in ways[0]
    assert send(bridge, "/api/v2/users/me").status == 401


# Routes


def test_v137_what_is_no_read_endpoint_reaches_the_model_traffic(book: Book) -> None:
    bridge = book.bridge()
    asked = [
        ("POST", "/sessions"),
        ("GET", "/sessions/"),
        ("GET", "/nope"),
        ("DELETE", "/models"),
        ("OPTIONS", "/clients"),
        ("GET", "/sessions/a/b"),
        ("GET", "/sessions/a%2Fb"),
    ]
    for method, path in asked:
        reply = send(bridge, PREFIX + path, headers=signed(book), method=method)
        assert (reply.status, reply.text) == (400, "no authentication key provided\n")
        assert reply.answer.header("Content-Type") == "text/plain; charset=utf-8"


def test_v137_a_head_request_is_no_cheap_check(book: Book) -> None:
    reply = send(book.bridge(), PREFIX + "/sessions", headers=signed(book), method="HEAD")
    assert (reply.status, reply.text) == (400, "")


def test_v138_repeated_slashes_count_as_one(book: Book) -> None:
    book.call(0)
    bridge = book.bridge()
    odd = send(bridge, "/api/v2//aibridge///sessions", headers=signed(book))
    assert odd.text == send(bridge, PREFIX + "/sessions", headers=signed(book)).text


def test_v141_the_removed_endpoint_falls_through_to_the_model_traffic(book: Book) -> None:
    for prefix in (PREFIX, "/api/v2/ai-gateway"):
        bridge = book.bridge(profile="v2.35")
        reply = send(bridge, prefix + "/interceptions", headers=signed(book))
        assert (reply.status, reply.text) == (400, "no authentication key provided\n")


def keyed(book: Book, secret: str) -> list[dict[str, str]]:
    return [
        signed(book) | {"X-Coder-AI-Governance-Token": secret},
        signed(book) | {"Authorization": f"Bearer {secret}"},
        {"X-Api-Key": secret},
    ]


@pytest.mark.parametrize("place", range(3))
def test_the_model_traffic_knows_a_good_key_from_a_bad_one(book: Book, place: int) -> None:
    bridge, path = book.bridge(profile="newer"), "/api/v2/ai-gateway/interceptions"
    bad = send(bridge, path, headers=keyed(book, "sk-12345")[place])
    assert (bad.status, bad.text) == (403, "unauthorized\n")
    good = send(bridge, path, headers=keyed(book, token(book.member))[place])
    assert (good.status, good.text) == (404, "route not supported: GET /interceptions\n")


def test_a_spent_budget_stops_the_model_traffic_of_a_newer_server_only(book: Book) -> None:
    switches = with_switches(spent_budget=12.5)
    headers = keyed(book, token(book.member))[2]
    texts = {
        profile: send(
            book.bridge(profile=profile, switches=switches), PREFIX + "/nope", headers=headers
        ).text
        for profile in PROFILES
    }
    assert texts["newer"] == (
        "AI budget of US$12.50 exceeded. Please contact an administrator for more details.\n"
    )
    assert texts["v2.34"] == texts["v2.35"] == "route not supported: GET /nope\n"


def test_model_traffic_without_own_keys_or_without_a_door_is_refused_in_json(book: Book) -> None:
    headers = keyed(book, token(book.owner))[0]
    byok = send(book.bridge(switches=with_switches(byok=False)), PREFIX + "/nope", headers=headers)
    assert byok.json == {"message": "Bring Your Own Key (BYOK) mode is not enabled."}
    assert byok.status == 403
    shut = book.bridge(switches=with_switches(data_plane=False))
    reply = send(shut, PREFIX + "/nope", headers=headers)
    assert (reply.status, reply.json) == (404, {"message": "aibridged handler not mounted"})


def test_the_new_prefix_is_unknown_to_an_old_server_before_anything_else(book: Book) -> None:
    bridge = book.bridge(switches=with_switches(licensed=False))
    reply = send(bridge, "/api/v2/ai-gateway/sessions")
    assert (reply.status, reply.json) == (404, {"message": "Route not found."})


@pytest.mark.parametrize("profile", ["v2.35", "newer"])
@pytest.mark.parametrize("prefix", [PREFIX, "/api/v2/ai-gateway"])
def test_both_prefixes_work_since_the_rename(book: Book, profile: Profile, prefix: str) -> None:
    book.call(0)
    bridge = book.bridge(profile=profile)
    for path in ("/sessions", "/models", "/clients", f"/sessions/{book.calls[0].id}"):
        assert ask(bridge, path, book.owner, prefix=prefix).status == 200


@pytest.mark.parametrize("path", ["/api/v2/nope", "/api/v2/", "/api/v2/aibridgeX"])
def test_an_unknown_route_is_told_in_json(book: Book, path: str) -> None:
    reply = send(book.bridge(), path, headers=signed(book))
    assert (reply.status, reply.json) == (404, {"message": "Route not found."})


def test_outside_the_api_there_is_a_web_page(book: Book) -> None:
    reply = send(book.bridge(), "/")
    assert (reply.status, reply.answer.header("Content-Type")) == (200, "text/html; charset=utf-8")


def test_a_broken_escape_in_the_path_is_a_bad_request(book: Book) -> None:
    assert send(book.bridge(), PREFIX + "/sessions/%zz", headers=signed(book)).status == 400


def test_the_wrong_method_on_an_endpoint_beside_the_bridge_is_not_allowed(book: Book) -> None:
    assert send(book.bridge(), "/api/v2/buildinfo", method="POST").status == 405
