"""A list of sessions as a whole: how many rows there are, and their sums.

Sums are the numbers of the vocabulary over the requests of all sessions found; beside them stands
what belongs to none of these, so that both together are the numbers of the scope.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from bridgeboard.model.accuracy import of_usage
from bridgeboard.model.answer import Answer
from bridgeboard.model.metrics import METRICS
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.metric_sources import Arguments, rows
from bridgeboard.queries.session_columns import COLUMNS, NUMBERS, SUMS
from bridgeboard.queries.session_filters import (
    Find,
    Sides,
    called,
    conditions,
    is_about_calls,
    shared,
    spoken,
    where,
)

_LISTED: Final = "CAST(coalesce(f.session IN (SELECT session FROM each), FALSE) AS BOOLEAN)"


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers of the vocabulary over some requests, under the names of columns; None is unknown.

    Attributes:
        rows: of usage that these are the sums of.
        failed_threads: None where it is not about sessions.
    """

    rows: int
    threads: int | None
    requests: int | None
    prompts: int | None
    tool_calls: int | None
    tool_errors: int | None
    input: int | None
    output: int | None
    cache_read: int | None
    cache_write: int | None
    cost: int | None
    total_tokens: int | None
    recorded_tokens: int | None
    cache_hit_rate: float | None
    shadow_cost: int | None
    unpriced_tokens: int | None
    summed_rows: int | None
    unread_rows: int | None
    failed_threads: int | None = None

    @property
    def by_metric(self) -> Mapping[str, Any]:
        """The numbers under the names of the vocabulary."""
        priced_tokens = (self.total_tokens or 0) - (self.unpriced_tokens or 0)
        numbers = {metric: getattr(self, name) for name, metric in NUMBERS.items()}
        return {**numbers, **of_usage(self.cost, priced_tokens)}


_UNKNOWN: Final = Totals(0, *(None for _ in fields(Totals)[1:]))


@dataclass(frozen=True, slots=True)
class Sums:
    """A list's sums.

    Attributes:
        sessions: how many there are.
        listed: the sums over all of them.
        others: over what is in the scope and in none of them.
        whole: over all that is in the scope, as every other page tells it.
        unread: sessions of which no request is known yet: sums without them are lower bounds, and
            unknown where no request is known at all.
    """

    sessions: int
    listed: Totals
    others: Totals
    whole: Totals
    unread: int = 0


def totals(find: Find) -> Query:
    """The sums over all sessions found, over what is of none, and over both; ``total`` reads it."""
    into = Arguments()
    of_calls = [name for name in NUMBERS if is_about_calls(find.scope) and called(name)]
    sums = [
        f"{_number(name, SUMS[name])} AS {name}"
        for name in ("rows", *NUMBERS)
        if name not in of_calls
    ]
    passing = rows("usage", [], find.scope, into).text
    failed = COLUMNS["failed_threads"].sql
    common = matching(find, f"s.session, u.is_read, {failed} AS failed_threads", into)
    tables = [f"used_sums AS ({_split(', '.join(sums), passing)})"]
    join = ""
    if of_calls:
        counts = ", ".join(f"{_number(name, called(name))} AS {name}" for name in of_calls)
        calls = rows("calls", [], find.scope, into).text
        tables.append(f"called_sums AS ({_split(counts, calls)})")
        join = " LEFT JOIN called_sums c ON c.line = l.line"
    columns = ", ".join(_column(each.name, of_calls) for each in fields(Totals))
    sql = (
        f"WITH {', '.join([*common, *tables])},"
        " counted AS (SELECT count(*) AS sessions, count(*) FILTER (WHERE NOT is_read) AS unread,"
        " coalesce(sum(e.failed_threads), 0) AS failed_threads FROM each e)"
        f" SELECT n.sessions, n.unread, {columns} FROM (SELECT unnest(range(1, 4)) AS line) l"
        f" LEFT JOIN used_sums u ON u.line = l.line{join} CROSS JOIN counted n ORDER BY l.line"
    )
    return Query(sql, tuple(into.values))


def total(answer: Answer) -> Sums:
    """What ``totals`` answered."""
    listed, others, whole = (Totals(*row[2:]) for row in answer.rows)
    sessions, unread = answer.rows[0][:2]
    if unread and not listed.rows:
        listed = _UNKNOWN
    if unread and not whole.rows:
        whole = _UNKNOWN
    return Sums(sessions, listed, others, whole, unread)


def count(find: Find) -> Query:
    """How many sessions are found: one row, ``sessions``."""
    into = Arguments()
    common = ", ".join(matching(find, "s.session", into))
    return Query(f"WITH {common} SELECT count(*) AS sessions FROM each", tuple(into.values))


def matching(find: Find, columns: str, into: Arguments) -> list[str]:
    """The common tables of the sessions found, the last of which, ``each``, has these columns."""
    sides = Sides([columns, *spoken(find)], find.scope, into)
    sql = f"SELECT {columns} FROM {sides.origin()}{where(conditions(find, into))}"
    return [*shared(find.scope, sides), *sides.tables(), f"each AS ({sql})"]


def _split(sums: str, passing: str) -> str:
    """Sums over rows that pass, by line: of sessions found, of none of these, and of all."""
    return (
        f"SELECT CASE WHEN grouping(f.is_listed) = 1 THEN 3 WHEN f.is_listed THEN 1 ELSE 2 END"
        f" AS line, {sums} FROM (SELECT f.*, {_LISTED} AS is_listed {passing}) f"
        " GROUP BY GROUPING SETS ((is_listed), ())"
    )


def _number(name: str, sql: str) -> str:
    """A number over a group of rows, as the vocabulary tells it of none."""
    empty = METRICS[NUMBERS[name]].empty if name in NUMBERS else 0
    return sql if empty is None else f"CASE WHEN count(*) > 0 THEN {sql} ELSE {empty} END"


def _column(name: str, of_calls: list[str]) -> str:
    if name == "failed_threads":
        return "CASE WHEN l.line = 1 THEN n.failed_threads END"
    sql = f"{'c' if name in of_calls else 'u'}.{name}"
    empty = 0 if name == "rows" else METRICS[NUMBERS[name]].empty
    line = "c.line" if name in of_calls else "u.line"
    return sql if empty is None else f"CASE WHEN {line} IS NULL THEN {empty} ELSE {sql} END"
