"""A list of sessions as a whole: how many rows there are, and their sums."""

from dataclasses import dataclass, fields
from typing import Final

from bridgeboard.explorer.columns import COLUMNS
from bridgeboard.explorer.finds import Find, conditions, found, spoken, where
from bridgeboard.explorer.sides import Sides, shared
from bridgeboard.explorer.typed import typed
from bridgeboard.metrics import Answer, Query
from bridgeboard.metrics.sources import Arguments

_SUMMED: Final = {name: one.sql for name, one in COLUMNS.items() if one.summed}
_COUNTS: Final = {
    "sessions": "count(*)",
    "people": "count(DISTINCT initiator)",
    "detailed": "count(detailed_at)",
    "cache_hit_rate": "sum(cache_read)::DOUBLE"
    " / nullif(sum(input) + sum(cache_read) + sum(cache_write), 0)",
}


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over all rows of a list, as far as they are known; None if of no row.

    Attributes:
        sessions: how many there are; ``people``: whose.
        detailed: how many of them have been read in detail.
        cache_hit_rate: of the sums, not of the rows' rates.
    """

    sessions: int
    people: int
    detailed: int
    threads: int | None
    requests: int | None
    prompts: int | None
    tool_calls: int | None
    tool_errors: int | None
    failed_threads: int | None
    input: int | None
    output: int | None
    cache_read: int | None
    cache_write: int | None
    total_tokens: int | None
    recorded_tokens: int | None
    cost: int | None
    priced_tokens: int | None
    shadow_cost: int | None
    cache_hit_rate: float | None


def totals(find: Find) -> Query:
    """The sums over all sessions found, in one row; ``total`` reads it."""
    into = Arguments()
    each = ", ".join(f"{sql} AS {name}" for name, sql in _SUMMED.items())
    common = _each(find, f"s.initiator, s.detailed_at, {each}", into)
    sums = {name: f"CASE WHEN count(*) = 0 THEN 0 ELSE sum({name}) END" for name in _SUMMED}
    told = {**sums, **_COUNTS}
    columns = ", ".join(f"{told[one.name]} AS {one.name}" for one in fields(Totals))
    return Query(f"{common} SELECT {columns} FROM each", tuple(into.values))


def total(answer: Answer) -> Totals:
    """What ``totals`` answered."""
    (told,) = typed(Totals, answer.rows)
    return told


def count(find: Find) -> Query:
    """How many sessions are found: one row, ``sessions``."""
    into = Arguments()
    common = _each(find, "s.session", into)
    return Query(f"{common} SELECT count(*) AS sessions FROM each", tuple(into.values))


def _each(find: Find, columns: str, into: Arguments) -> str:
    """The WITH of the sessions found, as the table ``each``."""
    return f"WITH {', '.join(matching(find, columns, into))}"


def matching(find: Find, columns: str, into: Arguments) -> list[str]:
    """The common tables of the sessions found, the last of which, ``each``, has these columns."""
    beside = Sides([columns, *spoken(find)])
    told = f"SELECT {columns} FROM found s{beside.joins()}{where(conditions(find, into))}"
    return [
        *shared(find.scope, beside),
        *beside.tables(),
        f"found AS ({found(find, into)})",
        f"each AS ({told})",
    ]
