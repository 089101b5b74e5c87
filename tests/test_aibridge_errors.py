import copy
import inspect
import logging
import pickle
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from aibridge_wire import ADDRESS, NO_ROUTE, OLD, TOKEN, Wire, answer, connected, text

import aibridge.errors
from aibridge import (
    AIBridgeError,
    AuthenticationError,
    BadRequestError,
    Client,
    ConfigurationError,
    CursorError,
    EndpointGoneError,
    FeatureUnavailableError,
    ForbiddenError,
    NameResolutionError,
    NotFoundError,
    RateLimitedError,
    RedirectError,
    RefusedError,
    RouteNotFoundError,
    ServerError,
    StatusError,
    TimedOutError,
    TLSError,
    Validation,
)


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def tree() -> Iterator[type[AIBridgeError]]:
    waiting: list[type[AIBridgeError]] = [AIBridgeError]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += [
            kind for kind in each.__subclasses__() if kind.__module__.startswith("aibridge.")
        ]


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn: list[tuple[int, str]] = [
        (len(found[1]) // 4, found[2])
        for line in (aibridge.errors.__doc__ or "").splitlines()
        if (found := re.match(r"    ([│├└─ ]*)(\w+Error)\b", line))
    ]
    parents: dict[str, str] = {}
    above: dict[int, str] = {}
    for depth, name in drawn:
        above[depth] = name
        if depth:
            parents[name] = above[depth - 1]
    actual = {
        each.__name__: each.__bases__[0].__name__ for each in tree() if each is not AIBridgeError
    }
    assert parents == actual


def test_every_error_has_advice_or_gets_it_where_it_is_raised() -> None:
    without = {each.__name__ for each in tree() if not each.usual_advice}
    assert without == {"AIBridgeError", "ConfigurationError", "ArgumentError", "SearchError"}


@pytest.mark.parametrize("error", list(tree()))
def test_an_error_survives_copying_and_pickling(error: type[AIBridgeError]) -> None:
    raised = error("What.", advice="Do.", status=400, validations=(Validation("q", "bad"),))
    for twin in (pickle.loads(pickle.dumps(raised)), copy.deepcopy(raised)):  # noqa: S301  # our own bytes
        assert type(twin) is error
        assert str(twin) == "What. Do."
        assert twin.validations == (Validation("q", "bad"),)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"message": "Bad."}, BadRequestError),
        (400, {"message": "Invalid pagination cursor."}, CursorError),
        (401, {"message": "You are signed out."}, AuthenticationError),
        (403, {"message": "AI Gateway is a Premium feature. Contact sales!"},
         FeatureUnavailableError),
        (403, {"message": "AI Bridge is a Premium feature. Contact sales!"},
         FeatureUnavailableError),
        (403, {"message": "Forbidden."}, ForbiddenError),
        (404, {"message": "Session not found."}, NotFoundError),
        (404, NO_ROUTE, RouteNotFoundError),
        (404, {"message": "aibridged handler not mounted"}, EndpointGoneError),
        (429, {"message": "You've been rate limited."}, RateLimitedError),
        (500, {"message": "Internal error."}, ServerError),
        (503, {}, ServerError),
        (418, [], StatusError),
        (204, None, StatusError),
    ],
)  # fmt: skip  # one line per answer
def test_each_answer_is_the_error_that_tells_it_best(
    kind: str, status: int, body: Any, error: type[StatusError]
) -> None:
    with (
        connected(kind, lambda _request: answer(body, status), prefix=OLD) as client,
        pytest.raises(StatusError) as caught,
    ):
        client.sessions_page()
    assert type(caught.value) is error
    assert caught.value.status == status
    assert caught.value.method == "GET"
    assert str(caught.value.url).startswith(f"{ADDRESS}{OLD}/sessions")
    assert caught.value.advice
    assert str(caught.value).endswith(caught.value.advice)


def test_the_servers_own_words_are_kept_and_told(kind: str) -> None:
    body = {
        "message": "Invalid session search query.",
        "detail": "because",
        "validations": [{"field": "q", "detail": "no search key specified"}],
    }
    with (
        connected(kind, lambda _request: answer(body, 400), prefix=OLD) as client,
        pytest.raises(BadRequestError) as caught,
    ):
        client.sessions_page("foo")
    assert caught.value.message == "Invalid session search query."
    assert caught.value.detail == "because"
    assert caught.value.validations == (Validation("q", "no search key specified"),)
    assert "q: no search key specified" in str(caught.value)
    assert "?" not in str(caught.value).partition(": ")[0]


