"""Positions of bars, ticks and labels of the report's charts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from bridgeboard import charts, formats
from bridgeboard.analysis import trends
from bridgeboard.analysis.trends import Bucket, Trend
from bridgeboard.charts import encodings
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.report.answers import Course
from bridgeboard.report.text import Name, name

WIDTH: Final = 1_000
HEIGHT: Final = 200
"""Of the drawing in its own units; the page stretches it to the room there is."""

_FILLED: Final = 0.78
_TICKS: Final = 4
_WORDS: Final = 6
_STEPS: Final = (1, 2, 5)

Row = tuple[Bucket, str, int]
"""Stretch of time, series, number."""


@dataclass(frozen=True)
class Bar:
    """A part of a stack; ``exactly`` is shown on hover."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    exactly: str
    running: bool


@dataclass(frozen=True)
class Mark:
    """A word along an axis, ``at`` so many per cent from its beginning."""

    at: float
    text: str


@dataclass(frozen=True)
class Entry:
    """A line of the legend: whose colour it is, and what it comes to in all."""

    name: Name
    colour: str
    value: str
    exactly: str


@dataclass(frozen=True)
class Picture:
    """Stacked bars over time; without any there is nothing to draw.

    ``bounds`` says where not all is known, empty where it is.
    """

    title: str
    words: str
    bounds: str
    bars: tuple[Bar, ...]
    ticks: tuple[Mark, ...]
    stretches: tuple[Mark, ...]
    legend: tuple[Entry, ...]


def picture(course: Course, zone: str) -> Picture:
    """A course as bars: the largest series at the bottom, the rest on top."""
    one = METRICS[course.trend.measure]
    rows = _rows(course.trend)
    totals = trends.sums(rows, course.trend.rest)
    colours = _colours(course, totals)
    looks = {series: (name(series), colours[series]) for series in totals}
    stacks = _stacks(rows)
    step = _step(max(stacks.values(), default=0))
    top = step * -(-max(stacks.values(), default=0) // step)
    return Picture(
        title=f"{one.label} per {course.grain} by {DIMENSIONS[course.split].label.lower()}",
        words=_in_words(course, stacks, zone),
        bounds=course.trend.bounds_in_words(course.buckets, course.grain),
        bars=tuple(_bars(course, rows, looks, top, zone)),
        ticks=tuple(
            Mark(round(100 * at / top, 2), formats.number(at, one.format))
            for at in range(0, top + 1, step)
            if top
        ),
        stretches=tuple(_stretches(course, zone)),
        legend=tuple(
            Entry(
                *looks[key],
                formats.number(total, one.format, how.standing),
                how.in_words(formats.exact_number(total, one.format)),
            )
            for key, total in totals.items()
            if (how := course.trend.accuracy_of(series=key))
        ),
    )


def _rows(trend: Trend) -> list[Row]:
    """What there is to draw, from the bottom of the stacks to their top."""
    rows = [row for row in trend.rows if row[2] and row[2] > 0]
    places = {series: place for place, series in enumerate(trends.sums(rows, trend.rest))}
    return sorted(rows, key=lambda row: (row[0], places[row[1]]))


def _stacks(rows: Sequence[Row]) -> dict[Bucket, int]:
    stacks: dict[Bucket, int] = {}
    for bucket, _, value in rows:
        stacks[bucket] = stacks.get(bucket, 0) + value
    return stacks


def _colours(course: Course, series: Iterable[str]) -> dict[str, str]:
    rest = course.trend.rest
    known = charts.colours([each for each in series if each != rest], course.places)
    return known | ({rest: charts.NEUTRAL} if rest else {})


def _step(most: int) -> int:
    """A round number between two ticks."""
    rounds = (step * int(10**power) for power in count() for step in _STEPS)
    return next(step for step in rounds if step * _TICKS >= most)


def _bars(
    course: Course,
    rows: Sequence[Row],
    looks: Mapping[str, tuple[Name, str]],
    top: int,
    zone: str,
) -> Iterator[Bar]:
    kind = METRICS[course.trend.measure].format
    pitch = WIDTH / max(1, len(course.buckets))
    places = {bucket: place for place, bucket in enumerate(course.buckets)}
    phrases = course.trend.phrases
    heights: dict[Bucket, float] = {}
    for bucket, key, value in rows:
        below = heights.get(bucket, 0.0)
        height = HEIGHT * value / top
        heights[bucket] = below + height
        called, colour = looks[key]
        number = phrases.get((bucket, key)) or formats.exact_number(value, kind)
        yield Bar(
            x=round(pitch * (places[bucket] + (1 - _FILLED) / 2), 2),
            y=round(HEIGHT - below - height, 2),
            width=round(pitch * _FILLED, 2),
            height=round(height, 2),
            colour=colour,
            exactly=f"{encodings.when(bucket, course.grain, zone)}: {called.whole}, {number}",
            running=bucket == course.running,
        )


def _stretches(course: Course, zone: str) -> Iterator[Mark]:
    every = max(1, -(-len(course.buckets) // _WORDS))
    words = encodings.words(course.buckets, course.grain, zone)
    for place in range(0, len(course.buckets), every):
        at = round(100 * (place + 0.5) / len(course.buckets), 2)
        yield Mark(at, words[encodings.key(course.buckets[place])])


def _in_words(course: Course, stacks: Mapping[Bucket, int], zone: str) -> str:
    one = METRICS[course.trend.measure]
    if not stacks:
        return f"{one.label}: nothing was recorded."
    most = max(stacks, key=lambda bucket: stacks[bucket])
    at = encodings.when(most, course.grain, zone)
    how = course.trend.accuracy_of(bucket=most)
    return (
        f"Bars of {one.label.lower()} per {course.grain}, stacked by "
        f"{DIMENSIONS[course.split].label.lower()}. The largest is {at} with "
        f"{how.in_words(formats.number(stacks[most], one.format))}."
    )
