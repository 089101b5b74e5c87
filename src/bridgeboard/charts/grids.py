"""Grids: the hours of the week, and cohorts by week."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import altair as alt
import pandas as pd

from bridgeboard.charts import axes
from bridgeboard.charts.colours import ACCENT

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS: Final = 24
_ROW: Final = 26
_DAYS_A_WEEK: Final = 7
_ON_DARK: Final = "#e7eaf0"
_ON_LIGHT: Final = "#14181f"


def hours_of_week(values: Sequence[float | None], label: str, kind: str) -> alt.Chart:
    """When in the week: 168 values, Monday from midnight on, as a grid of hours by days."""
    frame = pd.DataFrame(
        {
            "day": [WEEKDAYS[place // _HOURS] for place in range(len(values))],
            "hour": [place % _HOURS for place in range(len(values))],
            "value": [axes.drawn(value, kind) for value in values],
        }
    )
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_rect(cornerRadius=2, stroke=None)
        .encode(
            x=alt.X("hour:O", title="Hour", axis=alt.Axis(labelAngle=0, labelOverlap="greedy")),
            y=alt.Y("day:O", title=None, sort=list(WEEKDAYS)),
            color=_shade("value:Q"),
            tooltip=[
                alt.Tooltip("day:O", title="Day"),
                alt.Tooltip("hour:O", title="Hour"),
                alt.Tooltip("value:Q", title=label, format=axes.tooltip(kind)),
            ],
        )
        .properties(height=_ROW * len(WEEKDAYS) + 40)
    )
    return chart


def cohorts(rows: Sequence[tuple[date, date, int]], *, dark: bool) -> alt.LayerChart:
    """How many of those who began in a week were active so many weeks later.

    ``rows`` are (week of beginning, week, people); ``dark`` is the ground it stands on.
    """
    sizes = {cohort: people for cohort, week, people in rows if cohort == week}
    frame = pd.DataFrame(
        {
            "cohort": [f"{cohort:%d %b} ({sizes[cohort]})" for cohort, _, _ in rows],
            "since": [(week - cohort).days // _DAYS_A_WEEK for cohort, week, _ in rows],
            "people": [people for *_, people in rows],
            "share": [people / sizes[cohort] for cohort, _, people in rows],
        }
    )
    order = [f"{cohort:%d %b} ({size})" for cohort, size in sorted(sizes.items())]
    base = alt.Chart(frame).encode(
        x=alt.X("since:O", title="Weeks since the first use", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("cohort:O", title=None, sort=order),
        tooltip=[
            alt.Tooltip("cohort:O", title="Began (people)"),
            alt.Tooltip("since:O", title="Weeks later"),
            alt.Tooltip("people:Q", title="Active", format=",d"),
            alt.Tooltip("share:Q", title="Share", format=".0%"),
        ],
    )
    grid = base.mark_rect(cornerRadius=2, stroke=None).encode(color=_shade("share:Q"))
    words = base.mark_text(fontSize=11).encode(
        text=alt.Text("share:Q", format=".0%"),
        color=alt.value(_ON_DARK)
        if dark
        else alt.condition("datum.share > 0.8", alt.value("#ffffff"), alt.value(_ON_LIGHT)),
    )
    chart = alt.LayerChart(layer=[grid, words])
    return chart.properties(height=_ROW * len(sizes) + 50)


def _shade(field: str) -> alt.Color:
    """From nearly the ground to the accent, by opacity, so that it fits light and dark."""
    return alt.Color(
        field,
        scale=alt.Scale(range=[f"{ACCENT}14", ACCENT]),
        legend=None,
    )
