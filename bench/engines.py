"""Whether DuckDB and ClickHouse answer every statement of the product alike, and how fast.

``python -m bench.engines --store FILE [--most N] [--minutes 8] [--clickhouse URL]``. The store is
opened for writing: give it a copy. It is mirrored first; without an address, the engine of
ClickHouse runs in a process beside, on the same cores. Each statement is asked of both engines,
one after the other and in turns first, and every cell of the answers is compared: whole numbers
and text exactly, numbers with a fraction to 1e-12 of them.
"""

import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from threading import Timer
from time import perf_counter
from typing import Any, Final

import duckdb
from bench import phrases
from bench.mirror import clickhouse
from bench.mirror_victim import mirror, newest, server
from bench.report import Report, arguments, note, quantile

from bridgeboard.analysis import coverage, invariants
from bridgeboard.analysis.radar.sweep import sweep
from bridgeboard.clickhouse.connection import connected
from bridgeboard.clickhouse.functions import UnspellableError
from bridgeboard.clickhouse.mirror import Mirror
from bridgeboard.clickhouse.read_connection import LIMITS, ReadConnection
from bridgeboard.clickhouse.store import ClickHouseStore
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.model.store import StoreError
from bridgeboard.queries import text_search
from bridgeboard.queries.metric_query import select
from bridgeboard.queries.session_filters import Find
from bridgeboard.store import Reader, Store

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import row_access_worlds as worlds
from equal_answers import is_same
from every_statement import Recorder

ZONE: Final = "America/New_York"
NAMED: Final = 5
"""Differences that are told in full."""
WORDS: Final = (phrases.COMMON, phrases.RARE)
PATIENCE: Final = LIMITS["max_execution_time"]
"""Seconds that either engine may take for a statement."""
Asked = tuple[str, str, Any]
"""The kind of a statement, its text, and its parameters."""
Answer = tuple[list[str], list[tuple[Any, ...]]]
Ask = Callable[[str, Any], Answer]


@dataclass
class Seen:
    """What was seen of the statements that were asked.

    Attributes:
        spent: milliseconds of DuckDB and of ClickHouse, by kind of statement.
        mismatched: cells that differ; a whole row that one engine lacks counts as its cells.
        refused: statements that cannot be spelt for ClickHouse.
        failed: statements that an engine did not answer within ``PATIENCE``.
        cells: how many were compared.
    """

    spent: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    cells: int = 0
    mismatched: int = 0
    refused: int = 0
    failed: int = 0


def main() -> int:
    """Mirror the store, ask both engines everything; the exit status."""
    asked = arguments(__doc__, store=Path, most=0, minutes=8.0, clickhouse="", seed=1)
    report = Report(strict=asked.strict)
    with (
        clickhouse(asked.clickhouse) as url,
        Store.open(asked.store) as store,
        closing(Mirror(lambda: connected(server(url)))) as to,
        closing(ClickHouseStore(ReadConnection(server(url)), asked.store.parent)) as mirrored,
    ):
        note(f"mirrored {mirror(store, to).rows} rows")
        statements = every_statement(store)
        report.say("statements_possible", len(statements), "statements")
        dice = random.Random(asked.seed)  # noqa: S311 - a seeded draw
        chosen = evenly(statements, asked.most)
        dice.shuffle(chosen)  # so that those before the end of the time are of all kinds
        seen = compared(chosen, store, mirrored, perf_counter() + 60 * asked.minutes)
    told(report, seen)
    return report.verdict()


def every_statement(store: Store) -> list[Asked]:
    """All statements that are compared, each once, by kind."""
    found: dict[tuple[str, str], Asked] = {}
    with store.snapshot() as reader:
        now = newest(store)
        for scope in scopes(store):
            for kind, sql, params in of_scope(reader, scope, now):
                found.setdefault((sql, repr(params)), (kind, sql, params))
    return sorted(found.values(), key=lambda one: one[0])


def scopes(store: Store) -> list[Scope]:
    """All days, the last thirty, and those with filters by the most frequent model and team."""
    first, last = store.rows("SELECT min(started_at)::DATE, max(started_at)::DATE FROM usage")[0]
    whole = Scope.days(first, last, ZONE)
    month = Scope.days(last - timedelta(days=29), last, "Asia/Kathmandu")
    sql = "SELECT {0} FROM {1} WHERE {0} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    ((model,),) = store.rows(sql.format("model", "usage"))
    teams = store.rows(sql.format("team", "memberships"))
    return [whole, month, month.only("model", model).without("team", *(one for (one,) in teams))]


def of_scope(reader: Any, scope: Scope, now: Any) -> Iterator[Asked]:
    """The statements about a scope; where an answer leads on, DuckDB is asked it."""
    yield from of_metrics(scope)
    for _, query in worlds.of_explorer(reader, scope):
        yield "explorer", query.sql, query.params
    yield from of_words(reader, scope)
    yield from of_checks(reader, scope, now)


def of_metrics(scope: Scope) -> Iterator[Asked]:
    """Each number by each dimension, all numbers together, and what is told of people."""
    for metric in METRICS:
        for dimension, one in DIMENSIONS.items():
            if METRICS[metric].splits(one):
                query = select((metric,), (dimension,), scope)
                yield "metrics", query.sql, query.params
    for _, query in worlds.of_metrics(scope):
        yield "metrics", query.sql, query.params


