"""Values out of a query: the URL's own, and the terms of ``q`` (api-contract 2.2, 3.2).

Both are multi-valued texts that are read one name at a time; what is wrong with them is
collected, not raised, because the server tells all mistakes at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
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
