"""Reads the operator's teams file: who is in which team, and when (docs/store.md, "Teams")."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise
from operator import attrgetter
from pathlib import Path
from typing import Final
from uuid import UUID

from bridgeboard.operator_files.tables import OperatorFile, Row

UNASSIGNED: Final = "Unassigned"

DELIMITERS: Final = (",", ";", "\t")
"""What may part the columns of a CSV file: spreadsheets of many countries save semicolons."""
_COLUMNS: Final = ("id", "username", "team", "from", "to")
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)
_PARTED: Final = re.compile(r"sep=([,;\t])\s*")
"""A first line by which spreadsheets say what parts the columns."""


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
    return _members(OperatorFile.read(path, TeamsFileError))


def parse(text: str, *, name: str) -> tuple[Membership, ...]:
    """Check the text of a teams file, in the order of its lines. Raises TeamsFileError."""
    return _members(OperatorFile(name, text, TeamsFileError))


def _members(file: OperatorFile) -> tuple[Membership, ...]:
    kinds = {".csv": _csv_rows, ".toml": _toml_rows}
    ending = Path(file.name).suffix.lower()
    if ending not in kinds:
        file.fail(0, "must end in .csv or .toml")
    members = tuple(_membership(row) for row in kinds[ending](file))
    _refuse_overlaps(file, members)
    return members


def _csv_rows(file: OperatorFile) -> Iterator[Row]:
    bare = file.at_one_line()
    lines = file.text.splitlines(keepends=True)
    is_told = _PARTED.fullmatch(lines[0]) if lines else None
    parted = is_told[1] if is_told else _delimiter("".join(lines[:1]))
    reader = csv.reader(lines, strict=True, delimiter=parted)
    try:
        if is_told:
            next(reader)
        header = [word.strip().lower() for word in next(reader, [])]
        if len(header) == 1 and header[0] not in _COLUMNS:
            file.fail(reader.line_num, "columns must be parted by commas, semicolons or tabs")
        head = Row(bare, reader.line_num or 1, dict.fromkeys(header))
        _check_names(head)
        if len(head.values) < len(header):
            head.fail("names a column twice")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                file.fail(reader.line_num, f"{len(cells)} cells for {len(header)} columns")
            row = {key: cell.strip() for key, cell in zip(header, cells, strict=True)}
            yield Row(bare, reader.line_num, {key: cell for key, cell in row.items() if cell})
    except csv.Error as error:
        file.fail(reader.line_num, f"not valid CSV: {error}")


def _delimiter(head: str) -> str:
    """What parts the columns of a head: the one of which it has most outside of quotes."""
    bare = re.sub(r'"[^"]*"', "", head)
    return max(DELIMITERS, key=bare.count)


def _toml_rows(file: OperatorFile) -> Iterator[Row]:
    for row in file.rows(file.toml("[[member]]"), "member"):
        _check_names(row)
        yield row


def _check_names(row: Row) -> None:
    if not {"username", "id"} & row.values.keys():
        row.fail("is missing, and there is no 'id' either", "username")
    if "team" not in row.values:
        row.fail("is missing", "team")
    row.allow(_COLUMNS)


def _membership(row: Row) -> Membership:
    id_ = _id(row)
    username = "" if id_ and not row.values.get("username") else row.word("username")
    team, since, until = row.word("team"), row.moment("from"), row.moment("to")
    if since and until and since >= until:
        row.fail("must be after 'from'", "to")
    if team.lower() == UNASSIGNED.lower():
        row.fail(f"{team!r} is what people without a team are in; leave the line out")
    return Membership(username.lower(), team, since, until, row.line, id_)


def _id(row: Row) -> str:
    try:
        return str(UUID(row.word("id"))) if "id" in row.values else ""
    except ValueError:
        row.fail("must be the id that the deployment gives a person, a UUID", "id")


def _refuse_overlaps(file: OperatorFile, members: Iterable[Membership]) -> None:
    person = attrgetter("key")
    for key, memberships in groupby(sorted(members, key=person), person):
        in_time = sorted(memberships, key=lambda member: member.valid_from or _EARLIEST)
        for one, other in pairwise(in_time):
            if (one.valid_to or _LATEST) > (other.valid_from or _EARLIEST):
                first, last = sorted((one.line, other.line))
                file.fail(
                    last,
                    f"{key!r} is already in a team at that time by line {first};"
                    " let one membership end before the other begins",
                )
