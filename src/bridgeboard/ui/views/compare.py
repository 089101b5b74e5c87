"""The page Compare: two periods, people, models or sessions next to each other."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis import comparison, trends
from bridgeboard.analysis.comparison import Line
from bridgeboard.exports import Column, Sheet
from bridgeboard.model import accuracy, periods
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.periods import bounds
from bridgeboard.model.scope import Scope
from bridgeboard.model.times import aware
from bridgeboard.ui import navigation, runner, url, url_values
from bridgeboard.ui.components import (
    chart,
    clock,
    data_quality,
    downloads,
    filters,
    notices,
    tables,
    trend,
)
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.components.tables import Links
from bridgeboard.ui.views import compare_sides
from bridgeboard.ui.views.compare_sides import Side

Accuracies = Mapping[str, Accuracy]
"""How the numbers of a side stand, by name."""
SHOWN: Final = ("spend", "total_tokens", "requests", "prompts", "sessions", "tool_calls")
"""Metrics whose course can be drawn."""
AT: Final = "beside-at"
"""The parameter that names a stretch of time of the course."""
RATIO: Final = "B divided by A."
NAME: Final = 48
_HOUR: Final = re.compile(r"(\d\d:\d\d)(UTC|[+-]\d\d:\d\d)", re.ASCII)
"""A time of day with its distance from UTC, as addresses have it."""
_DEFINITIONS: Final = {"duration_seconds": "From the first request to the end of the last."}
_MARKS: Final = "≥ means at least, ≈ means about. Point at a number or its name for more."


def show(now: Chosen) -> None:
    """What is compared, the two, and their numbers."""
    word = compare_sides.kind()
    if word == compare_sides.SESSIONS:
        _sessions(now)
    else:
        _values(word, now)


def scope(now: Scope, name: str, value: str) -> Scope:
    """A scope of one side: the page's value in place of what the filters say of its kind."""
    return now.free(name).only(name, value)


def _values(word: str, now: Chosen) -> None:
    name = compare_sides.KINDS[word]
    pair = compare_sides.values(word, now.scope)
    if pair is None:
        notices.empty(
            data_quality.why_empty(
                "Two are needed to compare. Choose one for each side, or a longer period."
            )
        )
        return
    st.caption(_about(name, now))
    if pair[0] == pair[1]:
        notices.remark("Both sides are the same. Choose another on one of them.")
        return
    with notices.tile("this comparison"):
        _compared(name, pair, now)
    with notices.tile("this chart"):
        _course(name, pair, now)


def _about(name: str, now: Chosen) -> str:
    words = f"{now.words}, with the filters above."
    spoken = {each for each, _ in (*now.scope.include, *now.scope.exclude)}
    if name not in spoken:
        return formats.unmarked(words)
    label = DIMENSIONS[name].label.lower()
    return formats.unmarked(
        f"{words} The filter by {label} does not apply: this page compares the two chosen here."
    )


def _compared(name: str, pair: tuple[str, str], now: Chosen) -> None:
    names = _names(name)
    questions = runner.current()
    a, b = (questions.totals(names, scope(now.scope, name, value)) for value in pair)
    lines = comparison.compared_lines(a, b, names)
    accuracies = [_accuracies(side) for side in (a, b)]
    _table(lines, pair, accuracies)
    both = replace(now, scope=now.scope.free(name).only(name, *pair))
    downloads.menu(sheet(lines, pair, " and ".join(pair), accuracies), both, key="beside")


def _names(name: str) -> tuple[str, ...]:
    """The metrics to compare by: how many people somebody is says nothing."""
    return tuple(
        each
        for each in comparison.COMPARED
        if not (name == "initiator" and each == "active_people")
    )


def _sessions(now: Chosen) -> None:
    st.caption("Whole sessions are compared: period and filters do not apply.")
    pair = compare_sides.sessions(now.scope)
    if pair is None:
        notices.empty(
            data_quality.why_empty("Give two sessions: their IDs, or links to their pages.")
        )
        return
    with notices.tile("these sessions"):
        for key, side in zip("AB", pair, strict=True):
            _remarks(key, side)
        a, b = pair
        if a.head is None or b.head is None:
            return
        if a.head.session == b.head.session:
            notices.remark("Both sides are the same session. Give another on one of them.")
            return
        lines = comparison.sessions(a.head, b.head)
        names = (_titled(a), _titled(b))
        accuracies = [_accuracies(side.by_metric) for side in (a.head, b.head)]
        _table(lines, names, accuracies)
        downloads.menu(sheet(lines, names, "Two sessions", accuracies), now, key="beside")


