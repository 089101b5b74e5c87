"""Readers beside a writer see whole batches, each as it was written."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from small_bridges import Book
from stores import fresh, told

from bridgeboard.access import EVERYTHING, RowAccess
from bridgeboard.model.store import StoreError
from bridgeboard.store import Reader, Store, interceptions

READERS = 3
ENOUGH = 6
MOST = 400
ROWS = 12

TOLD = """
    SELECT (SELECT value::BIGINT FROM meta WHERE name = 'edition'),
           (SELECT count(*) FROM usage), (SELECT count(DISTINCT input) FROM usage),
           (SELECT max(input) FROM usage), (SELECT sum(tool_calls)::BIGINT FROM usage),
           (SELECT count(*) FROM tool_calls), (SELECT sum(input)::BIGINT FROM responses)
"""


def _book(edition: int) -> Book:
    """As many calls as ever, each with so many tokens and tool calls as the edition says."""
    book = Book()
    for number in range(ROWS):
        own = f"00000000-0000-4000-8000-{number:012x}"
        book.call(number, id=own, tokens=[(edition,)], tools=["Read"] * (edition % 4))
    return book


def _is_whole(seen: tuple[int, ...]) -> bool:
    edition, rows, kinds, tokens, calls, children, answered = seen
    expected = (ROWS, 1, edition, ROWS * (edition % 4), ROWS * (edition % 4), ROWS * edition)
    return (rows, kinds, tokens, calls, children, answered) == expected


class _Watch:
    """Asks until it has seen enough editions, or is told to stop."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.editions: set[int] = set()
        self.stopped = threading.Event()

    @property
    def has_enough(self) -> bool:
        return len(self.editions) >= ENOUGH

    def ask(self) -> None:
        while not self.has_enough and not self.stopped.is_set():
            (seen,) = self.store.rows(TOLD)
            assert _is_whole(seen)
            with self.store.snapshot() as reader:
                self._ask_twice(reader)

    def _ask_twice(self, reader: Reader) -> None:
        (first,) = reader.rows(TOLD)
        table = reader.table("SELECT input FROM usage")
        (second,) = reader.rows(TOLD)
        assert first == second
        assert _is_whole(first)
        assert set(table["input"].to_pylist()) == {first[0]}
        self.editions.add(first[0])


def _write(store: Store, edition: int) -> None:
    book = _book(edition)
    rows = told(book.tables(), book.calls, edition=edition)
    with store.write() as batch:
        interceptions.put(batch, rows)
        batch.set_meta("edition", str(edition))


@pytest.mark.slow
def test_readers_see_whole_batches_only(tmp_path: Path) -> None:
    with fresh(tmp_path) as store, ThreadPoolExecutor(READERS) as pool:
        _write(store, 1)
        watches = [_Watch(store) for _ in range(READERS)]
        asking = [pool.submit(watch.ask) for watch in watches]
        edition = 1
        while edition < MOST and not all(asked.done() for asked in asking):
            edition += 1
            _write(store, edition)
        for watch in watches:
            watch.stopped.set()
        for asked in asking:
            asked.result()
        assert all(watch.has_enough for watch in watches)
        assert store.version == edition


@pytest.mark.parametrize("row_access", [EVERYTHING, RowAccess.numbers()])
def test_no_statement_of_a_reader_reaches_another_file(
    tmp_path: Path, row_access: RowAccess
) -> None:
    (other := tmp_path / "other.csv").write_text("a,b\n1,2\n", "utf-8")
    (written := tmp_path / "written").mkdir()
    statements = [
        "SELECT * FROM read_csv('/etc/passwd')",
        f"SELECT * FROM read_csv('{other}')",
        f"SELECT * FROM read_text('{other}')",
        f"SELECT * FROM glob('{tmp_path}/*')",
        f"SELECT * FROM '{other}'",
        f"COPY usage TO '{written}/usage.csv'",
        f"ATTACH '{written}/new.duckdb' AS new",
        "SET GLOBAL enable_external_access = true",
        "SET GLOBAL allowed_directories = ['/']",
    ]
    answered = []
    with fresh(tmp_path) as store:
        for sql in statements:
            try:
                with store.snapshot(row_access) as reader:
                    answered.append((sql, reader.rows(sql)))
            except (StoreError, duckdb.Error):
                continue
        assert store.rows("SELECT count(*) FROM usage") == [(0,)]
    assert not answered
    assert not list(written.iterdir())
