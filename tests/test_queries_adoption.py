"""Who was active of late, who came, stayed and left, and who was first."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from costly_laws import tried
from demo_worlds import small
from facts import Row, facts
from hypothesis import example, given
from hypothesis import strategies as st
from test_queries_metric_query import (
    ALL,
    CATEGORIES,
    OF_CALLS,
    TIMES,
    calls,
    one,
    scopes,
    usage,
    value,
)

from bridgeboard.model.errors import MetricError
from bridgeboard.model.periods import buckets
from bridgeboard.model.scope import Scope
from bridgeboard.queries.adoption import active_people_windows, cohort_people, cohorts, presence
from bridgeboard.queries.metric_query import first_seen, select

DAY = timedelta(days=1)
START, END = small().start, small().end
NEVER = datetime(1990, 1, 1, tzinfo=UTC)
MANY = 40
"""More weeks than the world has."""
laws = tried(25)


def active(scope: Scope, first: date, last: date) -> int:
    """People with a request on any of these local days, counted by hand."""
    zone = ZoneInfo(scope.zone)
    return len(
        {
            row["person"]
            for row in facts().usage
            if first <= row["started_at"].astimezone(zone).date() <= last
            and row["started_at"] < scope.until
        }
    )


@laws
@given(
    st.integers(0, 25),
    st.integers(0, 25),
    st.sampled_from(("UTC", "America/New_York", "Pacific/Chatham")),
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
)
def test_each_day_counts_the_people_of_the_days_before_it(
    first: int, more: int, zone: str, sizes: list[int]
) -> None:
    begins = START.date() + (first - 3) * DAY
    scope = Scope.days(begins, begins + more * DAY, zone)
    told = facts().rows(active_people_windows(scope, sizes))
    every = [begins + number * DAY for number in range(more + 1)]
    assert told == [
        (day, *(active(scope, day - (size - 1) * DAY, day) for size in sorted(set(sizes))))
        for day in every
    ]


def test_filters_count_and_a_day_that_runs_ends_with_the_scope() -> None:
    scope = Scope(START + 3 * DAY, START + timedelta(days=6, hours=5), "Asia/Kathmandu")
    scope = scope.only("client", "Claude Code").without("team", "data")
    told = facts().rows(active_people_windows(scope))
    daily = facts().rows(select(["active_people"], ["day"], scope))
    assert len(told) == (scope.last_day - scope.first_day).days + 1
    assert {row[0]: row[1] for row in told if row[1]}.items() >= dict(daily[1:]).items()
    assert all(row[1] <= row[2] <= row[3] for row in told)


def test_a_scope_of_no_length_has_no_days() -> None:
    assert facts().rows(active_people_windows(Scope(END, END))) == []


@pytest.mark.parametrize("sizes", [(), (0,), (7, 367), (1.5,)])
def test_windows_out_of_range_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(MetricError, match="Windows are 1 to 366 days long"):
        active_people_windows(Scope(START, END), sizes)


def people(rows: Iterable[Row]) -> set[str]:
    return {row["person"] for row in rows}


def ever(scope: Scope) -> list[Row]:
    """The requests until the end of a scope that pass its filters, whenever it begins."""
    return usage(replace(scope, since=NEVER))


def came(scope: Scope) -> tuple[int, int, int]:
    """New, returning and dormant people, counted by hand."""
    earlier = people(usage(replace(scope, since=NEVER, until=scope.since)))
    now = people(usage(scope))
    return len(now - earlier), len(now & earlier), len(earlier - now)


@laws
@given(scopes())
def test_people_are_new_returning_or_dormant_as_counting_says(scope: Scope) -> None:
    assert facts().rows(presence(scope)) == [came(scope)]


@laws
@given(scopes())
def test_new_and_returning_people_are_the_active_ones(scope: Scope) -> None:
    ((new, returning, dormant),) = facts().rows(presence(scope))
    assert new + returning == one("active_people", scope)
    assert new + returning + dormant == len(people(ever(scope)))


def test_in_the_middle_of_the_world_there_are_people_of_each_kind() -> None:
    middle = Scope(START + 5 * DAY, START + 8 * DAY)
    assert min(came(middle)) > 0
    assert facts().rows(presence(middle)) == [came(middle)]


def test_the_moment_of_the_first_request_makes_the_difference_between_new_and_returning() -> None:
    row = sorted(facts().usage, key=lambda row: row["started_at"])[50]
    begun = min(r["started_at"] for r in facts().usage if r["person"] == row["person"])
    instant = timedelta(microseconds=1)
    for since, told in ((begun, (1, 0, 0)), (begun + instant, came), (END, (0, 0, 1))):
        scope = Scope(since, END).only("initiator", row["person"])
        expected = told(scope) if callable(told) else told
        assert facts().rows(presence(scope)) == [expected]
    assert came(Scope(begun + instant, END).only("initiator", row["person"]))[0] == 0


def test_somebody_may_be_new_to_a_tool_and_long_there_in_all() -> None:
    middle = Scope(START + 9 * DAY, END)
    (told,) = facts().rows(presence(middle.only("client", "Claude Code")))
    assert told == came(middle.only("client", "Claude Code"))
    assert came(middle)[0] < sum(
        came(middle.only("client", client))[0]
        for client in {value("client", row) for row in facts().usage}
        if isinstance(client, str)
    )


def test_nobody_ever_is_nobody_new() -> None:
    for scope in (Scope(NEVER, NEVER), Scope(START, START), ALL.only("initiator", "nobody")):
        assert facts().rows(presence(scope)) == [(0, 0, 0)]


def monday(row: Row, scope: Scope) -> date:
    """The first day of a request's week."""
    return first_of_week(row["started_at"].astimezone(ZoneInfo(scope.zone)).date(), scope)