def _remarks(key: str, side: Side) -> None:
    if side.head is None:
        notices.remark(f"Session {key} is not here. Check its ID, or copy the link of its page.")
    elif side.sharers:
        others = formats.plural(side.sharers, "other person", "other people")
        notices.remark(
            f"{others} used the ID of session {key}, too; this is the newest session with it. To "
            "choose another, give the link of its page."
        )


def _titled(side: Side) -> str:
    if side.head is None:
        return side.told
    return f"{side.head.person}, {formats.moment(side.head.started_at, clock.zone())}"


def sheet(
    lines: Sequence[Line], pair: tuple[str, str], name: str, accuracies: Sequence[Accuracies]
) -> Sheet:
    """The comparison to take away: a row for each side and one for what B is more than A.

    Beside each number stands how many times A goes into B, in the row of B.
    """
    columns = [
        downloads.with_accuracy(column, how)
        for line in lines
        # What B is more than a lower bound of A may be too much.
        for how in [accuracy.together(side.get(line.name, EXACT) for side in accuracies).loose]
        for column in _columns(line)
    ]
    rows = (
        ("A", pair[0], *(cell for line in lines for cell in (line.a, None))),
        ("B", pair[1], *(cell for line in lines for cell in (line.b, line.ratio))),
        ("B less A", "", *(cell for line in lines for cell in (line.difference, None))),
    )
    return Sheet(name, (Column("side", "Side", "text"), Column("of", "Of", "text"), *columns), rows)


def _columns(line: Line) -> tuple[Column, Column]:
    return (
        Column(line.name, line.label, line.format, _definition(line)),
        Column(f"{line.name}_ratio", f"{line.label}, ratio", "rate", RATIO),
    )


def _definition(line: Line) -> str:
    one = METRICS.get(line.name)
    return one.definition if one else _DEFINITIONS.get(line.name, "")


def _accuracies(row: Mapping[str, Any]) -> Accuracies:
    """How each metric in a row stands."""
    return {name: accuracy.accuracy(name, row) for name in row if name in METRICS}


def _table(lines: Sequence[Line], pair: tuple[str, str], accuracies: Sequence[Accuracies]) -> None:
    is_marked = any(how.standing in formats.MARKS for side in accuracies for how in side.values())
    st.header("Side by side", anchor=False)
    tables.show(
        [_row(line, accuracies) for line in lines],
        [
            tables.Column("Metric", longest=NAME),
            *(
                tables.Column(f"{side}: {_short(name)}", "words", formats.visible(name))
                for side, name in zip("AB", pair, strict=True)
            ),
            tables.Column("Difference", "words", "B minus A."),
            tables.Column("Ratio", "words", RATIO),
        ],
        key="beside",
        label="Side by side",
        note=_MARKS if is_marked else "Point at a number or its name for more.",
        is_sortable=False,
    )


def _row(line: Line, accuracies: Sequence[Accuracies]) -> tuple[object, ...]:
    pair = [
        (value, Accuracy("unknown") if value is None else side.get(line.name, EXACT))
        for value, side in zip((line.a, line.b), accuracies, strict=True)
    ]
    how = accuracy.together(how for _, how in pair).loose.standing
    return (
        tables.Words(line.label, _definition(line)),
        *(tables.number(value, line.format, how) for value, how in pair),
        formats.difference(line.difference, line.format, how),
        formats.marked(formats.ratio(line.ratio), line.ratio, how),
    )


def _short(name: str) -> str:
    return formats.short(name, NAME)


def _course(name: str, pair: tuple[str, str], now: Chosen) -> None:
    """One number of both over time, as two lines.

    A click picks a stretch of time, and so does the box beside the heading, which is in the
    address; from there the way leads to what either side did in it.
    """
    every: list[Any] = periods.begun(now.scope, now.grain, clock.now())
    with st.container(horizontal=True, vertical_alignment="bottom", key="head-course"):
        st.header("Over time", anchor=False, width="stretch")
        measure = str(
            st.selectbox(
                "Show",
                SHOWN,
                format_func=lambda each: METRICS[each].label,
                width=170,
                **url_values.one_of("beside-show", SHOWN, SHOWN[0]).widget_arguments(),
            )
        )
        at = _stretch(every, now)
    sides = [
        trends.whole(runner.current(), measure, now.grain, scope(now.scope, name, value), value)
        for value in pair
    ]
    rows = [row for side in sides for row in side.rows if row[0] in set(every)]
    if not any(value for *_, value in rows):
        notices.empty(
            runner.NO_REQUEST
            if runner.is_unknown(measure)
            else "Neither of the two has any in this period. Choose a longer one."
        )
        return
    picture = charts.Course(
        label=METRICS[measure].label,
        kind=METRICS[measure].format,
        grain=now.grain,
        buckets=every,
        running=periods.running(now.scope, now.grain, clock.now()) is not None,
        colours=charts.colours(pair, runner.current().places(name, pair)),
        stacked=False,
        zone=now.scope.zone,
        phrases={**sides[0].phrases, **sides[1].phrases},
    )
    parameter = _parameter(every, now)
    chart.show(
        charts.lines(rows, picture, at),
        key="chart-compare",
        chosen=at,
        on_pick=lambda point: _pick(point, parameter, every, at),
        alt=f"{picture.label} of {_short(pair[0])} and {_short(pair[1])} per {now.grain}, "
        f"{now.words}, as two lines. The table below has all numbers. The box "
        f"{now.grain.capitalize()} picks one as a click does.",
    )
    st.html(charts.legend(picture))
    if at is None:
        st.caption(f"Click {_AN[now.grain]} in the chart to see both sides, with links to more.")
    else:
        numbers = [
            (value, number, side.accuracies.get((at, value), EXACT))
            for side in sides
            for bucket, value, number in side.rows
            if bucket == at
        ]
        _within(at, name, measure, numbers, now)
    both = replace(now, scope=now.scope.free(name).only(name, *pair))
    how = accuracy.together(side.accuracy for side in sides)
    downloads.behind(
        downloads.sheet_over_time(rows, measure, name, now.grain, how), both, key="table-compare"
    )


