"""The methods of both clients that read groups, AI budgets and AI spend.

What they ask, and in which order, is in ``group_calls``; each client says how a plan is run.
"""

from abc import ABC, abstractmethod
from typing import TypeVar
from uuid import UUID

from aibridge import group_calls
from aibridge.group_calls import CostControl, Ids, once
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

T = TypeVar("T")


class GroupReader(ABC):
    """Reads groups, AI budgets and AI spend, for ``Client``.

    An owner or auditor reads all of them, other people their own (api-contract 9.1). Each method
    may raise a FeatureUnavailableError with the missing ``feature``, an ExperimentOffError or a
    ServerTooOldError; ``cost_control`` asks for them beforehand.
    """

    @abstractmethod
    def _run(self, plan: Plan[T]) -> T: ...

    def cost_control(self) -> CostControl:
        """What the server tells of groups, budgets and spend, or why not; asked afresh."""
        return self._run(group_calls.cost_control())

    def organizations(self) -> tuple[Organization, ...]:
        """The organisations that the caller may see."""
        return self._run(once(group_calls.organizations()))

    def groups(
        self,
        organization: UUID | str | None = None,
        *,
        has_member: UUID | str | None = None,
        group_ids: Ids | None = None,
    ) -> tuple[Group, ...]:
        """All groups with their members, by organisation and name, in one answer.

        Args:
            organization: an id, a name or "default"; else those of all organisations.
            has_member: an id or a username, not "me"; an unknown id matches nothing.
            group_ids: only these; unknown ids match nothing.
        """
        return self._run(group_calls.groups(organization, has_member, group_ids))

    def group(self, group_id: UUID | str, *, exclude_members: bool = False) -> Group:
        """One group, by its id.

        Raises:
            NotFoundError: for a group that does not exist or is not visible.
        """
        return self._run(once(group_calls.group(group_id, exclude_members=exclude_members)))

    def group_members(
        self, group_id: UUID | str, *, limit: int = 0, offset: int = 0
    ) -> GroupMembers:
        """Members of a group by username: all of them, or ``limit`` from ``offset`` on."""
        return self._run(once(group_calls.group_members(group_id, limit=limit, offset=offset)))

    def group_budget(self, group_id: UUID | str) -> GroupBudget | None:
        """The limit of each member; None where none is set or the group is not visible."""
        return self._run(group_calls.group_budget(group_id))

    def user_budget(self, user: UUID | str) -> UserBudget | None:
        """A person's own limit; None where none is set or the person is not visible."""
        return self._run(group_calls.user_budget(user))

    def user_spend(self, user: UUID | str) -> UserSpend:
        """A person's limit, and this month's spend on the group that counts for them.

        Raises:
            NotFoundError: for a person who does not exist or is not visible.
        """
        return self._run(once(group_calls.user_spend(user)))

    def groups_spend(self, organization: UUID | str, group_ids: Ids) -> GroupsSpend:
        """The month's spend of groups of an organisation, in requests of 100 groups each."""
        return self._run(group_calls.groups_spend(organization, group_ids))

    def group_members_spend(self, group_id: UUID | str, user_ids: Ids) -> GroupMembersSpend:
        """The month's spend of current members on a group, in requests of 100 people each."""
        return self._run(group_calls.group_members_spend(group_id, user_ids))


class AsyncGroupReader(ABC):
    """``GroupReader`` for ``AsyncClient``; the same methods, to be awaited."""

    @abstractmethod
    async def _run(self, plan: Plan[T]) -> T: ...

    async def cost_control(self) -> CostControl:
        """What the server tells of groups, budgets and spend, or why not; asked afresh."""
        return await self._run(group_calls.cost_control())

    async def organizations(self) -> tuple[Organization, ...]:
        """The organisations that the caller may see."""
        return await self._run(once(group_calls.organizations()))

    async def groups(
        self,
        organization: UUID | str | None = None,
        *,
        has_member: UUID | str | None = None,
        group_ids: Ids | None = None,
    ) -> tuple[Group, ...]:
        """All groups with their members, by organisation and name, in one answer."""
        return await self._run(group_calls.groups(organization, has_member, group_ids))

    async def group(self, group_id: UUID | str, *, exclude_members: bool = False) -> Group:
        """One group, by its id."""
        return await self._run(once(group_calls.group(group_id, exclude_members=exclude_members)))

    async def group_members(
        self, group_id: UUID | str, *, limit: int = 0, offset: int = 0
    ) -> GroupMembers:
        """Members of a group by username: all of them, or ``limit`` from ``offset`` on."""
        return await self._run(
            once(group_calls.group_members(group_id, limit=limit, offset=offset))
        )

    async def group_budget(self, group_id: UUID | str) -> GroupBudget | None:
        """The limit of each member; None where none is set or the group is not visible."""
        return await self._run(group_calls.group_budget(group_id))

    async def user_budget(self, user: UUID | str) -> UserBudget | None:
        """A person's own limit; None where none is set or the person is not visible."""
        return await self._run(group_calls.user_budget(user))

    async def user_spend(self, user: UUID | str) -> UserSpend:
        """A person's limit, and this month's spend on the group that counts for them."""
        return await self._run(once(group_calls.user_spend(user)))

    async def groups_spend(self, organization: UUID | str, group_ids: Ids) -> GroupsSpend:
        """The month's spend of groups of an organisation, in requests of 100 groups each."""
        return await self._run(group_calls.groups_spend(organization, group_ids))

    async def group_members_spend(self, group_id: UUID | str, user_ids: Ids) -> GroupMembersSpend:
        """The month's spend of current members on a group, in requests of 100 people each."""
        return await self._run(group_calls.group_members_spend(group_id, user_ids))
