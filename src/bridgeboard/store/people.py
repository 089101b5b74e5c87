"""Writes people (initiators), which teams they were in and when, and whom the teams file means.

An entry names a person by id or by user name. A user name that somebody was renamed from still
means that person, whoever has it now, as long as no entry says who they are by their id or their
present name.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Protocol

import pyarrow as pa

from bridgeboard.model.times import stored
from bridgeboard.store.database import Store
from bridgeboard.store.reader import Batch, Reader

WHO_IS_MEANT: Final = """
WITH entries AS (SELECT DISTINCT username FROM memberships),
present AS (
    SELECT initiator, CASE WHEN id::VARCHAR IN (FROM entries) THEN id::VARCHAR END AS id,
        lower(username) AS username
    FROM initiators),
renamed AS (
    SELECT f.username, arg_min(f.initiator, f.rowid) AS initiator, min(f.rowid) AS place
    FROM former_names f JOIN entries USING (username) JOIN present p ON p.initiator = f.initiator
    WHERE p.id IS NULL AND p.username NOT IN (FROM entries) GROUP BY f.username),
meant AS (
    SELECT p.initiator, coalesce(
        p.id,
        (SELECT arg_max(r.username, r.place) FROM renamed r WHERE r.initiator = p.initiator),
        CASE WHEN p.username IN (SELECT username FROM renamed) THEN '' END) AS member
    FROM present p)
UPDATE initiators i SET member = m.member FROM meant m
WHERE m.initiator = i.initiator AND i.member IS DISTINCT FROM m.member
"""
"""Writes into ``initiators.member`` by which entry each person is meant."""


_MATCH: Final = """
SELECT t.*, i.initiator, (i.username, i.name) IS DISTINCT FROM (t.username, t.name) AS changed
FROM given_people t LEFT JOIN initiators i ON i.id = t.id::UUID
ORDER BY t.id
"""
_UPDATE: Final = """
UPDATE initiators i SET username = t.username, name = t.name
FROM given_people t WHERE i.initiator = t.initiator
"""
_REMEMBER: Final = """
INSERT INTO former_names
SELECT i.initiator, lower(i.username) FROM given_people t JOIN initiators i USING (initiator)
WHERE lower(i.username) <> lower(t.username)
    AND (i.initiator, lower(i.username)) NOT IN (SELECT (initiator, username) FROM former_names)
"""
_INSERT: Final = (
    "INSERT INTO initiators BY NAME SELECT initiator, id, username, name FROM given_people"
)


_BY_USERNAME: Final = """
SELECT lower(username), any_value(id::VARCHAR) FROM initiators GROUP BY ALL HAVING count(*) = 1
"""


def ids_by_username(reader: Reader | Store) -> dict[str, str]:
    """The ids of people by their user names, in lower case; none of a name that several have.

    A reader's own rows are those of the same person (``row_relations``).
    """
    return dict(reader.rows(_BY_USERNAME))


def initiators(batch: Batch, named: pa.Table) -> dict[str, int]:
    """The keys of people, who are written if they are new or have other names now.

    Args:
        batch: what to write into.
        named: ``id`` (UUID as text), ``username``, ``name`` ('' for none); the first row of
            several of one id counts.
    """
    with batch.registered(given_people=_distinct(named)):
        people = batch.table(_MATCH)
    known = people["initiator"].to_pylist()
    fresh = iter(batch.take_keys("initiators", known.count(None)))
    keys = [next(fresh) if key is None else key for key in known]
    place = people.schema.get_field_index("initiator")
    keyed = people.set_column(place, "initiator", pa.array(keys, pa.int32()))
    is_new = pa.array([key is None for key in known], pa.bool_())
    _write(batch, keyed.filter(is_new), _INSERT)
    renamed = keyed.filter(pa.compute.and_not(people["changed"], is_new))
    _write(batch, renamed, _REMEMBER)
    _write(batch, renamed, _UPDATE)
    if renamed.num_rows or any(key is None for key in known):
        batch.keep(WHO_IS_MEANT)
    return dict(zip(keyed["id"].to_pylist(), keys, strict=True))


def _distinct(named: pa.Table) -> pa.Table:
    ids = {id_: place for place, id_ in reversed(list(enumerate(named["id"].to_pylist())))}
    return named.take(pa.array(sorted(ids.values()), pa.int64()))


def _write(batch: Batch, people: pa.Table, statement: str) -> None:
    if people.num_rows:
        with batch.registered(given_people=people):
            batch.execute(statement)


ALWAYS: Final = (datetime(1900, 1, 1), datetime(3000, 1, 1))  # noqa: DTZ001  # the store's times have no zone
"""From when to when a membership without beginning and end is valid."""
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
    return member.key.lower(), member.team, since or ALWAYS[0], until or ALWAYS[1]
