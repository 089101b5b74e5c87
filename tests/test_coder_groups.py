"""What is said of Coder's groups and of teams made of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import get_args

import pytest

from bridgeboard.analysis import coder_groups
from bridgeboard.model.coder_groups import (
    READING,
    TEAMS,
    LastReading,
    LoginGap,
    Part,
    Problem,
    TeamsNote,
)

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Settings(dict[str, str]):
    """A store of which only settings are asked."""

    def meta(self, name: str) -> str | None:
        return self.get(name)

    def rows(self, *_question: object) -> list[tuple[object, ...]]:
        raise AssertionError


def said(
    note: TeamsNote, problems: Mapping[Part, Problem], complete_at: datetime | None = None
) -> list[str]:
    last = LastReading(NOON, complete_at, problems)
    return list(coder_groups.team_sentences(Settings({TEAMS: note.text, READING: last.text})))


def test_where_teams_come_from_is_said_once() -> None:
    groups = TeamsNote("groups", 3)
    (sentence,) = said(groups, {}, NOON)
    assert sentence.startswith("Teams: 3 teams from Coder's groups; before these were first read,")
    assert said(TeamsNote("groups"), {"groups": "forbidden"}) == [
        "Teams: from Coder's groups; this token may not read them, so everybody is Unassigned"
    ]
    (line,) = said(groups, {"groups": "failed"}, NOON)
    assert "3 teams" in line
    assert "as of 2026-11-30 12:00 UTC; the server did not answer" in line
    assert "in part; this token sees only some" in said(groups, {"groups": "partial"})[0]
    assert said(TeamsNote("file", 2), {"groups": "failed"}) == []
    assert "none, as teams_from says" in said(TeamsNote("none"), {})[0]
    before = Settings({TEAMS: groups.text})
    assert "the next sync reads" in next(coder_groups.team_sentences(before))


def test_what_an_operator_may_want_to_change_is_named() -> None:
    lines = said(TeamsNote("groups", 2, 1, ("eng", "a\nb")), {}, NOON)
    assert lines[1].startswith("1 person is in several groups")
    assert lines[2].endswith(": eng, a b")


def test_teams_of_logins_are_told_with_what_they_cannot_know() -> None:
    (line,) = said(TeamsNote("login", 2, people=12), {"groups": "failed"})
    assert line.startswith("Teams: 2 teams from the groups that logins told of 12 people; whoever")
    assert "has not come to Bridgeboard since" in line
    (line,) = said(TeamsNote("login"), {})
    assert "nobody came in by a user name of somebody who has used the AI Bridge" in line
    note = TeamsNote("login", 1, 3, ("a\nb",), people=4, strangers=1, is_open=True)
    _, strangers, is_open, undecided, unknown = said(note, {})
    assert strangers.startswith("1 user name that logins told: nobody's")
    assert "can let a lead see these people's rows" in is_open
    assert undecided == (
        "3 people are in several groups and so Unassigned: name the groups that are teams in"
        " team_groups, the first ones before others"
    )
    assert unknown == "team_groups names groups that no login told of these people: a b"


@pytest.mark.parametrize("gap", [each for each in get_args(LoginGap) if each])
def test_each_reason_why_no_groups_are_told_is_said_beside_what_is_known(gap: LoginGap) -> None:
    (line,) = said(TeamsNote("login", gap=gap), {})
    assert line.startswith("Teams: from the groups that logins tell; ")
    assert "1 team from the groups" in said(TeamsNote("login", 1, people=1, gap=gap), {})[1]


@pytest.mark.parametrize("problem", [each for each in get_args(Problem) if each])
def test_each_problem_is_said_once(problem: Problem) -> None:
    every: dict[Part, Problem] = dict.fromkeys(get_args(Part), problem)
    one: dict[Part, Problem] = {"spend": problem}
    for problems, count in ((every, 0), (one, 1)):
        text = LastReading(NOON, None, problems).text
        lines = list(coder_groups.reading_sentences(Settings({READING: text})))
        assert len(lines) == count
    assert coder_groups.why(problem) in lines[0]
