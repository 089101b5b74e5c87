"""Backup and restore: a Parquet file per table, and a manifest that says what they must be."""

import glob
import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from bridgeboard import private_files
from bridgeboard.store import group_blocks, migrations
from bridgeboard.store.database import Store
from bridgeboard.store.errors import (
    StoreDamagedError,
    StoreLocationError,
    explained,
    too_new,
)
from bridgeboard.store.file_location import checked, log, remove
from bridgeboard.store.reader import Reader
from bridgeboard.store.schema import MIGRATIONS

MANIFEST: Final = "manifest.json"
FORMAT: Final = "bridgeboard-store"


@dataclass(frozen=True)
class _Part:
    """A table's file: how many rows it has, and its digest."""

    rows: int
    sha256: str


def backup(store: Store, folder: Path, *, now: datetime) -> dict[str, int]:
    """Write a store to a new folder; syncing may go on meanwhile.

    The folder appears when all of it is written, for this account only.

    Args:
        store: what to back up.
        folder: must not exist yet, or be empty.
        now: the time, aware, for the manifest.

    Returns:
        The number of rows by table.

    Raises:
        StoreLocationError: when the folder holds something or cannot be written.
        StoreFullError: when there is no space for it.
    """
    folder = folder.expanduser().resolve()
    growing = folder.with_name(f"{folder.name}.partial")
    _check_free(folder)
    try:
        shutil.rmtree(growing, ignore_errors=True)
        private_files.make_folder(growing)
        with store.snapshot() as reader:
            parts = {name: _written(reader, name, growing) for name in reader.tables()}
            schema = int(reader.meta(migrations.SCHEMA) or 0)
        _write_manifest(growing, schema, parts, now)
        _swap(growing, folder)
    except OSError as error:
        raise StoreLocationError(f"{folder} cannot be written ({error}). Name another.") from error
    finally:
        shutil.rmtree(growing, ignore_errors=True)
    return {name: part.rows for name, part in parts.items()}


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
    if path.exists() or log(path).exists():
        raise StoreLocationError(f"{path} is there already: move it away first.")
    schema, parts = _manifest(folder)
    _check_files(folder, parts)
    growing = path.with_name(f".{path.name}.restoring")
    try:
        private_files.make_folder(path.parent)
        remove(growing)
        _fill(growing, folder, schema, parts, now)
        growing.chmod(0o600)
        growing.rename(path)
    except OSError as error:
        raise StoreLocationError(f"{path} cannot be written ({error}). Name another.") from error
    finally:
        with suppress(OSError):
            remove(growing)


def made_at(folder: Path) -> datetime | None:
    """When a backup was made, aware; None if it does not say."""
    try:
        told = json.loads((folder.expanduser() / MANIFEST).read_text("utf-8"))
        return datetime.fromisoformat(told["made_at"]).astimezone(UTC)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _check_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreLocationError(f"{folder} is there already: name a new folder.")


def _written(reader: Reader, name: str, folder: Path) -> _Part:
    path = folder / f"{name}.parquet"
    ((rows,),) = reader.rows(
        f"COPY {name} TO {_quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )
    return _Part(rows, _digest(path))


def _write_manifest(folder: Path, schema: int, parts: Mapping[str, _Part], now: datetime) -> None:
    manifest = {
        "format": FORMAT,
        "schema": schema,
        "made_at": now.astimezone(UTC).isoformat(),
        "tables": {name: asdict(part) for name, part in parts.items()},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), "utf-8")


def _swap(growing: Path, folder: Path) -> None:
    if folder.exists():
        folder.rmdir()
    growing.rename(folder)


def _manifest(folder: Path) -> tuple[int, dict[str, _Part]]:
    """A backup's schema, and its tables, which are those of that schema."""
    path = folder / MANIFEST
    try:
        told = json.loads(path.read_text("utf-8"))
        schema, parts = _read(told)
    except FileNotFoundError:
        raise StoreDamagedError(f"{folder} is no backup: it has no {MANIFEST}.") from None
    except OSError as error:
        raise StoreLocationError(f"{path} cannot be read ({error}).") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreDamagedError(f"{path} is no manifest of a backup ({error}).") from error
    if schema > len(MIGRATIONS):
        raise too_new(path, schema, len(MIGRATIONS))
    return schema, parts


def _read(told: Mapping[str, Any]) -> tuple[int, dict[str, _Part]]:
    if told["format"] != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    schema = int(told["schema"])
    if schema < 1:
        raise ValueError(f"there is no schema {schema}")
    return schema, {name: _Part(**part) for name, part in told["tables"].items()}


def _check_files(folder: Path, parts: Mapping[str, _Part]) -> None:
    for name, part in parts.items():
        path = folder / f"{name}.parquet"
        try:
            is_whole = _digest(path) == part.sha256
        except OSError as error:
            raise StoreDamagedError(f"{path} cannot be read ({error.strerror}).") from error
        if not is_whole:
            raise StoreDamagedError(f"{path} is not what was written: its digest is another.")


def _fill(path: Path, folder: Path, schema: int, parts: Mapping[str, _Part], now: datetime) -> None:
    with explained(path), duckdb.connect(str(path)) as connection:
        migrations.migrate(connection, path, schema)
        expected = migrations.tables(connection)
        if sorted(parts) != expected:
            raise StoreDamagedError(f"{folder} has not the tables of schema {schema}.")
        connection.execute("BEGIN")
        connection.execute("DELETE FROM meta")
        for name in expected:
            _copy(connection, name, folder, parts[name])
        if "group_blocks" in parts and parts["group_blocks"].rows:
            group_blocks.hold(connection, now.astimezone(UTC))
        connection.execute("COMMIT")
        connection.execute("CHECKPOINT")


def _copy(connection: duckdb.DuckDBPyConnection, name: str, folder: Path, part: _Part) -> None:
    source = glob.escape(str(folder / f"{name}.parquet"))
    statement = f"INSERT INTO {name} BY NAME SELECT * FROM read_parquet({_quoted(source)})"
    try:
        ((rows,),) = connection.execute(statement).fetchall()
    except (duckdb.ProgrammingError, duckdb.DataError, duckdb.IntegrityError) as error:
        raise StoreDamagedError(f"{folder / name}.parquet is no such table ({error}).") from error
    if rows != part.rows:
        raise StoreDamagedError(
            f"{folder / name}.parquet has {rows:,} rows instead of {part.rows:,}."
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
