"""Recognises rows that several pages of a list contain."""

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
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
class SeenRows(Generic[T]):
    """Which rows have been met. A row counts once, readable or not."""

    on_rejected: OnRejected
    keys: set[Hashable] = field(default_factory=set)

    def enter(self, rows: Iterable[Row[T]]) -> tuple[tuple[T, ...], int]:
        """The readable rows not met before, and the number of all rows not met before.

        Raises:
            DecodeError: for an unreadable row, if nobody listens for those.
        """
        fresh: dict[Hashable, Row[T]] = {}
        for row in rows:
            if row.key not in self.keys:
                fresh.setdefault(row.key, row)
        self.keys.update(fresh)
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
    keys = _row_keys(page.rejected, _session_key)
    return rows + [Row(key, None, each) for key, each in zip(keys, page.rejected, strict=True)]


def linked_rows(good: tuple[Linked, ...], bad: tuple[Rejected, ...]) -> list[Row[Linked]]:
    """The rows of a page that is followed by ids, readable ones first."""
    rows = [Row[Linked](each.id, each.id, each) for each in good]
    keys = _row_keys(bad, _id)
    return rows + [Row(key, _id(each), each) for key, each in zip(keys, bad, strict=True)]


def _row_keys(
    rows: Iterable[Rejected], identity: Callable[[Rejected], Hashable]
) -> Iterator[Hashable]:
    # Without an identity, equal rows of one page are still as many as they are.
    seen: Counter[str] = Counter()
    for row in rows:
        yield identity(row) or (row.raw, seen[row.raw])
        seen[row.raw] += 1


def _session_key(rejected: Rejected) -> tuple[str, UUID] | None:
    # The same row may be readable in one answer and not in the next.
    row = json.loads(rejected.raw)
    try:
        return str(row["id"]), UUID(row["initiator"]["id"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _id(rejected: Rejected) -> UUID | None:
    row = json.loads(rejected.raw)
    try:
        return UUID(row["id"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
