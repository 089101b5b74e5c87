"""One suite, several servers: the SDK, sync and async, against AI Bridge in process, on a port, and
against a real deployment when ``AIBRIDGE_TEST_URL`` and ``AIBRIDGE_TEST_TOKEN`` name one."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import bridge_transport
import pytest
import truth
from slow_cases import one_fast

from aibridge import (
    AIBridgeError,
    ArgumentError,
    AsyncClient,
    AuthenticationError,
    BadRequestError,
    Client,
    EndpointGoneError,
    FeatureUnavailableError,
    NotFoundError,
    Retry,
    Search,
)
from bridgeboard.demo import api, server, world
from bridgeboard.demo.records import Role, Tables

END = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
NO_TOKEN = "zzzzzzzzzz-9999999999999999999999"

Story = Callable[["Target", Any], Awaitable[None]]


@dataclass(frozen=True)
class Target:
    """A server to read; ``tables`` is what it serves, None where only the server knows."""

    url: str
    token: str
    transport: Any
    tables: Tables | None
    profile: api.Profile | None


class Awaited:
    """A synchronous client in asynchronous clothes, so that one story tells both."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name in {"sessions", "threads", "interceptions"}:
            return lambda *args, **named: self._iterated(method(*args, **named))

        async def call(*args: Any, **named: Any) -> Any:
            return method(*args, **named)

        return call

    @staticmethod
    async def _iterated(items: Iterator[Any]) -> AsyncIterator[Any]:
        for item in items:
            yield item


def tell(
    kind: str, target: Target, story: Story, *, token: str | None = None, retries: int = 0
) -> None:
    """Run a story with a client of that kind."""
    options: dict[str, Any] = {"transport": target.transport, "retry": Retry(total=retries)}

    async def asynchronously() -> None:
        async with AsyncClient(target.url, token or target.token, **options) as client:
            await story(target, client)

    if kind == "async":
        asyncio.run(asynchronously())
        return
    with Client(target.url, token or target.token, **options) as client:
        asyncio.run(_awaitable(story(target, Awaited(client))))


async def _awaitable(awaitable: Awaitable[None]) -> None:
    await awaitable


@pytest.fixture(scope="module")
def tables() -> Tables:
    return world.make(11, end=END, days=14, scale=0.1).tables


PLACES = [
    "process v2.34",
    "process v2.35",
    "process newer",
    "port v2.34",
    "port newer",
    "deployment",
]


@pytest.fixture(scope="module", params=PLACES)
def target(request: pytest.FixtureRequest, tables: Tables) -> Iterator[Target]:
    place, _, profile = request.param.partition(" ")
    if place == "deployment":
        url, token = os.environ.get("AIBRIDGE_TEST_URL"), os.environ.get("AIBRIDGE_TEST_TOKEN")
        if not url or not token:
            pytest.skip("AIBRIDGE_TEST_URL and AIBRIDGE_TEST_TOKEN name no deployment")
        yield Target(url, token, None, None, None)
        return
    tokens = api.tokens(tables, 1)
    switches = api.Switches(rate_limit=None)
    bridge = api.Bridge(
        tables, profile=profile, tokens=api.holders(tables, tokens), switches=switches
    )
    if place == "process":
        yield Target(
            "http://bridge", tokens["owner"], bridge_transport.Transport(bridge), tables, profile
        )
        return
    with server.Server(bridge) as served:
        yield Target(served.url, tokens["owner"], None, tables, profile)


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