_AN: Final = {"hour": "an hour", "day": "a day", "week": "a week", "month": "a month"}


def _stretch(every: Sequence[Any], now: Chosen) -> Any:
    """The stretch of time that the box names, or None."""
    return st.selectbox(
        now.grain.capitalize(),
        every[::-1],
        index=None,
        placeholder="Pick one",
        format_func=lambda each: _when(each, now),
        width=170,
        **_parameter(every, now).widget_arguments(),
    )


def _parameter(every: Sequence[Any], now: Chosen) -> url_values.Parameter[Any]:
    """A stretch of time as addresses have it: a day, or an hour with its distance from UTC."""

    def written(bucket: Any) -> str:
        if not isinstance(bucket, datetime):
            return str(bucket)
        at = aware(bucket).astimezone(ZoneInfo(now.scope.zone))
        return f"{at:%Y-%m-%dT%H:%M}{formats.offset(at)}"

    return url_values.one_of(AT, every, write=written, known=_some_stretch)


def _some_stretch(word: str) -> date:
    """The day of a stretch of time of any period. Raises ValueError for any other text."""
    day, _, hour = word.partition("T")
    if hour:
        if not (read := _HOUR.fullmatch(hour)):
            raise ValueError(word)
        url_values.time_of_day(read[1])
    return url_values.day(day)


def _when(bucket: Any, now: Chosen) -> str:
    """A day, or an hour with its distance from UTC: clocks may show it twice."""
    return charts.when(bucket, "hour" if isinstance(bucket, datetime) else "day", now.scope.zone)


def _pick(
    point: chart.Point, parameter: url_values.Parameter[Any], every: Sequence[Any], at: Any
) -> None:
    """Take up what was clicked; a click on what is picked already drops it."""
    keys = {each.isoformat(): each for each in every}
    if (hit := keys.get(str(point.get("bucket")))) is not None:
        url.put({AT: parameter.words(None if hit == at else hit)})


def _within(
    at: Any, name: str, measure: str, numbers: Sequence[tuple[str, Any, Accuracy]], now: Chosen
) -> None:
    """Both sides in a stretch of time, each a way to what it did in it."""
    one = METRICS[measure]
    whole = "day" if now.grain == "hour" else now.grain
    page, what = _LISTS.get(measure, _REQUESTS)
    with trend.picked(_when(at, now), one.label, AT, "beside"):
        addresses = [
            navigation.page_address(page, filters.parameters(scope(_cut(at, now), name, value), {}))
            for value, *_ in numbers
        ]
        leads = f"Opens its {what} of that {whole}."
        tables.show(
            [
                (
                    tables.Words(f"{side}: {_short(value)}", formats.visible(value)),
                    tables.number(number, one.format, how),
                )
                for side, (value, number, how) in zip("AB", numbers, strict=True)
            ],
            [
                tables.Column(DIMENSIONS[name].label, meaning=leads, links=Links("", addresses)),
                tables.Column(one.label, "words", one.definition),
            ],
            key="beside-within",
            label=one.label,
            is_sortable=False,
        )


_REQUESTS: Final = ("interceptions", "requests")
_LISTS: Final = {"sessions": ("sessions", "sessions")}
"""Metric → the page that lists what it counts, and what that is."""


def _cut(at: Any, now: Chosen) -> Scope:
    """The scope of a stretch of time, as far as it is in the period."""
    since, until = bounds(now.scope, now.grain, at)
    return replace(now.scope, since=max(since, now.scope.since), until=min(until, now.scope.until))
