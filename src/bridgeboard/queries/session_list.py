"""The list of sessions: sorted by any column, filtered, a page at a time.

The value that decides the order is worked out for all sessions found, everything else only for
those on the page. Pages are turned by keys, never by counting rows: what is written meanwhile
neither repeats a row nor skips one.

A cursor names a place in the list in a word for addresses: the last row's value and key. It says by
what the list is sorted, but not how it is filtered: a period that ends now moves while somebody
turns its pages. It is no secret and no proof; its checksum finds what was cut off or mistyped.
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, ClassVar, Final

from bridgeboard.model.accuracy import of_usage
from bridgeboard.model.answer import Answer
from bridgeboard.model.errors import CursorError, ListError
from bridgeboard.queries import list_order
from bridgeboard.queries.list_order import Value
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.metric_sources import Arguments
from bridgeboard.queries.session_columns import (
    ALL_OF_IT,
    COLUMNS,
    NUMBERS,
    WHOLE,
    Column,
    Kind,
)
from bridgeboard.queries.session_filters import Find, Sides, conditions, shared, spoken, where
from bridgeboard.queries.typed_rows import typed

_SUM_SIZE: Final = 4
_LONGEST: Final = 16_384
_TEXTS: Final = ("text", "list")
_WIDEST: Final = 2**126
_WIDEST_KEY: Final = 2**63


@dataclass(frozen=True)
class Order(list_order.Order):
    """By which column sessions are sorted; ties are in order of keys."""

    columns: ClassVar[Collection[str]] = COLUMNS

    @property
    def kind(self) -> Kind:
        """What the values are that decide."""
        return COLUMNS[self.name].kind


@dataclass(frozen=True)
class Place:
    """Just at a row: its value, and its session's key."""

    value: Value
    session: int


def cursor_of(order: Order, place: Place) -> str:
    """The cursor of a place: letters, digits, "-" and "_"."""
    plain = [str(order), place.value, place.session]
    content = json.dumps(plain, separators=(",", ":"), allow_nan=False).encode()
    return urlsafe_b64encode(_checksum(content) + content).decode("ascii").rstrip("=")


def place_of(order: Order, cursor: str) -> Place:
    """The place of a cursor. Raises CursorError for one of another order, or none at all."""
    if len(cursor) > _LONGEST:
        raise CursorError("it is too long")
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        content = json.loads(raw[_SUM_SIZE:])
    except (ValueError, binascii.Error, RecursionError) as error:
        raise CursorError("it cannot be read") from error
    if raw[:_SUM_SIZE] != _checksum(raw[_SUM_SIZE:]):
        raise CursorError("it is damaged")
    place = _checked(order, content)
    if cursor_of(order, place) != cursor:
        raise CursorError("it is damaged")
    return place


def _checked(order: Order, content: Any) -> Place:
    match content:
        case [str(name), _, _] if name != str(order):
            raise CursorError("it is of a list in another order")
        case [_, value, session] if _is_value(order, value) and _is_whole(session, _WIDEST_KEY):
            return Place(value, session)
    raise CursorError("it says something else")


def _is_value(order: Order, value: object) -> bool:
    if value is None:
        return True
    if order.kind in _TEXTS:
        return isinstance(value, str)
    return isinstance(value, float) if order.kind == "rate" else _is_whole(value, _WIDEST)


