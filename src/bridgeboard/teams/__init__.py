"""Who is in which team, and when: by the operator's file, or by groups of Coder or of logins."""

from bridgeboard.teams.file import UNASSIGNED, Membership, TeamsFileError, load, parse
from bridgeboard.teams.groups import GroupTeams, from_groups
from bridgeboard.teams.logins import Told, from_logins

__all__ = [
    "UNASSIGNED",
    "GroupTeams",
    "Membership",
    "TeamsFileError",
    "Told",
    "from_groups",
    "from_logins",
    "load",
    "parse",
]