def of_words(reader: Any, scope: Scope) -> Iterator[Asked]:
    """Searches for a frequent and for a rare word."""
    find = Find(scope)
    for word in WORDS:
        search = text_search.Search(word, ("prompt", "thinking", "tool_input"))
        query = text_search.spread(find, search)
        yield "text", query.sql, query.params
        for part in text_search.slices(find, search, worlds.answer(reader, query)):
            yield "text", part.query.sql, part.query.params


def of_checks(reader: Any, scope: Scope, now: Any) -> Iterator[Asked]:
    """What the radar and the page of the data's coverage ask."""
    asks: dict[str, Callable[[Any], object]] = {
        "radar": lambda recorder: sweep(recorder, scope, now=now),
        "coverage": lambda recorder: (
            invariants.check(recorder, scope),
            coverage.coverage(recorder),
            coverage.field_coverage(recorder),
        ),
    }
    for kind, ask in asks.items():
        recorder = Recorder(reader)
        ask(recorder)
        for sql, each in recorder.sql.items():
            for params in each:
                yield kind, sql, params


def evenly(statements: list[Asked], most: int) -> list[Asked]:
    """So many of the statements at most, evenly chosen; 0 is all."""
    if not most or most >= len(statements):
        return list(statements)
    return [statements[place * len(statements) // most] for place in range(most)]


def compared(
    statements: list[Asked], store: Store, mirrored: ClickHouseStore, until: float
) -> Seen:
    """Ask both engines until the time is over."""
    seen = Seen()
    with store.snapshot() as reader, mirrored.snapshot() as other:
        for number, (kind, sql, params) in enumerate(statements):
            if perf_counter() > until:
                note(f"{len(statements) - number} statements are left: the time is over")
                break
            try:
                one, two = _both(
                    _patient(reader), other.named, sql, params, swapped=number % 2 == 1
                )
            except UnspellableError as error:
                seen.refused += 1
                note(f"refused: {error}: {sql}")
            except (StoreError, duckdb.InterruptException) as error:
                seen.failed += 1
                note(f"failed: {error}: {sql} {params}")
            else:
                seen.spent[kind].append((one[0], two[0]))
                _compare(seen, (kind, sql, params), one[1], two[1])
    return seen


def _patient(reader: Reader) -> Ask:
    """What asks DuckDB and breaks off what takes too long, as ClickHouse does by itself."""

    def ask(sql: str, params: Any) -> Answer:
        timer = Timer(PATIENCE, reader._connection.interrupt)  # noqa: SLF001 - nothing else can
        timer.start()
        try:
            return reader.named(sql, params)
        finally:
            timer.cancel()

    return ask


def _both(
    mine: Ask, other: Ask, sql: str, params: Any, *, swapped: bool
) -> tuple[tuple[float, Answer], tuple[float, Answer]]:
    if swapped:
        second = _timed(other, sql, params)
        return _timed(mine, sql, params), second
    return _timed(mine, sql, params), _timed(other, sql, params)


def _timed(ask: Ask, sql: str, params: Any) -> tuple[float, Answer]:
    began = perf_counter()
    answer = ask(sql, params)
    return (perf_counter() - began) * 1000, answer


def _compare(seen: Seen, asked: Asked, one: Answer, two: Answer) -> None:
    kind, sql, params = asked
    seen.cells += sum(map(len, one[1]))
    bad = list(differences(one, two, is_ordered="ORDER BY" in sql))
    for what in bad[: max(0, NAMED - seen.mismatched)]:
        note(f"{kind}: {what}: {sql} {params}")
    seen.mismatched += len(bad)


def differences(one: Answer, two: Answer, *, is_ordered: bool) -> Iterator[str]:
    """What differs between two answers, cell by cell."""
    names, rows = one
    others = two[1]
    if len(names) != len(two[0]):
        yield f"columns {names} and {two[0]}"
        return
    if not is_ordered:
        rows, others = sorted(rows, key=_place), sorted(others, key=_place)
    for row, other in zip(rows, others, strict=False):
        for name, value, another in zip(names, row, other, strict=True):
            if not is_same(value, another):
                yield f"{name} is {value!r} and {another!r}"
    for _ in range(abs(len(rows) - len(others)) * len(names)):
        yield f"{len(rows)} and {len(others)} rows"


def _place(row: tuple[Any, ...]) -> str:
    """Where a row stands among others, whatever the last digits of its fractions are."""
    return repr([f"{value:.9g}" if isinstance(value, float) else value for value in row])


def told(report: Report, seen: Seen) -> None:
    """Say what was seen."""
    report.say("statements", sum(map(len, seen.spent.values())), "statements")
    report.say("compared_cells", seen.cells, "cells")
    report.say("mismatched_cells", seen.mismatched, "cells", 0)
    report.say("refused", seen.refused, "statements", 0)
    report.say("failed", seen.failed, "statements", 0)
    every = [pair for pairs in seen.spent.values() for pair in pairs]
    for place, engine in enumerate(("duckdb", "clickhouse")):
        spent = [pair[place] for pair in every]
        if spent:
            report.say(f"{engine}_median_ms", median(spent), "ms")
            report.say(f"{engine}_p95_ms", quantile(spent, 0.95), "ms")
    for kind, pairs in sorted(seen.spent.items()):
        report.say(f"{kind}_statements", len(pairs), "statements")
        ratio = median(theirs / ours for ours, theirs in pairs)
        report.say(f"{kind}_clickhouse_to_duckdb", ratio, "times")


if __name__ == "__main__":
    sys.exit(main())
