"""The heat map of the hours of the week, and who or what was active in a picked hour."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis import trends
from bridgeboard.model import accuracy, pages
from bridgeboard.model.answer import Answer
from bridgeboard.model.metrics import METRICS
from bridgeboard.ui import runner, url, url_values
from bridgeboard.ui.components import breakdown, chart, downloads, notices, top_lists, trend
from bridgeboard.ui.components.filters import Chosen

SHOWN: Final = 10
"""How many people, models or the like an hour lists."""

_HOURS: Final = range(168)
_WORDS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def of_week(now: Chosen, measure: str, by: Sequence[str], key: str) -> None:
    """When in the week people work with AI, in the chosen zone, and the largest of one hour.

    A click on an hour picks it, and so does the box beside the heading, which is in the address.
    ``by`` are the dimensions whose values an hour lists, ``key`` is the parameter that names the
    hour: another one on each page, so that none takes up the choice of the page before. Who sees
    groups of people only sees whole days, and no hours.
    """
    if not runner.shows_people():
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"head-{key}"):
        st.header("Hours of the week", anchor=False, width="stretch")
        hour = st.selectbox(
            "Hour",
            _from(now.scope.week_start),
            index=None,
            placeholder="Choose an hour",
            format_func=_short,
            width=170,
            **_parameter(key).widget_arguments(),
        )
    with notices.tile("the hours of the week"):
        answer = runner.current().series((measure,), "weekday_hour", now.scope)
        if not any(answer.column(measure)):
            notices.empty(trend.nothing(now, measure))
            return
        _grid(answer, measure, hour, now, key)
        bounds = trends.whole(runner.current(), measure, "weekday_hour", now.scope)
        in_words = bounds.bounds_in_words(_HOURS, "hour")
        st.caption(f"{_words(answer, measure, by, now)} {in_words}".strip())
        if hour is not None:
            _inside(hour, measure, by, now, key)
        name = f"{METRICS[measure].label} by hour of the week"
        downloads.behind(downloads.sheet_of(answer, name), now, key=key)


def _parameter(key: str) -> url_values.Parameter[int]:
    """An hour of the week as addresses have it: ``wed-09``."""
    return url_values.one_of(key, _HOURS, write=lambda hour: f"{_WORDS[hour // 24]}-{hour % 24:02}")


def _from(week_start: int) -> list[int]:
    """All hours of the week in the order of its days."""
    first = 24 * week_start
    return [*_HOURS[first:], *_HOURS[:first]]


def _grid(answer: Answer, measure: str, hour: int | None, now: Chosen, key: str) -> None:
    one = METRICS[measure]
    chart.show(
        charts.hours_of_week(
            answer.column(measure),
            one.label,
            one.format,
            hour,
            now.scope.week_start,
            phrases={
                place: how.phrase(formats.exact_number(row[measure], one.format))
                for place, row in enumerate(answer.records())
                if (how := accuracy.accuracy(measure, row)).standing != "exact"
            },
        ),
        key=f"chart-{key}",
        chosen=hour,
        on_pick=lambda point: _pick(point, hour, key),
        alt=f"{one.label} by weekday and hour in {now.scope.zone}; most on "
        f"{_long(_busiest(answer, measure))}. The box Hour picks one as a click does.",
    )


def _words(answer: Answer, measure: str, by: Sequence[str], now: Chosen) -> str:
    many = " and ".join(pages.nouns(each)[1] for each in by)
    return (
        f"{METRICS[measure].label} by local weekday and hour ({formats.unmarked(now.scope.zone)}). "
        f"Busiest: {_long(_busiest(answer, measure))}. Click an hour to see its {many}."
    )


def _busiest(answer: Answer, measure: str) -> int:
    values = answer.column(measure)
    return max(_HOURS, key=lambda place: values[place] or 0)


def _inside(hour: int, measure: str, by: Sequence[str], now: Chosen, key: str) -> None:
    """The largest values of each dimension in an hour of the week, and what they are in all."""
    inside = replace(now, scope=now.scope.only("weekday_hour", str(hour)), before=None)
    whole = runner.current().totals((measure,), inside.scope)
    how = accuracy.accuracy(measure, whole)
    words = f"{breakdown.in_words(whole[measure], measure, how)} in all"
    with (
        trend.picked(_long(hour), words, key, key),
        st.grid(min_column_width=breakdown.NARROWEST, gap="medium", key=f"lists-{key}"),
    ):
        for each in by:
            with st.container(key=f"box-{key}-{each}"):
                top_lists.compact(each, measure, inside, f"{key}-{each}", SHOWN)


def _pick(point: chart.Point, hour: int | None, key: str) -> None:
    """Take up what was clicked; a click on what is picked already drops it."""
    place = point.get("place")
    if place in _HOURS:
        url.put({key: _parameter(key).words(None if place == hour else place)})


def _short(hour: int) -> str:
    return f"{charts.WEEKDAYS[hour // 24]} {hour % 24:02}:00"


def _long(hour: int) -> str:
    return f"{_DAYS[hour // 24]}, {hour % 24:02}:00 to {hour % 24 + 1:02}:00"
