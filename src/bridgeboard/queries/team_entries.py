"""How the entries of the teams file fit the people of the store."""

from typing import Final

UNMATCHED: Final = """
SELECT DISTINCT username FROM memberships
WHERE username NOT IN (SELECT coalesce(member, lower(username)) FROM initiators)
ORDER BY username"""
RENAMED: Final = """
SELECT i.username, i.member FROM initiators i JOIN former_names f
    ON f.initiator = i.initiator AND f.username = i.member ORDER BY i.username, i.member"""
DISPLACED: Final = "SELECT username FROM initiators WHERE member = '' ORDER BY username"
TEAMLESS: Final = """
SELECT username FROM initiators WHERE coalesce(member, lower(username)) NOT IN (
    SELECT username FROM memberships WHERE valid_from <= $1 AND valid_to > $1)
ORDER BY username"""
"""Takes one parameter: the time, as the tables hold it."""
