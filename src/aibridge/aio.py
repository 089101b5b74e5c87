"""The asynchronous client: a thin driver, the twin of ``client``.

What to ask, in which order, and how to read it is in ``calls``, ``lists``, ``session_list`` and
``capabilities``, which both clients share; how it is sent, in ``transports``.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Container
from datetime import timedelta
from typing import Any, Self, TypeVar
from uuid import UUID

import httpx
from httpx_retries import Retry, RetryTransport

from aibridge import bulk, calls, lists, session_list
from aibridge.answers import failure, read
from aibridge.bodies import DEADLINE_SECONDS, MAX_BYTES, Limits
from aibridge.bulk import BulkPage
from aibridge.calls import Call, Query, Route
from aibridge.capabilities import Capabilities, capabilities, find_route
from aibridge.errors import AIBridgeError
from aibridge.group_client import AsyncGroupReader
from aibridge.lists import Batch, OnRejected, Plan, Resolve, Runner, Walk, routed
from aibridge.models import (
    BuildInfo,
    Entitlements,
    Interception,
    InterceptionPage,
    Provider,
    SessionDetail,
    SessionPage,
    SessionSummary,
    Thread,
    User,
)
from aibridge.pace import Pace
from aibridge.retries import default_retry
from aibridge.setup import (
    USER_AGENT,
    Proxy,
    Verify,
    checked_address,
    checked_prefix,
    http_client,
)
from aibridge.transports import AsyncTimedTransport, AsyncWholeTransport, Timing, build_request

T = TypeVar("T")


class AsyncClient(AsyncGroupReader):
    """``Client`` for asyncio: what fetches is awaited, what iterates is iterated by ``async for``.

    An asynchronous context manager, to be used within one event loop. Arguments, answers and
    errors are those of ``Client``; so is every rule its methods tell.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        prefix: str | None = None,
        timeout: httpx.Timeout | float | None = None,
        retry: Retry | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        verify: Verify = True,
        proxy: Proxy = None,
        user_agent: str = USER_AGENT,
        max_bytes: int = MAX_BYTES,
        deadline: float = DEADLINE_SECONDS,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._address = checked_address(base_url)
        self._prefix = checked_prefix(prefix)
        self._route = Route(self._prefix) if self._prefix else None
        self._lock = asyncio.Lock()
        self._http = http_client(
            httpx.AsyncClient,
            token=token,
            timeout=timeout,
            transport=transport,
            verify=verify,
            proxy=proxy,
            user_agent=user_agent,
        )
        whole = AsyncWholeTransport(self._http, Limits(max_bytes, deadline))
        self._timing = Timing(pace, clock)
        timed = AsyncTimedTransport(whole, self._timing)
        self._transport = RetryTransport(timed, retry or default_retry())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._address}>"

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    def clock_offset(self) -> timedelta | None:
        """The server's clock minus ours; None before any answer had a date."""
        return self._timing.offset

    async def capabilities(self) -> Capabilities:
        """What the server and the token can do together, asked afresh."""
        return await self._run(capabilities(self._prefix))

    async def me(self) -> User:
        """The caller."""
        return await self._fetch(calls.me())

    async def buildinfo(self) -> BuildInfo:
        """The server's version and identity."""
        return await self._fetch(calls.buildinfo())

    async def entitlements(self) -> Entitlements:
        """What the server's licence allows."""
        return await self._fetch(calls.entitlements())

    async def providers(self) -> tuple[Provider, ...]:
        """All provider instances, without the credentials of their addresses.

        Raises:
            ForbiddenError: unless the server tells an auditor, or the token is an owner's.
            NotFoundError: on servers before v2.34.
        """
        return await self._run(lists.providers())

    async def models(self, search: Query = None) -> tuple[str, ...]:
        """All model names, sorted, each once; ``search`` by ``model`` takes a prefix."""
        return await self._run(lists.names(calls.models, search))

    async def clients(self, search: Query = None) -> tuple[str, ...]:
        """All client names, sorted, each once; ``search`` by ``client`` takes a prefix."""
        return await self._run(lists.names(calls.clients, search))

    def interceptions(
        self,
        search: Query = None,
        *,
        page_size: int = 1000,
        after_id: UUID | str | None = None,
        on_rejected: OnRejected = None,
    ) -> AsyncIterator[Interception]:
        """All interceptions, newest first, from behind ``after_id`` on. Servers up to v2.34."""
        return self._walk(lists.interceptions(search, page_size, after_id, on_rejected))

    async def interceptions_page(
        self,
        search: Query = None,
        *,
        limit: int = 100,
        offset: int = 0,
        after_id: UUID | str | None = None,
    ) -> InterceptionPage:
        """One page of interceptions; unreadable rows are in its ``rejected``."""
        return await self._run(
            routed(calls.interceptions(search, limit=limit, offset=offset, after_id=after_id))
        )

    async def interceptions_bulk(
        self,
        search: Query = None,
        *,
        limit: int = 1000,
        after_id: UUID | str | None = None,
        known: Container[int] = frozenset(),
    ) -> BulkPage:
        """One page of interceptions without those whose digest is ``known``."""
        call = bulk.interceptions(search, limit=limit, after_id=after_id, known=known)
        return await self._run(routed(call))

    def sessions(
        self,
        search: Query = None,
        *,
        page_size: int = 1000,
        on_rejected: OnRejected = None,
    ) -> AsyncIterator[SessionSummary]:
        """All sessions, each once, latest activity first but for those that arrive meanwhile."""
        return self._walk(session_list.sessions(search, page_size, on_rejected))

    async def sessions_page(
        self,
        search: Query = None,
        *,
        limit: int = 100,
        offset: int = 0,
        after_session_id: str | None = None,
    ) -> SessionPage:
        """One page of sessions; unreadable rows are in its ``rejected``."""
        call = calls.sessions(search, limit=limit, offset=offset, after_session_id=after_session_id)
        return await self._run(routed(call))

    async def session(
        self,
        session_id: str,
        *,
        limit: int = 50,
        after_id: UUID | str | None = None,
        before_id: UUID | str | None = None,
    ) -> SessionDetail:
        """A session with up to ``limit`` of its threads, oldest first."""
        call = calls.session(session_id, limit=limit, after_id=after_id, before_id=before_id)
        return await self._run(routed(call))

    def threads(
        self, session_id: str, *, page_size: int = 50, on_rejected: OnRejected = None
    ) -> AsyncIterator[Thread]:
        """All threads of a session, oldest first, each once."""
        return self._walk(lists.threads(session_id, page_size, on_rejected))

    async def _run(self, plan: Plan[T]) -> T:
        runner = Runner(plan)
        step = runner.proceed()
        while step is not None:
            step = runner.proceed(*(await self._outcome(step)))
        return runner.result

    async def _walk(self, walk: Walk[T]) -> AsyncIterator[T]:
        runner = Runner(walk)
        step = runner.proceed()
        while step is not None:
            if isinstance(step, Batch):
                for item in step.items:
                    yield item
                step = runner.proceed()
            else:
                step = runner.proceed(*(await self._outcome(step)))

    async def _outcome(self, step: Call[Any] | Resolve) -> tuple[Any, AIBridgeError | None]:
        try:
            if isinstance(step, Resolve):
                return await self._resolved(step.stale), None
            return await self._fetch(step), None
        except AIBridgeError as error:
            return None, error

    async def _resolved(self, stale: Route | None) -> Route:
        async with self._lock:
            if self._route is None or (self._route is stale and not self._prefix):
                self._route = await self._run(find_route())
            return self._route

    async def _fetch(self, call: Call[T]) -> T:
        request = build_request(self._http, self._address, call)
        try:
            response = await self._transport.handle_async_request(request)
        except Exception as error:  # noqa: BLE001  # a caller's own policy may raise anything
            failed = failure(call, request, error)
        else:
            return read(call, response)
        raise failed
