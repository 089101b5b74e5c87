"""What all charts share: the Vega specification, colours, axes, selection by click.

A colour belongs to one thing on every page, in light and in dark. Every colour has a contrast of at
least three to one with both grounds. The first eleven are told apart with the common colour
blindnesses; the second eleven are shades of them.

Streamlit's own way to a specification (``st.altair_chart``) sets Altair's transformer of data for
the whole process while it reads a chart. A chart that another thread reads at that moment loses its
data to the first one, which then goes to somebody else's browser. Nothing is set here but once.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import altair as alt
import pandas as pd
from altair.utils.schemapi import disable_debug_mode

from bridgeboard import formats

Drawn = alt.Chart | alt.LayerChart
Spec = dict[str, Any]

# Streamlit brings its own theme, and what may be drawn at most is ours to say.
_THEME: Final = alt.theme.enable("none")
_NO_LIMIT: Final = alt.data_transformers.disable_max_rows()
# Altair judges every axis and scale by the schema as soon as it is made, and charts copy them.
disable_debug_mode()


def spec(chart: Drawn) -> Spec:
    """A chart as plain values, its data in it; safe in several threads at once.

    It is not judged by the schema of Vega-Lite, which takes longer than to make it: tests do that.
    """
    return dict(chart.to_dict(validate=False))


RING: Final = (
    "#2f6fde",
    "#d9731a",
    "#17907f",
    "#8b63d6",
    "#d1435b",
    "#7d8f1f",
    "#1690b8",
    "#bd4fa6",
    "#9a6a3f",
    "#3f9a45",
    "#b8860b",
    "#6191e6",
    "#965012",
    "#126e61",
    "#a282de",
    "#dd7485",
    "#5c6917",
    "#106b89",
    "#cc76ba",
    "#bb8759",
    "#2e7032",
    "#825f08",
)
ACCENT: Final = RING[0]
NEUTRAL: Final = "#75808f"
"""Of what is no one thing: "Other" and "Unknown"."""
NOBODY: Final = frozenset({"Other", "Unknown", "Unassigned"})


def colours(names: Iterable[str], places: Mapping[str, int]) -> dict[str, str]:
    """The colour of each name in one picture.

    ``places`` are the places of all names in an order that only grows at its end, so that nobody
    loses a colour to somebody who is new. There are more names than colours: of two in the same
    picture that would have the same one, the later takes the next that is free.
    """
    every = list(names)
    known = [name for name in places if name not in NOBODY]
    order = {name: place for place, name in enumerate(known)}
    taken: dict[str, str] = {}
    for name in sorted(every, key=lambda name: order.get(name, len(order))):
        taken[name] = NEUTRAL if name in NOBODY else _free(order.get(name, len(order)), taken)
    return {name: taken[name] for name in every}


def _free(place: int, taken: Mapping[str, str]) -> str:
    ring = [RING[(place + step) % len(RING)] for step in range(len(RING))]
    used = set(taken.values())
    return next((colour for colour in ring if colour not in used), ring[0])


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
    would write of one is not. Numbers to read are words (``formats.exact_number``).
    """
    if value is None:
        return None
    return value / DOLLAR if kind == "money" else float(value)


def number(kind: str, title: str | None) -> alt.Axis:
    """The axis of a number."""
    if kind in _PLAIN:
        label = f"abs(datum.value) < 1 ? format(datum.value, '{_PLAIN[kind]}~r') : {_short(kind)}"
        return alt.Axis(labelExpr=label, tickCount=5, title=title)
    if kind == "rate":
        return alt.Axis(format="~%", tickCount=5, title=title)
    return alt.Axis(labelExpr=_short(kind), tickCount=5, tickMinStep=1, title=title)


def _short(kind: str) -> str:
    """How the browser shortens a number; its word for a billion is that of physics."""
    return f"replace(format(datum.value, '{_PLAIN.get(kind, '')}~s'), 'G', 'B')"


def key(bucket: date | datetime) -> str:
    """What a stretch of time is called in a chart's data."""
    return bucket.isoformat()


def word(bucket: date | datetime, grain: str) -> str:
    """What it is called on the axis."""
    return bucket.strftime(_WORDS[grain]).lstrip("0")


def time(words: Mapping[str, str], title: str | None = None) -> alt.Axis:
    """The axis of stretches of time: keys in the data, words on the screen."""
    labels = json.dumps(dict(words))
    return alt.Axis(
        labelExpr=f"{labels}[datum.value]", labelAngle=0, labelOverlap="parity", title=title
    )


def words(buckets: Iterable[date | datetime], grain: str, zone: str) -> dict[str, str]:
    """Key → word, in a zone; an hour that clocks show twice has its offset beside it."""
    places = {key(bucket): local(bucket, zone) for bucket in buckets}
    labels = {name: word(place, grain) for name, place in places.items()}
    often = Counter(zip(labels.values(), (_day(place) for place in places.values()), strict=True))
    return {
        name: f"{labels[name]} {formats.offset(place)}"
        if isinstance(place, datetime) and often[labels[name], _day(place)] > 1
        else labels[name]
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
        return f"{at:%b %Y}"
    return f"the week of {formats.day(at)}" if grain == "week" else formats.day(at)


def local(bucket: date | datetime, zone: str) -> date | datetime:
    """An hour in its zone: it is known by its beginning in UTC, all else by local days."""
    if not isinstance(bucket, datetime):
        return bucket
    return bucket.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))


def where(test: str, value: Any) -> Any:
    """The value of a channel where a test is true: ``alt.OpacityValue(1, condition=where(...))``.

    For the dictionary that ``alt.condition`` gives, Altair searches its schema for the channel,
    which takes longer than the rest of a chart.
    """
    return {"test": test, "value": value}


REACH: Final = 60
"""Area of an unseen point, in square pixels: it only tells where a mark is."""


def nearest(points: alt.Chart, *fields: str) -> alt.Chart:
    """Unseen points on top of all: a click anywhere fills ``picked`` with fields of the nearest.

    Without fields it is the nearest sideways, and fills in what is along the axis. Marks of a
    line are too thin to hit, and those of hundreds of calls lie above each other.
    """
    of: Any = {"fields": list(fields)} if fields else {"encodings": ["x"]}
    picked = alt.selection_point(name="picked", nearest=True, toggle=False, **of)
    drawn: alt.Chart = points.mark_point(
        filled=True, size=REACH, opacity=0, cursor="pointer"
    ).add_params(picked)
    return drawn


def rule(field: str, chosen: Any, x: alt.X) -> list[alt.Chart]:
    """A line from top to bottom at what is chosen; nothing where nothing is."""
    if chosen is None:
        return []
    frame = pd.DataFrame({field: [chosen]})
    drawn: alt.Chart = alt.Chart(frame).mark_rule(color=NEUTRAL, strokeWidth=2).encode(x=x)
    return [drawn]
