"""All that a store holds about one person, and the backups that hold something of them."""

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import duckdb

from bridgeboard import private_files
from bridgeboard.store.backups import MANIFEST
from bridgeboard.store.database import Store
from bridgeboard.store.erasure import OF_MEMBERS
from bridgeboard.store.person_lookup import Somebody

_REQUESTS: Final = "SELECT usage FROM usage WHERE initiator = {key}"
_SESSIONS: Final = "SELECT session FROM sessions WHERE initiator = {key}"
# A thread says whose it is by the ids of its requests only.
_THEIR_THREAD: Final = r"""kind = 'thread' AND list_has_any(
    regexp_extract_all(lower(identity || ' ' || raw),
                       '[0-9a-f]{{8}}-([0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}'),
    (SELECT coalesce(list(id::VARCHAR), []) FROM (
        SELECT id FROM usage WHERE initiator = {key} AND id IS NOT NULL
        UNION SELECT id FROM threads WHERE initiator = {key})))
"""
_ABOUT: Final = {
    "initiators": "initiator = {key}",
    "former_names": "initiator = {key}",
    "memberships": "username IN (lower({username}), {id}, {member})",
    **dict.fromkeys(OF_MEMBERS, "person = CAST({id} AS UUID)"),
    "sessions": "initiator = {key}",
    "threads": "initiator = {key}",
    "usage": "initiator = {key}",
    "responses": f"usage IN ({_REQUESTS})",
    "tool_calls": "initiator = {key}",
    "prompts": f"usage IN ({_REQUESTS})",
    "tool_inputs": f"usage IN ({_REQUESTS})",
    "thinking": f"session IN ({_SESSIONS})",
    "last_prompts": f"session IN ({_SESSIONS})",
    "quarantine": "contains(lower(raw || identity || reason), {id})"
    f" OR contains(lower(raw), lower({{quoted}})) OR ({_THEIR_THREAD})",
    "anomalies": "contains(lower(message), {id})",
    "group_usage": "initiator = {key}",
    "group_calls": "initiator = {key}",
    "group_homes": "initiator = {key}",
}
"""Table → which of its rows are about somebody. The others hold nothing of a person."""


_IDS: Final = {"initiators": "id"} | dict.fromkeys(OF_MEMBERS, "person")
"""Tables with ids of people, and the column that these are in."""


def export(store: Store, who: Somebody, folder: Path) -> dict[str, int]:
    """Write all that a store holds about somebody, a file of JSON lines per table.

    Args:
        store: what to read, in one state of it.
        who: of the store.
        folder: where to; made if it is missing.

    Returns:
        The number of rows by table.
    """
    private_files.make_folder(folder)
    values = {
        "key": "NULL" if who.key is None else str(who.key),
        "id": _text(who.id),
        "username": _text(who.username),
        "member": ", ".join(_text(name) for name in who.former) or "NULL",
        "quoted": _text(f'"{who.label}"'),
    }
    counts = {}
    with store.snapshot() as reader, reader.files() as to_file:
        for table, where in _ABOUT.items():
            select = f"SELECT * FROM {table} WHERE {where.format(**values)}"
            counts[table] = to_file(select, folder / f"{table}.jsonl", "FORMAT json")
    return counts


def backups_with(folders: Iterable[Path], who: Somebody) -> Iterator[Path]:
    """The backups below folders that hold somebody."""
    for folder in folders:
        for manifest in sorted(folder.rglob(MANIFEST)):
            tables = ((manifest.with_name(f"{name}.parquet"), id_) for name, id_ in _IDS.items())
            if any(_holds(file, column, who.id) for file, column in tables if file.is_file()):
                yield manifest.parent


def _holds(people: Path, column: str, id_: str) -> bool:
    with duckdb.connect() as connection:
        try:
            row = connection.execute(
                f"SELECT count(*) FROM read_parquet($1) WHERE {column} = $2::UUID",
                [glob.escape(str(people)), id_],
            ).fetchall()
        except duckdb.Error:
            # It cannot be read, so nobody can say that it does not.
            return True
    return row != [(0,)]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
