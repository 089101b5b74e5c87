"""A damaged store is made whole: what can be read stays, the rest is read again."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import demo_sync
import duckdb
import pytest
from stores import fresh
from typer.testing import CliRunner

from bridgeboard import cli, store
from bridgeboard.cli import repairing
from bridgeboard.demo import api
from bridgeboard.store import (
    Rescued,
    Store,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreLocationError,
    StoreTooNewError,
    apart,
    file_location,
    salvage,
)
from bridgeboard.store.apart import Apart, DiedError
from bridgeboard.store.rescue import Kept
from bridgeboard.store.schema import MIGRATIONS

HERE = Path(__file__).parent
COUNT = 250
BLOCK, BLOCKS_BEGIN = 262_144, 12_288
NAMED = (
    "usage", "responses", "tool_calls", "sessions", "threads", "prompts", "tool_inputs", "thinking",
    "last_prompts", "initiators", "meta",
)  # fmt: skip
MOMENT = demo_sync.NOW.strftime("%Y%m%d-%H%M%S")
EARLIER = demo_sync.NOW - timedelta(days=2)


@dataclass(frozen=True)
class Original:
    """A store as it was before anything befell it, and the server it came from.

    ``held`` is how many rows of usage are in its file, the others are in its log.
    """

    folder: Path
    bridge: api.Bridge
    contents: dict[str, str]
    held: int = COUNT

    def copied(self, folder: Path, name: str = "store.duckdb") -> Path:
        """A copy of it, with its log if it has one."""
        path = folder / name
        shutil.copy(self.folder / "store.duckdb", path)
        if file_location.log(self.folder / "store.duckdb").exists():
            shutil.copy(file_location.log(self.folder / "store.duckdb"), file_location.log(path))
        return path


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """A synced store, closed; its file holds two states."""
    folder = tmp_path_factory.mktemp("original")
    bridge = demo_sync.bridge(demo_sync.latest(COUNT))
    for _ in range(2):
        with demo_sync.opened(folder) as opened:
            demo_sync.run(opened, bridge)
            contents = demo_sync.contents(opened)
    return Original(folder, bridge, contents)


@pytest.fixture(scope="module")
def logged(original: Original, tmp_path_factory: pytest.TempPathFactory) -> Original:
    """A store whose last sync is in its log, as a killed process leaves it."""
    folder, growing = (tmp_path_factory.mktemp(name) for name in ("logged", "growing"))
    with demo_sync.opened(growing) as opened:
        earlier = demo_sync.bridge(original.bridge.tables, clock=lambda: EARLIER)
        demo_sync.run(opened, earlier, now=EARLIER)
        opened.checkpoint()
        ((held,),) = opened.rows("SELECT count(*) FROM usage")
        demo_sync.run(opened, original.bridge)
        for path in growing.iterdir():
            shutil.copy(path, folder)
        assert demo_sync.contents(opened) == original.contents
    assert file_location.log(folder / "store.duckdb").stat().st_size > 1_000
    return Original(folder, original.bridge, original.contents, held)


def flip(path: Path, place: int, width: int = 4) -> None:
    """Invert some bytes of a file."""
    held = bytearray(path.read_bytes())
    held[place : place + width] = bytes(255 - byte for byte in held[place : place + width])
    path.write_bytes(held)


def block_of(path: Path, table: str, column: str = "") -> int:
    """Where a block begins that holds rows of a table; of one column alone, if it is named."""
    with duckdb.connect(str(path), read_only=True) as connection:
        ((block,),) = connection.execute(
            "SELECT min(block_id) FROM (SELECT block_id FROM pragma_storage_info($1)"
            " WHERE block_id >= 0 GROUP BY ALL HAVING bool_and($2 IN ('', column_name)))",
            [table, column],
        ).fetchall()
    return int(BLOCKS_BEGIN + block * BLOCK)


def repaired(path: Path, **more: Any) -> Rescued:
    done = store.repair(path, now=demo_sync.NOW, memory_mb=256, **more)
    assert done is not None
    return done


def synced(path: Path, original: Original) -> dict[str, str]:
    """What a store holds after one more sync of what the server has."""
    with Store.open(path, memory_mb=256, threads=2) as opened:
        demo_sync.run(opened, original.bridge)
        return demo_sync.contents(opened)


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with Store.open(path, memory_mb=256, threads=2) as opened:
        return opened.rows(query)


USAGE = "SELECT id::VARCHAR, started_at, model, input, output, cost FROM usage ORDER BY id"


def test_a_whole_store_is_left_as_it_is(original: Original, tmp_path: Path) -> None:
    path = original.copied(tmp_path)
    before = path.read_bytes()
    assert store.repair(path, now=demo_sync.NOW) is None
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_whole_store_with_a_log_is_not_repaired(logged: Original, tmp_path: Path) -> None:
    path = logged.copied(tmp_path)
    assert store.repair(path, now=demo_sync.NOW) is None
    assert synced(path, logged) == logged.contents


@pytest.mark.parametrize("table", NAMED)
def test_whatever_table_is_damaged_the_rest_stays_and_a_sync_brings_it_back(
    original: Original, tmp_path: Path, table: str
) -> None:
    path = original.copied(tmp_path)
    was = dict.fromkeys(rows(path, USAGE))
    dice = random.Random(f"place in {table}")  # noqa: S311  # where to damage is no secret
    flip(path, block_of(path, table) + dice.randrange(8, 200))
    damaged = path.read_bytes()
    done = repaired(path)
    assert [each.name for each in done.aside] == [f"store.duckdb.damaged-{MOMENT}"]
    assert done.aside[0].read_bytes() == damaged
    assert sorted(tmp_path.iterdir()) == sorted([path, *done.aside])
    assert all(each in was for each in rows(path, USAGE))
    lost = {name for name, kept in done.tables.items() if kept.lost != 0}
    assert lost >= {table} - {"meta"}
    assert rows(path, "SELECT count(*) FROM anomalies WHERE kind = 'repaired'") == [(1,)]
    after = synced(path, original)
    if table == "initiators":  # those nobody knew are left, without requests
        assert rows(path, "SELECT DISTINCT username LIKE 'unknown%' FROM initiators ANTI JOIN usage"
                          " USING (initiator)") == [(True,)]  # fmt: skip
        after["initiators"] = original.contents["initiators"]
    assert after == original.contents


@pytest.mark.parametrize("seed", range(5))
def test_bytes_broken_anywhere_are_never_taken_for_data(
    original: Original, tmp_path: Path, seed: int
) -> None:
    path = original.copied(tmp_path)
    was = dict.fromkeys(rows(path, USAGE))
    dice = random.Random(seed)  # noqa: S311  # where to damage is no secret
    for _ in range(dice.choice((1, 3, 20))):
        flip(path, dice.randrange(BLOCKS_BEGIN, path.stat().st_size), dice.choice((1, 64, 5_000)))
    damaged = path.read_bytes()
    done = store.repair(path, now=demo_sync.NOW, memory_mb=256)
    if done:
        assert done.aside[0].read_bytes() == damaged
        told = done.tables["usage"]
        assert told.lost is None or told.rows + told.lost == len(was)
    assert all(each in was for each in rows(path, USAGE))
    after = synced(path, original)
    after["initiators"] = original.contents["initiators"]
    assert after == original.contents


@pytest.mark.parametrize("place", [0, 12, 40, 4_096, 4_110, 8_192])
def test_a_broken_header_loses_nothing(original: Original, tmp_path: Path, place: int) -> None:
    path = original.copied(tmp_path)
    flip(path, place)
    with pytest.raises(StoreDamagedError, match="bridgeboard repair"):
        Store.open(path)
    done = repaired(path)
    assert done.tables["usage"] == Kept(COUNT, 0, 0, 0)
    assert rows(path, USAGE) == rows(original.copied(tmp_path, "was.duckdb"), USAGE)
    assert synced(path, original) == original.contents


@pytest.mark.parametrize("place", [0, 4_110, 8_230])
def test_a_broken_header_beside_a_log_never_shows_an_earlier_state(
    logged: Original, tmp_path: Path, place: int
) -> None:
    path = logged.copied(tmp_path)
    flip(path, place)
    done = repaired(path)
    assert done.tables["usage"].rows in {0, logged.held, COUNT}
    assert synced(path, logged) == logged.contents


@pytest.mark.parametrize("seed", range(4))
def test_a_broken_log_costs_at_most_what_is_in_it(
    logged: Original, tmp_path: Path, seed: int
) -> None:
    path = logged.copied(tmp_path)
    log = file_location.log(path)
    dice = random.Random(seed)  # noqa: S311  # where to damage is no secret
    flip(log, dice.randrange(log.stat().st_size), 1)
    damaged = log.read_bytes()
    with pytest.raises(StoreDamagedError, match="bridgeboard repair"):
        Store.open(path)
    assert log.read_bytes() == damaged
    done = repaired(path)
    assert done.log in {"cut", "left out"}
    assert done.aside[1].read_bytes() == damaged
    assert done.tables["usage"].rows >= logged.held > 0
    assert synced(path, logged) == logged.contents


@pytest.mark.parametrize("place", [0, 4, 40])
def test_a_log_that_would_be_passed_over_is_told_and_never_written_over(
    logged: Original, tmp_path: Path, place: int
) -> None:
    path = logged.copied(tmp_path)
    flip(file_location.log(path), place, 1)
    before = path.read_bytes(), file_location.log(path).read_bytes()
    for _ in range(2):
        with pytest.raises(StoreDamagedError, match="log"):
            Store.open(path)
    assert (path.read_bytes(), file_location.log(path).read_bytes()) == before


def test_a_log_torn_by_a_kill_is_no_damage(logged: Original, tmp_path: Path) -> None:
    whole = file_location.log(logged.folder / "store.duckdb").read_bytes()
    for size in (0, 1, 50, 120, len(whole) // 3, len(whole) - 1):
        folder = tmp_path / str(size)
        folder.mkdir()
        path = logged.copied(folder)
        file_location.log(path).write_bytes(whole[:size])
        assert synced(path, logged) == logged.contents


def test_the_log_of_another_state_of_the_file_is_told(logged: Original, tmp_path: Path) -> None:
    path = logged.copied(tmp_path)
    Store.open(path).close()
    shutil.copy(file_location.log(logged.folder / "store.duckdb"), file_location.log(path))
    with pytest.raises(StoreDamagedError, match="bridgeboard repair"):
        Store.open(path)
    repaired(path)
    assert synced(path, logged) == logged.contents


def _cut(share: float) -> Callable[[Path], object]:
    return lambda path: os.truncate(path, int(path.stat().st_size * share))


@pytest.mark.parametrize(
    "damage",
    [
        _cut(0.0), _cut(0.0005), _cut(0.003), _cut(0.3), _cut(0.6), _cut(0.99),
        lambda path: path.write_text("no database, but a diary\n" * 900),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
    ],
    ids=["empty", "header", "headers", "third", "half", "nearly all", "text", "zeros"],
)  # fmt: skip
def test_a_file_that_is_cut_or_replaced_is_kept_aside_and_read_again(
    original: Original, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    path = original.copied(tmp_path)
    damage(path)
    path.chmod(0o644)
    damaged = path.read_bytes()
    done = repaired(path)
    assert done.aside[0].read_bytes() == damaged
    assert {each.stat().st_mode & 0o777 for each in (path, *done.aside)} == {0o600}
    after = synced(path, original)
    after["initiators"] = original.contents["initiators"]
    assert after == original.contents


def test_a_log_without_its_file_is_told_and_kept(logged: Original, tmp_path: Path) -> None:
    path = logged.copied(tmp_path)
    path.unlink()
    log = file_location.log(path).read_bytes()
    with pytest.raises(StoreDamagedError, match="gone"):
        Store.open(path)
    assert not path.exists()
    (kept,) = repaired(path).aside
    assert kept.read_bytes() == log
    assert synced(path, logged) == logged.contents


def test_a_store_of_a_later_version_is_left_alone(original: Original, tmp_path: Path) -> None:
    path = original.copied(tmp_path)
    with Store.open(path) as opened, opened.write() as batch:
        batch.set_meta("schema", str(len(MIGRATIONS) + 1))
    before = path.read_bytes()
    with pytest.raises(StoreTooNewError, match="upgrade"):
        store.repair(path, now=demo_sync.NOW)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE recipes (name VARCHAR)")
    with pytest.raises(StoreDamagedError, match="left alone"):
        store.repair(path, now=demo_sync.NOW)
    assert list(tmp_path.iterdir()) == [path]


def test_a_store_in_use_is_not_repaired(tmp_path: Path) -> None:
    with fresh(tmp_path) as opened, pytest.raises(StoreBusyError, match="already open"):
        store.repair(opened.path, now=demo_sync.NOW)


def test_nothing_is_nothing_to_repair(tmp_path: Path) -> None:
    with pytest.raises(StoreLocationError, match="nothing to repair"):
        store.repair(tmp_path / "store.duckdb", now=demo_sync.NOW)


def test_a_store_of_an_earlier_schema_is_rescued_into_the_present_one(
    original: Original, tmp_path: Path
) -> None:
    path = original.copied(tmp_path)
    with Store.open(path) as opened, opened.write() as batch:
        batch.execute("DROP TABLE vocabulary")
        batch.set_meta("schema", "1")
    for table in ("meta", "threads"):
        flip(path, block_of(path, table) + 20)
    repaired(path)
    assert rows(path, "SELECT value FROM meta WHERE name = 'schema'") == [(str(len(MIGRATIONS)),)]
    assert synced(path, original) == original.contents


# A reader that dies.

DYING = """
import os, signal, sys
sys.argv[1:] = sys.argv[1:]
sys.path.insert(0, {folder!r})
import reading, json, duckdb
class Deadly:
    def __init__(self, inner): self.inner = inner
    def execute(self, sql):
        if "FROM thinking" in sql: {how}
        return self.inner.execute(sql)
