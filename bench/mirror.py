"""How fast a store is mirrored to ClickHouse, and what readers see while its process is killed.

``python -m bench.mirror --store FILE [--kills 20] [--clickhouse URL]``. The store is written to:
give it a copy. Without an address, the engine of ClickHouse runs in a process beside, on the same
cores. While a process that writes and mirrors is killed at random, a reader compares what each
version says of three tables.
"""

import random
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, sleep
from typing import Any, Final, Self

from bench.mirror_victim import BATCHES, FIRST, ROWS, change, mirror, server
from bench.report import Report, arguments, note

from bridgeboard.clickhouse import contents, live, tables
from bridgeboard.clickhouse.connection import Connection, Server, connected
from bridgeboard.clickhouse.mirror import Mirror
from bridgeboard.store import Store

ROOT: Final = Path(__file__).parents[1]
RIG: Final = ROOT / "tests" / "rigs" / "clickhouse_server.py"
BATCHES_TIMED: Final = 7
STARTS: Final = 3
"""How many times as long as a start takes a process lives at most until it is killed."""
_SUMMED: Final = frozenset({"BIGINT", "INTEGER", "UINTEGER"})


def main() -> int:
    """Measure all of it; the exit status."""
    asked = arguments(__doc__, store=Path, kills=20, clickhouse="", seed=1)
    report = Report(strict=asked.strict)
    with clickhouse(asked.clickhouse) as url:
        longest = STARTS * whole(report, asked.store, url)
        dice = random.Random(asked.seed)  # noqa: S311 - a seeded draw
        killed(report, asked.store, url, [dice.uniform(0, longest) for _ in range(asked.kills)])
    return report.verdict()


@contextmanager
def clickhouse(url: str) -> Iterator[str]:
    """The address of an empty database."""
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, RIG, f"{folder}/data"]
        with subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout  # noqa: S101 - it is a pipe
            assert process.stdin  # noqa: S101 - likewise
            port = process.stdout.readline().strip()
            default = Server([("127.0.0.1", int(port))], "default", is_secure=False)
            with closing(connected(default)) as connection:
                connection.execute("CREATE DATABASE mirror")
            yield f"http://default:@127.0.0.1:{port}/mirror"
            process.stdin.close()


def whole(report: Report, path: Path, url: str) -> float:
    """Mirror everything, then nothing, then some batches; how long it takes after a restart."""
    with Store.open(path) as store, closing(Mirror(lambda: connected(server(url)))) as to:
        began, spent = perf_counter(), process_time()
        done = mirror(store, to)
        seconds = perf_counter() - began
        report.say("mirror_full_rows", done.rows, "rows")
        report.say(
            "mirror_full_rows_per_second", done.rows / seconds, "rows/s", 300_000, at_least=True
        )
        report.say("mirror_full_processor_seconds", process_time() - spent, "s")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        report.say("mirror_full_memory_mb", peak, "MB")
        report.say("mirror_nothing_new_seconds", _timed(store, to)[0], "s")
        timed = []
        for _ in range(BATCHES_TIMED):
            change(store)
            timed.append(_timed(store, to))
        report.say("mirror_batch_seconds", median(wall for wall, _ in timed), "s", 3)
        report.say("mirror_batch_processor_seconds", median(cpu for _, cpu in timed), "s")
        change(store)
        with closing(Mirror(lambda: connected(server(url)))) as other:
            seconds, _ = _timed(store, other)
        report.say("mirror_after_restart_seconds", seconds, "s")
    return seconds


def _timed(store: Store, to: Mirror) -> tuple[float, float]:
    began, spent = perf_counter(), process_time()
    mirror(store, to)
    return perf_counter() - began, process_time() - spent


