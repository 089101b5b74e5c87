"""Reads the details of sessions: threads, actions and credentials (api-contract 2.5).

Where the server lists interceptions, details say which session and thread each belongs to. Where
it does not, they are the only source of the usage itself (``session_usage``).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import pyarrow as pa

from aibridge import (
    AIBridgeError,
    ArgumentError,
    Client,
    CursorError,
    DecodeError,
    IncompleteError,
    NotFoundError,
    OversizedError,
    Rejected,
    RouteNotFoundError,
    ServerError,
    SessionDetail,
    Thread,
)
from bridgeboard.model.store_status import Event
from bridgeboard.model.times import stored
from bridgeboard.store import Batch, Store, aggregates, erasure, request_links, sessions, sync_state
from bridgeboard.sync import families, threads
from bridgeboard.sync.aggregates import put_pieces, put_remainders
from bridgeboard.sync.concurrency import Concurrency
from bridgeboard.sync.options import Context
from bridgeboard.sync.permission_check import require_read_access
from bridgeboard.sync.quarantine import suspects, without_impossible
from bridgeboard.sync.thread_owners import (
    initiators_of_threads,
    is_alone,
    owned_threads,
    sessions_of,
)
from bridgeboard.sync.threads import Fetched, Owned
from bridgeboard.sync.worker_pool import WorkerPool, at_speed

PAGES: Final = (50, 10, 1)
"""Threads per page, the next smaller number where a page is too large: tool inputs can be megabytes
(api-contract 7)."""
NO_SESSION: Final = "Session not found"
"""The server's message for an unknown session, which tells it from a 404 of a proxy."""
MOST_FAILURES: Final = 5
"""After so many failed sessions in a row the server is taken to be down."""
ERASED: Final = ""
"""Stands for people who were erased with their numbers, and may share a session id."""
OUTAGES: Final = (DecodeError, NotFoundError, ServerError)
SESSIONS_TOGETHER: Final = 256
THREADS_TOGETHER: Final = 1_000
SECONDS_TOGETHER: Final = 3.0
"""Limits of one transaction. Transactions are costly, but rows that wait take memory, and are
lost with a killed process."""

_LEFT: Final = """
SELECT session FROM sessions WHERE detailed_digest IS NOT NULL
AND (detailed_at >= ? OR detail_problem IS NOT NULL)
"""
_PEOPLE: Final = """
SELECT s.id, i.id::VARCHAR FROM sessions s JOIN initiators i USING (initiator)
WHERE s.id IN (SELECT unnest($1::VARCHAR[])) ORDER BY s.session
"""
_SHARED_THREADS: Final = """
SELECT t.id::VARCHAR FROM threads t WHERE t.session IN (
    SELECT session FROM sessions WHERE id IN (
        SELECT id FROM sessions GROUP BY id HAVING count(*) > 1))
"""
_READ_AGAIN: Final = """
UPDATE sessions SET detailed_digest = NULL WHERE session IN (SELECT session FROM given)
"""
UNSETTLED: Final = "unsettled_since"
"""Setting of the store: since when details were read whose requests have no thread yet."""


@dataclass(frozen=True)
class _Answer:
    """One session's details, with the rows that could not be read."""

    fetched: Fetched
    rejected: tuple[Rejected, ...] = ()
    requests: int = 0
    error: AIBridgeError | None = None

    @property
    def is_outage(self) -> bool:
        """Whether the server failed, rather than this one session."""
        return isinstance(self.error, OUTAGES) and not self.fetched.is_final

    @property
    def without_impossible_threads(self) -> "_Answer":
        """The same with threads of impossible token counts moved to ``rejected``."""
        threads, impossible = without_impossible(self.fetched.threads)
        fetched = replace(self.fetched, threads=threads)
        return replace(self, fetched=fetched, rejected=(*self.rejected, *impossible))


def read(client: Client, store: Store, context: Context) -> Iterator[Event]:
    """Read details that are missing or outdated, the newest and largest first.

    At most ``Options.details`` sessions in one run, and no longer than ``Options.details_for``; the
    others wait for the next. One event a transaction, whose total is all that wait.

    Raises:
        AIBridgeError: whatever the client could not overcome. What was committed stays.
    """
    if context.generation == "interceptions":
        with store.write() as batch:
            aggregates.yield_to_exact(batch)
    stale = list(dict.fromkeys(sessions.stale(store)))
    chosen = stale[: context.options.details]
    left = store.meta(UNSETTLED)
    if chosen:
        _mark_unsettled(store, context, left)
    run = _Run(client, store, context, len(stale))
    with at_speed():
        yield from run.read(chosen)
        again = run.settle(left)
        yield from run.read(again)


