"""How the operator's budgets stand, from the spend of a store; rules in ``budget_rules``.

Budgets of the same dimension are asked about together, day by day, so that a dozen of them costs
hardly more than one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from bridgeboard.access import Pseudonyms, RowAccess
from bridgeboard.analysis.budget_rules import (
    BudgetStatus,
    MemberSpend,
    PastPeriod,
    Spent,
    judged,
)
from bridgeboard.analysis.forecast import PROFILE_DAYS, Days
from bridgeboard.analysis.questions import Questions
from bridgeboard.model import accuracy, periods, times
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.budgets import Budget, BudgetPeriod, Kind
from bridgeboard.model.dimensions import DIMENSIONS, SMALL_GROUPS, UNASSIGNED
from bridgeboard.model.scope import Scope
from bridgeboard.queries.budgets import USERNAMES, people_in_teams
from bridgeboard.queries.radar import people

PAST: Final[Mapping[Kind, int]] = {"month": 6, "quarter": 4, "year": 2, "dates": 0}
"""How many earlier periods are shown."""
EVERYTHING: Final = "Organization"
IN_SMALL_GROUPS: Final = "what few people did is known only together with what others did"
_SPEND: Final = ("spend",)
_FEW: Final = ("provider", "team", "client", "provider_name")
"""Dimensions with few values, which every usage has one of."""
_DAY: Final = timedelta(days=1)
_BEFORE: Final = timedelta(days=7)
"""So much earlier than a status is made of is read, as few spend on each day of a week."""

Row = Mapping[str, Any]


def seen_by(
    budgets: Iterable[Budget], row_access: RowAccess, aliases: Mapping[str, str] | None = None
) -> tuple[Budget, ...]:
    """The budgets that a reader may know of, and whose spend they see in whole.

    Who leads teams knows of the budgets of these; who sees their own usage, of their own. Readers
    of groups know of none that is about single people. ``aliases`` are user names → what people are
    called instead: then what the operator wrote about a person is left out, too.
    """
    seen = (budget for budget in budgets if _is_seen(budget, row_access))
    return tuple(seen) if aliases is None else tuple(_renamed(seen, aliases))


def aliases(everybody: Questions, pseudonyms: Pseudonyms) -> dict[str, str]:
    """User name → what the person is called instead; of a name that several had, of none."""
    rows = everybody.ask(USERNAMES).rows
    others = pseudonyms.alias([id_ for id_, _ in rows])
    names = [name for _, name in rows]
    return {name: others[id_] for id_, name in rows if id_ in others and names.count(name) == 1}


def numbers_of_people(questions: Questions) -> dict[str, str]:
    """What the reader calls somebody, in lower case → our number of them, whatever their name."""
    return {person.casefold(): str(number) for person, number in questions.ask(people()).rows}


def _is_seen(budget: Budget, row_access: RowAccess) -> bool:
    if row_access.person is not None:
        return budget.scope == "person" and budget.value == row_access.person.lower()
    if row_access.teams is not None:
        return budget.scope == "team" and budget.value in row_access.teams
    is_of_people = budget.scope == "person" or budget.per == "member"
    return row_access.floor is None or not is_of_people


def _renamed(budgets: Iterable[Budget], names: Mapping[str, str]) -> Iterator[Budget]:
    for budget in budgets:
        if budget.scope != "person":
            yield budget
        elif alias := names.get(budget.value):
            yield replace(budget, name=alias, value=alias, notes="")


def statuses(
    questions: Questions, budgets: Sequence[Budget], now: datetime, *, with_past: bool = True
) -> tuple[BudgetStatus, ...]:
    """How budgets with a limit stand, the most urgent first.

    What is known only until an earlier moment, as without a sync for a week, is judged as of then.
    Without the earlier periods (``with_past``) mostly a third of the days is read: ``days`` begin
    later then, all else is the same.
    """
    covered = questions.coverage()
    until = periods.known_until(now, covered.as_of) if covered.first_at else now
    teams = _teams(questions, budgets, until)
    wanted = [_Wanted.of(budget, until, covered.first_at, teams) for budget in budgets]
    limited = [one for one in wanted if one.limit is not None]
    found: list[BudgetStatus] = []
    for zone in dict.fromkeys(one.budget.zone for one in limited):
        alike = [one for one in limited if one.budget.zone == zone]
        rows = _rows(questions, zone, alike, until, is_whole=with_past)
        for one in alike if with_past else [replace(one, past=()) for one in alike]:
            own = rows[one.budget.dimension]
            found.append(_status(questions, one, own, until, is_empty=not covered.rows))
    return tuple(sorted(found, key=lambda one: (one.urgency, one.name)))


def _teams(
    questions: Questions, budgets: Iterable[Budget], until: datetime
) -> list[tuple[str, str]]:
    """Everybody with their team; nobody where no budget is about people."""
    if questions.sees_groups_only or not any(
        budget.scope == "person" or budget.per == "member" for budget in budgets
    ):
        return []
    rows = questions.ask(people_in_teams(until)).rows
    return [(person, team or UNASSIGNED) for person, team in rows]


@dataclass(frozen=True)
class _Wanted:
    """A budget, and what must be known to judge it.

    Attributes:
        value: of its dimension, as answers have it.
        limit: what may be spent in its period; None for no limit.
        members: who has it, of an amount that each member has.
        past: earlier periods, the latest first.
        known_from: the first day of which anything can be known.
    """

    budget: Budget
    value: str
    period: BudgetPeriod
    limit: int | None
    members: frozenset[str]
    past: tuple[BudgetPeriod, ...]
    known_from: date

    @classmethod
    def of(
        cls,
        budget: Budget,
        until: datetime,
        first_at: datetime | None,
        teams: Sequence[tuple[str, str]],
    ) -> "_Wanted":
        day = times.local_date(until, budget.zone)
        known_from = times.local_date(first_at, budget.zone) if first_at else day
        period = budget.period_of(day)
        limit = budget.limit_on(max(min(day, period.last), period.first))
        members: frozenset[str] = frozenset()
        if budget.per == "member":
            members = frozenset(person for person, team in teams if budget.value in {"", team})
            limit = None if limit is None else limit * len(members)
        value = budget.value
        if budget.scope == "person":
            value = next((person for person, _ in teams if person.lower() == value), value)
        earlier = zip(range(PAST[budget.period]), budget.earlier(period), strict=False)
        past = tuple(one for _, one in earlier if one.last >= known_from)
        return cls(budget, value, period, limit, members, past, known_from)

    def since(self, day: date) -> date:
        """The first day of which something must be known."""
        firsts = (self.judged_from(day), *(one.first for one in self.past))
        return max(min(firsts), min(self.known_from, self.period.first))

    def judged_from(self, day: date) -> date:
        """The first day that the status is made of, if something was spent on it or before."""
        return min(self.period.first, day - PROFILE_DAYS * _DAY)


def _rows(
    questions: Questions,
    zone: str,
    wanted: Sequence[_Wanted],
    until: datetime,
    *,
    is_whole: bool,
) -> dict[str, dict[str, list[Row]]]:
    """The spend of each value of each dimension, day by day, with what limits it.

    Everything is under "". It is added up of the values of a dimension that has few of them, if one
    is asked about anyway: to count all days once more takes as long.
    """
    dimensions = dict.fromkeys(one.budget.dimension for one in wanted)
    part = next((by for by in _FEW if by in dimensions), "")
    is_added_up = "" in dimensions and bool(part) and not questions.sees_groups_only
    rows: dict[str, dict[str, list[Row]]] = {}
    for by in dimensions:
        if by or not is_added_up:
            parts_of = {by, ""} if is_added_up and by == part else {by}
            about = [one for one in wanted if one.budget.dimension in parts_of]
            rows[by] = _judging(questions, by, zone, about, until, is_whole=is_whole)
    if is_added_up:
        rows[""] = {"": rows[part][""]}
    return rows


def _judging(
    questions: Questions,
    by: str,
    zone: str,
    wanted: Sequence[_Wanted],
    until: datetime,
    *,
    is_whole: bool,
) -> dict[str, list[Row]]:
    """The same of one dimension, unless ``is_whole`` without what makes no status another one.

    Earlier days are read only of what has not spent anything before its status begins to count.
    """
    day = times.local_date(until, zone)
    since = min(*(one.since(day) for one in wanted), day)
    late = max(since, min(one.judged_from(day) for one in wanted) - _BEFORE)
    if is_whole or late == since:
        return _rows_of(questions, by, zone, wanted, (since, day))
    rows = _rows_of(questions, by, zone, wanted, (late, day))
    unsure = [one for one in wanted if not _is_judged(one, rows.get(one.value, ()), day)]
    if unsure:
        earlier = _rows_of(questions, by, zone, unsure, (since, late - _DAY))
        for value in {one.value for one in unsure}:
            rows[value] = [*earlier.get(value, ()), *rows.get(value, ())]
    return rows


def _is_judged(wanted: _Wanted, rows: Iterable[Row], day: date) -> bool:
    """Whether a status is the same with earlier days: something was spent early enough."""
    return any(row["spend"] and row["day"] <= wanted.judged_from(day) for row in rows)


def _rows_of(
    questions: Questions, by: str, zone: str, wanted: Sequence[_Wanted], days: tuple[date, date]
) -> dict[str, list[Row]]:
    """Rows of some days: of the values that are wanted, of all and of "" if everything is."""
    scope = Scope.days(*days, zone)
    if not by:
        return {"": list(questions.sums(_SPEND, ("day",), scope).records())}
    if all(one.budget.dimension for one in wanted):
        folded = {SMALL_GROUPS} if questions.sees_groups_only else set()
        scope = scope.only(by, *{one.value for one in wanted}, *folded)
    rows: dict[str, list[Row]] = {}
    for row in questions.sums(_SPEND, ("day", by), scope).records():
        rows.setdefault(str(row[by]), []).append(row)
    if not all(one.budget.dimension for one in wanted):
        rows[""] = _added_up(rows.values())
    return rows


def _added_up(parts: Iterable[Sequence[Row]]) -> list[Row]:
    """The rows of each day together; an amount that is known of none stays unknown."""
    days: dict[date, dict[str, Any]] = {}
    for row in (row for rows in parts for row in rows):
        day = days.setdefault(row["day"], {"day": row["day"], "spend": None})
        for name in ("spend", *accuracy.limits(_SPEND)):
            if row[name] is not None:
                day[name] = (day.get(name) or 0) + row[name]
    return list(days.values())


def _status(
    questions: Questions,
    wanted: _Wanted,
    rows: Mapping[str, Sequence[Row]],
    until: datetime,
    *,
    is_empty: bool,
) -> BudgetStatus:
    budget, period = wanted.budget, wanted.period
    own = rows.get(wanted.value, ())
    folded = rows.get(SMALL_GROUPS, ()) if wanted.value != SMALL_GROUPS else ()
    day = times.local_date(until, budget.zone)
    amount, how = _sum(own, folded, period)
    recent = BudgetPeriod(min(period.first, day - PROFILE_DAYS * _DAY), day)
    has_members = budget.per == "pool" or bool(wanted.members)
    spent = Spent(None)
    if has_members:
        forecast_accuracy = _sum(own, folded, recent)[1]
        known = None if is_empty else amount
        spent = Spent(known, how, _days(own, day), bool(own), forecast_accuracy)
    status = judged(
        budget,
        period,
        wanted.limit or 0,
        spent,
        until,
        scope=_label(budget, wanted.value),
    )
    past = tuple(_past(wanted, one, own, folded) for one in wanted.past)
    status = replace(status, history=past)
    if budget.per == "pool":
        return status
    return replace(
        status,
        members=_members(questions, wanted),
        member_count=len(wanted.members),
        status=status.status if has_members else "no data",
    )


def _label(budget: Budget, value: str) -> str:
    if not budget.dimension:
        return EVERYTHING
    return f"{DIMENSIONS[budget.dimension].label} {value}"


def _sum(
    own: Iterable[Row], folded: Iterable[Row], period: BudgetPeriod
) -> tuple[int | None, Accuracy]:
    """The spend of a period's days and how it stands; None where none of it has a price."""
    rows = [row for row in own if period.first <= row["day"] <= period.last]
    known = [row["spend"] for row in rows if row["spend"] is not None]
    counts = {name: sum(row.get(name) or 0 for row in rows) for name in accuracy.limits(_SPEND)}
    amount = sum(known) if known or not rows else None
    how = accuracy.accuracy("spend", {"spend": amount, **counts}) if rows else EXACT
    hidden = any(row["spend"] for row in folded if period.first <= row["day"] <= period.last)
    if hidden:
        more = Accuracy("at_least", (IN_SMALL_GROUPS,))
        how = more if how.standing == "exact" else accuracy.together((how, more))
    return None if amount is None else int(amount), how


