"""Brings teams into the store: of the operator's file, or else of the groups of Coder."""

from collections.abc import Sequence

from bridgeboard import teams
from bridgeboard.model.coder_groups import TEAMS, TeamsNote
from bridgeboard.settings import Settings
from bridgeboard.store import Store, coder_groups, people
from bridgeboard.teams import GroupTeams, Membership


def put_teams(opened: Store, settings: Settings) -> None:
    """Write who is in which team, and where that comes from, if either has changed.

    Raises:
        TeamsFileError: for a teams file that cannot be read.
    """
    members, note = _teams(opened, settings)
    people.put_memberships(opened, members)
    if opened.meta(TEAMS) != note.text:
        with opened.write() as batch:
            batch.set_meta(TEAMS, note.text)


def of_file(settings: Settings) -> Sequence[Membership]:
    """The memberships of the settings' file, none without one. Raises TeamsFileError."""
    return teams.load(settings.teams_path) if settings.teams_path else ()


def _teams(opened: Store, settings: Settings) -> tuple[Sequence[Membership], TeamsNote]:
    if settings.teams_path:
        members = of_file(settings)
        return members, TeamsNote("file", len({one.team for one in members}))
    if settings.teams_from == "none":
        return (), TeamsNote("none")
    made = _of_groups(opened, settings)
    return made.members, TeamsNote("groups", made.teams, len(made.undecided), made.unknown)


def _of_groups(opened: Store, settings: Settings) -> GroupTeams:
    words = (word.strip() for word in settings.team_groups.split(","))
    with opened.snapshot() as reader:
        return teams.from_groups(
            coder_groups.groups(reader),
            coder_groups.stays(reader, "coder_members"),
            coder_groups.stays(reader, "coder_main_groups"),
            [word for word in words if word],
        )
