"""The teams file: who is in which team, and when."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridgeboard import teams
from bridgeboard.teams import Membership, TeamsFileError

CSV = """username,team,from,to
ada,Platform,2026-01-01,
Grace,Search,2026-01-01,2026-07-01
grace,Platform,2026-07-01,
"""
TOML = """
[[member]]
username = "ada"
team = "Platform"
from = 2026-01-01

[[member]]
username = "Grace"
team = "Search"
from = 2026-01-01
to = 2026-07-01

[[member]]
username = "grace"
team = "Platform"
from = "2026-07-01"
"""


def at(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def stories(members: tuple[Membership, ...]) -> list[tuple[object, ...]]:
    return [(one.username, one.team, one.valid_from, one.valid_to) for one in members]


@pytest.mark.parametrize(("name", "text"), [("teams.csv", CSV), ("teams.toml", TOML)])
def test_a_csv_and_a_toml_file_say_the_same(name: str, text: str) -> None:
    assert stories(teams.parse(text, name=name)) == [
        ("ada", "Platform", at(2026, 1, 1), None),
        ("grace", "Search", at(2026, 1, 1), at(2026, 7, 1)),
        ("grace", "Platform", at(2026, 7, 1), None),
    ]


def test_a_file_is_read_with_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "Teams.CSV"
    path.write_bytes(b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode())
    assert stories(teams.load(path)) == stories(teams.parse(CSV, name="teams.csv"))


def test_dates_may_be_left_out_and_columns_stand_in_any_order() -> None:
    members = teams.parse('team,username\n"R, D", Ada \n\n', name="t.csv")
    assert stories(members) == [("ada", "R, D", None, None)]


def test_times_with_an_offset_are_taken_in_utc() -> None:
    text = "username,team,from\nada,A,2026-03-01T02:00+02:00\n"
    assert teams.parse(text, name="t.csv")[0].valid_from == at(2026, 3, 1)


def test_an_empty_toml_file_has_nobody_in_a_team() -> None:
    assert teams.parse("", name="t.toml") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: 'username' is missing"),
        ("username\nada\n", "line 1: 'team' is missing"),
        ("username,team,until\n", "line 1: 'until' is unknown"),
        ("username,team,team\n", "line 1: names a column twice"),
        ("username,team\nada\n", "line 2: 1 cells for 2 columns"),
        ("username,team\nada,\n", "line 2: 'team' must be a non-empty text"),
        ("username,team\n,A\n", "line 2: 'username' must be a non-empty text"),
        ("username,team\nada,unassigned\n", "line 2: 'unassigned' is what people without"),
        ("username,team,from\nada,A,soon\n", "line 2: 'from' must be a date such as"),
        ("username,team,from,to\nada,A,2026-02-01,2026-02-01\n", "line 2: 'to' must be after"),
        ('username,team\nada,"A\n', "line 2: not valid CSV"),
        (
            "username,team\nada,A\n\nADA,B\n",
            "line 4: 'ada' is already in a team at that time by line 2",
        ),
    ],
)
def test_a_mistake_in_a_csv_file_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(TeamsFileError, match=f"t.csv, {message}"):
        teams.parse(text, name="t.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[member", "t.toml: not valid TOML"),
        ("[[people]]\nusername = 'ada'\n", r"line 1: 'people' is unknown; use \[\[member\]\]"),
        ("member = 3\n", r"line 1: write each member as a \[\[member\]\] table"),
        ("[member]\nusername = 'ada'\n", r"line 1: write each member as a \[\[member\]\] table"),
        ("\n[[member]]\nusername = 'ada'\n", "line 2: 'team' is missing"),
        ("[[member]]\nusername = 3\nteam = 'A'\n", "line 2: 'username' must be a non-empty text"),
        ("[[member]]\nusername = 'a'\nteam = 'A'\nto = 3\n", "line 4: 'to' must be a date"),
    ],
)
def test_a_mistake_in_a_toml_file_is_named(text: str, message: str) -> None:
    with pytest.raises(TeamsFileError, match=message):
        teams.parse(text, name="t.toml")


def test_an_overlap_is_named_by_the_later_line_whatever_the_order_in_time() -> None:
    text = "username,team,from,to\nada,B,2026-06-01,\nada,A,,2026-06-02\n"
    with pytest.raises(TeamsFileError, match=r"line 3: 'ada' is already .* by line 2"):
        teams.parse(text, name="t.csv")


def test_memberships_that_touch_do_not_overlap() -> None:
    text = "username,team,from,to\nada,B,2026-06-01,\nada,A,,2026-06-01\n"
    assert [one.team for one in teams.parse(text, name="t.csv")] == ["B", "A"]


def test_a_file_of_another_kind_or_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TeamsFileError, match=r"must end in \.csv or \.toml"):
        teams.parse("", name="teams.txt")
    with pytest.raises(TeamsFileError, match="cannot be read"):
        teams.load(tmp_path / "none.csv")
