"""A damaged store is told, set aside and replaced by a backup; the next sync reads the rest."""

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import demo_sync
import duckdb
import pytest
from slow_cases import one_fast
from stores import fresh
from typer.testing import CliRunner

from bridgeboard import cli, settings, store
from bridgeboard.analysis import completeness
from bridgeboard.cli import store_commands
from bridgeboard.demo import api
from bridgeboard.model.store import StoreError
from bridgeboard.runtime import state_files
from bridgeboard.store import (
    Repaired,
    Store,
    StoreBusyError,
    StoreDamagedError,
    StoreLocationError,
    StoreTooNewError,
    erasure,
    erasure_list,
    file_check,
    file_location,
    person_lookup,
)
from bridgeboard.store.schema import MIGRATIONS

HERE = Path(__file__).parent
COUNT = 250
BLOCK, BLOCKS_BEGIN = 262_144, 12_288
TABLES = ("usage", "responses", "tool_calls", "sessions", "prompts", "thinking", "initiators")
MOMENT = demo_sync.NOW.strftime("%Y%m%d-%H%M%S")
EARLIER = demo_sync.NOW - timedelta(days=2)


@dataclass(frozen=True)
class Original:
    """A store as it was before anything befell it, its server, and an earlier backup of it."""

    folder: Path
    bridge: api.Bridge
    contents: dict[str, str]
    backup: Path

    def copied(self, folder: Path, name: str = "store.duckdb") -> Path:
        """A copy of it, with its log if it has one."""
        path = folder / name
        shutil.copy(self.folder / "store.duckdb", path)
        if file_location.log(self.folder / "store.duckdb").exists():
            shutil.copy(file_location.log(self.folder / "store.duckdb"), file_location.log(path))
        return path


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """A store whose last sync is in its log, as a killed process leaves it."""
    folder, growing = (tmp_path_factory.mktemp(name) for name in ("logged", "growing"))
    bridge = demo_sync.bridge(demo_sync.latest(COUNT))
    with demo_sync.opened(growing) as opened:
        demo_sync.run(opened, demo_sync.bridge(bridge.tables, clock=lambda: EARLIER), now=EARLIER)
        opened._move_log_into_file()
        store.backup(opened, folder / "backup", now=EARLIER)
        demo_sync.run(opened, bridge)
        for path in growing.iterdir():
            shutil.copy(path, folder)
        contents = demo_sync.contents(opened)
    assert file_location.log(folder / "store.duckdb").stat().st_size > 1_000
    return Original(folder, bridge, contents, folder / "backup")


@pytest.fixture(scope="module")
def original(logged: Original, tmp_path_factory: pytest.TempPathFactory) -> Original:
    """The same, closed: all of it is in its file."""
    folder = tmp_path_factory.mktemp("original")
    Store.open(logged.copied(folder)).close()
    return Original(folder, logged.bridge, logged.contents, logged.backup)


def flip(path: Path, place: int, width: int = 4) -> None:
    """Invert some bytes of a file."""
    held = bytearray(path.read_bytes())
    held[place : place + width] = bytes(255 - byte for byte in held[place : place + width])
    path.write_bytes(held)


def block_of(path: Path, table: str) -> int:
    """Where a block begins that holds rows of a table."""
    with duckdb.connect(str(path), read_only=True) as connection:
        ((block,),) = connection.execute(
            "SELECT min(block_id) FROM pragma_storage_info($1) WHERE block_id >= 0", [table]
        ).fetchall()
    return int(BLOCKS_BEGIN + block * BLOCK)


def repaired(path: Path, *backups: Path, **more: Any) -> Repaired:
    done = store.repair(path, backups, now=demo_sync.NOW, memory_mb=256, **more)
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


# Nothing is wrong, or nothing may be touched.


