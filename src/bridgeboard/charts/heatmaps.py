"""Heat maps: hours of the week, and cohorts by week."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import starmap
from typing import Final

import altair as alt
import pandas as pd

from bridgeboard import formats
from bridgeboard.charts import encodings
from bridgeboard.charts.encodings import ACCENT, RING

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
OUTLINE: Final = RING[1]
_HOURS: Final = 24
_ROW: Final = 26
_DAYS_A_WEEK: Final = 7
_ON_DARK: Final = "#e7eaf0"
_ON_LIGHT: Final = "#14181f"


def hours_of_week(
    values: Sequence[float | None],
    label: str,
    kind: str,
    chosen: int | None = None,
    week_start: int = 0,
    *,
    phrases: Mapping[int, str] | None = None,
) -> alt.Chart:
    """When in the week: 168 values, Monday from midnight on, as a grid of hours by days.

    Its first row is the weekday ``week_start``, 0 for Monday. ``phrases`` are words in place of
    the digits of some of these hours where one points, as "at least 5".

    Choosing an hour fills the parameter ``picked`` with its ``place``. That of the ``chosen`` one
    is outlined.
    """
    frame = pd.DataFrame(
        {
            "day": [WEEKDAYS[place // _HOURS] for place in range(len(values))],
            "hour": [place % _HOURS for place in range(len(values))],
            "value": [encodings.drawn(value, kind) for value in values],
            "exactly": [
                (phrases or {}).get(place) or formats.exact_number(value, kind)
                for place, value in enumerate(values)
            ],
            "place": range(len(values)),
            "chosen": [place == chosen for place in range(len(values))],
        }
    )
    chart: alt.Chart = (
        _cells(alt.Chart(_chosen_last(frame)))
        .encode(
            x=alt.X("hour:O", title="Hour", axis=alt.Axis(labelAngle=0, labelOverlap="greedy")),
            y=alt.Y("day:O", title=None, sort=[*WEEKDAYS[week_start:], *WEEKDAYS[:week_start]]),
            color=_shade("value:Q"),
            tooltip=[
                alt.Tooltip("day:O", title="Day"),
                alt.Tooltip("hour:O", title="Hour"),
                alt.Tooltip("exactly:N", title=label),
            ],
        )
        .add_params(_picked("place"))
        .properties(height=_ROW * len(WEEKDAYS) + 40)
    )
    return chart


def cohorts(
    rows: Sequence[tuple[date, date, int]],
    *,
    dark: bool,
    chosen: tuple[date, date] | None = None,
    about: bool = False,
) -> alt.LayerChart:
    """How many of those who began in a week were active so many weeks later.

    ``rows`` are (week of beginning, week, people); ``dark`` is the ground it stands on. Choosing a
    cell fills the parameter ``picked`` with its ``began`` and ``week``, days in ISO 8601. The
    ``chosen`` one is outlined. ``about`` is for numbers that are only about right.
    """
    how = ", about" if about else ""
    sizes = {cohort: people for cohort, week, people in rows if cohort == week}
    frame = pd.DataFrame(
        {
            "cohort": [_began(cohort, sizes[cohort]) for cohort, _, _ in rows],
            "since": [(week - cohort).days // _DAYS_A_WEEK for cohort, week, _ in rows],
            "people": [people for *_, people in rows],
            "share": [people / sizes[cohort] for cohort, _, people in rows],
            "began": [cohort.isoformat() for cohort, _, _ in rows],
            "week": [week.isoformat() for _, week, _ in rows],
            "chosen": [(cohort, week) == chosen for cohort, week, _ in rows],
        }
    )
    order = list(starmap(_began, sorted(sizes.items())))
    base = alt.Chart(_chosen_last(frame)).encode(
        x=alt.X("since:O", title="Weeks since the first use", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("cohort:O", title=None, sort=order),
        tooltip=[
            alt.Tooltip("cohort:O", title="Began (people)"),
            alt.Tooltip("since:O", title="Weeks later"),
            alt.Tooltip("people:Q", title=f"Active{how}", format=",d"),
            alt.Tooltip("share:Q", title=f"Share{how}", format=".0%"),
        ],
    )
    grid = _cells(base).encode(color=_shade("share:Q")).add_params(_picked("began", "week"))
    words = base.mark_text(fontSize=11, cursor="pointer").encode(
        text=alt.Text("share:Q", format=".0%"),
        color=alt.ColorValue(_ON_DARK)
        if dark
        else alt.ColorValue(_ON_LIGHT, condition=encodings.where("datum.share > 0.8", "#ffffff")),
    )
    chart = alt.LayerChart(layer=[grid, words])
    return chart.properties(height=_ROW * len(sizes) + 50)


def _began(cohort: date, size: int) -> str:
    """A cohort in words: "5 Oct (4)"."""
    return f"{cohort.day} {cohort:%b} ({size})"


def _cells(chart: alt.Chart) -> alt.Chart:
    """Cells to click at; that whose row is ``chosen`` has an outline."""
    cells: alt.Chart = chart.mark_rect(cornerRadius=2, strokeWidth=2.5, cursor="pointer").encode(
        stroke=alt.StrokeValue(None, condition=encodings.where("datum.chosen", OUTLINE))
    )
    return cells


def _chosen_last(frame: pd.DataFrame) -> pd.DataFrame:
    """What is drawn later lies above: the neighbours would cover half of an outline."""
    return frame.sort_values("chosen", kind="stable")


def _picked(*fields: str) -> alt.Parameter:
    return alt.selection_point(name="picked", fields=list(fields), toggle=False)


def _shade(field: str) -> alt.Color:
    """From nearly the ground to the accent, by opacity, so that it fits light and dark."""
    return alt.Color(
        field,
        scale=alt.Scale(range=[f"{ACCENT}14", ACCENT]),
        legend=None,
    )