def read_one(client: Client, store: Store, context: Context, session: int) -> bool:
    """Read one session's details now, for all who share its id; whether it has details then.

    ``session`` is our key; an unknown one has no details.

    Raises:
        AIBridgeError: whatever the client could not overcome.
    """
    session_id = sessions.told_id(store, session)
    if session_id is None:
        return False
    run = _Run(client, store, context, 1)
    for _ in run.read([session_id]):
        run.settle()
    return sessions.is_detailed(store, session)


def _mark_unsettled(store: Store, context: Context, left: str | None) -> None:
    now = context.now.isoformat()
    with store.write() as batch:
        # A clock may have been set back since the run that left something.
        batch.keep_meta(UNSETTLED, min(now, left, key=datetime.fromisoformat) if left else now)


class _Run:
    """One run over details: reads in worker threads, writes in the caller's thread."""

    def __init__(self, client: Client, store: Store, context: Context, total: int) -> None:
        self._client = client
        self._store = store
        self._context = context
        self._tally = Event("details", total=total)
        self._failures = 0
        self._began = monotonic()
        self._concurrency = Concurrency(most=context.options.details_together)
        self._read: set[int] = set()
        self._people: dict[str, list[str]] = {}
        self._known: set[str] = set()
        self._erased = erasure.erased(store)

    def read(self, session_ids: Sequence[str]) -> Iterator[Event]:
        """Read the details of sessions by id and write them."""
        if not session_ids:
            return
        if self._context.generation == "sessions":
            self._people = _people(self._store, session_ids)
            self._known = {thread for (thread,) in self._store.rows(_SHARED_THREADS)}
        pool = WorkerPool(
            session_ids,
            self._answers,
            workers=self._context.options.details_together,
            # Enough to read on while a transaction is written.
            waiting=THREADS_TOGETHER,
            size=_size,
        )
        waiting: list[_Answer] = []
        rows, written = 0, self._began
        try:
            for answers in pool.batches():
                self._check(answers)
                waiting += answers
                rows += sum(len(answer.fetched.threads) for answer in answers)
                is_load = len(waiting) >= SESSIONS_TOGETHER or rows >= THREADS_TOGETHER
                if is_load or monotonic() - written > SECONDS_TOGETHER:
                    yield self._commit(waiting)
                    waiting, rows, written = [], 0, monotonic()
                if self._is_over():
                    break
        except AIBridgeError:
            # Otherwise a server that always fails before a batch is full would never get further.
            if waiting:
                self._commit(waiting)
            raise
        if waiting:
            yield self._commit(waiting)

    def settle(self, left: str | None = None) -> list[str]:
        """Match requests that have no thread yet; the ids of sessions to read once more for it.

        ``left``: since when earlier runs read details without coming to this step.
        """
        with self._store.write() as batch:
            read = self._read | (_left(batch, left) if left else set())
            grown = request_links.settle(
                batch, pa.table({"session": pa.array(sorted(read), pa.int64())})
            )
            if left is not None or self._read:
                batch.keep_meta(UNSETTLED, "")
            if not grown or self._context.generation == "interceptions":
                return []
            given = pa.table({"session": pa.array(grown, pa.int64())})
            with batch.registered(given=given):
                batch.execute(_READ_AGAIN)
                rows = batch.rows("SELECT DISTINCT id FROM sessions JOIN given USING (session)")
        return [id_ for (id_,) in rows]

    def _answers(self, session_id: str) -> Iterator[_Answer]:
        with self._concurrency.turn() as turn:
            answer = _answer(self._client, session_id)
            turn.failed = answer.is_outage
        header, people = answer.fetched.header, self._people.get(session_id)
        if header is None or people is None or people == [self._present_id(header)]:
            yield answer
            return
        owners, requests = initiators_of_threads(
            self._client, session_id, answer.fetched.threads, self._known
        )
        fetched = replace(answer.fetched, owners=owners)
        yield replace(answer, fetched=fetched, requests=answer.requests + requests)

    def _present_id(self, header: SessionDetail) -> str:
        return self._erased.present_id(str(header.initiator.id))

    def _is_over(self) -> bool:
        most = self._context.options.details_for
        return most is not None and monotonic() - self._began > most.total_seconds()

    def _left(self, done: int) -> timedelta | None:
        """Time for the remaining sessions at the speed so far."""
        total = self._tally.total or 0
        if not done:
            return None
        return timedelta(seconds=(monotonic() - self._began) / done * max(0, total - done))

    def _check(self, answers: Iterable[_Answer]) -> None:
        for answer in answers:
            self._failures = self._failures + 1 if answer.is_outage else 0
            if answer.error and self._failures >= MOST_FAILURES:
                raise answer.error

    def _commit(self, answers: Sequence[_Answer]) -> Event:
        context = self._context
        if context.generation == "sessions":
            answers = [answer.without_impossible_threads for answer in answers]
        if any(answer.fetched.problem == "gone" for answer in answers):
            require_read_access(self._client)
        with self._store.write() as batch:
            self._read |= put(batch, [answer.fetched for answer in answers], context)
            rejected = [each for answer in answers for each in answer.rejected]
            suspected = suspects(rejected, text=context.options.text)
            sync_state.quarantine(batch, "thread", suspected, context.now)
            for answer in answers:
                if isinstance(answer.error, OversizedError):
                    sync_state.anomaly(batch, "oversized", str(answer.error), context.now)
        tally = self._tally
        done = tally.done + len(answers)
        self._tally = replace(
            tally,
            done=done,
            left=self._left(done),
            rows=tally.rows + sum(len(answer.fetched.threads) for answer in answers),
            requests=tally.requests + sum(answer.requests for answer in answers),
            quarantined=tally.quarantined + len(rejected),
        )
        return self._tally


