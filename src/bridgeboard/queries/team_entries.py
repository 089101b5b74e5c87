"""How the entries of the teams file fit the people of the store."""

from typing import Final

UNMATCHED: Final = """
SELECT DISTINCT username FROM memberships
WHERE username NOT IN (SELECT coalesce(member, lower(username)) FROM initiators)
ORDER BY username"""
RENAMED: Final = """
SELECT i.username, i.member FROM initiators i JOIN former_names f
    ON f.initiator = i.initiator AND f.username = i.member ORDER BY ALL"""
DISPLACED: Final = "SELECT username FROM initiators WHERE member = '' ORDER BY username"
TEAMLESS: Final = """
SELECT i.username FROM initiators i ANTI JOIN memberships m
    ON m.username = coalesce(i.member, lower(i.username)) AND m.valid_from <= $1 AND m.valid_to > $1
ORDER BY i.username"""
"""Takes one parameter: the time, as the tables hold it."""
