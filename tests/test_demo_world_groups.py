"""The demo company in Coder: its teams as groups, their budgets, and what was spent on them."""

import json
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from typing import Any

from demo_worlds import END

from bridgeboard.demo import api, world
from bridgeboard.demo.api import Bridge
from bridgeboard.demo.company.groups import PRICES
from bridgeboard.demo.world import World

MILLION = 1_000_000
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


@cache
def month() -> World:
    """Twelve days of one month, in which people leave."""
    return world.make(7, end=END, days=12, scale=0.3)


@cache
def server() -> tuple[Bridge, str]:
    tables = month().tables
    tokens = api.tokens(tables, 7)
    return Bridge(
        tables, profile="newer", tokens=api.holders(tables, tokens), wall=lambda: END
    ), tokens["owner"]


def asked(path: str, query: str = "") -> Any:
    bridge, token = server()
    answer = bridge.answer("GET", f"/api/v2/{path}", query, {"Coder-Session-Token": token})
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def groups() -> dict[str, Any]:
    return {group["name"]: group for group in asked("groups")}


def spend() -> dict[str, int]:
    names = {group["id"]: name for name, group in groups().items()}
    rows = asked("organizations/default/groups/ai/spend", f"group_ids={','.join(names)}")["groups"]
    return {names[row["group_id"]]: row["current_spend_micros"] for row in rows}


def test_every_team_is_a_group_and_some_groups_are_special() -> None:
    found, people = groups(), {person.username: person for person in month().tables.people}
    for team, names in month().teams.items():
        living = sorted(name for name in names if not people[name].deleted)
        assert [each["username"] for each in found[team]["members"]] == living
    assert found["Everyone"]["id"] == found["Everyone"]["organization_id"]
    assert found["contractors"]["members"] == []
    in_groups = Counter(each["id"] for group in found.values() for each in group["members"])
    assert max(in_groups.values()) == 3  # Everyone, a team, and On call
    statuses = {each["status"] for group in found.values() for each in group["members"]}
    assert statuses == {"active", "suspended"}


def test_budgets_are_in_several_states() -> None:
    tables = month().tables
    names = {group.id: group.name for group in tables.groups}
    limits = {
        names[each.group_id]: each.limit_micros for each in tables.budgets if not each.person_id
    }
    assert "data" not in limits
    assert limits["mobile"] == 0 < limits["payments"] < limits["security"]
    (own,) = (each for each in tables.budgets if each.person_id)
    assert asked(f"users/{own.person_id}/ai/spend")["effective_budget"] == {
        "spend_limit_micros": own.limit_micros,
        "limit_source": "user_override",
    }
    assert all(each.set_at <= each.changed_at < month().end for each in tables.budgets)


def test_the_groups_share_all_that_the_months_token_rows_cost() -> None:
    tables = month().tables
    calls = {row.id: row for row in tables.interceptions}
    total = Counter[bool]()
    deleted = {person.id for person in tables.people if person.deleted}
    for row in tables.tokens:
        call = calls[row.interception_id]
        price = PRICES.get((call.provider, call.model))
        if price and row.created_at >= NOVEMBER:
            total[call.initiator_id in deleted] += (
                row.input_tokens * price.input // MILLION
                + row.output_tokens * price.output // MILLION
                + row.cache_read_input_tokens * price.cache_read // MILLION
                + row.cache_write_input_tokens * price.cache_write // MILLION
            )
    assert sum(spend().values()) == total.total() > total[True] > 0
    assert spend()["contractors"] == 0


def test_what_members_spent_and_what_former_ones_did_make_a_groups_spend() -> None:
    found, booked = groups(), spend()
    former = 0
    for name, group in found.items():
        ids = ",".join(each["id"] for each in group["members"])
        if not ids:
            continue
        rows = asked(f"groups/{group['id']}/members/ai/spend", f"user_ids={ids}")["members"]
        by_members = sum(row["group_spend_micros"] for row in rows)
        assert by_members <= booked[name]
        former += booked[name] - by_members
    assert former > 0