def _is_whole(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -most <= value < most


def _checksum(content: bytes) -> bytes:
    return blake2b(content, digest_size=_SUM_SIZE).digest()


LARGEST: Final = 1000
"""Rows of the largest page."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session on a page of the list; None is unknown.

    Numbers are of the session's part in the scope, but for those called ``whole``.

    Attributes:
        session: our key; ``id`` is the client's.
        person: as filters name it; ``name`` is the full name, None is unknown.
        client: None is unknown.
        credential_kinds: none is unknown.
        last_active_at: the end of its last request; ``duration_seconds`` is up to there.
        extent: "all" where the part is all of the session, else "part"; None where no request of
            it is known yet, and with these none of the numbers.
        cost, shadow_cost: in pico-USD. With ``unpriced_tokens``, a lower bound.
        summed_rows, unread_rows: what makes other numbers less than exact
            (``model.accuracy``), also by rows without known tools that a filter by tool hides.
        whole_tokens: the server's own sum where no request is known, which is one of
            ``whole_summed_rows`` then.
        accuracy: "exact" where all requests are known one by one, else "aggregate".
        status: what is known about the price of the requests of its part; None where it differs.
    """

    session: int
    id: str
    person: str
    name: str | None
    team: str
    client: str | None
    providers: tuple[str, ...]
    models: tuple[str, ...]
    credential_kinds: tuple[str, ...]
    started_at: datetime
    last_active_at: datetime | None
    duration_seconds: float | None
    extent: str | None
    threads: int | None
    requests: int | None
    prompts: int | None
    tool_calls: int | None
    tool_errors: int | None
    failed_threads: int | None
    input: int | None
    output: int | None
    cache_read: int | None
    cache_write: int | None
    cost: int | None
    total_tokens: int | None
    recorded_tokens: int | None
    cache_hit_rate: float | None
    shadow_cost: int | None
    unpriced_tokens: int | None
    summed_rows: int | None
    unread_rows: int | None
    whole_requests: int | None
    whole_tokens: int | None
    whole_cost: int | None
    whole_unpriced_tokens: int | None
    whole_summed_rows: int | None
    accuracy: str
    status: str | None
    has_text: bool
    has_details: bool

    @property
    def by_metric(self) -> Mapping[str, Any]:
        """The numbers of its part in the scope, under the names of the vocabulary."""
        priced_tokens = (self.total_tokens or 0) - (self.unpriced_tokens or 0)
        numbers = {metric: getattr(self, name) for name, metric in NUMBERS.items()}
        return {**numbers, **of_usage(self.cost, priced_tokens, self.status)}

    def numbers_of(self, column: Column) -> Mapping[str, Any]:
        """Those of its part, or of all of it for a column of the whole session."""
        if not column.is_whole:
            return self.by_metric
        priced_tokens = (self.whole_tokens or 0) - (self.whole_unpriced_tokens or 0)
        numbers = {NUMBERS[part]: getattr(self, name) for name, part in WHOLE.items()}
        status = self.status if self.extent == ALL_OF_IT else None
        return {**numbers, **of_usage(self.whole_cost, priced_tokens, status)}


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows in order, and where the pages beside begin; None where there is none."""

    rows: tuple[SessionRow, ...]
    after: str | None
    before: str | None


def listing(
    find: Find,
    order: Order | None = None,
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Query:
    """A page of the sessions found; ``page`` reads what it answers.

    Args:
        find: which sessions.
        order: by which column; the latest first if left out.
        after: the cursor that the page before gave; or
        before: the cursor that the page after gave.
        limit: rows on the page. One more is asked for, to see whether there are any.

    Raises:
        CursorError: for a cursor that is none, or of another order.
        ListError: for two cursors, or an impossible limit.
    """
    order = order or Order()
    if after is not None and before is not None:
        raise ListError("A page is after a place or before one, not both.")
    if not 1 <= limit <= LARGEST:
        raise ListError(f"A page has 1 to {LARGEST} rows, not {limit}.")
    into = Arguments()
    cursor = after if before is None else before
    place = None if cursor is None else place_of(order, cursor)
    sorting = _sorting(find, order, into)
    every = [one.sql for one in COLUMNS.values()]
    shown = Sides(every, find.scope, into, "SELECT session FROM chosen", "shown_")
    chosen = _chosen(find, order, sorting, place, limit + 1, is_before=before is not None)
    common = [*shared(find.scope, sorting, shown), *sorting.tables(), *chosen, *shown.tables()]
    columns = ", ".join(f"{one.sql} AS {name}" for name, one in COLUMNS.items())
    sql = (
        f"WITH {', '.join(common)} SELECT c.place, s.session, {columns}"
        f" FROM {shown.origin()} JOIN chosen c ON c.session = s.session"
        f" ORDER BY {_ordered('c.place', 's.session', order)}"
    )
    return Query(sql, tuple(into.values))


def page(
    answer: Answer,
    order: Order | None = None,
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Page:
    """What ``listing`` answered, for the same order, place and limit."""
    order = order or Order()
    has_more = len(answer) > limit
    rows = answer.rows[-limit:] if before is not None else answer.rows[:limit]
    ends = [cursor_of(order, Place(row[0], row[1])) for row in (*rows[:1], *rows[-1:])]
    has_before = has_more if before is not None else after is not None
    has_after = has_more if before is None else True
    return Page(
        typed(SessionRow, (row[1:] for row in rows)),
        after=ends[-1] if ends and has_after else None,
        before=ends[0] if ends and has_before else None,
    )


def beyond(
    find: Find, order: Order, *, after: str | None = None, before: str | None = None
) -> Query:
    """How many of the sessions found come after a cursor, or before it: one row, ``sessions``.

    Raises:
        CursorError: for a cursor that is none, or of another order.
        ListError: for two cursors, or none.
    """
    cursor = before if after is None else after
    if cursor is None or (after is not None and before is not None):
        raise ListError("A place is after a cursor or before one.")
    into = Arguments()
    place = place_of(order, cursor)
    sorting = _sorting(find, order, into)
    common = [
        *shared(find.scope, sorting),
        *sorting.tables(),
        _placed(find, order, sorting),
    ]
    condition = _beyond(order, place, into, is_before=before is not None)
    sql = f"WITH {', '.join(common)} SELECT count(*) AS sessions FROM placed WHERE {condition}"
    return Query(sql, tuple(into.values))


def _sorting(find: Find, order: Order, into: Arguments) -> Sides:
    return Sides([COLUMNS[order.name].order, *spoken(find)], find.scope, into)


def _placed(find: Find, order: Order, sorting: Sides) -> str:
    """The sessions found and the values that decide, as the table ``placed``."""
    key = COLUMNS[order.name].order
    source = f"FROM {sorting.origin()}{where(conditions(find, sorting.into))}"
    return f"placed AS (SELECT s.session, {key} AS place {source})"


def _chosen(
    find: Find, order: Order, sorting: Sides, place: Place | None, limit: int, *, is_before: bool
) -> list[str]:
    """The sessions on the page and the values that decide, as the table ``chosen``."""
    into = sorting.into
    rest = [_beyond(order, place, into, is_before=is_before)] if place else []
    ordered = _ordered("place", "session", order, is_reversed=is_before)
    chosen = f"SELECT * FROM placed{where(rest)} ORDER BY {ordered} LIMIT {into.bound(limit)}"
    return [_placed(find, order, sorting), f"chosen AS MATERIALIZED ({chosen})"]


def _ordered(value: str, key: str, order: Order, *, is_reversed: bool = False) -> str:
    way = "DESC" if is_reversed else "ASC"
    return f"{order.by(value, is_reversed=is_reversed)}, {key} {way}"


def _beyond(order: Order, place: Place, into: Arguments, *, is_before: bool) -> str:
    """Whether a row of ``placed`` comes after a place, or before it."""
    tied = f"session {'<' if is_before else '>'} {into.bound(place.session)}"
    return order.beyond("place", place.value, tied, into, is_before=is_before)
