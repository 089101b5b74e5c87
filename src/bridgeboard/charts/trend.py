"""Numbers over time: stacked where parts add up, lines where they do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from html import escape
from typing import Any, Final

import altair as alt
import pandas as pd

from bridgeboard import formats
from bridgeboard.charts import encodings

HEIGHT: Final = 250
NAME: Final = 48
"""Characters of a name in the legend; the whole name is shown where the reader points."""
FINDING: Final = encodings.RING[4]
"""The colour of findings."""
_DASHES: Final = [4, 3]
_FEW: Final = 10
_WIDE: Final = 48
"""Pixels of a bar where there are few."""


@dataclass(frozen=True)
class Previous:
    """A number of the period before, beside the stretch of time with the same place in this one.

    Attributes:
        bucket: the stretch of time that it is drawn at.
        at: the one that it is of.
        value: the number; None where it is unknown.
        exactly: the number in words.
    """

    bucket: date | datetime
    at: date | datetime
    value: Any
    exactly: str


@dataclass(frozen=True)
class Mark:
    """A stretch of time with findings; ``words`` name them."""

    bucket: date | datetime
    words: str


@dataclass(frozen=True)
class Course:
    """What is drawn.

    Attributes:
        label: of the number.
        kind: count, money, rate or seconds.
        grain: hour, day, week or month.
        buckets: every stretch of time, in order.
        running: whether the last one has not ended.
        colours: the colour of each series, in the order of the stack from its bottom.
        stacked: whether the series add up.
        zone: whose clocks the hours are shown by.
        phrases: words in place of a number's digits where one points, as "at least 5".
        previous: the numbers of the period before, a thin grey line behind each bar or line.
        previous_name: of that period, in the legend.
        marks: stretches of time with findings, which have a diamond above them.
    """

    label: str
    kind: str
    grain: str
    buckets: Sequence[date | datetime]
    running: bool
    colours: Mapping[str, str]
    stacked: bool
    zone: str = "UTC"
    phrases: Mapping[tuple[date | datetime, str], str] = field(default_factory=dict)
    previous: Sequence[Previous] = ()
    previous_name: str = "Previous period"
    marks: Sequence[Mark] = ()


def over_time(rows: Sequence[tuple[date | datetime, str, Any]], course: Course) -> alt.LayerChart:
    """Bars or lines over time; ``rows`` are (bucket, series, value), None an unknown value.

    Choosing a mark fills the parameter ``picked`` with its ``series``, dragging over stretches of
    time ``zoomed`` with their ``bucket``, and choosing a diamond ``marked`` with its ``bucket``.
    The running stretch of time is drawn dashed.
    """
    frame = _frame(rows, course)
    # In a chart of several layers each parameter hears the marks of all others, too.
    picked = alt.selection_point(
        name="picked", fields=["series"], toggle=False, on="@now_marks:click"
    )
    zoomed = alt.selection_interval(name="zoomed", encodings=["x"])
    drawn = _bars(frame, course) if course.stacked else _lines(frame, course)
    now = drawn[0].add_params(picked, zoomed).properties(name="now")
    layers = [*_behind(course), now, *drawn[1:], *_diamonds(course)]
    return alt.LayerChart(layer=layers).properties(height=HEIGHT)


def lines(
    rows: Sequence[tuple[date | datetime, str, Any]],
    course: Course,
    chosen: date | datetime | None = None,
) -> alt.LayerChart:
    """Lines over time whose points are chosen: ``rows`` as for ``over_time``.

    A click anywhere chooses the nearest point, and fills the parameter ``picked`` with its
    ``bucket`` (in ISO 8601) and its ``series``. A rule stands at the ``chosen`` stretch of time.
    """
    frame = _frame(rows, course)
    known = alt.Chart(frame[frame["value"].notna()]).encode(
        x=_x(course), y=_y(course), color=_colour(course), tooltip=_tooltip(course)
    )
    rule = encodings.rule("bucket", None if chosen is None else encodings.key(chosen), _x(course))
    layers = [*_lines(frame, course), *rule, encodings.nearest(known, "bucket", "series")]
    return alt.LayerChart(layer=layers).properties(height=HEIGHT)


def legend(course: Course) -> str:
    """Whose colour is which, as HTML that is as wide as its place.

    It is empty for a single series without a previous period. Vega's own legend has a fixed number
    of columns, which is wrong for either a desk or a phone. Names are recorded text: they are
    escaped, and acting characters are made visible.
    """
    names, previous = _names(course), _known(course)
    if len(names) + bool(previous) < 2:  # noqa: PLR2004 - one needs no telling
        return ""
    colours = {name: course.colours[series] for series, name in names.items()}
    return swatches(colours, line=course.previous_name if previous else "")


def swatches(colours: Mapping[str, str], *, line: str = "") -> str:
    """Names, each beside its colour, as HTML; last the name of a grey line, if there is one."""
    items = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for name, colour in colours.items()
    )
    if line:
        items += (
            f'<span><i class="line" style="color:{encodings.NEUTRAL}"></i>{escape(line)}</span>'
        )
    return f'<div class="legend">{items}</div>'


def _frame(rows: Sequence[tuple[date | datetime, str, Any]], course: Course) -> pd.DataFrame:
    order = {name: place for place, name in enumerate(course.colours)}
    names = _names(course)
    last = encodings.key(course.buckets[-1]) if course.running and course.buckets else None
    lines = [
        (
            encodings.key(bucket),
            name,
            formats.visible(name),
            names[name],
            encodings.drawn(raw, course.kind),
            course.phrases.get((bucket, name)) or formats.exact_number(raw, course.kind),
            order[name],
        )
        for bucket, name, raw in rows
    ]
    columns = ["bucket", "series", "whole", "name", "value", "exactly", "place"]
    frame = pd.DataFrame(lines, columns=columns)
    frame["running"] = frame["bucket"] == last
    frame["when"] = frame["bucket"].map(_when(course))
    return frame


def _when(course: Course) -> dict[str, str]:
    """What each stretch of time is called where the reader points: an hour with its day."""
    if course.grain != "hour":
        return encodings.words(course.buckets, course.grain, course.zone)
    return {
        encodings.key(each): encodings.when(each, "hour", course.zone) for each in course.buckets
    }


def _bars(frame: pd.DataFrame, course: Course) -> list[alt.Chart]:
    shown = frame[frame["value"].notna() & (frame["value"] != 0)]
    colour = _colour(course)
    return [
        alt.Chart(shown)
        .mark_bar(cursor="pointer", width=_narrower(course))
        .encode(
            x=_x(course),
            y=_y(course),
            color=colour,
            order=alt.Order("place:Q"),
            opacity=alt.OpacityValue(1, condition=encodings.where("datum.running", 0.55)),
            stroke=colour,
            strokeWidth=alt.StrokeWidthValue(0, condition=encodings.where("datum.running", 1.5)),
            strokeDash=alt.StrokeDashValue(
                [0], condition=encodings.where("datum.running", _DASHES)
            ),
            tooltip=_tooltip(course),
        )
    ]


def _known(course: Course) -> list[Previous]:
    return [one for one in course.previous if one.value is not None]


def _behind(course: Course) -> list[alt.Chart]:
    """The period before, a thin line that never covers this one; empty without a known number.

    A line is too thin to point at: the number is shown wherever the reader points above or below
    it, unless a mark of this period is there. The description of the chart says that it is drawn.
    """
    known = _known(course)
    if not known:
        return []
    words = {each.at: encodings.when(each.at, course.grain, course.zone) for each in known}
    frame = pd.DataFrame(
        [
            (
                encodings.key(one.bucket),
                encodings.drawn(one.value, course.kind),
                words[one.at],
                one.exactly,
            )
            for one in known
        ],
        columns=["bucket", "value", "when", "exactly"],
    )
    chart = alt.Chart(frame).encode(x=_x(course))
    line = (
        chart.mark_tick(
            color=encodings.NEUTRAL, thickness=2, opacity=1, aria=False, width=_whole(course)
        )
        if course.stacked
        else chart.mark_line(color=encodings.NEUTRAL, strokeWidth=1.5, aria=False)
    ).encode(y=_y(course))
    pointed = chart.mark_bar(opacity=0, aria=False, width=alt.RelativeBandSize(band=1)).encode(
        y=alt.YValue(0),  # type: ignore[no-untyped-call]  # Altair leaves it so
        y2=alt.Y2Value("height"),  # type: ignore[no-untyped-call]  # likewise
        tooltip=[
            alt.Tooltip("when:N", title="Compared with"),
            alt.Tooltip("exactly:N", title=course.label),
        ],
    )
    return [pointed, line]


def _diamonds(course: Course) -> list[alt.Chart]:
    if not course.marks:
        return []
    frame = pd.DataFrame(
        [(encodings.key(one.bucket), one.words) for one in course.marks],
        columns=["bucket", "words"],
    )
    marked = alt.selection_point(
        name="marked", fields=["bucket"], toggle=False, on="@findings_marks:click"
    )
    drawn: alt.Chart = (
        alt.Chart(frame)
        .mark_point(
            shape="diamond", filled=True, size=130, opacity=1, color=FINDING, cursor="pointer"
        )
        .encode(
            x=_x(course),
            y=alt.YValue(7),  # type: ignore[no-untyped-call]  # likewise
            tooltip=[alt.Tooltip("words:N", title="Findings")],
            description=alt.Description("words:N"),
        )
        .add_params(marked)
        .properties(name="findings")
    )
    return [drawn]


def _lines(frame: pd.DataFrame, course: Course) -> list[alt.Chart]:
    ended, tail = frame, frame.iloc[0:0]
    if course.running and len(course.buckets) > 1:
        last = [encodings.key(bucket) for bucket in course.buckets[-2:]]
        ended = frame[~frame["running"]]
        tail = frame[frame["bucket"].isin(last)]
    base = {"x": _x(course), "y": _y(course), "color": _colour(course)}
    lines = (
        alt.Chart(ended)
        .mark_line(cursor="pointer", point=alt.OverlayMarkDef(size=28, filled=True))
        .encode(**base, tooltip=_tooltip(course))
    )
    dashed = alt.Chart(tail).mark_line(strokeDash=_DASHES).encode(**base, tooltip=_tooltip(course))
    return [lines, dashed]


def _x(course: Course) -> alt.X:
    keys = [encodings.key(bucket) for bucket in course.buckets]
    words = encodings.words(course.buckets, course.grain, course.zone)
    axis = encodings.time(words, encodings.zoned(course.buckets, course.zone))
    return alt.X("bucket:O", sort=None, scale=alt.Scale(domain=keys), axis=axis)


def _y(course: Course) -> alt.Y:
    return alt.Y("value:Q", axis=encodings.number(course.kind, course.label), stack=course.stacked)


def _colour(course: Course) -> alt.Color:
    names = list(_names(course).values())
    return alt.Color(
        "name:N",
        title=None,
        scale=alt.Scale(domain=names, range=list(course.colours.values())),
        legend=None,
    )


def _names(course: Course) -> dict[str, str]:
    """Series → its name in the legend, which no other one has, however alike they are."""
    names: dict[str, str] = {}
    for series in course.colours:
        whole = formats.visible(series)
        name, number = formats.middle(whole, NAME), 1
        while name in names.values():
            number += 1
            name = f"{formats.middle(whole, NAME - 4)} ({number})"
        names[series] = name
    return names


def _tooltip(course: Course) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("when:N", title=course.grain.capitalize()),
        alt.Tooltip("whole:N", title="Of"),
        alt.Tooltip("exactly:N", title=course.label),
    ]


def _width(course: Course) -> Any:
    """Few bars would grow as wide as walls; many share the axis among them."""
    return _WIDE if len(course.buckets) <= _FEW else alt.Undefined


def _narrower(course: Course) -> Any:
    """The width of bars before the line of the period before, which is seen on both sides."""
    if not _known(course):
        return _width(course)
    return 0.6 * _WIDE if len(course.buckets) <= _FEW else alt.RelativeBandSize(band=0.6)


def _whole(course: Course) -> Any:
    """The width of that line: of a bar without it."""
    return _WIDE if len(course.buckets) <= _FEW else alt.RelativeBandSize(band=0.95)
