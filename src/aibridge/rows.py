"""Rows of pages, known again when a page tells them twice."""

import json
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from aibridge.errors import DecodeError
from aibridge.models import Interception, Rejected, SessionPage, SessionSummary, Thread

T = TypeVar("T")
Linked = TypeVar("Linked", Interception, Thread)
OnRejected = Callable[[Rejected], object] | None


@dataclass(frozen=True)
class Row(Generic[T]):
    """One row of a page: its identity, its id as a cursor if it has one, and what it holds."""

    key: Hashable
    cursor: UUID | None
    value: T | Rejected


@dataclass
class Ledger(Generic[T]):
    """Which rows have been met. A row counts once, readable or not."""

    on_rejected: OnRejected
    met: set[Hashable] = field(default_factory=set)

    def enter(self, rows: Iterable[Row[T]]) -> tuple[tuple[T, ...], int]:
        """The readable rows not met before, and the number of all rows not met before.

        Raises:
            DecodeError: for an unreadable row, if nobody listens for those.
        """
        fresh: dict[Hashable, Row[T]] = {}
        for row in rows:
            if row.key not in self.met:
                fresh.setdefault(row.key, row)
        self.met.update(fresh)
        for row in fresh.values():
            if isinstance(row.value, Rejected):
                self._reject(row.value)
        good = [row.value for row in fresh.values() if not isinstance(row.value, Rejected)]
        return tuple(good), len(fresh)

    def _reject(self, row: Rejected) -> None:
        if self.on_rejected is None:
            raise DecodeError(
                f"A row of the list is not what the API promises: {row.reason}.",
                advice="Pass on_rejected to be given such rows and go on with the others.",
            )
        self.on_rejected(row)


def session_rows(page: SessionPage) -> list[Row[SessionSummary]]:
    """The rows of a page of sessions, readable ones first; they carry no cursor."""
    rows = [Row[SessionSummary](each.key, None, each) for each in page.sessions]
    return rows + [Row(_session_key(each), None, each) for each in page.rejected]


def linked_rows(good: tuple[Linked, ...], bad: tuple[Rejected, ...]) -> list[Row[Linked]]:
    """The rows of a page that is followed by ids, readable ones first."""
    rows = [Row[Linked](each.id, each.id, each) for each in good]
    return rows + [Row(_id(each) or each.raw, _id(each), each) for each in bad]


def _session_key(rejected: Rejected) -> Hashable:
    # The same row may be readable in one answer and not in the next.
    row = json.loads(rejected.raw)
    try:
        return row["id"], UUID(row["initiator"]["id"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return rejected.raw


def _id(rejected: Rejected) -> UUID | None:
    row = json.loads(rejected.raw)
    try:
        return UUID(row["id"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
