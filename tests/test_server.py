"""The ASGI app around the dashboard: health, headers, and who may reach it."""

import asyncio
import socket
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bridgeboard.server import web_app
from bridgeboard.server.app_folder import home
from bridgeboard.server.free_port import refuse_a_taken_port
from bridgeboard.server.middleware.headers import SECURITY_HEADERS, SecurityHeaders, TrustedHeaders
from bridgeboard.server.middleware.paths import WithBase, WithoutBase
from bridgeboard.server.middleware.websockets import WebsocketOrigins
from bridgeboard.settings import DemoSettings, Login, Proxy, Settings, SettingsError


def plain(**given: object) -> Settings:
    return Settings.model_construct(**given)


async def hello(_: object) -> PlainTextResponse:
    return PlainTextResponse("hello", headers={"X-Frame-Options": "ALLOW"})


def answer(path: str) -> httpx.Response:
    app = Starlette(routes=[Route("/", hello)], middleware=[Middleware(SecurityHeaders)])

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get(path)

    return asyncio.run(ask())


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_every_answer_carries_the_security_headers_once(path: str) -> None:
    headers = answer(path).headers
    for name, value in SECURITY_HEADERS.items():
        assert headers.get_list(name) == [value]


PROTO = "X-Forwarded-Proto"


@pytest.mark.parametrize(
    ("peer", "told", "is_tls"),
    [
        ("10.0.0.5", [(PROTO, "https")], True),
        ("10.0.0.5", [(PROTO, "HTTPS ")], True),
        ("::ffff:10.0.0.5", [(PROTO, "https")], True),
        ("10.0.0.5", [(PROTO, "http")], False),
        ("10.0.0.5", [], False),
        ("10.0.0.5", [(PROTO, "https, http")], False),
        ("10.0.0.5", [(PROTO, "https"), (PROTO, "http")], False),
        ("10.0.0.6", [(PROTO, "https")], False),
        ("unix", [(PROTO, "https")], False),
    ],
)
def test_a_believed_proxy_alone_says_of_a_request_that_it_came_by_tls(
    peer: str, told: list[tuple[str, str]], *, is_tls: bool
) -> None:
    async def bake(_: object) -> PlainTextResponse:
        answer = PlainTextResponse("baked")
        answer.set_cookie("a", "b")
        answer.set_cookie("c", "d", secure=True)
        return answer

    guard = Middleware(SecurityHeaders, proxy=Proxy(addresses="10.0.0.5"))
    transport = httpx.ASGITransport(
        Starlette(routes=[Route("/", bake)], middleware=[guard]), client=(peer, 7)
    )

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get("/", headers=told)

    headers = asyncio.run(ask()).headers
    assert ("strict-transport-security" in headers) == is_tls
    assert [one.count("; Secure") for one in headers.get_list("set-cookie")] == [int(is_tls), 1]


def test_the_policy_lets_nothing_out_of_the_house() -> None:
    policy = SECURITY_HEADERS["content-security-policy"]
    assert "http:" not in policy
    assert "https:" not in policy
    assert "*" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("addresses", "peer", "is_believed"),
    [
        ("10.9.8.7", "10.9.8.7", True),
        ("10.9.8.7", "127.0.0.1", False),
        ("", "127.0.0.1", False),
        ("10.9.8.7", None, False),
    ],
)
def test_headers_that_name_somebody_are_passed_on_from_a_listed_proxy_alone(
    kind: str, addresses: str, peer: str | None, *, is_believed: bool
) -> None:
    headers = [
        (b"X-Forwarded-Email", b"boss@example.com"),
        (b"x-forwarded-groups", b"admins"),
        (b"x-forwarded-for", b"10.9.8.7"),
    ]
    seen: list[Any] = []

    async def inner(scope: MutableMapping[str, Any], _receive: Any, _send: Any) -> None:
        seen.extend(scope["headers"])

    scope = {"type": kind, "headers": headers, "client": (peer, 7) if peer else None}
    unused: Any = None
    asyncio.run(TrustedHeaders(inner, Proxy(addresses=addresses))(scope, unused, unused))
    assert seen == (headers if is_believed else headers[2:])


