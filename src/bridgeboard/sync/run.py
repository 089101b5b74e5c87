"""Runs a whole sync, as a stream of events."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from aibridge import AIBridgeError, Capabilities, Client, EndpointGoneError
from bridgeboard import pricing
from bridgeboard.model.store import StoreError
from bridgeboard.model.store_status import Counts, Event
from bridgeboard.pricing import informed
from bridgeboard.store import Store, erasure, interceptions, sync_state
from bridgeboard.sync import details, groups, interception_windows, sessions
from bridgeboard.sync.errors import ErasureKeyLostError, ForeignStoreError, ServerChangedError
from bridgeboard.sync.options import Context, Generation, Options
from bridgeboard.sync.paging import Remark
from bridgeboard.sync.permission_check import require_read_access
from bridgeboard.sync.quarantine import BEYOND
from bridgeboard.sync.reprice import needs_reprice, reprice
from bridgeboard.sync.vendors import learn
from bridgeboard.sync.writer import SUSPECT, remark

SKEW: Final = timedelta(minutes=1)
"""A larger difference between the clocks is remarked."""


def run(
    client: Client, store: Store, options: Options, now: datetime
) -> Generator[Event, None, None]:
    """Bring the store up to date with the server; safe to stop at any event, or to kill.

    Args:
        client: of an owner's or auditor's token; one with a ``Pace`` draws no 429.
        store: the store of that deployment, or an empty one.
        options: what the operator chose.
        now: the time, aware.

    Raises:
        ForeignStoreError: when the store is another deployment's.
        ErasureKeyLostError: when it cannot recognise people who were erased from it.
        UnreadableError: when the server gives this token nothing to read, or no longer.
        ServerChangedError: when it was upgraded in the middle.
        AIBridgeError: whatever the client could not overcome; what was committed stays, and the
            next run goes on from there.
    """
    can = require_read_access(client)
    _check(can, store)
    server_now = now + (client.clock_offset() or timedelta(0))
    learn(client, can, store, server_now)
    groups.learn(client, store, server_now)
    context = _context(client, can, store, options, now)
    journal = _Journal(store, context, _begin(store, can, client, context))
    try:
        for event in _phases(client, store, context):
            journal.note(event)
            yield event
    except GeneratorExit:
        journal.close("stopped")
        raise
    except Exception as error:
        shown = _server_changed(client, error) or error
        # The store itself may have failed; then its first error is the one to raise.
        with suppress(StoreError):
            journal.close("failed", str(shown))
        if shown is error:
            raise
        raise shown from error
    journal.close("done")
    yield Event("done")


def read_session(
    client: Client, store: Store, options: Options, session: int, now: datetime
) -> bool:
    """Read the details of one session now, because somebody looks at it; whether it has any.

    ``session`` is our key.

    Raises:
        ForeignStoreError, ErasureKeyLostError, UnreadableError, AIBridgeError: as ``run`` does.
    """
    can = require_read_access(client)
    _check(can, store)
    context = _context(client, can, store, options, now)
    return details.read_one(client, store, context, session)


def _check(can: Capabilities, store: Store) -> None:
    mine = store.meta("deployment_id")
    if mine and can.deployment_id and mine != can.deployment_id:
        raise ForeignStoreError(
            f"{store.path} holds the usage of another deployment ({mine}, not"
            f" {can.deployment_id}). Name another data folder, or move that file away."
        )
    if lost := erasure.key_lost(store):
        raise ErasureKeyLostError(lost)


def _context(
    client: Client, can: Capabilities, store: Store, options: Options, now: datetime
) -> Context:
    generation: Generation = "interceptions" if can.has_interceptions else "sessions"
    options = replace(options, book=informed(store, options.book))
    return Context(options, now + (client.clock_offset() or timedelta(0)), generation)


def _begin(store: Store, can: Capabilities, client: Client, context: Context) -> int:
    """Add the run to the history of syncs; its number."""
    with store.write() as batch:
        if can.deployment_id:
            batch.set_meta("deployment_id", can.deployment_id)
        batch.set_meta("server_version", can.version)
        batch.set_meta("text", "all" if context.options.text else "none")
        remark(batch, _skew(client), context.now)
        # An earlier version stored them; the server lists them again while it has them.
        ids = interceptions.remove_beyond(batch, pricing.MOST_TOKENS)
        impossible = [sync_state.Suspect(id_, BEYOND, "") for id_ in ids]
        sync_state.quarantine(batch, SUSPECT, impossible, context.now)
        return sync_state.begin_run(batch, context.generation, context.now)


def _server_changed(client: Client, error: Exception) -> ServerChangedError | None:
    """The error to raise instead, if the server has another version than at the start."""
    with suppress(AIBridgeError):
        if (
            isinstance(error, EndpointGoneError)
            and not require_read_access(client).has_interceptions
        ):
            return ServerChangedError("The server was upgraded during this sync.")
    return None


def _skew(client: Client) -> list[Remark]:
    offset = client.clock_offset() or timedelta(0)
    if abs(offset) < SKEW:
        return []
    minutes = round(abs(offset) / timedelta(minutes=1))
    which = "ahead of" if offset > timedelta(0) else "behind"
    message = f"The server's clock is {minutes} min {which} the clock here: correct one of them."
    return [Remark("clock_skew", message)]


def _phases(client: Client, store: Store, context: Context) -> Iterator[Event]:
    if needs_reprice(store, context.options.book):
        yield Event("prices", message="pricing the stored usage anew")
        reprice(store, context.options.book, context.now)
    if context.generation == "interceptions":
        yield from interception_windows.read(client, store, context)
    yield from sessions.discover(client, store, context)
    yield from details.read(client, store, context)


class _Journal:
    """The run's row in the history of syncs."""

    def __init__(self, store: Store, context: Context, run: int) -> None:
        self._store = store
        self._context = context
        self._run = run
        self._last: dict[str, Event] = {}
        self._began = monotonic()

    def note(self, event: Event) -> None:
        self._last[event.phase] = event

    def close(self, outcome: str, message: str = "") -> None:
        ended_at = self._context.now + timedelta(seconds=monotonic() - self._began)
        with self._store.write() as batch:
            if outcome == "done":
                # A run a minute would leave a million of them in a year.
                batch.keep("DELETE FROM windows WHERE done_at IS NOT NULL")
            sync_state.finish_run(batch, self._run, outcome, self._counts(), message, ended_at)

    def _counts(self) -> Counts:
        nothing = Event("done")
        exactly, listed, detailed = (
            self._last.get(phase, nothing) for phase in ("interceptions", "sessions", "details")
        )
        every = (exactly, listed, detailed)
        return Counts(
            read_rows=exactly.rows,
            changed_rows=exactly.changed,
            sessions=listed.rows,
            details=detailed.done,
            quarantined=sum(event.quarantined for event in every),
            requests=sum(event.requests for event in every),
        )
