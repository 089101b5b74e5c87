"""What readers put down and find again: views by name, and notes on findings of the radar.

Nothing in it was recorded from people's sessions. Views and notes of a store are those of whoever
sees the same rows of it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, Row, Table, delete, func, insert, select, union

from bridgeboard.state import former_files
from bridgeboard.state.database import Database
from bridgeboard.state.errors import SavedViewError, raised_as
from bridgeboard.state.schema import NOTES, SAVED_VIEWS

LONGEST_NAME: Final = 80
LONGEST_NOTE: Final = 500
LONGEST_QUERY: Final = 4_000
MOST: Final = 500
"""Views, and notes, that one audience keeps at most."""
_UNREAD: Final = "Views and notes cannot be read."
_UNWRITTEN: Final = "Views and notes cannot be written."
_PAGE: Final = re.compile(r"[a-z]{1,30}")
_TABLES: Final = (SAVED_VIEWS, NOTES)


@dataclass(frozen=True)
class View:
    """A page as somebody left it; ``query`` is what stood behind the "?" of its address."""

    name: str
    page: str
    query: str

    def __post_init__(self) -> None:
        name = " ".join(self.name.split())
        object.__setattr__(self, "name", name)
        if not 1 <= len(name) <= LONGEST_NAME:
            raise SavedViewError(f"A view's name has 1 to {LONGEST_NAME} characters.")
        if not _PAGE.fullmatch(self.page):
            raise SavedViewError(f"{self.page!r} is no page of this dashboard.")
        if len(self.query) > LONGEST_QUERY or not self.query.isprintable():
            raise SavedViewError("This address is too long to be kept. Choose fewer filter values.")

    @property
    def address(self) -> str:
        """Where it is, from any page of the dashboard."""
        return f"./{self.page}?{self.query}" if self.query else f"./{self.page}"


@dataclass(frozen=True)
class Note:
    """Why a finding needs no more attention, and who said so, and when.

    ``by`` is empty in notes of versions that did not keep it.
    """

    text: str
    written_at: datetime
    by: str = ""

    def __post_init__(self) -> None:
        if len(self.text) > LONGEST_NOTE:
            raise SavedViewError(f"A note has at most {LONGEST_NOTE} characters.")
        if self.written_at.tzinfo is None:
            raise SavedViewError("A note needs an aware time.")


class SavedViews:
    """All views and notes of one store that readers of the same rows share.

    Names of views and values in their addresses would tell some what only others may see.

    Args:
        database: where they are.
        store: the name of the store's file, without its ending.
        audience: tells apart who sees different rows; empty is who sees all.
    """

    def __init__(self, database: Database, store: str, audience: str = "") -> None:
        self._database = database
        self._own = {"store": store, "audience": audience}

    @classmethod
    def of_store(cls, database: Database, store: str) -> list[Self]:
        """The saved views and notes of all audiences. Raises SavedViewError."""
        with raised_as(SavedViewError, _UNREAD):
            for path in sorted(database.folder.glob(f"{store}.desk-*.json")):
                cls(database, store, path.stem.partition(".desk-")[2]).take_over()
            cls(database, store).take_over()
            with database.reading() as connection:
                audiences = union(
                    *(select(table.c.audience).where(table.c.store == store) for table in _TABLES)
                )
                return [cls(database, store, one) for (one,) in connection.execute(audiences)]

    def views(self) -> tuple[View, ...]:
        """All views in the order of their names. Raises SavedViewError."""
        rows = self._rows(SAVED_VIEWS)
        views = (View(row.name, row.page, row.query) for row in rows)
        return tuple(sorted(views, key=lambda view: view.name.casefold()))

    def keep(self, view: View) -> None:
        """Save a view; one of the same name is replaced. Raises SavedViewError."""
        self._put(SAVED_VIEWS, {"name": view.name}, {"page": view.page, "query": view.query})

    def drop(self, name: str) -> None:
        """Delete a view; nothing happens if there is none of that name. Raises SavedViewError."""
        self._delete(SAVED_VIEWS, {"name": name})

    def notes(self) -> Mapping[str, Note]:
        """All notes by the key of what they are about. Raises SavedViewError."""
        rows = self._rows(NOTES)
        return {row.finding: Note(row.text, row.written_at, row.written_by) for row in rows}

    def write(self, finding: str, note: Note) -> None:
        """Save a note; an earlier one about the same is replaced. Raises SavedViewError."""
        row = _row(finding, note)
        self._put(NOTES, {"digest": row["digest"]}, row)

    def erase(self, finding: str) -> None:
        """Delete a note. Raises SavedViewError."""
        self._delete(NOTES, {"digest": _digest(finding)})

    def _rows(self, table: Table) -> Sequence[Row[Any]]:
        with raised_as(SavedViewError, _UNREAD):
            self.take_over()
            with self._database.reading() as connection:
                return connection.execute(select(table).filter_by(**self._own)).all()

    def _put(self, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        with raised_as(SavedViewError, _UNWRITTEN):
            self.take_over()
            with self._database.writing() as connection:
                connection.execute(delete(table).filter_by(**self._own, **key))
                mine = select(func.count()).select_from(table).filter_by(**self._own)
                if connection.execute(mine).scalar_one() >= MOST:
                    raise SavedViewError(f"At most {MOST} can be kept. Drop one that nobody needs.")
                connection.execute(insert(table).values({**self._own, **key, **values}))

    def _delete(self, table: Table, key: Mapping[str, Any]) -> None:
        with raised_as(SavedViewError, _UNWRITTEN):
            self.take_over()
            with self._database.writing() as connection:
                connection.execute(delete(table).filter_by(**self._own, **key))

    def take_over(self) -> None:
        """Put what is in the file of an earlier version into the database. Raises StateError."""
        store, audience = self._own["store"], self._own["audience"]
        name = f"{store}.desk-{audience}.json" if audience else f"{store}.desk.json"
        path = self._database.folder / name
        former_files.take_over(self._database, path, partial(self._put_file, path=path))

    def _put_file(self, connection: Connection, file: BufferedReader, *, path: Path) -> str:
        """Put the views and notes of a file there, but for those that are there already."""
        try:
            content = json.loads(file.read())
            views = [View(name, **view) for name, view in content["views"].items()]
            notes = {finding: _note(**note) for finding, note in content["notes"].items()}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, SavedViewError):
            raise SavedViewError(
                f"{path} is damaged: mend it, or move it away to start anew."
            ) from None
        rows = {
            SAVED_VIEWS: [{"name": v.name, "page": v.page, "query": v.query} for v in views],
            NOTES: [_row(finding, note) for finding, note in notes.items()],
        }
        for table, name in ((SAVED_VIEWS, "name"), (NOTES, "digest")):
            mine = select(table.c[name]).filter_by(**self._own)
            known = set(connection.execute(mine).scalars())
            fresh = [self._own | row for row in rows[table] if row[name] not in known]
            if fresh:
                connection.execute(insert(table), fresh)
        return f"{len(views)} views and {len(notes)} notes"


def _digest(finding: str) -> str:
    return sha256(finding.encode("utf-8", "surrogatepass")).hexdigest()


def _row(finding: str, note: Note) -> dict[str, Any]:
    return {
        "digest": _digest(finding),
        "finding": finding,
        "text": note.text,
        "written_at": note.written_at,
        "written_by": note.by,
    }


def _note(text: str, written_at: str, by: str = "") -> Note:
    return Note(text, datetime.fromisoformat(written_at), by)