def _size(answer: _Answer) -> int:
    return 1 + len(answer.fetched.threads)


def _people(store: Store, session_ids: Sequence[str]) -> dict[str, list[str]]:
    """Initiator ids by session id; with ``ERASED`` where an erased person shares the session."""
    people: dict[str, list[str]] = {}
    for id_, initiator in store.rows(_PEOPLE, [list(session_ids)]):
        people.setdefault(id_, []).append(initiator)
    for id_ in erasure.left_out(store, "sessions", session_ids):
        people.setdefault(id_, []).append(ERASED)
    return people


def _left(batch: Batch, since: str) -> set[int]:
    moment = stored(datetime.fromisoformat(since))
    return {session for (session,) in batch.rows(_LEFT, [moment])}


def put(batch: Batch, fetched: Sequence[Fetched], context: Context) -> set[int]:
    """Write details; the keys of the sessions that need not be read again for now.

    A session that the server only failed to return is not among them: its requests find their
    threads once it is read.
    """
    ids = [item.id for item in fetched]
    owners, erased = sessions_of(batch, ids), erasure.erased(batch)
    left_out = erasure.left_out(batch, "sessions", ids)
    read = {owner: item for item in fetched for owner in owners.get(item.id, ())}
    alone = [
        owner
        for owner, item in read.items()
        if item.id not in left_out and is_alone(owners[item.id], item, erased)
    ]
    owned = owned_threads(batch, fetched, owners, {owner.session for owner in alone}, erased)
    _remark(batch, [item for item in fetched if item.id not in left_out], owned, context)
    tables = threads.details(read, owned, alone, text=context.options.text)
    sessions.put_details(batch, tables, context.now)
    families.learn(batch, tables.threads["model"])
    request_links.by_id(batch, threads.requests(owned))
    request_links.by_tokens(batch, tables.threads)
    if context.generation == "sessions":
        put_pieces(batch, owned, context)
        put_remainders(batch, pa.table({"session": tables.read["session"]}), context)
    return {owner.session for owner, item in read.items() if item.is_final}


def _answer(client: Client, session_id: str) -> _Answer:
    try:
        return _fitting(client, session_id)
    except ArgumentError:
        return _Answer(Fetched(session_id, problem="unaddressable"))
    except RouteNotFoundError:
        raise
    except (CursorError, DecodeError, IncompleteError, NotFoundError, ServerError) as error:
        if isinstance(error, NotFoundError) and (error.message or "").startswith(NO_SESSION):
            return _Answer(Fetched(session_id, problem="gone"), requests=1)
        # What is too large even thread by thread stays too large.
        is_final = isinstance(error, OversizedError)
        failed = Fetched(session_id, problem="unreadable", is_final=is_final)
        return _Answer(failed, requests=1, error=error)


def _fitting(client: Client, session_id: str) -> _Answer:
    for size in PAGES[:-1]:
        with suppress(OversizedError):
            return _whole(client, session_id, size)
    return _whole(client, session_id, PAGES[-1])


def _whole(client: Client, session_id: str, size: int) -> _Answer:
    page = client.session(session_id, limit=size)
    if len(page.threads) + len(page.rejected) < size:
        return _Answer(Fetched(session_id, page, page.threads), page.rejected, requests=1)
    rejected: list[Rejected] = []
    threads: tuple[Thread, ...] = tuple(
        client.threads(session_id, page_size=size, on_rejected=rejected.append)
    )
    # Every full page is followed by another, the last of which may be empty.
    requests = 2 + (len(threads) + len(rejected)) // size
    return _Answer(Fetched(session_id, page, threads), tuple(rejected), requests=requests)


def _remark(
    batch: Batch, fetched: Sequence[Fetched], owned: Sequence[Owned], context: Context
) -> None:
    known = {each.thread.id for each in owned}
    for item in fetched:
        if lost := [thread for thread in item.threads if thread.id not in known]:
            message = (
                f"Several people share the session {item.id!r}: {len(lost)} of its"
                f" {len(item.threads)} threads cannot be told apart."
            )
            sync_state.anomaly(batch, "shared_session", message, context.now)
