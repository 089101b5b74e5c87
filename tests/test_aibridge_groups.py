"""What the SDK makes of answers about groups, AI budgets and AI spend."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from aibridge_wire import ALICE, BOB, NO_ROUTE, Handler, answer, connected, uuid

from aibridge import (
    ArgumentError,
    CostControl,
    DecodeError,
    EffectiveBudget,
    ExperimentOffError,
    FeatureUnavailableError,
    IncompleteError,
    NotFoundError,
    RouteNotFoundError,
    ServerTooOldError,
)

API = "/api/v2"
ENG, EVERYONE = uuid(21), uuid(20)
MONTH = {"period_start": "2026-11-01T00:00:00Z", "period_end": "2026-12-01T00:00:00Z"}
TIMES = {"created_at": "2026-11-01T02:00:00-03:30", "updated_at": "2026-11-02T00:00:00Z"}
UNSEEN = answer({"message": "Resource not found or you do not have access to this resource"}, 404)
NO_PATH = answer(NO_ROUTE, 404)
NO_GROUPS = answer({"message": "Template RBAC is a Premium feature. Contact sales!"}, 403)
NO_GATEWAY = answer({"message": "AI Gateway is a Premium feature. Contact sales!"}, 403)
OFF = answer(
    {
        "message": "AI Gateway Cost Control functionality requires enabling the"
        " 'ai-gateway-cost-control' experiment."
    },
    403,
)


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Server:
    """Answers by path below /api/v2; what is not listed is no path."""

    def __init__(self, **said: Any) -> None:
        self.said = said
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        said = self.said.get(request.url.path.removeprefix(f"{API}/"), NO_PATH)
        said = said(request) if callable(said) else said
        if isinstance(said, httpx.Response):
            return httpx.Response(said.status_code, headers=said.headers, content=said.content)
        return answer(said)


def group(number: int, name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": uuid(number),
        "name": name,
        "display_name": "",
        "organization_id": EVERYONE,
        "organization_name": "coder",
        "organization_display_name": "Coder",
        "members": [],
        "total_member_count": 0,
        "avatar_url": "",
        "quota_allowance": 0,
        "source": "user",
    } | changes


def test_groups_come_sorted_with_their_members_and_say_who_is_everyone(kind: str) -> None:
    member = {"id": ALICE, "username": "alice", "email": "a@x", "status": "suspended", "new": 1}
    rows = [group(21, "eng", members=[member], total_member_count=3), group(20, "Everyone")]
    with connected(kind, Server(groups=rows)) as client:
        everyone, eng = client.groups()
    assert (everyone.is_everyone, eng.is_everyone) == (True, False)
    assert (eng.members[0].username, eng.members[0].status) == ("alice", "suspended")
    assert eng.total_member_count > len(eng.members)


def test_group_ids_go_by_the_hundred_and_each_group_comes_once(kind: str) -> None:
    server = Server(groups=lambda _: answer([group(21, "eng")]))
    with connected(kind, server) as client:
        found = client.groups(has_member=ALICE, group_ids=[uuid(n) for n in (*range(101), 5)])
    sizes = [len(each.url.params["group_ids"].split(",")) for each in server.asked]
    assert (sizes, len(found)) == ([100, 1], 1)
    assert {each.url.params["has_member"] for each in server.asked} == {ALICE}


def test_an_organisation_is_part_of_the_address(kind: str) -> None:
    server = Server(**{"organizations/default/groups": None, "organizations/a%2Fb/groups": []})
    with connected(kind, server) as client:
        assert client.groups("default") == ()
        with pytest.raises(ArgumentError, match="organization 'a/b'"):
            client.groups("a/b")


def test_no_users_are_an_empty_page_and_zero_is_no_limit(kind: str) -> None:
    server = Server(**{f"groups/{ENG}/members": {"users": None, "count": 0}})
    with connected(kind, server) as client:
        assert client.group_members(ENG).users == ()
        client.group_members(UUID(ENG), limit=5, offset=10)
    assert [str(each.url.params) for each in server.asked] == ["", "limit=5&offset=10"]


@pytest.mark.parametrize("limit", [0, 20_000_000, 2**63 - 1])
def test_a_budget_of_zero_is_a_budget(kind: str, limit: int) -> None:
    row = {"group_id": ENG, "spend_limit_micros": limit} | TIMES
    with connected(kind, Server(**{f"groups/{ENG}/ai/budget": row})) as client:
        assert client.group_budget(ENG).spend_limit_micros == limit


@pytest.mark.parametrize("limit", [1.5, "7", True, 2**63, None])
def test_money_is_an_integer_of_64_bits_or_the_answer_is_refused(kind: str, limit: object) -> None:
    row = {"group_id": ENG, "spend_limit_micros": limit} | TIMES
    server = Server(**{f"groups/{ENG}/ai/budget": row})
    with connected(kind, server) as client, pytest.raises(DecodeError):
        client.group_budget(ENG)


def test_unset_is_none_and_an_old_server_is_an_error(kind: str) -> None:
    with connected(kind, Server(**{f"groups/{ENG}/ai/budget": UNSEEN})) as client:
        assert client.group_budget(ENG) is None
    with connected(kind, Server()) as client, pytest.raises(ServerTooOldError, match=r"v2\.34"):
        client.group_budget(ENG)


def test_an_override_is_asked_for_at_the_new_address_then_at_the_old(kind: str) -> None:
    row = {"user_id": BOB, "group_id": ENG, "spend_limit_micros": 7} | TIMES
    new, old = "users/bob/ai/budget/override", "users/bob/ai/budget"
    for server, calls in ((Server(**{new: row}), 1), (Server(**{old: row}), 2)):
        with connected(kind, server) as client:
            assert client.user_budget("bob").spend_limit_micros == 7
        assert len(server.asked) == calls
    with connected(kind, Server(**{old: UNSEEN})) as client:
        assert client.user_budget("bob") is None
    with connected(kind, Server(**{new: OFF})) as client, pytest.raises(ExperimentOffError):
        client.user_budget("bob")


SPEND = MONTH | {"user_id": BOB, "effective_group_id": ENG, "current_spend_micros": 8}
LIMIT = {"spend_limit_micros": 7, "limit_source": "user_override"}


@pytest.mark.parametrize(
    ("changes", "budget"),
    [
        (LIMIT, EffectiveBudget(**LIMIT)),
        ({"effective_budget": LIMIT}, EffectiveBudget(**LIMIT)),
        (LIMIT | {"spend_limit_micros": 0}, EffectiveBudget(**LIMIT | {"spend_limit_micros": 0})),
        ({"spend_limit_micros": None, "limit_source": None}, None),
        ({"effective_budget": None}, None),
    ],
)
def test_a_limit_is_read_flat_and_nested(
    kind: str, changes: dict[str, Any], budget: EffectiveBudget | None
) -> None:
    with connected(kind, Server(**{"users/me/ai/spend": SPEND | changes})) as client:
        spend = client.user_spend("me")
    assert (spend.effective_budget, spend.current_spend_micros) == (budget, 8)


def spends(field: str, row: Callable[[str], dict[str, Any]], name: str) -> Handler:
    def said(request: httpx.Request) -> httpx.Response:
        ids = request.url.params[name].split(",")
        return answer(MONTH | {field: [row(each) for each in reversed(ids)]})

    return said


def test_spend_is_asked_by_the_hundred_and_comes_in_order_of_ids(kind: str) -> None:
    ids = [uuid(number) for number in range(150)]
    groups = Server(
        **{
            "organizations/default/groups/ai/spend": spends(
                "groups", lambda each: {"group_id": each, "current_spend_micros": 1}, "group_ids"
            ),
            f"groups/{ENG}/members/ai/spend": spends(
                "members", lambda each: {"user_id": each, "group_spend_micros": 1}, "user_ids"
            ),
        }
    )
    with connected(kind, groups) as client:
        found = client.groups_spend("default", [*ids, ids[0]])
        members = client.group_members_spend(ENG, ids)
        with pytest.raises(ArgumentError, match="at least one id"):
            client.groups_spend("default", [])
    assert [str(each.group_id) for each in found.groups] == ids
    assert [str(each.user_id) for each in members.members] == ids
    assert len(groups.asked) == 4


def turning(*months: int) -> Handler:
    """Answers from one month after the other, and the last for ever."""
    left = list(months)

    def said(_request: httpx.Request) -> httpx.Response:
        month = left.pop(0) if len(left) > 1 else left[0]
        start, end = f"2026-{month:02}-01T00:00:00Z", f"2026-{month + 1:02}-01T00:00:00Z"
        return answer({"period_start": start, "period_end": end, "groups": None})

    return said


def test_the_spend_of_many_groups_is_of_one_month(kind: str) -> None:
    path, ids = "organizations/o/groups/ai/spend", [uuid(number) for number in range(101)]
    with connected(kind, Server(**{path: turning(10, 11)})) as client:
        assert client.groups_spend("o", ids).period_start.month == 11
    restless = Server(**{path: turning(1, 2, 3, 4, 5, 6, 7)})
    with connected(kind, restless) as client, pytest.raises(IncompleteError):
        client.groups_spend("o", ids)


def test_an_old_server_takes_spend_for_the_name_of_a_group(kind: str) -> None:
    path = "organizations/o/groups/ai/spend"
    old = Server(**{path: UNSEEN})
    with connected(kind, old) as client, pytest.raises(ServerTooOldError, match=r"v2\.36"):
        client.groups_spend("o", [ENG])
    new = Server(**{path: UNSEEN, "users/me/ai/spend": SPEND})
    with connected(kind, new) as client, pytest.raises(NotFoundError) as raised:
        client.groups_spend("o", [ENG])
    assert not isinstance(raised.value, RouteNotFoundError)


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        (NO_GROUPS, FeatureUnavailableError, "Template RBAC"),
        (NO_GATEWAY, FeatureUnavailableError, "AI Gateway"),
        (OFF, ExperimentOffError, "CODER_EXPERIMENTS"),
        (NO_PATH, ServerTooOldError, r"v2\.36 or later"),
        (UNSEEN, NotFoundError, "do not have access"),
    ],
)
def test_each_refusal_has_an_error_of_its_own(
    kind: str, said: httpx.Response, error: type[Exception], words: str
) -> None:
    server = Server(**{f"groups/{ENG}/members/ai/spend": said})
    with connected(kind, server) as client, pytest.raises(error, match=words) as raised:
        client.group_members_spend(ENG, [ALICE])
    assert type(raised.value) is error
    if isinstance(raised.value, FeatureUnavailableError):
        assert raised.value.feature == words


def reasons(control: CostControl) -> list[type[Exception] | None]:
    fields = (control.groups, control.group_budgets, control.user_budgets)
    refusals = (*fields, control.user_spend, control.group_spend)
    return [None if each is None else type(each) for each in refusals]


def test_cost_control_tells_what_a_server_answers(kind: str) -> None:
    everyone = {"id": EVERYONE, "name": "coder", "is_default": True}
    v234 = {"organizations": [everyone], "groups": [], f"groups/{EVERYONE}/ai/budget": UNSEEN}
    off = v234 | {
        "users/me/ai/budget/override": OFF,
        "users/me/ai/budget": OFF,
        "users/me/ai/spend": OFF,
    }
    v236 = v234 | {"users/me/ai/budget/override": UNSEEN, "users/me/ai/spend": SPEND}
    unlicensed = {
        "organizations": [everyone],
        "groups": NO_GROUPS,
        f"groups/{EVERYONE}/ai/budget": NO_GROUPS,
        "users/me/ai/budget/override": NO_GATEWAY,
        "users/me/ai/spend": NO_GATEWAY,
    }
    old, no_experiment, no_licence = ServerTooOldError, ExperimentOffError, FeatureUnavailableError
    for said, expected in (
        (v234, [None, None, old, old, old]),
        (off, [None, None, no_experiment, no_experiment, no_experiment]),
        (v236, [None] * 5),
        (unlicensed, [no_licence] * 5),
    ):
        with connected(kind, Server(**said)) as client:
            assert reasons(client.cost_control()) == expected
