"""Groups, budgets and spend over the demo API: the vectors, the gates, and what they leave open."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product, repeat
from typing import Any
from urllib.parse import quote

import pytest
from small_bridges import Book, Reply, at, send, token
from vector_company import IDS, PROFILES, VECTORS, bridge, company

from bridgeboard.demo.api import Bridge
from bridgeboard.demo.api.spend import micros, month
from bridgeboard.demo.company.groups import PRICES
from bridgeboard.demo.records import (
    Group,
    ModelPrice,
    Organization,
    Provider,
    TokenRow,
)

GATES: dict[str, list[str]] = VECTORS["gates"]
SWITCHES = (
    {},
    {"experiments": ()},
    {"enabled": False},
    {"licensed": False},
)


def filled(text: str) -> str:
    for name, each in IDS.items():
        text = text.replace(f"<{name}>", each)
    return text


def ask(server: Bridge, path: str, who: str = "owner", method: str = "GET") -> Reply:
    path, _, query = filled(path).partition("?")
    person = next((p for p in server.tables.people if p.username == who), None)
    headers = {"Coder-Session-Token": token(person)} if person else {}
    return send(server, f"/api/v2/{path}", quote(query, safe="=,&"), headers, method)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["vector"])
def test_vectors(case: dict[str, Any]) -> None:
    switches: dict[str, Any] = {"licensed": case.get("licensed", True)}
    if not case.get("experiment", True):
        switches["experiments"] = ()
    tables = company(**case.get("limits", {}))
    server = bridge(tables, case.get("profile", "v2.36-pre"), **switches)
    reply = ask(server, f"{case['path']}?{case.get('query', '')}", case["as"])
    said = reply.json
    if isinstance(said, dict) and said.get("users"):
        said["users"] = [each["username"] for each in said["users"]]
    assert (reply.status, said) == (case["status"], json.loads(filled(json.dumps(case["body"]))))


MEANINGS = {
    (403, "Template"): "T",
    (403, "AI Gateway is"): "G",
    (403, "AI Gateway Cost"): "X",
    (404, "Route"): "R",
    (404, "Resource"): "N",
}


def verdict(reply: Reply) -> str:
    if reply.status == 200:
        return "ok"
    message = reply.json["message"]
    return next(
        word
        for (status, beginning), word in MEANINGS.items()
        if status == reply.status and message.startswith(beginning)
    )


@pytest.mark.parametrize("path", GATES)
def test_gates(path: str) -> None:
    tables = company()
    for profile, expected in zip(PROFILES, GATES[path], strict=True):
        said = [verdict(ask(bridge(tables, profile, **each), path)) for each in SWITCHES]
        assert " ".join(said) == expected, profile


def test_other_methods_are_not_allowed_and_a_slash_at_the_end_is() -> None:
    server = bridge(company())
    for path in ("groups", "groups/<eng>/ai/budget", "users/me/ai/spend"):
        assert ask(server, path, method="PUT").status == 405
        assert ask(server, path + "/").json == ask(server, path).json
    bare = bridge(company(), enterprise=False)
    assert [verdict(ask(bare, path)) for path in ("groups", "organizations")] == ["R", "ok"]


def test_a_group_has_no_deleted_members_and_a_member_sees_only_himself() -> None:
    server = bridge(company())
    everyone, eng, *_ = ask(server, "groups").json
    assert (everyone["id"], everyone["total_member_count"]) == (everyone["organization_id"], 7)
    assert [each["username"] for each in eng["members"]] == ["alice", "bob", "susi"]
    assert [each["status"] for each in eng["members"]][2] == "suspended"
    eng = ask(server, "groups?group_ids=<eng>", "alice").json[0]
    assert ([each["username"] for each in eng["members"]], eng["total_member_count"]) == (
        ["alice"],
        3,
    )
    short = ask(server, "groups/<eng>?exclude_members=t").json
    assert (short["members"], short["total_member_count"]) == ([], 3)
    assert ask(server, "organizations/default/groups/eng").json["id"] == IDS["eng"]
    assert ask(server, "organizations/default/groups/Eng").status == 404


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("groups?group_ids=x", "group_ids"),
        ("groups?organization=default", "organization"),
        ("organizations/default/groups/ai/spend", "group_ids"),
        ("organizations/default/groups/ai/spend?group_ids=<eng>,", "group_ids"),
        ("groups/<eng>/members/ai/spend?user_ids=me", "user_ids"),
        ("groups/<eng>/members/ai/spend?user_ids=<bob>&limit=1", "limit"),
        ("groups/<eng>/members?limit=-1", "limit"),
    ],
)
def test_wrong_parameters_are_named(path: str, field: str) -> None:
    reply = ask(bridge(company()), path)
    assert (reply.status, [each["field"] for each in reply.json["validations"]]) == (400, [field])


def test_a_member_cannot_name_a_colleague_but_may_know_the_id() -> None:
    server = bridge(company())
    assert ask(server, "groups?has_member=bob", "alice").status == 400
    assert ask(server, "groups?has_member=alice", "alice").status == 200
    names = [each["name"] for each in ask(server, "groups?has_member=<bob>", "alice").json]
    assert names == ["Everyone", "eng"]


def test_a_deleted_person_is_known_by_id_alone_and_has_spent_nothing() -> None:
    server = bridge(company())
    assert ask(server, "users/delia/ai/spend").status == 404
    spend = ask(server, "users/<delia>/ai/spend").json
    assert (spend["effective_group_id"], spend["current_spend_micros"]) == (None, 0)


def test_newer_servers_nest_the_limit_and_add_up_what_members_may_spend() -> None:
    server = bridge(company(), "newer")
    spend = ask(server, "users/bob/ai/spend").json
    assert "spend_limit_micros" not in spend
    assert spend["effective_budget"] == {
        "spend_limit_micros": 7_000_000,
        "limit_source": "user_override",
    }
    row = ask(server, "groups/<eng>/ai/spend").json
    # Susi by the group, Bob by his own; Alice counts for the richer group.
    assert row["total_spend_limit_micros"] == 20_000_000 + 7_000_000
    (alice,) = ask(server, "groups/<eng>/members/ai/spend?user_ids=<alice>").json["members"]
    assert alice["group_budget"] is None
    assert alice["effective_budget"]["spend_limit_micros"] == 50_000_000


def test_an_override_is_lost_with_the_membership() -> None:
    tables = company()
    left = [replace(g, member_ids=tuple({*g.member_ids} - {IDS["bob"]})) for g in tables.groups]
    server = bridge(replace(tables, groups=left))
    assert ask(server, "users/bob/ai/budget").status == 404
    assert ask(server, "users/bob/ai/spend").json["effective_group_id"] == IDS["org"]


def test_of_equal_limits_the_first_organisation_counts_and_another_one_is_masked() -> None:
    tables = company(research=20_000_000)
    first = Organization(IDS["nowhere"], "first", member_ids=(IDS["alice"],))
    rich = Group(
        "ffffffff-0000-4000-8000-000000000000",
        "rich",
        first.id,
        member_ids=(IDS["alice"],),
    )
    there = replace(
        tables,
        organizations=(first, *tables.organizations),
        groups=(*tables.groups, rich),
        budgets=(*tables.budgets, replace(tables.budgets[0], group_id=rich.id)),
    )
    path = "groups/<eng>/members/ai/spend?user_ids=<alice>"
    (alice,) = ask(bridge(there), path).json["members"]
    assert (alice["effective_group_id"], alice["group_budget"]) == (None, None)
    assert ask(bridge(there), "users/alice/ai/spend").json["effective_group_id"] == rich.id
    assert ask(bridge(tables), "users/alice/ai/spend").json["effective_group_id"] == IDS["eng"]
    assert len(ask(bridge(there), "organizations", "bob").json) == 1


def test_each_part_of_a_price_is_truncated_by_itself() -> None:
    row = TokenRow("t", "i", at(0), "", 7, 3, 5, 1)
    assert micros(row, ModelPrice(3_000_000, 15_000_000, 300_000, 3_750_000)) == 70
    assert micros(replace(row, input_tokens=-1, output_tokens=0), ModelPrice(1_500_000)) == -1


def test_a_month_is_one_of_the_calendar_in_utc() -> None:
    assert month(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )


def test_token_rows_are_spent_when_they_are_recorded_finished_or_not() -> None:
    book = Book()
    book.call(-60, lasts=None, tokens=[(1_000_000,)])
    book.call(30, tokens=[(1_000_000,)])
    book.call(-60, model="unknown", tokens=[(1_000_000,)])
    tables = replace(book.tables(), prices={("anthropic", "claude-4"): ModelPrice(input=3_000_000)})
    tokens = {token(person): person.id for person in tables.people}
    headers = {"Coder-Session-Token": token(book.owner)}
    spent = []
    for now in (at(0), at(40), at(60 * 24 * 30)):
        server = Bridge(tables, profile="newer", tokens=tokens, clock=repeat(now).__next__)
        spent.append(send(server, "/api/v2/users/me/ai/spend", "", headers).json)
    assert [each["current_spend_micros"] for each in spent] == [3_000_000, 6_000_000, 0]


def test_providers_show_the_ends_of_their_keys_and_the_disabled_but_no_deleted_ones() -> None:
    keys = ("sk-abcdefghijklmnopWXYZ", "12345", "1234")
    book = Book(
        providers=[
            Provider("anthropic", "anthropic", api_keys=keys),
            Provider("old", "openai", enabled=False),
            Provider("gone", "openai", deleted=True),
        ]
    )
    headers = {"Coder-Session-Token": token(book.owner)}
    first, second = send(book.bridge(), "/api/v2/ai/providers", "", headers).json
    assert [key["masked"] for key in first["api_keys"]] == ["sk-a...WXYZ", "1...5", "..."]
    assert (first["settings"], second["name"], second["enabled"]) == (None, "old", False)
    headers = {"Coder-Session-Token": token(book.auditor)}
    assert send(book.bridge(), "/api/v2/ai/providers", "", headers).status == 403


def test_the_prices_of_the_company_are_whole_micro_dollars() -> None:
    for price, part in product(PRICES.values(), ModelPrice.__slots__):
        assert isinstance(getattr(price, part), int)
    assert PRICES["openai", "gpt-5-mini"] == ModelPrice(250_000, 2_000_000, 25_000)
