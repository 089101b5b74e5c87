"""Who began, who stayed and who left: how a company takes to its tools."""

from typing import Any, Final

import streamlit as st

from bridgeboard import boards, charts, formats, metrics
from bridgeboard.exports import Column, Sheet
from bridgeboard.metrics import Answer
from bridgeboard.ui import downloads, kpis, notices, numbers
from bridgeboard.ui.scopes import Chosen

WINDOWS: Final = {1: "Daily", 7: "Weekly", 28: "Monthly"}
WEEKS: Final = 12
MOST_DAYS: Final = 300
"""Days of three lines that make a thousand marks at most."""
_MEANS: Final = {
    1: "active on the day",
    7: "active on the day or the 6 days before",
    28: "active on the day or the 27 days before",
}


def people(now: Chosen) -> None:
    """New, returning and dormant people, and how often the active ones come."""
    with notices.tile("adoption"):
        told = numbers.ask(metrics.presence(now.scope)).only
        windows = _windows(now)
        kpis.row(
            [
                *(_card(name, told[name]) for name in boards.PRESENCE),
                kpis.Card(
                    "Stickiness",
                    formats.rate(_stickiness(windows)),
                    "Daily active people over monthly active people, averaged over the days of "
                    "the period: 100% means that everybody comes every day.",
                ),
            ],
            key="adoption",
        )


def course(now: Chosen) -> None:
    """Daily, weekly and monthly active people over the period."""
    st.header("Active people", anchor=False)
    with notices.tile("active people"):
        told = _windows(now)
        step = -(-len(told) // MOST_DAYS)
        names = [_named(size) for size in WINDOWS]
        rows = [
            (row[0], name, value)
            for row in told.rows[::-1][::step][::-1]
            for name, value in zip(names, row[1:], strict=True)
        ]
        if not any(value for *_, value in rows):
            notices.empty("Nobody was active in this period.")
            return
        picture = charts.Course(
            label="Active people",
            kind="count",
            grain="day",
            buckets=list(dict.fromkeys(row[0] for row in rows)),
            running=False,
            colours=dict(zip(names, charts.RING, strict=False)),
            stacked=False,
        )
        last = told.rows[-1]
        st.altair_chart(
            charts.over_time(rows, picture),
            key="active",
            alt=f"Lines of active people a day. On {last[0]}: {last[1]} on the day, {last[2]} "
            f"within 7 days, {last[3]} within 28 days.",
        )
        st.html(charts.legend(picture))
        st.caption("People active on a day, within 7 days and within 28 days up to it.")
        columns = (
            Column("day", "Day", "date"),
            *(Column(f"active_{size}", _named(size), "count", _MEANS[size]) for size in WINDOWS),
        )
        downloads.behind(Sheet("Active people by day", columns, told.rows), now, key="active")


def cohorts(now: Chosen) -> None:
    """Of those who began in a week, how many came back in each week since."""
    st.header("Cohorts by week of first use", anchor=False)
    with notices.tile("cohorts"):
        told = numbers.ask(metrics.cohorts(now.scope, WEEKS))
        if not told.rows:
            notices.empty(f"Nobody used it for the first time in the last {WEEKS} weeks.")
            return
        st.altair_chart(
            charts.cohorts(list(told.rows), dark=st.context.theme.type == "dark"),
            key="cohorts",
            alt=_cohort_words(told),
        )
        st.caption(
            f"Of those who began in each of the last {WEEKS} weeks (how many in brackets), the "
            "share that was active so many weeks later. Up to the end of the period."
        )
        columns = (
            Column("cohort", "Week of first use", "date"),
            Column("week", "Week", "date"),
            Column("people", "Active people", "count"),
        )
        downloads.behind(Sheet("Cohorts by week", columns, told.rows), now, key="cohorts")


def _windows(now: Chosen) -> Answer:
    return numbers.ask(metrics.active_people_windows(now.scope, tuple(WINDOWS)))


def _stickiness(told: Answer) -> float | None:
    daily, monthly = sum(told.column("active_1")), sum(told.column("active_28"))
    return daily / monthly if monthly else None


def _named(size: int) -> str:
    return f"{WINDOWS[size]} ({formats.plural(size, 'day')})"


def _card(name: str, value: int) -> kpis.Card:
    label, meaning = boards.PRESENCE[name]
    return kpis.Card(label, formats.compact(value), f"Exactly {formats.exact(value)}. {meaning}")


def _cohort_words(told: Answer) -> str:
    rows: list[Any] = list(told.rows)
    started = {cohort: people for cohort, week, people in rows if cohort == week}
    return (
        f"A grid of {len(started)} weekly cohorts with {sum(started.values())} people in all; "
        "the table below has how many of each were active in every week."
    )
