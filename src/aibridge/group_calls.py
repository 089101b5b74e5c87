"""The endpoints of groups, AI budgets and AI spend, and the requests that answer about them.

As in ``calls`` and ``lists``, nothing here does I/O (api-contract 9).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from pydantic import TypeAdapter

from aibridge.calls import MAX_OFFSET, Call, filled, listed, record, segment, within
from aibridge.errors import (
    AIBridgeError,
    ArgumentError,
    ForbiddenError,
    IncompleteError,
    NotFoundError,
    RouteNotFoundError,
    ServerTooOldError,
)
from aibridge.group_models import (
    Group,
    GroupBudget,
    GroupMembers,
    GroupMembersSpend,
    GroupsSpend,
    Organization,
    UserBudget,
    UserSpend,
)
from aibridge.lists import Plan
from aibridge.models import Record

T = TypeVar("T")
R = TypeVar("R", bound=Record)
S = TypeVar("S", GroupsSpend, GroupMembersSpend)
Ids = Iterable[UUID | str]

MAX_IDS = 100
"""How many ids one request may name; the server counts repeated ones, too."""
TRIES = 3

_ROOT = "/api/v2"
_ORGANIZATIONS = TypeAdapter(tuple[Organization, ...] | None)
_GROUPS = TypeAdapter(tuple[Group, ...] | None)
_NOBODY = UUID(int=1)


@dataclass(frozen=True)
class CostControl:
    """Why the server does not answer about groups, budgets or spend; None where it does.

    A ``ServerTooOldError``, an ``ExperimentOffError``, a ``FeatureUnavailableError`` with the
    feature, or another ``ForbiddenError``. ``group_spend`` holds for members of groups, too.
    """

    groups: AIBridgeError | None
    group_budgets: AIBridgeError | None
    user_budgets: AIBridgeError | None
    user_spend: AIBridgeError | None

    @property
    def group_spend(self) -> AIBridgeError | None:
        """Spend of groups needs both groups and spend."""
        return self.groups or self.user_spend


def organizations() -> Call[tuple[Organization, ...]]:
    """Organisations that the caller may see; no licence needed."""
    return Call(f"{_ROOT}/organizations", partial(listed, _ORGANIZATIONS))


def group(group_id: UUID | str, *, exclude_members: bool) -> Call[Group]:
    """One group."""
    return _get(Group, _group(group_id), exclude_members="true" if exclude_members else None)


def group_members(group_id: UUID | str, *, limit: int, offset: int) -> Call[GroupMembers]:
    """Members of a group; without a limit, all of them."""
    return _get(
        GroupMembers,
        f"{_group(group_id)}/members",
        limit=within("limit", limit, MAX_OFFSET, least=0),
        offset=within("offset", offset, MAX_OFFSET, least=0),
    )


def user_spend(user: UUID | str) -> Call[UserSpend]:
    """A person's spend this month; ``user`` is an id, a username or "me"."""
    return _get(UserSpend, f"{_user(user)}/ai/spend", since="v2.36")


def groups(
    organization: UUID | str | None, has_member: UUID | str | None, group_ids: Ids | None
) -> Plan[tuple[Group, ...]]:
    """All groups that match every filter, by name; the server promises no order."""
    path = f"{_organization(organization)}/groups" if organization else f"{_ROOT}/groups"
    member = {"has_member": has_member} if has_member else {}
    parse = partial(listed, _GROUPS)
    if group_ids is None:
        found: tuple[Group, ...] = yield Call(path, parse, filled(**member))
        return _sorted(found)
    rows: list[Group] = []
    for batch in _batches(group_ids):
        rows += yield Call(path, parse, filled(**member, group_ids=batch))
    return _sorted({each.id: each for each in rows}.values())


def group_budget(group_id: UUID | str) -> Plan[GroupBudget | None]:
    """A group's budget; None where none is set, or where the caller may not see the group."""
    path = f"{_group(group_id)}/ai/budget"
    return (yield from _or_none(_get(GroupBudget, path, since="v2.34")))


