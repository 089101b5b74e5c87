"""The budgets file: what each table says, and what is refused, with its line."""

from datetime import date
from pathlib import Path

import pytest

from bridgeboard import budgets
from bridgeboard.budgets import BudgetsFileError
from bridgeboard.model.budgets import Budget, BudgetPeriod, Limit

DOLLAR = 10**12
EXAMPLE = Path(__file__).parents[1] / "examples" / "budgets.toml"


def table(**entries: object) -> str:
    """A [[budget]] table; an entry of None is left out."""
    given = {"name": "All", "scope": "organization", "period": "month", "amount": 100, **entries}
    lines = [f"{key} = {_toml(value)}" for key, value in given.items() if value is not None]
    return "\n".join(["[[budget]]", *lines, ""])


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def of_team(name: str = "Team", **entries: object) -> str:
    return table(name=name, scope="team", value="payments", **entries)


def only(text: str) -> Budget:
    (budget,) = budgets.parse(text)
    return budget


def test_the_example_can_be_read() -> None:
    names = [budget.name for budget in budgets.load(EXAMPLE)]
    assert len(set(names)) == len(names) > 3


def test_nothing_and_comments_are_no_budget() -> None:
    assert budgets.parse("# none yet\n") == ()


@pytest.mark.parametrize(
    ("written", "pico"),
    [
        ("100", 100 * DOLLAR),
        ("0", 0),
        ("0.1", DOLLAR // 10),
        ("1e3", 1000 * DOLLAR),
        ('"1200.50"', 1_200_500_000_000_000),
        ('"0.000000000001"', 1),
        ('"999999999999.999999999999"', 10**24 - 1),
        ("1_000_000_000_000", 10**24),
        ('"none"', None),
    ],
)
def test_amounts_are_exact(written: str, pico: int | None) -> None:
    text = table(amount=None) + f"amount = {written}\n"
    assert only(text).limits == (Limit(pico, line=1),)


@pytest.mark.parametrize(
    "written",
    [
        *("-1", "nan", "inf", "true", "[1]", '""', '"1,000"', '"$5"', '"1e3"', '"Infinity"'),
        *("1e13", "1e999999999", "0.0000000000001", '"0.0000000000001"', "2026-01-01"),
        '"' + "9" * 5000 + '"',
    ],
)
def test_what_is_no_amount_is_refused(written: str) -> None:
    with pytest.raises(BudgetsFileError, match=r"budgets\.toml, line 5: 'amount' "):
        budgets.parse(table(amount=None) + f"amount = {written}\n")


def test_an_amount_that_is_missing_is_no_budget_without_a_limit() -> None:
    with pytest.raises(BudgetsFileError, match="line 1: 'amount' is missing"):
        budgets.parse(table(amount=None))


def test_all_that_a_table_can_say() -> None:
    text = table(
        name=" Payments ",
        scope="team",
        value="payments",
        period="dates",
        amount="1.5",
        per="member",
        zone="Europe/Berlin",
        notes="Agreed in May",
    )
    text += "from = 2026-06-01\nto = 2026-06-30\nvalid_from = 2026-05-01\nvalid_to = '2026-07-01'\n"
    assert only(text) == Budget(
        "Payments",
        "team",
        "payments",
        "dates",
        (Limit(3 * DOLLAR // 2, date(2026, 5, 1), date(2026, 7, 1), 1),),
        "member",
        BudgetPeriod(date(2026, 6, 1), date(2026, 6, 30)),
        "Europe/Berlin",
        "Agreed in May",
    )


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"nam": "x"}, "line 6: 'nam' is unknown; there are name, scope,"),
        ({"name": None}, "'name' must be a non-empty text"),
        ({"name": "  "}, "line 2: 'name' must be a non-empty text"),
        ({"name": "x" * 101}, "line 2: 'name' has more than 100 characters"),
        ({"scope": "squad"}, "line 3: 'scope' must be one of organization, team, person"),
        ({"scope": 5}, "line 3: 'scope' must be one of"),
        ({"scope": "team"}, "'value' must be a non-empty text"),
        ({"value": "x"}, "line 6: 'value' is left out for the organization"),
        ({"period": "week"}, "line 4: 'period' must be one of month, quarter, year, dates"),
        ({"per": "head"}, "line 6: 'per' must be one of pool, member"),
        ({"scope": "client", "value": "x", "per": "member"}, "line 7: 'per' is \"pool\""),
        ({"zone": "Europe/Nowhere"}, "line 6: 'zone' must be an IANA name"),
        ({"zone": "../../etc/passwd"}, "line 6: 'zone' must be an IANA name"),
        ({"zone": 3}, "line 6: 'zone' must be an IANA name"),
        ({"period": "dates"}, "needs 'from' and 'to'"),
        ({"from": "2026-01-01"}, "'from' and 'to' are for period"),
        ({"valid_from": "yesterday"}, "line 6: 'valid_from' must be a day such as"),
        ({"valid_from": "2026-02-30"}, "line 6: 'valid_from' must be a day such as"),
        ({"valid_from": "0001-01-01"}, "line 6: 'valid_from' must be a day such as"),
        ({"valid_from": 20260101}, "line 6: 'valid_from' must be a day such as"),
        (
            {"valid_from": "2026-01-01", "valid_to": "2026-01-01"},
            "line 7: 'valid_to' must be after 'valid_from'",
        ),
        (
            {"period": "dates", "from": "2026-01-02", "to": "2026-01-01"},
            "line 7: 'to' must not be before 'from'",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(entries: dict[str, object], said: str) -> None:
    with pytest.raises(BudgetsFileError) as raised:
        budgets.parse(table(**entries), name="my.toml")
    assert str(raised.value).startswith("my.toml, line ")
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "budget = 5",
        "budget = [5]",
        'budget = [{ name = "x" }]',
        "[budget]\nname = 'x'",
        "[[budgets]]\nname = 'x'",
        "[[budget]\n",
        "a = " + "[" * 100_000,
        "a = " + "9" * 5_000,
        f"{table()}{table(name='B')}[other]\n",
        table().replace("[[budget]]", "[[ budget ]] # a\nnotes = '''\n[[budget]]\n'''"),
        "".join(of_team(f"B{number}") for number in range(budgets.MOST + 1)),
    ],
)
def test_hostile_files_are_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(BudgetsFileError, match=r"^budgets\.toml") as raised:
        budgets.parse(text)
    assert len(str(raised.value)) < 300


