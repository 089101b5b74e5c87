"""Coder's own budgets beside what the store counts of the same people in the same month."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import random_companies
from stores import fresh

from bridgeboard.access import EVERYTHING, Pseudonyms, RowAccess
from bridgeboard.analysis.coder_budgets import (
    PICO,
    CoderBudgets,
    MemberBudget,
    Ours,
    coder_budgets,
    reasons,
)
from bridgeboard.cli.budgets import of_coder_described
from bridgeboard.model.coder_groups import Group, LastReading
from bridgeboard.store import Store, coder_groups

ORG, ENG, RESEARCH, EMPTY = (f"00000000-0000-4000-a000-{number:012d}" for number in range(4))
ALICE, BOB, CAROL, MALLORY, SUSI, NEW = (
    f"00000000-0000-4000-9000-{number:012d}" for number in range(1, 7)
)
NOVEMBER, READ_AT = date(2026, 11, 1), datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
NAMES = ("Everyone", "eng", "research", "empty")
LIMITS = ((ORG, None, 53), (ENG, 20_000_000, 9_000_312), (RESEARCH, 50_000_000, 2_623_457))
SPENT = (
    (ENG, ALICE, "alice", RESEARCH, None, None, 1_000_000),
    (RESEARCH, ALICE, "alice", RESEARCH, 50_000_000, "group", 2_500_001),
    (ORG, ALICE, "alice", RESEARCH, None, None, 11),
    (ENG, BOB, "bob", ENG, 7_000_000, "user_override", 8_000_000),
    (RESEARCH, CAROL, "carol", RESEARCH, 50_000_000, "group", 123_456),
    (ORG, MALLORY, "mallory", ORG, None, None, 42),
    (ENG, SUSI, "susi", ENG, 20_000_000, "group", 5),
)
"""As the month of a company whose numbers were seen on a server."""
PEOPLE = {"alice": ALICE, "bob": BOB, "carol": CAROL, "new": NEW}
USAGE = (
    ("alice", "2026-11-03", 4 * 10**12, 0, 100),
    ("alice", "2026-10-31 23:59:59", 10**15, 0, 100),
    ("bob", "2026-11-30 23:59:59", 7 * 10**12, 5, 60),
    ("bob", "2026-12-01", 10**15, 0, 100),
    ("new", "2026-11-05", 3, 0, 100),
)
"""Who, when, cost, value not billed, tokens with a price of 100."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fresh(tmp_path_factory.mktemp("coder")) as opened:
        with opened.write() as batch:
            groups = [
                Group(id_, ORG, "coder", name, members=len(name))
                for id_, name in zip((ORG, ENG, RESEARCH, EMPTY), NAMES, strict=True)
            ]
            coder_groups.put_groups(batch, groups)
            names = ("coder_group", "limit_micros", "spend_micros")
            limits = [dict(zip(names, row, strict=True)) for row in (*LIMITS, (EMPTY, None, 0))]
            coder_groups.put_spend(batch, "coder_group_spend", NOVEMBER, limits, READ_AT)
            columns = (
                *("coder_group", "person", "username", "effective_group"),
                *("limit_micros", "limit_source", "spend_micros"),
            )
            spent = [dict(zip(columns, row, strict=True)) for row in SPENT]
            coder_groups.put_spend(batch, "coder_member_spend", NOVEMBER, spent, READ_AT)
        random_companies.put(
            opened,
            {
                "initiators": [
                    {"initiator": key, "id": id_, "username": name, "name": ""}
                    for key, (name, id_) in enumerate(PEOPLE.items())
                ],
                "usage": [_request(opened, number, *row) for number, row in enumerate(USAGE)],
            },
        )
        yield opened


def _request(  # noqa: PLR0917 - a row's fields in their order
    store: Store, number: int, who: str, at: str, cost: int, other: int, priced: int
) -> dict[str, Any]:
    columns = store.rows(
        "SELECT column_name, data_type FROM duckdb_columns()"
        " WHERE table_name = 'usage' AND NOT is_nullable"
    )
    empty = {name: "" if kind == "VARCHAR" else 0 for name, kind in columns}
    return empty | {
        "usage": number,
        "grain": "interception",
        "started_at": datetime.fromisoformat(at),
        "initiator": list(PEOPLE).index(who),
        "input": 100,
        "priced_tokens": priced,
        "cost": cost,
        "shadow_cost": other,
    }


def read(store: Store, row_access: RowAccess = EVERYTHING) -> CoderBudgets:
    with store.snapshot(row_access) as reader:
        found = coder_budgets(reader)
    assert found
    return found


