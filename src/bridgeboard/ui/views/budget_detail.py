"""One budget of the page Budgets: its burn-down chart, members, earlier periods and limits."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis import budget_words
from bridgeboard.analysis.budget_rules import BudgetStatus, PastPeriod
from bridgeboard.analysis.budgets import statuses
from bridgeboard.exports import Column as FileColumn
from bridgeboard.exports import Sheet
from bridgeboard.model import periods
from bridgeboard.model.budgets import Limit
from bridgeboard.ui import runner, url_values
from bridgeboard.ui.components import chart, clock, downloads, notices, tables
from bridgeboard.ui.components.tables import Column, Inexact, Ranked
from bridgeboard.ui.views.budgets import BUDGET, choices

MEMBERS: Final = 100
_NAME: Final = 60
_DAY: Final = timedelta(days=1)


def show(found: Sequence[BudgetStatus]) -> None:
    """The budget that the reader chose; the most urgent one until they do."""
    if not found:
        return
    names = {one.name: one for one in found}
    parameter = url_values.one_of(BUDGET, names, found[0].name)
    with notices.tile("this budget"):
        st.header("One budget", anchor=False)
        st.selectbox(
            "Budget",
            list(names),
            format_func=lambda name: formats.short(name, _NAME),
            **parameter.widget_arguments(),
        )
        one = names[parameter.value() or found[0].name]
        _summary(one)
        _burn_down(one)
        _members(one)
        _history(one)
        _limits(one)


def _summary(one: BudgetStatus) -> None:
    used = f" ({budget_words.used(one)})" if one.used is not None else ""
    limit = formats.whole_dollars(one.limit)
    words = [f"{budget_words.state(one)}: {budget_words.spent(one)} of {limit} spent{used}."]
    if one.status == "no data" and not one.spent:
        words.append(_no_data(one))
    if one.remaining is not None and one.remaining > 0 and one.burn is not None:
        words.append(f"Lately a day cost {formats.money(one.burn)}.")
    if chance := budget_words.chance(one):
        words.append(chance)
    st.markdown(formats.unmarked(" ".join(words)))
    if one.budget.notes:
        st.text(formats.visible(one.budget.notes))
    if one.accuracy.reasons:
        st.caption(formats.unmarked(f"Not all is known: {'; '.join(one.accuracy.reasons)}."))


def _no_data(one: BudgetStatus) -> str:
    """Why nothing is known of a budget; a name can be wrong only where there is one."""
    if one.budget.per == "member" and not one.member_count:
        return "Nobody is a member now."
    if runner.current().coverage().first_at is None:
        return "No usage is recorded so far."
    if not one.budget.dimension:
        return "No usage is recorded of its days, or of those before."
    return "Nothing was ever recorded of it: is the name in the budgets file right?"


def _burn_down(one: BudgetStatus) -> None:
    """What is spent against what would be, day by day, and where that leads."""
    if one.status == "not begun":
        return
    spent, ideal = _spent(one), list(one.ideal_line())
    limit = f"limit of {formats.whole_dollars(one.limit)}"
    ends = f" It is expected to end at {budget_words.forecast(one)}." if one.forecast else ""
    chart.show(
        runner.current().cached(
            ("burn-down", one), lambda: charts.spec(_picture(one, spent, ideal))
        ),
        key=f"burn-down-{one.name}",
        alt=f"Spend added up by day, against the {limit}.{ends}",
    )
    st.caption(
        "Blue: spent, dashed where forecast, with the band of 8 in 10 cases. Grey: the limit, and "
        "what would be spent if each workday had its share of it."
    )
    by_day = dict(spent)
    expected = {step.day: step for step in (one.forecast.steps if one.forecast else ())}
    rows = tuple(
        (
            day,
            cost,
            by_day.get(day),
            *((step.middle, step.low, step.high) if (step := expected.get(day)) else (None,) * 3),
        )
        for day, cost in ideal
    )
    columns = (
        FileColumn("day", "Day", "date"),
        FileColumn("ideal", "Share of the limit by its end", "money"),
        downloads.with_accuracy(FileColumn("spent", "Spent by its end", "money"), one.accuracy),
        FileColumn("forecast", "Forecast", "money"),
        FileColumn("p10", "Lower bound of the band", "money"),
        FileColumn("p90", "Upper bound of the band", "money"),
    )
    sheet = Sheet("Burn-down of a budget", columns, rows)
    downloads.behind(sheet, choices([one]), key="burn-down")


def _picture(
    one: BudgetStatus, spent: Sequence[tuple[date, int]], ideal: Sequence[tuple[date, int]]
) -> charts.Drawn:
    standing = one.accuracy.standing
    return charts.burn_down(
        [
            (day, cost, formats.marked(formats.exact_money(cost), cost, standing))
            for day, cost in spent
        ],
        [
            (step.day, step.middle, step.low, step.high, budget_words.amount(step.middle))
            for step in (one.forecast.steps if one.forecast else ())
        ],
        [(day, cost, formats.money(cost)) for day, cost in ideal],
        one.limit,
    )


def _spent(one: BudgetStatus) -> list[tuple[date, int]]:
    """What was spent by the end of each complete day of the period."""
    sums, so_far = [], 0
    for place in range(max((min(one.day, one.last + _DAY) - one.first).days, 0)):
        day = one.first + place * _DAY
        at = (day - one.days.first).days if one.days else -1
        so_far += one.days.costs[at] if one.days and at >= 0 else 0
        sums.append((day, so_far))
    return sums


def _members(one: BudgetStatus) -> None:
    """What each person spent of an amount that each has."""
    if one.members is None:
        return
    st.subheader("Members", anchor=False)
    each = one.member_limit
    count = len(one.members)
    shown = f"{min(count, MEMBERS):,} of {count:,} shown." if count > MEMBERS else ""
    spent = formats.plural(count, "person", "people") if count else "Nobody"
    st.caption(
        f"{formats.unmarked(formats.whole_dollars(each))} each, for "
        f"{formats.plural(one.member_count, 'member')} now. {spent} spent something. {shown}"
    )
    if not one.members:
        return
    tables.show(
        [
            (
                member.person,
                ("Over" if member.spent > each else "Within") if member.is_member else "No member",
                member.spent,
                member.spent / each if each else None,
            )
            for member in one.members[:MEMBERS]
        ],
        [
            Column("Person", longest=_NAME),
            Column("Status", meaning="Spend against the amount that each member has."),
            Column("Spent", "money"),
            Column("Used", "rate", has_bars=True),
        ],
        key="budget-members",
        label="Members",
        search="Search members",
    )


def _history(one: BudgetStatus) -> None:
    """Earlier periods, the latest first; they are read of this budget only."""
    questions, now = runner.current(), clock.now()
    about = ("past of budget", one.budget, periods.known_until(now, questions.coverage().as_of))
    whole = questions.cached(about, lambda: statuses(questions, [one.budget], now))
    history = [past for each in whole for past in each.history]
    if not history:
        return
    st.subheader("Earlier periods", anchor=False)
    tables.show(
        [_past(each) for each in history],
        [
            Column("Period"),
            Column("Status"),
            Column("Limit", "limit", "The amount that was in force on its last day."),
            Column("Spent", "money"),
            Column("Used", "rate", has_bars=True),
        ],
        key="budget-history",
        label="Earlier periods",
    )


def _past(past: PastPeriod) -> tuple[object, ...]:
    used = past.spent / past.limit if past.limit and past.spent is not None else None
    part = f"Known from {formats.day(past.known_from)} on" if past.known_from else ""
    status = "Over" if past.is_over else ("No limit" if past.limit is None else "Within")
    if part and not past.is_over:
        status = "Known in part"
    return (
        Ranked(formats.days(past.first, past.last), part, past.first.toordinal()),
        status,
        past.limit,
        Inexact.of(past.spent, past.accuracy),
        None if used is None else Inexact.of(used, past.accuracy),
    )


def _limits(one: BudgetStatus) -> None:
    """All amounts that it ever had, where they changed."""
    limits = one.budget.limits
    if len(limits) == 1 and not (limits[0].valid_from or limits[0].valid_to):
        return
    st.subheader("Limits", anchor=False)
    tables.show(
        [_limit(limit, one) for limit in reversed(limits)],
        [Column("From"), Column("Until before"), Column("Limit", "limit"), Column("In force")],
        key="budget-limits",
        label="Limits",
        is_sortable=False,
    )


def _limit(limit: Limit, one: BudgetStatus) -> tuple[object, ...]:
    return (
        formats.day(limit.valid_from) if limit.valid_from else "the beginning",
        formats.day(limit.valid_to) if limit.valid_to else "further notice",
        Ranked("No limit", "", None) if limit.amount is None else limit.amount,
        "Yes" if limit.holds_on(min(max(one.day, one.first), one.last)) else "No",
    )