def test_a_vanished_session_cursor_is_a_cursor_error(kind: str) -> None:
    body = {
        "message": "Query parameter has invalid value.",
        "detail": 'after_session_id: session "x" not found',
    }
    with (
        connected(kind, lambda _request: answer(body, 400), prefix=OLD) as client,
        pytest.raises(CursorError),
    ):
        client.sessions_page(after_session_id="x")


@pytest.mark.parametrize(
    "said",
    [
        text("", 502),
        text("upstream\x1b[31m is \u202e gone\n\n", 502),
        text("<html>" + "x" * 2_000_000, 503, "text/html"),
        text("y" * 5_000_000, 500),
        text('{"message": 5, "detail": [], "validations": {}}', 500, "application/json"),
        text('{"message": "' + "z" * 900_000 + '"}', 500, "application/json"),
        text('{"validations": [null, 1, {"field": {}}]}', 500, "application/json"),
        text("[" * 50_000, 500, "application/json"),
        httpx.Response(500, content=b"\xff\xfe", headers={"content-type": "text/x; charset=no"}),
    ],
)
def test_no_error_body_is_too_strange(kind: str, said: httpx.Response) -> None:
    with (
        connected(kind, again(said), prefix=OLD) as client,
        pytest.raises(ServerError) as caught,
    ):
        client.sessions_page()
    told = str(caught.value)
    assert len(told) < 1000
    assert told.isprintable()


def again(said: httpx.Response) -> Any:
    """A fresh copy for each request: a response can be sent only once."""
    return lambda _request: httpx.Response(
        said.status_code, content=said.content, headers=said.headers
    )


def plain_text(message: str, status: int) -> httpx.Response:
    return text(message + "\n", status)


@pytest.mark.parametrize(
    "said",
    [
        plain_text("no authentication key provided", 400),
        plain_text("unauthorized", 403),
        plain_text("route not supported: GET /interceptions", 404),
        answer({"message": "aibridged handler not mounted"}, 404),
        answer(NO_ROUTE, 404),
    ],
)
def test_interceptions_that_a_server_no_longer_has_are_called_gone(
    kind: str, said: httpx.Response
) -> None:
    with connected(kind, again(said), prefix=OLD) as client:
        with pytest.raises(EndpointGoneError, match="capabilities"):
            client.interceptions_page()
        with pytest.raises(EndpointGoneError):
            list(client.interceptions())


def test_a_licence_refusal_is_not_taken_for_a_missing_endpoint(kind: str) -> None:
    said = answer({"message": "AI Gateway is a Premium feature. Contact sales!"}, 403)
    with (
        connected(kind, again(said), prefix=OLD) as client,
        pytest.raises(FeatureUnavailableError),
    ):
        client.interceptions_page()


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://ai.example.org/api/v2/users/me?token=secret", "https://ai.example.org"),
        ("http://coder.example.com:8080/", "http://coder.example.com:8080"),
        ("/login?next=secret", "login page"),
        ("https://user:secret@ai.example.org/", "https://ai.example.org"),
        ("", "login page"),
    ],
)
def test_a_redirect_is_not_followed_but_told(kind: str, location: str, told: str) -> None:
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(302, headers={"location": location})

    with connected(kind, server) as client, pytest.raises(RedirectError) as caught:
        client.me()
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(asked) == 1


def failing(error: Exception) -> Any:
    def server(_request: httpx.Request) -> httpx.Response:
        raise error

    return server


def test_a_timeout_says_what_to_try(kind: str) -> None:
    with (
        connected(kind, failing(httpx.ReadTimeout("slow")), prefix=OLD) as client,
        pytest.raises(TimedOutError, match="shorter period"),
    ):
        client.sessions_page()


