"""How long every aggregate of the dashboard takes in a large store, beside a bare scan.

``python -m bench.queries --store 2m.duckdb``. Each question is asked as a page does (SQL made, run
and fetched as a frame), for all time and for the last 30 days, in a zone with summer time. The
bare scan is numpy adding up the same columns of the same rows in memory, one thread, text as small
codes: what no answer from those columns can beat.
"""

import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from bench.questions import QUESTIONS, Question
from bench.report import Report, arguments, median_ms
from numpy.typing import NDArray

from bridgeboard.model.scope import Scope
from bridgeboard.store import Store

RUNS: Final = 9
OPENINGS: Final = 7
ZONE: Final = "Europe/Berlin"
TARGETS_MS: Final = {"all": 100, "30d": 40}
_MOST_CODES: Final = 256


def main() -> int:
    """Ask everything over both periods."""
    asked = arguments(__doc__, store=Path, only="")
    report = Report(strict=asked.strict)
    report.say("file_mb", asked.store.stat().st_size / 1e6, "MB")
    report.say("open_ms", median_ms(partial(_reopen, asked.store), runs=OPENINGS, warm=1), "ms")
    with Store.open(asked.store) as store:
        scan = Scan(store)
        chosen = [question for question in QUESTIONS if asked.only in question.name]
        for period, scope in _scopes(store).items():
            for question in chosen:
                taken = median_ms(partial(_answer, store, question, scope), runs=RUNS)
                least = median_ms(partial(scan.add_up, question, scope), runs=RUNS)
                name = f"{question.name}_{period}"
                report.say(f"{name}_ms", taken, "ms", TARGETS_MS[period])
                report.say(f"{name}_ratio_to_scan", taken / least, "times")
    return report.verdict()


def _reopen(path: Path) -> None:
    with Store.open(path) as store:
        store.rows("SELECT count(*) FROM usage")


def _scopes(store: Store) -> dict[str, Scope]:
    first, last = store.rows("SELECT min(started_at)::DATE, max(started_at)::DATE FROM usage")[0]
    month = Scope.days(last - timedelta(days=29), last, ZONE)
    return {"all": Scope.days(first, last, ZONE), "30d": month}


def _answer(store: Store, question: Question, scope: Scope) -> None:
    for asked in question.ask(scope):
        # A request of every session is known in a drawn world.
        sql, params, *_ = asked.if_all_read
        store.frame(sql, params)


class Scan:
    """Columns of the store in memory, as plain numbers in the order of ``started_at``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[tuple[str, str], NDArray[Any]] = {}

    def add_up(self, question: Question, scope: Scope) -> int:
        """The sum of all the question's columns within the period, wrapped to 64 bits."""
        rows = self._rows(question.table, scope)
        columns = (self._column(question.table, name) for name in question.columns)
        return sum(int(column[rows].sum()) for column in columns)

    def _rows(self, table: str, scope: Scope) -> slice:
        edges = [np.datetime64(at.replace(tzinfo=None), "us") for at in (scope.since, scope.until)]
        first, last = np.searchsorted(
            self._column(table, "started_at"), np.array(edges).astype(np.int64)
        )
        return slice(first, last)

    def _column(self, table: str, name: str) -> NDArray[Any]:
        if (table, name) not in self._kept:
            told = self._store.table(f"SELECT {name} FROM {table} ORDER BY started_at")
            self._kept[table, name] = _numbers(told.column(0).combine_chunks())
        return self._kept[table, name]


def _numbers(column: pa.Array) -> NDArray[Any]:
    if pa.types.is_string(column.type):
        codes = column.dictionary_encode()
        small = pa.uint8() if len(codes.dictionary) < _MOST_CODES else pa.uint16()
        column = codes.indices.cast(small)
    elif pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    elif pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    numbers: NDArray[Any] = pc.fill_null(column, 0).to_numpy()
    return numbers


if __name__ == "__main__":
    sys.exit(main())