connected = reading._connected
reading._connected = lambda *a: Deadly(connected(*a))
reading.main()
"""


def dying(folder: Path, how: str) -> Path:
    script = folder / "dying.py"
    script.write_text(DYING.format(folder=str(Path(apart.__file__).parent), how=how))
    return script


def test_a_reader_that_dies_of_a_table_costs_that_table_alone(
    original: Original, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = dying(tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr(apart, "_READER", script)
    (tmp_path / "data").mkdir()
    path = original.copied(tmp_path / "data")
    done = repaired(path)
    assert {name for name, kept in done.tables.items() if kept.lost != 0} == {"thinking"}
    assert synced(path, original) == original.contents


def test_a_reader_that_never_answers_is_ended(
    original: Original, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = dying(tmp_path, "signal.pause()")
    monkeypatch.setattr(apart, "_READER", script)
    with Apart(original.folder / "store.duckdb", patience=3.0) as asked:
        with pytest.raises(DiedError):
            asked.rows("SELECT count(*) FROM thinking")
        assert asked.rows("SELECT count(*) FROM usage") == [[COUNT]]


def test_a_file_that_ended_the_process_is_tried_elsewhere_and_told(
    original: Original, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = original.copied(tmp_path)
    mark = tmp_path / ".store.duckdb.opening"
    mark.touch()
    Store.open(path).close()
    assert not mark.exists(), "a whole file that was being opened when all was killed"
    mark.touch()
    script = tmp_path / "dying.py"
    script.write_text("import os; os.abort()")
    monkeypatch.setattr(apart, "_READER", script)
    for _ in range(2):
        with pytest.raises(StoreDamagedError, match="bridgeboard repair"):
            Store.open(path)


# Parts of tables.


def test_of_a_large_table_only_the_damaged_part_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "large.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE large (n BIGINT NOT NULL, text VARCHAR NOT NULL, started_at TIMESTAMP)"
        )
        connection.execute(
            "INSERT INTO large SELECT i, md5(i::VARCHAR),"
            " TIMESTAMP '2026-01-01' + INTERVAL (i) MINUTE FROM range(300000) t(i)"
        )
        connection.execute("DELETE FROM large WHERE n % 1000 = 7")
    flip(path, block_of(path, "large", "text") + 999)
    with Apart(path) as asked:
        found = salvage.read(asked, "large", tmp_path)
    assert found.lost is not None
    assert 0 < found.lost < 300_000 * 0.2
    assert found.kept + found.lost == 299_700
    assert found.days.total() == found.lost
    with duckdb.connect() as connection:
        held = connection.execute(
            "SELECT count(*), count(DISTINCT n), bool_and(text = md5(n::VARCHAR)),"
            " bool_and(n % 1000 <> 7) FROM read_parquet(?)",
            [[str(each) for each in found.files]],
        ).fetchall()
    assert held == [(found.kept, found.kept, True, True)]


def test_a_row_is_kept_without_a_damaged_column_that_may_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "wide.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE wide (n INTEGER NOT NULL, note VARCHAR, digest BIGINT NOT NULL)"
        )
        connection.execute(
            "INSERT INTO wide SELECT i, md5(random()::VARCHAR), i FROM range(1, 40001) t(i)"
        )
    flip(path, block_of(path, "wide", "note") + 999)
    with Apart(path) as asked:
        found = salvage.read(asked, "wide", tmp_path)
    assert (found.kept, found.lost) == (40_000, 0)
    assert found.blanked > 0
    with duckdb.connect() as connection:
        held = connection.execute(
            "SELECT count(*) FILTER (note IS NULL), count(*) FILTER (digest = 0),"
            " count(DISTINCT n), bool_and(digest = 0 OR digest = n) FROM read_parquet(?)",
            [[str(each) for each in found.files]],
        ).fetchall()
    assert held == [(found.blanked, found.blanked, 40_000, True)]


# A backup.


@pytest.fixture(scope="module")
def kept(original: Original, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the original store."""
    folder = tmp_path_factory.mktemp("kept")
    with Store.open(original.copied(folder)) as opened:
        store.backup(opened, folder / "backup", now=demo_sync.NOW)
    return folder / "backup"


