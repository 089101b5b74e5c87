"""Writes initiators: the people whose requests are stored."""

from typing import Final

import pyarrow as pa

from bridgeboard.store.reader import Batch
from bridgeboard.store.team_entries import WHO_IS_MEANT

_MATCH: Final = """
SELECT t.*, i.initiator, (i.username, i.name) IS DISTINCT FROM (t.username, t.name) AS changed
FROM people_told t LEFT JOIN initiators i ON i.id = t.id::UUID
ORDER BY t.id
"""
_UPDATE: Final = """
UPDATE initiators i SET username = t.username, name = t.name
FROM people_told t WHERE i.initiator = t.initiator
"""
_REMEMBER: Final = """
INSERT INTO former_names
SELECT i.initiator, lower(i.username) FROM people_told t JOIN initiators i USING (initiator)
WHERE lower(i.username) <> lower(t.username)
    AND (i.initiator, lower(i.username)) NOT IN (SELECT (initiator, username) FROM former_names)
"""
_INSERT: Final = (
    "INSERT INTO initiators BY NAME SELECT initiator, id, username, name FROM people_told"
)


def initiators(batch: Batch, named: pa.Table) -> dict[str, int]:
    """The keys of people, who are written if they are new or have other names now.

    Args:
        batch: what to write into.
        named: ``id`` (UUID as text), ``username``, ``name`` ('' for none); the first row of
            several of one id counts.
    """
    with batch.registered(people_told=_distinct(named)):
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
        with batch.registered(people_told=people):
            batch.execute(statement)
