"""A scope: a period, the zone of its days, and filters."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgeboard.model.errors import MetricError
from bridgeboard.model.scope import Scope

ZONES = ("UTC", "Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Australia/Lord_Howe")
SINCE, UNTIL = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)

days = st.dates(date(2020, 2, 1), date(2035, 12, 1))
names = st.sampled_from(ZONES)


def wall(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@settings(deadline=None, max_examples=100)
@given(days, st.integers(0, 400), names)
def test_the_period_before_whole_days_is_as_many_whole_days(
    first: date, more: int, zone: str
) -> None:
    scope = Scope.days(first, first + more * DAY, zone)
    before = scope.previous()
    assert before == Scope.days(first - (more + 1) * DAY, first - DAY, zone)
    assert before.until == scope.since


@settings(deadline=None, max_examples=100)
@given(days, st.integers(0, 60), st.integers(1, 1439), names)
def test_a_day_that_runs_is_compared_up_to_the_same_time_of_day(
    first: date, more: int, minutes: int, zone: str
) -> None:
    start = Scope.days(first, first, zone).since
    scope = Scope(start, start + more * DAY + timedelta(minutes=minutes), zone)
    before = scope.previous()
    assert before.until <= scope.since
    touched = scope.last_day - scope.first_day + DAY
    assert before.first_day == first - touched
    # Only a time of day that clocks skip on the day before is told otherwise.
    late = wall(before.until, zone) - (wall(scope.until, zone) - touched)
    assert late in {timedelta(0), timedelta(minutes=30), timedelta(hours=1)}


@settings(deadline=None, max_examples=100)
@given(
    st.timedeltas(timedelta(days=31), timedelta(days=15 * 365)).map(lambda later: FIRST + later),
    st.timedeltas(timedelta(0), timedelta(days=500)),
    names,
)
def test_the_period_before_any_other_has_the_same_length_and_ends_where_it_begins(
    since: datetime, length: timedelta, zone: str
) -> None:
    scope = Scope(since, since + length, zone).only("model", "a")
    if scope.since == Scope.days(scope.first_day, scope.first_day, zone).since:
        return
    before = scope.previous()
    assert (before.until, before.until - before.since) == (scope.since, length)
    assert before.include == scope.include


def test_a_month_that_runs_is_compared_with_as_many_days_before_it() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    since, now = datetime(2026, 11, 1, tzinfo=berlin), datetime(2026, 11, 23, 15, tzinfo=berlin)
    before = Scope(since, now, "Europe/Berlin").previous()
    assert wall(before.since, "Europe/Berlin") == datetime.fromisoformat("2026-10-09")
    assert wall(before.until, "Europe/Berlin") == datetime.fromisoformat("2026-10-31T15:00")


def test_whole_days_begin_where_clocks_skip_midnight_with_the_change() -> None:
    scope = Scope.days(date(2026, 9, 6), date(2026, 9, 6), "America/Santiago")
    assert scope.until - scope.since == timedelta(hours=23)
    assert scope.previous().until == scope.since


def test_filters_that_say_the_same_make_equal_scopes() -> None:
    one = Scope(SINCE, UNTIL, include=(("model", ("b", "a", "b")), ("client", ())))
    other = Scope(SINCE, UNTIL).only("model", "a", "b")
    assert one == other
    assert hash(one) == hash(other)
    assert one.include == (("model", ("a", "b")),)


def test_filters_are_replaced_added_to_and_taken_back() -> None:
    scope = Scope(SINCE, UNTIL).only("model", "a").only("model", "b").without("client", "x")
    scope = scope.without("client", "y")
    assert (scope.include, scope.exclude) == ((("model", ("b",)),), (("client", ("x", "y")),))
    assert scope.free("model").free("client") == Scope(SINCE, UNTIL)


def test_times_of_any_zone_are_kept_in_utc() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    scope = Scope(SINCE.astimezone(tokyo), UNTIL.astimezone(tokyo))
    assert scope == Scope(SINCE, UNTIL)
    assert scope.since.tzinfo is UTC


def test_the_last_day_is_that_of_the_last_moment() -> None:
    scope = Scope.days(date(2026, 3, 1), date(2026, 3, 31), "Europe/Berlin")
    assert (scope.first_day, scope.last_day) == (date(2026, 3, 1), date(2026, 3, 31))


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        (SINCE.replace(tzinfo=None), UNTIL, "'since' must be an aware time"),
        (SINCE, UNTIL.replace(tzinfo=None), "'until' must be an aware time"),
        (UNTIL, SINCE, "ends before it begins"),
        (SINCE.replace(year=1900), UNTIL, "'since' must lie in 1990 to 2100, not in 1900"),
        (SINCE, UNTIL.replace(year=9999), "'until' must lie in 1990 to 2100, not in 9999"),
    ],
)
def test_an_impossible_period_is_refused(since: datetime, until: datetime, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        Scope(since, until)


def test_a_filter_on_what_is_no_dimension_or_one_of_time_is_refused() -> None:
    with pytest.raises(MetricError, match="'colour' is no dimension; there are hour, day"):
        Scope(SINCE, UNTIL).only("colour", "red")
    with pytest.raises(MetricError, match="'day' cannot be filtered by value"):
        Scope(SINCE, UNTIL).without("day", "2026-10-01")
