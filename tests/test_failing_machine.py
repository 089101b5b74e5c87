"""A machine that fails: whatever is killed, full, locked or wrong, nothing is lost."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import demo_sync
import pytest
import truth
from slow_cases import one_fast
from stores import contents, fresh
from test_background_sync import Listener, settings_of

from bridgeboard import pricing, store, sync
from bridgeboard.pricing import Book
from bridgeboard.runtime import clients, store_files
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.runtime.demo_company import Running
from bridgeboard.store import (
    Store,
    StoreDamagedError,
    StoreFullError,
    StoreLocationError,
    StoreTooNewError,
    file_location,
    opening,
)
from bridgeboard.store.schema import MIGRATIONS

HERE = Path(__file__).parent
LATER = (
    *MIGRATIONS,
    "CREATE TABLE extra AS SELECT range AS a FROM range(50000)",
    "ALTER TABLE extra ADD COLUMN b INTEGER DEFAULT 7",
)
BOOK = Book(pricing.parse("[[price]]\nmultiplier = 3\n"))


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    return Listener(monkeypatch)


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synced store, closed; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("synced")
    with demo_sync.opened(folder) as opened:
        demo_sync.run(opened, demo_sync.bridge(demo_sync.latest(150)))
    return folder / "store.duckdb"


@pytest.fixture
def copied(synced: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(synced, tmp_path))


ANNOUNCED = """
import sys
import duckdb
from datetime import datetime
from pathlib import Path
from bridgeboard import pricing, store, sync
from bridgeboard.store import Batch, Reader, Store, backups, opening
from bridgeboard.store.schema import MIGRATIONS

path = Path(sys.argv[1])

def announced(inner):
    def announcing(*arguments, **named):
        print(".", end="", flush=True)
        return inner(*arguments, **named)
    return announcing

class Told:
    '''A connection that says each statement before it is run.'''
    def __init__(self, inner):
        self.inner = inner
        self.execute = announced(inner.execute)
    def __getattr__(self, name):
        return getattr(self.inner, name)
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self.inner.close()
"""
MIGRATOR = (
    ANNOUNCED
    + """
sys.path.insert(0, {here!r})
connect = duckdb.connect
duckdb.connect = lambda *a, **k: Told(connect(*a, **k))
opening.MIGRATIONS = {later!r}
Store.open(path)
"""
)
BACKER = (
    ANNOUNCED
    + """
backups._digest = announced(backups._digest)
backups._swap = announced(backups._swap)
with Store.open(path) as opened:
    store.backup(opened, path.parent / "kept", now=datetime.fromisoformat({now!r}))
"""
)
PRICER = (
    ANNOUNCED
    + """
Batch._written = announced(Batch._written)
book = pricing.Book(pricing.parse("[[price]]\\nmultiplier = 3\\n"))
with Store.open(path) as opened:
    sync.reprice(opened, book, datetime.fromisoformat({now!r}), rows=10)
