"""Values out of a query: the URL's own, and the terms of ``q`` (api-contract 2.2, 3).

Both are multi-valued texts that are read one name at a time; what is wrong with them is
collected, not raised, because the server tells all mistakes at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar
from urllib.parse import unquote_to_bytes

from bridgeboard.demo.api import golang

T = TypeVar("T")
Params = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Validation:
    """One thing that is wrong with a request."""

    field: str
    detail: str


class Invalid(Exception):  # noqa: N818 -- it names the request, not a failure of ours
    """A request with wrong values; they are all in ``validations``."""

    def __init__(self, *validations: Validation) -> None:
        super().__init__(*validations)
        self.validations = validations


class Reading:
    """Reads single values out of ``values`` and remembers what was wrong with them."""

    def __init__(self, values: Params) -> None:
        self.values = values
        self.faults: list[Validation] = []

    def one(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """Return the parsed value of ``name``, or ``default`` if absent, empty or wrong.

        ``parse`` raises ``ValueError`` with the words that follow ``Query param "name"``.
        """
        given = self.values.get(name) or [""]
        if not given[0]:
            return default
        try:
            return parse(_only(given))
        except ValueError as problem:
            self.refuse(name, f"Query param {golang.quote(name)} {problem}")
            return default

    def refuse(self, field: str, detail: str) -> None:
        """Remember one more mistake."""
        self.faults.append(Validation(field, detail))

    def check(self) -> None:
        """Raise ``Invalid`` if anything was wrong."""
        if self.faults:
            raise Invalid(*self.faults)


def _only(given: Sequence[str]) -> str:
    if len(given) > 1:
        raise ValueError(
            f"provided more than once, found {len(given)} times."
            " Only provide 1 instance of this query param."
        )
    return given[0]


def parse_query(query: bytes) -> dict[str, list[str]]:
    """Read a URL query as Go does: a pair with ``;`` or a broken escape is dropped silently."""
    values: dict[str, list[str]] = {}
    for pair in query.split(b"&"):
        if not pair or b";" in pair:
            continue
        name, _, value = (_unescape(part) for part in pair.partition(b"="))
        if name is not None and value is not None:
            values.setdefault(name, []).append(value)
    return values


def _unescape(part: bytes) -> str | None:
    return percent_decode(part.replace(b"+", b" "))


def percent_decode(raw: bytes) -> str | None:
    """Decode ``%XX`` once; None if an escape is broken. Foreign bytes become surrogates."""
    text = unquote_to_bytes(raw)
    if raw.count(b"%") and _broken(raw):
        return None
    return text.decode("utf-8", "surrogateescape")


def _broken(raw: bytes) -> bool:
    hexadecimal = b"0123456789abcdefABCDEF"
    escapes = raw.split(b"%")[1:]
    return any(len(e) < 2 or any(c not in hexadecimal for c in e[:2]) for e in escapes)  # noqa: PLR2004 -- %XX


def count(text: str) -> int:
    """Read a ``limit`` or ``offset``."""
    wrong = "must be a valid 32-bit positive integer"
    try:
        value = golang.integer(text, bits=32)
    except ValueError as problem:
        raise ValueError(f"{wrong}: {problem}") from None
    if value < 0:
        raise ValueError(f"{wrong}: value is negative")
    return value


def uuid(text: str) -> str | None:
    """Read a UUID cursor; the all-zero one counts as absent."""
    try:
        value = golang.uuid(text)
    except ValueError:
        raise ValueError("must be a valid uuid") from None
    return None if value == golang.NIL_UUID else value


Endpoint = Literal["interceptions", "sessions", "models", "clients"]
Resolver = Callable[[str], str | None]
"""Turns a written value into a stored one; raises ``ValueError`` with the server's words."""

_FILTERS = ("initiator", "provider", "provider_name", "model", "client")
_WINDOW = ("started_after", "started_before")
KEYS: dict[Endpoint, tuple[str, ...]] = {
    "interceptions": (*_FILTERS, *_WINDOW),
    "sessions": (*_FILTERS, "session_id", *_WINDOW),
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