def user_budget(user: UUID | str) -> Plan[UserBudget | None]:
    """A person's own budget; None where none is set, or where the caller may not see them."""
    path = f"{_user(user)}/ai/budget"
    try:
        return (yield from _or_none(_get(UserBudget, f"{path}/override")))
    except RouteNotFoundError:
        # The address of servers before v2.36.
        return (yield from _or_none(_get(UserBudget, path, since="v2.35")))


def groups_spend(organization: UUID | str, group_ids: Ids) -> Plan[GroupsSpend]:
    """The spend of groups of an organisation."""
    path = f"{_organization(organization)}/groups/ai/spend"
    try:
        pages = yield from _one_month(GroupsSpend, path, "group_ids", tuple(group_ids))
    except RouteNotFoundError:
        raise
    except NotFoundError:
        # Older servers look for a group named "ai" here. They do not know this path, either.
        try:
            yield user_spend("me")
        except (ServerTooOldError, ForbiddenError):
            raise
        except AIBridgeError:
            pass
        raise
    rows = {each.group_id: each for page in pages for each in page.groups}
    return pages[0].model_copy(update={"groups": tuple(rows[key] for key in sorted(rows))})


def group_members_spend(group_id: UUID | str, user_ids: Ids) -> Plan[GroupMembersSpend]:
    """The spend of current members of a group on that group."""
    path = f"{_group(group_id)}/members/ai/spend"
    pages = yield from _one_month(GroupMembersSpend, path, "user_ids", tuple(user_ids))
    rows = {each.user_id: each for page in pages for each in page.members}
    return pages[0].model_copy(update={"members": tuple(rows[key] for key in sorted(rows))})


def cost_control() -> Plan[CostControl]:
    """Ask for as little as shows what this server tells this caller."""
    found: tuple[Organization, ...] = yield organizations()
    # Each organisation has a group of its own id, with all its members.
    everyone = found[0].id if found else _NOBODY
    return CostControl(
        groups=(yield from _refusal(groups(None, None, (_NOBODY,)))),
        group_budgets=(yield from _refusal(group_budget(everyone))),
        user_budgets=(yield from _refusal(user_budget("me"))),
        user_spend=(yield from _refusal(once(user_spend("me")))),
    )


def _refusal(plan: Plan[Any]) -> Plan[AIBridgeError | None]:
    try:
        yield from plan
    except (ForbiddenError, NotFoundError) as error:
        return error
    return None


def once(call: Call[T]) -> Plan[T]:
    """The plan of a single call."""
    value: T = yield call
    return value


def _or_none(call: Call[R]) -> Plan[R | None]:
    try:
        value: R = yield call
    except RouteNotFoundError:
        raise
    except NotFoundError:
        return None
    return value


def _one_month(kind: type[S], path: str, name: str, ids: tuple[UUID | str, ...]) -> Plan[list[S]]:
    """The answers about all ids, all of one month, although months may change in between.

    Raises:
        ArgumentError: without any id, which the server refuses.
        IncompleteError: when the month of the answers keeps changing.
    """
    if not ids:
        raise ArgumentError(f"{name} names nothing.", advice="Give at least one id.")
    for _ in range(TRIES):
        pages: list[S] = []
        for batch in _batches(ids):
            page: S = yield Call(path, partial(record, kind), ((name, batch),), since="v2.36")
            pages += [page]
        if len({page.period_start for page in pages}) == 1:
            return pages
    raise IncompleteError("The month that the server's spend is of changes from answer to answer.")


def _batches(ids: Ids) -> Iterator[str]:
    distinct = list(dict.fromkeys(map(str, ids)))
    for first in range(0, len(distinct), MAX_IDS):
        yield ",".join(distinct[first : first + MAX_IDS])


def _sorted(found: Iterable[Group]) -> tuple[Group, ...]:
    return tuple(sorted(found, key=lambda each: (each.organization_name, each.name, each.id)))


def _get(kind: type[R], path: str, since: str = "", **params: UUID | str | int | None) -> Call[R]:
    return Call(path, partial(record, kind), filled(**params), since=since)


def _group(group_id: UUID | str) -> str:
    return f"{_ROOT}/groups/{segment('group id', str(group_id))}"


def _user(user: UUID | str) -> str:
    return f"{_ROOT}/users/{segment('user', str(user))}"


def _organization(organization: UUID | str) -> str:
    return f"{_ROOT}/organizations/{segment('organization', str(organization))}"
