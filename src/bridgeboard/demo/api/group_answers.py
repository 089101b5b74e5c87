"""Answers about groups, AI budgets and AI spend, once the gates let a request through.

Who may see what is in api-contract 9.1.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bridgeboard.demo.api import asking, deployment, golang, http_answers, query_parameters
from bridgeboard.demo.api.deployment import LONG_AGO, Era, Profile
from bridgeboard.demo.api.http_answers import refuse
from bridgeboard.demo.api.query_parameters import Params, Reading
from bridgeboard.demo.api.spend import Effective, Ledger, month
from bridgeboard.demo.records import Budget, Group, Organization, Person

NO_ROUTE: Final = "Route not found."
NOT_VISIBLE: Final = "Resource not found or you do not have access to this resource"
MOST_IDS: Final = 100
_READERS = {"owner", "auditor"}
_TRUE = {"1", "t", "T", "TRUE", "true", "True"}


@dataclass(frozen=True)
class Server:
    """What of the server these endpoints go by; ``now`` is its clock's time."""

    profile: Profile
    ledger: Ledger
    era: Era
    stamp: http_answers.Stamp
    now: datetime
    has_future: bool
    licensed: bool
    gateway: bool
    experiments: Sequence[str]
    person_named: Callable[[str], Person | None]

    @property
    def is_nested(self) -> bool:
        """Whether limits are objects of their own, as from v2.36 on."""
        return not self.era.needs_experiment


@dataclass
class Request:
    """A request on its way through the gates; what is not given, one of them finds."""

    server: Server
    params: Params
    named: dict[str, str]
    identify: Callable[[], Person]
    caller: Person = field(init=False)
    organization: Organization = field(init=False)
    group: Group = field(init=False)
    person: Person = field(init=False)

    def sees(self, person_id: str) -> bool:
        """Whether the caller may read a person."""
        return self.caller.role in _READERS or self.caller.id == person_id

    def reaches(self, organization_id: str) -> bool:
        """Whether the caller may read the groups of an organisation."""
        everyone = self.server.ledger.groups[organization_id]
        return self.caller.role in _READERS or self.caller.id in everyone.member_ids


def unseen() -> http_answers.Refused:
    """The 404 of what does not exist and of what the caller may not see."""
    return refuse(404, NOT_VISIBLE)


def experiments(request: Request) -> Any:
    """The configured experiments, whether or not they mean anything."""
    return list(request.server.experiments)


def organizations(request: Request) -> Any:
    """The caller's organisations; all of them for owners and auditors."""
    known = request.server.ledger.tables.organizations
    return [
        {
            "id": each.id,
            "name": each.name,
            "display_name": each.display_name,
            "icon": "",
            "description": "",
            "created_at": LONG_AGO,
            "updated_at": LONG_AGO,
            "is_default": each is known[0],
        }
        for each in known
        if request.reaches(each.id)
    ]


def groups(request: Request) -> Any:
    """All groups that the filters let through, in no order, with their members."""
    ledger, reading = request.server.ledger, Reading(request.params)
    # An organisation of the path replaces that of the query.
    has_path = "organization" in request.named
    given = None if has_path else reading.one("organization", _named(request), None)
    organization = request.organization.id if has_path else given
    member = reading.one("has_member", _member(request), None)
    ids = _ids(reading, "group_ids")
    _check(reading, {"organization", "has_member", "group_ids"})
    return [
        _group_object(request, group)
        for group in ledger.groups.values()
        if request.reaches(group.organization_id)
        and organization in {None, group.organization_id}
        and (member is None or member in {each.id for each in ledger.members(group)})
        and (not ids or group.id in ids)
    ]


def one_group(request: Request) -> Any:
    """One group, without its members on request."""
    is_short = (request.params.get("exclude_members") or [""])[0] in _TRUE
    return _group_object(request, request.group) | ({"members": []} if is_short else {})


def members(request: Request) -> Any:
    """A page of members; what the caller may not see is taken out afterwards."""
    reading = Reading(request.params)
    limit = reading.one("limit", query_parameters.count, 0)
    offset = reading.one("offset", query_parameters.count, 0)
    _check(reading)
    people = request.server.ledger.members(request.group)
    page = people[offset : offset + limit if limit else None]
    seen = [_user(request, each) for each in page if request.sees(each.id)]
    return {"users": seen or None, "count": len(people) if seen else 0}


def group_budget(request: Request) -> Any:
    """The budget of a group."""
    return _budget(request, request.server.ledger.group_budgets.get(request.group.id))


def user_budget(request: Request) -> Any:
    """Somebody's own budget."""
    return _budget(request, request.server.ledger.override(request.person.id))


def user_spend(request: Request) -> Any:
    """What somebody spent on the group that counts for them."""
    server, person = request.server, request.person
    counts = None if person.deleted else server.ledger.effective(person.id)
    limit = _limit(counts)
    if server.is_nested:
        told: dict[str, Any] = {"effective_budget": limit}
    else:
        told = limit or {"spend_limit_micros": None, "limit_source": None}
    spent = _spent(server)[counts.group.id, person.id] if counts else 0
    return {
        "user_id": person.id,
        "effective_group_id": counts.group.id if counts else None,
        **told,
        **_period(server),
        "current_spend_micros": spent,
    }


def groups_spend(request: Request) -> Any:
    """What was booked on groups of an organisation, by group id."""
    groups = request.server.ledger.groups
    wanted = sorted(set(_required_ids(request, "group_ids")) & groups.keys())
    own = [groups[each] for each in wanted]
    rows = [
        _group_row(request.server, each)
        for each in own
        if each.organization_id == request.organization.id
    ]
    return {**_period(request.server), "groups": rows}


