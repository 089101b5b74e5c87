"""The endpoints of groups, AI budgets and AI spend as a table: path, releases, gates, answer.

Gates are judged in the order in which the table names them (api-contract 9.5).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from bridgeboard.demo.api import golang, group_answers, http_answers
from bridgeboard.demo.api.deployment import ERAS, Profile
from bridgeboard.demo.api.group_answers import Request, Server, unseen
from bridgeboard.demo.api.http_answers import Answer, refuse
from bridgeboard.demo.api.query_parameters import Params
from bridgeboard.demo.records import Group, Person

Gate: TypeAlias = Callable[[Request], None]

WITHOUT_ENTERPRISE: Final = frozenset({"experiments", "organizations"})
"""What a server without enterprise code knows, too."""

EXPERIMENT: Final = "ai-gateway-cost-control"
_PREMIUM = "is a Premium feature. Contact sales!"
_SWITCHED_OFF = (
    f"AI Gateway Cost Control functionality requires enabling the '{EXPERIMENT}' experiment."
)


def _groups_licence(request: Request) -> None:
    if not request.server.licensed:
        raise refuse(403, f"Template RBAC {_PREMIUM}")


def _gateway_licence(request: Request) -> None:
    if not request.server.gateway:
        raise refuse(403, f"AI Gateway {_PREMIUM}")


def _experiment(request: Request) -> None:
    server = request.server
    if server.era.needs_experiment and EXPERIMENT not in server.experiments:
        raise refuse(403, _SWITCHED_OFF)


def _session(request: Request) -> None:
    request.caller = request.identify()


def _organization(request: Request) -> None:
    name, known = request.named["organization"], request.server.ledger.tables.organizations
    is_default = name in {"default", golang.NIL_UUID}
    found = known[:1] if is_default else [each for each in known if name in {each.id, each.name}]
    if not found or not request.reaches(found[0].id):
        raise unseen()
    request.organization = found[0]


def _group(request: Request) -> None:
    text = request.named["group"]
    try:
        group = request.server.ledger.groups.get(golang.uuid(text))
    except ValueError:
        raise refuse(400, f"Invalid UUID {golang.quote(text)}.") from None
    _found(request, group)


def _group_by_name(request: Request) -> None:
    key = request.organization.id, request.named["name"]
    groups = request.server.ledger.groups.values()
    _found(request, next((g for g in groups if (g.organization_id, g.name) == key), None))


def _found(request: Request, group: Group | None) -> None:
    if group is None or not request.reaches(group.organization_id):
        raise unseen()
    request.group = group


def _person(request: Request) -> None:
    text = request.named["user"]
    try:
        known = request.server.ledger.people.get(golang.uuid(text))
    except ValueError:
        known = request.caller if text == "me" else request.server.person_named(text)
    if known is None or not request.sees(known.id):
        raise unseen()
    request.person = known


_BELOW_GROUPS: Final = (_groups_licence, _session, _group)
_BELOW_ORGANIZATIONS: Final = (_session, _groups_licence, _organization)
_BELOW_USERS: Final = (_experiment, _gateway_licence, _session, _person)
_NAMED_GROUP: Final = (*_BELOW_ORGANIZATIONS, _group_by_name)
_SPEND: Final = (_experiment, _gateway_licence)


@dataclass(frozen=True)
class Endpoint:
    """A path below /api/v2, the releases that know it, its gates in order, and its answer."""

    path: str
    gates: tuple[Gate, ...]
    answer: Callable[[Request], Any]
    since: Profile = "v2.34"
    until: Profile = "newer"

    def match(self, path: str, profile: Profile) -> re.Match[str] | None:
        """The path's parts by name, if a server of that profile has the endpoint."""
        profiles = list(ERAS)
        known = profiles[profiles.index(self.since) : profiles.index(self.until) + 1]
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.path)
        return re.fullmatch(pattern, path, re.DOTALL) if profile in known else None


ENDPOINTS: Final = (
    Endpoint("experiments", (_session,), group_answers.experiments),
    Endpoint("organizations", (_session,), group_answers.organizations),
    Endpoint("groups", (_groups_licence, _session), group_answers.groups),
    Endpoint("groups/{group}", _BELOW_GROUPS, group_answers.one_group),
    Endpoint("groups/{group}/members", _BELOW_GROUPS, group_answers.members),
    Endpoint(
        "groups/{group}/ai/budget", (*_BELOW_GROUPS, _gateway_licence), group_answers.group_budget
    ),
    Endpoint(
        "groups/{group}/members/ai/spend",
        (*_BELOW_GROUPS, *_SPEND),
        group_answers.members_spend,
        "v2.36-pre",
    ),
    Endpoint(
        "groups/{group}/ai/spend",
        (*_BELOW_GROUPS, *_SPEND),
        group_answers.one_groups_spend,
        "newer",
    ),
    Endpoint("organizations/{organization}/groups", _BELOW_ORGANIZATIONS, group_answers.groups),
    Endpoint(
        "organizations/{organization}/groups/ai/spend",
        (*_BELOW_ORGANIZATIONS, *_SPEND),
        group_answers.groups_spend,
        "v2.36-pre",
    ),
    Endpoint("organizations/{organization}/groups/{name}", _NAMED_GROUP, group_answers.one_group),
    Endpoint(
        "organizations/{organization}/groups/{name}/members", _NAMED_GROUP, group_answers.members
    ),
    Endpoint(
        "organizations/{organization}/groups/{name}/members/ai/spend",
        (*_NAMED_GROUP, *_SPEND),
        group_answers.members_spend,
        "v2.36-pre",
    ),
    # Whatever else is below the name of a group: the group is looked for first.
    Endpoint("organizations/{organization}/groups/{name}/.+", _NAMED_GROUP, group_answers.no_route),
    Endpoint(
        "users/{user}/ai/budget", _BELOW_USERS, group_answers.user_budget, "v2.35", "v2.36-pre"
    ),
    Endpoint("users/{user}/ai/budget/.+", _SPEND, group_answers.no_route, "v2.35", "v2.36-pre"),
    Endpoint("users/{user}/ai/budget/override", _BELOW_USERS, group_answers.user_budget, "newer"),
    Endpoint("users/{user}/ai/spend", _BELOW_USERS, group_answers.user_spend, "v2.36-pre"),
)


def answer(
    path: str,
    method: str,
    server: Server,
    params: Params,
    identify: Callable[[], Person],
) -> Answer | None:
    """Answer a request for a path below /api/v2; None where this server has no such endpoint."""
    for endpoint in ENDPOINTS:
        # Unlike below the AI Gateway, a slash at the end does no harm.
        if parts := endpoint.match(path.removesuffix("/"), server.profile):
            if method != "GET":
                return Answer(405, (), b"")
            request = Request(server, params, parts.groupdict(), identify)
            for gate in endpoint.gates:
                gate(request)
            return http_answers.ok(endpoint.answer(request))
    return None