def test_nothing_that_is_raised_or_logged_holds_the_token(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = answer({"message": f"no such key {TOKEN}", "detail": TOKEN}, 401)
    for server in (lambda _request: echo, failing(httpx.ConnectError(f"{ADDRESS} is down"))):
        with connected(kind, server) as client, pytest.raises(AIBridgeError) as caught:
            client.me()
        assert TOKEN not in everything_in(caught.value)
    assert TOKEN not in caplog.text
    assert caplog.records


def everything_in(error: BaseException | None) -> str:
    told = ""
    while error is not None:
        told += repr(error) + str(error)
        for value in vars(error).values():
            headers = getattr(value, "headers", None)
            told += repr(value) + (repr(list(headers.raw)) if headers is not None else "")
        error = error.__cause__ or error.__context__
    return told


@pytest.mark.parametrize(
    "token", ["", " ", "a b", "abc\n", "\tabc", "äbc", "abc\x7f", "tokén", "a\u2028b", "秘密"]
)
def test_a_token_no_header_can_hold_is_refused_without_echoing_it(token: str) -> None:
    with pytest.raises(ConfigurationError, match="token") as caught:
        Client(ADDRESS, token)
    assert not token.strip() or token not in everything_in(caught.value)


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("", "does not begin"),
        ("coder.example.com", "does not begin"),
        ("ftp://coder.example.com", "does not begin"),
        ("//coder.example.com", "does not begin"),
        ("https://", "names no host"),
        ("https://user:hunter2@coder.example.com", "user name or password"),
        ("https://hunter2@coder.example.com", "user name or password"),
        ("https://@coder.example.com", "user name or password"),
        ("https://coder.example.com?hunter2", "query"),
        ("https://coder.example.com/#hunter2", "fragment"),
        ("https://coder.example.com:port", "not a URL"),
        ("https://coder.example.com\n", "control"),
        (" https://coder.example.com", "blanks"),
        ("https://coder.example.com/api/v2", "/api/v2"),
        ("https://coder.example.com/api/v2/", "/api/v2"),
    ],
)
def test_an_unusable_address_is_refused_with_its_fault_and_no_secret(
    address: str, fault: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(fault)) as caught:
        Client(address, TOKEN)
    assert "hunter2" not in everything_in(caught.value)


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("https://coder.example.com", "https://coder.example.com/api/v2/buildinfo"),
        ("https://coder.example.com/", "https://coder.example.com/api/v2/buildinfo"),
        ("https://coder.example.com/dev//", "https://coder.example.com/dev/api/v2/buildinfo"),
        ("http://127.0.0.1:3000/a/b", "http://127.0.0.1:3000/a/b/api/v2/buildinfo"),
        ("http://[::1]:3000", "http://[::1]:3000/api/v2/buildinfo"),
        ("HTTPS://Coder.Example.com", "https://coder.example.com/api/v2/buildinfo"),
    ],
)
def test_an_address_is_taken_with_or_without_slash_and_path(address: str, asked: str) -> None:
    wire = Wire()
    wire.prefix = ""

    def server(request: httpx.Request) -> httpx.Response:
        wire.asked.append(request)
        return answer({"version": "v2.34.0"})

    with connected("sync", server, base_url=address) as client:
        client.buildinfo()
    assert str(wire.asked[0].url) == asked


@pytest.mark.parametrize(
    "options",
    [
        {"prefix": "/"},
        {"prefix": "/a b"},
        {"prefix": "/a?b"},
        {"user_agent": "a\nb"},
        {"user_agent": ""},
        {"proxy": "nonsense://user:hunter2@proxy"},
    ],
)
def test_an_unusable_setting_is_refused_with_no_secret(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Client(ADDRESS, TOKEN, **options)
    assert "hunter2" not in everything_in(caught.value)


@pytest.mark.parametrize(
    ("cause", "error"),
    [
        (socket.gaierror(-2, "Name or service not known"), NameResolutionError),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), TLSError),
        (ConnectionRefusedError(111, "Connection refused"), RefusedError),
        (OSError("All attempts failed"), aibridge.ConnectionFailedError),
        (TimeoutError("connect"), TimedOutError),
    ],
)
def test_each_kind_of_broken_connection_has_its_own_error_and_cause(
    kind: str, cause: OSError, error: type[AIBridgeError]
) -> None:
    def server(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(str(cause)) from cause

    with connected(kind, server) as client, pytest.raises(AIBridgeError) as caught:
        client.me()
    assert type(caught.value) is error
    assert caught.value.__cause__ is cause
    assert caught.value.url == f"{ADDRESS}/api/v2/users/me"


def test_a_cause_that_hides_in_a_group_is_found(kind: str) -> None:
    def server(_request: httpx.Request) -> httpx.Response:
        refused = ConnectionRefusedError(111, "Connection refused")
        raise httpx.ConnectError("all failed") from ExceptionGroup("both", [refused])

    with connected(kind, server) as client, pytest.raises(RefusedError, match="port"):
        client.me()


def test_errors_are_all_documented() -> None:
    assert all(inspect.getdoc(each) for each in tree())
