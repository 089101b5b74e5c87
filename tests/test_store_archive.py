"""Backup and restore: what comes back is what went in, or nothing at all."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import demo_worlds
import duckdb
import pytest
import truth
from stores import NOW, contents, fresh, put

from bridgeboard import store as room
from bridgeboard.model.store import StoreError
from bridgeboard.store import (
    Store,
    StoreDamagedError,
    StoreLocationError,
    StoreTooNewError,
    backups,
    opening,
)
from bridgeboard.store.schema import MIGRATIONS

WORLD = demo_worlds.small().tables
SOME = truth.finished(WORLD)[:200]
SESSION = """
    INSERT INTO sessions BY NAME
    SELECT 1 AS session, '../it''s "odd"' AS id, 1 AS initiator,
           ['anthropic', 'open,ai'] AS providers,
           []::VARCHAR[] AS models,
           TIMESTAMP '2026-05-20 12:00:00.000001' AS started_at,
           -1 AS input_sum, 9223372036854775807 AS output_sum, 0 AS cache_read_sum,
           0 AS cache_write_sum, TIMESTAMP '2026-05-20' AS listed_at, -9223372036854775808 AS digest
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with something in every table that matters."""
    with fresh(tmp_path_factory.mktemp("filled")) as store:
        put(store, WORLD, SOME)
        with store.write() as batch:
            batch.set_meta("deployment_id", "d")
            batch.execute(SESSION)
            batch.execute("INSERT INTO thinking VALUES (1, uuid(), now()::TIMESTAMP, 0, 'hm\n\0')")
        yield store


@pytest.fixture(scope="module")
def backup(filled: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("backup") / "kept"
    room.backup(filled, folder, now=NOW)
    return folder


@pytest.fixture
def kept(backup: Path, tmp_path: Path) -> Path:
    """A copy of that backup."""
    return Path(shutil.copytree(backup, tmp_path / "kept"))


def _manifest(kept: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = kept / backups.MANIFEST
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


def _assert_nothing(path: Path) -> None:
    assert list(path.parent.glob(f"*{path.name}*")) == []


@pytest.mark.parametrize("name", ["plain", "it's [odd] * ? {x}", "päth/with folders"])
def test_a_restored_backup_equals_the_store(filled: Store, tmp_path: Path, name: str) -> None:
    kept, path = tmp_path / name / "kept", tmp_path / "new" / "store.duckdb"
    rows = room.backup(filled, kept, now=NOW)
    room.restore(kept, path, now=NOW)
    assert path.stat().st_mode & 0o777 == 0o600
    with Store.open(path) as restored:
        assert contents(restored) == contents(filled)
        assert rows == {name: len(held) for name, held in contents(filled).items()} | {
            "meta": len(filled.rows("FROM meta"))
        }
        assert restored.version == filled.version


def test_a_folder_that_looks_like_a_pattern_stands_for_itself_only(
    filled: Store, tmp_path: Path
) -> None:
    for name in ("b*", "backup", "b{a,c}k", "bak"):
        room.backup(filled, tmp_path / name, now=NOW)
    for name in ("b*", "b{a,c}k"):
        room.restore(tmp_path / name, tmp_path / f"{len(name)}.duckdb", now=NOW)
        with Store.open(tmp_path / f"{len(name)}.duckdb") as restored:
            assert contents(restored) == contents(filled)


def test_a_backup_is_one_state_and_for_this_account_only(filled: Store, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    room.backup(filled, kept, now=NOW)
    told = json.loads((kept / backups.MANIFEST).read_text())
    assert (told["schema"], told["made_at"]) == (len(MIGRATIONS), NOW.isoformat())
    assert told["tables"]["usage"]["rows"] == len(SOME)
    assert kept.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_backup_never_replaces_anything(filled: Store, kept: Path) -> None:
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    with pytest.raises(StoreLocationError, match="new folder"):
        room.backup(filled, kept, now=NOW)
    with pytest.raises(StoreLocationError, match="new folder"):
        room.backup(filled, kept / backups.MANIFEST, now=NOW)
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before


def test_a_backup_that_fails_leaves_nothing(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "_digest", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        room.backup(filled, tmp_path / "kept", now=NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_restore_never_replaces_a_store(kept: Path, tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    path.write_text("mine")
    with pytest.raises(StoreLocationError, match="there already"):
        room.restore(kept, path, now=NOW)
    assert path.read_text() == "mine"


def test_a_log_without_its_store_is_not_taken_for_the_new_one(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "store.duckdb.wal").write_text("mine")
    with pytest.raises(StoreLocationError, match="there already"):
        room.restore(kept, tmp_path / "store.duckdb", now=NOW)


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(StoreDamagedError, match="no backup"):
        room.restore(tmp_path, tmp_path / "store.duckdb", now=NOW)
    _assert_nothing(tmp_path / "store.duckdb")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"format": "other", "schema": 1, "tables": {}}',
        '{"format": "bridgeboard-store", "schema": 0, "tables": {}}',
        '{"format": "bridgeboard-store", "schema": "x", "tables": {}}',
        '{"format": "bridgeboard-store", "schema": 1, "tables": []}',
        '{"format": "bridgeboard-store", "schema": 1, "tables": {"usage": {}}}',
        '{"format": "bridgeboard-store", "schema": 1, "tables": {}}',
    ],
)
def test_a_wrong_manifest_is_refused(kept: Path, tmp_path: Path, text: str) -> None:
    (kept / backups.MANIFEST).write_text(text)
    with pytest.raises(StoreDamagedError):
        room.restore(kept, tmp_path / "store.duckdb", now=NOW)
    _assert_nothing(tmp_path / "store.duckdb")


def test_a_backup_of_a_later_version_is_refused(kept: Path, tmp_path: Path) -> None:
    _manifest(kept, lambda told: told.update(schema=len(MIGRATIONS) + 1))
    with pytest.raises(StoreTooNewError, match="upgrade Bridgeboard"):
        room.restore(kept, tmp_path / "store.duckdb", now=NOW)
    _assert_nothing(tmp_path / "store.duckdb")


def _miss(kept: Path) -> None:
    (kept / "usage.parquet").unlink()


def _shorten(kept: Path) -> None:
    path = kept / "usage.parquet"
    path.write_bytes(path.read_bytes()[:-100])


def _flip(kept: Path) -> None:
    path = kept / "usage.parquet"
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    path.write_bytes(held)


def _lose_rows(kept: Path) -> None:
    path = kept / "usage.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE usage AS FROM '{path}' LIMIT 7")
        connection.execute(f"COPY usage TO '{path}'")
    _manifest(kept, lambda told: told["tables"]["usage"].update(sha256=backups._digest(path)))


def _forge_type(kept: Path) -> None:
    path = kept / "usage.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 'x' AS usage FROM range({len(SOME)})) TO '{path}'")
    _manifest(kept, lambda told: told["tables"]["usage"].update(sha256=backups._digest(path)))


def _name_elsewhere(kept: Path) -> None:
    def change(told: dict[str, Any]) -> None:
        told["tables"]["../usage"] = told["tables"].pop("usage")

    _manifest(kept, change)


@pytest.mark.parametrize(
    "damage", [_miss, _shorten, _flip, _lose_rows, _forge_type, _name_elsewhere]
)
def test_a_damaged_backup_makes_no_store(
    kept: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(kept)
    with pytest.raises(StoreDamagedError):
        room.restore(kept, tmp_path / "store.duckdb", now=NOW)
    _assert_nothing(tmp_path / "store.duckdb")


def test_what_an_interrupted_restore_left_behind_is_no_hindrance(
    kept: Path, tmp_path: Path, filled: Store
) -> None:
    (tmp_path / ".store.duckdb.restoring").write_text("half")
    room.restore(kept, tmp_path / "store.duckdb", now=NOW)
    with Store.open(tmp_path / "store.duckdb") as restored:
        assert contents(restored) == contents(filled)


def test_a_backup_of_an_earlier_schema_is_migrated_when_its_store_is_opened(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = (*MIGRATIONS, "ALTER TABLE anomalies ADD COLUMN weight INTEGER")
    monkeypatch.setattr(opening, "MIGRATIONS", later)
    monkeypatch.setattr(backups, "MIGRATIONS", later)
    room.restore(kept, tmp_path / "store.duckdb", now=NOW)
    with Store.open(tmp_path / "store.duckdb") as restored:
        assert restored.meta("schema") == str(len(later))
        assert restored.rows("SELECT weight FROM anomalies") == []


def test_a_place_that_cannot_be_written_is_told(filled: Store, kept: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreLocationError):
        room.backup(filled, tmp_path / "file" / "kept", now=NOW)
    with pytest.raises(StoreError):
        room.restore(kept, tmp_path / "file" / "store.duckdb", now=NOW)
