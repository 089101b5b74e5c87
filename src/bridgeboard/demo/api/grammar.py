"""The ``q`` search language: text in, filters or validations out (api-contract section 3)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bridgeboard.demo.api import golang
from bridgeboard.demo.api.params import Invalid, Reading, Validation

Endpoint = Literal["interceptions", "sessions", "models", "clients"]
Resolver = Callable[[str], str | None]
"""Turns a written value into a stored one; raises ``ValueError`` with the server's words."""

KEYS: dict[Endpoint, tuple[str, ...]] = {
    "interceptions": (
        "initiator",
        "provider",
        "provider_name",
        "model",
        "client",
        "started_after",
        "started_before",
    ),
    "sessions": (
        "initiator",
        "provider",
        "provider_name",
        "model",
        "client",
        "session_id",
        "started_after",
        "started_before",
    ),
    "models": ("model",),
    "clients": ("client",),
}
FREE_TEXT: dict[Endpoint, str] = {
    "interceptions": "initiator",
    "models": "model",
    "clients": "client",
}
_RANGE = (
    'Query param "started_before" has invalid value:'
    ' "started_before" must be after "started_after" if set'
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a query asks for; None is no filter. Both time bounds are inclusive."""

    initiator: str | None = None
    provider: str | None = None
    provider_name: str | None = None
    model: str | None = None
    client: str | None = None
    session_id: str | None = None
    started_after: datetime | None = None
    started_before: datetime | None = None

    def texts(self) -> list[str]:
        """Return the values that reach the database as text."""
        named = (self.provider, self.provider_name, self.model, self.client, self.session_id)
        return [value for value in named if value is not None]


def parse(
    endpoint: Endpoint,
    query: str,
    *,
    initiator: Resolver = str,
    provider_name: Resolver = str,
) -> Filters:
    """Return the filters of ``query``, or raise ``Invalid`` with the server's validations."""
    reading = Reading(_terms(endpoint, query))
    resolve: dict[str, Resolver] = {"initiator": initiator, "provider_name": provider_name}
    known = KEYS[endpoint]
    texts = {
        key: reading.one(key, resolve.get(key, str), None)
        for key in known
        if not key.startswith("started_")
    }
    after, before = _window(reading) if "started_after" in known else (None, None)
    for key in reading.values:
        if key not in known:
            reading.refuse(key, f"{golang.quote(key)} is not a valid query param")
    reading.check()
    return Filters(**texts, started_after=after, started_before=before)


def _terms(endpoint: Endpoint, query: str) -> dict[str, list[str]]:
    terms: dict[str, list[str]] = {}
    for element in _elements(query):
        key, value = _term(endpoint, element)
        terms.setdefault(key, []).append(value)
    return terms


def _elements(query: str) -> list[str]:
    tokens = _split(query, " ")
    free = [token for token in tokens if ":" not in token]
    return [token for token in tokens if ":" in token] + ([" ".join(free)] if free else [])


def _split(text: str, separator: str) -> list[str]:
    """Cut at the separator outside double quotes; empty pieces vanish, quotes stay."""
    pieces, quoted = [""], False
    for part in text.split('"'):
        head, *tail = [part] if quoted else part.split(separator)
        pieces[-1] += head
        pieces += tail
        pieces[-1] += '"'
        quoted = not quoted
    pieces[-1] = pieces[-1][:-1]
    return [piece for piece in pieces if piece]


def _term(endpoint: Endpoint, element: str) -> tuple[str, str]:
    if element.startswith(":") or element.endswith(":"):
        raise _wrong(f"Query element {golang.quote(element)} cannot start or end with ':'")
    match _split(element, ":"):
        case [key, value]:
            return golang.fold(key.strip('"')), value.strip('"')
        case [_]:
            return _free_text(endpoint), element
        case _:
            raise _wrong(f"Query element {golang.quote(element)} can only contain 1 ':'")


def _free_text(endpoint: Endpoint) -> str:
    if endpoint not in FREE_TEXT:
        raise _wrong("no search key specified")
    return FREE_TEXT[endpoint]


def _wrong(detail: str) -> Invalid:
    return Invalid(Validation("q", detail))


def _window(reading: Reading) -> tuple[datetime | None, datetime | None]:
    after = reading.one("started_after", _moment, None)
    before = reading.one("started_before", _moment, None)
    # Judged before rounding: a nanosecond apart is apart, though both round to one instant.
    if after is not None and before is not None and before <= after:
        reading.refuse("started_before", _RANGE)
    return _rounded(after), _rounded(before)


def _moment(text: str) -> int | None:
    try:
        nanoseconds = golang.moment(golang.fold(text, upper=True))
    except ValueError as problem:
        raise ValueError(f"must be a valid date format ({golang.LAYOUT}): {problem}") from None
    return None if nanoseconds == golang.ZERO_TIME else nanoseconds


def _rounded(nanoseconds: int | None) -> datetime | None:
    return None if nanoseconds is None else golang.to_datetime(nanoseconds)