@pytest.mark.parametrize("name", ["original", "logged"])
def test_a_whole_store_is_left_as_it_is(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    original: Original = request.getfixturevalue(name)
    path = original.copied(tmp_path)
    assert store.repair(path, [original.backup], now=demo_sync.NOW) is None
    assert list(tmp_path.iterdir()) == [path]
    assert synced(path, original) == original.contents


def test_a_store_of_a_later_version_is_left_alone(original: Original, tmp_path: Path) -> None:
    path = original.copied(tmp_path)
    with Store.open(path) as opened, opened.write() as batch:
        batch.set_meta("schema", str(len(MIGRATIONS) + 1))
    flip(path, block_of(path, "usage") + 50)
    before = path.read_bytes()
    with pytest.raises(StoreTooNewError, match="upgrade"):
        store.repair(path, [original.backup], now=demo_sync.NOW)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE recipes (name VARCHAR)")
    with pytest.raises(StoreDamagedError, match="left alone"):
        store.repair(path, [], now=demo_sync.NOW)
    assert list(tmp_path.iterdir()) == [path]


def test_a_store_in_use_is_not_repaired(tmp_path: Path) -> None:
    with fresh(tmp_path) as opened, pytest.raises(StoreBusyError, match="already open"):
        store.repair(opened.path, [], now=demo_sync.NOW)


def test_nothing_is_nothing_to_repair(tmp_path: Path) -> None:
    with pytest.raises(StoreLocationError, match="nothing to repair"):
        store.repair(tmp_path / "store.duckdb", [], now=demo_sync.NOW)


# Damage is noticed.


@pytest.mark.parametrize("table", one_fast(TABLES))
def test_whatever_table_is_damaged_the_backup_comes_and_a_sync_brings_the_rest(
    original: Original, tmp_path: Path, table: str
) -> None:
    path = original.copied(tmp_path)
    dice = random.Random(f"place in {table}")  # noqa: S311  # where to damage is no secret
    flip(path, block_of(path, table) + dice.randrange(8, 200))
    path.chmod(0o644)
    damaged = path.read_bytes()
    done = repaired(path, original.backup)
    assert [each.name for each in done.aside] == [f"store.duckdb.damaged-{MOMENT}"]
    assert done.aside[0].read_bytes() == damaged
    assert sorted(tmp_path.iterdir()) == sorted([path, *done.aside])
    assert {each.stat().st_mode & 0o777 for each in (path, *done.aside)} == {0o600}
    assert (done.backup, done.restored.since, done.broken) == (original.backup, EARLIER, {})
    assert rows(path, "SELECT count(*) FROM anomalies WHERE kind = 'restored'") == [(1,)]
    assert synced(path, original) == original.contents


@pytest.mark.parametrize("place", one_fast([0, 12, 40, 4_096, 4_110, 8_192], fast=4_110))
def test_a_broken_header_is_told_and_repaired(
    original: Original, tmp_path: Path, place: int
) -> None:
    path = original.copied(tmp_path)
    flip(path, place)
    try:
        Store.open(path).close()
    except StoreDamagedError as error:
        assert "bridgeboard repair" in str(error)  # noqa: PT017 - a header of two may be enough
    store.repair(path, [original.backup], now=demo_sync.NOW)
    assert synced(path, original) == original.contents


@pytest.mark.parametrize("seed", one_fast(range(4)))
def test_bytes_broken_anywhere_are_never_taken_for_data(
    original: Original, tmp_path: Path, seed: int
) -> None:
    path = original.copied(tmp_path)
    dice = random.Random(seed)  # noqa: S311  # where to damage is no secret
    for _ in range(dice.choice((1, 3, 20))):
        flip(path, dice.randrange(BLOCKS_BEGIN, path.stat().st_size), dice.choice((1, 64, 5_000)))
    store.repair(path, [original.backup], now=demo_sync.NOW, memory_mb=256)
    assert synced(path, original) == original.contents


@pytest.mark.parametrize("seed", one_fast(range(3)))
def test_a_broken_log_is_told_kept_and_never_written_over(
    logged: Original, tmp_path: Path, seed: int
) -> None:
    path = logged.copied(tmp_path)
    log = file_location.log(path)
    dice = random.Random(seed)  # noqa: S311  # where to damage is no secret
    flip(log, dice.randrange(log.stat().st_size), 1)
    before = path.read_bytes(), log.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreDamagedError, match="bridgeboard repair"):
            Store.open(path)
    assert (path.read_bytes(), log.read_bytes()) == before
    done = repaired(path, logged.backup)
    assert done.aside[1].read_bytes() == before[1]
    assert synced(path, logged) == logged.contents


