"""What readers put down and find again: views by name, and notes on findings of the radar.

A small JSON file beside the store. It is written whole and put in place at once, so that a crash
leaves the old one. Nothing in it was recorded from people's sessions.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any, Final, Self

from bridgeboard import private_files

LONGEST_NAME: Final = 80
LONGEST_NOTE: Final = 500
LONGEST_QUERY: Final = 4_000
MOST: Final = 500
"""Views, and notes, that one installation keeps at most."""
_PAGE: Final = re.compile(r"[a-z]{1,30}")


class DeskError(Exception):
    """Something cannot be put down or read; the message says why and what to do."""


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
            raise DeskError(f"A view's name has 1 to {LONGEST_NAME} characters.")
        if not _PAGE.fullmatch(self.page):
            raise DeskError(f"{self.page!r} is no page of this dashboard.")
        if len(self.query) > LONGEST_QUERY or not self.query.isprintable():
            raise DeskError("This address is too long to be kept. Choose fewer filter values.")

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
            raise DeskError(f"A note has at most {LONGEST_NOTE} characters.")
        if self.written_at.tzinfo is None:
            raise DeskError("A note needs an aware time.")


@dataclass(frozen=True)
class _Kept:
    views: Mapping[str, View] = field(default_factory=dict)
    notes: Mapping[str, Note] = field(default_factory=dict)


class Desk:
    """All views and notes of one installation, in one file.

    Args:
        path: the file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = RLock()

    @classmethod
    def beside(cls, store: Path, whose: str = "") -> Self:
        """The desk that belongs to a store's file; ``whose`` tells apart who sees different rows.

        Names of views and values in their addresses would tell some what only others may see.
        """
        return cls(store.with_suffix(f".desk-{whose}.json" if whose else ".desk.json"))

    def views(self) -> tuple[View, ...]:
        """All views in the order of their names. Raises DeskError."""
        return tuple(sorted(self._read().views.values(), key=lambda view: view.name.casefold()))

    def keep(self, view: View) -> None:
        """Put a view down; one of the same name is replaced. Raises DeskError."""
        self._change(lambda now: _Kept({**now.views, view.name: view}, now.notes))

    def drop(self, name: str) -> None:
        """Forget a view; nothing happens if there is none of that name. Raises DeskError."""
        self._change(lambda now: _Kept(_without(now.views, name), now.notes))

    def notes(self) -> Mapping[str, Note]:
        """All notes by the key of what they are about. Raises DeskError."""
        return self._read().notes

    def write(self, key: str, note: Note) -> None:
        """Put a note down; an earlier one about the same is replaced. Raises DeskError."""
        self._change(lambda now: _Kept(now.views, {**now.notes, key: note}))

    def erase(self, key: str) -> None:
        """Forget a note. Raises DeskError."""
        self._change(lambda now: _Kept(now.views, _without(now.notes, key)))

    def _change(self, change: Callable[[_Kept], _Kept]) -> None:
        with self._lock:
            changed = change(self._read())
            if max(len(changed.views), len(changed.notes)) > MOST:
                raise DeskError(f"At most {MOST} can be kept. Drop one that nobody needs.")
            self._write(changed)

    def _read(self) -> _Kept:
        try:
            told = json.loads(self.path.read_text("utf-8"))
            return _Kept(
                {name: View(name, **view) for name, view in told["views"].items()},
                {key: _note(**note) for key, note in told["notes"].items()},
            )
        except FileNotFoundError:
            return _Kept()
        except OSError as error:
            raise DeskError(f"{self.path} cannot be read: {error.strerror}.") from error
        except (ValueError, TypeError, KeyError, AttributeError, DeskError) as error:
            raise DeskError(
                f"{self.path} is damaged: mend it, or move it away to start anew."
            ) from error

    def _write(self, kept: _Kept) -> None:
        views = {
            name: {"page": view.page, "query": view.query} for name, view in kept.views.items()
        }
        notes = {key: asdict(note) for key, note in kept.notes.items()}
        text = json.dumps({"views": views, "notes": notes}, default=_plain, indent=1)
        try:
            private_files.put(self.path, text)
        except OSError as error:
            raise DeskError(f"{self.path} cannot be written: {error.strerror}.") from error


def _without(kept: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in kept.items() if key != name}


def _note(text: str, written_at: str, by: str = "") -> Note:
    return Note(text, datetime.fromisoformat(written_at), by)


def _plain(value: datetime) -> str:
    return value.isoformat()