def first_of_week(day: date, scope: Scope) -> date:
    return next(
        day - back * DAY for back in range(7) if (day - back * DAY).weekday() == scope.week_start
    )


def began(scope: Scope) -> dict[str, date]:
    """The local Monday of the week of everybody's first request that passes."""
    found: dict[str, date] = {}
    for row in ever(scope):
        week = monday(row, scope)
        found[row["person"]] = min(found.get(row["person"], week), week)
    return found


def grid(scope: Scope, weeks: int) -> list[tuple[date, date, int]]:
    """Cohorts counted by hand."""
    first = began(scope)
    last = first_of_week(scope.last_day, scope)
    pairs = {(row["person"], monday(row, scope)) for row in ever(scope)}
    counted = Counter((first[person], week) for person, week in pairs)
    oldest = last - (weeks - 1) * 7 * DAY
    return [(*pair, counted[pair]) for pair in sorted(counted) if pair[0] >= oldest]


@laws
@given(scopes(), st.integers(1, MANY), st.integers(0, 6))
def test_cohorts_are_as_counting_says(scope: Scope, weeks: int, week_start: int) -> None:
    scope = replace(scope, week_start=week_start)
    assert facts().rows(cohorts(scope, weeks)) == grid(scope, weeks)


@laws
@given(scopes())
def test_the_first_weeks_of_all_cohorts_are_everybody_who_was_ever_active(scope: Scope) -> None:
    told = facts().rows(cohorts(scope, MANY))
    sizes = {cohort: count for cohort, week, count in told if cohort == week}
    assert set(sizes) == {cohort for cohort, *_ in told}
    assert sum(sizes.values()) == len(people(ever(scope)))
    assert sizes == Counter(began(scope).values())
    for cohort, week, count in told:
        assert cohort.weekday() == week.weekday() == 0
        assert week >= cohort
        assert 0 < count <= sizes[cohort]


def in_cell(scope: Scope, cohort: date, week: date) -> dict[str, int]:
    """Who began in a week and was active in another, with their requests of it; by hand."""
    first = began(scope)
    found: Counter[str] = Counter()
    for row in ever(scope):
        if first[row["person"]] == cohort and monday(row, scope) == week:
            found[row["person"]] += row["requests"]
    return dict(found)


def test_every_cell_of_the_cohorts_names_its_people() -> None:
    for zone in ("UTC", "America/New_York", "Pacific/Chatham"):
        scope = replace(ALL, zone=zone)
        cells = facts().rows(cohorts(scope, MANY))
        assert len(cells) > 5
        for cohort, week, people in cells:
            told = facts().rows(cohort_people(scope, cohort, week))
            assert len(told) == people
            assert dict(told) == in_cell(scope, cohort, week)
            assert told == sorted(told, key=lambda row: (-row[1], row[0]))


@laws
@given(scopes())
def test_the_people_of_a_cell_are_those_that_pass(scope: Scope) -> None:
    for cohort, week, people in facts().rows(cohorts(scope, MANY)):
        told = facts().rows(cohort_people(scope, cohort, week))
        assert len(told) == people
        assert dict(told) == in_cell(scope, cohort, week)


def test_a_cell_that_nobody_is_in_has_no_people_and_a_week_begins_on_monday() -> None:
    scope, week = Scope(START, END), timedelta(weeks=1)
    ((cohort, last, _), *_) = facts().rows(cohorts(scope, MANY))
    assert facts().rows(cohort_people(scope, cohort, cohort - week)) == []
    assert facts().rows(cohort_people(scope, cohort - week, last)) == []
    for cell in ((cohort + DAY, last), (cohort, last - DAY)):
        with pytest.raises(MetricError, match="A week is known by its Monday"):
            cohort_people(scope, *cell)


