"""The audit log of earlier versions, a file of lines, and how far its target had come."""

import json
from collections.abc import Iterator
from functools import partial
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from bridgeboard.state import former_files
from bridgeboard.state.audit.entry import read
from bridgeboard.state.audit.key import Key
from bridgeboard.state.audit.verdict import MOST_TORN, verdict
from bridgeboard.state.database import Database
from bridgeboard.state.errors import AuditError
from bridgeboard.state.schema import AUDIT_LINES, FORWARDED

LOG: Final = "audit.jsonl"
SENT: Final = "audit.sent.json"
_AT_ONCE: Final = 1_000


def take_over(database: Database, key: Key | None) -> None:
    """Put the lines of such a file into the database as they are. Raises StateError."""
    log = database.folder / LOG
    former_files.take_over(database, log, partial(_put, log=log, key=key))
    former_files.take_over(database, database.folder / SENT, _put_progress)


def _put(connection: Connection, file: BufferedReader, *, log: Path, key: Key | None) -> str:
    """Put all lines there, those that are no entries too, and say whether the chain is right."""
    if connection.execute(select(AUDIT_LINES).limit(1)).first():
        raise AuditError(
            f"{log} was written by an earlier version, and the audit log has entries of its own"
            " already: two logs cannot become one. Keep the file and move it away."
        )
    every = _rows(file, key)
    while rows := list(islice(every, _AT_ONCE)):
        connection.execute(insert(AUDIT_LINES), rows)
    file.seek(0)
    check = verdict(_lines(file), key)
    if check.good:
        return f"{check.right} entries as they were written"
    return f"{check.right} entries as they were written; broken at line {check.broken}: {check.why}"


def _rows(file: BufferedReader, key: Key | None) -> Iterator[dict[str, Any]]:
    for position, text in enumerate(_lines(file), 1):
        whole = text.removesuffix(b"\n")
        entry = read(whole, key)
        yield {
            "position": position,
            "number": entry.number if entry else None,
            "line": whole.decode("ascii") if entry else None,
            "torn": None if entry else text,
        }


def _lines(file: BufferedReader) -> Iterator[bytes]:
    """Each line with its break. A line without an end in sight comes in parts."""
    while text := file.readline(MOST_TORN + 1):
        yield text


def _put_progress(connection: Connection, file: BufferedReader) -> str:
    names = ("target", "number", "digest", "problem", "failing_since")
    try:
        progress = json.loads(file.read())
        row = {name: str(progress[name]) for name in names} | {"number": int(progress["number"])}
    except (ValueError, TypeError, KeyError):
        return "it could not be read: the target gets all entries again"
    connection.execute(FORWARDED.delete().where(FORWARDED.c.target == row["target"]))
    connection.execute(insert(FORWARDED).values(row))
    return f"{row['target']} has entries up to {row['number']}"
