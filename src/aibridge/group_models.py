"""The objects of Coder's own groups, AI budgets and AI spend (api-contract 9).

Money is in millionths of a US dollar, as integers. A limit of None is "no limit"; a limit of 0 is a
budget that blocks every request. A budget of a group holds for each of its members, not for the
group, so a group's spend cannot be compared with it.
"""

from typing import Any
from uuid import UUID

from pydantic import StrictBool, model_validator

from aibridge.models import Count, Many, Moment, Record


class Organization(Record):
    """An organisation of the deployment."""

    id: UUID
    name: str
    display_name: str = ""
    is_default: StrictBool = False


class GroupMember(Record):
    """A person as groups show them. ``status`` is active, dormant or suspended."""

    id: UUID
    username: str
    name: str | None = None
    avatar_url: str | None = None
    email: str | None = None
    status: str | None = None
    is_service_account: StrictBool = False


class Group(Record):
    """A group with the members that the caller may see.

    ``total_member_count`` counts all of them, suspended people included, so it may be larger than
    ``members``. Deleted people are in neither. Names are unique within one organisation only.
    """

    id: UUID
    name: str
    display_name: str = ""
    organization_id: UUID
    organization_name: str = ""
    organization_display_name: str = ""
    members: Many[GroupMember] = ()
    total_member_count: Count
    avatar_url: str | None = None
    source: str | None = None

    @property
    def is_everyone(self) -> bool:
        """Whether this is the group of all members of its organisation, which each has."""
        return self.id == self.organization_id


class GroupMembers(Record):
    """Members of a group, by lower-case username.

    ``count`` is that of the rows before the page was cut and before rows that the caller may not
    see were taken out, but 0 whenever ``users`` is empty. The size of a group is its
    ``total_member_count``.
    """

    users: Many[GroupMember] = ()
    count: Count


class GroupBudget(Record):
    """The monthly limit for each member of a group."""

    group_id: UUID
    spend_limit_micros: Count
    created_at: Moment
    updated_at: Moment


class UserBudget(Record):
    """One person's own monthly limit, and the group that their spend is booked on."""

    user_id: UUID
    group_id: UUID
    spend_limit_micros: Count
    created_at: Moment
    updated_at: Moment


class EffectiveBudget(Record):
    """A limit that holds; ``limit_source`` is "user_override" or "group"."""

    spend_limit_micros: Count
    limit_source: str | None = None


class UserSpend(Record):
    """What a person spent this month on the group that counts for them now.

    Spend that was booked on another group earlier in the month is not in it. Without
    ``effective_budget`` there is no limit. The period is a calendar month in UTC.
    """

    user_id: UUID
    effective_group_id: UUID | None = None
    effective_budget: EffectiveBudget | None = None
    period_start: Moment
    period_end: Moment
    current_spend_micros: Count

    @model_validator(mode="before")
    @classmethod
    def _nested(cls, data: Any) -> Any:
        # Builds before v2.36 have the limit and its source in the object itself.
        if not isinstance(data, dict) or "effective_budget" in data:
            return data
        if data.get("spend_limit_micros") is None:
            return data
        names = ("spend_limit_micros", "limit_source")
        return data | {"effective_budget": {name: data.get(name) for name in names}}


class GroupSpend(Record):
    """What was booked on a group this month by anybody, former and deleted members included.

    ``spend_limit_micros`` is the limit of each member. ``total_spend_limit_micros`` is the sum over
    the members it holds for; v2.36 on, and None without a budget.
    """

    group_id: UUID
    spend_limit_micros: Count | None = None
    total_spend_limit_micros: Count | None = None
    current_spend_micros: Count


class GroupsSpend(Record):
    """The spend of groups in one month, by group id. Groups that are not visible are missing."""

    period_start: Moment
    period_end: Moment
    groups: Many[GroupSpend] = ()


class MemberSpend(Record):
    """What a current member of a group spent this month on that group.

    ``group_budget`` is None unless this group sets the member's limit. ``effective_group_id`` is
    None where it is in another organisation. ``effective_budget`` is told by v2.36 on.
    """

    user_id: UUID
    effective_group_id: UUID | None = None
    group_budget: EffectiveBudget | None = None
    effective_budget: EffectiveBudget | None = None
    group_spend_micros: Count


class GroupMembersSpend(Record):
    """The spend of a group's current members in one month, by their ids.

    It does not add up to the group's spend, which includes former members.
    """

    period_start: Moment
    period_end: Moment
    members: Many[MemberSpend] = ()
