"""How budgets stand: used, pace, run-out, forecast, thresholds, for every kind of budget."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard.access import RowAccess
from bridgeboard.alerts import conditions
from bridgeboard.analysis import budget_words
from bridgeboard.analysis import budgets as answers
from bridgeboard.analysis.budget_rules import BudgetStatus, Reached, Spent, judged
from bridgeboard.analysis.coverage import Coverage
from bridgeboard.analysis.forecast import Days
from bridgeboard.analysis.questions import Questions
from bridgeboard.budgets import parse
from bridgeboard.model.accuracy import UNPRICED, Accuracy, limits
from bridgeboard.model.answer import Answer
from bridgeboard.model.budgets import Budget, BudgetPeriod, Limit
from bridgeboard.model.dimensions import SMALL_GROUPS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import Query

DAY = timedelta(days=1)
DOLLAR = 10**12
NOVEMBER = BudgetPeriod(date(2026, 11, 1), date(2026, 11, 30))
ALL = Budget("All", "organization", "", "month", (Limit(210 * DOLLAR),))


def at(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def days(*dollars: int, first: date = NOVEMBER.first, today: int = 0) -> Days:
    return Days(first, tuple(each * DOLLAR for each in dollars), today * DOLLAR)


def judge(
    limit: int, spent: int | None, day: date, *, known: Days | None = None, **more: Any
) -> BudgetStatus:
    period = more.pop("period", NOVEMBER)
    budget = replace(ALL, limits=(Limit(limit * DOLLAR),), zone=more.pop("zone", "UTC"))
    amount = None if spent is None else spent * DOLLAR
    given = Spent(amount, days=known, **more)
    return judged(budget, period, limit * DOLLAR, given, at(day))


@pytest.mark.parametrize(
    ("limit", "spent", "day", "status"),
    [
        # November 2026 has 21 workdays; at noon of the 16th ten and a half of them are over.
        (210, 105, date(2026, 11, 16), "ok"),
        (210, 115, date(2026, 11, 16), "ok"),
        (210, 116, date(2026, 11, 16), "amber"),
        (210, 131, date(2026, 11, 16), "amber"),
        (210, 132, date(2026, 11, 16), "red"),
        (210, 210, date(2026, 11, 16), "red"),
        (210, 211, date(2026, 11, 16), "over"),
        (0, 0, date(2026, 11, 16), "blocked"),
        (0, 1, date(2026, 11, 16), "over"),
        (210, None, date(2026, 11, 16), "no data"),
        (0, None, date(2026, 11, 16), "blocked"),
        # Within the first workday nothing is said of pace, not even on the Sunday before.
        (210, 50, date(2026, 11, 1), "ok"),
        (210, 50, date(2026, 11, 2), "ok"),
        (210, 50, date(2026, 11, 3), "red"),
        (210, 0, date(2026, 10, 31), "not begun"),
        (210, 210, date(2026, 12, 1), "ended"),
        (210, 211, date(2026, 12, 1), "over"),
    ],
)
def test_the_status_follows_what_is_used_and_how_fast(
    limit: int, spent: int | None, day: date, status: str
) -> None:
    assert judge(limit, spent, day).status == status


def test_numbers_of_a_budget_are_exact() -> None:
    one = judge(210, 105, date(2026, 11, 16))
    assert (one.limit, one.spent, one.remaining) == (210 * DOLLAR, 105 * DOLLAR, 105 * DOLLAR)
    assert (one.used, one.elapsed, one.pace) == (0.5, 0.5, 1)
    assert one.ideal == 105 * DOLLAR
    over = judge(100, 130, date(2026, 11, 16))
    assert over.remaining == -30 * DOLLAR
    nothing = judge(0, 5, date(2026, 11, 16))
    assert (nothing.used, nothing.pace, nothing.remaining) == (None, None, -5 * DOLLAR)


def test_amounts_beyond_every_double_stay_exact() -> None:
    huge = Budget("All", "organization", "", "month", (Limit(10**24),))
    one = judged(huge, NOVEMBER, 10**24, Spent(10**24 - 1), at(date(2026, 11, 16)))
    assert (one.remaining, one.status) == (1, "red")
    assert one.reached == (Reached("actual", 50), Reached("actual", 85))
    assert [amount for _, amount in one.ideal_line()][-1] == 10**24


def test_something_that_was_never_recorded_is_no_data() -> None:
    one = judge(100, 0, date(2026, 11, 16), is_recorded=False)
    assert (one.status, one.reached, one.run_out) == ("no data", (), None)
    assert (one.spent, one.used, one.pace, one.remaining) == (None, None, None, None)


@pytest.mark.parametrize(
    ("year", "workdays"),
    [(2026, 20), (2028, 21)],  # 28 and 29 days
)
def test_february_is_as_long_as_its_year_says(year: int, workdays: int) -> None:
    last = date(year, 3, 1) - DAY
    period = BudgetPeriod(date(year, 2, 1), last)
    one = judge(workdays, 1, date(year, 2, 20), period=period)
    line = dict(one.ideal_line())
    assert len(line) == last.day
    steps = [line[day] - line[day - DAY] for day in line if day > period.first]
    assert set(steps) == {0, DOLLAR}
    assert line[last] == workdays * DOLLAR
    assert line[date(year, 2, 20)] == sum(
        DOLLAR for place in range(20) if (period.first + place * DAY).weekday() < 5
    )


def test_a_day_of_23_hours_goes_by_faster() -> None:
    # Clocks of Cairo skip an hour on Friday, 24 April 2026.
    period = BudgetPeriod(date(2026, 4, 24), date(2026, 4, 24))
    cairo = replace(ALL, zone="Africa/Cairo")
    begin = datetime(2026, 4, 23, 22, tzinfo=UTC)
    shares = [
        judged(cairo, period, 100, Spent(0), begin + timedelta(hours=hours)).elapsed
        for hours in (0, 11.5, 23)
    ]
    assert shares == [0, 0.5, 1]


def test_a_period_without_a_workday_goes_by_evenly() -> None:
    weekend = BudgetPeriod(date(2026, 11, 7), date(2026, 11, 8))
    one = judge(100, 90, date(2026, 11, 8), period=weekend)
    assert (one.elapsed, one.status) == (0.75, "amber")


@pytest.mark.parametrize(
    ("known", "spent", "expected"),
    [
        (days(*[10] * 15), 150, date(2026, 11, 22)),  # 60 are left, at 10 a day
        (days(*[4] * 15), 60, "later"),
        (days(*[20] * 15), 300, "already"),
        (days(*[15] * 14), 210, "already"),
        (days(150, *[0] * 14), 150, "never"),
        (None, 0, "never"),
        (days(first=date(2026, 11, 16), today=5), 5, None),  # no complete day yet
        (days(100, *[0] * 6, *[10] * 7), 170, date(2026, 11, 20)),  # of the last seven only
    ],
)
def test_when_nothing_is_left(known: Days | None, spent: int, expected: object) -> None:
    assert judge(210, spent, date(2026, 11, 16), known=known).run_out == expected


def test_a_budget_of_nothing_never_runs_out_but_can_be_used_up() -> None:
    assert judge(0, 0, date(2026, 11, 16)).run_out is None
    assert judge(0, 1, date(2026, 11, 16)).run_out == "already"


@pytest.mark.parametrize(
    ("limit", "spent", "known", "reached"),
    [
        (210, 104, None, []),
        (210, 105, None, [50]),
        (200, 170, None, [50, 85]),
        (210, 210, None, [50, 85, 100]),
        (0, 0, None, []),
        (0, 1, None, [50, 85, 100]),
        (210, 0, None, []),
    ],
)
def test_thresholds_are_reached_from_their_amount_on(
    limit: int, spent: int, known: Days | None, reached: list[int]
) -> None:
    one = judge(limit, spent, date(2026, 11, 16), known=known)
    assert one.reached == tuple(Reached("actual", percent) for percent in reached)


def test_a_forecast_beyond_the_limit_is_a_threshold_of_its_own_and_comes_second() -> None:
    known = days(*[10] * 15)
    one = judge(250, 150, date(2026, 11, 16), known=known)
    assert one.forecast is not None
    assert one.forecast.end.middle == pytest.approx(300 * DOLLAR, rel=0.02)
    assert one.reached == (Reached("actual", 50), Reached("forecast", 100))
    assert one.is_forecast_over
    assert not judge(400, 150, date(2026, 11, 16), known=known).is_forecast_over
    over, red = judge(100, 150, date(2026, 11, 16)), judge(210, 200, date(2026, 11, 16))
    ok, none = judge(210, 100, date(2026, 11, 16)), judge(210, None, date(2026, 11, 16))
    order = [over, one, red, ok, none]
    mixed = [none, red, over, ok, one]
    assert sorted(mixed, key=lambda each: each.urgency) == order


class Company:
    """What is asked of a store, answered by what each value of each dimension cost each day."""

    def __init__(self, costs: Mapping[str, Mapping[str, Mapping[date, int | None]]]) -> None:
        self.costs = costs
        self.unpriced: set[date] = set()
        self.teams: list[tuple[str, str | None]] = []
        self.asked: list[tuple[tuple[str, ...], Scope]] = []
        self.sees_groups_only = False
        every = [day for by in costs.values() for value in by.values() for day in value]
        first, last = min(every, default=None), max(every, default=None)
        self.covered = Coverage(
            first and at(first, 0),
            last and at(last, 23),
            None,
            is_whole=True,
            rows=len(every),
            sessions=0,
            detailed=0,
            quarantined=0,
        )

    def coverage(self) -> Coverage:
        return self.covered

    def ask(self, _: Query) -> Answer:
        return Answer.of(("person", "team"), self.teams)

    def sums(self, _: tuple[str, ...], by: tuple[str, ...], scope: Scope) -> Answer:
        self.asked.append((by, scope))
        names = limits(("spend",))
        wanted = dict(scope.include)
        rows = []
        if by == ("initiator",):
            values = self.costs["initiator"]
            for value, each in values.items():
                inside = {day: cost for day, cost in each.items() if self.inside(day, scope)}
                if inside:
                    rows.append((value, sum(cost or 0 for cost in inside.values())))
        else:
            dimension = by[1] if len(by) > 1 else ""
            for value, each in self.costs[dimension].items():
                if dimension in wanted and value not in wanted[dimension]:
                    continue
                rows += [
                    (day, *((value,) if dimension else ()), cost)
                    for day, cost in each.items()
                    if self.inside(day, scope)
                ]
        limited = [
            (*row, *(int(name == UNPRICED and row[0] in self.unpriced) for name in names))
            for row in rows
        ]
        return Answer.of((*by, "spend", *names), limited)

    @staticmethod
    def inside(day: date, scope: Scope) -> bool:
        return scope.first_day <= day <= scope.last_day

    def stand(self, text: str, now: datetime) -> list[BudgetStatus]:
        return list(answers.statuses(cast("Questions", self), parse(text), now))


def every_day(first: date, last: date, dollars: int) -> dict[date, int | None]:
    count = (last - first).days + 1
    return {first + place * DAY: dollars * DOLLAR for place in range(count)}


def table(name: str, amount: object, period: str = "month", **more: str) -> str:
    given = {"scope": "organization", **more, "name": name, "period": period}
    lines = [f'{key} = "{value}"' for key, value in given.items()]
    return "\n".join(["[[budget]]", *lines, f"amount = {amount}", ""])


NOW = at(date(2026, 11, 16), 20)
YEAR = every_day(date(2025, 11, 20), date(2026, 11, 16), 10)


def test_periods_of_all_kinds_have_their_own_sums_and_history() -> None:
    company = Company({"": {"": YEAR}})
    dates = table("D", 5000, "dates") + "from = 2026-09-14\nto = 2026-12-18\n"
    text = table("M", 1000) + table("Q", 1000, "quarter") + table("Y", 1000, "year") + dates
    by_name = {one.name: one for one in company.stand(text, NOW)}
    assert len(company.asked) == 1
    spent = {name: (one.spent or 0) // DOLLAR // 10 for name, one in by_name.items()}
    assert spent == {"M": 16, "Q": 47, "Y": 320, "D": 64}
    assert {name: one.status for name, one in by_name.items()} == {
        "M": "ok",
        "Q": "ok",
        "Y": "over",
        "D": "ok",
    }
    assert [(one.first, (one.spent or 0) // DOLLAR) for one in by_name["M"].history] == [
        (date(2026, month, 1), 10 * length)
        for month, length in ((10, 31), (9, 30), (8, 31), (7, 31), (6, 30), (5, 31))
    ]
    assert [one.first for one in by_name["Q"].history] == [
        date(2026, 7, 1),
        date(2026, 4, 1),
        date(2026, 1, 1),
        date(2025, 10, 1),
    ]
    (last_year,) = by_name["Y"].history
    assert (last_year.known_from, last_year.spent) == (date(2025, 11, 20), 420 * DOLLAR)
    assert by_name["D"].history == ()
    for one in by_name.values():
        assert one.forecast is not None
        left = (one.last - one.day).days + 1
        assert one.forecast.end.day == one.last
        expected = (one.spent or 0) + (left - 1) * 10 * DOLLAR
        assert one.forecast.end.middle == pytest.approx(expected, rel=0.03)


GAPS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 90)), min_size=1, max_size=4)
"""Runs of days on which something is spent: how long ago each began, and how long it was."""


@given(
    one=GAPS,
    other=GAPS,
    day=st.sampled_from([1, 7, 16, 28]),
    kinds=st.sampled_from([["month"], ["month", "quarter"], ["year"]]),
    has_whole=st.booleans(),
)
def test_a_status_is_the_same_without_the_earlier_periods(
    one: list[tuple[int, int]],
    other: list[tuple[int, int]],
    day: int,
    kinds: list[str],
    *,
    has_whole: bool,
) -> None:
    now = at(date(2026, 11, day), 20)
    runs = {"a": one, "b": other}
    costs: dict[str, dict[date, int | None]] = {
        name: {
            now.date() - (ago - place) * DAY: (1 + place % 3) * DOLLAR
            for ago, length in each
            for place in range(min(length, ago + 1))
        }
        for name, each in runs.items()
    }
    text = "".join(
        table(f"{name} {period}", 10, period, scope="team", value=name)
        for name in runs
        for period in kinds
    )
    company = Company({"team": costs, "": {"": {}}})
    text += table("All", 10) if has_whole else ""
    questions, wanted = cast("Questions", company), parse(text)
    whole = answers.statuses(questions, wanted, now)
    late = answers.statuses(questions, wanted, now, with_past=False)
    assert [replace(one, days=None, history=()) for one in whole] == [
        replace(one, days=None) for one in late
    ]


def test_what_is_spent_each_day_is_judged_by_two_months() -> None:
    company = Company({"": {"": YEAR}})
    questions, wanted = cast("Questions", company), parse(table("All", 1000))
    (one,) = answers.statuses(questions, wanted, NOW, with_past=False)
    assert one.history == ()
    assert [scope.first_day for _, scope in company.asked] == [date(2026, 10, 12)]


def test_dates_before_and_after_their_time() -> None:
    company = Company({"": {"": YEAR}})
    past = table("Past", 400, "dates") + "from = 2026-10-01\nto = 2026-10-31\n"
    coming = table("Coming", 400, "dates") + "from = 2026-12-01\nto = 2026-12-31\n"
    one, other = company.stand(coming + past, NOW)
    assert (one.name, one.status, one.spent, one.elapsed) == ("Coming", "not begun", 0, 0)
    assert (other.name, other.status, other.spent) == ("Past", "ended", 310 * DOLLAR)
    assert (one.forecast, other.forecast, other.elapsed) == (None, None, 1)


def test_a_limit_that_changes_within_the_period_counts_as_it_is_now() -> None:
    company = Company({"": {"": YEAR}})
    text = table("All", 100) + "valid_to = 2026-11-10\n"
    text += table("All", 500) + "valid_from = 2026-11-10\nvalid_to = 2027-01-01\n"
    (now,) = company.stand(text, NOW)
    assert (now.limit, now.spent, now.status) == (500 * DOLLAR, 160 * DOLLAR, "ok")
    assert [one.limit for one in now.history][:1] == [100 * DOLLAR]
    assert now.history[0].is_over
    (before,) = company.stand(text, at(date(2026, 11, 9)))
    assert (before.limit, before.status) == (100 * DOLLAR, "red")
    assert company.stand(text, at(date(2027, 1, 5)))[0].day == date(2026, 11, 16)


def test_no_limit_is_no_budget() -> None:
    company = Company({"": {"": YEAR}})
    assert company.stand(table("All", '"none"'), NOW) == []
    assert company.stand(table("All", 5) + "valid_to = 2026-11-01\n", NOW) == []
    assert company.stand("", NOW) == []


def test_values_of_a_dimension_are_asked_about_together() -> None:
    costs = {"team": {"A": YEAR, "B": every_day(date(2026, 11, 1), date(2026, 11, 16), 1)}}
    company = Company(costs)
    texts = [table(name, 100, scope="team", value=name) for name in ("A", "B", "Nobody")]
    by_name = {one.name: one for one in company.stand("".join(texts), NOW)}
    assert len(company.asked) == 1
    assert {name: one.spent for name, one in by_name.items()} == {
        "A": 160 * DOLLAR,
        "B": 16 * DOLLAR,
        "Nobody": None,
    }
    assert by_name["Nobody"].status == "no data"
    assert by_name["A"].scope == "Team A"


def test_everything_is_added_up_where_parts_are_asked_about_anyway() -> None:
    some = every_day(date(2026, 11, 1), date(2026, 11, 16), 1)
    company = Company({"provider": {"openai": YEAR, "other": {**some, NOW.date(): None}}, "": {}})
    company.unpriced = {NOW.date()}
    text = table("All", 500) + table("One", 500, scope="provider", value="openai")
    by_name = {one.name: one for one in company.stand(text, NOW)}
    assert [by for by, _ in company.asked] == [("day", "provider")]
    assert by_name["All"].spent == (160 + 15) * DOLLAR
    assert by_name["One"].spent == 160 * DOLLAR
    assert by_name["All"].accuracy.standing == "at_least"
    other = Company({"": {"": YEAR}, "client": {"Zed": YEAR}})
    other.sees_groups_only = True
    other.stand(table("All", 500) + table("Zed", 500, scope="client", value="Zed"), NOW)
    assert len(other.asked) == 2


def test_an_empty_store_knows_nothing() -> None:
    one, other = Company({"": {}}).stand(table("A", 5) + table("B", 0, "year"), NOW)
    assert {one.status, other.status} == {"no data", "blocked"}
    assert (one.spent, one.used, one.run_out, one.forecast) == (None, None, None, None)


def test_each_member_has_the_amount_and_the_team_as_many_times() -> None:
    month = every_day(date(2026, 11, 1), date(2026, 11, 16), 1)
    costs = {"team": {"A": every_day(date(2026, 11, 1), date(2026, 11, 16), 7)}}
    people = {"ada": {**month, date(2026, 11, 16): 50 * DOLLAR}, "bob": month, "gone": month}
    company = Company({**costs, "initiator": people})
    company.teams = [("ada", "A"), ("bob", "A"), ("gone", None), ("new", "A")]
    (one,) = company.stand(table("Each", 60, scope="team", value="A", per="member"), NOW)
    assert (one.limit, one.member_count, one.spent) == (180 * DOLLAR, 3, 112 * DOLLAR)
    assert one.members is not None
    assert [(m.person, m.spent // DOLLAR, m.is_member) for m in one.members] == [
        ("ada", 65, True),
        ("bob", 16, True),
        ("gone", 16, False),
    ]
    assert [m.person for m in one.members_over] == ["ada"]
    company.teams = []
    (none,) = company.stand(table("Each", 60, scope="team", value="A", per="member"), NOW)
    assert (none.status, none.member_count, none.reached) == ("no data", 0, ())


def test_a_person_is_meant_in_whatever_case() -> None:
    company = Company({"initiator": {"Ada": YEAR}})
    company.teams = [("Ada", None)]
    (one,) = company.stand(table("Ada", 500, scope="person", value="ADA"), NOW)
    assert (one.spent, one.status) == (160 * DOLLAR, "ok")


def test_usage_without_a_price_makes_lower_bounds_of_its_own_period_only() -> None:
    company = Company({"": {"": YEAR}})
    company.unpriced = {date(2026, 10, 20)}
    (one,) = company.stand(table("All", 500), NOW)
    assert (one.accuracy.standing, one.forecast_accuracy.standing) == ("exact", "at_least")
    assert [past.accuracy.standing for past in one.history[:2]] == ["at_least", "exact"]
    company.unpriced = {date(2026, 11, 3)}
    (one,) = company.stand(table("All", 500), NOW)
    assert one.accuracy.standing == "at_least"
    assert one.accuracy.reasons
    nothing = dict.fromkeys(YEAR)
    company = Company({"": {"": nothing}})
    company.unpriced = set(nothing)
    (one,) = company.stand(table("All", 500), NOW)
    assert (one.spent, one.status, one.accuracy.standing) == (None, "no data", "unpriced")


def test_what_is_in_small_groups_makes_a_lower_bound() -> None:
    few = {date(2026, 11, 5): 3 * DOLLAR}
    company = Company({"team": {"A": YEAR, SMALL_GROUPS: few}})
    company.sees_groups_only = True
    (one,) = company.stand(table("A", 500, scope="team", value="A"), NOW)
    assert one.spent == 160 * DOLLAR
    assert one.accuracy == Accuracy("at_least", (answers.IN_SMALL_GROUPS,))


def test_who_knows_of_which_budgets() -> None:
    text = "".join(
        (
            table("All", 5),
            table("Each", 5, per="member"),
            table("A", 5, scope="team", value="A"),
            table("B", 5, scope="team", value="B"),
            table("Ada", 5, scope="person", value="ada") + 'notes = "About Ada"\n',
            table("Client", 5, scope="client", value="Zed"),
        )
    )
    every = parse(text)

    def names(row_access: RowAccess, aliases: dict[str, str] | None = None) -> list[str]:
        return [one.name for one in answers.seen_by(every, row_access, aliases)]

    assert names(RowAccess.everything()) == ["All", "Each", "A", "B", "Ada", "Client"]
    assert names(RowAccess.of_teams("A")) == ["A"]
    assert names(RowAccess.of_person("Ada")) == ["Ada"]
    assert names(RowAccess.of_groups()) == ["All", "A", "B", "Client"]
    assert names(RowAccess.numbers(), {"ada": "Person 7"})[4] == "Person 7"
    hidden = repr(answers.seen_by(every, RowAccess.numbers(), {"ada": "Person 7"})).lower()
    assert "ada" not in hidden
    assert "Ada" not in names(RowAccess.numbers(), {})


@pytest.mark.parametrize(
    ("kind", "words"),
    [("month", "Nov 2026"), ("quarter", "Q4 2026"), ("year", "2026"), ("dates", "3 - 9 Nov 2026")],
)
def test_a_period_of_the_calendar_is_called_by_its_name(kind: Any, words: str) -> None:
    week = BudgetPeriod(date(2026, 11, 3), date(2026, 11, 9))
    budget = replace(ALL, period=kind, dates=week if kind == "dates" else None)
    period = budget.period_of(date(2026, 11, 5))
    standing = judged(budget, period, DOLLAR, Spent(0), at(date(2026, 11, 5)))
    assert budget_words.period(standing) == words


def test_what_is_not_billed_is_nothing_spent_in_a_sentence() -> None:
    spent = Spent(0, Accuracy("not billed", ("$5 is paid by a key of one's own",)))
    standing = judged(ALL, NOVEMBER, 210 * DOLLAR, spent, at(date(2026, 11, 16)))
    assert budget_words.spent(standing) == "$0.00"
    at_least = replace(standing, spent=DOLLAR, accuracy=Accuracy("at_least"))
    assert budget_words.spent(at_least) == "≥ $1.00"


def test_an_alert_says_the_amounts_as_the_page_does() -> None:
    standing = judge(1450, 750, date(2026, 11, 16), known=days(*[50] * 15))
    (half, *_) = standing.reached
    assert "$750.00 of $1,450 spent, 50 % reached." in conditions._of_budget(standing, half).text
