import dataclasses
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import pytest
from aibridge_wire import ALICE, NEW, NO_ROUTE, OLD, TOKEN, answer, buildinfo, connected, text

from aibridge import (
    AuthenticationError,
    Capabilities,
    Client,
    EndpointGoneError,
    RouteNotFoundError,
    ServerError,
)
from aibridge.capabilities import release_of

NOBODY = "/sessions/00000000-0000-0000-0000-000000000000"
LICENSED = {"aibridge": {"entitlement": "entitled", "enabled": True}}
EMPTY = {"count": 0, "sessions": []}
NOT_FOUND = 'param "provider_name" has invalid value: provider not found or unauthorized'


def refused(field: str, detail: str) -> httpx.Response:
    objection = {"field": field, "detail": detail}
    return answer({"message": "Invalid session search query.", "validations": [objection]}, 400)


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Deployment:
    """A server of a version: which prefixes it knows, and whether it lists interceptions."""

    def __init__(self, version: str, **changes: Any) -> None:
        self.version = version
        self.is_new = changes.pop("is_new", version >= "v2.35")
        self.roles: list[Any] = [{"name": "owner", "display_name": "Owner"}]
        self.features: Any = LICENSED
        self.asked: list[str] = []
        self.named_by: tuple[str, ...] | None = ("owner",)
        self.instances: tuple[str, ...] | None = ("openai",)
        vars(self).update(changes)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if path == "/api/v2/buildinfo":
            return answer(buildinfo(self.version))
        if path == "/api/v2/entitlements":
            known = self.features is not None
            return answer({"features": self.features}) if known else answer(NO_ROUTE, 404)
        if path == "/api/v2/users/me":
            return answer({"id": ALICE, "username": "alice", "roles": self.roles})
        if path.startswith(NEW) and not self.is_new:
            return answer(NO_ROUTE, 404)
        return self.bridge(path.removeprefix(NEW).removeprefix(OLD), request.url.params)

    def named(self, name: str) -> httpx.Response:
        """Answer who asks for one provider instance."""
        if self.named_by is None:
            return refused("provider_name", '"provider_name" is not a valid query param')
        if self.instances is None or (
            name in self.instances and any(role["name"] in self.named_by for role in self.roles)
        ):
            return answer(EMPTY)
        return refused("provider_name", f"Query {NOT_FOUND}")

    def bridge(self, path: str, params: httpx.QueryParams) -> httpx.Response:
        if path == NOBODY:
            return answer({"message": "Session not found."}, 404)
        if path == "/sessions":
            named = re.search(r'provider_name:"(.+?)"', params.get("q", ""))
            return self.named(named[1]) if named else answer(EMPTY)
        if path == "/interceptions" and not self.is_new:
            return answer({"count": 0, "results": []})
        return text("no authentication key provided\n", 400)


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("v2.34.1+1d9ccb7", (2, 34)),
        ("v2.34.0-rc.0+abc", (2, 34)),
        ("v2.35.0", (2, 35)),
        ("v3.0.0", (3, 0)),
        ("2.34.0", (2, 34)),
        ("v0.0.0-devel+4ddda3a", None),
        ("v2.34.0-devel+4ddda3a", None),
        ("", None),
        ("nightly", None),
        ("v99999999999.1.0", None),
    ],
)
def test_a_version_is_compared_by_major_and_minor_unless_it_is_a_developers(
    version: str, release: tuple[int, int] | None
) -> None:
    assert release_of(version) == release


@pytest.mark.parametrize(
    ("version", "prefix", "listed"),
    [
        ("v2.34.1+1d9ccb7", OLD, True),
        ("v2.35.0+abc", NEW, False),
        ("v2.36.0+abc", NEW, False),
    ],
)
def test_an_owner_of_a_licensed_server_has_no_problem(
    kind: str, version: str, prefix: str, *, listed: bool
) -> None:
    with connected(kind, Deployment(version)) as client:
        found = client.capabilities()
    assert found == Capabilities(
        version=version,
        release=(2, int(version[3:5])),
        prefix=prefix,
        enabled=True,
        user_id=UUID(ALICE),
        username="alice",
        roles=frozenset({"owner"}),
        can_read=True,
        has_interceptions=listed,
        can_filter_provider_name=True,
        deployment_id="d-1",
        problem=None,
    )


@pytest.mark.parametrize(("is_new", "prefix"), [(True, NEW), (False, OLD)])
def test_a_developer_build_is_probed(kind: str, prefix: str, *, is_new: bool) -> None:
    server = Deployment("v0.0.0-devel+1", is_new=is_new)
    with connected(kind, server) as client:
        found = client.capabilities()
        client.sessions_page()
    assert found.release is None
    assert found.prefix == prefix
    assert found.has_interceptions is not is_new
    assert server.asked[-1] == f"{prefix}/sessions"


def test_a_probe_does_not_guess_from_a_failing_server(kind: str) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v2/buildinfo":
            return answer(buildinfo("v0.0.0-devel+1"))
        return answer({"message": "oops"}, 500)

    with connected(kind, server) as client, pytest.raises(ServerError):
        client.sessions_page()


@pytest.mark.parametrize(
    ("roles", "can_read", "can_filter"),
    [
        ([], False, False),
        ([{"name": "user-admin"}], False, False),
        ([{"name": "auditor"}], True, False),
        ([{"name": "auditor", "organization_id": "o"}], False, False),
        ([{"name": "owner", "organization_id": ""}], True, True),
    ],
)
def test_only_site_owners_and_auditors_can_read(
    kind: str, roles: list[Any], *, can_read: bool, can_filter: bool
) -> None:
    with connected(kind, Deployment("v2.34.0", roles=roles)) as client:
        found = client.capabilities()
    assert found.can_read is can_read
    assert found.can_filter_provider_name is can_filter
    assert (found.problem is None) is can_read
    assert can_read or "not forbidden" in str(found.problem)