"""
)


def _killed(script: str, path: Path, steps: int) -> bool:
    """Kill a script as soon as it has come to so many of its steps; whether it has."""
    told = script.replace("{here!r}", repr(str(HERE))).replace("{later!r}", repr(LATER))
    told = told.replace("{now!r}", repr(demo_sync.NOW.isoformat()))
    command = [sys.executable, "-c", told, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:  # noqa: S603  # our own script
        assert child.stdout
        heard = child.stdout.read(steps)
        child.kill()
    return len(heard) == steps


# Killed.


@pytest.mark.parametrize("steps", one_fast([1, 3, 5, 7, 9, 11], fast=5))
def test_a_killed_migration_is_begun_again_and_loses_nothing(
    copied: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    with Store.open(copied) as opened:
        before = contents(opened)
    assert _killed(MIGRATOR, copied, steps)
    monkeypatch.setattr(opening, "MIGRATIONS", LATER)
    with Store.open(copied) as opened:
        assert opened.meta("schema") == str(len(LATER))
        assert opened.rows("SELECT count(*), sum(b) FROM extra") == [(50_000, 350_000)]
        after = contents(opened)
    assert {name: after[name] for name in before if name != "meta"} == {
        name: before[name] for name in before if name != "meta"
    }


@pytest.mark.parametrize("steps", one_fast([1, 6, 12, 20], fast=6))
def test_a_store_killed_while_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    path = tmp_path / "store.duckdb"
    assert _killed(MIGRATOR, path, steps)
    monkeypatch.setattr(opening, "MIGRATIONS", LATER)
    for _ in range(2):
        with Store.open(path) as opened:
            assert opened.meta("schema") == str(len(LATER))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("steps", one_fast([1, 9, 17], fast=9))
def test_a_killed_backup_leaves_no_half_one_and_the_next_one_is_whole(
    copied: Path, tmp_path: Path, steps: int
) -> None:
    assert _killed(BACKER, copied, steps)
    with Store.open(copied) as opened:
        if not (tmp_path / "kept").exists():
            store.backup(opened, tmp_path / "kept", now=demo_sync.NOW)
        store.restore(tmp_path / "kept", tmp_path / "again.duckdb", now=demo_sync.NOW)
        with Store.open(tmp_path / "again.duckdb") as again:
            assert contents(again) == contents(opened)
    assert not (tmp_path / "kept.partial").exists()


@pytest.mark.parametrize("steps", one_fast([2, 6, 10, 14], fast=6))
def test_a_killed_repricing_leaves_no_mixture_that_is_taken_for_whole(
    copied: Path, tmp_path: Path, steps: int
) -> None:
    calm = Path(shutil.copy(copied, tmp_path / "calm.duckdb"))
    assert _killed(PRICER, copied, steps)
    with Store.open(copied) as opened, Store.open(calm) as other:
        assert sync.reprice(other, BOOK, demo_sync.NOW).changed
        bridge = demo_sync.bridge(demo_sync.latest(150))
        demo_sync.run(opened, bridge, book=BOOK)
        assert demo_sync.contents(opened) == demo_sync.contents(other)


# Full.

FULL = """
import json, resource, signal, sys
from pathlib import Path
from bridgeboard import store as room
from bridgeboard.model.store import StoreError
from bridgeboard.store import Store

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, what = Path(sys.argv[1]), sys.argv[2]

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def attempt(work):
    try:
        work()
    except StoreError as error:
        return [type(error).__name__, str(error)]

def write(opened):
    with opened.write() as batch:
        batch.execute("INSERT INTO meta SELECT 'row', md5(random()::VARCHAR) FROM range(10000)")

def count(opened):
    return opened.rows("SELECT count(*) FROM meta WHERE name = 'row'")[0][0]

told = {}
if what == "open":
    limit(3_000)
    told["problem"] = attempt(lambda: Store.open(path))
    limit(resource.RLIM_INFINITY)
    told["files"] = sorted(each.name for each in path.parent.iterdir())
    told["again"] = attempt(lambda: Store.open(path).close())
elif what == "write":
    opened = Store.open(path)
    opened._writer.execute("SET checkpoint_threshold = ?", [sys.argv[3]])
    limit(4_000_000)
    written = 0
    while not (problem := attempt(lambda: write(opened))):
        written += 1
    told["problem"] = problem
    told["still"] = attempt(lambda: write(opened))
    limit(resource.RLIM_INFINITY)
    told["again"] = [attempt(lambda: write(opened)) for _ in range(3)]
    told["rows"] = [written, count(opened), opened.version]
    opened.close()
elif what == "repair":
    from datetime import UTC, datetime
    limit(100_000)
    now = datetime(2026, 5, 20, tzinfo=UTC)
    told["problem"] = attempt(lambda: room.repair(path, [Path(sys.argv[3])], now=now))
    limit(resource.RLIM_INFINITY)
