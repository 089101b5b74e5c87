"""Reads Coder's groups, their budgets and what Coder counts as spent, at most once an hour.

None of it is needed to read usage: what the server refuses or does not have is remembered with the
reason, and a sync goes on. What was read in part adds to what is known and ends nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import aibridge
from aibridge import (
    AIBridgeError,
    Client,
    ExperimentOffError,
    FeatureUnavailableError,
    ForbiddenError,
    NotFoundError,
    RouteNotFoundError,
)
from bridgeboard.model.coder_groups import Group, LastReading, Part, Problem
from bridgeboard.store import Batch, Store, coder_groups, erasure
from bridgeboard.sync import group_history
from bridgeboard.sync.group_history import Pair

EVERY: Final = timedelta(minutes=55)
"""Less than an hour, so that an hourly sync reads them each time."""
AGAIN_AFTER: Final = timedelta(minutes=10)
"""When an attempt that the server failed is repeated."""
_MOST_DETAIL: Final = 300
_MOST_COUNT: Final = 2**31 - 1
_SPENDLESS: Final = frozenset({"too_old", "switched_off"})
"""Why servers that have budgets do not tell spend."""


@dataclass
class _Read:
    """What was read so far.

    Attributes:
        organizations: ids of all that there are.
        groups: with members.
        limits: of each group that was asked for; None is none.
        months: month → what was booked on groups, and by members.
        effective: person → the group that sets their budget, as the server says.
        problems: what was not read, and why.
        detail: what the server said about it.
    """

    organizations: frozenset[str] = frozenset()
    groups: tuple[aibridge.Group, ...] = ()
    limits: dict[str, int | None] = field(default_factory=dict)
    months: dict[date, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = field(
        default_factory=lambda: defaultdict(lambda: ([], []))
    )
    effective: dict[str, str] = field(default_factory=dict)
    problems: dict[Part, Problem] = field(default_factory=dict)
    detail: str = ""

    def fail(self, error: AIBridgeError, *parts: Part) -> None:
        """Remember why parts were not read."""
        problem = _problem(error)
        self.problems |= dict.fromkeys(parts, problem)
        if problem in {"failed", "forbidden"}:
            self.detail = str(error)[:_MOST_DETAIL]


def learn(client: Client, store: Store, now: datetime) -> None:
    """Read groups, budgets and spend if that is due, and store what is new; never fails."""
    last = coder_groups.last_reading(store)
    if not _is_due(last, now):
        return
    read = _Read()
    try:
        read.organizations = frozenset(str(one.id) for one in client.organizations())
        read.groups = client.groups()
    except AIBridgeError as error:
        read.fail(error, "groups", "budgets", "spend")
    else:
        _read_money(client, read, now)
    with store.write() as batch:
        complete_at = last.complete_at
        if read.groups:
            is_complete = _put(batch, read, now, is_first=complete_at is None)
            complete_at = now if is_complete else complete_at
            if not is_complete:
                read.problems["groups"] = "partial"
        elif "groups" not in read.problems:
            # Each organisation has a group of its own, so none at all is not the truth.
            read.problems["groups"] = "partial"
        coder_groups.put_last_reading(
            batch, LastReading(now, complete_at, read.problems, read.detail)
        )


def _is_due(last: LastReading, now: datetime) -> bool:
    if last.tried_at is None:
        return True
    wait = AGAIN_AFTER if "failed" in last.problems.values() else EVERY
    # A time ahead of ours was written by a clock that was wrong.
    return not timedelta(0) <= now - last.tried_at < wait


def _problem(error: AIBridgeError) -> Problem:
    if isinstance(error, FeatureUnavailableError):
        return "unlicensed"
    if isinstance(error, ExperimentOffError):
        return "switched_off"
    if isinstance(error, RouteNotFoundError):
        return "too_old"
    return "forbidden" if isinstance(error, (ForbiddenError, NotFoundError)) else "failed"


def _read_money(client: Client, read: _Read, now: datetime) -> None:
    """Read limits and spend; limits alone from servers that tell no spend."""
    try:
        _read_spend(client, read)
    except AIBridgeError as error:
        read.fail(error, "spend")
    if read.problems.get("spend") not in _SPENDLESS:
        if "spend" in read.problems:
            read.problems["budgets"] = read.problems["spend"]
        return
    try:
        for group in read.groups:
            budget = client.group_budget(group.id)
            read.limits[str(group.id)] = budget.spend_limit_micros if budget else None
    except AIBridgeError as error:
        read.fail(error, "budgets")
    month = now.astimezone(UTC).date().replace(day=1)
    read.months[month][0].extend(
        {"coder_group": group, "limit_micros": limit} for group, limit in read.limits.items()
    )


def _read_spend(client: Client, read: _Read) -> None:
    by_organization: dict[str, list[aibridge.Group]] = defaultdict(list)
    for group in read.groups:
        by_organization[str(group.organization_id)].append(group)
    for organization, groups in by_organization.items():
        answer = client.groups_spend(organization, [group.id for group in groups])
        for row in answer.groups:
            read.limits[str(row.group_id)] = row.spend_limit_micros
            read.months[_month(answer.period_start)][0].append(
                {
                    "coder_group": str(row.group_id),
                    "limit_micros": row.spend_limit_micros,
                    "spend_micros": row.current_spend_micros,
                }
            )
    for group in read.groups:
        if group.members:
            try:
                _read_members(client, read, group)
            except RouteNotFoundError:
                raise
            except NotFoundError:  # it was deleted since the list was read
                continue


def _read_members(client: Client, read: _Read, group: aibridge.Group) -> None:
    names = {member.id: member.username for member in group.members}
    answer = client.group_members_spend(group.id, list(names))
    for row in answer.members:
        person, budget = str(row.user_id), row.group_budget
        if row.effective_group_id:
            read.effective[person] = str(row.effective_group_id)
        # Of the whole organisation only who spent something there, or may.
        if row.user_id in names and (not group.is_everyone or budget or row.group_spend_micros):
            read.months[_month(answer.period_start)][1].append(
                {
                    "coder_group": str(group.id),
                    "person": person,
                    "username": names[row.user_id],
                    "effective_group": row.effective_group_id and str(row.effective_group_id),
                    "limit_micros": budget and budget.spend_limit_micros,
                    "limit_source": budget and budget.limit_source,
                    "spend_micros": row.group_spend_micros,
                }
            )


def _month(start: datetime) -> date:
    return start.astimezone(UTC).date().replace(day=1)


def _put(batch: Batch, read: _Read, now: datetime, *, is_first: bool) -> bool:
    """Write what was read; whether groups were read whole."""
    before = coder_groups.groups(batch)
    ends, is_complete = _ending(read, before)
    listed = [_group(group) for group in read.groups]
    ids = {group.id for group in listed}
    gone = {group.id for group in before if group.id not in ids and ends(group.id)}
    coder_groups.put_groups(batch, group_history.known_groups(before, listed, gone=gone, now=now))
    erased = erasure.aliases(
        batch, (str(member.id) for group in read.groups for member in group.members)
    )
    here = set(_pairs(read.groups, erased))
    day = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    stays = coder_groups.stays(batch, "coder_members")
    coder_groups.put_stays(
        batch,
        "coder_members",
        group_history.continued(
            stays, here, day=None if is_first else day, ends=lambda stay: ends(stay.group)
        ),
    )
    if is_complete and "budgets" not in read.problems:
        _put_main_groups(batch, read, here, day)
    for month, (groups, members) in read.months.items():
        kept = [row for row in members if row["person"] not in erased]
        coder_groups.put_spend(batch, "coder_group_spend", month, groups, now)
        coder_groups.put_spend(batch, "coder_member_spend", month, kept, now)
    return is_complete


def _put_main_groups(batch: Batch, read: _Read, here: Iterable[Pair], day: datetime) -> None:
    limits = {group: limit for group, limit in read.limits.items() if limit is not None}
    before = coder_groups.stays(batch, "coder_main_groups")
    main = group_history.main_groups(here, limits, read.effective)
    after = group_history.continued(
        before, main, day=day if before else None, ends=lambda _stay: True
    )
    coder_groups.put_stays(batch, "coder_main_groups", after)


def _ending(read: _Read, before: Iterable[Group]) -> tuple[Callable[[str], bool], bool]:
    """Whether what was not read of a group, by its id, is over; and whether all was read.

    A token that may see less is shown fewer groups, or fewer of their members, without an error.
    So only what is listed with all its members is believed about members, and the group
    Everyone about which groups its organisation has.
    """
    whole = {
        str(group.id)
        for group in read.groups
        if len({member.id for member in group.members}) >= group.total_member_count
    }
    listed = {str(group.id) for group in read.groups}
    organizations = {group.id: group.organization for group in before}
    is_seen_whole = bool(read.organizations) and read.organizations <= whole

    def is_over(group: str) -> bool:
        if group in listed:
            return group in whole
        home = organizations.get(group, "")
        return home in whole or (is_seen_whole and home not in read.organizations)

    return is_over, is_seen_whole and whole == listed


def _pairs(groups: Iterable[aibridge.Group], erased: Mapping[str, object]) -> Iterator[Pair]:
    for group in groups:
        if not group.is_everyone:
            for member in group.members:
                if str(member.id) not in erased:
                    yield str(member.id), str(group.id)


def _group(group: aibridge.Group) -> Group:
    count = group.total_member_count
    return Group(
        str(group.id),
        str(group.organization_id),
        group.organization_name or group.organization_display_name,
        group.name,
        "" if group.is_everyone else group.display_name,
        group.source or "",
        count if 0 <= count <= _MOST_COUNT else None,
    )