OLDER: dict[str, Any] = {"named_by": None}
ONLY_OWNERS: dict[str, Any] = {"named_by": ("owner",)}
AUDITORS_TOO: dict[str, Any] = {"named_by": ("owner", "auditor")}
ANY_NAME: dict[str, Any] = {"instances": None}


@pytest.mark.parametrize(
    ("version", "server", "role", "can_filter"),
    [
        ("v2.33.4", OLDER, "owner", False),
        ("v2.33.4", OLDER, "auditor", False),
        ("v2.34.1", ONLY_OWNERS, "owner", True),
        ("v2.34.1", ONLY_OWNERS | {"instances": ("azure-eu",)}, "owner", True),
        ("v2.34.1", ONLY_OWNERS, "auditor", False),
        ("v2.36.0", ONLY_OWNERS, "owner", True),
        ("v2.36.0", ONLY_OWNERS, "auditor", False),
        ("v0.0.0-devel+1", ONLY_OWNERS, "auditor", False),
        ("v2.36.0", AUDITORS_TOO, "auditor", True),
        ("v0.0.0-devel+1", AUDITORS_TOO, "auditor", True),
        ("v2.36.0", ANY_NAME, "auditor", True),
        ("v2.36.0", ANY_NAME, "user-admin", False),
    ],
)
def test_who_may_filter_by_provider_name_is_asked_for_and_not_guessed_from_the_version(
    kind: str, version: str, server: dict[str, Any], role: str, *, can_filter: bool
) -> None:
    with connected(kind, Deployment(version, roles=[{"name": role}], **server)) as client:
        assert client.capabilities().can_filter_provider_name is can_filter


@pytest.mark.parametrize(
    ("features", "problem"),
    [
        (None, "without premium features"),
        ({}, "does not include AI Bridge"),
        ({"aibridge": {"entitlement": "not_entitled", "enabled": False}}, "does not include"),
        ({"aibridge": {"entitlement": "entitled", "enabled": False}}, "switched off"),
    ],
)
def test_a_server_without_the_feature_is_explained(kind: str, features: Any, problem: str) -> None:
    with connected(kind, Deployment("v2.34.0", features=features, roles=[])) as client:
        found = client.capabilities()
    assert not found.enabled
    assert problem in str(found.problem)


def test_a_server_too_old_for_sessions_is_explained(kind: str) -> None:
    with connected(kind, Deployment("v2.31.2")) as client:
        found = client.capabilities()
    assert "v2.32" in str(found.problem)
    assert not found.can_filter_provider_name


def test_a_wrong_token_raises(kind: str) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/me"):
            return answer({"message": "You are signed out."}, 401)
        return Deployment("v2.34.0")(request)

    with connected(kind, server) as client, pytest.raises(AuthenticationError):
        client.capabilities()


def test_capabilities_are_frozen() -> None:
    with (
        connected("sync", Deployment("v2.34.0")) as client,
        pytest.raises(dataclasses.FrozenInstanceError),
    ):
        client.capabilities().version = "other"


def test_the_prefix_is_found_once_and_then_remembered(kind: str) -> None:
    server = Deployment("v2.35.0")
    with connected(kind, server) as client:
        for _ in range(3):
            client.sessions_page()
    assert server.asked == ["/api/v2/buildinfo", *[f"{NEW}/sessions"] * 3]


def test_threads_that_begin_together_find_the_prefix_once() -> None:
    server = Deployment("v2.35.0")
    with (
        Client("https://x.example", TOKEN, transport=httpx.MockTransport(server)) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        pages = list(pool.map(lambda _: client.sessions_page(), range(16)))
    assert len(pages) == 16
    assert server.asked.count("/api/v2/buildinfo") == 1


def test_a_given_prefix_is_used_without_asking(kind: str) -> None:
    server = Deployment("v2.35.0")
    with connected(kind, server, prefix="api/v2/aibridge/") as client:
        client.sessions_page()
        assert client.capabilities().prefix == OLD
    assert server.asked[0] == f"{OLD}/sessions"


def test_a_rolled_back_server_is_found_again(kind: str) -> None:
    server = Deployment("v2.35.0")
    with connected(kind, server) as client:
        client.sessions_page()
        with pytest.raises(EndpointGoneError):
            client.interceptions_page()
        server.version, server.is_new = "v2.34.0", False
        assert client.sessions_page().count == 0
        assert client.interceptions_page().count == 0
    assert server.asked[-2:] == [f"{OLD}/sessions", f"{OLD}/interceptions"]


def test_an_upgraded_server_is_found_again(kind: str) -> None:
    server = Deployment("v2.34.0")
    with connected(kind, server) as client:
        client.interceptions_page()
        server.version, server.is_new = "v2.35.0", True
        with pytest.raises(EndpointGoneError, match=r"v2\.35"):
            client.interceptions_page()
        client.sessions_page()
    assert server.asked[-1] == f"{NEW}/sessions"


def test_a_path_that_stays_unknown_is_asked_for_once(kind: str) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path == "/api/v2/buildinfo":
            return answer(buildinfo())
        return answer(NO_ROUTE, 404)

    asked: list[str] = []
    with connected(kind, server) as client, pytest.raises(RouteNotFoundError):
        client.sessions_page()
    assert asked == ["/api/v2/buildinfo", f"{OLD}/sessions", "/api/v2/buildinfo"]
