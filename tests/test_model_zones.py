"""Local time as arithmetic equals what zoneinfo says, in every kind of zone."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import duckdb
import pytest
from costly_laws import tried
from hypothesis import given
from hypothesis import strategies as st
from slow_cases import one_fast

from bridgeboard.model import times as arithmetic
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.errors import MetricError
from bridgeboard.model.periods import bounds, buckets, running
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_sources import key

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",  # clocks skip midnight
    "America/St_Johns",
    "America/Havana",  # midnight comes twice
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Antarctica/Troll",  # by two hours
    "Asia/Almaty",  # moved west for good
)
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HALF_AN_HOUR = timedelta(minutes=30)
DATES = ("day", "week", "month")

moments = st.timedeltas(timedelta(days=1), timedelta(days=5_840)).map(lambda later: FIRST + later)
spans = st.timedeltas(timedelta(0), timedelta(days=800))
names = st.sampled_from(ZONES)


@st.composite
def periods(draw: st.DrawFn) -> Scope:
    since = draw(moments)
    return Scope(since, since + draw(spans), draw(names))


def changes(scope: Scope) -> list[datetime]:
    """When the zone's clocks change in the scope."""
    return [arithmetic.moment(part.since) for part in scope.segments[1:]]


def around(scope: Scope, parts: list[float]) -> list[datetime]:
    """Moments all over a scope, and just around every change of its clocks."""
    length = scope.until - scope.since
    near = [
        at + timedelta(minutes=m) for at in changes(scope) for m in (-61, -31, -1, 0, 29, 31, 61)
    ]
    near += [at - timedelta(microseconds=1) for at in changes(scope)]
    every = [scope.since, *(scope.since + part * length for part in parts), *near]
    return [at for at in every if scope.since <= at < scope.until]


def told(scope: Scope, every: list[datetime]) -> dict[str, list[object]]:
    """What the SQL of each dimension of time makes of moments."""
    times = [one.name for one in DIMENSIONS.values() if one.time]
    columns = [DIMENSIONS[name].shown.format(key(name, "usage", scope)) for name in times]
    rows = ", ".join(f"({n}, TIMESTAMP '{at.replace(tzinfo=None)}')" for n, at in enumerate(every))
    sql = f"SELECT {', '.join(columns)} FROM (VALUES {rows}) AS f(n, started_at) ORDER BY n"
    answer = duckdb.connect(":memory:", config={"threads": 1}).execute(sql).fetchall()
    return dict(zip(times, map(list, zip(*answer, strict=True)), strict=True))


def hour(at: datetime, zone: ZoneInfo) -> datetime:
    """The first minute of the local hour, found by walking back; a change of clocks ends one."""

    def hand(moment: datetime) -> tuple[object, ...]:
        local = moment.astimezone(zone)
        return local.date(), local.hour, local.utcoffset()

    start = at.replace(second=0, microsecond=0)
    while hand(start - MINUTE) == hand(at):
        start -= MINUTE
    return start.replace(tzinfo=None)


@tried(25)
@given(periods(), st.lists(st.floats(0, 0.999), max_size=20))
def test_hours_days_weeks_and_months_are_those_of_zoneinfo(
    scope: Scope, parts: list[float]
) -> None:
    every = around(scope, parts)
    if not every:
        return
    zone = ZoneInfo(scope.zone)
    found = told(scope, every)
    local = [at.astimezone(zone) for at in every]
    days = [at.date() for at in local]
    assert found["day"] == days
    assert found["week"] == [day - timedelta(days=day.weekday()) for day in days]
    assert found["month"] == [day.replace(day=1) for day in days]
    assert found["weekday_hour"] == [24 * at.weekday() + at.hour for at in local]
    assert found["hour"] == [hour(at, zone) for at in every]


@pytest.mark.parametrize("zone", one_fast(ZONES, fast="Pacific/Chatham"))
def test_every_change_of_clocks_in_sixteen_years_is_found(zone: str) -> None:
    scope = Scope(FIRST, datetime(2036, 1, 1, tzinfo=UTC), zone)
    steps = (scope.until - FIRST) // HALF_AN_HOUR
    every = [FIRST + step * HALF_AN_HOUR for step in range(-1, steps)]
    offsets = [at.astimezone(ZoneInfo(zone)).utcoffset() for at in every]
    told = zip(every[1:], pairwise(offsets), strict=True)
    found = [at for at, (before, after) in told if before != after]
    assert changes(scope) == found


