"""Brings teams into the store: of the operator's file, or of groups of Coder or of logins."""

import logging
from collections.abc import Sequence
from datetime import datetime

from bridgeboard import access, teams
from bridgeboard.model.coder_groups import TEAMS, LoginGap, TeamsNote
from bridgeboard.runtime import state_files
from bridgeboard.settings import Settings
from bridgeboard.state import StateError
from bridgeboard.store import Store, coder_groups, people
from bridgeboard.teams import GroupTeams, Membership, Told

log = logging.getLogger(__name__)


def put_teams(opened: Store, settings: Settings) -> None:
    """Write who is in which team, and where that comes from, if either has changed.

    Raises:
        TeamsFileError: for a teams file that cannot be read.
    """
    try:
        members, note = _teams(opened, settings)
    except StateError as error:
        # Usage is synced all the same, and who was in which team is as it was.
        log.warning("What logins told of groups cannot be read. %s", error)
        before = TeamsNote.of(opened.meta(TEAMS))
        if before and before.source == "login":
            return
        members, note = (), TeamsNote("login", gap="state")
    people.put_memberships(opened, members)
    if opened.meta(TEAMS) != note.text:
        with opened.write() as batch:
            batch.set_meta(TEAMS, note.text)


def of_file(settings: Settings) -> Sequence[Membership]:
    """The memberships of the settings' file, none without one. Raises TeamsFileError."""
    return teams.load(settings.teams_path) if settings.teams_path else ()


def forget_ended(settings: Settings, before: datetime) -> None:
    """Delete what logins told of groups and had ended by a time; a failure is logged."""
    try:
        state_files.login_groups(settings).forget_ended(before)
    except StateError as error:
        log.warning("What logins told of groups long ago cannot be deleted. %s", error)


def _teams(opened: Store, settings: Settings) -> tuple[Sequence[Membership], TeamsNote]:
    if settings.teams_path:
        members = of_file(settings)
        return members, TeamsNote("file", len({one.team for one in members}))
    if settings.teams_from == "none":
        return (), TeamsNote("none")
    if settings.teams_from == "login":
        return _of_logins(opened, settings)
    made = _of_groups(opened, settings)
    return made.members, TeamsNote("groups", made.teams, len(made.undecided), made.unknown)


def _of_groups(opened: Store, settings: Settings) -> GroupTeams:
    with opened.snapshot() as reader:
        return teams.from_groups(
            coder_groups.groups(reader),
            coder_groups.stays(reader, "coder_members"),
            coder_groups.stays(reader, "coder_main_groups"),
            _named(settings),
        )


def _of_logins(opened: Store, settings: Settings) -> tuple[Sequence[Membership], TeamsNote]:
    """Teams of the people whom a login's user name means, as it does where they see their own."""
    with opened.snapshot() as reader:
        ids = people.ids_by_username(reader)
    told: dict[str, list[Told]] = {}
    strangers: set[str] = set()
    for one in state_files.login_groups(settings).readings():
        if one.username in ids:
            groups = {access.folded(name): name for name in one.groups}
            told.setdefault(ids[one.username], []).append(Told(one.told_at, groups))
        else:
            strangers.add(one.username)
    named: dict[str, str] = {}
    for word in _named(settings):
        named.setdefault(access.folded(word), word)
    made = teams.from_logins(told, named)
    note = TeamsNote(
        "login",
        made.teams,
        len(made.undecided),
        made.unknown,
        people=len(told),
        strangers=len(strangers),
        gap=_gap(settings),
        is_open=bool(settings.leads) and not named,
    )
    return made.members, note


def _gap(settings: Settings) -> LoginGap:
    if not settings.guarded:
        return "no_login"
    if settings.proxy.configured:
        headers = settings.proxy.headers
        username, groups, by_email = headers.username, headers.groups, headers.local_part
        by_email = by_email and bool(headers.email)
    else:
        claims = settings.login.claims
        username, groups, by_email = claims.username, claims.groups, claims.local_part
    if not username and not by_email:
        return "no_username"
    return "" if groups else "no_groups"


def _named(settings: Settings) -> list[str]:
    """The groups that ``team_groups`` names, in its order."""
    words = (word.strip() for word in settings.team_groups.split(","))
    return [word for word in words if word]
