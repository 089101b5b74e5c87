"""Who was erased from a store, kept in files beside it, so that no restore brings them back.

They hold what the store itself keeps of erased people: digests of their ids, the key of these
digests, and what people are called instead (``erasure``).
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from bridgeboard import private_files
from bridgeboard.store import erasure
from bridgeboard.store.database import Store
from bridgeboard.store.errors import StoreLocationError
from bridgeboard.store.person_lookup import Somebody
from bridgeboard.store.reader import Reader

_ROWS: Final = """
SELECT digest, id::VARCHAR AS id, username, numbers, erased_at::VARCHAR AS erased_at, key
FROM erased ORDER BY erased_at, digest
"""
_COLUMNS: Final = ("digest", "id", "username", "numbers", "erased_at", "key")
_ADD: Final = """
INSERT INTO erased BY NAME
SELECT digest, id::UUID AS id, username, numbers, erased_at::TIMESTAMP AS erased_at, key
FROM brought
"""

Rows = dict[str, dict[str, Any]]
"""Rows of the table ``erased`` by their digest."""


@dataclass(frozen=True)
class Applied:
    """What became of a store by its files.

    Attributes:
        missing: how many erased people it did not know of, or only that their text was erased.
        people: whom it held all the same, by the names that they had.
    """

    missing: int
    people: tuple[Somebody, ...]


def file_in(folder: Path, store_path: Path) -> Path:
    """Where the list of a store stands in a folder."""
    return folder / f"{store_path.stem}.erased.json"


def write(reader: Reader | Store, files: Sequence[Path]) -> None:
    """Add the erased people of a store to its files; the first one has to be written.

    Raises:
        StoreLocationError: when the first cannot be written, or one cannot be read.
    """
    known = _merged(_read(files), _stored(reader))
    for place, file in enumerate(files):
        try:
            _put(file, known)
        except OSError as error:
            if place == 0:
                raise StoreLocationError(
                    f"{file} cannot be written ({error.strerror}). It remembers who was erased,"
                    " also when the store is lost: let this account write there."
                ) from error


def apply(store: Store, files: Sequence[Path]) -> Applied:
    """Erase from a store whoever was erased by its files, and write these.

    Whoever was erased again may still be read in the bytes of the file: rewrite it.

    Raises:
        StoreLocationError: as ``write`` does.
    """
    stored = _stored(store)
    merged = _merged(stored, _read(files))
    changed = {digest: row for digest, row in merged.items() if row != stored.get(digest)}
    people: list[Somebody] = []
    if changed:
        with store.write() as batch:
            batch.execute("DELETE FROM erased WHERE list_contains(?, digest)", [list(changed)])
            with batch.registered(brought=pa.Table.from_pylist(list(changed.values()))):
                batch.execute(_ADD)
            people = erasure.erase_again(batch)
    write(store, files)
    missing = [
        digest
        for digest, row in changed.items()
        if digest not in stored or stored[digest]["numbers"] != row["numbers"]
    ]
    return Applied(len(missing), tuple(people))


def _stored(reader: Reader | Store) -> Rows:
    return {row[0]: dict(zip(_COLUMNS, row, strict=True)) for row in reader.rows(_ROWS)}


def _merged(*lists: Rows) -> Rows:
    """The rows of all lists; what one of them says of an erasure is not undone by another.

    A key that is known is not forgotten, and numbers that were deleted stay so.
    """
    merged: Rows = {}
    for rows in lists:
        for digest, row in rows.items():
            former = merged.get(digest, row)
            merged[digest] = {
                **row,
                "key": row["key"] or former["key"],
                "numbers": row["numbers"] and former["numbers"],
                "erased_at": max(row["erased_at"], former["erased_at"]),
            }
    return merged


def _read(files: Sequence[Path]) -> Rows:
    rows: Rows = {}
    for file in files:
        try:
            listed = json.loads(file.read_text("utf-8"))
            read = {row["digest"]: {name: row[name] for name in _COLUMNS} for row in listed}
            rows = _merged(rows, read)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreLocationError(
                f"{file} says who was erased and cannot be read ({error}). Put it back from a"
                " backup. If nobody was erased since the last one, move it away."
            ) from error
    return rows


def _put(file: Path, rows: Rows) -> None:
    if not rows:
        return
    text = json.dumps(list(rows.values()), indent=1)
    with suppress(OSError):
        if file.read_text("utf-8") == text:
            return
    private_files.put(file, text)
