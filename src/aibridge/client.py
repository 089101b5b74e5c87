"""The synchronous client: a thin driver, the twin of ``aio``.

What to ask, in which order, and how to read it is in ``calls``, ``lists``, ``session_list`` and
``capabilities``, which both clients share; how it is sent, in ``transports``.
"""

import threading
import time
from collections.abc import Callable, Container, Iterator
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
from aibridge.deadlines import DeadlineTransport
from aibridge.errors import AIBridgeError
from aibridge.group_client import GroupReader
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
    tls_context,
)
from aibridge.transports import (
    AsyncWholeTransport,
    TimedTransport,
    Timing,
    WholeTransport,
    build_request,
)

T = TypeVar("T")


class Client(GroupReader):
    """Reads AI Bridge. A context manager; safe to share between threads.

    Args:
        base_url: the deployment's address, ``https://coder.example.com``; a path is kept.
        token: a session token of an owner or auditor; sent as a header, and shown nowhere.
        prefix: the path of AI Bridge; found from the server's version unless given.
        timeout: seconds, or httpx's own object; by default 60 to read and 10 to connect, as the
            session list of a large deployment is slow (api-contract 7).
        retry: a policy of httpx-retries; see ``default_retry``.
        transport: what to send by instead of the network; HTTPS_PROXY and certificates then do
            not apply.
        verify: True, False, or an SSLContext. SSL_CERT_FILE is honoured.
        proxy: a proxy for all requests; else HTTPS_PROXY, HTTP_PROXY and NO_PROXY apply.
        user_agent: how to introduce ourselves to the server.
        max_bytes: the largest body that is accepted, decoded.
        deadline: seconds that one attempt may take in all, however steadily the body drips.
        pace: keeps requests below the server's rate limit; without it none waits.
        clock: seconds since 1970, what ``clock_offset`` compares the server's clock with.

    Raises:
        ConfigurationError: for an unusable address, token or setting.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        prefix: str | None = None,
        timeout: httpx.Timeout | float | None = None,
        retry: Retry | None = None,
        transport: httpx.BaseTransport | None = None,
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
        self._lock = threading.Lock()
        options: dict[str, Any] = {
            "token": token,
            "timeout": timeout,
            # Made once, and not at all for a transport that is given: reading the certificates
            # takes as long as many requests.
            "verify": tls_context(verify) if transport is None else verify,
            "proxy": proxy,
            "user_agent": user_agent,
        }
        limits = Limits(max_bytes, deadline)
        self._http = http_client(httpx.Client, transport=transport, **options)

        def connect() -> AsyncWholeTransport:
            return AsyncWholeTransport(
                http_client(httpx.AsyncClient, transport=None, **options), limits
            )

        whole: httpx.BaseTransport = (
            DeadlineTransport(connect) if transport is None else WholeTransport(self._http, limits)
        )
        self._timing = Timing(pace, clock)
        timed = TimedTransport(whole, self._timing)
        self._transport = RetryTransport(timed, retry or default_retry())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._address}>"

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def clock_offset(self) -> timedelta | None:
        """The server's clock minus ours; None before any answer had a date."""
        return self._timing.offset

    def capabilities(self) -> Capabilities:
        """What the server and the token can do together, asked afresh."""
        return self._run(capabilities(self._prefix))

    def me(self) -> User:
        """The caller."""
        return self._fetch(calls.me())

    def buildinfo(self) -> BuildInfo:
        """The server's version and identity."""
        return self._fetch(calls.buildinfo())

    def entitlements(self) -> Entitlements:
        """What the server's licence allows."""
        return self._fetch(calls.entitlements())

    def providers(self) -> tuple[Provider, ...]:
        """All provider instances, without the credentials of their addresses.

        Raises:
            ForbiddenError: unless the server tells an auditor, or the token is an owner's.
            NotFoundError: on servers before v2.34.
        """
        return self._run(lists.providers())

    def models(self, search: Query = None) -> tuple[str, ...]:
        """All model names, sorted, each once; ``search`` by ``model`` takes a prefix."""
        return self._run(lists.names(calls.models, search))

    def clients(self, search: Query = None) -> tuple[str, ...]:
        """All client names, sorted, each once; ``search`` by ``client`` takes a prefix."""
        return self._run(lists.names(calls.clients, search))

    def interceptions(
        self,
        search: Query = None,
        *,
        page_size: int = 1000,
        after_id: UUID | str | None = None,
        on_rejected: OnRejected = None,
    ) -> Iterator[Interception]:
        """All interceptions, newest first, from behind ``after_id`` on. Servers up to v2.34.

        An unreadable row goes to ``on_rejected``; without it, DecodeError is raised.

        Raises:
            EndpointGoneError: on newer servers (api-contract 6.2).
        """
        return self._walk(lists.interceptions(search, page_size, after_id, on_rejected))

    def interceptions_page(
        self,
        search: Query = None,
        *,
        limit: int = 100,
        offset: int = 0,
        after_id: UUID | str | None = None,
    ) -> InterceptionPage:
        """One page of interceptions; unreadable rows are in its ``rejected``."""
        return self._run(
            routed(calls.interceptions(search, limit=limit, offset=offset, after_id=after_id))
        )

    def interceptions_bulk(
        self,
        search: Query = None,
        *,
        limit: int = 1000,
        after_id: UUID | str | None = None,
        known: Container[int] = frozenset(),
    ) -> BulkPage:
        """One page of interceptions without those whose digest is ``known``; five times as fast.

        Nothing of a known row is read but its place. Unreadable rows are in ``rejected``.
        """
        call = bulk.interceptions(search, limit=limit, after_id=after_id, known=known)
        return self._run(routed(call))

    def sessions(
        self,
        search: Query = None,
        *,
        page_size: int = 1000,
        on_rejected: OnRejected = None,
    ) -> Iterator[SessionSummary]:
        """All sessions, each once, latest activity first but for those that arrive meanwhile.

        An unreadable row goes to ``on_rejected``; without it, DecodeError is raised.

        Raises:
            IncompleteError: at the end, when the list changed too much to be read whole.
        """
        return self._walk(session_list.sessions(search, page_size, on_rejected))

    def sessions_page(
        self,
        search: Query = None,
        *,
        limit: int = 100,
        offset: int = 0,
        after_session_id: str | None = None,
    ) -> SessionPage:
        """One page of sessions; unreadable rows are in its ``rejected``.

        With filters use ``offset``: the cursor repeats or skips rows (api-contract 2.4).
        """
        call = calls.sessions(search, limit=limit, offset=offset, after_session_id=after_session_id)
        return self._run(routed(call))

    def session(
        self,
        session_id: str,
        *,
        limit: int = 50,
        after_id: UUID | str | None = None,
        before_id: UUID | str | None = None,
    ) -> SessionDetail:
        """A session with up to ``limit`` of its threads, oldest first.

        ``after_id`` begins behind a thread. ``before_id`` begins at the oldest thread and ends
        before one: it is not the page before (api-contract 2.5).
        """
        call = calls.session(session_id, limit=limit, after_id=after_id, before_id=before_id)
        return self._run(routed(call))

    def threads(
        self, session_id: str, *, page_size: int = 50, on_rejected: OnRejected = None
    ) -> Iterator[Thread]:
        """All threads of a session, oldest first, each once.

        An unreadable thread goes to ``on_rejected``; without it, DecodeError is raised.
        """
        return self._walk(lists.threads(session_id, page_size, on_rejected))

    def _run(self, plan: Plan[T]) -> T:
        runner = Runner(plan)
        step = runner.proceed()
        while step is not None:
            step = runner.proceed(*self._outcome(step))
        return runner.result

    def _walk(self, walk: Walk[T]) -> Iterator[T]:
        runner = Runner(walk)
        step = runner.proceed()
        while step is not None:
            if isinstance(step, Batch):
                yield from step.items
                step = runner.proceed()
            else:
                step = runner.proceed(*self._outcome(step))

    def _outcome(self, step: Call[Any] | Resolve) -> tuple[Any, AIBridgeError | None]:
        try:
            if isinstance(step, Resolve):
                return self._resolved(step.stale), None
            return self._fetch(step), None
        except AIBridgeError as error:
            return None, error

    def _resolved(self, stale: Route | None) -> Route:
        with self._lock:
            if self._route is None or (self._route is stale and not self._prefix):
                self._route = self._run(find_route())
            return self._route

    def _fetch(self, call: Call[T]) -> T:
        request = build_request(self._http, self._address, call)
        try:
            response = self._transport.handle_request(request)
        except Exception as error:  # noqa: BLE001  # a caller's own policy may raise anything
            failed = failure(call, request, error)
        else:
            return read(call, response)
        raise failed
