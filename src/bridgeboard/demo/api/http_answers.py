"""Answers as they go over the wire: JSON as Go writes it, times, plain texts (api-contract 1.6).

Faults spoil a good answer on demand, as a network, a proxy or a sick server may.
"""

import json
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal, TypeAlias

from bridgeboard.demo.api.query_parameters import Validation

Headers: TypeAlias = tuple[tuple[str, str], ...]
Stamp: TypeAlias = Callable[[datetime], str]
Delivery: TypeAlias = Literal["whole", "stalled", "dropped", "truncated", "dripped"]
"""How an answer reaches the caller; all but the first are faults of the connection."""

JSON_TYPE = "application/json; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"

_GO_ESCAPES = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
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
    for character, escape in _GO_ESCAPES.items():  # str.translate would take most of an answer
        text = text.replace(character, escape)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return _SURROGATES.sub("\\\\ufffd", text).encode() + b"\n"


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


_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\n"
_SIGN_IN = b"<!doctype html><html><title>Sign in</title><form action=/login></form></html>\n"


def _failed(status: int, message: str) -> Callable[[Answer], Answer]:
    return lambda _: refusal(status, message, "demo fault")


def _page(status: int, body: bytes) -> Callable[[Answer], Answer]:
    return lambda _: Answer(status, (("Content-Type", HTML_TYPE),), body)


def _delivered(delivery: Delivery) -> Callable[[Answer], Answer]:
    return lambda answer: replace(answer, delivery=delivery)


def _limited(_: Answer) -> Answer:
    answer = refusal(429, "You've been rate limited. Please try again later.")
    return answer.with_headers(("Retry-After", "0"))


def _malformed(answer: Answer) -> Answer:
    return replace(answer, body=answer.body[: len(answer.body) // 2] + b'{"')


def _twisted(answer: Answer) -> Answer:
    """Make every number a text and every list an object; other than JSON stays as it is."""
    if answer.header("Content-Type") != JSON_TYPE:
        return answer
    return replace(answer, body=to_json(_twist(json.loads(answer.body))))


def _twist(value: Any) -> Any:
    match value:
        case bool() | None | str():
            return value
        case list():
            return {str(place): _twist(item) for place, item in enumerate(value)}
        case dict():
            return {key: _twist(item) for key, item in value.items()}
        case _:
            return f"{value} or so"


STRIKES: Mapping[str, Callable[[Answer], Answer]] = {
    "error_500": _failed(500, "Internal error getting AI Bridge sessions."),
    "error_502": _page(502, _BAD_GATEWAY),
    "error_503": _failed(503, "Service temporarily unavailable."),
    "error_504": lambda _: plain(504, "upstream request timeout"),
    "rate_limited": _limited,
    "html": _page(200, _SIGN_IN),
    "malformed": _malformed,
    "wrong_types": _twisted,
    "stalled": _delivered("stalled"),
    "dropped": _delivered("dropped"),
    "truncated": _delivered("truncated"),
    "dripped": _delivered("dripped"),
}
KINDS = tuple(STRIKES)
"""All kinds of faults: of the server, of its content, and of the connection."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Which share of the answers is struck, by what, and drawn with which dice.

    ``rate`` is between 0 and 1. A stalled answer never comes; on a real port its connection dies
    after ``stall_seconds``. A dripped one comes in about twenty pieces, ``drip_seconds`` apart.
    """

    rate: float
    kinds: tuple[str, ...] = KINDS
    seed: int = 0
    stall_seconds: float = 120
    drip_seconds: float = 0.01

    def __post_init__(self) -> None:
        """Refuse kinds that do not exist and rates that are none."""
        unknown = sorted(set(self.kinds) - set(KINDS))
        if unknown or not self.kinds:
            raise ValueError(f"unknown kinds of faults {unknown}: choose from {', '.join(KINDS)}")
        if not 0 <= self.rate <= 1:
            raise ValueError(f"a rate of faults is between 0 and 1, not {self.rate}")

    def strike(self, answer: Answer, number: int) -> Answer:
        """Return the answer to the ``number``-th request, struck or not; repeatable."""
        dice = random.Random(f"fault {self.seed} {number}")  # noqa: S311 -- a test's dice
        if dice.random() >= self.rate:
            return answer
        struck = STRIKES[dice.choice(self.kinds)](answer)
        pace = self.stall_seconds if struck.delivery == "stalled" else self.drip_seconds
        return replace(struck, pace_seconds=pace)
