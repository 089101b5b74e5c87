"""The course of a headline number as a line of the size of a word."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

WIDTH: Final = 120
HEIGHT: Final = 34
_EDGE: Final = 2


def spark(values: Sequence[float | None], colour: str, *, running: bool) -> str:
    """A line as an HTML image without words; None is a gap, the step to a running value dashed.

    It is as wide as its place and says nothing to a screen reader: the number beside it does.
    """
    lines = "".join(_lines(values, colour, running=running))
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' width="{WIDTH}" height="{HEIGHT}" preserveAspectRatio="none">{lines}</svg>'
    )
    # As data: what stands in the page itself is not trusted with pictures.
    told = b64encode(drawn.encode("ascii")).decode("ascii")
    return f'<img class="spark" alt="" src="data:image/svg+xml;base64,{told}">'


def _lines(values: Sequence[float | None], colour: str, *, running: bool) -> Iterator[str]:
    points = list(_points(values))
    ended = points[:-1] if running and len(points) > 1 else points
    for is_known, part in groupby(ended, key=lambda point: point is not None):
        if is_known:
            yield _line([point for point in part if point], colour)
    last = points[-2:]
    if running and len(last) > 1 and all(last):
        yield _line([point for point in last if point], colour, dash=' stroke-dasharray="3 3"')


def _points(values: Sequence[float | None]) -> Iterator[tuple[float, float] | None]:
    known = [value for value in values if value is not None]
    low, high = min([0, *known]), max([0, *known])
    step = (WIDTH - 2 * _EDGE) / max(1, len(values) - 1)
    for place, value in enumerate(values):
        if value is None:
            yield None
        else:
            share = (value - low) / (high - low) if high > low else 0
            yield _EDGE + place * step, HEIGHT - _EDGE - share * (HEIGHT - 2 * _EDGE)


def _line(points: Sequence[tuple[float, float]], colour: str, dash: str = "") -> str:
    told = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{told}" fill="none" stroke="{colour}" stroke-width="1.6"'
        f' stroke-linejoin="round" stroke-linecap="round" vector-effect="non-scaling-stroke"'
        f"{dash}/>"
    )