async def all_of(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


def test_the_sdk_finds_out_what_it_talks_to(target: Target, kind: str) -> None:
    async def story(target: Target, client: Any) -> None:
        able = await client.capabilities()
        assert able.enabled
        assert able.can_read
        assert able.problem is None
        assert able.version == (await client.buildinfo()).version
        assert able.username == (await client.me()).username
        if target.profile:
            assert able.has_interceptions is (target.profile == "v2.34")
            assert ("ai-gateway" in able.prefix) is (target.profile != "v2.34")

    tell(kind, target, story)


def test_a_walk_over_the_sessions_tells_each_once(target: Target, kind: str) -> None:
    async def story(target: Target, client: Any) -> None:
        walked = await all_of(client.sessions(page_size=37))
        assert len({row.key for row in walked}) == len(walked)
        if target.tables:
            finished = truth.finished(target.tables)
            assert {(row.id, str(row.initiator.id)) for row in walked} == truth.sessions(finished)
            told = sum(row.token_usage_summary.total_tokens for row in walked)
            assert told == truth.recorded(target.tables, finished).total
        else:
            assert len(walked) >= (await client.sessions_page(limit=1)).count

    tell(kind, target, story)


def test_a_filtered_walk_tells_what_the_page_counts(target: Target, kind: str) -> None:
    async def story(_: Target, client: Any) -> None:
        newest = (await client.sessions_page(limit=1)).sessions[0]
        for search in (
            Search(initiator=newest.initiator.username),
            Search(initiator=str(newest.initiator.id), provider=newest.providers[0]),
            Search(model=newest.models[0]) if newest.models[0] else Search(),
            Search(client=newest.client or "Unknown"),
            Search(started_after=newest.started_at - timedelta(days=2)),
            Search(started_before=newest.started_at - timedelta(days=2)),
        ):
            walked = await all_of(client.sessions(search, page_size=23))
            assert len(walked) == (await client.sessions_page(search, limit=1)).count

    tell(kind, target, story)


def test_pages_and_walks_agree(target: Target, kind: str) -> None:
    async def story(_: Target, client: Any) -> None:
        first = await client.sessions_page(limit=10)
        second = await client.sessions_page(limit=10, offset=10)
        by_cursor = await client.sessions_page(limit=10, after_session_id=first.sessions[-1].id)
        assert first.count == second.count == by_cursor.count
        walked = (await all_of(client.sessions()))[:20]
        assert [*first.sessions, *second.sessions] == walked
        assert first.rejected == ()

    tell(kind, target, story)


def test_a_session_is_walked_thread_by_thread(target: Target, kind: str) -> None:
    async def story(target: Target, client: Any) -> None:
        rows = [row async for row in client.sessions() if "/" not in row.id]
        longest = max(rows, key=lambda row: row.threads)
        shared = sum(row.threads for row in rows if row.id == longest.id)
        threads = await all_of(client.threads(longest.id, page_size=7))
        assert len(threads) == shared
        assert [(one.started_at, str(one.id)) for one in threads] == sorted(
            (one.started_at, str(one.id)) for one in threads
        )
        detail = await client.session(longest.id, limit=200)
        assert detail.threads == tuple(threads[:200])
        if len(threads) < 50 and target.tables and shared == longest.threads:
            told = sum(thread.token_usage.total_tokens for thread in threads)
            assert told <= longest.token_usage_summary.total_tokens
        older = await client.session(longest.id, limit=200, before_id=threads[-1].id)
        assert older.threads == tuple(threads[:-1][:200])

    tell(kind, target, story)


def test_interceptions_are_walked_where_they_exist_and_explained_where_not(
    target: Target, kind: str
) -> None:
    async def story(target: Target, client: Any) -> None:
        if not (await client.capabilities()).has_interceptions:
            with pytest.raises(EndpointGoneError, match=r"v2\.35"):
                await client.interceptions_page(limit=1)
            return
        walked = await all_of(client.interceptions(page_size=200))
        assert len({one.id for one in walked}) == len(walked)
        if target.tables:
            finished = truth.finished(target.tables)
            assert {str(one.id) for one in walked} == {row.id for row in finished}
            used = sum(usage.total_tokens for one in walked for usage in one.token_usages)
            assert used == truth.recorded(target.tables, finished).total
            calls = sum(len(one.tool_usages) for one in walked)
            assert calls == len(truth.tool_calls(target.tables, finished))

    tell(kind, target, story)


def test_models_and_clients_are_sorted_and_told_once(target: Target, kind: str) -> None:
    async def story(target: Target, client: Any) -> None:
        models, clients = await client.models(), await client.clients()
        assert list(models) == sorted(set(models))
        assert list(clients) == sorted(set(clients))
        if target.tables:
            finished = truth.finished(target.tables)
            assert set(models) == {row.model for row in finished}
            assert set(clients) == {row.client or "Unknown" for row in finished}
        assert await client.models("model:no-such-model-at-all") == ()

    tell(kind, target, story)


def test_what_does_not_exist_is_an_error_with_advice(target: Target, kind: str) -> None:
    async def story(_: Target, client: Any) -> None:
        with pytest.raises(NotFoundError):
            await client.session(str(uuid4()))
        with pytest.raises(BadRequestError) as refused:
            await client.sessions_page("nonsense:1")
        assert refused.value.validations[0].field == "nonsense"
        with pytest.raises(BadRequestError):
            await client.sessions_page(limit=10, after_session_id="no such session")
        some = (await client.sessions_page(limit=1)).sessions[0].id
        with pytest.raises(AIBridgeError):
            await client.session(some, after_id=UUID(int=7))
        for session_id in ("", "a/b"):
            with pytest.raises(ArgumentError):
                await client.session(session_id)
        for session_id in (".", ".."):
            with pytest.raises(NotFoundError, match="Session not found"):
                await client.session(session_id)

    tell(kind, target, story)


def test_a_wrong_token_is_told_apart(target: Target, kind: str) -> None:
    async def story(_: Target, client: Any) -> None:
        with pytest.raises(AuthenticationError, match="CODER_SESSION_TOKEN") as refused:
            await client.sessions_page(limit=1)
        assert NO_TOKEN not in f"{refused.value!r} {refused.value}"
        with pytest.raises(AuthenticationError):
            await client.capabilities()

    tell(kind, target, story, token=NO_TOKEN)


@pytest.mark.parametrize("role", ["member", "auditor"])
def test_other_roles_see_what_the_server_lets_them(tables: Tables, kind: str, role: Role) -> None:
    tokens = api.tokens(tables, 1)
    bridge = api.Bridge(tables, tokens=api.holders(tables, tokens))
    target = Target(
        "http://bridge", tokens[role], bridge_transport.Transport(bridge), tables, "v2.34"
    )

    async def story(_: Target, client: Any) -> None:
        able = await client.capabilities()
        rows = await all_of(client.sessions())
        if role == "member":
            assert not able.can_read
            assert "empty" in (able.problem or "")
            assert rows == []
            assert await client.models() == ()
            assert await client.clients() == ()
        else:
            assert able.can_read
            assert not able.can_filter_provider_name
            assert len(rows) == len(truth.sessions(truth.finished(tables)))

    tell(kind, target, story)


def test_an_unlicensed_server_is_told_apart(tables: Tables, kind: str) -> None:
    tokens = api.tokens(tables, 1)
    switches = api.Switches(licensed=False)
    bridge = api.Bridge(tables, tokens=api.holders(tables, tokens), switches=switches)
    target = Target(
        "http://bridge", tokens["owner"], bridge_transport.Transport(bridge), tables, "v2.34"
    )

    async def story(_: Target, client: Any) -> None:
        able = await client.capabilities()
        assert not able.enabled
        assert "licen" in (able.problem or "")
        with pytest.raises(FeatureUnavailableError):
            await client.sessions_page()

    tell(kind, target, story)


@pytest.mark.parametrize("seed", one_fast(range(6)))
def test_with_a_fifth_of_the_answers_failing_a_walk_is_whole_or_an_error(
    tables: Tables, kind: str, seed: int
) -> None:
    """Every kind of fault, sick answers that look well included."""
    tokens = api.tokens(tables, 1)
    switches = api.Switches(rate_limit=None, faults=api.Faults(rate=0.2, seed=seed))
    bridge = api.Bridge(tables, tokens=api.holders(tables, tokens), switches=switches)
    expected = truth.sessions(truth.finished(tables))
    walks: list[list[Any]] = []
    errors: list[AIBridgeError] = []

    async def story(_: Target, client: Any) -> None:
        for _attempt in range(4):
            try:
                walks.append(await all_of(client.sessions(page_size=25)))
            except AIBridgeError as error:
                errors.append(error)

    target = Target(
        "http://bridge", tokens["owner"], bridge_transport.Transport(bridge), tables, "v2.34"
    )
    tell(kind, target, story, retries=6)
    assert len(walks) + len(errors) == 4
    assert walks, "each of these seeds lets at least one walk through"
    assert all(error.advice for error in errors)
    for walked in walks:
        assert len(walked) == len(expected)
        assert {(row.id, str(row.initiator.id)) for row in walked} == expected


def test_faults_on_a_real_port_are_survived_too(tables: Tables) -> None:
    tokens = api.tokens(tables, 1)
    kinds = ("error_502", "error_503", "dropped", "truncated", "malformed")
    faults = api.Faults(rate=0.2, kinds=kinds, seed=3)
    switches = api.Switches(rate_limit=None, faults=faults)
    bridge = api.Bridge(tables, tokens=api.holders(tables, tokens), switches=switches)
    expected = truth.sessions(truth.finished(tables))
    with (
        server.Server(bridge) as served,
        Client(served.url, tokens["owner"], retry=Retry(total=12)) as client,
    ):
        walked = list(client.sessions(page_size=25))
    assert len(walked) == len(expected)
    assert {(row.id, str(row.initiator.id)) for row in walked} == expected
