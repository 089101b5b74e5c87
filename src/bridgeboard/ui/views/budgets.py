"""The page Budgets: who is over, who will be, and all budgets, the most urgent first.

Budgets have periods and filters of their own, so those of other pages do not apply.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote_plus

import streamlit as st

from bridgeboard import budgets, formats, settings
from bridgeboard.access import Permission
from bridgeboard.analysis import budget_words
from bridgeboard.analysis.budget_rules import BudgetStatus
from bridgeboard.analysis.budgets import aliases, seen_by, statuses
from bridgeboard.budgets import BudgetsFileError
from bridgeboard.exports import Column as FileColumn
from bridgeboard.exports import Sheet
from bridgeboard.model import periods
from bridgeboard.model.scope import Scope
from bridgeboard.ui import current_user, navigation, runner
from bridgeboard.ui.components import clock, downloads, notices, tables
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.components.tables import Column, Inexact, Links, Order, Ranked

BUDGET: Final = "budget"
"""The parameter that names the budget to look into."""
EXAMPLE: Final = """\
[[budget]]
name = "Everything"
scope = "organization"
amount = "12000"
period = "month"

[[budget]]
name = "Payments"
scope = "team"
value = "payments"
amount = "2500.00"
period = "quarter"
"""
_NAME: Final = 40
_PARTLY: Final = "some of the usage has no known price, or is not known. Each budget says more"
_COLUMNS: Final = (
    Column(
        "Status",
        meaning="Over its limit, expected to go over, or how fast it is used; most urgent first.",
        longest=_NAME,
    ),
    Column("Used", "rate", "Spent by the limit.", has_bars=True),
    Column("For", meaning="Whose spend, or the spend on what, it limits."),
    Column("Period", meaning="The days that the budget is about.", longest=_NAME),
    Column(
        "Limit", "limit", "What may be spent in the period; for members their amounts together."
    ),
    Column("Spent", "money", "Spent in the period so far. Only usage with a price counts."),
    Column(
        "Pace", "change", "Used by the share of workdays that is over: above 1.1 it is too fast."
    ),
    Column(
        "Used up",
        meaning="When nothing is left if days go on to cost what the last seven did on average.",
        longest=_NAME,
    ),
    Column("Forecast", "change", "What the period is expected to cost."),
    Column("Band", "change", "Between which amounts the period ends in 8 of 10 cases."),
)


def standing() -> tuple[BudgetStatus, ...]:
    """How the budgets that the reader may know of stand; says why where there is none."""
    with notices.tile("the budgets"):
        try:
            found = known()
        except BudgetsFileError as error:
            _wrong(error)
            return ()
        if settings.current().budgets_path is None:
            _none_configured()
        elif not found:
            notices.empty(
                "No budget that you may see has a limit now. Budgets stand in the file that the "
                "setting budgets_file names."
            )
        return found
    return ()


def known() -> tuple[BudgetStatus, ...]:
    """How the budgets that the reader may know of stand. Raises BudgetsFileError."""
    path = settings.current().budgets_path
    if path is None:
        return ()
    questions, row_access = runner.current(), current_user.reader().row_access
    names = None
    if pseudonyms := row_access.pseudonyms:
        everybody = questions.of_everybody()
        names = everybody.cached(("aliases", pseudonyms), lambda: aliases(everybody, pseudonyms))
    seen = seen_by(budgets.load(path), row_access, names)
    if not seen:
        return ()
    now = clock.now()
    until = periods.known_until(now, questions.coverage().as_of)
    return questions.cached(
        ("budgets", seen, until), lambda: statuses(questions, seen, now, with_past=False)
    )


def hint() -> None:
    """On another page, that a budget is over or will be; nothing else."""
    if settings.current().budgets_path is None or not current_user.reader().may_open("budgets"):
        return
    with notices.tile("the budgets"):
        try:
            urgent = [one for one in known() if one.status == "over" or one.is_forecast_over]
        except BudgetsFileError:  # the page itself says what is wrong
            return
        if urgent:
            st.caption(
                f":material/savings: {formats.unmarked(budget_words.sentence(urgent))} "
                f"[Budgets]({navigation.page_address('budgets', {})})"
            )


def overview(found: Sequence[BudgetStatus]) -> None:
    """Who is over and who will be in a sentence, and the table of all."""
    if not found:
        return
    with notices.tile("the list of budgets"):
        st.markdown(formats.unmarked(formats.visible(budget_words.sentence(found))))
        st.caption(
            f"As of {formats.day(max(one.day for one in found))}. Budgets have periods and filters "
            "of their own: those of other pages do not apply."
        )
        start = navigation.page_address("budgets", {BUDGET: ""})
        head, _, tail = start.partition(f"{BUDGET}=")
        ends = [f"{quote_plus(one.name)}{tail}" for one in found]
        tables.show(
            [_row(place, one) for place, one in enumerate(found)],
            [Column("Budget", longest=_NAME, links=Links(f"{head}{BUDGET}=", ends)), *_COLUMNS],
            key="budgets",
            label="Budgets",
            order=Order(1, upwards=True),
            search="Search budgets",
            note=_left_out(found),
        )
        downloads.menu(_sheet(found), choices(found), key="budgets")


def _row(place: int, one: BudgetStatus) -> tuple[object, ...]:
    end = one.forecast and one.forecast.end
    each = f"{formats.exact_money(one.member_limit)} each of {one.member_count:,}"
    limit, exact = formats.whole_dollars(one.limit), formats.exact_money(one.limit)
    return (
        one.name,
        Ranked(budget_words.state(one), _members_over(one), place),
        _used(one),
        one.scope,
        Ranked(budget_words.period(one), _days(one), one.last.toordinal()),
        Ranked(limit, exact if one.members is None else f"{exact}: {each}", one.limit),
        Inexact.of(one.spent, one.accuracy),
        Ranked(budget_words.pace(one), _elapsed(one), one.pace),
        Ranked(budget_words.run_out(one), "", _run_out_rank(one)),
        Ranked(budget_words.forecast(one), budget_words.chance(one), end.middle if end else None),
        Ranked(budget_words.band(one), "", end.high if end else None),
    )


def _days(one: BudgetStatus) -> str:
    return f"{formats.days(one.first, one.last)}, days of {one.budget.zone}"


def _used(one: BudgetStatus) -> object:
    """The share that is used: of what is not billed nothing."""
    standing = one.accuracy.in_digits
    return one.used if one.used is None or standing == "exact" else Inexact(one.used, standing)


def _run_out_rank(one: BudgetStatus) -> float | None:
    match one.run_out:
        case None:
            return None
        case "already":
            return 0
        case "later":
            return 10**7
        case "never":
            return 10**8
        case day:
            return day.toordinal()


def _elapsed(one: BudgetStatus) -> str:
    return f"{formats.rate(one.elapsed)} of the workdays are over"


def _members_over(one: BudgetStatus) -> str:
    count = len(one.members_over)
    return f"{formats.plural(count, 'member')} over the amount of each" if count else ""


def _left_out(found: Sequence[BudgetStatus]) -> str:
    is_partial = any(one.accuracy.is_partial for one in found)
    return f"≥ means at least: {_PARTLY}." if is_partial else ""


def choices(found: Sequence[BudgetStatus]) -> Chosen:
    """What files of budgets say that they are about: the days of all of them."""
    first, last = min(one.first for one in found), max(one.last for one in found)
    zones = {one.budget.zone for one in found}
    zone = zones.pop() if len(zones) == 1 else "UTC"
    return Chosen(Scope.days(first, last, zone), None, "custom", running=True)


def _sheet(found: Sequence[BudgetStatus]) -> Sheet:
    columns = (
        FileColumn("name", "Budget", "text"),
        FileColumn("scope", "For", "text"),
        FileColumn("status", "Status", "text"),
        FileColumn("first", "First day", "date"),
        FileColumn("last", "Last day", "date"),
        FileColumn("zone", "Time zone of the days", "text"),
        FileColumn("limit", "Limit", "money"),
        FileColumn("spent", "Spent", "money"),
        FileColumn("standing", "How the spend is known", "text"),
        FileColumn("used", "Used", "rate"),
        FileColumn("pace", "Pace", "rate"),
        FileColumn("run_out", "Used up", "text"),
        FileColumn("forecast", "Forecast", "money"),
        FileColumn("p10", "Lower bound of the band", "money"),
        FileColumn("p90", "Upper bound of the band", "money"),
    )
    rows = tuple(_file_row(one) for one in found)
    return Sheet("Budgets", columns, rows)


def _file_row(one: BudgetStatus) -> tuple[str | int | float | datetime | None, ...]:
    end = one.forecast.end if one.forecast else None
    return (  # type: ignore[return-value]  # dates are plain values of files
        one.name,
        one.scope,
        budget_words.state(one),
        one.first,
        one.last,
        one.budget.zone,
        one.limit,
        one.spent,
        one.accuracy.standing,
        one.used,
        one.pace,
        budget_words.run_out(one),
        end.middle if end else None,
        end.low if end else None,
        end.high if end else None,
    )


def _none_configured() -> None:
    notices.empty(
        "No budgets are configured. Write them into a file, and name it in the setting "
        "budgets_file or the variable BRIDGEBOARD_BUDGETS. For example:"
    )
    st.code(EXAMPLE, language=None)


def _wrong(error: BudgetsFileError) -> None:
    """What is wrong with the file, to who can do something about it."""
    if current_user.reader().may(Permission.SYNC):
        notices.problem("**The budgets file cannot be used.** Nothing of it counts.", str(error))
    else:
        notices.problem("**The budgets file cannot be used.** Tell the operator.")