def test_each_group_has_both_numbers_of_the_people_who_count_with_it(store: Store) -> None:
    everyone, empty, eng, research = read(store).groups
    assert (eng.limit, eng.booked, eng.of_former) == (20 * 10**12, 9_000_312 * PICO, 307 * PICO)
    assert [one.username for one in eng.people] == ["bob", "susi"]
    assert (eng.counted, eng.ours) == (8_000_005 * PICO, Ours(7 * 10**12, 5, 40))
    assert eng.difference == 7 * 10**12 - 8_000_005 * PICO
    # What Alice spent while another group counted is hers all the same.
    assert [one.username for one in research.people] == ["alice", "carol"]
    assert research.counted == (1_000_000 + 2_500_001 + 11 + 123_456) * PICO
    assert research.ours == Ours(4 * 10**12)
    assert (everyone.is_everyone, everyone.limit, everyone.counted) == (True, None, 42 * PICO)
    assert (empty.limit, empty.booked, empty.people, empty.counted) == (None, 0, (), 0)


def test_parts_add_up_to_what_coder_booked_and_the_store_has(store: Store) -> None:
    budgets = read(store)
    assert budgets.others == Ours(3)
    assert budgets.ours == Ours(11 * 10**12 + 3, 5, 40)
    assert budgets.booked == (53 + 9_000_312 + 2_623_457) * PICO
    assert sum(one.counted or 0 for one in budgets.groups) == sum(row[-1] for row in SPENT) * PICO
    assert (budgets.month, budgets.read_at) == (NOVEMBER, READ_AT)


def test_who_is_over_a_limit_is_blocked_and_a_limit_of_zero_blocks_always(store: Store) -> None:
    (bob,) = read(store).blocked
    assert (bob.username, bob.group, bob.limit, bob.is_own) == ("bob", "eng", 7 * 10**12, True)
    assert read(store).own_limits == (bob,)
    nothing = MemberBudget("x", "eng", 0, is_own=False, spent=0, elsewhere=0, ours=Ours())
    assert nothing.state == "blocked"
    assert replace(nothing, limit=None).state == "none"
    assert replace(nothing, limit=1).state == "within"


def test_why_the_numbers_differ_is_said_with_amounts_first(store: Store) -> None:
    said = list(reasons(read(store)))
    assert any("40 tokens have no price here" in each for each in said)
    assert any("booked on groups by people who have left them" in each for each in said)
    assert any("read at 2026-11-28 09:30 UTC" in each for each in said)
    quiet = replace(read(store), groups=(), others=Ours())
    assert len(list(reasons(quiet))) == len(said) - 4


def test_only_who_sees_everybody_sees_them_and_pseudonyms_name_nobody(store: Store) -> None:
    for limited in (RowAccess.of_teams("eng"), RowAccess.of_person("bob"), RowAccess.of_groups(2)):
        with store.snapshot(limited) as reader:
            assert coder_budgets(reader) is None
    names = Pseudonyms("d", lambda ids: {id_: f"Quiet Heron {id_[-4:]}" for id_ in ids})
    hidden = read(store, RowAccess(pseudonyms=names))
    assert hidden.ours == read(store).ours
    shown = [(one.title, one.counted, one.ours, len(one.people)) for one in hidden.groups]
    assert shown == [(o.title, o.counted, o.ours, len(o.people)) for o in read(store).groups]
    assert {one.username for group in hidden.groups for one in group.people} == {
        "",
        *(f"Quiet Heron 000{number}" for number in (1, 2, 3)),
    }


def test_nothing_is_known_of_a_month_that_was_not_read(store: Store) -> None:
    with store.snapshot() as reader:
        assert coder_budgets(reader, date(2026, 10, 1)) is None


def test_a_server_without_spend_has_limits_and_no_numbers(tmp_path: Path) -> None:
    with fresh(tmp_path) as store, store.write() as batch:
        coder_groups.put_groups(batch, [Group(ENG, ORG, "coder", "eng")])
        row = {"coder_group": ENG, "limit_micros": 5}
        coder_groups.put_spend(batch, "coder_group_spend", NOVEMBER, [row], READ_AT)
        problems = LastReading(READ_AT, READ_AT, {"spend": "too_old"})
        coder_groups.put_last_reading(batch, problems)
        budgets = coder_budgets(batch)
    assert budgets
    (eng,) = budgets.groups
    assert (eng.limit, eng.booked, eng.counted, eng.difference) == (5 * PICO, None, None, None)
    assert (budgets.booked, budgets.problem) == (None, "too_old")


def test_the_command_prints_both_numbers_of_each_group(store: Store) -> None:
    said = json.loads(json.dumps(of_coder_described(read(store))))
    eng = next(group for group in said["groups"] if group["name"] == "eng")
    assert (eng["member_limit_usd"], eng["booked_usd"]) == ("20.00", "9.000312")
    assert (eng["coder_counts_usd"], eng["here"]["spend_usd"]) == ("8.000005", "7.00")
    assert eng["difference_usd"] == "-1.000005"
    assert [one["is_refused"] for one in eng["people"]] == [True, False]
    assert said["here"]["spend_usd"] == "11.000000000003"
