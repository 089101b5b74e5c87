"""Chance, seeded by name: every stream of the demo world is a function of the words it is cast for.

Streams are seeded by text, which Python hashes with SHA-512, so they are the same in every
process and on every machine.
"""

from bisect import bisect
from collections.abc import Iterable
from datetime import timedelta
from itertools import accumulate
from math import exp
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")
_FREE = ~(0xF << 76 | 0x3 << 62)
_VERSION = 4 << 76 | 0x2 << 62
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = [low + high for high in _DIGITS for low in _DIGITS]


def cast(*words: object) -> Random:
    """A stream of chance of its own for these words; the same words give the same stream."""
    return Random("/".join(map(str, words)))  # noqa: S311 - a synthetic company keeps no secrets


def chance(rng: Random, rate: float) -> bool:
    """Whether something that happens with this probability happens."""
    return rng.random() < rate


class Odds(Generic[T]):
    """Values that are each as likely as their weights say."""

    def __init__(self, weighted: Iterable[tuple[T, float]]) -> None:
        self._values, weights = zip(*weighted, strict=True)
        self._ladder = list(accumulate(weights))

    def draw(self, rng: Random) -> T:
        """One of the values."""
        ladder = self._ladder
        value: T = self._values[bisect(ladder, rng.random() * ladder[-1], hi=len(ladder) - 1)]
        return value


def pick(rng: Random, weighted: Iterable[tuple[T, float]]) -> T:
    """One of the values, each as likely as its weight says."""
    return Odds(weighted).draw(rng)


def heavy(rng: Random, middle: float, spread: float, ceiling: int) -> int:
    """A log-normal count with this median, at least 1 and at most ``ceiling``."""
    return max(1, min(ceiling, int(middle * rng.lognormvariate(0, spread))))


def poisson(rng: Random, mean: float) -> int:
    """A Poisson count; ``mean`` is small, so counting down costs little."""
    bar, count = exp(-mean), 0
    draw = rng.random()
    while draw > bar:
        draw *= rng.random()
        count += 1
    return count


def seconds(rng: Random, least: float, most: float) -> timedelta:
    """A span between two bounds given in seconds, to the microsecond."""
    return timedelta(microseconds=int(1_000_000 * (least + (most - least) * rng.random())))


def uuid(rng: Random) -> str:
    """A random UUID (version 4) in its lower-case text form."""
    bits = rng.getrandbits(128) & _FREE | _VERSION
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def word(rng: Random, length: int) -> str:
    """A random lower-case word of letters and digits, as keys and response ids have them."""
    bits = rng.getrandbits(5 * length)
    # Two digits at a time, the lowest bits first.
    pairs = [_PAIRS[bits >> place & 1023] for place in range(0, 5 * length, 10)]
    return "".join(pairs)[:length]


def times(moments: int, span: timedelta) -> list[timedelta]:
    """``moments`` offsets spread evenly inside a span, its ends left out."""
    if moments == 1:
        return [span / 2]
    return [span * (i + 1) / (moments + 1) for i in range(moments)]
