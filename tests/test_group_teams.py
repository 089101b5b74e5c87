"""Teams made of the groups of Coder: which group counts, what its team is called."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from stores import fresh

from bridgeboard.model.coder_groups import READING, TEAMS, Group, LastReading, Stay, TeamsNote
from bridgeboard.runtime import team_sources
from bridgeboard.settings import Settings
from bridgeboard.store import coder_groups, erasure
from bridgeboard.store.coder_groups import StayTable
from bridgeboard.store.person_lookup import Somebody
from bridgeboard.teams import GroupTeams, from_groups
from bridgeboard.teams.groups import team_names

ACME, SOLO = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))
ADA, BOB = (f"00000000-0000-4000-9000-00000000000{number}" for number in (1, 2))
JULY, AUGUST = (datetime(2026, month, 1, tzinfo=UTC) for month in (7, 8))


def group(number: int, name: str, organization: str = ACME, **more: object) -> Group:
    id_ = f"00000000-0000-4000-a000-{number:012d}"
    title = "acme" if organization == ACME else "solo"
    return replace(Group(id_, organization, title, name), **more)  # type: ignore[arg-type]  # fields of it


ENG, OPS = group(1, "eng"), group(2, "ops", display_name="Operations")
EVERYONE = replace(group(0, "Everyone"), id=ACME)
GROUPS = [EVERYONE, ENG, OPS]


def stories(made: GroupTeams) -> list[tuple[str, str, datetime | None, datetime | None]]:
    return [(one.key, one.team, one.valid_from, one.valid_to) for one in made.members]


def teams(
    stays: Sequence[Stay], main: Sequence[Stay] = (), *named: str, groups: Sequence[Group] = GROUPS
) -> list[tuple[str, str, datetime | None, datetime | None]]:
    return stories(from_groups(groups, stays, main, named))


def test_the_only_group_of_somebody_is_their_team() -> None:
    assert teams([Stay(ADA, OPS.id), Stay(BOB, ENG.id, JULY)]) == [
        (ADA, "Operations", None, None),
        (BOB, "eng", JULY, None),
    ]


def test_everyone_is_never_a_team() -> None:
    stays = [Stay(ADA, EVERYONE.id)]
    assert teams(stays) == []
    made = from_groups(GROUPS, stays, [], ["Everyone"])
    assert (made.members, made.unknown) == ((), ("Everyone",))


def test_a_move_ends_one_membership_with_the_day_of_the_next() -> None:
    stays = [Stay(ADA, ENG.id, None, JULY), Stay(ADA, OPS.id, JULY)]
    assert teams(stays) == [(ADA, "eng", None, JULY), (ADA, "Operations", JULY, None)]
    gap = [Stay(ADA, ENG.id, None, JULY), Stay(ADA, ENG.id, AUGUST)]
    assert teams(gap) == [(ADA, "eng", None, JULY), (ADA, "eng", AUGUST, None)]


def test_of_several_groups_the_one_of_the_budget_counts_while_it_does() -> None:
    stays = [Stay(ADA, ENG.id), Stay(ADA, OPS.id)]
    main = [Stay(ADA, OPS.id, None, JULY), Stay(ADA, ENG.id, JULY)]
    assert teams(stays, main) == [(ADA, "Operations", None, JULY), (ADA, "eng", JULY, None)]
    # A budget of a group that somebody is not in decides nothing.
    assert teams([Stay(ADA, ENG.id)], [Stay(ADA, OPS.id)]) == [(ADA, "eng", None, None)]


def test_whom_no_rule_puts_into_one_of_several_groups_is_in_no_team() -> None:
    stays = [Stay(ADA, ENG.id), Stay(ADA, OPS.id, JULY), Stay(BOB, ENG.id, None, JULY)]
    made = from_groups(GROUPS, [*stays, Stay(BOB, OPS.id, None, JULY)], [])
    assert stories(made) == [(ADA, "eng", None, JULY)]
    assert made.undecided == {ADA}
    assert made.teams == 0


def test_the_order_of_the_named_groups_decides_and_others_do_not_count() -> None:
    stays = [Stay(ADA, ENG.id), Stay(ADA, OPS.id), Stay(BOB, OPS.id)]
    main = [Stay(ADA, ENG.id)]
    assert teams(stays, main, "OPERATIONS", ENG.id)[0] == (ADA, "Operations", None, None)
    assert teams(stays, main, "acme/eng", "ops")[0] == (ADA, "eng", None, None)
    assert teams(stays, main, "eng") == [(ADA, "eng", None, None)]


def test_a_renamed_group_is_one_team_and_its_former_name_still_means_it() -> None:
    renamed = replace(ENG, name="engineering", former=("eng",))
    stays = [Stay(ADA, ENG.id)]
    groups = [EVERYONE, renamed, OPS]
    assert teams(stays, (), "eng", groups=groups) == [(ADA, "engineering", None, None)]
    # Whoever has the name now is meant by it before whoever had it.
    other = group(3, "eng")
    assert teams([*stays, Stay(BOB, other.id)], (), "eng", groups=[*groups, other]) == [
        (BOB, "eng", None, None)
    ]


def test_names_that_mean_no_group_or_several_are_said() -> None:
    twin = group(9, "eng", SOLO)
    made = from_groups([*GROUPS, twin], [Stay(ADA, ENG.id)], [], ["eng", "nosuch", "solo/eng"])
    assert (made.members, made.unknown) == ((), ("eng", "nosuch"))


def test_groups_that_are_there_never_share_the_name_of_a_team() -> None:
    twin = group(9, "eng", SOLO)
    assert set(team_names([ENG, twin]).values()) == {"eng (acme)", "eng (solo)"}
    shown = [group(3, "a", display_name="Core"), group(4, "b", display_name="core")]
    assert set(team_names(shown).values()) == {"Core (a)", "core (b)"}
    sly = group(5, "x", display_name="eng (acme)")
    names = team_names([ENG, twin, sly])
    assert len({name.casefold() for name in names.values()}) == 3
    assert list(team_names([group(6, "unassigned")]).values()) == ["unassigned (acme)"]


def test_a_group_that_was_made_again_goes_on_as_the_same_team() -> None:
    gone, anew = replace(ENG, gone_at=JULY), group(7, "eng")
    stays = [Stay(ADA, gone.id, None, JULY), Stay(ADA, anew.id, JULY)]
    groups = [EVERYONE, gone, anew]
    for named in ((), ("eng",)):
        assert teams(stays, (), *named, groups=groups) == [(ADA, "eng", None, None)]


def test_a_group_that_is_gone_keeps_its_name_for_what_was() -> None:
    stays = [Stay(ADA, ENG.id, None, JULY)]
    assert teams(stays, groups=[EVERYONE, replace(ENG, gone_at=JULY)]) == [(ADA, "eng", None, JULY)]


def test_the_store_gives_back_what_was_written_and_writes_only_changes(tmp_path: Path) -> None:
    stays = [Stay(ADA, ENG.id, None, JULY), Stay(ADA, OPS.id, JULY)]
    known = [EVERYONE, replace(ENG, former=("e", "en"), members=3), replace(OPS, gone_at=JULY)]
    reading = LastReading(JULY, JULY, {"spend": "too_old"}, "no")
    with fresh(tmp_path) as store:
        versions = set()
        for _ in range(2):
            with store.write() as batch:
                coder_groups.put_groups(batch, known)
                coder_groups.put_stays(batch, "coder_members", stays)
                coder_groups.put_last_reading(batch, reading)
            versions.add(store.version)
        assert len(versions) == 1
        assert coder_groups.groups(store) == sorted(known, key=lambda one: one.id)
        assert coder_groups.stays(store, "coder_members") == stays
        assert LastReading.of(store.meta(READING)) == reading


@pytest.mark.parametrize(
    ("chosen", "team", "note"),
    [
        ({}, "eng", TeamsNote("groups", 1)),
        ({"team_groups": " ops, nosuch,"}, None, TeamsNote("groups", 0, 0, ("nosuch",))),
        ({"teams_from": "none"}, None, TeamsNote("none")),
        ({"teams_file": "teams.csv"}, "Search", TeamsNote("file", 1)),
    ],
)
def test_settings_say_where_teams_come_from(
    tmp_path: Path, chosen: dict[str, str], team: str | None, note: TeamsNote
) -> None:
    file = tmp_path / "teams.csv"
    file.write_text("username,team\nada,Search\n")
    if "teams_file" in chosen:
        chosen = {"teams_file": str(file)}
    with fresh(tmp_path) as store:
        with store.write() as batch:
            batch.execute(
                "INSERT INTO initiators (initiator, id, username, name) VALUES (1, ?, 'ada', '')",
                [ADA],
            )
            coder_groups.put_groups(batch, GROUPS)
            coder_groups.put_stays(batch, "coder_members", [Stay(ADA, ENG.id)])
        team_sources.put_teams(store, Settings(**chosen))  # type: ignore[arg-type]  # likewise
        found = store.rows(
            "SELECT m.team FROM memberships m JOIN initiators i"
            " ON m.username = coalesce(i.member, lower(i.username))"
        )
        assert found == ([(team,)] if team else [])
        assert TeamsNote.of(store.meta(TEAMS)) == note


def test_nothing_of_an_erased_person_stays_in_groups(tmp_path: Path) -> None:
    with fresh(tmp_path) as store, store.write() as batch:
        batch.execute(
            "INSERT INTO initiators (initiator, id, username, name) VALUES (1, ?, 'ada', 'Ada')",
            [ADA],
        )
        tables: tuple[StayTable, ...] = get_args(StayTable)
        for table in tables:
            coder_groups.put_stays(batch, table, [Stay(ADA, ENG.id), Stay(BOB, ENG.id)])
        spent = {"coder_group": ENG.id, "username": "x", "spend_micros": 1}
        rows = [spent | {"person": person} for person in (ADA, BOB)]
        coder_groups.put_spend(batch, "coder_member_spend", JULY.date(), rows, JULY)
        erasure.erase(batch, Somebody(1, ADA, "ada", "Ada"), has_numbers=True, now=JULY)
        for name in (*tables, "coder_member_spend"):
            assert batch.rows(f"SELECT person::VARCHAR FROM {name}") == [(BOB,)]
