"""Reads the operator's teams file: who is in which team, and when (docs/store.md, "Teams")."""

import csv
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import groupby, pairwise
from operator import attrgetter
from pathlib import Path
from typing import Final, NoReturn
from uuid import UUID

from bridgeboard import operator_files
from bridgeboard.operator_files import UnreadableTextError

UNASSIGNED: Final = "Unassigned"

DELIMITERS: Final = (",", ";", "\t")
"""What may part the columns of a CSV file: spreadsheets of many countries save semicolons."""
_COLUMNS: Final = ("id", "username", "team", "from", "to")
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)
_PARTED: Final = re.compile(r"sep=([,;\t])\s*")
"""A first line by which spreadsheets say what parts the columns."""
_TABLE: Final = re.compile(r"\s*\[\[\s*[\"']?member[\"']?\s*\]\]")


class TeamsFileError(ValueError):
    """The teams file cannot be used; the message names file, line and what to do."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody in a team over ``[valid_from, valid_to)``, aware UTC; None is without end.

    ``line`` is where the file says so; ``id`` is empty where only a user name is given.
    """

    username: str
    team: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    line: int = 0
    id: str = ""

    @property
    def key(self) -> str:
        """By what the person is meant: the id, or else the user name."""
        return self.id or self.username


def load(path: Path) -> tuple[Membership, ...]:
    """Read and check a teams file; its ending says which kind it is.

    Raises:
        TeamsFileError: if it is unreadable, unclear, or has somebody in two teams at once.
    """
    try:
        text = operator_files.read(path)
    except UnreadableTextError as error:
        raise TeamsFileError(f"{path} {str(error).rstrip('.')}.") from error
    return parse(text, name=str(path))


def parse(text: str, *, name: str) -> tuple[Membership, ...]:
    """Check the text of a teams file, in the order of its lines. Raises TeamsFileError."""
    kinds = {".csv": _csv_rows, ".toml": _toml_rows}
    ending = Path(name).suffix.lower()
    if ending not in kinds:
        raise TeamsFileError(f"{name}: must end in .csv or .toml.")
    members = tuple(_membership(name, line, row) for line, row in kinds[ending](name, text))
    _refuse_overlaps(name, members)
    return members


def _csv_rows(name: str, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    lines = text.splitlines(keepends=True)
    is_told = _PARTED.fullmatch(lines[0]) if lines else None
    parted = is_told[1] if is_told else _delimiter("".join(lines[:1]))
    reader = csv.reader(lines, strict=True, delimiter=parted)
    try:
        if is_told:
            next(reader)
        header = [word.strip().lower() for word in next(reader, [])]
        if len(header) == 1 and header[0] not in _COLUMNS:
            _fail(name, reader.line_num, "columns must be parted by commas, semicolons or tabs")
        _check_names(name, reader.line_num or 1, header)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                _fail(name, reader.line_num, f"{len(cells)} cells for {len(header)} columns")
            row = {key: cell.strip() for key, cell in zip(header, cells, strict=True)}
            yield reader.line_num, {key: cell for key, cell in row.items() if cell}
    except csv.Error as error:
        _fail(name, reader.line_num, f"not valid CSV: {error}")


def _delimiter(head: str) -> str:
    """What parts the columns of a head: the one of which it has most outside of quotes."""
    bare = re.sub(r'"[^"]*"', "", head)
    return max(DELIMITERS, key=bare.count)


def _toml_rows(name: str, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TeamsFileError(f"{name}: not valid TOML: {error}.") from error
    numbered = enumerate(text.splitlines(), 1)
    lines = [line for line, content in numbered if _TABLE.match(content)]
    rows = tree.get("member", [])
    is_listed = isinstance(rows, list) and len(rows) == len(lines)
    if set(tree) - {"member"} or not is_listed:
        raise TeamsFileError(f"{name}: holds [[member]] tables and nothing else.")
    for line, row in zip(lines, rows, strict=True):
        _check_names(name, line, row)
        yield line, row


def _check_names(name: str, line: int, names: Iterable[str]) -> None:
    every = list(names)
    unknown = [word for word in every if word not in _COLUMNS]
    if not {"username", "id"} & set(every):
        _fail(name, line, "'username' is missing, and there is no 'id' either")
    if "team" not in every:
        _fail(name, line, "'team' is missing")
    if unknown:
        _fail(name, line, f"{unknown[0]!r} is unknown; there are {', '.join(_COLUMNS)}")
    if len(set(every)) < len(every):
        _fail(name, line, "names a column twice")


def _membership(name: str, line: int, row: Mapping[str, object]) -> Membership:
    id_ = _id(name, line, row)
    username = "" if id_ and not row.get("username") else _word(name, line, row, "username")
    team = _word(name, line, row, "team")
    since, until = (_moment(name, line, row, key) for key in ("from", "to"))
    if since and until and since >= until:
        _fail(name, line, "'to' must be after 'from'")
    if team.lower() == UNASSIGNED.lower():
        _fail(name, line, f"{team!r} is what people without a team are in; leave the line out")
    return Membership(username.lower(), team, since, until, line, id_)


def _id(name: str, line: int, row: Mapping[str, object]) -> str:
    if "id" not in row:
        return ""
    try:
        return str(UUID(_word(name, line, row, "id")))
    except ValueError:
        return _fail(name, line, "'id' must be the id that the deployment gives a person, a UUID")


def _word(name: str, line: int, row: Mapping[str, object], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        _fail(name, line, f"{key!r} must be a non-empty text")
    return value.strip()


def _moment(name: str, line: int, row: Mapping[str, object], key: str) -> datetime | None:
    value = row.get(key)
    if isinstance(value, str):
        value = _read(name, line, key, value)
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return _fail(name, line, f"{key!r} must be a date such as 2026-08-21")


def _read(name: str, line: int, key: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _fail(name, line, f"{key!r} must be a date such as 2026-08-21, not {text!r}")


def _refuse_overlaps(name: str, members: Iterable[Membership]) -> None:
    person = attrgetter("key")
    for key, memberships in groupby(sorted(members, key=person), person):
        in_time = sorted(memberships, key=lambda member: member.valid_from or _EARLIEST)
        for one, other in pairwise(in_time):
            if (one.valid_to or _LATEST) > (other.valid_from or _EARLIEST):
                first, last = sorted((one.line, other.line))
                _fail(
                    name,
                    last,
                    f"{key!r} is already in a team at that time by line {first};"
                    " let one membership end before the other begins",
                )


def _fail(name: str, line: int, problem: str) -> NoReturn:
    raise TeamsFileError(f"{name}, line {line}: {problem}.")
