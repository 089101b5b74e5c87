"""The SDK, sync and async, reads groups, budgets and spend of every server version alike."""

from typing import Any
from uuid import UUID

import bridge_transport
import pytest
from aibridge_wire import connected
from small_bridges import token
from vector_company import IDS, PROFILES, bridge, company

from aibridge import (
    EffectiveBudget,
    ExperimentOffError,
    FeatureUnavailableError,
    NotFoundError,
    ServerTooOldError,
)
from bridgeboard.demo.api import Profile

WITH_SPEND: list[Profile] = ["v2.36-pre", "newer"]
TOO_OLD, OFF, UNLICENSED = ServerTooOldError, ExperimentOffError, FeatureUnavailableError


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def client_of(kind: str, profile: Profile, who: str = "owner", **switches: Any) -> Any:
    tables = company()
    person = next(each for each in tables.people if each.username == who)
    transport = bridge_transport.Transport(bridge(tables, profile, **switches))
    return connected(kind, None, token=token(person), transport=transport)


@pytest.mark.parametrize("profile", PROFILES)
def test_groups_and_their_budgets_are_the_same_in_every_version(
    kind: str, profile: Profile
) -> None:
    with client_of(kind, profile) as client:
        (organization,) = client.organizations()
        everyone, empty, eng, research = client.groups(organization.name)
        assert client.groups() == client.groups("default") == (everyone, empty, eng, research)
        assert client.groups(has_member="alice") == (everyone, eng, research)
        assert client.groups(group_ids=[eng.id]) == (eng,)
        assert client.group(eng.id, exclude_members=True).members == ()
        assert everyone.is_everyone
        assert client.group_members(eng.id).users == eng.members
        assert client.group_members(empty.id).users == ()
        budgets = [client.group_budget(each.id) for each in (everyone, eng)]
        assert [each and each.spend_limit_micros for each in budgets] == [None, 20_000_000]


@pytest.mark.parametrize("profile", WITH_SPEND)
def test_spend_and_limits_are_read_alike_flat_and_nested(kind: str, profile: Profile) -> None:
    eng, research = UUID(IDS["eng"]), UUID(IDS["research"])
    with client_of(kind, profile, "auditor") as client:
        own = EffectiveBudget(spend_limit_micros=7_000_000, limit_source="user_override")
        bob = client.user_spend("bob")
        assert (bob.effective_budget, bob.current_spend_micros) == (own, 8_000_000)
        assert client.user_spend(IDS["mallory"]).effective_budget is None
        assert client.user_budget("bob").group_id == eng
        assert client.user_budget("alice") is None
        many = [UUID(int=number) for number in range(150)]
        spend = client.groups_spend("default", [*many, eng, research, eng])
        rows = [(each.group_id, each.current_spend_micros) for each in spend.groups]
        assert rows == [(eng, 9_000_312), (research, 2_623_457)]
        members = client.group_members_spend(eng, [IDS["delia"], IDS["susi"], IDS["bob"], *many])
        assert [each.group_spend_micros for each in members.members] == [8_000_000, 5]
        assert members.period_start == spend.period_start == bob.period_start


def test_what_a_member_may_see_is_read_without_an_error(kind: str) -> None:
    with client_of(kind, "newer", "mallory") as client:
        assert len(client.groups()) == 4
        assert client.group_members(IDS["eng"]).users == ()
        assert client.group_members_spend(IDS["eng"], [IDS["bob"]]).members == ()
        assert client.user_budget("bob") is None
        assert client.user_spend("me").current_spend_micros == 42
        with pytest.raises(NotFoundError, match="do not have access"):
            client.user_spend("bob")


@pytest.mark.parametrize(
    ("profile", "switches", "expected"),
    [
        ("v2.34", {}, [None, None, TOO_OLD, TOO_OLD]),
        ("v2.35", {}, [None, None, None, TOO_OLD]),
        ("v2.35", {"experiments": ()}, [None, None, OFF, TOO_OLD]),
        ("v2.36-pre", {}, [None, None, None, None]),
        ("v2.36-pre", {"experiments": ()}, [None, None, OFF, OFF]),
        ("newer", {"experiments": ()}, [None, None, None, None]),
        ("newer", {"enabled": False}, [None, *[UNLICENSED] * 3]),
        ("newer", {"licensed": False}, [UNLICENSED] * 4),
    ],
)
def test_cost_control_says_what_is_answered_and_why_not(
    kind: str, profile: Profile, switches: dict[str, Any], expected: list[Any]
) -> None:
    with client_of(kind, profile, **switches) as client:
        control = client.cost_control()
        refusals = (control.groups, control.group_budgets, control.user_budgets, control.user_spend)
        assert [each and type(each) for each in refusals] == expected
        if control.user_spend:
            with pytest.raises(type(control.group_spend)):
                client.groups_spend("default", [IDS["eng"]])


def test_a_missing_feature_is_named(kind: str) -> None:
    with client_of(kind, "newer", licensed=False) as client:
        control = client.cost_control()
        assert (control.groups.feature, control.user_spend.feature) == (
            "Template RBAC",
            "AI Gateway",
        )
