"""Which person each entry of the teams file means.

An entry names a person by id or by user name. A user name that somebody was renamed from still
means that person, whoever has it now, as long as no entry says who they are by their id or their
present name.
"""

from typing import Final

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
