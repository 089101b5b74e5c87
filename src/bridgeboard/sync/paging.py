"""Pages through one window, newest row first, and detects lost rows.

The list changes while it is read, and the server may fail in ways that look like success. Anything
odd becomes a ``Remark``; where rows may be missing the window is read again from its top, which
costs little, since known rows are not even decoded (api-contract 2.3).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from aibridge import (
    AIBridgeError,
    BulkPage,
    CursorError,
    DecodeError,
    IncompleteError,
    OversizedError,
)
from bridgeboard.model.store_status import LeftOut

RESTARTS: Final = 3
BROKEN_ANSWERS: Final = 6
Position = tuple[datetime, UUID]
Ask = Callable[[UUID | None, int], BulkPage]
"""(cursor, limit) → the page behind the cursor."""


class Remark(NamedTuple):
    """Something odd that an operator should know: its kind, and a sentence."""

    kind: str
    message: str


@dataclass(frozen=True)
class Step:
    """A page, and the progress of the window once it is stored.

    ``after`` is where the next page begins, None for the top of the window; ``rows`` were read
    on this way down. ``is_empty``: the server counts nothing at all in the window. ``left_out`` is
    what it fails to list.
    """

    page: BulkPage | None
    after: UUID | None
    rows: int
    is_last: bool = False
    is_empty: bool = False
    remarks: tuple[Remark, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass
class Walk:
    """Reads one window; ``after`` and ``rows`` are where an earlier run stopped.

    ``name`` is the window in words, for remarks.
    """

    ask: Ask
    limit: int
    name: str
    after: UUID | None = None
    rows: int = 0

    def __post_init__(self) -> None:
        self._is_resumed = self.after is not None
        self._at: Position | None = None
        self._followed: set[Position] = set()
        self._first_count: int | None = None
        self._has_shrunk = False
        self._remarks: list[Remark] = []
        self._restarts = 0

    def steps(self) -> Iterator[Step]:
        """Every page, the last one marked; after a restart pages come again.

        Raises:
            IncompleteError: when the server's list does not lead to its end.
            AIBridgeError: whatever the client could not overcome.
        """
        try:
            yield from self._down()
        except AIBridgeError:
            yield Step(None, self.after, self.rows, remarks=self._taken_remarks())
            raise

    def _down(self) -> Iterator[Step]:
        while True:
            page = self._page()
            is_end = page is not None and self._is_end(page)
            if page is None or self._is_astray(page) or (is_end and self._is_short(page)):
                self._restart()
                yield Step(page, None, 0, remarks=self._taken_remarks())
            else:
                self._follow(page)
                yield Step(
                    page, self.after, self.rows, is_end, not page.count, self._taken_remarks()
                )
                if is_end:
                    return

    def _page(self) -> BulkPage | None:
        """The next page, or None when the row to begin behind is gone."""
        broken = 0
        while True:
            try:
                return self._counted(self.ask(self.after, self.limit))
            except CursorError:
                self._remark("lost_cursor", "the row to go on from is gone")
                return None
            except OversizedError:
                if self.limit == 1:
                    raise
                self.limit //= 2
            except DecodeError as error:
                broken += 1
                if broken > BROKEN_ANSWERS:
                    raise
                self._remark("error_body", str(error))

    def _counted(self, page: BulkPage) -> BulkPage:
        if self._first_count is None:
            self._first_count = page.count
        if page.count < self._first_count and not self._has_shrunk:
            self._has_shrunk = True
            message = f"the server counted {self._first_count:,} interceptions, then {page.count:,}"
            self._remark("shrunk", message)
        return page

    def _is_end(self, page: BulkPage) -> bool:
        return not page.size or (page.size < self.limit and self.rows + page.size >= page.count)

    def _is_astray(self, page: BulkPage) -> bool:
        """Whether the list repeats itself here; other disorder is only remarked."""
        if page.last is None or page.first is None:
            if self._is_end(page):
                return False
            raise IncompleteError(f"{self.name}: no row of a page has a readable id.")
        if page.last in self._followed:
            self._remark("repeated_page", "the server's list repeats a page")
            return True
        if page.first < page.last or (self._at is not None and page.first >= self._at):
            self._remark("order", "rows do not come newest first")
        return False

    def _is_short(self, page: BulkPage) -> bool:
        """Whether fewer rows were read than counted at the start, though none was purged.

        A walk that was resumed does not know the first count and takes the latest one, which also
        holds rows that arrived above it meanwhile.
        """
        expected = page.count if self._is_resumed else self._first_count or 0
        seen = self.rows + page.size
        if seen >= expected or self._has_shrunk:
            return False
        if self._is_resumed:
            return True
        message = f"the server counts {expected:,} interceptions; {seen:,} could be read"
        self._remark("short", message)
        return self._restarts < RESTARTS

    def _follow(self, page: BulkPage) -> None:
        self.rows += page.size
        if page.last is not None:
            self._followed.add(page.last)
            self._at = page.last
            self.after = page.last[1]

    def _restart(self) -> None:
        if not self._is_resumed:
            self._restarts += 1
        if self._restarts > RESTARTS:
            raise IncompleteError(f"{self.name}: the server's list does not lead to its end.")
        self._is_resumed = self._has_shrunk = False
        self.after = self._at = self._first_count = None
        self.rows = 0
        self._followed.clear()

    def _remark(self, kind: str, message: str) -> None:
        self._remarks.append(Remark(kind, f"{self.name}: {message}."))

    def _taken_remarks(self) -> tuple[Remark, ...]:
        remarks, self._remarks = tuple(self._remarks), []
        return remarks