class Watch:
    """A reader that compares what three tables say of the same version, again and again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.versions: set[int] = set()
        self.reads = self.halves = self.asked_again = 0
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._look()
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            self.error = error

    def _look(self) -> None:
        ((term, version),) = self._connection.rows(live.NEWEST)
        said = told(self._connection, term, version)
        if version < int(self._connection.rows(live.FLOOR)[0][0]):
            self.asked_again += 1
            return
        self.reads += 1
        self.versions.add(version)
        self.halves += said["usage"] != said["responses"] or said["usage"] != ROWS * said["meta"]


def told(connection: Connection, term: int, version: int) -> dict[str, int]:
    """What tables say of how much was added."""
    blocks: dict[str, list[str]] = {}
    for name, _, block in connection.rows(live.BLOCKS, term=term, version=version):
        blocks.setdefault(name, []).append(str(block))
    count = {
        "usage": f"SELECT count() FROM usage WHERE usage >= {FIRST}",
        "responses": f"SELECT count() FROM responses WHERE usage >= {FIRST}",
        "meta": f"SELECT toInt64(any(value)) FROM meta WHERE name = '{BATCHES}'",
    }
    return {
        name: int(connection.rows(f"{sql} AND block IN ({', '.join(blocks[name])})")[0][0])
        for name, sql in count.items()
    }


def killed(report: Report, path: Path, url: str, lives: list[float]) -> None:
    """Kill processes that write and mirror after so many seconds each; what a reader sees."""
    with closing(connected(server(url))) as connection, Watch(connection) as watch:
        for number, seconds in enumerate(lives):
            _kill(path, url, seconds)
            note(f"{number + 1} killed; {len(watch.versions)} versions seen")
    if watch.error:
        raise watch.error
    report.say("mirror_kills", len(lives), "kills")
    report.say("mirror_versions_seen", len(watch.versions), "versions")
    report.say("mirror_states_read", watch.reads, "reads")
    report.say("mirror_half_batches_seen", watch.halves, "reads", 0)
    report.say("mirror_asked_again", watch.asked_again, "reads")
    with Store.open(path) as store, closing(Mirror(lambda: connected(server(url)))) as to:
        began = perf_counter()
        mirror(store, to)
        report.say("mirror_after_kills_seconds", perf_counter() - began, "s")
        with closing(connected(server(url))) as connection:
            report.say("mirror_tables_that_differ", len(differing(store, connection)), "tables", 0)


def _kill(path: Path, url: str, after: float) -> None:
    command = [sys.executable, "-m", "bench.mirror_victim", str(path), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:  # noqa: S603 - our own command
        assert process.stdout  # noqa: S101 - it is a pipe
        process.stdout.readline()
        sleep(after)
        process.kill()


def differing(store: Store, connection: Connection) -> list[str]:
    """Tables of which counts or sums of columns differ between the store and its mirror."""
    ((term, version),) = connection.rows(live.NEWEST)
    blocks: dict[str, list[str]] = {}
    for name, _, block in connection.rows(live.BLOCKS, term=term, version=version):
        blocks.setdefault(name, []).append(str(block))
    with store.snapshot() as reader:
        schema = tables.schema_of(reader)
        found = []
        for name, columns in schema.items():
            if name in contents.NOT_MIRRORED:
                continue
            numbers = [column.name for column in columns if column.type in _SUMMED]
            mine = [("count(*)", "count()")]
            mine += [(f"sum({one})", f"sum(toInt128({one}))") for one in numbers]
            mine += [
                (f"sum(strlen({one.name}))", f"sum(toInt128(length({one.name})))")
                for one in columns
                if one.type == "VARCHAR"
            ]
            here = reader.rows(f"SELECT {', '.join(each for each, _ in mine)} FROM {name}")
            where = f"block IN ({', '.join(blocks.get(name, ['0']))})"
            sql = f"SELECT {', '.join(each for _, each in mine)} FROM {name} WHERE {where}"
            if _plain(here[0]) != _plain(connection.rows(sql)[0]):
                found.append(name)
    return found


def _plain(row: tuple[Any, ...]) -> list[int]:
    return [int(value or 0) for value in row]


if __name__ == "__main__":
    sys.exit(main())
