"""What a batch of 1,000 interceptions costs in a large store, alone and beside two readers.

Half of each batch was told before, in other words: its rows are replaced. Readers ask as a page
does: several questions to one snapshot, then a rest.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from bench.canned import midnight, served
from bench.report import Report, note, quantile, spent_ms
from bench.shelves import ROWS

from aibridge import BulkPage, Client, Search
from bridgeboard.pricing import Book
from bridgeboard.store import Reader, Store, UsageTables, interceptions
from bridgeboard.sync import translate

ALONE: Final = 12
WARM: Final = 2
DAILY_PAGES: Final = 11
READERS: Final = 2
REST_SECONDS: Final = 0.05

_PARTS: Final = """
    SELECT (SELECT count(*) FROM usage), (SELECT count(*) FROM tool_calls),
        (SELECT count(*) FROM responses), (SELECT sum(tool_calls) FROM usage),
        (SELECT sum(responses) FROM usage)"""
_HEADLINE: Final = """
    SELECT sum(cost) AS cost, sum(requests) AS requests, count(DISTINCT initiator) AS people,
        sum(input + output + cache_read + cache_write) AS tokens
    FROM usage WHERE started_at >= (SELECT max(started_at) FROM usage) - to_days(30)"""


def measure(report: Report, path: Path, count: int) -> None:
    """Write some of so many batches alone, then the others beside readers."""
    with Store.open(path) as store:
        told = _batches(store, count)
        for batch in told[:WARM]:
            _write(store, batch)
        alone = [_spent(store, batch) for batch in told[WARM:ALONE]]
        with _read(store) as watch:
            beside = [_spent(store, batch) for batch in told[ALONE:]]
    report.say("incremental_batch_alone_ms", median(alone), "ms")
    report.say("incremental_batch_ms", median(beside), "ms", 100)
    report.say("incremental_batch_p95_ms", quantile(beside, 0.95), "ms")
    report.say("reader_page_ms", median(watch.spent), "ms")
    report.say("snapshots_read", len(watch.spent), "snapshots")
    report.say("half_batches_seen", watch.halves, "snapshots", 0)


def _batches(store: Store, count: int) -> list[UsageTables]:
    """Translated batches: the older half of a page again, and the newer half of the next one."""
    note(f"making {count + 1} pages ...")
    newest = store.rows("SELECT max(started_at) FROM usage")[0][0]
    with served(count + 1, DAILY_PAGES, midnight(newest)) as address:
        pages = list(_pages(address))
    return [_overlap(*pair) for pair in pairwise(pages)]


def _pages(address: str) -> Iterator[BulkPage]:
    after = None
    with Client(address, "bench") as client:
        while (page := client.interceptions_bulk(Search(), after_id=after)).last:
            yield page
            after = page.last[1]


def _overlap(before: BulkPage, page: BulkPage) -> UsageTables:
    """Half of the page before, whose rows get another digest as if they were told anew."""
    half = ROWS // 2
    rows = before.rows[half:] + page.rows[:half]
    digests = [digest ^ 1 for digest in before.digests[half:]] + list(page.digests[:half])
    return translate.interception_tables(rows, digests, Book(), text=False)


def _write(store: Store, told: UsageTables) -> None:
    with store.write() as batch:
        interceptions.put(batch, told)


def _spent(store: Store, told: UsageTables) -> float:
    return spent_ms(lambda: _write(store, told))


@dataclass
class _Watch:
    """What the readers saw: how long each snapshot's questions took, and how many were torn."""

    spent: list[float] = field(default_factory=list)
    halves: int = 0

    def look(self, reader: Reader) -> None:
        """Ask one snapshot twice for its parts, with a page's headline between."""
        before = reader.rows(_PARTS)[0]
        reader.rows(_HEADLINE)
        is_torn = before != reader.rows(_PARTS)[0]
        self.halves += is_torn or before[1:3] != before[3:]


@contextmanager
def _read(store: Store) -> Iterator[_Watch]:
    watch, enough = _Watch(), threading.Event()

    def ask() -> None:
        while not enough.wait(REST_SECONDS):
            start = perf_counter()
            with store.snapshot() as reader:
                watch.look(reader)
            watch.spent.append((perf_counter() - start) * 1000)

    threads = [threading.Thread(target=ask) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        enough.set()
        for thread in threads:
            thread.join()
