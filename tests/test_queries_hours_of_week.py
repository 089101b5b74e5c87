"""The hours of the week as a filter: whoever worked in one, by the clocks of any zone."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from costly_laws import tried
from facts import Row, facts
from hypothesis import example, given
from hypothesis import strategies as st
from test_model_zones import ZONES, around, periods
from test_queries_metric_query import ALL, OF_CALLS, calls, one, scopes, sessions, usage

from bridgeboard.model.errors import MetricError
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.adoption import presence
from bridgeboard.queries.metric_query import select, select_top
from bridgeboard.queries.metric_sources import TABLES, Arguments, rows

HOUR = "weekday_hour"
laws = tried(40)
hours = st.integers(0, 167)
zones = st.sampled_from(ZONES)


def hour_of(at: datetime, zone: str) -> int:
    """The hour of the week that the clocks of a zone show."""
    local = at.astimezone(ZoneInfo(zone))
    return 24 * local.weekday() + local.hour


def within(found: Iterable[Row], scope: Scope, chosen: Iterable[int]) -> list[Row]:
    return [row for row in found if hour_of(row["started_at"], scope.zone) in chosen]


def in_hours(scope: Scope, *chosen: int) -> Scope:
    return scope.only(HOUR, *map(str, chosen))


@laws
@given(scopes(), zones, st.lists(hours, min_size=1, max_size=60))
def test_every_source_counts_only_what_began_in_these_hours(
    scope: Scope, zone: str, chosen: list[int]
) -> None:
    scope = replace(scope, zone=zone)
    kept, left = in_hours(scope, *chosen), scope.without(HOUR, *map(str, chosen))
    others = set(range(168)) - set(chosen)
    for narrowed, wanted in ((kept, set(chosen)), (left, others)):
        mine = within(usage(scope), scope, wanted)
        assert one("requests", narrowed) == sum(row["requests"] for row in mine)
        assert one("active_people", narrowed) == len({row["person"] for row in mine})
    called = within(calls(scope), scope, chosen)
    if set(OF_CALLS) & {name for name, _ in (*scope.include, *scope.exclude)}:
        assert one("tool_calls", kept) == len(called)
    assert one("tool_calls", kept) + one("tool_calls", left) == one("tool_calls", scope)


@laws
@given(
    scopes(["initiator", "team", "client", "provider_name", "tool"]),
    zones,
    st.lists(hours, min_size=1, max_size=60),
)
def test_sessions_count_in_the_hours_in_which_they_have_a_request(
    scope: Scope, zone: str, chosen: list[int]
) -> None:
    """One whose requests are all unknown counts in the hour in which it began."""
    scope = replace(scope, zone=zone)
    counts = [
        bool(within(requests or [session], scope, chosen)) for session, requests in sessions(scope)
    ]
    assert one("sessions", in_hours(scope, *chosen)) == sum(counts)


@laws
@given(scopes(), zones, st.sampled_from(["requests", "total_tokens", "spend", "tool_calls"]))
def test_each_hour_by_itself_is_the_hour_of_the_whole_week(
    scope: Scope, zone: str, name: str
) -> None:
    scope = replace(scope, zone=zone)
    week = dict(facts().rows(select([name], [HOUR], scope)))
    for hour in (*list(week)[:4], 5):
        narrowed = in_hours(scope, hour)
        assert (one(name, narrowed) or 0) == (week.get(hour) or 0)
        assert dict(facts().rows(select([name], [HOUR], narrowed))) == {
            key: value for key, value in week.items() if key == hour
        }


@laws
@given(scopes(), zones, hours, st.sampled_from(["initiator", "model", "client"]))
@example(ALL, "Asia/Kathmandu", 33, "initiator")
def test_the_parts_of_an_hour_add_up_to_it(scope: Scope, zone: str, hour: int, by: str) -> None:
    narrowed = in_hours(replace(scope, zone=zone), hour)
    told = facts().rows(select(["requests"], [by], narrowed))
    top = facts().rows(select_top(["requests"], [by], narrowed, rank_by="requests", n=2))
    whole = one("requests", narrowed)
    assert sum(count for _, count in told) == sum(row[1] for row in top) == whole


def counted(every: Iterable[datetime], scope: Scope) -> set[int]:
    """How many of some moments each source finds in a scope: one number, if they agree."""
    connection = duckdb.connect(":memory:", config={"threads": 1})
    given = ", ".join(f"(TIMESTAMP '{at.astimezone(UTC).replace(tzinfo=None)}')" for at in every)
    found = set()
    whole = {source: table for source, table in TABLES.items() if table.isidentifier()}
    for source, table in whole.items():
        connection.execute(f"CREATE TABLE {table} AS FROM (VALUES {given}) t(started_at)")
        into = Arguments()
        told = rows(source, [], scope, into)
        ((count,),) = connection.execute(f"SELECT count(*) {told.text}", into.values).fetchall()
        found.add(count)
    return found


@tried(40)
@given(periods(), st.lists(st.floats(0, 0.999), min_size=1, max_size=20), hours)
def test_clocks_that_change_and_zones_of_half_hours_are_right(
    scope: Scope, parts: list[float], hour: int
) -> None:
    every = around(scope, parts)
    if not every:
        return
    for chosen in {hour, hour_of(every[0], scope.zone), hour_of(every[-1], scope.zone)}:
        expected = sum(hour_of(at, scope.zone) == chosen for at in every)
        assert counted(every, in_hours(scope, chosen)) == {expected}


def test_an_hour_that_clocks_show_twice_holds_both_and_one_that_they_skip_none() -> None:
    autumn, spring = (
        Scope.days(day, day, "Europe/Berlin") for day in (date(2026, 10, 25), date(2026, 3, 29))
    )
    half_hours = [timedelta(minutes=30 * step) for step in range(48)]
    sunday_at_two = 6 * 24 + 2
    for day, halves in ((autumn, 4), (spring, 0)):
        every = [day.since + later for later in half_hours]
        assert counted(every, in_hours(day, sunday_at_two)) == {halves}


def test_an_hour_of_the_week_is_a_filter_like_others() -> None:
    busiest = Counter(hour_of(row["started_at"], "UTC") for row in facts().usage).most_common(1)
    ((hour, _),) = busiest
    scope = in_hours(ALL, hour, hour)
    assert scope.include == ((HOUR, (str(hour),)),)
    assert scope.free(HOUR) == ALL
    assert scope.previous().include == scope.include
    mine = within(usage(ALL), ALL, {hour})
    ((new, returning, _),) = facts().rows(presence(scope))
    assert new + returning == len({row["person"] for row in mine}) > 0


@pytest.mark.parametrize("value", ["168", "-1", "038", "", "3.5", "Monday", "٣", "1' OR 1"])
def test_what_is_no_hour_of_the_week_is_refused(value: str) -> None:
    with pytest.raises(MetricError, match="has the values '0' to '167'"):
        ALL.only(HOUR, value)
    with pytest.raises(MetricError, match="has the values '0' to '167'"):
        ALL.without(HOUR, "3", value)


@pytest.mark.parametrize("name", ["hour", "day", "week", "month"])
def test_other_stretches_of_time_are_chosen_by_a_period(name: str) -> None:
    with pytest.raises(MetricError, match="choose a period instead"):
        ALL.only(name, "2026-10-01")


def test_every_number_can_be_asked_of_an_hour() -> None:
    for scope in (in_hours(ALL, 34, 35), in_hours(replace(ALL, zone="Asia/Kolkata"), 3)):
        ((*told,),) = facts().rows(select(list(METRICS), [], scope))
        assert len(told) == len(METRICS)
