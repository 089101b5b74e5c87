"""A scripted AI Bridge for tests of the SDK, and both clients behind one synchronous face."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from aibridge import AsyncClient, Client, Retry

ADDRESS = "https://coder.example.com"
TOKEN = "abcdefghij-klmnopqrstuvwxyzABCDEF"
OLD = "/api/v2/aibridge"
NEW = "/api/v2/ai-gateway"
ALICE = "a11ce000-0000-4000-8000-000000000001"
BOB = "b0b00000-0000-4000-8000-000000000002"

TOKENS = {
    "input_tokens": 100,
    "output_tokens": 50,
    "cache_read_input_tokens": 20,
    "cache_write_input_tokens": 5,
}

Handler = Callable[[httpx.Request], httpx.Response]


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def session_row(name: str, *, who: str = ALICE, **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "initiator": {"id": who, "username": "alice"},
        "providers": ["anthropic"],
        "models": ["claude-opus-4"],
        "client": None,
        "metadata": None,
        "started_at": "2026-05-01T10:00:00.12Z",
        "ended_at": "2026-05-01T12:00:00+02:00",
        "threads": 1,
        "token_usage_summary": TOKENS,
        "last_active_at": "2026-05-01T10:00:01Z",
    } | changes


def thread_row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": uuid(number),
        "prompt": "Why is the build red?",
        "model": "claude-opus-4",
        "provider": "anthropic",
        "credential_kind": "centralized",
        "credential_hint": "sk-a...efgh",
        "started_at": "2026-05-01T10:00:00Z",
        "ended_at": "2026-05-01T10:01:00Z",
        "token_usage": TOKENS | {"metadata": {}},
        "agentic_actions": [],
    } | changes


def detail(threads: list[Any], name: str = "s") -> dict[str, Any]:
    row = session_row(name)
    left_out = {"client", "last_active_at"}
    return {key: value for key, value in row.items() if key not in left_out} | {
        "token_usage_summary": TOKENS | {"metadata": {}},
        "threads": threads,
    }


def interception_row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": uuid(number),
        "api_key_id": None,
        "initiator": {"id": ALICE, "username": "alice"},
        "provider": "anthropic",
        "provider_name": "anthropic",
        "model": "claude-opus-4",
        "client": "Claude Code",
        "metadata": None,
        "started_at": "2026-05-01T10:00:00Z",
        "ended_at": "2026-05-01T10:01:00Z",
        "token_usages": [],
        "user_prompts": [],
        "tool_usages": [],
    } | changes


def buildinfo(version: str = "v2.34.1+1d9ccb7") -> dict[str, Any]:
    return {"version": version, "external_url": ADDRESS, "deployment_id": "d-1"}


def answer(value: object, status: int = 200) -> httpx.Response:
    return httpx.Response(
        status,
        content=json.dumps(value).encode() + b"\n",
        headers={"content-type": "application/json; charset=utf-8"},
    )


def text(body: str, status: int, kind: str = "text/plain; charset=utf-8") -> httpx.Response:
    return httpx.Response(status, content=body.encode(), headers={"content-type": kind})


NO_ROUTE = {"message": "Route not found."}


class Wire:
    """A server by paths: each path has a value, a response, or a function of the request."""

    def __init__(self, version: str = "v2.34.1+1d9ccb7", **by_name: Any) -> None:
        self.version = version
        self.by_path: dict[str, Any] = {}
        self.asked: list[httpx.Request] = []
        self.prefix = OLD
        for name, said in by_name.items():
            self.says(f"/{name}", said)

    def says(self, path: str, said: Any) -> "Wire":
        self.by_path[path] = said
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        if path == "/api/v2/buildinfo":
            return answer(buildinfo(self.version))
        said = self.by_path.get(path.removeprefix(self.prefix))
        if said is None:
            return answer(NO_ROUTE, 404)
        if callable(said):
            said = said(request)
        return said if isinstance(said, httpx.Response) else answer(said)

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.asked]


class Waited:
    """An AsyncClient that is called like a Client: awaits and collects on a loop of its own."""

    def __init__(self, client: AsyncClient, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*args: Any, **options: Any) -> Any:
            return self._runner.run(self._done(method(*args, **options)))

        return call

    async def _done(self, pending: Awaitable[Any] | AsyncIterator[Any]) -> Any:
        if isinstance(pending, AsyncIterator):
            return [item async for item in pending]
        return await pending


def at_once(total: int = 3) -> Retry:
    return Retry(total=total, backoff_factor=0, respect_retry_after_header=False)


@contextmanager
def connected(kind: str, handler: Handler | None, **options: Any) -> Iterator[Any]:
    """A client of the kind ("sync" or "async") that talks to the handler, or to the network."""
    settings = {"base_url": ADDRESS, "token": TOKEN, "retry": at_once(0)} | options
    if handler is not None:
        settings["transport"] = httpx.MockTransport(handler)
    if kind == "sync":
        with Client(**settings) as client:
            yield client
        return
    with asyncio.Runner() as runner:
        client = AsyncClient(**settings)
        yield Waited(client, runner)
        runner.run(client.close())
