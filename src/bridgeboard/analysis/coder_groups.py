"""What is known of Coder's groups, in sentences: where teams come from, what was not read."""

from collections.abc import Iterator
from typing import Final

from bridgeboard import formats
from bridgeboard.model.coder_groups import READING, TEAMS, LastReading, Part, Problem, TeamsNote
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
    if note.undecided:
        people = formats.plural(note.undecided, "person is", "people are")
        yield (
            f"{people} in several groups of which none sets a budget, and so Unassigned: name the"
            " groups that are teams in team_groups, the first ones before others"
        )
    if note.unknown:
        names = ", ".join(map(formats.line, note.unknown))
        yield f"team_groups names what is no group, or more than one: {names}"


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
