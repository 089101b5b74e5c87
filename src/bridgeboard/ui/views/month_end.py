"""Where the running month ends, on the page Spend: whatever its period, with its filters."""

from dataclasses import replace
from datetime import date, timedelta

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis.forecast import MonthEnd, month_end
from bridgeboard.exports import Column, Sheet
from bridgeboard.model import periods
from bridgeboard.model.accuracy import Accuracy
from bridgeboard.ui import runner
from bridgeboard.ui.components import chart, clock, downloads, notices
from bridgeboard.ui.components.filters import Chosen


def show(now: Chosen) -> None:
    """How much the month has cost, where it is expected to end, and how good that is."""
    st.header("Where this month ends", anchor=False)
    with notices.tile("the forecast"):
        end, picture, sheet = _drawn(now)
        st.caption(
            f"{end.first:%B %Y} as of {formats.day(end.day)}, whatever the period above; filters "
            "apply."
        )
        first, *others = end.in_words
        said = f"{end.spent_in_words} {first}"
        if end.forecast is None:
            notices.empty(said)
            return
        st.markdown(formats.unmarked(said))
        chart.show(picture, key="month-end", alt=f"Spend added up by day. {first}")
        st.caption(formats.unmarked(" ".join((*others, _limits(end.accuracy)))))
        downloads.behind(sheet, now, key="month-end")


def _drawn(now: Chosen) -> tuple[MonthEnd, charts.Spec, Sheet]:
    """The month, its picture, and the table behind that; made once for a state of the store."""
    questions, at = runner.current(), clock.now()
    everything = periods.everything(now.scope.zone)
    scope = replace(now.scope, since=everything.since, until=everything.until)

    def draw() -> tuple[MonthEnd, charts.Spec, Sheet]:
        end = month_end(questions, scope, at)
        picture, sheet = _picture(end)
        return end, charts.spec(picture), sheet

    return questions.cached(("month end", scope, at.astimezone(clock.zone()).date()), draw)


def _limits(how: Accuracy) -> str:
    return f"Not all is known: {'; '.join(how.reasons)}." if how.reasons else ""


def _picture(end: MonthEnd) -> tuple[charts.Drawn, Sheet]:
    """The picture, and the table behind it."""
    standing = end.accuracy.standing
    spent = _spent(end)
    steps = end.forecast.steps if end.forecast else ()
    picture = charts.month_end(
        [
            (day, cost, formats.marked(formats.exact_money(cost), cost, standing))
            for day, cost in spent
        ],
        [
            (
                step.day,
                step.middle,
                step.low,
                step.high,
                formats.number(step.middle, "money", standing),
            )
            for step in steps
        ],
    )
    columns = (
        Column("day", "Day", "date"),
        downloads.with_accuracy(Column("spent", "Spent by its end", "money"), end.accuracy),
        Column("forecast", "Forecast", "money"),
        Column("p10", "Lower bound of the band", "money"),
        Column("p90", "Upper bound of the band", "money"),
    )
    rows: list[tuple[date, int | None, int | None, int | None, int | None]]
    rows = [(day, cost, None, None, None) for day, cost in spent]
    rows += [(step.day, None, step.middle, step.low, step.high) for step in steps]
    return picture, Sheet("Where this month ends", columns, tuple(rows))


def _spent(end: MonthEnd) -> list[tuple[date, int]]:
    """What was spent by the end of each complete day of the month."""
    if end.days is None:
        return []
    sums, so_far = [], 0
    for place in range((end.days.day - end.first).days):
        day = end.first + timedelta(days=place)
        at = (day - end.days.first).days
        so_far += end.days.costs[at] if at >= 0 else 0
        sums.append((day, so_far))
    return sums
