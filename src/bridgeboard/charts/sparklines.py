"""Sparklines for headline cards.

They are cut out of plain boxes: six pictures as images would each be a page of its own for the
browser, and took a tenth of the time in which a page changes.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, TypedDict

HIGHEST: Final = 94.0
"""Percent of the box that the largest value reaches, so that the smallest is still to be seen."""
_LEAST: Final = 6.0

Point = tuple[float, float]


class Area(TypedDict):
    """A part of a sparkline: the corners of a CSS polygon; ``running`` is drawn paler."""

    corners: str
    running: bool


def spark(values: Sequence[float | None], *, running: bool) -> list[Area]:
    """The areas below a course; None is a gap, the step to a running value is an area of its own.

    They say nothing to a screen reader: the number beside them does.
    """
    points = list(_points(values))
    ended = points[:-1] if running and len(points) > 1 else points
    areas = [
        _area([point for point in part if point], running=False)
        for is_known, part in groupby(ended, key=lambda point: point is not None)
        if is_known
    ]
    last = [point for point in points[-2:] if point]
    if running and len(points) > 1 and len(last) > 1:
        areas.append(_area(last, running=True))
    return areas


def _points(values: Sequence[float | None]) -> Iterator[Point | None]:
    """From the left and from the top, in percent."""
    known = [value for value in values if value is not None]
    low, high = min([0, *known]), max([0, *known])
    step = 100 / max(1, len(values) - 1)
    for place, value in enumerate(values):
        if value is None:
            yield None
        else:
            share = (value - low) / (high - low) if high > low else 0
            yield place * step, 100 - _LEAST - share * (HIGHEST - _LEAST)


def _area(points: Sequence[Point], *, running: bool) -> Area:
    (first, height), (last, _) = points[0], points[-1]
    if len(points) == 1:  # a value alone, between two gaps
        points = [(first - 1, height), (first + 1, height)]
        first, last = first - 1, first + 1
    corners = [(first, 100.0), *points, (last, 100.0)]
    return Area(corners=",".join(f"{x:.1f}% {y:.1f}%" for x, y in corners), running=running)
