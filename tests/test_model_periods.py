"""Named periods: their days, what each is compared with, and how finely it is drawn."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridgeboard.model import periods
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.periods import buckets
from bridgeboard.model.scope import Scope

DAY = timedelta(days=1)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham")
WEEKLY = ("week", "last-week")
MONTHLY = {"month": 1, "last-month": 1, "quarter": 3}
DAILY = {"today": 1, "7d": 7, "30d": 30, "90d": 90}
dates = st.dates(date(1996, 1, 1), date(2094, 12, 31))
zones = st.sampled_from(ZONES)
parts = st.floats(-0.5, 1.5)
NOON = time(12, 30)
laws = settings(deadline=None)


def moment(day: date, at: time, zone: str) -> datetime:
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def wall(at: datetime, zone: str) -> datetime:
    """What clocks and calendars on the wall of a zone show."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def exists(shown: datetime, zone: str) -> bool:
    """Whether clocks ever show this: not when they are put forward over it."""
    return wall(shown.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC), zone) == shown


def within(scope: Scope, part: float) -> datetime:
    """A moment so far into a period; before it below zero, after it above one."""
    return scope.since + part * (scope.until - scope.since)


def months_back(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last one: counted one by one."""
    first = day.replace(day=1)
    for _ in range(months):
        first = (first - DAY).replace(day=1)
    found = first
    while found.day < day.day and (found + DAY).month == first.month:
        found += DAY
    return found


@pytest.mark.parametrize(
    ("preset", "today", "first", "last"),
    [
        ("today", date(2026, 11, 24), date(2026, 11, 24), date(2026, 11, 24)),
        ("7d", date(2026, 11, 24), date(2026, 11, 18), date(2026, 11, 24)),
        ("7d", date(2024, 3, 3), date(2024, 2, 26), date(2024, 3, 3)),
        ("7d", date(2023, 3, 3), date(2023, 2, 25), date(2023, 3, 3)),
        ("30d", date(2026, 11, 24), date(2026, 10, 26), date(2026, 11, 24)),
        ("90d", date(2026, 11, 24), date(2026, 8, 27), date(2026, 11, 24)),
        ("90d", date(2024, 3, 1), date(2023, 12, 3), date(2024, 3, 1)),
        ("week", date(2026, 11, 24), date(2026, 11, 23), date(2026, 11, 24)),
        ("week", date(2026, 11, 23), date(2026, 11, 23), date(2026, 11, 23)),
        ("last-week", date(2026, 11, 24), date(2026, 11, 16), date(2026, 11, 22)),
        ("last-week", date(2026, 11, 22), date(2026, 11, 9), date(2026, 11, 15)),
        ("month", date(2026, 11, 24), date(2026, 11, 1), date(2026, 11, 24)),
        ("month", date(2026, 11, 1), date(2026, 11, 1), date(2026, 11, 1)),
        ("month", date(2024, 2, 29), date(2024, 2, 1), date(2024, 2, 29)),
        ("last-month", date(2026, 11, 24), date(2026, 10, 1), date(2026, 10, 31)),
        ("last-month", date(2026, 3, 31), date(2026, 2, 1), date(2026, 2, 28)),
        ("last-month", date(2024, 3, 31), date(2024, 2, 1), date(2024, 2, 29)),
        ("last-month", date(2000, 3, 1), date(2000, 2, 1), date(2000, 2, 29)),
        ("last-month", date(2026, 1, 5), date(2025, 12, 1), date(2025, 12, 31)),
        ("quarter", date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 1)),
        ("quarter", date(2026, 3, 31), date(2026, 1, 1), date(2026, 3, 31)),
        ("quarter", date(2026, 4, 1), date(2026, 4, 1), date(2026, 4, 1)),
        ("quarter", date(2026, 9, 30), date(2026, 7, 1), date(2026, 9, 30)),
        ("quarter", date(2024, 12, 31), date(2024, 10, 1), date(2024, 12, 31)),
        ("custom", date(2026, 11, 24), date(2026, 11, 24), date(2026, 11, 24)),
    ],
)
def test_a_period_has_these_days(preset: str, today: date, first: date, last: date) -> None:
    assert periods.days(preset, today) == (first, last)


@laws
@given(dates)
def test_every_period_of_days_is_as_long_as_it_says_and_ends_today(today: date) -> None:
    for preset, length in DAILY.items():
        first, last = periods.days(preset, today)
        assert (last, last - first) == (today, (length - 1) * DAY)


@laws
@given(dates)
@example(date(2024, 2, 29))
@example(date(2026, 3, 31))
def test_months_and_quarters_begin_with_their_first_day(today: date) -> None:
    assert periods.days("month", today) == (today.replace(day=1), today)
    first, last = periods.days("last-month", today)
    assert (first.day, last + DAY) == (1, today.replace(day=1))
    assert first.month == last.month
    first, last = periods.days("quarter", today)
    assert (first.day, first.month % 3, last) == (1, 1, today)
    assert (today.year, (today.month - 1) // 3) == (first.year, (first.month - 1) // 3)


@laws
@given(st.lists(dates, min_size=1, max_size=4), dates)
def test_custom_days_are_the_outermost_in_whatever_order(chosen: list[date], today: date) -> None:
    told = {periods.days("custom", today, order) for order in permutations(chosen)}
    assert told == {(min(chosen), max(chosen))}


def test_days_that_were_chosen_once_do_not_count_for_other_periods() -> None:
    chosen = (date(2020, 1, 1), date(2020, 1, 9))
    for preset in periods.PRESETS.keys() - {"custom"}:
        today = date(2026, 11, 24)
        assert periods.days(preset, today, chosen) == periods.days(preset, today)


@laws
@given(st.sampled_from(sorted(periods.PRESETS)), dates, zones, st.lists(dates, max_size=2))
def test_a_scope_has_just_the_days_of_its_period(
    preset: str, today: date, zone: str, chosen: list[date]
) -> None:
    scope = periods.scope(preset, today, zone, chosen)
    first, last = periods.days(preset, today, chosen)
    assert (scope.first_day, scope.last_day) == (first, last)
    assert wall(scope.since, zone) == datetime.combine(first, time())
    assert wall(scope.until, zone) == datetime.combine(last + DAY, time())
    assert (scope.zone, scope.include, scope.exclude) == (zone, (), ())


@laws
@given(st.lists(dates, min_size=1, max_size=2), zones, st.times(), st.times())
@example([date(2026, 11, 24)], "UTC", time(17), time(9))
@example([date(2026, 3, 29)], "Europe/Berlin", time(2, 30), time(2, 45))
def test_a_custom_period_begins_and_ends_at_its_times_of_day(
    chosen: list[date], zone: str, begins: time, ends: time
) -> None:
    today = date(2026, 11, 24)
    whole = periods.scope("custom", today, zone, chosen)
    scope = periods.scope("custom", today, zone, chosen, (begins, ends))
    since, until = moment(min(chosen), begins, zone), moment(max(chosen), ends, zone)
    assert scope.since == since
    assert scope.until == (until if until > since else whole.until)
    assert periods.scope("custom", today, zone, chosen, (begins, None)).until == whole.until
    assert periods.scope("custom", today, zone, chosen, (None, ends)).since == whole.since
    assert periods.scope("30d", today, zone, chosen, (begins, ends)) == periods.scope(
        "30d", today, zone
    )


def test_only_a_custom_period_that_is_not_of_whole_days_says_its_times() -> None:
    chosen = (date(2026, 11, 23), date(2026, 11, 24))
    hours = (time(9, 30), time(17, 5))
    told = [
        periods.words(periods.scope("custom", chosen[1], "Asia/Kathmandu", chosen, given), "custom")
        for given in ((None, None), hours, (hours[0], None))
    ]
    assert told == [
        "23 - 24 Nov 2026",
        "23 Nov 2026, 09:30 to 24 Nov 2026, 17:05 +05:45",
        "23 Nov 2026, 09:30 to 25 Nov 2026, 00:00 +05:45",
    ]


@laws
@given(st.sampled_from(sorted(periods.PRESETS)), dates, zones, parts)
def test_what_a_period_is_compared_with_is_over_before_it_begins(
    preset: str, today: date, zone: str, part: float
) -> None:
    scope = periods.scope(preset, today, zone).only("client", "Zed").without("team", "data")
    before = periods.compared(scope, preset, within(scope, part))
    assert before.since <= before.until <= scope.since
    assert (before.zone, before.include, before.exclude) == (zone, scope.include, scope.exclude)


@laws
@given(st.sampled_from([*DAILY, "custom"]), dates, zones, parts, st.integers(0, 400))
@example("today", date(2026, 10, 25), "Europe/Berlin", 0.99, 0)
@example("today", date(2026, 3, 29), "Europe/Berlin", 0.5, 0)
@example("7d", date(2026, 11, 1), "America/New_York", 2.0, 0)
@example("30d", date(2026, 4, 5), "Pacific/Chatham", 0.99, 0)
def test_days_are_compared_with_as_many_days_just_before_up_to_the_same_time_of_day(
    preset: str, today: date, zone: str, part: float, more: int
) -> None:
    scope = periods.scope(preset, today, zone, [today, today - more * DAY])
    until = max(scope.since, min(scope.until, within(scope, part)))
    before = periods.compared(scope, preset, within(scope, part))
    touched = wall(until, zone).date() - scope.first_day
    if wall(until, zone).time() != time():
        touched += DAY
    expected = wall(until, zone) - touched
    assert wall(before.since, zone) == wall(scope.since, zone) - touched
    if exists(expected, zone):
        assert wall(before.until, zone) == expected
    if until > scope.since:
        assert before.last_day <= scope.first_day - DAY
        assert before.last_day - before.first_day <= touched - DAY


@laws
@given(st.sampled_from(sorted(MONTHLY)), dates, zones, parts)
@example("month", date(2026, 3, 31), "Europe/Berlin", 0.99)
@example("last-month", date(2026, 11, 24), "America/New_York", 1.0)
@example("quarter", date(2024, 5, 31), "Pacific/Chatham", 0.999)
def test_months_are_compared_with_as_many_months_before_up_to_the_same_day_and_time(
    preset: str, today: date, zone: str, part: float
) -> None:
    scope = periods.scope(preset, today, zone)
    until = max(scope.since, min(scope.until, within(scope, part)))
    before = periods.compared(scope, preset, within(scope, part))
    if until == scope.since:
        assert (before.since, before.until) == (scope.since, scope.since)
        return
    back, shown = MONTHLY[preset], wall(until, zone)
    assert wall(before.since, zone).date() == months_back(scope.first_day, back)
    assert wall(before.since, zone).time() == time()
    day = months_back(shown.date(), back)
    expected = datetime.combine(day, shown.time())
    if day.day != shown.day:
        expected = datetime.combine(day + DAY, time())
    if exists(expected, zone):
        assert wall(before.until, zone) == expected


@laws
@given(st.sampled_from(sorted(periods.PRESETS)), dates, zones, st.integers(0, 10_000))
def test_a_period_that_is_over_is_compared_as_a_whole_whenever_that_is_asked(
    preset: str, today: date, zone: str, hours: int
) -> None:
    scope = periods.scope(preset, today, zone)
    later = scope.until + timedelta(hours=hours)
    assert not periods.is_running(scope, later)
    assert periods.is_running(scope, scope.until - timedelta(microseconds=1))
    before = periods.compared(scope, preset, later)
    assert before == periods.compared(scope, preset, scope.until)
    assert wall(before.until, zone).time() == time()


@pytest.mark.parametrize(
    ("preset", "today", "first", "last"),
    [
        ("month", date(2026, 11, 24), date(2026, 10, 1), date(2026, 10, 24)),
        ("month", date(2026, 11, 1), date(2026, 10, 1), date(2026, 10, 1)),
        ("month", date(2026, 3, 31), date(2026, 2, 1), date(2026, 2, 28)),
        ("month", date(2024, 3, 31), date(2024, 2, 1), date(2024, 2, 29)),
        ("month", date(2026, 1, 15), date(2025, 12, 1), date(2025, 12, 15)),
        ("last-month", date(2026, 3, 9), date(2026, 1, 1), date(2026, 1, 31)),
        ("last-month", date(2026, 11, 24), date(2026, 9, 1), date(2026, 9, 30)),
        ("quarter", date(2026, 11, 24), date(2026, 7, 1), date(2026, 8, 24)),
        ("quarter", date(2026, 5, 31), date(2026, 1, 1), date(2026, 2, 28)),
        ("quarter", date(2024, 5, 30), date(2024, 1, 1), date(2024, 2, 29)),
        ("today", date(2026, 11, 24), date(2026, 11, 23), date(2026, 11, 23)),
        ("7d", date(2026, 11, 24), date(2026, 11, 11), date(2026, 11, 17)),
        ("30d", date(2026, 3, 1), date(2026, 1, 1), date(2026, 1, 30)),
    ],
)
@pytest.mark.parametrize("zone", ZONES)
def test_like_is_compared_with_like(
    preset: str, today: date, first: date, last: date, zone: str
) -> None:
    scope = periods.scope(preset, today, zone)
    before = periods.compared(scope, preset, moment(today, NOON, zone))
    assert (before.first_day, before.last_day) == (first, last)
    # Beyond the end of a shorter month, all of that month is what is alike.
    is_whole = preset == "last-month" or (preset in MONTHLY and last.day != today.day)
    at, ends = (time(), last + DAY) if is_whole else (NOON, last)
    assert wall(before.until, zone) == datetime.combine(ends, at)


@pytest.mark.parametrize(
    ("zone", "day", "length", "before"),
    [
        ("Europe/Berlin", date(2026, 10, 25), 25, 24),
        ("Europe/Berlin", date(2026, 10, 26), 24, 25),
        ("Europe/Berlin", date(2026, 3, 29), 23, 24),
        ("America/New_York", date(2026, 11, 2), 24, 25),
        ("America/New_York", date(2026, 3, 9), 24, 23),
        ("Pacific/Chatham", date(2026, 4, 6), 24, 25),
        ("Asia/Kathmandu", date(2026, 10, 26), 24, 24),
    ],
)
def test_a_day_is_compared_with_a_day_however_many_hours_clocks_gave_it(
    zone: str, day: date, length: int, before: int
) -> None:
    scope = periods.scope("today", day, zone)
    compared = periods.compared(scope, "today", scope.until)
    assert (scope.until - scope.since) / timedelta(hours=1) == length
    assert (compared.until - compared.since) / timedelta(hours=1) == before
    assert compared.until == scope.since


def test_months_whose_clocks_changed_are_compared_from_midnight_to_the_same_time_of_day() -> None:
    scope = periods.scope("month", date(2026, 11, 24), "Europe/Berlin")
    before = periods.compared(scope, "month", datetime(2026, 11, 24, 15, 4, tzinfo=UTC))
    assert before.since == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert before.until == datetime(2026, 10, 24, 14, 4, tzinfo=UTC)


@pytest.mark.parametrize("zone", ZONES)
def test_before_a_period_has_any_data_it_is_compared_with_nothing(zone: str) -> None:
    never = datetime.min.replace(tzinfo=UTC)
    for preset in periods.PRESETS:
        scope = periods.scope(preset, date(2026, 11, 24), zone)
        for as_of in (never, scope.since - DAY, scope.since):
            before = periods.compared(scope, preset, as_of)
            assert (before.since, before.until) == (scope.since, scope.since), preset
            assert periods.is_running(scope, as_of), preset


def test_the_zone_of_the_moment_does_not_matter() -> None:
    scope = periods.scope("7d", date(2026, 11, 24), "Asia/Kathmandu")
    as_of = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
    told = {periods.compared(scope, "7d", as_of.astimezone(ZoneInfo(zone))) for zone in ZONES}
    assert len(told) == 1


@pytest.mark.parametrize(
    ("length", "grain"),
    [
        (1, "hour"),
        (2, "hour"),
        (3, "day"),
        (92, "day"),
        (93, "week"),
        (730, "week"),
        (731, "month"),
        (9000, "month"),
    ],
)
def test_longer_periods_are_drawn_in_longer_stretches(length: int, grain: str) -> None:
    first = date(2026, 10, 25)
    for zone in ZONES:
        scope = Scope.days(first, first + (length - 1) * DAY, zone)
        assert periods.grain(scope) == grain, zone


@laws
@given(dates, st.integers(0, 730), zones)
def test_no_chart_has_more_than_a_hundred_and_six_stretches(
    first: date, more: int, zone: str
) -> None:
    scope = Scope.days(first, first + more * DAY, zone)
    assert 1 <= len(buckets(scope, periods.grain(scope))) <= 106


@pytest.mark.parametrize(
    ("length", "grains"),
    [
        (1, ["hour"]),
        (2, ["hour", "day"]),
        (7, ["hour", "day"]),
        (30, ["day", "week"]),
        (90, ["day", "week", "month"]),
        (365, ["week", "month"]),
        (9000, ["month"]),
    ],
)
def test_a_period_is_drawn_in_stretches_that_are_several_and_not_too_many(
    length: int, grains: list[str]
) -> None:
    first = date(2026, 10, 25)
    scope = Scope.days(first, first + (length - 1) * DAY, "Europe/Berlin")
    assert periods.grains(scope) == grains
    assert periods.grain(scope) in grains


def test_the_grains_of_growing_periods_only_grow() -> None:
    order = ["hour", "day", "week", "month"]
    lengths = range(1, 1000)
    first = date(2026, 1, 1)
    told = [periods.grain(Scope.days(first, first + (n - 1) * DAY)) for n in lengths]
    assert all(order.index(one) <= order.index(other) for one, other in pairwise(told))
    assert set(told) == set(order) <= set(DIMENSIONS)


def test_the_usual_period_is_one_of_those_there_are() -> None:
    assert periods.USUAL in periods.PRESETS
    named: Sequence[str] = [*DAILY, *WEEKLY, *MONTHLY, "custom"]
    assert sorted(named) == sorted(periods.PRESETS)


@pytest.mark.parametrize("week_start", range(7))
@given(today=dates)
@laws
def test_weeks_begin_on_the_weekday_that_is_set(week_start: int, today: date) -> None:
    first, last = periods.days("week", today, (), week_start)
    before, end = periods.days("last-week", today, (), week_start)
    assert first.weekday() == before.weekday() == week_start
    assert last == today
    assert first <= today < first + 7 * DAY
    assert (before, end) == (first - 7 * DAY, first - DAY)
    scope = periods.scope("week", today, "UTC", week_start=week_start)
    assert scope.week_start == week_start
    assert scope.week_of(today) == first


def test_a_running_week_is_compared_with_the_same_days_of_the_week_before() -> None:
    scope = periods.scope("week", date(2026, 11, 25), "Europe/Berlin")
    at = moment(date(2026, 11, 25), NOON, "Europe/Berlin")
    before = periods.compared(scope, "week", at)
    assert before.since == moment(date(2026, 11, 16), time(), "Europe/Berlin")
    assert before.until == moment(date(2026, 11, 18), NOON, "Europe/Berlin")
    whole = periods.scope("last-week", date(2026, 11, 25), "Europe/Berlin")
    before = periods.compared(whole, "last-week", at)
    assert (before.first_day, before.last_day) == (date(2026, 11, 9), date(2026, 11, 15))