@pytest.mark.parametrize("place", one_fast([0, 4, 40]))
def test_a_log_that_would_be_passed_over_is_told_and_never_written_over(
    logged: Original, tmp_path: Path, place: int
) -> None:
    path = logged.copied(tmp_path)
    flip(file_location.log(path), place, 1)
    before = path.read_bytes(), file_location.log(path).read_bytes()
    with pytest.raises(StoreDamagedError, match="log"):
        Store.open(path)
    assert (path.read_bytes(), file_location.log(path).read_bytes()) == before
    repaired(path, logged.backup)
    assert synced(path, logged) == logged.contents


@pytest.mark.slow
def test_a_log_torn_by_a_kill_is_no_damage(logged: Original, tmp_path: Path) -> None:
    whole = file_location.log(logged.folder / "store.duckdb").read_bytes()
    for size in (0, 1, 50, 120, len(whole) // 3, len(whole) - 1):
        folder = tmp_path / str(size)
        folder.mkdir()
        path = logged.copied(folder)
        file_location.log(path).write_bytes(whole[:size])
        assert synced(path, logged) == logged.contents


BIG = "INSERT INTO meta SELECT 'row' || i, md5(i::VARCHAR) FROM range(20000) r(i)"


@pytest.mark.parametrize("size", [128, 200, 16_384, -1])
def test_a_log_torn_within_its_first_batch_is_begun_again(tmp_path: Path, size: int) -> None:
    path, killed = tmp_path / "store.duckdb", tmp_path / "killed.duckdb"
    log = file_location.log(killed)
    with Store.open(path) as opened:
        shutil.copy(path, killed)
        with opened.write() as batch:
            batch.execute(BIG)
        whole = file_location.log(path).read_bytes()
    assert len(whole) > 100_000
    log.write_bytes(whole[:size])
    for rows in (0, 20_000):
        with Store.open(killed) as opened:
            assert opened.rows("SELECT count(*) FROM meta WHERE name LIKE 'row%'") == [(rows,)]
            if not rows:
                with opened.write() as batch:
                    batch.execute(BIG)


def test_the_log_of_another_state_of_the_file_is_told(logged: Original, tmp_path: Path) -> None:
    path = logged.copied(tmp_path)
    Store.open(path).close()
    shutil.copy(file_location.log(logged.folder / "store.duckdb"), file_location.log(path))
    with pytest.raises(StoreDamagedError, match="bridgeboard repair"):
        Store.open(path)
    repaired(path, logged.backup)
    assert synced(path, logged) == logged.contents


def test_a_log_without_its_file_is_told_and_kept(logged: Original, tmp_path: Path) -> None:
    path = logged.copied(tmp_path)
    path.unlink()
    log = file_location.log(path).read_bytes()
    with pytest.raises(StoreDamagedError, match="gone"):
        Store.open(path)
    assert not path.exists()
    (kept,) = repaired(path, logged.backup).aside
    assert kept.read_bytes() == log
    assert synced(path, logged) == logged.contents


def _cut(share: float) -> Callable[[Path], object]:
    return lambda path: os.truncate(path, int(path.stat().st_size * share))


@pytest.mark.parametrize(
    "damage",
    one_fast([
        _cut(0.6), _cut(0.0), _cut(0.003), _cut(0.99),
        lambda path: path.write_text("no database, but a diary\n" * 900),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
    ]),
    ids=["half", "empty", "headers", "nearly all", "text", "zeros"],
)  # fmt: skip
def test_without_a_backup_a_store_begins_anew_and_reads_what_the_server_has(
    original: Original, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    path = original.copied(tmp_path)
    damage(path)
    damaged = path.read_bytes()
    done = repaired(path)
    assert (done.backup, done.restored.since) == (None, None)
    assert done.aside[0].read_bytes() == damaged
    assert rows(path, "SELECT value FROM meta WHERE name = 'groups_since'")
    assert synced(path, original) == original.contents
    with Store.open(path) as opened:
        (verdict,) = completeness.since_restorations(opened)
    assert not verdict.good
    assert "there was no backup. Nothing is known of the time before" in verdict.text


# The process that reads it may die.


@pytest.mark.parametrize("how", ["os.abort()", "signal.pause()"])
def test_a_file_that_ends_or_stops_its_reader_is_damaged(
    original: Original, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path = original.copied(tmp_path)
    mark = tmp_path / ".store.duckdb.opening"
    mark.touch()
    Store.open(path).close()
    assert not mark.exists(), "a whole file that was being opened when all was killed"
    mark.touch()
    script = tmp_path / "dying.py"
    script.write_text(f"import os, signal; {how}")
    monkeypatch.setattr(file_check, "_READER", script)
    monkeypatch.setattr(file_check, "PATIENCE_SECONDS", 0.3)
    for _ in range(2):
        with pytest.raises(StoreDamagedError, match="bridgeboard repair"):
            Store.open(path)
    repaired(path, original.backup)
    assert not mark.exists()


# Backups.


def test_of_several_backups_the_first_good_one_is_taken(original: Original, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = original.copied(tmp_path / "data")
    path.write_bytes(b"")
    newer = Path(shutil.copytree(original.backup, tmp_path / "newer"))
    flip(newer / "usage.parquet", 300)
    newest = tmp_path / "newest"
    newest.mkdir()
    done = repaired(path, newest, newer, original.backup)
    assert done.backup == original.backup
    assert list(done.broken) == [newest, newer]
    assert "digest" in done.broken[newer]
    assert synced(path, original) == original.contents


def test_a_chosen_backup_that_is_damaged_changes_nothing(
    original: Original, tmp_path: Path
) -> None:
    path = original.copied(tmp_path)
    path.write_bytes(b"")
    broken = Path(shutil.copytree(original.backup, tmp_path / "broken"))
    flip(broken / "usage.parquet", 300)
    with pytest.raises(StoreDamagedError, match="digest"):
        store.repair(path, [broken], now=demo_sync.NOW, may_begin_anew=False)
    assert path.read_bytes() == b""
    assert sorted(each.name for each in tmp_path.iterdir()) == ["broken", "store.duckdb"]


def test_a_backup_of_another_deployment_is_refused(original: Original, tmp_path: Path) -> None:
    path = original.copied(tmp_path)
    with Store.open(path) as opened, opened.write() as batch:
        batch.set_meta("deployment_id", "another")
    flip(path, block_of(path, "usage") + 50)
    before = path.read_bytes()
    with pytest.raises(StoreDamagedError, match="another deployment"):
        store.repair(path, [original.backup], now=demo_sync.NOW)
    path.write_bytes(b"")
    other = path.rename(tmp_path / "11111111-2222-4333-8444-555555555555.duckdb")
    with pytest.raises(StoreDamagedError, match="another deployment"):
        store.repair(other, [original.backup], now=demo_sync.NOW)
    assert (before, other.read_bytes()) == (before, b"")
    assert list(tmp_path.iterdir()) == [other]


@pytest.mark.slow
def test_a_gap_that_the_server_cannot_fill_is_told(original: Original, tmp_path: Path) -> None:
    """The server has forgotten all but the last requests."""
    path = original.copied(tmp_path)
    path.write_bytes(b"")
    repaired(path, original.backup)
    with Store.open(path) as opened:
        (verdict,) = completeness.since_restorations(opened)
        assert not verdict.good
        assert "The next sync reads what is missing" in verdict.text
        demo_sync.run(opened, demo_sync.bridge(demo_sync.latest(3)), now=demo_sync.NOW)
        (verdict,) = completeness.since_restorations(opened)
        assert not verdict.good
        assert re.search(rf"From then to \d+ {demo_sync.NOW:%b %Y}, ", verdict.text)
        assert "no request is known" in verdict.text
    path.write_bytes(b"")
    store.repair(path, [original.backup], now=demo_sync.NOW + timedelta(hours=1))
    with Store.open(path) as opened:
        demo_sync.run(opened, original.bridge, now=demo_sync.NOW + timedelta(hours=2))
        (verdict,) = completeness.since_restorations(opened)
        assert verdict.good
        assert "A sync has read what came after it." in verdict.text
    path.write_bytes(b"")
    with Store.open(tmp_path / "later.duckdb") as opened:
        demo_sync.run(opened, original.bridge)
        store.backup(opened, tmp_path / "later", now=demo_sync.NOW)
    store.repair(path, [tmp_path / "later"], now=demo_sync.NOW + timedelta(hours=1))
    with Store.open(path) as opened:
        demo_sync.run(opened, original.bridge, now=demo_sync.NOW + timedelta(hours=2))
        (verdict,) = completeness.since_restorations(opened)
        assert verdict.good, "nobody made a request since"


@pytest.mark.parametrize("has_numbers", one_fast([True, False]))
def test_whoever_was_erased_after_the_backup_stays_erased(
    original: Original, tmp_path: Path, *, has_numbers: bool
) -> None:
    path = original.copied(tmp_path)
    files = [erasure_list.file_in(tmp_path, path), erasure_list.file_in(tmp_path / "gone", path)]
    with Store.open(path) as opened:
        ((name, id_),) = opened.rows(
            "SELECT i.username, i.id::VARCHAR FROM initiators i JOIN usage u USING (initiator)"
            " GROUP BY ALL ORDER BY count(*) DESC, username LIMIT 1"
        )
        with opened.write() as batch:
            (who,) = person_lookup.people_called(batch, name)
            erasure.erase(batch, who, has_numbers=has_numbers, now=demo_sync.NOW)
            erasure_list.write(batch, files)
        expected = demo_sync.contents(opened)
    assert id_ not in files[0].read_text()
    assert name not in files[0].read_text()
    assert files[0].stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"")
    done = repaired(path, original.backup, erasures=files)
    assert done.restored.erased_again == 1
    with Store.open(path) as opened:
        assert not person_lookup.people_called(opened, name)
        assert store.still_in_file(opened) is None
    assert name.encode() not in path.read_bytes()
    synced(path, original)
    with Store.open(path) as opened:
        assert not person_lookup.people_called(opened, name)
        held = demo_sync.contents(opened)
        assert held["usage"] == expected["usage"]
        assert erasure_list.apply(opened, files).missing == 0


def test_a_list_of_erased_people_that_cannot_be_read_stops_a_repair(
    original: Original, tmp_path: Path
) -> None:
    path = original.copied(tmp_path)
    path.write_bytes(b"")
    file = erasure_list.file_in(tmp_path, path)
    file.write_text("{")
    with pytest.raises(StoreLocationError, match="says who was erased"):
        store.repair(path, [original.backup], now=demo_sync.NOW, erasures=[file])
    assert path.read_bytes() == b""
    assert sorted(tmp_path.iterdir()) == sorted([path, file])


# Stopped in the middle.

REPAIRER = """
import sys
from datetime import datetime
from pathlib import Path
from bridgeboard.store import backups, erasure_list, person_lookup, repair

def announced(inner):
    def announcing(*arguments, **named):
        print(".", end="", flush=True)
        return inner(*arguments, **named)
    return announcing

module = sys.modules["bridgeboard.store.repair"]
for owner, names in (
    (module, ("_work_folder", "_name_aside", "_restored", "complete", "_swapped", "_second_name",
              "_add_restoration")),
    (backups, ("_check_files", "_fill", "_copy")),
    (erasure_list, ("apply",)),
    (Path, ("unlink", "replace", "rename", "chmod")),
):
    for name in names:
        setattr(owner, name, announced(getattr(owner, name)))
repair(Path(sys.argv[1]), [Path(sys.argv[2])], now=datetime.fromisoformat(sys.argv[3]))
print("!", end="", flush=True)
"""


def _killed_after(path: Path, backup: Path, steps: int) -> bytes:
    command = [sys.executable, "-c", REPAIRER, str(path), str(backup), demo_sync.NOW.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HERE) as child:  # noqa: S603  # our own script
        assert child.stdout
        heard = child.stdout.read(steps)
        child.kill()
        return heard + child.stdout.read()


@pytest.mark.slow
def test_a_repair_killed_at_any_step_loses_nothing_and_can_be_begun_again(
    logged: Original, tmp_path: Path
) -> None:
    (tmp_path / "all").mkdir()
    path = logged.copied(tmp_path / "all")
    path.write_bytes(b"")
    every = _killed_after(path, logged.backup, 10_000)
    assert every.endswith(b"!")
    for steps in [3, 9, *range(len(every) - 12, len(every))]:
        folder = tmp_path / str(steps)
        folder.mkdir()
        path = logged.copied(folder)
        flip(path, block_of(path, "prompts") + 30)
        damaged = path.read_bytes()
        _killed_after(path, logged.backup, steps)
        assert damaged in [each.read_bytes() for each in folder.iterdir() if each.is_file()]
        store.repair(path, [logged.backup], now=demo_sync.NOW + timedelta(hours=1), memory_mb=256)
        assert damaged in [
            each.read_bytes() for each in folder.iterdir() if each.is_file() and each != path
        ]
        assert rows(path, "SELECT count(*) > 0 FROM usage") == [(True,)]
        assert not list(folder.glob(".*"))
    assert synced(path, logged) == logged.contents


def test_a_repair_that_finds_no_name_for_the_damaged_file_changes_nothing(
    original: Original, tmp_path: Path
) -> None:
    path = original.copied(tmp_path)
    path.write_bytes(b"")
    for more in ("", "-2", "-3"):
        (tmp_path / f"store.duckdb.damaged-{MOMENT}{more}").write_text("mine")
    with pytest.raises(StoreError, match="there already"):
        store.repair(path, [original.backup], now=demo_sync.NOW)
    assert path.read_bytes() == b""


# The command.


@pytest.fixture
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("BRIDGEBOARD_DATA", str(tmp_path))
    tmp_path.chmod(0o700)
    return


@pytest.mark.usefixtures("_alone")
@pytest.mark.parametrize("option", one_fast([[], ["--backup"], ["--from"]]))
def test_the_command_says_what_it_did_and_what_is_missing(
    original: Original, tmp_path: Path, option: list[str]
) -> None:
    path = original.copied(tmp_path)
    chosen = [*option, str(original.backup)] if option else []
    if not option:
        with Store.open(path) as opened:
            store.add_backup(opened, tmp_path / "backups", now=demo_sync.NOW, kept=3)
    flip(path, block_of(path, "usage") + 50)
    said = CliRunner().invoke(cli.app, ["repair", "--file", str(path), *chosen])
    assert said.exit_code == 0, said.output
    words = " ".join(said.output.split())
    assert "The damaged file is kept as" in words
    assert f"{path} is the backup " in words
    assert "The next sync reads what came after it" in words
    again = CliRunner().invoke(cli.app, ["repair", "--file", str(path)])
    assert (again.exit_code, again.output.strip()) == (0, f"Nothing is wrong with {path}.")
    again = CliRunner().invoke(
        cli.app, ["repair", "--file", str(path), "--from", str(original.backup)]
    )
    assert again.exit_code == 2
    assert "bridgeboard restore" in again.output


@pytest.mark.usefixtures("_alone")
def test_the_command_tells_what_it_cannot_do(tmp_path: Path) -> None:
    said = CliRunner().invoke(cli.app, ["repair", "--file", str(tmp_path / "none.duckdb")])
    assert said.exit_code == 2
    assert "nothing to repair" in said.output


@pytest.mark.usefixtures("_alone")
def test_without_any_backup_the_command_says_so(original: Original, tmp_path: Path) -> None:
    path = original.copied(tmp_path)
    path.write_bytes(b"")
    said = CliRunner().invoke(cli.app, ["repair", "--file", str(path)])
    assert said.exit_code == 0, said.output
    assert "There was no good backup in" in said.output
    assert "The audit log here names nobody else" in said.output


@pytest.mark.usefixtures("_alone")
def test_without_any_backup_the_command_names_whom_only_the_audit_log_knows_to_be_erased(
    original: Original, tmp_path: Path
) -> None:
    path = original.copied(tmp_path)
    path.write_bytes(b"")
    log = state_files.audit_log(settings.read())
    log.write("operator", "erase person", "x", "erased-12345678, numbers: keep", at=demo_sync.NOW)
    said = CliRunner().invoke(cli.app, ["repair", "--file", str(path)])
    words = " ".join(said.output.split())
    assert "1 person was erased (erased-12345678, numbers: keep" in words
    assert "come back with the next sync: erase them again" in words


def test_what_the_server_may_have_forgotten_is_told_by_its_dates() -> None:
    since = demo_sync.NOW - timedelta(days=80)
    text = store_commands.missing(since, demo_sync.NOW)
    assert f"from {since:%Y-%m-%d} to {demo_sync.NOW - timedelta(days=60):%Y-%m-%d}" in text
    assert "nothing may be known" not in store_commands.missing(demo_sync.NOW, demo_sync.NOW)
