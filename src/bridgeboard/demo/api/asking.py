"""A judged request, and what all list endpoints do with it (api-contract 2.2, 3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bridgeboard.demo.api import golang, http_answers, query_parameters
from bridgeboard.demo.api.deployment import Era
from bridgeboard.demo.api.index import Rows, View
from bridgeboard.demo.api.query_parameters import Endpoint, Filters, Invalid, Params, Reading
from bridgeboard.demo.records import InterceptionRow, Person

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000
INVALID_VALUES = "Query parameters have invalid values."
_NO_UTF8 = 'pq: invalid byte sequence for encoding "UTF8"'


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks what, of which state of the data, in which era."""

    caller: Person
    params: Params
    view: View
    era: Era
    stamp: http_answers.Stamp

    @property
    def reads_all(self) -> bool:
        """Whether the caller sees any rows: owners and auditors do (api-contract 1.5)."""
        return self.caller.role in {"owner", "auditor"}

    def first(self, name: str) -> str:
        """Return the first value of a parameter, or an empty text."""
        return (self.params.get(name) or [""])[0]

    def person(self, initiator_id: str) -> dict[str, str]:
        """Return an initiator object (api-contract 5.1)."""
        person = self.view.index.people[initiator_id]
        account = {"id": person.id, "username": person.username}
        optional = {"name": person.name, "avatar_url": person.avatar_url}
        return account | {key: value for key, value in optional.items() if value}


@dataclass(frozen=True, slots=True)
class Page:
    """The paging parameters that every list endpoint reads."""

    limit: int
    offset: int
    after_id: str | None

    def cut(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return this page of all rows."""
        return rows[self.offset : self.offset + self.limit]


def page(ask: Ask) -> Page:
    """Read ``after_id``, ``limit`` and ``offset``; all mistakes are named together."""
    reading = Reading(ask.params)
    after_id = reading.one("after_id", query_parameters.uuid, None)
    limit = reading.one("limit", query_parameters.count, 0)
    offset = reading.one("offset", query_parameters.count, 0)
    check(reading)
    return Page(limit or DEFAULT_LIMIT, offset, after_id)


def check(reading: Reading) -> None:
    """Refuse a request whose parameters have mistakes, with all of them."""
    try:
        reading.check()
    except Invalid as invalid:
        raise http_answers.refuse(400, INVALID_VALUES, validations=invalid.validations) from None


def check_cursor(cursor: str | None, name: str, offset: int) -> None:
    """Refuse a cursor together with an offset."""
    if cursor and offset:
        both = f"Cannot use both {name} and offset pagination in the same request."
        raise http_answers.refuse(400, INVALID_VALUES, both)


def check_limit(limit: int) -> None:
    """Refuse a limit beyond the largest."""
    if limit > LARGEST_LIMIT:
        detail = f"Pagination limit must be in range (0, {LARGEST_LIMIT}]"
        raise http_answers.refuse(400, "Invalid pagination limit value.", detail)


def search(ask: Ask, endpoint: Endpoint, complaint: str, failure: str) -> Filters:
    """Read ``q``; ``complaint`` heads the 400 of a bad one, ``failure`` a database's 500."""
    try:
        filters = query_parameters.parse(
            endpoint,
            ask.first("q"),
            initiator=lambda text: _initiator(ask, text),
            provider_name=lambda text: _provider_name(ask, text),
        )
    except Invalid as invalid:
        raise http_answers.refuse(400, complaint, validations=invalid.validations) from None
    check_text(failure, filters.texts())
    return filters


def check_text(failure: str, texts: Iterable[str]) -> None:
    """Fail with a 500 on text that no database stores: NUL, or bytes that are not UTF-8."""
    if any(map(is_unstorable, texts)):
        raise http_answers.refuse(500, failure, _NO_UTF8)


def is_unstorable(text: str) -> bool:
    """Tell whether the database would refuse to take this text."""
    return "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text)


def hits(ask: Ask, filters: Filters) -> Rows:
    """Return the finished interceptions that the caller may read and the filters let through."""
    if not ask.reads_all:
        return ()
    rows = ask.view.between(filters.started_after, filters.started_before)
    wanted = [
        (name, getattr(filters, name))
        for name in ("session_id", "provider", "model")
        if getattr(filters, name) is not None
    ]
    if filters.initiator is not None:
        wanted.append(("initiator_id", filters.initiator))
    for name, value in wanted:
        rows = [row for row in rows if getattr(row, name) == value]
    if filters.provider_name is not None:
        rows = [row for row in rows if provider_name(row) == filters.provider_name]
    if filters.client is not None:
        rows = [row for row in rows if client_name(row) == filters.client]
    return rows


def provider_name(row: InterceptionRow) -> str:
    """Return the provider instance; rows from before instances had names tell the type."""
    return row.provider_name or row.provider


def client_name(row: InterceptionRow) -> str:
    """Return the client as filters see it: a missing one is ``Unknown``."""
    return "Unknown" if row.client is None else row.client


def _initiator(ask: Ask, text: str) -> str | None:
    if text == "me":
        return ask.caller.id
    try:
        person_id = golang.uuid(text)
    except ValueError:
        return _named(ask, text)
    return None if person_id == golang.NIL_UUID else person_id


def _named(ask: Ask, username: str) -> str:
    person = ask.view.index.person_named(username)
    if person is None or not (ask.reads_all or person.id == ask.caller.id):
        raise ValueError(
            f"has invalid value: user {golang.quote(username)} either does not exist,"
            " or you are unauthorized to view them"
        )
    return person.id


def _provider_name(ask: Ask, text: str) -> str:
    if ask.caller.role != "owner" or ask.view.index.provider(text) is None:
        raise ValueError("has invalid value: provider not found or unauthorized")
    return text
