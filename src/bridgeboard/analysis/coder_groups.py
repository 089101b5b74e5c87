"""What is known of Coder's groups, in sentences: where teams come from, what was not read."""

from collections.abc import Iterator
from typing import Final

from bridgeboard import formats
from bridgeboard.model.coder_groups import (
    READING,
    TEAMS,
    LastReading,
    LoginGap,
    Part,
    Problem,
    TeamsNote,
)
from bridgeboard.model.store import Rows

_WHY: Final[dict[Problem, str]] = {
    "forbidden": "this token may not read them",
    "unlicensed": "the deployment has no licence for them (Premium)",
    "switched_off": "the experiment ai-gateway-cost-control is off on the server",
    "too_old": "this version of Coder does not have them",
    "partial": "this token sees only some of them",
    "failed": "the server did not answer as it should",
}
_WHAT: Final[dict[Part, str]] = {
    "groups": "Coder's groups",
    "budgets": "Coder's budgets",
    "spend": "The amounts that Coder counts as spent",
}
_GAPS: Final[dict[LoginGap, str]] = {
    "no_login": "here nobody logs in, as neither [login] nor [proxy] is configured: dashboards that"
    " share the state database tell them, or nobody does",
    "no_username": "nothing tells who somebody is at Coder: name the claim or header that holds the"
    " user name, or set email_as_username",
    "no_groups": "nothing tells groups: name the claim or header that lists them",
    "state": "the state database cannot be read, so everybody is Unassigned",
}
_UNKNOWN: Final[dict[str, str]] = {
    "groups": "what is no group, or more than one",
    "login": "groups that no login told of these people",
}


def why(problem: Problem) -> str:
    """Why something of Coder is not known, as the end of a sentence."""
    return _WHY[problem]


def team_sentences(reader: Rows) -> Iterator[str]:
    """Where teams come from, how many there are, and why people may be in none."""
    note = TeamsNote.of(reader.meta(TEAMS))
    if note is None or note.source == "file":
        return
    if note.source == "none":
        yield "Teams: none, as teams_from says; everybody is Unassigned"
        return
    yield from (_of_logins(note) if note.source == "login" else _of_coder(reader, note))
    if note.undecided:
        people = formats.plural(note.undecided, "person is", "people are")
        which = "of which none sets a budget, " if note.source == "groups" else ""
        yield (
            f"{people} in several groups {which}and so Unassigned: name the"
            " groups that are teams in team_groups, the first ones before others"
        )
    if note.unknown:
        names = ", ".join(map(formats.line, note.unknown))
        yield f"team_groups names {_UNKNOWN[note.source]}: {names}"


def _of_logins(note: TeamsNote) -> Iterator[str]:
    if note.gap:
        yield f"Teams: from the groups that logins tell; {_GAPS[note.gap]}"
    if note.people:
        people = formats.plural(note.people, "person", "people")
        yield (
            f"Teams: {_teams(note.teams)} from the groups that logins told of {people}; whoever has"
            " not come to Bridgeboard since teams_from says so is Unassigned, and before somebody's"
            " first login they count as in the team of that login"
        )
    elif not note.gap:
        yield (
            "Teams: from the groups that logins tell; so far nobody came in by a user name of"
            " somebody who has used the AI Bridge, so everybody is Unassigned"
        )
    if note.strangers:
        names = formats.plural(note.strangers, "user name", "user names")
        yield (
            f"{names} that logins told: nobody's who has used the AI Bridge, or several people's,"
            " and so in no team"
        )
    if note.is_open:
        yield (
            "Any group makes a team, as team_groups names none: whoever can make groups at the"
            " provider, or put people into them, can let a lead see these people's rows. Name the"
            " groups that are teams in team_groups"
        )


def _of_coder(reader: Rows, note: TeamsNote) -> Iterator[str]:
    last = LastReading.of(reader.meta(READING))
    problem = last.problem("groups")
    if last.tried_at is None:
        yield "Teams: from Coder's groups, which the next sync reads"
    elif problem and last.complete_at is None and not note.teams:
        yield f"Teams: from Coder's groups; {why(problem)}, so everybody is Unassigned"
    elif problem:
        known = f"as of {last.complete_at:%Y-%m-%d %H:%M} UTC" if last.complete_at else "in part"
        yield f"Teams: {_teams(note.teams)} from Coder's groups, {known}; {why(problem)}"
    else:
        yield (
            f"Teams: {_teams(note.teams)} from Coder's groups; before these were first read,"
            " everybody counts as in the team of that reading"
        )


def reading_sentences(reader: Rows) -> Iterator[str]:
    """What of Coder's budgets and spend could not be read, and why; nothing where all was."""
    last = LastReading.of(reader.meta(READING))
    for part in ("budgets", "spend"):
        problem = last.problem(part)
        if problem and problem != last.problem("groups"):
            yield f"{_WHAT[part]}: not known; {why(problem)}"
    if last.detail:
        yield f"The server said: {formats.line(last.detail)}"


def _teams(count: int) -> str:
    return formats.plural(count, "team")
