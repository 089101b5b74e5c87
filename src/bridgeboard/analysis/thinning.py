"""Few enough rows to draw: those that stay show the ends and the extremes of all."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
Value = Callable[[T], float | None]


def thinned(rows: Sequence[T], at_most: int, *values: Value[T]) -> tuple[T, ...]:
    """At most so many of the rows, in their order: the first, the last, and the extremes.

    Rows are cut into stretches of equal length, and of each those with the least and the greatest
    of every value stay. Few enough rows all stay.

    Args:
        rows: in the order of the picture.
        at_most: how many may stay.
        values: what is drawn; None is not drawn.

    Raises:
        ValueError: when there is no room for two ends and the extremes of one stretch.
    """
    room = at_most - 2
    bins = room // (2 * len(values)) if values else room
    if bins < 1:
        raise ValueError(f"{at_most} rows have no room for extremes of {len(values)} values.")
    if len(rows) <= at_most:
        return tuple(rows)
    stays = {0, len(rows) - 1}
    for number in range(bins):
        stretch = range(number * len(rows) // bins, (number + 1) * len(rows) // bins)
        stays.update(_extremes(rows, stretch, values))
    return tuple(rows[place] for place in sorted(stays))


def _extremes(rows: Sequence[T], stretch: range, values: Sequence[Value[T]]) -> Iterator[int]:
    if not values:
        yield from stretch[:1]
    for value in values:
        known = [(number, place) for place in stretch if (number := value(rows[place])) is not None]
        if known:
            yield min(known)[1]
            yield max(known, key=lambda pair: pair[0])[1]
