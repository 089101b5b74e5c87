"""How fast a first sync is, what each of its steps costs, and what a small batch costs later.

``python -m bench.sync --interceptions 100000 --text all [--store 2m.duckdb]``. The server is a
process of its own that hands out finished pages. With ``--store`` batches of 1,000 interceptions,
half of them known, go into a copy of that store while two readers ask; ``--batches`` is how many.
"""

import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Final
from uuid import UUID

from bench import batches
from bench.canned import midnight, served
from bench.report import Report, arguments, note
from bench.shelves import ROWS

from aibridge import Client, Search
from bridgeboard import sync
from bridgeboard.pricing import Book
from bridgeboard.store import Store, interceptions
from bridgeboard.sync import Options, translate

TOKEN: Final = "bench"  # noqa: S105  # the canned server takes any
DAYS: Final = 50
STEPPED_PAGES: Final = 12


def main() -> int:
    """Measure all that was asked for."""
    asked = arguments(__doc__, interceptions=100_000, text="all", store="", batches=44)
    if asked.store and asked.batches <= batches.ALONE:
        sys.exit(f"--batches must be more than {batches.ALONE}: the first ones are written alone")
    report = Report(strict=asked.strict)
    with tempfile.TemporaryDirectory(prefix="bench-sync-") as folder:
        first_sync(report, asked.interceptions // ROWS, Path(folder), text=asked.text == "all")
        if asked.store:
            copy = Path(shutil.copy(asked.store, Path(folder, "copy.duckdb")))
            batches.measure(report, copy, asked.batches)
    return report.verdict()


def first_sync(report: Report, pages: int, folder: Path, *, text: bool) -> None:
    """Everything from the server into an empty store; then one page's steps by themselves."""
    note(f"making {pages} pages ...")
    with served(pages, -(-pages // DAYS), midnight(datetime.now(UTC))) as address:
        with Client(address, TOKEN) as client, Store.open(folder / "first.duckdb") as store:
            _measure_run(report, client, store, pages * ROWS, text=text)
        report.say("store_mb", (folder / "first.duckdb").stat().st_size / 1e6, "MB")
        with Client(address, TOKEN) as client, Store.open(folder / "steps.duckdb") as store:
            _measure_steps(report, client, store, text=text)


def _measure_run(report: Report, client: Client, store: Store, rows: int, *, text: bool) -> None:
    began, busy = perf_counter(), process_time()
    for event in sync.run(client, store, Options(text=text), datetime.now(UTC)):
        note(f"{event.phase} {event.done}/{event.total}")
    wall, cpu = perf_counter() - began, process_time() - busy
    stored = store.rows("SELECT count(*) FROM usage")[0][0]
    if stored != rows:
        sys.exit(f"{stored} interceptions were stored instead of {rows}")
    report.say("sync_rows_per_second", rows / wall, "rows/s", 8500, at_least=True)
    report.say("sync_rows_per_cpu_second", rows / cpu, "rows/s")
    report.say("sync_cpu_share", cpu / wall, "cores")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report.say("peak_memory_mb", peak / 1024, "MB", 1000)


def _measure_steps(report: Report, client: Client, store: Store, *, text: bool) -> None:
    """A page at a time in one thread: fetched and decoded, translated and priced, written."""
    book = Book()
    spent = [_one_page(client, store, book, after, text=text) for after in _cursors(client)]
    for name, values in zip(("fetch", "translate", "write"), zip(*spent, strict=True), strict=True):
        report.say(f"{name}_page_ms", median(values), "ms")


def _cursors(client: Client) -> Iterator[UUID | None]:
    """Where each of the first pages begins."""
    after = None
    for _ in range(STEPPED_PAGES):
        yield after
        page = client.interceptions_bulk(Search(), after_id=after)
        after = page.last and page.last[1]


def _one_page(
    client: Client, store: Store, book: Book, after: UUID | None, *, text: bool
) -> tuple[float, float, float]:
    """Milliseconds for each step of one page."""
    start = perf_counter()
    page = client.interceptions_bulk(Search(), after_id=after)
    fetched = perf_counter()
    told = translate.interception_tables(page.rows, page.digests, book, text=text)
    translated = perf_counter()
    with store.write() as batch:
        interceptions.put(batch, told)
    written = perf_counter()
    return (fetched - start) * 1e3, (translated - fetched) * 1e3, (written - translated) * 1e3


if __name__ == "__main__":
    sys.exit(main())