def test_amounts_of_one_name_follow_each_other_in_time() -> None:
    text = (
        table(amount=200, valid_from="2026-07-01")
        + table(amount=100, valid_to="2026-05-01", notes="old")
        + table(amount="none", valid_from="2026-05-01", valid_to="2026-07-01", notes="new")
    )
    budget = only(text)
    assert [limit.amount for limit in budget.limits] == [100 * DOLLAR, None, 200 * DOLLAR]
    assert budget.notes == "new"
    days = [date(2026, 4, 30), date(2026, 5, 1), date(2026, 6, 30), date(2026, 7, 1)]
    assert [budget.limit_on(day) for day in days] == [100 * DOLLAR, None, None, 200 * DOLLAR]


def test_two_budgets_of_one_name_are_refused() -> None:
    with pytest.raises(BudgetsFileError, match="line 6: 'All' already has an amount at that time"):
        budgets.parse(table() + table(amount=5))
    with pytest.raises(BudgetsFileError, match="line 7: 'All' is already a budget by line 1"):
        budgets.parse(table(valid_to="2026-01-01") + of_team("All", valid_from="2026-01-01"))


def test_two_budgets_of_the_same_are_refused_while_both_hold() -> None:
    with pytest.raises(
        BudgetsFileError, match="line 7: is for the same and the same period as 'A'"
    ):
        budgets.parse(of_team("A") + of_team("B"))
    apart = of_team("A", valid_to="2026-01-01") + of_team("B", valid_from="2026-01-01")
    others = of_team("C", period="quarter") + of_team("D", per="member")
    assert len(budgets.parse(apart + others)) == 4


@pytest.mark.parametrize(
    ("period", "day", "first", "last"),
    [
        ("month", date(2026, 2, 14), date(2026, 2, 1), date(2026, 2, 28)),
        ("month", date(2028, 2, 1), date(2028, 2, 1), date(2028, 2, 29)),
        ("month", date(2026, 12, 31), date(2026, 12, 1), date(2026, 12, 31)),
        ("quarter", date(2028, 3, 31), date(2028, 1, 1), date(2028, 3, 31)),
        ("quarter", date(2026, 11, 30), date(2026, 10, 1), date(2026, 12, 31)),
        ("year", date(2026, 6, 1), date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_periods_are_whole_months(period: str, day: date, first: date, last: date) -> None:
    budget = only(table(period=period))
    assert budget.period_of(day) == BudgetPeriod(first, last)
    earlier = next(budget.earlier(budget.period_of(day)))
    assert (earlier.last - first).days == -1


def test_dates_are_one_period_with_none_before() -> None:
    text = table(period="dates") + "from = 2026-03-10\nto = 2026-04-20\n"
    budget = only(text)
    period = budget.period_of(date(2027, 1, 1))
    assert period == BudgetPeriod(date(2026, 3, 10), date(2026, 4, 20))
    assert list(budget.earlier(period)) == []
