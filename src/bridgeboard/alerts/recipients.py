"""Reads the operator's file of recipients: who is told of what, and where (docs/alerts.md)."""

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from typing import Final

from bridgeboard import operator_files
from bridgeboard.access import Role, RowAccess, Viewer, may_open, row_access_of
from bridgeboard.alerts.rules import KINDS, Kind, QuietHours
from bridgeboard.operator_files import UnreadableTextError
from bridgeboard.operator_files.tables import OperatorFile, Row

Variable = Callable[[str], str]
"""Name of an environment variable → its value; empty where it is not set."""

LONGEST_NAME: Final = 80
LATE_HOURS: Final = 2
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LONGEST_HOURS: Final = 8_760
_LARGEST_SECRET: Final = 65_536
_ADDRESSES: Final = ("url", "url_file", "url_env")
_FIELDS: Final = ("name", *_ADDRESSES, "role", "teams", "kinds", "quiet", "zone")
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]{0,30})://\S", re.ASCII)
_QUIET: Final = re.compile(r"((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII)


class RecipientsFileError(ValueError):
    """The file of recipients cannot be used; the message names file and line, never an address."""


@dataclass(frozen=True)
class Recipient:
    """Who is told of something.

    Attributes:
        name: what the dashboard calls them; what they were sent is kept under it.
        url: where to, an address of apprise; a secret, shown nowhere.
        role: what they may read.
        teams: whose lead they are; empty for other roles.
        kinds: what they are told of.
        quiet: when they are told of nothing; None is never.
    """

    name: str
    url: str = field(repr=False)
    role: Role = Role.VIEWER
    teams: tuple[str, ...] = ()
    kinds: frozenset[Kind] = frozenset(KINDS)
    quiet: QuietHours | None = None

    @property
    def masked(self) -> str:
        """The address as far as it may be shown: the service, as all else may be a key."""
        return f"{self.url.partition('://')[0]}://…"

    def row_access(self, floor: int) -> RowAccess:
        """Which rows of the store they are told of; never recorded text."""
        viewer = Viewer(self.name, frozenset({self.role}), frozenset(self.teams))
        reached = row_access_of(viewer, floor=floor)
        return RowAccess.numbers() if reached.has_text else reached


@dataclass(frozen=True)
class Recipients:
    """All recipients, and from how long after the last good sync on the next one is late."""

    all: tuple[Recipient, ...] = ()
    late_after: timedelta = timedelta(hours=LATE_HOURS)


def load(path: Path, variable: Variable) -> Recipients:
    """Read and check a file of recipients, and the files and variables with their addresses.

    Raises:
        RecipientsFileError: if it cannot be read, is unclear, or others may read the addresses.
    """
    file = OperatorFile.read(path, RecipientsFileError)
    read = _recipients(file, _Addresses(variable, path.parent))
    has_addresses = re.search(r"(?m)^\s*[\"']?url[\"']?\s*=", file.text)
    if has_addresses and os.name != "nt" and path.stat().st_mode & _OTHERS:
        raise RecipientsFileError(
            f"{path} holds addresses, which are secrets, and other users may read it. Run:"
            f" chmod 600 {path}"
        )
    return read


def parse(text: str, *, name: str, variable: Variable, folder: Path = Path()) -> Recipients:
    """Check the text of such a file, in the order of its lines. Raises RecipientsFileError."""
    return _recipients(OperatorFile(name, text, RecipientsFileError), _Addresses(variable, folder))


def _recipients(file: OperatorFile, addresses: "_Addresses") -> Recipients:
    tree = file.toml("late_sync_hours", "[[recipient]]")
    top, seen = Row(file, 0, tree), dict[str, int]()
    hours = top.number("late_sync_hours", _LONGEST_HOURS)
    if hours == 0:
        top.fail("must be more than 0", "late_sync_hours")
    recipients = []
    for row in file.rows(tree, "recipient"):
        recipients.append(one := _recipient(row, addresses))
        if first := seen.get(one.name.casefold()):
            row.fail(f"{one.name!r} is the recipient of line {first} already")
        seen[one.name.casefold()] = row.line
    late = LATE_HOURS if hours is None else float(hours)
    return Recipients(tuple(recipients), timedelta(hours=late))


def _recipient(row: Row, addresses: "_Addresses") -> Recipient:
    row.allow(_FIELDS)
    name = " ".join(row.word("name").split())
    if len(name) > LONGEST_NAME or not name.isprintable():
        row.fail(f"has at most {LONGEST_NAME} characters, on one line", "name")
    role = row.choice("role", [role for role in Role if role is not Role.SELF], Role.VIEWER)
    teams = tuple(sorted(set(_words(row, "teams"))))
    if bool(teams) != (role is Role.LEAD):
        row.fail("a lead needs 'teams', and nobody else has any")
    return Recipient(name, addresses.url(row), role, teams, _kinds(row, role), _quiet(row))


def _kinds(row: Row, role: Role) -> frozenset[Kind]:
    may = [kind for kind in KINDS if kind != "findings" or sees_findings(role)]
    words = _words(row, "kinds") if "kinds" in row.values else may
    for word in words:
        if word not in KINDS:
            row.fail(f"must be of {', '.join(KINDS)}", "kinds")
        if word not in may:
            row.fail(f"role {role} may not open Radar, so it has no findings")
    return frozenset(kind for kind in may if kind in words)


def _quiet(row: Row) -> QuietHours | None:
    zone = row.zone("zone")
    if "quiet" not in row.values:
        return None
    hours = _QUIET.fullmatch(row.word("quiet"))
    if not hours or hours[1] == hours[2]:
        row.fail("must be two times of day such as 22:00-07:00", "quiet")
    return QuietHours(time.fromisoformat(hours[1]), time.fromisoformat(hours[2]), zone)


def _words(row: Row, key: str) -> list[str]:
    value = row.values.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        row.fail("must be a list of texts", key)
    return [each.strip() for each in value]


@dataclass(frozen=True)
class _Addresses:
    """Where addresses are looked for that stand in variables or files."""

    variable: Variable
    folder: Path

    def url(self, row: Row) -> str:
        given = [word for word in _ADDRESSES if word in row.values]
        if len(given) != 1:
            row.fail(f"give one of {', '.join(_ADDRESSES)}")
        (source,) = given
        value = row.word(source)
        if source == "url_env":
            found = self.variable(value)
            if not found:
                row.fail(f"names {value}, which is not set", source)
            value = found
        elif source == "url_file":
            path = self.folder / Path(value).expanduser()
            try:
                value = operator_files.read(path, largest=_LARGEST_SECRET)
            except UnreadableTextError as error:
                row.fail(f"names {path}, which {str(error).rstrip('.')}", source)
        value = value.strip()
        if not value.isprintable() or not _SCHEME.match(value):
            row.fail("is no address such as slack://… or mailto://…, on one line", source)
        return value


def sees_findings(role: Role) -> bool:
    """Whether a role may open Radar, and so be told of what it finds."""
    return may_open(Viewer("", frozenset({role})), "radar")
