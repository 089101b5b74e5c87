"""Which budget counts for whom, and what was spent on which group (api-contract 9.3, 9.4)."""

import threading
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from bridgeboard.demo.records import Budget, Group, ModelPrice, Person, Tables, TokenRow

MILLION = 1_000_000
_FREE = ModelPrice()


@dataclass(frozen=True, slots=True)
class Effective:
    """The group that somebody's spend is booked on, and the budget that limits it, if any."""

    group: Group
    budget: Budget | None


def micros(row: TokenRow, price: ModelPrice) -> int:
    """What a token row costs: each of the four parts is truncated by itself."""
    parts = (
        row.input_tokens * price.input,
        row.output_tokens * price.output,
        row.cache_read_input_tokens * price.cache_read,
        row.cache_write_input_tokens * price.cache_write,
    )
    # As Go divides: towards zero, also below it.
    return sum(abs(part) // MILLION * (1 if part > 0 else -1) for part in parts)


def month(now: datetime) -> tuple[datetime, datetime]:
    """Start and end of a moment's calendar month in UTC."""
    start = datetime(now.year, now.month, 1, tzinfo=UTC)
    return start, start.replace(year=now.year + now.month // 12, month=now.month % 12 + 1)


class Ledger:
    """Groups, budgets and spend of all tables. Safe to share by threads.

    Token rows are booked as if memberships and limits had always been what they are; what was
    booked otherwise is in the table of bookings.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.people: Mapping[str, Person] = {person.id: person for person in tables.people}
        everyone = [
            Group(
                each.id,
                "Everyone",
                each.id,
                member_ids=tuple(self.people) if each.member_ids is None else each.member_ids,
            )
            for each in tables.organizations
        ]
        self.groups: Mapping[str, Group] = {
            group.id: group for group in (*everyone, *tables.groups)
        }
        self.group_budgets = {each.group_id: each for each in tables.budgets if not each.person_id}
        self._overrides = {each.person_id: each for each in tables.budgets if each.person_id}
        self._order = {each.id: place for place, each in enumerate(tables.organizations)}
        self._lock = threading.Lock()
        self._kept: tuple[tuple[int, int], Counter[tuple[str, str]]] = (0, 0), Counter()

    def members(self, group: Group) -> list[Person]:
        """Who is in a group, by lower-case username; deleted people are not."""
        found = (self.people[each] for each in group.member_ids if each in self.people)
        living = [person for person in found if not person.deleted]
        return sorted(living, key=lambda person: person.username.lower())

    def organizations_of(self, person_id: str) -> list[str]:
        """The ids of somebody's organisations, in the order of joining."""
        known = (self.groups[each.id] for each in self.tables.organizations)
        return [group.id for group in known if person_id in group.member_ids]

    def override(self, person_id: str) -> Budget | None:
        """Somebody's own budget, which is lost with the membership in its group."""
        budget = self._overrides.get(person_id)
        is_member = budget is not None and person_id in self.groups[budget.group_id].member_ids
        return budget if is_member else None

    def effective(self, person_id: str) -> Effective | None:
        """What counts for somebody; None for who is in no organisation."""
        mine = [group for group in self.groups.values() if person_id in group.member_ids]
        if own := self.override(person_id):
            return Effective(self.groups[own.group_id], own)
        limited = [group for group in mine if group.id in self.group_budgets]
        if limited:
            first = min(limited, key=self._precedence)
            return Effective(first, self.group_budgets[first.id])
        everyone = [group for group in mine if group.id == group.organization_id]
        return Effective(everyone[0], None) if everyone else None

    def booked(self, now: datetime, *, has_future: bool) -> Counter[tuple[str, str]]:
        """Micro-dollars of this month by (group, person), up to now unless the future counts."""
        times, entries = self._bookings
        first = bisect_left(times, month(now)[0])
        last = len(times) if has_future else bisect_right(times, now)
        with self._lock:
            if self._kept[0] != (first, last):
                sums: Counter[tuple[str, str]] = Counter()
                for key, amount in entries[first:last]:
                    sums[key] += amount
                self._kept = (first, last), sums
            return self._kept[1]

    def total_limit(self, group: Group) -> int | None:
        """What a group's members may spend on it together; None without a budget."""
        budget = self.group_budgets.get(group.id)
        if budget is None:
            return None
        counts = (self.effective(person.id) for person in self.members(group))
        return sum(
            each.budget.limit_micros
            for each in counts
            if each and each.budget and each.group.id == group.id
        )

    def _precedence(self, group: Group) -> tuple[int, int, str]:
        limit = self.group_budgets[group.id].limit_micros
        return -limit, self._order[group.organization_id], group.id

    @cached_property
    def _bookings(self) -> tuple[list[datetime], list[tuple[tuple[str, str], int]]]:
        """All spend in the order of time: its times, and ((group, person), micro-dollars)."""
        prices = self.tables.prices
        calls = {row.id: row for row in self.tables.interceptions}
        groups: defaultdict[str, str] = defaultdict(str)
        for person_id in self.people:
            if counts := self.effective(person_id):
                groups[person_id] = counts.group.id
        rows = [
            ((each.group_id, each.person_id), each.at, each.micros) for each in self.tables.bookings
        ]
        for row in self.tables.tokens if prices else ():
            call = calls[row.interception_id]
            amount = micros(row, prices.get((call.provider, call.model), _FREE))
            if amount:
                who = call.initiator_id
                rows.append(((groups[who], who), row.created_at, amount))
        rows.sort(key=lambda row: row[1])
        return [at for _, at, _ in rows], [(key, amount) for key, _, amount in rows]
