"""Backup and restore: a Parquet file per table, and a manifest that says what they must be.

A folder of backups gets new ones and loses old ones.
"""

import glob
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
from pyarrow import parquet

from bridgeboard import private_files
from bridgeboard.model.store import StoreError
from bridgeboard.model.store_status import Backup
from bridgeboard.store import group_blocks, opening
from bridgeboard.store.database import Store
from bridgeboard.store.errors import (
    StoreDamagedError,
    StoreFullError,
    StoreLocationError,
    explained,
    too_new,
)
from bridgeboard.store.file_location import checked, literal, refuse_present, remove, restoring
from bridgeboard.store.reader import ToFile
from bridgeboard.store.schema import MIGRATIONS

MANIFEST: Final = "manifest.json"
FORMAT: Final = "bridgeboard-store"
PARTIAL: Final = ".partial"
"""Ends the name of a backup that is being written."""


@dataclass(frozen=True)
class _Table:
    """A table's file: how many rows it has, and its digest."""

    rows: int
    sha256: str


def backup(
    store: Store,
    folder: Path,
    *,
    now: datetime,
    more: Callable[[Path], None] = lambda _: None,
    stops: Callable[[], bool] = lambda: False,
) -> dict[str, int]:
    """Write a store to a new folder; readers and syncs go on meanwhile.

    All of it is one state of the store. The folder appears when everything is written, read back
    and on the disk, and is for this account only.

    Args:
        store: what to back up.
        folder: must not exist yet, or be empty.
        now: the time, aware, for the manifest.
        more: writes what else belongs into the folder.
        stops: whether to give up; asked before each table.

    Returns:
        The number of rows by table.

    Raises:
        StoreLocationError: when the folder holds something or cannot be written.
        StoreFullError: when there is no space for it.
        StoreError: when ``stops`` said so.
    """
    folder = folder.expanduser().resolve()
    growing = folder.with_name(f"{folder.name}{PARTIAL}")
    _check_free(folder)
    try:
        shutil.rmtree(growing, ignore_errors=True)
        private_files.make_folder(growing)
        with store.snapshot() as reader, reader.files() as to_file:
            tables = {}
            for name in reader.tables():
                if stops():
                    raise StoreError("The backup was told to stop; none was made.")
                tables[name] = _written(to_file, name, growing)
            schema = int(reader.meta(opening.SCHEMA) or 0)
        more(growing)
        _write_manifest(growing, schema, tables, now)
        check(growing)
        _swap(growing, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(growing, ignore_errors=True)
    return {name: table.rows for name, table in tables.items()}


def made_at(folder: Path) -> datetime | None:
    """When a backup was made, aware; None for a folder that is no backup."""
    try:
        manifest = json.loads((folder.expanduser() / MANIFEST).read_text("utf-8"))
        _parsed(manifest)
        return datetime.fromisoformat(manifest["made_at"]).astimezone(UTC)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def check(folder: Path) -> None:
    """Read a backup back; raises StoreDamagedError unless all is as its manifest says."""
    _, tables = _manifest(folder)
    _check_files(folder, tables)
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        try:
            rows = parquet.read_metadata(path).num_rows
        except (OSError, pa.ArrowInvalid) as error:
            raise StoreDamagedError(f"{path} cannot be read back ({error}).") from error
        _check_rows(path, rows, table)


def restore(folder: Path, path: Path, *, now: datetime) -> None:
    """Make a store of a backup. It appears when all of it is there, at the backup's schema.

    Days between the backup and now that groups may have been shown meanwhile are not shown to them
    again (``store.group_blocks``).

    Args:
        folder: what ``backup`` wrote.
        path: the store's file, which must not exist yet.
        now: the time, aware.

    Raises:
        StoreLocationError: when there is a store already, or none can be made there.
        StoreTooNewError: when a later Bridgeboard made the backup.
        StoreDamagedError: when the backup is not as it was written, or none.
    """
    folder, path = folder.expanduser().resolve(), checked(path)
    refuse_present(path)
    schema, tables = _manifest(folder)
    _check_files(folder, tables)
    growing = restoring(path)
    try:
        private_files.make_folder(path.parent)
        remove(growing)
        _fill(growing, folder, schema, tables, now)
        growing.chmod(0o600)
        growing.rename(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            remove(growing)


def _check_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreLocationError(f"{folder} is there already: name a new folder.")


def _written(to_file: ToFile, name: str, folder: Path) -> _Table:
    path = folder / f"{name}.parquet"
    rows = to_file(f"SELECT * FROM {name}", path, "FORMAT parquet, COMPRESSION zstd")
    path.chmod(0o600)
    private_files.make_durable(path)
    return _Table(rows, _digest(path))


def _write_manifest(folder: Path, schema: int, tables: Mapping[str, _Table], now: datetime) -> None:
    manifest = {
        "format": FORMAT,
        "schema": schema,
        "made_at": now.astimezone(UTC).isoformat(),
        "tables": {name: asdict(table) for name, table in tables.items()},
    }
    private_files.put(folder / MANIFEST, json.dumps(manifest, indent=2))


def _swap(growing: Path, folder: Path) -> None:
    private_files.make_durable(growing)
    if folder.exists():
        folder.rmdir()
    growing.rename(folder)
    private_files.make_durable(folder.parent)


def _unwritable(path: Path, error: OSError) -> StoreError:
    if error.errno in {ENOSPC, EDQUOT, EFBIG}:
        return StoreFullError(f"There is no room for {path} ({error.strerror}). Free some.")
    return StoreLocationError(f"{path} cannot be written ({error}). Name another.")


def _manifest(folder: Path) -> tuple[int, dict[str, _Table]]:
    """A backup's schema, and its tables, which are those of that schema."""
    path = folder / MANIFEST
    try:
        schema, tables = _parsed(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise StoreDamagedError(f"{folder} is no backup: it has no {MANIFEST}.") from None
    except OSError as error:
        raise StoreLocationError(f"{path} cannot be read ({error}).") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreDamagedError(f"{path} is no manifest of a backup ({error}).") from error
    if schema > len(MIGRATIONS):
        raise too_new(path, schema, len(MIGRATIONS))
    return schema, tables


def _parsed(manifest: Mapping[str, Any]) -> tuple[int, dict[str, _Table]]:
    if manifest["format"] != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    schema = int(manifest["schema"])
    if schema < 1:
        raise ValueError(f"there is no schema {schema}")
    return schema, {name: _Table(**table) for name, table in manifest["tables"].items()}


def _check_files(folder: Path, tables: Mapping[str, _Table]) -> None:
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        try:
            is_whole = _digest(path) == table.sha256
        except OSError as error:
            raise StoreDamagedError(f"{path} cannot be read ({error.strerror}).") from error
        if not is_whole:
            raise StoreDamagedError(f"{path} is not what was written: its digest is another.")


def _fill(
    path: Path, folder: Path, schema: int, tables: Mapping[str, _Table], now: datetime
) -> None:
    with explained(path), duckdb.connect(str(path)) as connection:
        opening.migrate(connection, path, schema)
        expected = opening.tables(connection)
        if sorted(tables) != expected:
            raise StoreDamagedError(f"{folder} has not the tables of schema {schema}.")
        connection.execute("BEGIN")
        connection.execute("DELETE FROM meta")
        for name in expected:
            _copy(connection, name, folder, tables[name])
        if "group_blocks" in tables and tables["group_blocks"].rows:
            group_blocks.hold(connection, now.astimezone(UTC))
        connection.execute("COMMIT")
        connection.execute("CHECKPOINT")


def _copy(connection: duckdb.DuckDBPyConnection, name: str, folder: Path, table: _Table) -> None:
    source = glob.escape(str(folder / f"{name}.parquet"))
    statement = f"INSERT INTO {name} BY NAME SELECT * FROM read_parquet({literal(source)})"
    try:
        ((rows,),) = connection.execute(statement).fetchall()
    except (duckdb.ProgrammingError, duckdb.DataError, duckdb.IntegrityError) as error:
        raise StoreDamagedError(f"{folder / name}.parquet is no such table ({error}).") from error
    _check_rows(folder / f"{name}.parquet", rows, table)


def _check_rows(path: Path, rows: int, table: _Table) -> None:
    if rows != table.rows:
        raise StoreDamagedError(f"{path} has {rows:,} rows instead of {table.rows:,}.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_TIME: Final = r"\d{4}-\d{2}-\d{2}T\d{6}Z"
_DELETING: Final = ".deleting"
"""Ends the name of a backup that is being deleted."""


def backups_of(folder: Path, store_path: Path, now: datetime) -> list[Backup]:
    """The complete backups of a store in a folder, newest first; those from the future last.

    A clock that was once ahead made those: the next ones must not be deleted in favour of them.
    """
    pattern = re.compile(f"{re.escape(store_path.stem)}-{_TIME}")
    complete = [
        Backup(each, at, _size(each))
        for each in _entries(folder)
        if pattern.fullmatch(each.name) and (at := made_at(each))
    ]
    return sorted(complete, key=lambda one: (one.made_at <= now, one.made_at), reverse=True)


def add_backup(
    store: Store,
    folder: Path,
    *,
    now: datetime,
    kept: int,
    more: Callable[[Path], None] = lambda _: None,
    stops: Callable[[], bool] = lambda: False,
) -> Backup:
    """Make a backup of a store, and delete the oldest complete ones beyond so many.

    Nothing is deleted before the new one is complete and was read back.

    Args:
        store: what to back up.
        folder: where to; made if it is missing.
        now: the time, aware.
        kept: how many complete ones stay, the new one among them.
        more: writes what else belongs into the new one's folder.
        stops: whether to give up.

    Raises:
        StoreError: as ``backup`` does, and when others may enter the folder.
    """
    path = folder / f"{store.path.stem}-{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"
    if problem := private_files.unusable(
        folder, "folder of backups", "name another as backup_folder"
    ):
        raise StoreLocationError(problem)
    _clear(folder, store.path)
    backup(store, path, now=now, more=more, stops=stops)
    complete = backups_of(folder, store.path, now)
    for old in [one for one in complete if one.path != path][kept - 1 :]:
        _delete(old.path)
    return next(one for one in complete if one.path == path)


def _clear(folder: Path, store_path: Path) -> None:
    """Delete what processes that were killed left of backups of this store."""
    ends = f"({re.escape(PARTIAL)}|{re.escape(_DELETING)})"
    pattern = re.compile(f"{re.escape(store_path.stem)}-{_TIME}{ends}")
    for leftover in _entries(folder):
        if pattern.fullmatch(leftover.name):
            shutil.rmtree(leftover, ignore_errors=True)


def _delete(path: Path) -> None:
    """Delete a backup, which is never half there under its own name."""
    away = path.with_name(f"{path.name}{_DELETING}")
    # It is tried again after the next backup.
    with suppress(OSError):
        path.rename(away)
        shutil.rmtree(away)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