def test_a_websocket_passes_untouched() -> None:
    seen: list[MutableMapping[str, Any]] = []

    async def inner(scope: MutableMapping[str, Any], _receive: Any, send: Any) -> None:
        seen.append(scope)
        await send({"type": "websocket.accept"})

    sent: list[Any] = []

    async def run() -> None:
        async def receive() -> dict[str, Any]:
            return {}

        async def send(message: Any) -> None:
            sent.append(message)

        await SecurityHeaders(inner)({"type": "websocket"}, receive, send)

    asyncio.run(run())
    assert seen == [{"type": "websocket"}]
    assert sent == [{"type": "websocket.accept"}]


def hosts_passed_on(settings: Settings, told: list[tuple[str, str]], peer: str) -> list[bytes]:
    """The Hosts of the handshake that Streamlit would see; none if it is refused."""
    seen: list[MutableMapping[str, Any]] = []
    sent: list[MutableMapping[str, Any]] = []

    async def inner(scope: MutableMapping[str, Any], _receive: Any, _send: Any) -> None:
        seen.append(scope)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in told]
    scope = {"type": "websocket", "scheme": "ws", "client": (peer, 7), "headers": headers}
    asyncio.run(WebsocketOrigins(inner, settings)(scope, None, send))  # type: ignore[arg-type]  # nothing is received
    assert sent == ([] if seen else [{"type": "websocket.close", "code": 1008}])
    return [value for one in seen for name, value in one["headers"] if name == b"host"]


AI = "https://ai.example.com"
LOGIN = Login.model_construct(redirect_url=f"{AI}/oauth2callback")


@pytest.mark.parametrize(
    ("given", "origin", "host", "is_ours"),
    [
        ({}, "http://127.0.0.1:8501", "127.0.0.1:8501", True),
        ({}, "HTTP://LocalHost:8501", "localhost:8501", True),
        ({}, "http://ai.example.com", "ai.example.com:80", True),
        ({}, "http://[::1]:8501", "[::1]:8501", True),
        ({}, AI, "ai.example.com", False),
        ({}, "http://ai.example.com", "other.example.com", False),
        ({}, "http://ai.example.com", "", False),
        ({}, "", "ai.example.com", False),
        ({"login": LOGIN}, AI, "ai.example.com", True),
        ({"login": LOGIN}, AI, "ai.example.com:443", True),
        ({"login": LOGIN}, AI, "127.0.0.1:8501", True),
        ({"login": LOGIN}, f"{AI}:8443", "ai.example.com", False),
        ({"login": LOGIN}, "http://ai.example.com", "ai.example.com", False),
        ({"login": LOGIN}, "http://127.0.0.1:8501", "127.0.0.1:8501", True),
        ({"allowed_hosts": AI}, AI, "ai.example.com", True),
        ({"allowed_hosts": f"a.example.com, {AI}"}, AI, "inside", True),
        ({"allowed_hosts": AI}, "http://ai.example.com", "ai.example.com", False),
        ({"allowed_hosts": "ai.example.com"}, AI, "ai.example.com", False),
    ],
)
def test_a_websocket_is_passed_on_for_our_own_pages_alone(
    given: dict[str, Any], origin: str, host: str, *, is_ours: bool
) -> None:
    told = [("Origin", origin), ("Host", host)]
    passed = hosts_passed_on(plain(**given), told, "10.0.0.5")
    # Streamlit compares the texts, and asks a host of the internet where they differ.
    assert passed == ([origin.partition("://")[2].encode()] if is_ours else [])


@pytest.mark.parametrize(("peer", "is_ours"), [("10.0.0.5", True), ("10.0.0.6", False)])
def test_a_believed_proxy_alone_says_by_which_scheme_a_page_came(
    peer: str, *, is_ours: bool
) -> None:
    told = [("Origin", AI), ("Host", "ai.example.com"), (PROTO, "https")]
    behind = plain(proxy=Proxy(addresses="10.0.0.5"))
    assert bool(hosts_passed_on(behind, told, peer)) == is_ours


