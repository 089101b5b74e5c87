"""Requests one by one: a page of the list, all of it, and what the store knows of one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bridgeboard.analysis.questions import Questions
from bridgeboard.analysis.runner import answer
from bridgeboard.model import periods
from bridgeboard.model.scope import Scope
from bridgeboard.model.store import Reader
from bridgeboard.queries import request_list
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.request_list import PAGE, Detail, Interception, Order, Response
from bridgeboard.queries.typed_rows import Key, typed

BLOCK: Final = 5_000
"""Requests that are read at once when all are."""


@dataclass(frozen=True)
class RequestPage:
    """A page of requests.

    Attributes:
        first: the place of its first row among all ``count``, from 1 on.
    """

    rows: tuple[Interception, ...]
    first: int
    count: int

    @property
    def has_before(self) -> bool:
        """Whether there is a page before this one."""
        return self.first > 1

    @property
    def has_after(self) -> bool:
        """Whether there is a page after this one."""
        return self.first + len(self.rows) <= self.count


def page(
    questions: Questions,
    scope: Scope,
    order: Order,
    *,
    errors_only: bool,
    after: Key | None = None,
    before: Key | None = None,
) -> RequestPage:
    """The page after a row or before one; the first for neither, or if too few are before it."""

    def rows(after: Key | None = None, before: Key | None = None) -> tuple[Interception, ...]:
        asked = request_list.interceptions(
            scope, order, errors_only=errors_only, after=after, before=before
        )
        return _rows(questions, asked)

    def count(before: Key | None = None) -> int:
        asked = request_list.counted(scope, order, errors_only=errors_only, before=before)
        return int(questions.ask(asked).only["requests"])

    every = count()
    if before and not after:
        shown = rows(before=before)
        if len(shown) == PAGE:
            return RequestPage(shown, count(shown[0].key) + 1, every)
    if after:
        shown = rows(after=after)
        return RequestPage(shown, (count(shown[0].key) if shown else every) + 1, every)
    return RequestPage(rows(), 1, every)


def newest_listed(questions: Questions) -> Interception | None:
    """The newest of all requests that a server listed one by one."""
    exact = periods.everything().only("accuracy", "exact")
    return next(iter(_rows(questions, request_list.interceptions(exact, limit=1))), None)


def first_requests(
    reader: Reader, scope: Scope, order: Order, *, errors_only: bool, most: int
) -> Iterator[Interception]:
    """The first requests of one state of the store, at most so many, read a block at a time."""
    after: Key | None = None
    while most > 0:
        question = request_list.interceptions(
            scope, order, errors_only=errors_only, after=after, limit=min(BLOCK, most)
        )
        block = typed(Interception, answer(reader, question).rows)
        yield from block
        if len(block) < BLOCK:
            return
        after = block[-1].key
        most -= len(block)


def found(reader: Reader, id_: str) -> Detail | None:
    """The request of the server's id; None where there is none."""
    ((usage,),) = reader.rows(*request_list.found(id_))
    if usage is None:
        return None
    return next(iter(typed(Detail, reader.rows(*request_list.detail(usage)))), None)


def responses(reader: Reader, usage: int) -> tuple[Response, ...]:
    """The responses of a request with their prices, by time."""
    return typed(Response, reader.rows(*request_list.responses(usage)))


def _rows(questions: Questions, asked: Query) -> tuple[Interception, ...]:
    return typed(Interception, questions.ask(asked).rows)
