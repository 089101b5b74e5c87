"""Who is in which team, and when: by the operator's file, or by the groups of Coder."""

from bridgeboard.teams.file import UNASSIGNED, Membership, TeamsFileError, load, parse
from bridgeboard.teams.groups import GroupTeams, from_groups

__all__ = [
    "UNASSIGNED",
    "GroupTeams",
    "Membership",
    "TeamsFileError",
    "from_groups",
    "load",
    "parse",
]