@pytest.mark.parametrize("name", ["Origin", "Host"])
def test_a_handshake_that_says_something_twice_is_refused(name: str) -> None:
    told = [("Origin", "http://127.0.0.1"), ("Host", "127.0.0.1")]
    assert hosts_passed_on(plain(), told, "127.0.0.1")
    assert not hosts_passed_on(plain(), [*told, *(one for one in told if one[0] == name)], "::1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_is_open_to_nobody_else(host: str) -> None:
    web_app.refuse_an_open_door(plain(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "dashboard.example.com"])  # noqa: S104 - must be refused
def test_any_other_address_needs_to_know_who_comes(host: str) -> None:
    with pytest.raises(SettingsError, match=r"\[login\] or \[proxy\]"):
        web_app.refuse_an_open_door(plain(host=host))
    with pytest.raises(SettingsError, match=r"docs/deployment\.md"):
        web_app.refuse_an_open_door(plain(host=host, allow_remote=True))
    web_app.refuse_an_open_door(plain(host=host, proxy=Proxy(addresses="10.0.0.5")))
    demo = DemoSettings.of(plain(host=host), "http://127.0.0.1:9", "token")
    with pytest.raises(SettingsError, match="--allow-remote"):
        web_app.refuse_an_open_door(demo)
    web_app.refuse_an_open_door(
        DemoSettings.of(plain(host=host, allow_remote=True), "http://127.0.0.1:9", "token")
    )


def test_a_port_that_is_taken_is_found_out_before_anything_is_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port}"):
            refuse_a_taken_port("127.0.0.1", port)
    refuse_a_taken_port("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(SettingsError, match="Cannot listen on"):
        refuse_a_taken_port("no-such-host.invalid", 8501)


def test_the_dashboard_is_found_beside_its_pages() -> None:
    assert (home() / "app.py").is_file()
    assert (home() / "pages").is_dir()
    assert (Path(home()) / ".streamlit" / "config.toml").is_file()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8501"),
        ("localhost", "http://localhost:8501"),
        ("::1", "http://[::1]:8501"),
        ("0.0.0.0", "http://127.0.0.1:8501"),  # noqa: S104 - the case in point
        ("::", "http://[::1]:8501"),
    ],
)
def test_the_address_that_is_told_can_be_opened(host: str, address: str) -> None:
    assert web_app.reached_at(plain(host=host, port=8501)) == address


def test_the_address_that_is_told_has_the_base_path() -> None:
    told = plain(host="127.0.0.1", port=8501, base_path="/board")
    assert web_app.reached_at(told) == "http://127.0.0.1:8501/board/"


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/board/", "/"),
        ("/board/spend", "/spend"),
        ("/board/board/x", "/board/x"),
        ("/", "/"),
        ("/spend", "/spend"),
        ("/boards/x", "/boards/x"),
        ("/board/\u00e9", "/\u00e9"),
    ],
)
def test_doors_see_paths_without_the_base_path_and_streamlit_with_it(
    kind: str, path: str, inside: str
) -> None:
    seen: list[MutableMapping[str, Any]] = []

    async def streamlit(scope: MutableMapping[str, Any], _receive: Any, _send: Any) -> None:
        seen.append(scope)

    async def door(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope)
        await WithBase(streamlit, "/board")(scope, receive, send)

    asyncio.run(WithoutBase(door, "/board")({"type": kind, "path": path}, None, None))  # type: ignore[arg-type]  # nothing is said
    assert [one["path"] for one in seen] == [inside, f"/board{inside}"]
    assert [one["raw_path"].decode() for one in seen] == [inside, f"/board{inside}"]


def test_without_a_base_path_nothing_moves() -> None:
    seen: list[str] = []

    async def streamlit(scope: MutableMapping[str, Any], _receive: Any, _send: Any) -> None:
        seen.append(scope["path"])

    for path in ("/", "", "/spend", "//x"):
        given = {"type": "http", "path": path}
        asyncio.run(WithoutBase(WithBase(streamlit, ""), "")(given, None, None))  # type: ignore[arg-type]  # likewise
    assert seen == ["/", "", "/spend", "//x"]
