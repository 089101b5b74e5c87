"""What a page may ask for: the one cached door to the deployment.

Answers are frozen and shared between browser sessions; what failed is never kept. The key
of every cache holds the deployment and a digest of the token, so that no answer meant for one
token is ever shown for another.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

import streamlit as st

from aibridge import (
    ArgumentError,
    Capabilities,
    Client,
    NotFoundError,
    Search,
    SearchError,
    SessionDetail,
    SessionPage,
    SessionSummary,
    Thread,
)
from bridgeboard import connect, settings, watch

T = TypeVar("T")

BLOCK = 1000  # the server computes its whole list for every page, so take the largest one
PAGE = 50
THREADS = 50  # threads beyond the session's first 50 come without tokens (api-contract 4.6)
FRESH = "60s"
NOT_THEIRS = (
    "The person that this link names has no session of this ID, or none any more. Other people do:"
)
UNADDRESSED = (
    "The deployment tells no threads of a session whose ID holds a slash; its totals are all "
    "that is known."
)
SLOW_TO_CHANGE = "10m"


@dataclass(frozen=True)
class Reading(Generic[T]):
    """A value and the time it was read from the deployment."""

    value: T
    read_at: datetime


@dataclass(frozen=True)
class Sessions:
    """One page of a session list. ``count`` is that of all that match; ``first`` is 1-based."""

    rows: tuple[SessionSummary, ...]
    count: int
    first: int
    unreadable: int


@dataclass(frozen=True)
class Story:
    """One session of one initiator.

    ``summary`` is its row of the list; None where the list cannot be asked for it.
    ``detail`` is the first page of its threads; None where the server cannot address it,
    for the ``reason``. ``sharers`` are the rows of other people with the same session id.
    """

    summary: SessionSummary | None
    sharers: tuple[SessionSummary, ...]
    detail: SessionDetail | None
    reason: str | None


@dataclass(frozen=True)
class ThreadPage:
    """A page of a session's threads, oldest first; ``first`` is the 1-based number of the top."""

    threads: tuple[Thread, ...]
    first: int
    more: bool
    unreadable: int


def capabilities() -> Capabilities:
    """What this deployment and token can do. Raises AIBridgeError."""
    return _noted(_capabilities(_key()))


def sessions(search: Search, page: int, size: int) -> Sessions:
    """Page ``page`` (1-based) of ``size`` rows, newest activity first. Raises AIBridgeError."""
    start = (page - 1) * size
    block, within = divmod(start, BLOCK)
    answer = _noted(_block(_key(), search, block * BLOCK))
    return Sessions(
        rows=answer.sessions[within : within + size],
        count=answer.count,
        first=start + 1,
        unreadable=len(answer.rejected),
    )


def initiators() -> tuple[str, ...]:
    """User names of the people behind the 1,000 most recently active sessions, sorted."""
    recent = _noted(_block(_key(), Search(), 0)).sessions
    return tuple(sorted({row.initiator.username for row in recent}))


def models() -> tuple[str, ...]:
    """Every model that has been asked for. Raises AIBridgeError."""
    return _noted(_models(_key()))


def clients() -> tuple[str, ...]:
    """Every client that has been seen. Raises AIBridgeError."""
    return _noted(_clients(_key()))


def story(session_id: str, initiator: UUID | None) -> Story:
    """One session; without an initiator, the most recently active one of that id.

    A session that does not exist has neither summary, detail nor reason. Raises AIBridgeError.
    """
    rows = _rows_of(session_id)
    mine = next((row for row in rows if initiator in {None, row.initiator.id}), None)
    if rows and mine is None:
        return Story(None, rows, None, NOT_THEIRS)
    detail, reason = _detail_of(session_id)
    return Story(mine, tuple(row for row in rows if row is not mine), detail, reason)


def threads(session_id: str, page: int) -> ThreadPage:
    """Page ``page`` (1-based) of 50 threads, walked to from the first. Raises AIBridgeError."""
    after: UUID | None = None
    answer = _noted(_detail(_key(), session_id, after))
    reached = 1
    while reached < page and answer.threads and _full(answer):
        after = answer.threads[-1].id
        answer = _noted(_detail(_key(), session_id, after))
        reached += 1
    return ThreadPage(
        threads=answer.threads,
        first=(reached - 1) * THREADS + 1,
        more=_full(answer),
        unreadable=len(answer.rejected),
    )


