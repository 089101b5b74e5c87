"""Whom the entries of the teams file mean when people are renamed, and what an operator is told."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from stores import fresh

from bridgeboard import teams
from bridgeboard.access import RowAccess
from bridgeboard.analysis import team_file
from bridgeboard.analysis.team_file import Matching
from bridgeboard.queries.metric_sources import MEMBERS
from bridgeboard.store import Store, people
from bridgeboard.store.people import put_memberships
from bridgeboard.teams import TeamsFileError

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fresh(tmp_path) as made:
        yield made


def told(store: Store, **names: int) -> None:
    """The server tells what people are called now."""
    rows = [{"id": id_of(key), "username": name, "name": ""} for name, key in names.items()]
    shape = pa.schema(dict.fromkeys(("id", "username", "name"), pa.string()))
    with store.write() as batch:
        people.initiators(batch, pa.Table.from_pylist(rows, shape))


def file(store: Store, text: str) -> None:
    put_memberships(store, teams.parse(text, name="teams.csv"))


def in_teams(store: Store) -> dict[str, str]:
    """User name → team, as numbers are counted."""
    asked = "SELECT i.username, m.team FROM members m JOIN initiators i USING (initiator)"
    rows = store.rows(f"WITH {MEMBERS} {asked}")
    assert len(dict(rows)) == len(rows), "Somebody is in a team twice."
    return dict(rows)


def matching(store: Store) -> Matching:
    with store.snapshot() as reader:
        return team_file.matching(reader, NOW)


def test_who_is_renamed_stays_in_their_team(store: Store) -> None:
    told(store, ada=1, grace=2)
    file(store, "username,team\nAda,Platform\ngrace,Search\n")
    told(store, countess=1)
    assert in_teams(store) == {"countess": "Platform", "grace": "Search"}
    assert matching(store) == Matching(renamed=(("countess", "ada"),))
    file(store, "username,team\nada,Sales\ngrace,Search\n")
    assert in_teams(store) == {"countess": "Sales", "grace": "Search"}
    with store.snapshot(RowAccess.of_teams("Sales")) as seen:
        assert seen.rows("SELECT username FROM initiators") == [("countess",)]
    with store.snapshot(RowAccess.of_person("countess")) as seen:
        assert seen.rows("SELECT team FROM memberships") == [("Sales",)]


def test_who_gets_a_name_that_somebody_had_before_does_not_get_the_team(store: Store) -> None:
    told(store, ada=1)
    file(store, "username,team\nada,Platform\n")
    told(store, countess=1, ada=3)
    assert in_teams(store) == {"countess": "Platform"}
    assert matching(store) == Matching(
        renamed=(("countess", "ada"),), displaced=("ada",), teamless=("ada",)
    )


def test_an_entry_with_the_present_name_comes_before_one_with_a_former(store: Store) -> None:
    told(store, ada=1)
    told(store, countess=1, ada=3)
    file(store, "username,team\ncountess,Platform\nada,Search\n")
    assert in_teams(store) == {"countess": "Platform", "ada": "Search"}
    assert matching(store) == Matching()


def test_an_id_means_the_person_whatever_they_are_called(store: Store) -> None:
    told(store, ada=1, grace=2)
    file(store, f"id,username,team\n{id_of(1).upper()},ada,Platform\n,grace,Search\n")
    assert in_teams(store) == {"ada": "Platform", "grace": "Search"}
    told(store, grace=1, hopper=2)
    assert in_teams(store) == {"grace": "Platform", "hopper": "Search"}


def test_people_who_appear_after_the_file_was_read_are_meant_too(store: Store) -> None:
    file(store, f"id,username,team\n,ada,Platform\n{id_of(2)},,Search\n")
    assert matching(store).unmatched == (id_of(2), "ada")
    told(store, ada=1, grace=2, joan=3)
    assert in_teams(store) == {"ada": "Platform", "grace": "Search"}
    assert matching(store) == Matching(teamless=("joan",))


def test_two_accounts_of_one_name_are_both_meant(store: Store) -> None:
    told(store, ada=1)
    told(store, ADA=4)
    file(store, "username,team\nada,Platform\n")
    assert in_teams(store) == {"ada": "Platform", "ADA": "Platform"}


def test_renaming_there_and_back_changes_nothing(store: Store) -> None:
    told(store, ada=1)
    file(store, "username,team\nada,Platform\n")
    for _ in range(3):
        told(store, countess=1)
        told(store, ada=1)
    assert in_teams(store) == {"ada": "Platform"}
    assert store.rows("SELECT count(*) FROM former_names") == [(2,)]


def test_a_team_that_somebody_has_left_is_no_team_now(store: Store) -> None:
    told(store, ada=1)
    file(store, "username,team,from,to\nada,Platform,2026-01-01,2026-06-01\n")
    assert matching(store) == Matching(teamless=("ada",))


def test_hardly_anything_is_written_when_nobody_is_renamed(store: Store) -> None:
    told(store, ada=1)
    file(store, "username,team\nada,Platform\n")
    before = store.version
    told(store, ada=1)
    assert store.version == before


def test_sentences_name_at_most_twenty_and_nothing_in_them_acts() -> None:
    names = tuple(f"p{number}\x1b" for number in range(25))
    said = list(team_file.sentences(Matching(unmatched=names, teamless=names[:1])))
    assert said[0].startswith("25 entries of the teams file")
    assert said[0].endswith("p19\u241b and 5 more")
    assert said[1].startswith("1 person in no team now")
    assert list(team_file.sentences(Matching())) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,team\nada,Platform\n", "line 2: 'id' must be the id that the deployment gives"),
        ("team,from\nPlatform,\n", "'username' is missing, and there is no 'id' either"),
        ("id,username,team\n,,Platform\n", "line 2: 'username' must be a non-empty text"),
        (
            f"id,username,team\n{id_of(1)},ada,A\n{id_of(1)},eve,B\n",
            "line 3: .* is already in a team",
        ),
    ],
)
def test_entries_that_name_nobody_are_refused(text: str, message: str) -> None:
    with pytest.raises(TeamsFileError, match=message):
        teams.parse(text, name="t.csv")
