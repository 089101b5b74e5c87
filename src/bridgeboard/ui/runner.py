"""The questions of this run's reader to the store; the only way from a page to it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from bridgeboard import settings
from bridgeboard.access import Permission
from bridgeboard.analysis.runner import AnswerCache, Runner
from bridgeboard.model.dimensions import groups_tell_sessions
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.store import NoStoreError
from bridgeboard.runtime import process
from bridgeboard.runtime.process import Process
from bridgeboard.ui import current_user

UNTOLD: Final = "The last sync failed. The operator of this dashboard can see why."
"""Shown to readers in place of a reason that may name somebody."""
UNSEEN: Final = "The operator of this dashboard can see why."
"""The same about what is wrong beside the sync."""
NO_ANSWER: Final = "This dashboard reads from ClickHouse, and waits for its first answer."
NO_COPY: Final = "This dashboard is a replica, and waits for the first copy of the store."
UNSYNCED: Final = "No sync is known to run. The operator of this dashboard can see why."
"""Likewise, where another process is to sync."""
NO_REQUEST: Final = "Not known yet: sessions are known, but none of their requests."
CACHE: Final = AnswerCache(2048)
"""The answers of all readers, each under the rows that who asked may see."""


def current() -> Runner:
    """Questions to the store with the row access of this run's reader.

    Raises NoStoreError when there is no store yet.
    """
    row_access = current_user.reader().row_access
    keeper = process.current()
    if keeper is None or keeper.store is None:
        raise NoStoreError(_why_none(keeper))
    return Runner(keeper.store, row_access, CACHE)


@contextmanager
def one_state() -> Iterator[None]:
    """A run of the whole page, all of whose questions are answered by one published copy.

    Where the process has the store itself, each answer belongs to the version that was asked.
    """
    keeper = process.current()
    if keeper is None:
        yield
        return
    with keeper.one_state():
        yield


def shows_people() -> bool:
    """Whether single people can be seen at all: else what is about them is left out of pages."""
    return current_user.reader().row_access.floor is None


def without_people(names: Iterable[str]) -> tuple[str, ...]:
    """The dimensions of these that the reader may see."""
    shown = shows_people()
    return tuple(name for name in names if shown or name != "initiator")


def tells_sessions(dimensions: Iterable[str]) -> bool:
    """Whether the reader may see how many sessions there are by some dimensions."""
    return shows_people() or groups_tell_sessions(dimensions)


def model_name(model: str | None, unknown: str) -> str:
    """What the model of an id is called; ``unknown`` for no id."""
    return current().families().get(model, model) if model else unknown


def is_unknown(measure: str) -> bool:
    """Whether a number is unknown as sessions are known, but no request yet."""
    return METRICS[measure].needs_requests and current().coverage().knows_no_request


def _why_none(keeper: Process | None) -> str:
    if keeper and settings.current().reads_only:
        problem = keeper.copy_status.problem
        may_know = current_user.reader().may(Permission.SYNC)
        waiting = NO_ANSWER if settings.current().store else NO_COPY
        return problem if problem and may_know else waiting
    status = keeper.status if keeper else None
    if status and status.problem:
        if current_user.reader().may(Permission.SYNC):  # it may name the token's owner
            return status.problem
        return UNTOLD
    return "The first sync is about to begin. Numbers appear here as soon as it has read any."