def page_of_thread(session_id: str, thread: UUID) -> int | None:
    """The page that :func:`threads` shows a thread on; None when the session has no such thread."""
    page = 1
    while True:
        answer = threads(session_id, page)
        if any(thread == one.id for one in answer.threads):
            return page
        if not answer.more:
            return None
        page += 1


def refresh() -> None:
    """Forget all answers, so that the next look at them asks the deployment."""
    for cached in (_capabilities, _block, _models, _clients, _rows, _detail):
        cached.clear()


def start_noting() -> None:
    """Begin a script run: no answer has been shown yet."""
    st.session_state[_READ_AT] = None


def oldest_reading() -> datetime | None:
    """When the oldest answer shown by this run was read; None when none was."""
    at: datetime | None = st.session_state.get(_READ_AT)
    return at


_READ_AT = "_oldest_reading"


def _noted(reading: Reading[T]) -> T:
    oldest = oldest_reading()
    st.session_state[_READ_AT] = min(reading.read_at, oldest) if oldest else reading.read_at
    return reading.value


def _key() -> str:
    now = settings.current()
    secret = now.token.get_secret_value()
    return hashlib.sha256(f"{now.url}\n{secret}".encode()).hexdigest()


def _read(deployment: str, ask: Callable[[Client], T]) -> Reading[T]:
    value = ask(_client(deployment))
    return Reading(value, datetime.now(UTC))


def _full(page: SessionDetail) -> bool:
    return len(page.threads) + len(page.rejected) >= THREADS


def _rows_of(session_id: str) -> tuple[SessionSummary, ...]:
    try:
        return _noted(_rows(_key(), session_id)).sessions
    except SearchError:  # the query language has no way to say this id, so look among the newest
        newest = _noted(_block(_key(), Search(), 0)).sessions
        return tuple(row for row in newest if row.id == session_id)


def _detail_of(session_id: str) -> tuple[SessionDetail | None, str | None]:
    try:
        return _noted(_detail(_key(), session_id, None)), None
    except NotFoundError:
        return None, None
    except ArgumentError:
        return None, UNADDRESSED


@st.cache_resource(max_entries=4, show_spinner=False, on_release=Client.close)
def _client(_deployment: str) -> Client:
    return connect.client(settings.current())


@st.cache_resource(ttl=FRESH, max_entries=8, show_spinner="Asking the deployment who we are …")
def _capabilities(deployment: str) -> Reading[Capabilities]:
    return _read(deployment, lambda client: client.capabilities())


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner="Reading the list of sessions …")
def _block(deployment: str, search: Search, offset: int) -> Reading[SessionPage]:
    return _read(
        deployment, lambda client: client.sessions_page(search, limit=BLOCK, offset=offset)
    )


@st.cache_resource(ttl=SLOW_TO_CHANGE, max_entries=8, show_spinner="Reading the models …")
def _models(deployment: str) -> Reading[tuple[str, ...]]:
    return _read(deployment, lambda client: client.models())


@st.cache_resource(ttl=SLOW_TO_CHANGE, max_entries=8, show_spinner="Reading the clients …")
def _clients(deployment: str) -> Reading[tuple[str, ...]]:
    return _read(deployment, lambda client: client.clients())


@st.cache_resource(ttl=FRESH, max_entries=256, show_spinner="Reading the session …")
def _rows(deployment: str, session_id: str) -> Reading[SessionPage]:
    found = _read(
        deployment, lambda client: client.sessions_page(Search(session_id=session_id), limit=BLOCK)
    )
    if keeper := watch.current():
        for row in found.value.sessions:
            keeper.want(row.id, row.initiator.id)
    return found


@st.cache_resource(ttl=FRESH, max_entries=256, show_spinner="Reading its threads …")
def _detail(deployment: str, session_id: str, after: UUID | None) -> Reading[SessionDetail]:
    return _read(
        deployment, lambda client: client.session(session_id, limit=THREADS, after_id=after)
    )
