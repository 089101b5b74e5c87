"""Reads tables of operators' files; a mistake is refused with its file and line."""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn, Self, TypeVar
from zoneinfo import ZoneInfo

from bridgeboard import operator_files
from bridgeboard.operator_files import UnreadableTextError

_HEAD: Final = r"\s*\[\[\s*[\"']?{}[\"']?\s*\]\]"
_KEY: Final = r"\s*\[*\s*(?:\w+\s*\.\s*)?[\"']?{}[\"']?\s*[=\].]"
_YEARS: Final = range(1990, 2100)

Word = TypeVar("Word", bound=str)


@dataclass(frozen=True)
class OperatorFile:
    """The text of a file, the name by which messages call it, and the error that they are of."""

    name: str
    text: str = field(repr=False)
    error: type[ValueError]

    @classmethod
    def read(cls, path: Path, error: type[ValueError]) -> Self:
        """The file of a path. Raises the error where it cannot be read."""
        try:
            return cls(str(path), operator_files.read(path), error)
        except UnreadableTextError as cause:
            raise error(f"{path} {str(cause).rstrip('.')}.") from cause

    def fail(self, line: int, problem: str) -> NoReturn:
        """Raise the file's error; line 0 is none."""
        place = f", line {line}" if line else ""
        raise self.error(f"{self.name}{place}: {problem}.") from None

    def toml(self, *entries: str) -> dict[str, Any]:
        """What it says of these entries, ``[[rows]]`` or ``[table]``; it may hold no others."""
        try:
            tree = tomllib.loads(self.text, parse_float=Decimal)
        except RecursionError:
            self.fail(0, "not valid TOML: nested too deeply")
        except ValueError as error:  # also a whole number of thousands of digits
            self.fail(0, f"not valid TOML: {error}")
        for key in tree:
            if key not in {entry.strip("[]") for entry in entries}:
                self.fail(self.line_of(key), f"{key!r} is unknown; use {' or '.join(entries)}")
        return tree

    def rows(self, tree: Mapping[str, Any], name: str) -> "list[Row]":
        """The ``[[name]]`` tables of what it says."""
        head, rows = re.compile(_HEAD.format(name)), tree.get(name, [])
        lines = [at for at, line in enumerate(self.text.splitlines(), 1) if head.match(line)]
        is_listed = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
        if not is_listed or len(lines) != len(rows):
            self.fail(self.line_of(name), f"write each {name} as a [[{name}]] table of its own")
        return [Row(self, line, values) for line, values in zip(lines, rows, strict=True)]

    def at_one_line(self) -> Self:
        """The file for rows whose keys stand in no lines of their own, or in none to be found."""
        return replace(self, text="")

    def line_of(self, key: str, head: int = 0) -> int:
        """The line of a key, in the table that begins at a line if one is given."""
        mark, table = re.compile(_KEY.format(re.escape(key))), re.compile(_HEAD.format(r"\w+"))
        for number, line in enumerate(self.text.splitlines()[head:], head + 1):
            if mark.match(line):
                return number
            if head and table.match(line):
                break
        return max(head, 1)


@dataclass(frozen=True)
class Row:
    """A table of a file: where it begins, and its values, each read as what it must be."""

    file: OperatorFile
    line: int
    values: Mapping[str, Any] = field(repr=False)

    def fail(self, problem: str, key: str = "") -> NoReturn:
        """Raise the file's error about a key, with its line, or about the table as a whole."""
        if key:
            self.file.fail(self.file.line_of(key, self.line), f"{key!r} {problem}")
        self.file.fail(self.line, problem)

    def allow(self, keys: Collection[str]) -> None:
        """Refuse all other keys."""
        for key in self.values:
            if key not in keys:
                self.fail(f"is unknown; there are {', '.join(keys)}", key)

    def word(self, key: str, most: int = 0) -> str:
        """A text without the blanks around it, of so many characters at the most."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fail("must be a non-empty text", key)
        if most and len(value) > most:
            self.fail(f"has more than {most:,} characters", key)
        return value.strip()

    def choice(self, key: str, known: Iterable[Word], usual: Word | None = None) -> Word:
        """One of these words, in any case; the usual one where the key is left out."""
        value = self.values.get(key, usual)
        for word in known:
            if isinstance(value, str) and value.strip().lower() == word:
                return word
        return self.fail(f"must be one of {', '.join(known)}", key)

    def day(self, key: str) -> date | None:
        """A date without a time; None where the key is left out."""
        value = _read(date, self.values.get(key))
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime) or value.year not in _YEARS:
            self.fail("must be a day such as 2026-08-21", key)
        return value

    def moment(self, key: str) -> datetime | None:
        """A date or a time, in UTC; None where the key is left out."""
        value = _read(datetime, self.values.get(key))
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        return value if value is None else self.fail("must be a date such as 2026-08-21", key)

    def number(self, key: str, most: int) -> Decimal | None:
        """A number from 0 on; None where the key is left out."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            number = Decimal(value)
            if number.is_finite() and 0 <= number <= most:
                return number
        return self.fail(f"must be a number from 0 to {most:,}", key)

    def zone(self, key: str) -> str:
        """The name of a time zone, UTC where the key is left out."""
        try:
            return ZoneInfo(self.values.get(key, "UTC")).key
        except (TypeError, KeyError, ValueError, OSError):
            self.fail("must be an IANA name such as Europe/Berlin", key)


def _read(kind: type[date], value: Any) -> Any:
    with suppress(ValueError):
        return kind.fromisoformat(value) if isinstance(value, str) else value
    return value
