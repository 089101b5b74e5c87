"""Which entries of the teams file mean whom, which mean nobody, and who is in no team.

An entry names a person by id or by user name. A user name that somebody was renamed from still
means that person, whoever has it now, as long as no entry says who they are by their id or their
present name.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bridgeboard.store.reader import Reader

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


@dataclass(frozen=True)
class Matching:
    """How the entries of the teams file fit the people of the store.

    Attributes:
        unmatched: entries that mean nobody, as the file names them, sorted.
        renamed: present user name → the name in the file by which the person is meant.
        displaced: people whose user name an entry has, but who are not meant by it, as somebody
            else was called so before.
        teamless: user names of people who are in no team at the time, sorted.
    """

    unmatched: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    displaced: tuple[str, ...] = ()
    teamless: tuple[str, ...] = ()


def matching(reader: Reader, now: datetime) -> Matching:
    """How the teams file fits the people who are known; ``now`` is aware."""
    at = now.astimezone(UTC).replace(tzinfo=None)
    return Matching(
        tuple(name for (name,) in reader.rows(_UNMATCHED)),
        tuple((name, entry) for name, entry in reader.rows(_RENAMED)),
        tuple(name for (name,) in reader.rows(_DISPLACED)),
        tuple(name for (name,) in reader.rows(_TEAMLESS, [at])),
    )


_UNMATCHED: Final = """
SELECT DISTINCT username FROM memberships
WHERE username NOT IN (SELECT coalesce(member, lower(username)) FROM initiators)
ORDER BY username"""
_RENAMED: Final = """
SELECT i.username, i.member FROM initiators i JOIN former_names f
    ON f.initiator = i.initiator AND f.username = i.member ORDER BY ALL"""
_DISPLACED: Final = "SELECT username FROM initiators WHERE member = '' ORDER BY username"
_TEAMLESS: Final = """
SELECT i.username FROM initiators i ANTI JOIN memberships m
    ON m.username = coalesce(i.member, lower(i.username)) AND m.valid_from <= $1 AND m.valid_to > $1
ORDER BY i.username"""