@pytest.fixture(scope="module")
def later(original: Original) -> Original:
    """The same store, while its server has deleted all but the latest requests."""
    bridge = demo_sync.bridge(demo_sync.latest(40))
    return Original(original.folder, bridge, original.contents)


@pytest.mark.parametrize("table", ["usage", "responses", "sessions", "initiators", "tool_inputs"])
def test_what_the_server_no_longer_has_comes_back_from_a_backup(
    later: Original, kept: Path, tmp_path: Path, table: str
) -> None:
    path = later.copied(tmp_path)
    was = {name: rows(path, f"SELECT count(*) FROM {name}") for name in NAMED}
    flip(path, block_of(path, table) + 50)
    done = repaired(path, backup=kept)
    assert done.lost_days == {}
    assert {name for name, each in done.tables.items() if each.lost} == set()
    now = {name: rows(path, f"SELECT count(*) FROM {name}") for name in NAMED if name != "meta"}
    assert now == {name: was[name] for name in now}
    with Store.open(path) as opened:
        fields = {"usage", "prompts", "tool_inputs", "initiators", "responses", "tool_calls"}
        held = demo_sync.contents(opened, {name: DIGESTLESS[name] for name in fields})
    with Store.open(later.copied(tmp_path, "was.duckdb")) as opened:
        assert held == demo_sync.contents(opened, {name: DIGESTLESS[name] for name in fields})


