"""Daily, weekly and monthly active people."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from companies import small
from facts import facts
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgeboard.metrics import MetricError, Scope, active_people_windows, select

DAY = timedelta(days=1)
START, END = small().start, small().end
laws = settings(deadline=None, max_examples=25)


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
