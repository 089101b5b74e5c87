"""How stretches of time and kinds of number look along an axis."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import altair as alt

DOLLAR: Final = 10**12
"""Money comes in pico-USD and is drawn in dollars."""

_PLAIN: Final = {"money": "$", "seconds": ""}
"""What stands before numbers that may be less than one: "20m" would be read as millions."""
_TOOLTIPS: Final = {"count": ",d", "money": "$,.8~r", "rate": ".2%", "seconds": ",.2f"}
_WORDS: Final = {
    "hour": "%a %H:%M",
    "day": "%d %b",
    "week": "%d %b %y",
    "month": "%b %Y",
}


def drawn(value: Any, kind: str) -> float | None:
    """A metric's value as it is drawn; None leaves a gap."""
    if value is None:
        return None
    return value / DOLLAR if kind == "money" else float(value)


def number(kind: str, title: str | None) -> alt.Axis:
    """The axis of a number."""
    if kind in _PLAIN:
        small, large = (f"format(datum.value, '{_PLAIN[kind]}{form}')" for form in ("~r", "~s"))
        told = f"abs(datum.value) < 1 ? {small} : {large}"
        return alt.Axis(labelExpr=told, tickCount=5, title=title)
    if kind == "rate":
        return alt.Axis(format="~%", tickCount=5, title=title)
    return alt.Axis(format="~s", tickCount=5, tickMinStep=1, title=title)


def tooltip(kind: str) -> str:
    """How a number is written where the reader points."""
    return _TOOLTIPS[kind]


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
    """Key → word, in a zone: an hour is known by its beginning in UTC, all else by local days."""
    return {key(bucket): word(local(bucket, zone), grain) for bucket in buckets}


def when(bucket: date | datetime, grain: str, zone: str) -> str:
    """What it is called in a sentence, in a zone."""
    at = local(bucket, zone)
    if isinstance(at, datetime):
        return f"{at:%Y-%m-%d %H:%M}"
    if grain == "month":
        return f"{at:%Y-%m}"
    return f"the week of {at}" if grain == "week" else f"{at}"


def local(bucket: date | datetime, zone: str) -> date | datetime:
    """An hour in its zone: it is known by its beginning in UTC, all else by local days."""
    if not isinstance(bucket, datetime):
        return bucket
    return bucket.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
