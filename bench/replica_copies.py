"""What it costs to publish a copy of a store that others read, in several ways.

``python -m bench.replica_copies --store 2m.duckdb``. Each round writes the newest 1,000 requests
anew, as a sync does, with their responses, prompts and tool calls, and then makes a copy. Processor
time is that of this process and of those that it starts. All on copies of the store, beside it or
in ``--folder``.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os import times
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import duckdb
from bench.report import Report, arguments, note

from bridgeboard.store import Store, backup, published_copies

ROUNDS: Final = 7
TARGET_MS: Final = 3_000
_TABLES: Final = ("usage", "responses", "prompts", "tool_calls", "tool_inputs")
_ROWS: Final = 1_000


@dataclass
class Spent:
    """What each round of one way took, in milliseconds."""

    processor: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def add(self, work: Callable[[], object]) -> None:
        """Measure one round."""
        began, before = perf_counter(), _processor()
        work()
        self.processor.append((_processor() - before) * 1000)
        self.wall.append((perf_counter() - began) * 1000)

    def say(self, report: Report, name: str, target: float | None = None) -> None:
        """The medians."""
        report.say(f"{name}_cpu_ms", median(self.processor), "ms", target)
        report.say(f"{name}_wall_ms", median(self.wall), "ms")


def main() -> int:
    """Measure each way on a store of its own."""
    asked = arguments(__doc__, store=Path, folder="")
    report = Report(strict=asked.strict)
    place = asked.folder or str(asked.store.parent)
    with tempfile.TemporaryDirectory(prefix="bench-replica-", dir=place) as name:
        folder = Path(name)
        path = Path(shutil.copy(asked.store, folder / "store.duckdb"))
        path.chmod(0o600)
        report.say("store_mb", path.stat().st_size / 1e6, "MB")
        with Store.open(path) as store:
            report.say("readable_beside_the_writer", _readable(path), "of 1")
            _published(report, store, folder / "copies")
            for way, command in (
                ("file_copy", ["cp", "--reflink=never"]),
                ("reflink_or_file_copy", ["cp", "--reflink=auto"]),
            ):
                _whole(report, store, way, _file_copy(path, command))
            _whole(report, store, "copy_from_database", _copied_by_database(store, folder))
            _whole(report, store, "parquet_backup", _backed_up(store, folder))
    return report.verdict()


def _published(report: Report, store: Store, folder: Path) -> None:
    """The way of the product: the first copies are whole, later ones take what differs."""
    first, later, checkpoint = Spent(), Spent(), Spent()
    made: list[published_copies.Made] = []
    for number in range(published_copies.KEPT + ROUNDS):
        _batch(store)
        checkpoint.add(lambda: _at_rest(store))
        _batch(store)
        spent = first if number < published_copies.KEPT else later
        spent.add(lambda: made.append(_publish(store, folder)))
        note(f"copy {number + 1}: {made[-1].copied / 1e6:.1f} MB copied")
    checkpoint.say(report, "checkpoint")
    first.say(report, "publish_first")
    later.say(report, "publish", TARGET_MS)
    settled = made[published_copies.KEPT :]
    report.say("publish_batches_wait_ms", median(one.waited_seconds for one in settled) * 1e3, "ms")
    report.say("publish_copied_mb", median(one.copied for one in settled) / 1e6, "MB")
    newest = max(published_copies.numbers_in(folder, store.path.stem))
    _opened(report, folder / f"{store.path.stem}-{newest}.duckdb")


def _publish(store: Store, folder: Path) -> published_copies.Made:
    now = datetime.now(UTC)
    made = published_copies.publish(store, folder, now)
    newest = published_copies.Published(
        store.path.stem, made.number, made.version, made.schema, 5, now, now, None, now
    )
    published_copies.name_newest(folder, newest)
    return made


def _opened(report: Report, path: Path) -> None:
    """What it costs a reader to move to a new copy: open it, and add up all requests."""
    spent = Spent()
    for _ in range(ROUNDS):

        def opened() -> None:
            with duckdb.connect(str(path), read_only=True) as connection:
                connection.execute("SELECT count(*), sum(cost) FROM usage").fetchall()

        spent.add(opened)
    spent.say(report, "open_copy")


def _whole(report: Report, store: Store, name: str, copy: Callable[[], None]) -> None:
    spent = Spent()
    for _ in range(3):
        _batch(store)
        spent.add(copy)
        note(f"{name}: {spent.wall[-1]:.0f} ms")
    spent.say(report, name)


def _file_copy(path: Path, command: list[str]) -> Callable[[], None]:
    target = path.with_name("whole.duckdb")

    def copy() -> None:
        target.unlink(missing_ok=True)
        subprocess.run([*command, str(path), str(target)], check=True)  # noqa: S603 - ours

    return copy


def _copied_by_database(store: Store, folder: Path) -> Callable[[], None]:
    """A rewriting of the whole file, which ends with ``COPY FROM DATABASE`` and an exchange."""
    (folder / "whole.duckdb").unlink(missing_ok=True)
    return store.rewrite


def _backed_up(store: Store, folder: Path) -> Callable[[], None]:
    def copy() -> None:
        target = folder / "parquet"
        shutil.rmtree(target, ignore_errors=True)
        backup(store, target, now=datetime.now(UTC))

    return copy


def _at_rest(store: Store) -> None:
    with store.at_rest():
        pass


def _batch(store: Store) -> None:
    """Write the newest requests anew with all that belongs to them."""
    with store.write() as batch:
        ((last,),) = batch.rows("SELECT max(usage) FROM usage")
        for table in _TABLES:
            where = f"usage > {last - _ROWS}"
            batch.execute(f"CREATE TEMP TABLE newest AS SELECT * FROM {table} WHERE {where}")
            batch.execute(f"DELETE FROM {table} WHERE {where}")
            batch.execute(f"INSERT INTO {table} SELECT * FROM newest")
            batch.execute("DROP TABLE newest")


def _readable(path: Path) -> int:
    """Whether another process can read the file while this one has it."""
    text = f"import duckdb; duckdb.connect({str(path)!r}, read_only=True)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, check=False)  # noqa: S603 - ours
    return int(not done.returncode)


def _processor() -> float:
    spent = times()
    return spent.user + spent.system + spent.children_user + spent.children_system


if __name__ == "__main__":
    sys.exit(main())
