"""Answers as they go over the wire: JSON as Go writes it, times, plain texts (api-contract 1.6)."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal, TypeAlias

from bridgeboard.demo.api.params import Validation

Headers: TypeAlias = tuple[tuple[str, str], ...]
Stamp: TypeAlias = Callable[[datetime], str]
Delivery: TypeAlias = Literal["whole", "stalled", "dropped", "truncated", "dripped"]
"""How an answer reaches the caller; all but the first are faults of the connection."""

JSON_TYPE = "application/json; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"

_GO_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: status, headers in order, body, and how it is delivered.

    ``delay_seconds`` pass before its first byte; ``pace_seconds`` between the pieces of a dripped
    body, or before a stalled connection dies.
    """

    status: int
    headers: Headers
    body: bytes
    delay_seconds: float = 0
    delivery: Delivery = "whole"
    pace_seconds: float = 0

    def header(self, name: str) -> str | None:
        """Return the first header of that name, in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def with_headers(self, *headers: tuple[str, str]) -> "Answer":
        """Return the same answer with more headers."""
        return replace(self, headers=(*self.headers, *headers))


class Refused(Exception):  # noqa: N818 -- the request is refused; nothing went wrong in here
    """An answer that ends the judging of a request early."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def to_json(value: object) -> bytes:
    """Write JSON as Go's encoder does: compact, HTML-safe, with a newline at the end."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = _SURROGATES.sub("\\\\ufffd", text).translate(_GO_ESCAPES)
    return text.encode() + b"\n"


def ok(value: object) -> Answer:
    """Answer 200 with JSON."""
    return Answer(200, (("Content-Type", JSON_TYPE),), to_json(value))


def plain(status: int, text: str) -> Answer:
    """Answer with a line of text, as the data plane does."""
    headers = (("Content-Type", TEXT_TYPE), ("X-Content-Type-Options", "nosniff"))
    return Answer(status, headers, text.encode() + b"\n")


def refusal(
    status: int, message: str, detail: str = "", validations: Sequence[Validation] = ()
) -> Answer:
    """Answer with the error envelope; what is empty stays out of it."""
    envelope: dict[str, Any] = {"message": message}
    if detail:
        envelope["detail"] = detail
    if validations:
        envelope["validations"] = [{"field": v.field, "detail": v.detail} for v in validations]
    return Answer(status, (("Content-Type", JSON_TYPE),), to_json(envelope))


def refuse(
    status: int, message: str, detail: str = "", validations: Iterable[Validation] = ()
) -> Refused:
    """Make the exception that carries ``refusal``."""
    return Refused(refusal(status, message, detail, tuple(validations)))


def stamper(utc_offset_minutes: int) -> Stamp:
    """Return the writer of times: 0 to 6 fraction digits, ``Z`` or the offset (section 5)."""
    zone = timezone(timedelta(minutes=utc_offset_minutes)) if utc_offset_minutes else UTC

    def stamp(moment: datetime) -> str:
        text = moment.astimezone(zone).isoformat()
        digits = text[:-6].rstrip("0").rstrip(".") if "." in text else text[:-6]
        return digits + (text[-6:] if utc_offset_minutes else "Z")

    return stamp