DIGESTLESS = demo_sync.CONTENTS | {
    "usage": """
        SELECT u.* EXCLUDE (usage, initiator, session, digest), i.id AS who, s.id AS part_of
        FROM usage u JOIN initiators i USING (initiator)
        LEFT JOIN sessions s ON s.session = u.session ORDER BY ALL""",
}


def test_a_backup_fills_a_store_of_which_nothing_is_left(
    later: Original, kept: Path, tmp_path: Path
) -> None:
    path = later.copied(tmp_path)
    path.write_bytes(b"")
    done = repaired(path, backup=kept)
    assert done.tables["usage"].restored == COUNT
    assert rows(path, "SELECT count(*) FROM usage") == [(COUNT,)]
    synced(path, later)
    with Store.open(path) as opened:
        held = demo_sync.contents(opened, {"usage": DIGESTLESS["usage"]})
    with Store.open(later.copied(tmp_path, "was.duckdb")) as opened:
        assert held == demo_sync.contents(opened, {"usage": DIGESTLESS["usage"]})


def test_a_backup_adds_its_history_to_a_store_that_began_anew(
    later: Original, kept: Path, tmp_path: Path
) -> None:
    """Its keys are others then: every row is found by its identity."""
    with demo_sync.opened(tmp_path) as opened:
        demo_sync.run(opened, later.bridge)
        path = opened.path
    done = repaired(path, backup=kept)
    assert done.tables["usage"].restored == COUNT - 40
    assert rows(path, "SELECT count(*), count(DISTINCT usage), count(DISTINCT id) FROM usage") == [
        (COUNT, COUNT, COUNT)
    ]
    assert (
        rows(path, "SELECT count(*), count(DISTINCT (id, initiator)) FROM sessions")[0]
        == (
            rows(later.copied(tmp_path, "was.duckdb"), "SELECT count(*), count(*) FROM sessions")[0]
        )
    )
    with Store.open(path) as opened:
        fields = {"responses": DIGESTLESS["responses"], "initiators": DIGESTLESS["initiators"]}
        held = demo_sync.contents(opened, fields)
    with Store.open(tmp_path / "was.duckdb") as opened:
        assert held == demo_sync.contents(opened, fields)


