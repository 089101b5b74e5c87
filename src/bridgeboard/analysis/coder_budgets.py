"""Coder's own budgets of a month, and why what it counts is not what the store counts.

A limit is for each member, and Coder books what somebody spends on one group: the one that sets
their budget, or else Everyone. So people are counted with that group, as Coder names it last, and
all that they spent is compared: what Coder booked for them on any of their groups, and what the
store has of them. Months are those of UTC. Amounts are whole pico-USD.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from bridgeboard import formats
from bridgeboard.model.coder_groups import READING, Group, LastReading, Problem
from bridgeboard.model.store import Rows
from bridgeboard.model.times import aware, stored
from bridgeboard.queries.coder_budgets import GROUPS, MEMBERS, MONTHS, OURS

PICO: Final = 1_000_000
"""Pico-USD in a millionth of a dollar, in which Coder counts."""
State = Literal["none", "within", "blocked"]
"""No limit; below it; at or above it, so that Coder refuses every request."""


@dataclass(frozen=True)
class Ours:
    """What the store has of some people in a month.

    Attributes:
        cost: what the company pays for.
        not_billed: what other usage would have cost at list prices, as with a key of one's own.
        unpriced_tokens: how many tokens have no price here: the cost is a lower bound then.
    """

    cost: int = 0
    not_billed: int = 0
    unpriced_tokens: int = 0

    def __add__(self, other: "Ours") -> "Ours":
        return Ours(
            self.cost + other.cost,
            self.not_billed + other.not_billed,
            self.unpriced_tokens + other.unpriced_tokens,
        )


@dataclass(frozen=True)
class MemberBudget:
    """Somebody whose budget Coder sets by a group.

    Attributes:
        username: at the time of the reading, or another name for readers who see none.
        group: the group that sets the limit, in words.
        limit: of the month; None is none.
        is_own: whether the limit is their own and not the group's.
        spent: on that group, as Coder counts; this is what the limit is compared with.
        elsewhere: booked on their other groups in that month.
        ours: what the store has of them.
    """

    username: str
    group: str
    limit: int | None
    is_own: bool
    spent: int
    elsewhere: int
    ours: Ours

    @property
    def state(self) -> State:
        """Whether Coder lets them go on."""
        if self.limit is None:
            return "none"
        return "blocked" if self.spent >= self.limit else "within"


@dataclass(frozen=True)
class GroupBudget:
    """A group, and the people whose budget it sets or whose spend is booked on it.

    Attributes:
        id: of the deployment.
        title: what it is called.
        is_everyone: whether it is the organisation itself.
        members: how many there are, as Coder counts; None is not known.
        limit: for each member and month; None is none.
        booked: by anybody on this group, former members included; None is not known.
        of_members: the part of it that is booked by its present members.
        people: with whom this group counts.
        counted: what Coder booked for these people, on any group; None is not known.
        ours: what the store has of them.
    """

    id: str
    title: str
    is_everyone: bool
    members: int | None
    limit: int | None
    booked: int | None
    of_members: int
    people: tuple[MemberBudget, ...]
    counted: int | None
    ours: Ours

    @property
    def of_former(self) -> int | None:
        """What is booked on the group by people who are not in it any more."""
        return None if self.booked is None else self.booked - self.of_members

    @property
    def difference(self) -> int | None:
        """By how much the store counts more than Coder, for the same people."""
        return None if self.counted is None else self.ours.cost - self.counted

    @property
    def blocked(self) -> int:
        """How many of its people Coder refuses every request."""
        return sum(person.state == "blocked" for person in self.people)


@dataclass(frozen=True)
class CoderBudgets:
    """What Coder allows and counts in a month.

    Attributes:
        month: its first day.
        read_at: when it was last read.
        groups: by organisation and name.
        others: what the store has of people for whom Coder booked nothing.
        problem: why spend is not known; empty where it is.
    """

    month: date
    read_at: datetime
    groups: tuple[GroupBudget, ...]
    others: Ours
    problem: Problem = ""

    @property
    def booked(self) -> int | None:
        """All that Coder counts; None where it is not known of some group."""
        every = [group.booked for group in self.groups]
        known = [one for one in every if one is not None]
        return sum(known) if len(known) == len(every) else None

    @property
    def ours(self) -> Ours:
        """All that the store has of the month."""
        return sum((group.ours for group in self.groups), self.others)

    @property
    def own_limits(self) -> tuple[MemberBudget, ...]:
        """People who have a limit of their own."""
        return tuple(one for group in self.groups for one in group.people if one.is_own)

    @property
    def blocked(self) -> tuple[MemberBudget, ...]:
        """People whom Coder refuses every request until the month ends or the limit is raised."""
        every = (one for group in self.groups for one in group.people)
        return tuple(one for one in every if one.state == "blocked")


@dataclass(frozen=True)
class _Row:
    """What Coder says of somebody in a group."""

    person: str
    username: str
    group: str
    effective: str | None
    limit: int | None
    source: str | None
    spend: int


def coder_budgets(reader: Rows, month: date | None = None) -> CoderBudgets | None:
    """Coder's budgets of a month, the latest by default; None where nothing was read of it.

    Also None for readers who do not see everybody.
    """
    months = [one for (one,) in reader.rows(MONTHS)]
    chosen = month or next(iter(months), None)
    if chosen is None or chosen not in months:
        return None
    since = datetime(chosen.year, chosen.month, 1, tzinfo=UTC)
    until = (since + timedelta(days=32)).replace(day=1)
    ours = {
        person: Ours(int(cost or 0), int(other or 0), int(unpriced or 0))
        for person, cost, other, unpriced in reader.rows(OURS, [stored(since), stored(until)])
    }
    rows = [
        # Whoever used nothing has no other name for readers who see none: each is somebody.
        _Row(person or f"nobody {number}", *rest)
        for number, (person, *rest) in enumerate(reader.rows(MEMBERS, [chosen]))
    ]
    read = [_read(*row) for row in reader.rows(GROUPS, [chosen])]
    groups = list(_groups(read, rows, ours))
    counted = {person for person, _ in _homes(read, rows)}
    return CoderBudgets(
        chosen,
        max(one.read_at for one in read),
        tuple(groups),
        sum((one for person, one in ours.items() if person not in counted), Ours()),
        LastReading.of(reader.meta(READING)).problem("spend"),
    )


@dataclass(frozen=True)
class _Read:
    """What Coder says of a group in the month."""

    group: Group
    limit: int | None
    spend: int | None
    read_at: datetime


def _read(  # noqa: PLR0917 - the columns of the answer
    id_: str,
    organization: str,
    organization_name: str,
    name: str,
    display_name: str,
    members: int | None,
    limit: int | None,
    spend: int | None,
    read_at: datetime,
) -> _Read:
    group = Group(id_, organization, organization_name, name, display_name, members=members)
    return _Read(group, _pico(limit), _pico(spend), aware(read_at))


def _pico(micros: int | None) -> int | None:
    return None if micros is None else micros * PICO


def _homes(read: Iterable[_Read], rows: Iterable[_Row]) -> list[tuple[str, str]]:
    """The group with which each person counts.

    That of their budget; where it is not among those that were read, as Coder does not name one of
    another organisation, the one on which most is booked.
    """
    known = {one.group.id for one in read}
    homes: dict[str, tuple[tuple[bool, int, str], str]] = {}
    for row in rows:
        for group, is_said in ((row.effective, True), (row.group, False)):
            if group in known:
                rank = (is_said, row.spend, group)
                homes[row.person] = max(homes.get(row.person, (rank, group)), (rank, group))
    return [(person, group) for person, (_, group) in homes.items()]


def _groups(
    read: Sequence[_Read], rows: Sequence[_Row], ours: Mapping[str, Ours]
) -> Iterator[GroupBudget]:
    by_person: dict[str, list[_Row]] = defaultdict(list)
    booked: dict[str, int] = defaultdict(int)
    for row in rows:
        by_person[row.person].append(row)
        booked[row.group] += row.spend * PICO
    people: dict[str, list[MemberBudget]] = defaultdict(list)
    titles = {one.group.id: one.group.title for one in read}
    for person, home in sorted(_homes(read, rows)):
        own = by_person[person]
        people[home].append(_member(own, home, titles[home], ours.get(person, Ours())))
    for one in read:
        members = sorted(people[one.group.id], key=lambda member: member.username)
        yield GroupBudget(
            one.group.id,
            one.group.title,
            one.group.is_everyone,
            one.group.members,
            one.limit,
            one.spend,
            booked[one.group.id],
            tuple(members),
            None
            if one.spend is None
            else sum(member.spent + member.elsewhere for member in members),
            sum((member.ours for member in members), Ours()),
        )


def _member(own: Sequence[_Row], home: str, title: str, ours: Ours) -> MemberBudget:
    here = [row for row in own if row.group == home]
    limits = [row for row in here if row.limit is not None]
    spent = sum(row.spend for row in here) * PICO
    return MemberBudget(
        own[0].username,
        title,
        _pico(limits[0].limit) if limits else None,
        is_own=any(row.source == "user_override" for row in limits),
        spent=spent,
        elsewhere=sum(row.spend for row in own) * PICO - spent,
        ours=ours,
    )


_ALWAYS: Final = (
    (
        "Coder books spend when a request is recorded, with the prices and the group of that"
        " moment. A price, a budget or a group that changes later moves nothing."
    ),
    (
        "Coder counts what it has no price for as nothing, and rounds each kind of tokens of each"
        " recorded answer down to a millionth of a dollar."
    ),
    (
        "Coder prices by its own list, without discounts. Here prices are those of docs/costs.md"
        " and of prices_file."
    ),
    "Coder also counts requests that failed or have not ended, and what deleted people spent.",
    (
        "Coder keeps sums when it deletes requests, and counts from the day on which v2.36 was"
        " installed. What was deleted here, by rows_days or with a person, Coder alone counts."
    ),
)


def reasons(budgets: CoderBudgets) -> Iterator[str]:
    """Why the two numbers differ: first what can be measured, then what holds always."""
    ours = budgets.ours
    if ours.not_billed:
        yield (
            f"{formats.money(ours.not_billed)} of usage at list prices is not spend here, as it is"
            " paid by keys of people's own, plans or seats. Coder counts it."
        )
    if ours.unpriced_tokens:
        tokens = formats.plural(ours.unpriced_tokens, "token")
        yield f"{tokens} have no price here, so the cost here is a lower bound."
    former = sum(max(0, group.of_former or 0) for group in budgets.groups)
    if former:
        yield (
            f"{formats.money(former)} is booked on groups by people who have left them, or were"
            " deleted. It counts for the group, and for none of its members."
        )
    if budgets.others.cost:
        yield (f"{formats.money(budgets.others.cost)} is of people for whom Coder booked nothing.")
    yield f"Coder's numbers were read at {budgets.read_at:%Y-%m-%d %H:%M} UTC."
    yield from _ALWAYS