def _days(rows: Iterable[Row], day: date) -> Days | None:
    """What each day cost from the first on that cost anything; None without any."""
    costs = {row["day"]: int(row["spend"] or 0) for row in rows if row["day"] <= day}
    first = min((each for each, cost in costs.items() if cost), default=None)
    if first is None:
        return None
    every = [costs.get(first + place * _DAY, 0) for place in range((day - first).days + 1)]
    return Days(first, tuple(every[:-1]), every[-1])


def _past(
    wanted: _Wanted, period: BudgetPeriod, own: Iterable[Row], folded: Iterable[Row]
) -> PastPeriod:
    limit = wanted.budget.limit_on(period.last)
    if limit is not None and wanted.budget.per == "member":
        limit *= len(wanted.members)
    spent, how = _sum(own, folded, period)
    known_from = wanted.known_from if wanted.known_from > period.first else None
    return PastPeriod(period.first, period.last, limit, spent, how, known_from)


def _members(questions: Questions, wanted: _Wanted) -> tuple[MemberSpend, ...]:
    """What each person spent of it in its period, the largest first."""
    budget, period = wanted.budget, wanted.period
    scope = Scope.days(period.first, period.last, budget.zone)
    if budget.dimension:
        scope = scope.only(budget.dimension, wanted.value)
    answer = questions.sums(_SPEND, ("initiator",), scope)
    spent = [
        MemberSpend(str(row["initiator"]), int(row["spend"]), row["initiator"] in wanted.members)
        for row in answer.records()
        if row["spend"]
    ]
    return tuple(sorted(spent, key=lambda one: (-one.spent, one.person)))
