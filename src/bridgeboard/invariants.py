"""What must be equal if the numbers are right, each with its two numbers.

The checks ask what the pages ask, in one state of the store: the parts of every additive number
must be its whole, by every dimension, and the tables behind them must tell the same sums.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridgeboard import store
from bridgeboard.metrics import DIMENSIONS, METRICS, Scope, select
from bridgeboard.store import Reader

NUMBERS: Final = ("requests", "prompts", "tool_calls", "total_tokens", "spend", "sessions")
SPLITS: Final = ("day", "week", "provider", "model", "client", "initiator", "team", "vendor")


@dataclass(frozen=True)
class Invariant:
    """Two numbers that must be equal; ``kind`` is how they look."""

    what: str
    left_is: str
    right_is: str
    left: int
    right: int
    kind: str

    @property
    def holds(self) -> bool:
        """Whether they are."""
        return self.left == self.right


def check(reader: Reader, scope: Scope) -> list[Invariant]:
    """All invariants in a scope; those of the tables ignore its filters."""
    return [*_kinds(reader, scope), *_parts(reader, scope), *_tables(reader, scope)]


def _kinds(reader: Reader, scope: Scope) -> Iterator[Invariant]:
    kinds = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    told = _only(reader, (*kinds, "total_tokens"), scope)
    together = sum(told[:4])
    yield Invariant(
        "Tokens", "the four kinds", "all tokens", together, told[4], METRICS["total_tokens"].format
    )


def _parts(reader: Reader, scope: Scope) -> Iterator[Invariant]:
    whole = dict(zip(NUMBERS, _only(reader, NUMBERS, scope), strict=True))
    for split in SPLITS:
        names = tuple(name for name in NUMBERS if METRICS[name].adds_up(DIMENSIONS[split]))
        rows = reader.rows(*select(names, (split,), scope))
        for place, name in enumerate(names, 1):
            yield Invariant(
                METRICS[name].label,
                f"sum by {DIMENSIONS[split].label.lower()}",
                "the whole",
                sum(row[place] or 0 for row in rows),
                whole[name],
                METRICS[name].format,
            )


def _tables(reader: Reader, scope: Scope) -> Iterator[Invariant]:
    for pair in store.agreement(reader, scope.since, scope.until):
        yield Invariant(pair.what, pair.first, pair.second, pair.left, pair.right, "count")


def _only(reader: Reader, names: Sequence[str], scope: Scope) -> list[Any]:
    (row,) = reader.rows(*select(names, (), scope))
    return [value or 0 for value in row]