@tried(25)
@given(periods(), st.lists(st.floats(0, 0.999), min_size=1, max_size=20))
def test_every_moment_falls_into_a_bucket_that_is_bound_around_it(
    scope: Scope, parts: list[float]
) -> None:
    every = around(scope, parts)
    if not every:
        return
    for grain, values in told(scope, every).items():
        known = set(buckets(scope, grain))
        assert set(values) <= known
        if grain != "weekday_hour":
            for at, value in zip(every, values, strict=True):
                since, until = bounds(scope, grain, value)
                assert since <= at < until


@tried(25)
@given(periods(), st.sampled_from(("hour", *DATES)))
def test_the_buckets_of_a_scope_follow_each_other_without_a_gap(scope: Scope, grain: str) -> None:
    every = [bounds(scope, grain, bucket) for bucket in buckets(scope, grain)]
    if scope.since == scope.until:
        assert every == []
        return
    assert every[0][0] <= scope.since < every[0][1]
    assert every[-1][0] < scope.until <= every[-1][1]
    assert [until for _, until in every[:-1]] == [since for since, _ in every[1:]]


def test_the_repeated_hour_is_two_and_the_skipped_one_none() -> None:
    autumn = Scope.days(date(2026, 10, 25), date(2026, 10, 25), "Europe/Berlin")
    spring = Scope.days(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")
    assert (len(buckets(autumn, "hour")), len(buckets(spring, "hour"))) == (25, 23)


def test_where_clocks_change_by_half_an_hour_an_hour_is_cut() -> None:
    day = Scope.days(date(2026, 4, 5), date(2026, 4, 5), "Australia/Lord_Howe")
    starts = buckets(day, "hour")
    assert datetime.fromisoformat("2026-04-04T15:00") in starts
    lengths = {until - since for since, until in (bounds(day, "hour", one) for one in starts)}
    assert lengths == {timedelta(hours=1), timedelta(minutes=30)}
    change = datetime(2026, 4, 4, 15, tzinfo=UTC)
    after = Scope(change + 10 * MINUTE, change + HALF_AN_HOUR, "Australia/Lord_Howe")
    assert buckets(after, "hour") == [change.replace(tzinfo=None)]


@pytest.mark.parametrize(
    ("grain", "until"),
    [
        ("hour", datetime(2026, 11, 18, 15, tzinfo=UTC)),
        ("day", datetime(2026, 11, 18, 23, tzinfo=UTC)),
        ("week", datetime(2026, 11, 22, 23, tzinfo=UTC)),
        ("month", datetime(2026, 11, 30, 23, tzinfo=UTC)),
    ],
)
def test_the_last_bucket_runs_until_its_own_end(grain: str, until: datetime) -> None:
    now = datetime(2026, 11, 18, 14, 30, tzinfo=UTC)
    scope = Scope(datetime(2026, 11, 2, tzinfo=UTC), now, "Europe/Berlin")
    assert running(scope, grain, now)
    assert running(scope, grain, until - timedelta(microseconds=1))
    assert not running(scope, grain, until)


def test_a_scope_of_no_length_has_no_buckets_and_nothing_runs_in_it() -> None:
    scope = Scope(FIRST, FIRST)
    assert [buckets(scope, grain) for grain in ("hour", *DATES)] == [[], [], [], []]
    assert not running(scope, "day", FIRST)


def test_what_is_no_stretch_of_time_has_no_buckets_and_no_bounds() -> None:
    scope = Scope(FIRST, FIRST + MINUTE)
    with pytest.raises(MetricError, match="'model' is no dimension of time"):
        buckets(scope, "model")
    with pytest.raises(MetricError, match="'weekday_hour' is no stretch of time"):
        bounds(scope, "weekday_hour", 5)
    with pytest.raises(MetricError, match="'weekday_hour' is no stretch of time"):
        running(scope, "weekday_hour", FIRST)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "Europe", "x" * 5000, "\0"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(MetricError, match="is no time zone"):
        Scope(FIRST, FIRST, name)
