"""Reads the operator's file of recipients: who is told of what, and where (docs/alerts.md)."""

import os
import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from typing import Any, Final, NoReturn
from zoneinfo import ZoneInfo

from bridgeboard import operator_files
from bridgeboard.access import Role, RowAccess, Viewer, may_open, row_access_of
from bridgeboard.alerts.rules import KINDS, Kind, QuietHours
from bridgeboard.operator_files import UnreadableTextError

Variable = Callable[[str], str]
"""Name of an environment variable → its value; empty where it is not set."""

LONGEST_NAME: Final = 80
LATE_HOURS: Final = 2
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LARGEST_SECRET: Final = 65_536
_ADDRESSES: Final = ("url", "url_file", "url_env")
_FIELDS: Final = ("name", *_ADDRESSES, "role", "teams", "kinds", "quiet", "zone")
_TABLE: Final = re.compile(r"\s*\[\[\s*[\"']?recipient[\"']?\s*\]\]")
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
    try:
        text = operator_files.read(path)
    except UnreadableTextError as error:
        raise RecipientsFileError(f"{path} {str(error).rstrip('.')}.") from error
    read = parse(text, name=str(path), variable=variable, folder=path.parent)
    has_addresses = re.search(r"(?m)^\s*[\"']?url[\"']?\s*=", text)
    if has_addresses and os.name != "nt" and path.stat().st_mode & _OTHERS:
        raise RecipientsFileError(
            f"{path} holds addresses, which are secrets, and other users may read it. Run:"
            f" chmod 600 {path}"
        )
    return read


def parse(text: str, *, name: str, variable: Variable, folder: Path = Path()) -> Recipients:
    """Check the text of such a file, in the order of its lines. Raises RecipientsFileError."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipientsFileError(f"{name}: not valid TOML: {error}.") from None
    numbered = enumerate(text.splitlines(), 1)
    lines = [line for line, content in numbered if _TABLE.match(content)]
    rows = tree.pop("recipient", [])
    hours = tree.pop("late_sync_hours", LATE_HOURS)
    if tree or not isinstance(rows, list) or len(rows) != len(lines):
        raise RecipientsFileError(
            f"{name}: holds late_sync_hours, [[recipient]] tables and nothing else."
        )
    if not isinstance(hours, int | float) or isinstance(hours, bool) or not 0 < hours <= 8_760:  # noqa: PLR2004 - a year
        raise RecipientsFileError(f"{name}: 'late_sync_hours' must be a number of hours above 0.")
    places = [_Place(name, line, folder, variable) for line in lines]
    recipients = tuple(place.recipient(row) for place, row in zip(places, rows, strict=True))
    seen: dict[str, int] = {}
    for place, one in zip(places, recipients, strict=True):
        if first := seen.get(one.name.casefold()):
            place.fail(f"{one.name!r} is the recipient of line {first} already")
        seen[one.name.casefold()] = place.line
    return Recipients(recipients, timedelta(hours=hours))


@dataclass(frozen=True)
class _Place:
    """A table of the file: where it stands, and where its addresses are looked for."""

    file: str
    line: int
    folder: Path
    variable: Variable

    def fail(self, problem: str) -> NoReturn:
        raise RecipientsFileError(f"{self.file}, line {self.line}: {problem}.") from None

    def recipient(self, row: Mapping[str, Any]) -> Recipient:
        unknown = [word for word in row if word not in _FIELDS]
        if unknown:
            self.fail(f"{unknown[0]!r} is unknown; there are {', '.join(_FIELDS)}")
        name = " ".join(self.word(row, "name").split())
        if len(name) > LONGEST_NAME or not name.isprintable():
            self.fail(f"'name' has at most {LONGEST_NAME} characters, on one line")
        role = self.role(row)
        teams = tuple(sorted(set(self.words(row, "teams"))))
        if bool(teams) != (role is Role.LEAD):
            self.fail("a lead needs 'teams', and nobody else has any")
        kinds = self.kinds(row, role)
        return Recipient(name, self.url(row), role, teams, kinds, self.quiet(row))

    def role(self, row: Mapping[str, Any]) -> Role:
        roles = [role for role in Role if role is not Role.SELF]
        word = self.word(row, "role") if "role" in row else Role.VIEWER
        if word not in roles:
            self.fail(f"'role' must be one of {', '.join(roles)}")
        return Role(word)

    def kinds(self, row: Mapping[str, Any], role: Role) -> frozenset[Kind]:
        may = [kind for kind in KINDS if kind != "findings" or sees_findings(role)]
        if "kinds" not in row:
            return frozenset(may)
        words = self.words(row, "kinds")
        for word in words:
            if word not in KINDS:
                self.fail(f"'kinds' must be of {', '.join(KINDS)}")
            if word not in may:
                self.fail(f"role {role} may not open Radar, so it has no findings")
        return frozenset(kind for kind in may if kind in words)

    def url(self, row: Mapping[str, Any]) -> str:
        given = [word for word in _ADDRESSES if word in row]
        if len(given) != 1:
            self.fail(f"give one of {', '.join(_ADDRESSES)}")
        (source,) = given
        value = self.word(row, source)
        if source == "url_env":
            found = self.variable(value)
            if not found:
                self.fail(f"'url_env' names {value}, which is not set")
            value = found
        elif source == "url_file":
            path = self.folder / Path(value).expanduser()
            try:
                value = operator_files.read(path, largest=_LARGEST_SECRET)
            except UnreadableTextError as error:
                self.fail(f"'url_file' names {path}, which {str(error).rstrip('.')}")
        value = value.strip()
        if not value.isprintable() or not _SCHEME.match(value):
            self.fail(f"{source!r} is no address such as slack://… or mailto://…, on one line")
        return value

    def quiet(self, row: Mapping[str, Any]) -> QuietHours | None:
        zone = self.word(row, "zone") if "zone" in row else "UTC"
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            self.fail("'zone' must be a time zone such as Europe/Berlin")
        if "quiet" not in row:
            return None
        hours = _QUIET.fullmatch(self.word(row, "quiet"))
        if not hours or hours[1] == hours[2]:
            self.fail("'quiet' must be two times of day such as 22:00-07:00")
        return QuietHours(time.fromisoformat(hours[1]), time.fromisoformat(hours[2]), zone)

    def word(self, row: Mapping[str, Any], key: str) -> str:
        value = row.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fail(f"{key!r} must be a non-empty text")
        return value.strip()

    def words(self, row: Mapping[str, Any], key: str) -> list[str]:
        value = row.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
            self.fail(f"{key!r} must be a list of texts")
        return [each.strip() for each in value]


def sees_findings(role: Role) -> bool:
    """Whether a role may open Radar, and so be told of what it finds."""
    return may_open(Viewer("", frozenset({role})), "radar")