print(json.dumps(told))
"""


def _full(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "error", "-c", FULL, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own script
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("threshold", one_fast(["1GB", "1MB"]))
def test_a_store_goes_on_by_itself_once_there_is_room_again(tmp_path: Path, threshold: str) -> None:
    told = _full(str(tmp_path / "store.duckdb"), "write", threshold)
    assert told["problem"][0] == "StoreFullError"
    assert "goes on by itself" in told["problem"][1]
    # At most the first batch afterwards still meets what the full disk left behind.
    assert told["again"][1:] == [None, None]
    written, rows, version = told["rows"]
    written += sum(problem is None for problem in [told["still"], *told["again"]])
    assert (rows, version) == (10_000 * written, written)
    with fresh(tmp_path) as opened:
        assert opened.rows("SELECT count(*) FROM meta WHERE name = 'row'") == [(rows,)]


def test_a_store_that_finds_no_room_to_begin_leaves_nothing_behind(tmp_path: Path) -> None:
    told = _full(str(tmp_path / "store.duckdb"), "open")
    assert told["problem"][0] == "StoreFullError"
    assert told["files"] == []
    assert told["again"] is None


def test_a_repair_without_room_changes_nothing(copied: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with Store.open(copied) as opened:
        store.backup(opened, kept, now=demo_sync.NOW)
    with copied.open("r+b") as file:
        file.seek(4_100)
        file.write(b"damage")
    damaged = copied.read_bytes()
    told = _full(str(copied), "repair", str(kept))
    assert told["problem"]
    assert copied.read_bytes() == damaged
    assert sorted(tmp_path.iterdir()) == [kept, copied]
    assert store.repair(copied, [kept], now=demo_sync.NOW)


def test_readers_go_on_after_a_failure_that_ended_the_database(copied: Path) -> None:
    """Whatever made the database refuse everything, the file is opened anew for the next one."""
    with Store.open(copied) as opened:
        version = opened.version
        expected = opened.rows("SELECT count(*) FROM usage")
        opened._has_failed = True
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(opened.rows, "SELECT count(*) FROM usage") for _ in range(20)]
            assert [each.result() for each in asked] == [expected] * 20
        opened._has_failed = True
        with opened.write() as batch:
            batch.set_meta("alive", "yes")
        assert (opened.meta("alive"), opened.version) == ("yes", version + 1)


def test_a_store_is_not_opened_anew_under_a_reader(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.database, "PATIENCE_SECONDS", 0.01)
    with Store.open(copied) as opened, opened.snapshot() as reader:
        before = opened._connection
        opened._has_failed = True
        assert opened.rows("SELECT 1") == reader.rows("SELECT 1")
        assert opened._connection is before


# Read-only.

NOBODY = 65_534
UNPRIVILEGED = """
import os, sys
from pathlib import Path
from bridgeboard.model.store import StoreError
from bridgeboard.store import Store
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    Store.open(Path(sys.argv[1])).close()
except StoreError as error:
    print(type(error).__name__, error)
else:
    print("open")
"""


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that an account without privileges can reach."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o777)
        yield path
        path.chmod(0o777)


@pytest.mark.skipif(sys.platform == "win32", reason="needs permissions of files")
@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_cannot_be_written_is_told_and_used_once_it_can(
    synced: Path, shared: Path, *, is_there: bool
) -> None:
    path = shared / "store.duckdb"
    if is_there:
        shutil.copy(synced, path)
        if os.getuid() == 0:
            os.chown(path, NOBODY, NOBODY)
    command = [sys.executable, "-c", UNPRIVILEGED, str(path)]
    shared.chmod(0o555)
    said = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own script
    if "Error" in said.stderr:
        pytest.skip("an account without privileges cannot read this checkout")
    assert said.stdout.startswith("StoreLocationError")
    assert "Let this account write to its folder" in said.stdout
    shared.chmod(0o777)
    said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own script
    assert said.stdout == "open\n"


def test_what_the_file_system_says_is_told_by_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, kind in ((28, StoreFullError), (30, StoreLocationError), (13, StoreLocationError)):

        def refuse(*_arguments: object, number: int = number, **_more: object) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_text", refuse)
            with pytest.raises(kind):
                fresh(tmp_path)
    fresh(tmp_path).close()


# Damaged, under the dashboard.


@pytest.mark.slow
def test_a_damaged_store_is_told_by_the_dashboard_left_alone_and_used_once_it_is_repaired(
    running: Running, tmp_path: Path, listener: Listener
) -> None:
    asked = settings_of(running.url, running.tokens["owner"], tmp_path)
    with clients.client(asked) as client, store_files.stored(asked, client) as opened:
        path = opened.path
    damaged = b"what a disk makes of it" * 1_000
    path.write_bytes(damaged)
    with BackgroundSync(asked, clock=lambda: demo_sync.NOW) as keeper:
        for _ in range(3):
            status = listener.until(keeper, lambda told: told.problem is not None)
            assert "bridgeboard repair" in str(status.problem)
            assert path.read_bytes() == damaged
            keeper.wake()
        store.repair(path, [], now=demo_sync.NOW)
        keeper.wake()
        listener.until(keeper, lambda told: told.good_at is not None)
        assert keeper.store is not None
        assert keeper.store.rows("SELECT count(*) > 0 FROM usage") == [(True,)]
    assert [each.read_bytes() for each in tmp_path.glob("*.damaged-*")] == [damaged]


@pytest.mark.slow
def test_a_second_dashboard_takes_over_when_the_first_has_ended(
    running: Running, tmp_path: Path, listener: Listener
) -> None:
    asked = settings_of(running.url, running.tokens["owner"], tmp_path)
    with clients.client(asked) as client, store_files.stored(asked, client) as first:
        keeper = BackgroundSync(asked, clock=lambda: demo_sync.NOW)
        keeper.start()
        status = listener.until(keeper, lambda told: told.problem is not None)
        assert "already open by pid" in str(status.problem)
        with first.write() as batch:
            batch.set_meta("first", "was here")
    keeper.wake()
    listener.until(keeper, lambda told: told.good_at is not None)
    assert keeper.store is not None
    assert keeper.store.meta("first") == "was here"
    keeper.stop()


HOLD = """
import sys
from pathlib import Path
from bridgeboard.store import Store, StoreBusyError
sys.stdin.readline()
try:
    opened = Store.open(Path(sys.argv[1]))
