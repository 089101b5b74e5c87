"""Stepping from period to period, and comparing with the same one of last month or year."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bridgeboard.model import periods
from bridgeboard.model.errors import MetricError
from bridgeboard.model.scope import Scope

TODAY = date(2026, 11, 25)
"""A Wednesday."""


def days(first: str, last: str) -> tuple[date, date]:
    return date.fromisoformat(first), date.fromisoformat(last)


@pytest.mark.parametrize(
    ("preset", "steps", "name", "first", "last"),
    [
        ("today", -1, "custom", "2026-11-24", "2026-11-24"),
        ("7d", -1, "custom", "2026-11-12", "2026-11-18"),
        ("30d", -2, "custom", "2026-08-28", "2026-09-26"),
        ("week", -1, "last-week", "2026-11-16", "2026-11-22"),
        ("last-week", -1, "custom", "2026-11-09", "2026-11-15"),
        ("last-week", 1, "week", "2026-11-23", "2026-11-25"),
        ("month", -1, "last-month", "2026-10-01", "2026-10-31"),
        ("month", -9, "custom", "2026-02-01", "2026-02-28"),
        ("last-month", 1, "month", "2026-11-01", "2026-11-25"),
        ("quarter", -1, "custom", "2026-07-01", "2026-09-30"),
    ],
)
def test_a_named_period_steps_by_its_own_length(
    preset: str, steps: int, name: str, first: str, last: str
) -> None:
    assert periods.stepped(preset, TODAY, steps=steps) == (name, *days(first, last))


@pytest.mark.parametrize(
    ("chosen", "steps", "name", "moved"),
    [
        (("2026-11-01", "2026-11-10"), -1, "custom", ("2026-10-22", "2026-10-31")),
        (("2024-02-01", "2024-02-29"), -1, "custom", ("2024-01-01", "2024-01-31")),
        (("2026-01-01", "2026-06-30"), -1, "custom", ("2025-07-01", "2025-12-31")),
        (("2026-07-01", "2026-09-30"), 1, "quarter", ("2026-10-01", "2026-11-25")),
        (("2026-11-12", "2026-11-18"), 1, "7d", ("2026-11-19", "2026-11-25")),
        (("2026-10-19", "2026-10-25"), 1, "custom", ("2026-10-26", "2026-11-01")),
        (("2026-11-14", "2026-11-20"), 1, "custom", ("2026-11-21", "2026-11-27")),
    ],
)
def test_chosen_days_step_by_months_if_they_are_months_and_get_their_name_back(
    chosen: tuple[str, str], steps: int, name: str, moved: tuple[str, str]
) -> None:
    answer = periods.stepped("custom", TODAY, days(*chosen), steps=steps)
    assert answer == (name, *days(*moved))


def test_no_step_leads_into_a_future_that_has_nothing_or_out_of_the_calendar() -> None:
    for preset in ("today", "7d", "30d", "week", "month", "quarter"):
        assert periods.stepped(preset, TODAY, steps=1) is None
    future = days("2026-11-20", "2026-11-29")
    assert periods.stepped("custom", TODAY, future, steps=1) is None
    assert periods.stepped("custom", TODAY, days("1990-01-01", "1990-01-31"), steps=-1) is None
    assert periods.stepped("custom", TODAY, days("1990-01-02", "1990-01-03"), steps=-1) is None


def test_weeks_step_from_the_day_that_they_begin_on() -> None:
    stepped = periods.stepped("week", TODAY, steps=-1, week_start=6)
    assert stepped == ("last-week", *days("2026-11-15", "2026-11-21"))


def compared(how: str, first: str, last: str, as_of: str = "2030-01-01T00:00") -> tuple[str, str]:
    """First moment and last of what some days in Berlin are compared with, by its clocks."""
    zone = ZoneInfo("Europe/Berlin")
    scope = Scope.days(*days(first, last), zone.key)
    at = datetime.fromisoformat(as_of).replace(tzinfo=zone).astimezone(UTC)
    before = periods.compared(scope, "custom", at, how)
    return tuple(f"{each.astimezone(zone):%Y-%m-%dT%H:%M}" for each in (before.since, before.until))


@pytest.mark.parametrize(
    ("how", "first", "last", "since", "until"),
    [
        # as long, ending on the same day of the month, or with a shorter month
        ("month", "2026-11-10", "2026-11-16", "2026-10-10", "2026-10-17"),
        ("month", "2026-10-26", "2026-11-24", "2026-09-25", "2026-10-25"),
        ("month", "2026-03-28", "2026-03-30", "2026-02-26", "2026-03-01"),
        ("year", "2028-02-29", "2028-02-29", "2027-02-28", "2027-03-01"),
        ("year", "2029-02-20", "2029-03-10", "2028-02-21", "2028-03-11"),
        # whole months are compared with whole ones
        ("month", "2026-03-01", "2026-03-31", "2026-02-01", "2026-03-01"),
        ("month", "2026-02-01", "2026-02-28", "2026-01-01", "2026-02-01"),
        ("year", "2028-02-01", "2028-02-29", "2027-02-01", "2027-03-01"),
        ("year", "2026-01-01", "2026-12-31", "2025-01-01", "2026-01-01"),
        # days of clocks that were put on or back are whole days
        ("month", "2026-04-28", "2026-04-30", "2026-03-28", "2026-03-31"),
        ("month", "2026-11-24", "2026-11-26", "2026-10-24", "2026-10-27"),
        ("year", "2026-03-29", "2026-03-29", "2025-03-29", "2025-03-30"),
    ],
)
def test_the_same_period_of_last_month_or_year(
    how: str, first: str, last: str, since: str, until: str
) -> None:
    assert compared(how, first, last) == (f"{since}T00:00", f"{until}T00:00")


def test_a_running_period_is_compared_up_to_the_same_time_of_day() -> None:
    now = "2026-11-24T15:30"
    assert compared("month", "2026-11-01", "2026-11-30", now) == (
        "2026-10-01T00:00",
        "2026-10-24T15:30",
    )
    assert compared("year", "2026-11-18", "2026-11-24", now) == (
        "2025-11-18T00:00",
        "2025-11-24T15:30",
    )
    assert compared("month", "2026-11-24", "2026-11-24", "2026-11-20T00:00") == (
        "2026-10-24T00:00",
        "2026-10-24T00:00",
    )


def test_times_of_day_stay_and_what_is_compared_with_the_first_year_is_refused() -> None:
    at = (time(9), time(17, 30))
    scope = periods.scope("custom", TODAY, "UTC", days("2026-11-02", "2026-11-03"), at)
    before = periods.compared(scope, "custom", scope.until, "month")
    assert (before.since, before.until) == (
        datetime(2026, 10, 2, 9, tzinfo=UTC),
        datetime(2026, 10, 3, 17, 30, tzinfo=UTC),
    )
    with pytest.raises(MetricError):
        periods.compared(
            Scope.days(*days("1990-02-03", "1990-02-04")), "custom", scope.until, "year"
        )