def test_a_backup_of_another_deployment_is_refused(
    original: Original, kept: Path, tmp_path: Path
) -> None:
    path = original.copied(tmp_path)
    with Store.open(path) as opened, opened.write() as batch:
        batch.set_meta("deployment_id", "another")
    before = path.read_bytes()
    with pytest.raises(StoreDamagedError, match="another deployment"):
        store.repair(path, now=demo_sync.NOW, backup=kept)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_backup_changes_nothing(original: Original, kept: Path, tmp_path: Path) -> None:
    path = original.copied(tmp_path)
    path.write_bytes(b"")
    broken = Path(shutil.copytree(kept, tmp_path / "broken"))
    flip(broken / "usage.parquet", 300)
    with pytest.raises(StoreDamagedError):
        store.repair(path, now=demo_sync.NOW, backup=broken)
    assert path.read_bytes() == b""
    assert sorted(each.name for each in tmp_path.iterdir()) == ["broken", "store.duckdb"]


# Stopped in the middle.

REPAIRER = """
import sys
from datetime import datetime
from pathlib import Path
from bridgeboard import store
from bridgeboard.store import rescue
from bridgeboard.store.apart import Apart

def announced(inner):
    def announcing(*arguments, **named):
        print(".", end="", flush=True)
        return inner(*arguments, **named)
    return announcing

Apart.rows = announced(Apart.rows)
for name in ("_fill", "_kept", "_second_name", "_counts"):
    setattr(rescue, name, announced(getattr(rescue, name)))
Path.unlink = announced(Path.unlink)
Path.replace = announced(Path.replace)
store.repair(Path(sys.argv[1]), now=datetime.fromisoformat(sys.argv[2]))
print("!", end="", flush=True)
"""


