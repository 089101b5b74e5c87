"""Where a month ends: with few days and many, never below what is spent, and how good that was."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard.analysis import coverage
from bridgeboard.analysis.forecast import (
    HALF_LIFE_DAYS,
    Days,
    Forecast,
    MonthEnd,
    errors,
    forecast,
    month_end,
)
from bridgeboard.analysis.questions import Questions
from bridgeboard.model import periods
from bridgeboard.model.accuracy import UNPRICED, Accuracy, limits
from bridgeboard.model.answer import Answer
from bridgeboard.model.scope import Scope

DAY = timedelta(days=1)
DOLLAR = 10**12
NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))
MONDAY = date(2026, 11, 2)


def known(*dollars: float, first: date = NOVEMBER[0], today: float = 0) -> Days:
    costs = tuple(round(each * DOLLAR) for each in dollars)
    return Days(first, costs, round(today * DOLLAR))


def of_november(days: Days) -> Forecast:
    made = forecast(days, *NOVEMBER)
    assert made is not None
    return made


def weekly(count: int, first: date, *, weekday: float = 10, weekend: float = 0) -> Days:
    """Days that only differ by being at a weekend."""
    every = [(first + place * DAY).weekday() < 5 for place in range(count)]
    return known(*(weekday if one else weekend for one in every), first=first)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_days_have_no_forecast(count: int) -> None:
    assert forecast(known(*[10] * count, today=5), *NOVEMBER) is None


def test_a_month_that_is_over_has_no_forecast() -> None:
    assert forecast(known(*[10] * 30), *NOVEMBER) is None


@pytest.mark.parametrize("count", [3, 13])
def test_few_days_go_on_as_they_were_on_average_without_a_band(count: int) -> None:
    made = of_november(known(*[10, 20, 30, 20][:3], *[20] * (count - 3), today=5))
    assert (made.method, made.days, made.end.low, made.end.high) == ("run rate", count, None, None)
    # Today costs 20, too, of which 5 are spent.
    assert made.end.middle == (20 * count + 20 * (30 - count)) * DOLLAR
    assert made.spent == (20 * count + 5) * DOLLAR


def test_days_of_the_month_before_count_until_there_are_enough_of_this_one() -> None:
    early = forecast(known(*[10] * 5, 40, first=date(2026, 10, 27)), *NOVEMBER)
    later = forecast(known(*[10] * 5, 40, 40, 40, first=date(2026, 10, 27)), *NOVEMBER)
    assert early is not None
    assert later is not None
    assert early.end.middle == round((40 + 29 * 15) * DOLLAR)
    assert later.end.middle == 30 * 40 * DOLLAR
    assert not early.is_new


def test_two_weeks_have_weekdays_and_a_band() -> None:
    made = of_november(weekly(14, MONDAY))
    assert (made.method, made.is_new) == ("weekdays", True)
    assert made.steps[0].day == date(2026, 11, 16)
    costs = [made.steps[0].middle - made.spent]
    costs += [b.middle - a.middle for a, b in zip(made.steps, made.steps[1:], strict=False)]
    by_day = dict(zip((step.day for step in made.steps), costs, strict=True))
    assert by_day[date(2026, 11, 21)] < 0.5 * by_day[date(2026, 11, 20)]
    assert made.end.low is not None
    assert made.end.high is not None


def test_a_year_alike_week_by_week_is_met_closely() -> None:
    days = weekly(210, MONDAY - 196 * DAY, weekend=1)
    made = of_november(days)
    whole = sum(10 if (NOVEMBER[0] + place * DAY).weekday() < 5 else 1 for place in range(30))
    assert made.end.middle == pytest.approx(whole * DOLLAR, rel=0.02)


def test_the_level_follows_recent_days_but_not_without_end() -> None:
    def after(factor: float) -> float:
        made = of_november(known(*[10] * 14, *[10 * factor] * 14, first=date(2026, 10, 19)))
        return (made.end.middle - made.spent) / DOLLAR / 15

    recent = (1 - 0.5 ** (14 / HALF_LIFE_DAYS)) / (1 - 0.5 ** (28 / HALF_LIFE_DAYS))
    assert after(1.2) == pytest.approx(10 + 2 * recent, rel=0.003)
    assert after(1.2) > (10 + 10 * 1.2) / 2
    assert after(1000) < 2 * 1000 * 10


def test_today_counts_at_least_what_it_has_cost() -> None:
    quiet, busy = (of_november(known(*[10] * 20, today=today)) for today in (0, 500))
    assert busy.steps[0].middle == busy.spent == quiet.spent + 500 * DOLLAR
    assert busy.steps[0].low == busy.spent
    assert quiet.steps[0].middle == quiet.spent + 10 * DOLLAR


def test_nothing_in_four_weeks_goes_on() -> None:
    made = of_november(known(1, *[0] * 40, first=date(2026, 10, 5)))
    assert {step.middle for step in made.steps} == {0}
    assert (made.end.low, made.end.high) == (0, 0)


costs = st.lists(st.integers(0, 10**16), max_size=70)


@given(costs, st.integers(0, 10**16), st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_a_forecast_only_rises_and_is_never_below_what_is_spent(
    some: list[int], today: int, first: date
) -> None:
    days = Days(first, tuple(some), today)
    begin = days.day.replace(day=1)
    last = (begin + 31 * DAY).replace(day=1) - DAY
    made = forecast(days, begin, last)
    if made is None:
        assert len(some) < 3
        return
    assert made.spent == days.spent(begin)
    assert made.steps[0].day == days.day
    assert made.end.day == last
    middles = [made.spent, *(step.middle for step in made.steps)]
    assert middles == sorted(middles)
    for step in made.steps:
        if step.low is not None and step.high is not None:
            assert made.spent <= step.low <= step.middle <= step.high
    assert forecast(days, begin, last) == made
    only_end = forecast(days, begin, last, only_end=True)
    assert only_end == replace(made, steps=(made.end,))


class Spent:
    """What is asked of a store, answered by what each day cost and how many tokens had no price."""

    def __init__(self, first: date, costs: list[int | None], unpriced: dict[date, int]) -> None:
        self.costs = {first + place * DAY: cost for place, cost in enumerate(costs)}
        self.unpriced = unpriced
        self.asked: list[Scope] = []
        ended = datetime.combine(max(self.costs), time(23), UTC)
        began = datetime.combine(first, time(), UTC)
        self.covered = coverage.Coverage(
            began, ended, ended, is_whole=True, rows=1, sessions=0, detailed=0, quarantined=0
        )

    def coverage(self) -> coverage.Coverage:
        return self.covered

    def totals(self, _: tuple[str, ...], scope: Scope) -> dict[str, Any]:
        days = [day for day in self.costs if scope.first_day <= day <= scope.last_day]
        spend = sum(self.costs[day] or 0 for day in days)
        return self.row(spend, sum(self.unpriced.get(day, 0) for day in days))

    def series(self, _: tuple[str, ...], grain: str, scope: Scope) -> Answer:
        self.asked.append(scope)
        days = periods.buckets(scope, grain)
        rows = [self.row(self.costs.get(day, 0), self.unpriced.get(day, 0)) for day in days]
        return Answer.of(
            ("day", *rows[0]), [(day, *row.values()) for day, row in zip(days, rows, strict=True)]
        )

    @staticmethod
    def row(spend: int | None, unpriced: int) -> dict[str, Any]:
        return {"spend": spend, **dict.fromkeys(limits(("spend",)), 0), UNPRICED: unpriced}

    def ends(self) -> MonthEnd:
        now = datetime.combine(max(self.costs), time(23, 30), UTC)
        return month_end(cast("Questions", self), periods.everything("UTC"), now)


def test_what_is_known_of_earlier_months_marks_neither_the_spend_nor_the_forecast() -> None:
    first = date(2026, 6, 10)
    days = (date(2026, 11, 20) - first).days + 1
    costs: list[int | None] = [10 * DOLLAR] * days
    june = Spent(first, costs, {first: 5}).ends()
    assert (june.spent.value, june.spent.accuracy.standing) == (200 * DOLLAR, "exact")
    assert june.accuracy.standing == "exact"
    october = Spent(first, costs, {date(2026, 10, 30): 5}).ends()
    assert (october.spent.accuracy.standing, october.accuracy.standing) == ("exact", "at_least")
    november = Spent(first, costs, {date(2026, 11, 3): 5}).ends()
    assert november.spent.accuracy.standing == november.accuracy.standing == "at_least"


def test_a_day_without_any_price_counts_as_nothing_and_makes_a_lower_bound() -> None:
    costs: list[int | None] = [10 * DOLLAR] * 18 + [None, 10 * DOLLAR]
    end = Spent(NOVEMBER[0], costs, {date(2026, 11, 19): 5}).ends()
    assert end.accuracy.standing == "at_least"
    assert end.days is not None
    assert end.days.costs[-1] == 0


def test_a_month_in_which_nothing_was_billed_so_far_has_an_amount_in_its_sentence() -> None:
    end = Spent(NOVEMBER[0], [10 * DOLLAR] * 20, {}).ends()
    nothing = replace(end.spent, value=0, accuracy=Accuracy("not billed"))
    assert replace(end, spent=nothing).spent_in_words == "$0.00 spent so far."


def test_past_forecasts_are_judged_by_whole_months_only() -> None:
    # Half a year back is in the middle of May: all of May is asked for, none of it as nothing.
    costs: list[int | None] = [10 * DOLLAR] * 300
    asked = Spent(date(2026, 11, 20) - 299 * DAY, costs, {})
    end = asked.ends()
    assert asked.asked[-1].first_day == date(2026, 5, 1)
    assert end.errors is not None
    assert end.errors.wape == 0


def test_errors_are_of_whole_months_on_their_cut_days() -> None:
    even = errors(known(*[10] * 61, first=date(2026, 9, 1)))
    assert even is not None
    # Two months have seven days each, of which the first in September has only three days before.
    assert (even.wape, even.forecasts) == (0, 14)
    assert even.in_band == 1
    assert errors(known(*[10] * 29, first=date(2026, 9, 1))) is None


def test_a_month_of_which_only_the_end_is_known_counts_from_there() -> None:
    late = errors(known(*[10] * 41, first=date(2026, 9, 21)))
    assert late is not None
    assert late.forecasts == 1 + 7


def test_errors_are_a_share_of_what_the_months_cost() -> None:
    # Ten dollars a day are forecast on the first cut days of a month whose last day costs 100 more.
    found = errors(known(*[10] * 29, 110, first=date(2026, 9, 1)))
    assert found is not None
    assert found.wape == pytest.approx(100 / 400, abs=0.02)
    assert found.in_band is not None
    assert found.in_band < 1


def test_the_band_holds_most_months_of_a_company_that_changes_by_chance() -> None:
    dice = random.Random(7)  # noqa: S311 - no secret
    first = date(2023, 1, 1)
    every = []
    for place in range(1000):
        usual = 100 if (first + place * DAY).weekday() < 5 else 20
        every.append(usual * dice.lognormvariate(0, 0.3))
    found = errors(known(*every, first=first))
    assert found is not None
    assert found.in_band is not None
    assert found.wape < 0.08
    assert 0.7 <= found.in_band <= 0.95
