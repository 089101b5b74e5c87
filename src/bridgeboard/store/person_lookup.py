"""Finds people of a store by their id, or by any user name that they had."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bridgeboard.store.database import Store
from bridgeboard.store.reader import Reader

# Also whoever used nothing, and is only a member of one of Coder's groups.
_PEOPLE: Final = """
WITH seen AS (
    SELECT person AS id, username, read_at FROM coder_member_spend
    UNION ALL BY NAME SELECT person AS id FROM coder_members
    UNION ALL BY NAME SELECT person AS id FROM coder_main_groups),
known AS (
    SELECT initiator, id, username, name FROM initiators
    UNION ALL
    SELECT NULL, id, coalesce(arg_max(username, read_at), ''), '' FROM seen
    WHERE id NOT IN (SELECT id FROM initiators) GROUP BY id),
names AS (
    SELECT i.id, f.username FROM former_names f JOIN initiators i USING (initiator)
    UNION SELECT id, lower(username) FROM seen WHERE username IS NOT NULL)
SELECT k.initiator, k.id::VARCHAR, k.username, k.name,
    list(n.username ORDER BY n.username) FILTER (n.username <> lower(k.username))
FROM known k LEFT JOIN names n USING (id) {where}
GROUP BY ALL ORDER BY 2
"""
_CALLED: Final = """
WHERE k.id::VARCHAR = lower($1) OR lower(k.username) = lower($1)
    OR k.id IN (SELECT id FROM names WHERE username = lower($1))
"""


@dataclass(frozen=True)
class Somebody:
    """A person of the store.

    Attributes:
        key: ours; None of who used nothing, and is only a member of one of Coder's groups.
        id: theirs at the deployment; a made-up one once they were erased.
        username: how they log in there; empty if unknown.
        name: what they are called; empty if unknown.
        former: user names that they had before, in lower case.
    """

    key: int | None
    id: str
    username: str
    name: str
    former: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What messages call them."""
        return self.username or self.id


def people_called(reader: Reader | Store, name: str) -> list[Somebody]:
    """The people with this id, or else with this user name, which several may have had."""
    every = people(reader, _CALLED, [name.strip()]) if name.strip() else []
    return [one for one in every if one.id == name.strip().lower()] or every


def people(reader: Reader | Store, where: str = "", values: Sequence[str] = ()) -> list[Somebody]:
    """The people of a store, or those that a condition leaves."""
    rows = reader.rows(_PEOPLE.format(where=where), values)
    return [
        Somebody(key, id_, username, called, tuple(former or ()))
        for key, id_, username, called, former in rows
    ]