def _killed_after(path: Path, steps: int) -> bytes:
    command = [sys.executable, "-c", REPAIRER, str(path), demo_sync.NOW.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HERE) as child:  # noqa: S603  # our own script
        assert child.stdout
        heard = child.stdout.read(steps)
        child.kill()
        return heard + child.stdout.read()


@pytest.mark.parametrize("steps", [1, 40, 90, 100, 106, 110])
def test_a_killed_repair_loses_nothing_and_can_be_begun_again(
    logged: Original, tmp_path: Path, steps: int
) -> None:
    path = logged.copied(tmp_path)
    flip(path, block_of(path, "prompts") + 30)
    damaged = path.read_bytes()
    _killed_after(path, steps)
    aside = [each for each in tmp_path.iterdir() if "damaged" in each.name]
    files = [path, *(each for each in aside if not each.name.endswith(".wal"))]
    assert damaged in [each.read_bytes() for each in files], "the damaged file is always there"
    store.repair(path, now=demo_sync.NOW + timedelta(hours=1), memory_mb=256)
    assert damaged in [
        each.read_bytes() for each in tmp_path.iterdir() if each.is_file() and each != path
    ]
    assert synced(path, logged) == logged.contents
    assert not list(tmp_path.glob(".*"))


# The command.


@pytest.fixture
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("BRIDGEBOARD_DATA", str(tmp_path))
    return