@pytest.mark.parametrize("week_start", range(7))
def test_the_weeks_of_a_scope_begin_on_its_weekday_everywhere(week_start: int) -> None:
    scope = Scope(START, END, "Asia/Kathmandu", week_start=week_start)
    weeks = buckets(scope, "week")
    told = facts().rows(select(("requests",), ("week",), scope))
    counted = Counter[date]()
    for row in ever(scope):
        counted[monday(row, scope)] += row["requests"]
    assert [week.weekday() for week in weeks if isinstance(week, date)] == [week_start] * len(weeks)
    assert dict(told) == {week: count for week, count in counted.items() if count}
    assert set(dict(told)) <= set(weeks)
    ((cohort, last, _), *_) = facts().rows(cohorts(scope, MANY))
    assert dict(facts().rows(cohort_people(scope, cohort, last))) == in_cell(scope, cohort, last)
    with pytest.raises(MetricError, match=f"known by its {cohort:%A}"):
        cohort_people(scope, cohort + DAY, last)


def test_a_week_begins_on_a_weekday() -> None:
    for wrong in (-1, 7):
        with pytest.raises(MetricError, match="weekday"):
            Scope(START, END, week_start=wrong)


@laws
@given(scopes(), st.integers(1, 6), st.integers(0, 25))
def test_fewer_weeks_leave_out_older_cohorts_and_the_beginning_does_not_count(
    scope: Scope, weeks: int, days: int
) -> None:
    told = facts().rows(cohorts(scope, weeks))
    every = facts().rows(cohorts(scope, MANY))
    assert told == every[len(every) - len(told) :]
    assert len({cohort for cohort, *_ in told}) <= weeks
    if scope.since < scope.until:
        other = replace(scope, since=max(NEVER, scope.since - days * DAY))
        assert facts().rows(cohorts(other, weeks)) == told


def test_a_week_begins_with_the_monday_of_the_zone() -> None:
    scopes_ = [Scope(START, END, zone) for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago")]
    told = [facts().rows(cohorts(scope, MANY)) for scope in scopes_]
    assert told == [grid(scope, MANY) for scope in scopes_]
    assert told[0] != told[1]


@pytest.mark.parametrize("weeks", [0, -1])
def test_cohorts_of_no_weeks_are_refused(weeks: int) -> None:
    with pytest.raises(MetricError, match=f"no cohorts of {weeks} weeks"):
        cohorts(ALL, weeks)


def firsts(name: str, scope: Scope) -> dict[str, datetime]:
    """When each value of a dimension was first seen, looked for by hand."""
    seen: dict[str, datetime] = {}
    for row in calls(scope) if name in OF_CALLS else usage(scope):
        key = str(value(name, row))
        seen[key] = min(seen.get(key, row["started_at"]), row["started_at"])
    return seen


@laws
@given(scopes(), st.sampled_from(CATEGORIES))
@example(Scope(START + 10 * DAY, END), "initiator")
def test_values_come_in_the_order_in_which_they_were_first_seen(scope: Scope, name: str) -> None:
    told = [row[0] for row in facts().rows(first_seen(name, scope))]
    seen = firsts(name, scope)
    assert sorted(told) == sorted(seen)
    # Two people may have begun in the same moment; names of other things are in order then.
    order = sorted(seen, key=lambda key: (seen[key], key))
    assert [seen[key] for key in told] == [seen[key] for key in order]
    assert name == "initiator" or told == order


@laws
@given(scopes(), st.sampled_from(CATEGORIES), st.floats(0, 1))
def test_what_is_seen_later_only_comes_at_the_end(scope: Scope, name: str, part: float) -> None:
    whole = facts().rows(first_seen(name, scope))
    earlier = replace(scope, until=scope.since + part * (scope.until - scope.since))
    told = facts().rows(first_seen(name, earlier))
    assert told == whole[: len(told)]


@pytest.mark.parametrize("name", TIMES)
def test_stretches_of_time_are_not_asked_when_they_were_first_seen(name: str) -> None:
    with pytest.raises(MetricError, match=f"'{name}' is a stretch of time"):
        first_seen(name, ALL)


def test_nothing_that_there_is_not_was_ever_seen_first() -> None:
    with pytest.raises(MetricError, match="'colour' is no dimension"):
        first_seen("colour", ALL)
    assert facts().rows(first_seen("model", Scope(START, START))) == []
