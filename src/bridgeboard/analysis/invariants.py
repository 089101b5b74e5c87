"""Checks of the page Trust: pairs of numbers that must be equal.

The checks ask what the pages ask, in one state of the store: the parts of every additive number
must be its whole, by every dimension, the list of sessions must have the same sums, and so must the
tables behind them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bridgeboard.analysis.runner import answer
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metric import TOKEN_METRICS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.model.store import Reader
from bridgeboard.model.times import stored
from bridgeboard.queries import session_totals, store_status
from bridgeboard.queries.metric_query import select
from bridgeboard.queries.session_filters import Find

NUMBERS: Final = ("requests", "prompts", "tool_calls", "total_tokens", "spend", "sessions")
SPLITS: Final = (
    *("day", "week", "provider", "family", "model", "client", "initiator", "team", "vendor"),
)


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
    whole = dict(zip(NUMBERS, _only(reader, NUMBERS, scope), strict=True))
    return [
        *_kinds(reader, scope),
        *_parts(reader, scope, whole),
        *_lists(reader, scope, whole),
        *tables(reader, scope.since, scope.until),
    ]


def _kinds(reader: Reader, scope: Scope) -> Iterator[Invariant]:
    totals = _only(reader, (*TOKEN_METRICS, "total_tokens"), scope)
    together = sum(totals[:4])
    yield Invariant(
        "Tokens",
        "input + output + cache",
        "total",
        together,
        totals[4],
        METRICS["total_tokens"].format,
    )


def _parts(reader: Reader, scope: Scope, whole: Mapping[str, Any]) -> Iterator[Invariant]:
    for split in SPLITS:
        names = tuple(name for name in NUMBERS if METRICS[name].adds_up(DIMENSIONS[split]))
        rows = reader.rows(*select(names, (split,), scope))
        for place, name in enumerate(names, 1):
            yield Invariant(
                METRICS[name].label,
                f"sum by {DIMENSIONS[split].label.lower()}",
                "total",
                sum(row[place] or 0 for row in rows),
                whole[name],
                METRICS[name].format,
            )


def _lists(reader: Reader, scope: Scope, whole: Mapping[str, Any]) -> Iterator[Invariant]:
    """The list of sessions with what is in none; nothing where only groups are seen."""
    if reader.sees_groups_only:
        return
    sums = session_totals.total(answer(reader, session_totals.totals(Find(scope))))
    in_sessions, others = sums.listed.by_metric, sums.others.by_metric
    for name, total in whole.items():
        one = METRICS[name]
        is_count = name == "sessions"
        left = sums.sessions if is_count else (in_sessions[name] or 0) + (others[name] or 0)
        yield Invariant(
            one.label,
            "rows of the list" if is_count else "sessions listed, and usage in no session",
            "total",
            left,
            total,
            one.format,
        )


def tables(reader: Reader, since: datetime, until: datetime) -> Iterator[Invariant]:
    """Sums of a window, half-open, that must be the same from two tables."""
    window = [stored(since), stored(until)]
    for sums, *statements in store_status.EQUAL_SUMS:
        sides = [map(int, reader.rows(sql, window)[0]) for sql in statements]
        for (what, first, second), left, right in zip(sums, *sides, strict=True):
            yield Invariant(what, first, second, left, right, "count")


def _only(reader: Reader, names: Sequence[str], scope: Scope) -> list[Any]:
    (row,) = reader.rows(*select(names, (), scope))
    return [value or 0 for value in row]
