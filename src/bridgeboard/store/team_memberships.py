"""Writes team memberships: who was in which team, and when."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Protocol

import pyarrow as pa

from bridgeboard.model.timestamps import stored
from bridgeboard.store.database import Store
from bridgeboard.store.team_entries import WHO_IS_MEANT

_ALWAYS: Final = (datetime(1900, 1, 1), datetime(3000, 1, 1))  # noqa: DTZ001  # the store's times have no zone
_SCHEMA: Final = pa.schema(
    {
        "username": pa.string(),
        "team": pa.string(),
        "valid_from": pa.timestamp("us"),
        "valid_to": pa.timestamp("us"),
    }
)


class Member(Protocol):
    """Somebody in a team for a while: aware times, half-open, None is without end."""

    @property
    def key(self) -> str:
        """The person's id, or their user name in whatever case."""

    @property
    def team(self) -> str:
        """The team's name."""

    @property
    def valid_from(self) -> datetime | None:
        """The first moment."""

    @property
    def valid_to(self) -> datetime | None:
        """The first moment after."""


def put_memberships(store: Store, members: Iterable[Member]) -> bool:
    """Make these all the memberships there are; whether that changed anything.

    Whoever the store knows by id, or by a name that they had before, is meant by it.
    """
    wanted = sorted(_row(member) for member in members)
    if store.rows("SELECT * FROM memberships ORDER BY ALL") == wanted:
        return False
    rows = [dict(zip(_SCHEMA.names, row, strict=True)) for row in wanted]
    given = pa.Table.from_pylist(rows, schema=_SCHEMA)
    with store.write() as batch, batch.registered(given=given):
        batch.execute("DELETE FROM memberships")
        batch.execute("INSERT INTO memberships BY NAME SELECT * FROM given")
        batch.execute(WHO_IS_MEANT)
    return True


def _row(member: Member) -> tuple[str, str, datetime, datetime]:
    since, until = stored(member.valid_from), stored(member.valid_to)
    return member.key.lower(), member.team, since or _ALWAYS[0], until or _ALWAYS[1]