def one_groups_spend(request: Request) -> Any:
    """What was booked on one group."""
    return {**_period(request.server), **_group_row(request.server, request.group)}


def members_spend(request: Request) -> Any:
    """What current members spent on a group, by their ids."""
    wanted = set(_required_ids(request, "user_ids"))
    members = request.server.ledger.members(request.group)
    rows = [
        _member_row(request.server, request.group, each)
        for each in sorted(members, key=lambda person: person.id)
        if each.id in wanted and request.sees(each.id)
    ]
    return {**_period(request.server), "members": rows}


def no_route(_: Request) -> Any:
    """The 404 of an unknown path."""
    raise refuse(404, NO_ROUTE)


def _group_object(request: Request, group: Group) -> dict[str, Any]:
    ledger = request.server.ledger
    organization = next(o for o in ledger.tables.organizations if o.id == group.organization_id)
    people = ledger.members(group)
    return {
        "id": group.id,
        "name": group.name,
        "display_name": group.display_name,
        "organization_id": group.organization_id,
        "members": [_user(request, each) for each in people if request.sees(each.id)],
        "total_member_count": len(people),
        "avatar_url": "",
        "quota_allowance": 0,
        "source": "user",
        "organization_name": organization.name,
        "organization_display_name": organization.display_name,
    }


def _user(request: Request, person: Person) -> dict[str, Any]:
    return deployment.user(person, request.server.stamp(datetime.fromisoformat(LONG_AGO)))


def _budget(request: Request, budget: Budget | None) -> dict[str, Any]:
    if budget is None:
        raise unseen()
    return {
        **({"user_id": budget.person_id} if budget.person_id else {}),
        "group_id": budget.group_id,
        "spend_limit_micros": budget.limit_micros,
        "created_at": request.server.stamp(budget.set_at),
        "updated_at": request.server.stamp(budget.changed_at),
    }


def _limit(counts: Effective | None) -> dict[str, Any] | None:
    if counts is None or counts.budget is None:
        return None
    source = "user_override" if counts.budget.person_id else "group"
    return {"spend_limit_micros": counts.budget.limit_micros, "limit_source": source}


def _period(server: Server) -> dict[str, str]:
    # Always in UTC, whatever the zone of the database.
    start, end = (http_answers.stamper(0)(each) for each in month(server.now))
    return {"period_start": start, "period_end": end}


def _spent(server: Server) -> Any:
    return server.ledger.booked(server.now, has_future=server.has_future)


def _group_row(server: Server, group: Group) -> dict[str, Any]:
    budget = server.ledger.group_budgets.get(group.id)
    total = {"total_spend_limit_micros": server.ledger.total_limit(group)}
    spent = sum(amount for (each, _), amount in _spent(server).items() if each == group.id)
    return {
        "group_id": group.id,
        "spend_limit_micros": budget.limit_micros if budget else None,
        **(total if server.is_nested else {}),
        "current_spend_micros": spent,
    }


def _member_row(server: Server, group: Group, person: Person) -> dict[str, Any]:
    counts = server.ledger.effective(person.id)
    limit = _limit(counts)
    is_here = counts is not None and counts.group.id == group.id
    # What is in another organisation is not told here.
    is_told = counts is not None and counts.group.organization_id == group.organization_id
    return {
        "user_id": person.id,
        "effective_group_id": counts.group.id if counts and is_told else None,
        "group_budget": limit if is_here else None,
        **({"effective_budget": limit} if server.is_nested else {}),
        "group_spend_micros": _spent(server)[group.id, person.id],
    }


def _named(request: Request) -> Callable[[str], str]:
    def find(text: str) -> str:
        try:
            return golang.uuid(text)
        except ValueError:
            known = request.server.ledger.tables.organizations
        for each in known:
            if each.name == text:
                return each.id
        raise ValueError(f"has invalid value: organization {golang.quote(text)} not found")

    return find


def _member(request: Request) -> Callable[[str], str | None]:
    def find(text: str) -> str | None:
        try:
            person_id = golang.uuid(text)
        except ValueError:
            person = request.server.person_named(text)
            if person is None or not request.sees(person.id):
                unknown = f"has invalid value: user {golang.quote(text)} not found"
                raise ValueError(unknown) from None
            return person.id
        return None if person_id == golang.NIL_UUID else person_id

    return find


def _ids(reading: Reading, name: str) -> list[str]:
    """All ids of a parameter, given by commas and repeatedly."""
    ids: list[str] = []
    wrong: list[str] = []
    for text in ",".join(reading.values.get(name, ())).split(","):
        try:
            ids.append(golang.uuid(text.strip()))
        except ValueError as error:
            wrong.append(str(error))
    if wrong and any(reading.values.get(name, ())):
        detail = f"Query param {golang.quote(name)} has invalid values: {','.join(wrong)}"
        reading.refuse(name, detail)
    return ids


def _required_ids(request: Request, name: str) -> list[str]:
    reading = Reading(request.params)
    ids = _ids(reading, name)
    if not any(request.params.get(name, ())):
        reading.refuse(name, f"Query param {golang.quote(name)} is required and cannot be empty")
    _check(reading, {name})
    if len(ids) > MOST_IDS:
        raise refuse(400, f"{name} has {len(ids)} entries, maximum is {MOST_IDS}.")
    return ids


def _check(reading: Reading, known: Iterable[str] | None = None) -> None:
    for name in reading.values if known is not None else ():
        if name not in set(known or ()):
            reading.refuse(name, f"{golang.quote(name)} is not a valid query param")
    asking.check(reading)