@pytest.mark.usefixtures("_alone")
def test_the_command_says_what_was_kept_and_what_to_do(original: Original, tmp_path: Path) -> None:
    path = original.copied(tmp_path)
    flip(path, block_of(path, "usage") + 50)
    said = CliRunner().invoke(cli.app, ["repair", "--file", str(path)])
    assert said.exit_code == 0, said.output
    assert "The damaged file is kept as" in said.output
    assert f"Lost: {COUNT} rows of usage" in said.output
    assert "Requests are lost of 20" in said.output
    assert "The next sync reads again what the server still has." in said.output
    again = CliRunner().invoke(cli.app, ["repair", "--file", str(path)])
    assert (again.exit_code, again.output.strip()) == (0, f"Nothing is wrong with {path}.")


@pytest.mark.usefixtures("_alone")
def test_the_command_tells_what_it_cannot_do(tmp_path: Path) -> None:
    said = CliRunner().invoke(cli.app, ["repair", "--file", str(tmp_path / "none.duckdb")])
    assert said.exit_code == 2
    assert "nothing to repair" in said.output


def test_days_that_the_server_no_longer_has_are_named_together() -> None:
    days = {date(2026, 1, day): 3 for day in (1, 2, 3, 9)} | {date(2026, 11, 16): 1}
    every = dict.fromkeys(repairing.NOUNS, Kept(10, 0, 0, 0))
    done = Rescued((Path("aside"),), every | {"usage": Kept(10, 13, 0, 0)}, days, "none", True)  # noqa: FBT003 - named by its place
    told = list(repairing.told(done, Path("store"), demo_sync.NOW))
    assert any("2026-01-01 to 2026-01-03, 2026-01-09, 2026-11-16" in each for each in told)
    (gone,) = [each for each in told if "backup" in each]
    assert "2026-01-01 to 2026-01-03, 2026-01-09 may not come back" in gone


def test_a_repair_without_room_changes_nothing(original: Original, tmp_path: Path) -> None:
    path = original.copied(tmp_path)
    path.write_bytes(b"")
    (tmp_path / f"store.duckdb.damaged-{MOMENT}").write_text("mine")
    for more in ("-2", "-3"):
        (tmp_path / f"store.duckdb.damaged-{MOMENT}{more}").write_text("mine")
    with pytest.raises(StoreError, match="there already"):
        store.repair(path, now=demo_sync.NOW)
    assert path.read_bytes() == b""