except StoreBusyError:
    print("busy", flush=True)
else:
    print("open", flush=True)
    sys.stdin.readline()
    opened.close()
"""


@pytest.mark.slow
def test_of_two_processes_that_make_a_store_at_once_one_has_it(tmp_path: Path) -> None:
    ready = threading.Barrier(3)
    command = [sys.executable, "-c", HOLD, str(tmp_path / "store.duckdb")]

    def ask(child: "subprocess.Popen[str]") -> str:
        assert child.stdin
        assert child.stdout
        ready.wait()
        child.stdin.write("\n")
        child.stdin.flush()
        return child.stdout.readline().strip()

    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603  # our own script
        for _ in range(3)
    ]
    with ThreadPoolExecutor(3) as pool:
        said = sorted(pool.map(ask, children))
    for child in children:
        child.communicate("\n")
    assert said == ["busy", "busy", "open"]
    assert [each.name for each in tmp_path.iterdir()] == ["store.duckdb"]


# A clock that jumps.


@pytest.mark.parametrize("hours", one_fast([-400, -25, 25, 400], fast=25))
def test_a_clock_that_once_was_wrong_hides_nothing_that_came_since(
    tmp_path: Path, hours: int
) -> None:
    tables = demo_sync.latest(400)
    moments = [demo_sync.NOW - timedelta(days=days) for days in (4, 2, 0)]
    wrong = [timedelta(0), timedelta(hours=hours), timedelta(0)]
    with demo_sync.opened(tmp_path) as opened:
        for now, off in zip(moments, wrong, strict=True):
            bridge = demo_sync.bridge(tables, clock=lambda now=now: now, wall=None)
            demo_sync.run(opened, bridge, now=now + off)
        held = {str(id_) for (id_,) in opened.rows("SELECT id FROM usage")}
    rows = [row for row in truth.finished(tables) if row.ended_at and row.ended_at <= demo_sync.NOW]
    assert held == {row.id for row in rows}


# Errors that only a damaged file makes the database raise.


def test_a_log_of_a_file_that_is_newer_is_damage(copied: Path) -> None:
    file_location.log(copied).write_bytes(b"\0" * 1_000)
    with pytest.raises(StoreDamagedError, match="bridgeboard repair"):
        Store.open(copied)


def test_a_schema_of_a_later_version_is_no_damage(copied: Path) -> None:
    with Store.open(copied) as opened, opened.write() as batch:
        batch.set_meta("schema", str(len(MIGRATIONS) + 1))
    with pytest.raises(StoreTooNewError):
        Store.open(copied)
