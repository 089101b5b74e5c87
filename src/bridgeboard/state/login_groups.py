"""In which groups people were, as their logins or the proxy told it, from when to when.

A row says from when on somebody was in these groups; it holds until their next one. Only what has
changed is written. Readings may come in any order, as a login that is some days old tells what was
so when it began.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, select

from bridgeboard.state.database import Database
from bridgeboard.state.schema import LOGIN_GROUPS

MOST_A_DAY: Final = 24
"""Changes of one person that are kept of a day: proxies that contradict each other change much."""
_TABLE: Final = LOGIN_GROUPS.c


@dataclass(frozen=True)
class Reading:
    """What a login told of somebody.

    Attributes:
        username: theirs at the deployment, in lower case.
        told_at: when the login began, or the proxy was asked; aware.
        groups: those that they were in then, sorted.
    """

    username: str
    told_at: datetime
    groups: tuple[str, ...]


class LoginGroups:
    """The groups of people that logins have told.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, username: str, groups: Collection[str], at: datetime) -> bool:
        """Keep what a login told of somebody; whether that was new. Raises StateError.

        Args:
            username: theirs at the deployment, in any case; not empty.
            groups: those that they are in.
            at: when the login began, or the proxy was asked; aware.
        """
        reading = Reading(username.lower(), at, tuple(sorted(set(groups))))
        mine = _TABLE.username == reading.username
        with self._database.reading() as connection:
            if not _is_new(_readings(connection, mine), reading):
                return False
        with self._database.writing() as connection:
            known = _readings(connection, mine)
            if not _is_new(known, reading):
                return False
            gone = [one.told_at for one in _replaced(known, reading)]
            connection.execute(delete(LOGIN_GROUPS).where(mine, _TABLE.told_at.in_(gone)))
            row = {"told_at": at, "names": json.dumps(reading.groups)}
            connection.execute(insert(LOGIN_GROUPS).values(username=reading.username, **row))
        return True

    def readings(self, usernames: Collection[str] | None = None) -> list[Reading]:
        """All that is kept, or only of people of these names, oldest first. Raises StateError."""
        which = [] if usernames is None else [_among(usernames)]
        with self._database.reading() as connection:
            return _readings(connection, *which)

    def forget(self, usernames: Collection[str]) -> int:
        """Delete what is kept of people of these names; how many rows. Raises StateError."""
        return self._delete(_among(usernames))

    def forget_ended(self, before: datetime) -> int:
        """Delete what had ended by a time; how many rows. Raises StateError."""
        later = LOGIN_GROUPS.alias()
        return self._delete(
            exists().where(
                later.c.username == _TABLE.username,
                later.c.told_at > _TABLE.told_at,
                later.c.told_at <= before,
            )
        )

    def _delete(self, which: ColumnElement[bool]) -> int:
        with self._database.reading() as connection:
            if connection.execute(select(_TABLE.username).where(which).limit(1)).first() is None:
                return 0
        with self._database.writing() as connection:
            return connection.execute(delete(LOGIN_GROUPS).where(which)).rowcount


def _among(usernames: Iterable[str]) -> ColumnElement[bool]:
    return _TABLE.username.in_({name.lower() for name in usernames})


def _readings(connection: Connection, *which: ColumnElement[bool]) -> list[Reading]:
    rows = select(LOGIN_GROUPS).where(*which).order_by(_TABLE.told_at, _TABLE.username)
    return [
        Reading(row.username, row.told_at, tuple(json.loads(row.names)))
        for row in connection.execute(rows)
    ]


def _is_new(known: Sequence[Reading], reading: Reading) -> bool:
    """Whether a reading says something else than what is known of its time."""
    before = [one for one in known if one.told_at <= reading.told_at]
    if not before:
        return True
    return reading.groups != before[-1].groups and reading.told_at != before[-1].told_at


def _replaced(known: Sequence[Reading], reading: Reading) -> list[Reading]:
    """The readings that are not kept beside a new one: the same of later, and too many of a day."""
    later = [one for one in known if one.told_at > reading.told_at]
    same = later[:1] if later and later[0].groups == reading.groups else []
    # The first one of all tells of the time before it, and stays.
    earlier = [one for one in known[1:] if one.told_at < reading.told_at]
    of_day = [one for one in earlier if one.told_at.date() == reading.told_at.date()]
    return same + (of_day if len(of_day) >= MOST_A_DAY else [])
