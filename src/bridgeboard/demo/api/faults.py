"""Faults on demand: what a network, a proxy or a sick server may do to a good answer."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bridgeboard.demo.api import http_answers
from bridgeboard.demo.api.http_answers import Answer

_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\n"
_SIGN_IN = b"<!doctype html><html><title>Sign in</title><form action=/login></form></html>\n"


def _failed(status: int, message: str) -> Callable[[Answer], Answer]:
    return lambda _: http_answers.refusal(status, message, "demo fault")


def _page(status: int, body: bytes) -> Callable[[Answer], Answer]:
    return lambda _: Answer(status, (("Content-Type", http_answers.HTML_TYPE),), body)


def _delivered(delivery: http_answers.Delivery) -> Callable[[Answer], Answer]:
    return lambda answer: replace(answer, delivery=delivery)


def _limited(_: Answer) -> Answer:
    answer = http_answers.refusal(429, "You've been rate limited. Please try again later.")
    return answer.with_headers(("Retry-After", "0"))


def _malformed(answer: Answer) -> Answer:
    return replace(answer, body=answer.body[: len(answer.body) // 2] + b'{"')


def _twisted(answer: Answer) -> Answer:
    """Make every number a text and every list an object; other than JSON stays as it is."""
    if answer.header("Content-Type") != http_answers.JSON_TYPE:
        return answer
    return replace(answer, body=http_answers.to_json(_twist(json.loads(answer.body))))


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
    "error_504": lambda _: http_answers.plain(504, "upstream request timeout"),
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
