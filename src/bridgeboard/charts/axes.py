"""How stretches of time and kinds of number look along an axis."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import altair as alt

from bridgeboard import formats

DOLLAR: Final = 10**12
"""Money comes in pico-USD and is drawn in dollars."""

_PLAIN: Final = {"money": "$", "seconds": ""}
"""What stands before numbers that may be less than one: "20m" would be read as millions."""
_WORDS: Final = {
    "hour": "%a %H:%M",
    "day": "%d %b",
    "week": "%d %b %y",
    "month": "%b %Y",
}


def drawn(value: Any, kind: str) -> float | None:
    """A metric's value as it is drawn; None leaves a gap.

    A browser's numbers are doubles: what it draws of a large one is right to 15 digits, what it
    would write of one is not. Numbers to read are words (``exactly``).
    """
    if value is None:
        return None
    return value / DOLLAR if kind == "money" else float(value)


def number(kind: str, title: str | None) -> alt.Axis:
    """The axis of a number."""
    if kind in _PLAIN:
        told = f"abs(datum.value) < 1 ? format(datum.value, '{_PLAIN[kind]}~r') : {_short(kind)}"
        return alt.Axis(labelExpr=told, tickCount=5, title=title)
    if kind == "rate":
        return alt.Axis(format="~%", tickCount=5, title=title)
    return alt.Axis(labelExpr=_short(kind), tickCount=5, tickMinStep=1, title=title)


def _short(kind: str) -> str:
    """How the browser shortens a number; its word for a billion is that of physics."""
    return f"replace(format(datum.value, '{_PLAIN.get(kind, '')}~s'), 'G', 'B')"


def exactly(value: Any, kind: str) -> str:
    """A metric's value with all its digits, for who points at its mark."""
    return formats.exact_number(value, kind)


def key(bucket: date | datetime) -> str:
    """What a stretch of time is called in a chart's data."""
    return bucket.isoformat()


def word(bucket: date | datetime, grain: str) -> str:
    """What it is called on the axis."""
    return bucket.strftime(_WORDS[grain]).lstrip("0")


def time(words: Mapping[str, str], title: str | None = None) -> alt.Axis:
    """The axis of stretches of time: keys in the data, words on the screen."""
    told = json.dumps(dict(words))
    return alt.Axis(
        labelExpr=f"{told}[datum.value]", labelAngle=0, labelOverlap="parity", title=title
    )


def words(buckets: Iterable[date | datetime], grain: str, zone: str) -> dict[str, str]:
    """Key → word, in a zone; an hour that clocks show twice has its offset beside it."""
    places = {key(bucket): local(bucket, zone) for bucket in buckets}
    told = {name: word(place, grain) for name, place in places.items()}
    often = Counter(zip(told.values(), (_day(place) for place in places.values()), strict=True))
    return {
        name: f"{told[name]} {formats.offset(place)}"
        if isinstance(place, datetime) and often[told[name], _day(place)] > 1
        else told[name]
        for name, place in places.items()
    }


def zoned(buckets: Iterable[date | datetime], zone: str) -> str | None:
    """The title of an axis of hours: the zone and its offsets; None for longer stretches."""
    hours = [at for at in (local(each, zone) for each in buckets) if isinstance(at, datetime)]
    if not hours:
        return None
    offsets = " then ".join(dict.fromkeys(map(formats.offset, hours)))
    return offsets if zone == offsets else f"{zone} ({offsets})"


def _day(place: date | datetime) -> date:
    return place.date() if isinstance(place, datetime) else place


def when(bucket: date | datetime, grain: str, zone: str) -> str:
    """What it is called in a sentence, in a zone."""
    at = local(bucket, zone)
    if isinstance(at, datetime):
        return formats.moment(at, ZoneInfo(zone), "minutes")
    if grain == "month":
        return f"{at:%Y-%m}"
    return f"the week of {at}" if grain == "week" else f"{at}"


def local(bucket: date | datetime, zone: str) -> date | datetime:
    """An hour in its zone: it is known by its beginning in UTC, all else by local days."""
    if not isinstance(bucket, datetime):
        return bucket
    return bucket.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
