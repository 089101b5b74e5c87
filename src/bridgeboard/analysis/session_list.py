"""The list of sessions: a page of it and the place of its first row, all of it, and owners."""

from collections.abc import Sequence
from typing import Final

from bridgeboard.analysis.questions import Questions
from bridgeboard.analysis.runner import Snapshot
from bridgeboard.model.store import Reader
from bridgeboard.queries import session_detail, session_list
from bridgeboard.queries.session_detail import Owner
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.session_list import Order, Page, SessionRow
from bridgeboard.queries.typed_rows import typed

BLOCK: Final = 1_000
"""Sessions that are read at once when all are."""


def page(
    questions: Questions,
    find: Find,
    order: Order,
    *,
    limit: int,
    after: str | None = None,
    before: str | None = None,
) -> Page:
    """The page after a cursor or before one, the first for neither. Raises CursorError."""
    asked = session_list.listing(find, order, after=after, before=before, limit=limit)
    answer = questions.ask(asked)
    return session_list.page(answer, order, after=after, before=before, limit=limit)


def placed_page(
    questions: Questions,
    find: Find,
    order: Order,
    count: int,
    *,
    limit: int,
    after: str | None = None,
    before: str | None = None,
) -> tuple[Page, int]:
    """The page at a cursor, and the place of its first row from 1 on among all ``count``.

    Raises:
        CursorError: for a cursor that is none, or of another order.
        ListError: for two cursors, or none.
    """
    shown = page(questions, find, order, limit=limit, after=after, before=before)
    asked = session_list.beyond(find, order, after=after, before=before)
    rest: int = questions.ask(asked).only["sessions"]
    return shown, (rest - len(shown.rows) if after is None else count - rest) + 1


def first_sessions(reader: Reader, find: Find, order: Order, *, most: int) -> list[SessionRow]:
    """The first sessions of the list in one state of the store, at most so many."""
    rows: list[SessionRow] = []
    after: str | None = None
    while len(rows) < most:
        limit = min(BLOCK, most - len(rows))
        shown = page(Snapshot(reader), find, order, limit=limit, after=after)
        rows += shown.rows
        after = shown.after
        if after is None:
            break
    return rows


def owners(questions: Questions, sessions: Sequence[int]) -> tuple[Owner, ...]:
    """Sessions by our keys, in no order."""
    return typed(Owner, questions.ask(session_detail.owners(tuple(sessions))).rows)
