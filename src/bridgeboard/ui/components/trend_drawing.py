"""The picture of a number over time, with the previous period, and what is said of it in words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from bridgeboard import charts, formats
from bridgeboard.analysis import trends
from bridgeboard.analysis.headlines import is_recorded
from bridgeboard.analysis.trends import Trend
from bridgeboard.exports import Sheet
from bridgeboard.model import pages, periods
from bridgeboard.model.accuracy import EXACT
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.periods import Grain
from bridgeboard.ui import runner
from bridgeboard.ui.components import downloads
from bridgeboard.ui.components.filters import Chosen

WHOLE: Final = "none"


@dataclass(frozen=True)
class Choice:
    """What the reader wants to see over time.

    Attributes:
        measure: the number.
        split: the dimension that it is split by, or ``WHOLE``.
        grain: the stretches of time.
        cumulative: whether each number is together with all before it.
    """

    measure: str
    split: str
    grain: Grain
    cumulative: bool = False


@dataclass(frozen=True)
class Drawing:
    """A course as Vega reads it, and what it shows: to make it takes as long as half a page."""

    spec: charts.Spec
    picture: charts.Course
    rows: Sequence[tuple[date | datetime, str, Any]]
    trend: Trend


def drawing(
    choice: Choice,
    now: Chosen,
    every: Sequence[Any],
    marks: Sequence[charts.Mark],
    *,
    running: bool,
) -> Drawing | None:
    """The picture of a number over time; None when there is nothing to see."""
    one, questions = METRICS[choice.measure], runner.current()
    if choice.split == WHOLE:
        trend, places = trends.whole(questions, choice.measure, choice.grain, now.scope), {}
    else:
        trend = trends.split(questions, choice.measure, choice.split, choice.grain, now.scope)
        shown = [name for name in trend.series if name != trend.rest]
        places = questions.places(choice.split, shown)
    if choice.cumulative:
        trend = trend.cumulative()
    rows = [row for row in trend.rows if row[0] in set(every)]
    if not any(value for *_, value in rows):
        return None
    rest = {trend.rest: charts.NEUTRAL} if trend.rest else {}
    picture = charts.Course(
        label=one.label,
        kind=one.format,
        grain=choice.grain,
        buckets=every,
        running=running,
        colours=charts.colours(trend.series, places) | rest,
        stacked=_adds_up(choice),
        zone=now.scope.zone,
        phrases=trend.phrases,
        previous=_previous(choice, now, every),
        previous_name=_previous_name(now),
        marks=marks,
    )
    spec = charts.spec(charts.over_time(rows, picture))
    return Drawing(spec, picture, rows, trend)


def _previous(choice: Choice, now: Chosen, every: Sequence[Any]) -> list[charts.Previous]:
    """The numbers of the period before, each beside the stretch with the same place in this one.

    There are none where they cannot be compared, nor behind several lines, which are no whole.
    """
    questions, before = runner.current(), now.before
    is_one = choice.split == WHOLE or _adds_up(choice)
    if before is None or not is_one or not is_recorded(questions, before):
        return []
    trend = trends.whole(questions, choice.measure, choice.grain, before)
    if choice.cumulative:
        trend = trend.cumulative()
    kind, phrases = METRICS[choice.measure].format, trend.phrases
    return [
        charts.Previous(
            bucket,
            at,
            value,
            phrases.get((at, series)) or formats.exact_number(value, kind),
        )
        for bucket, (at, series, value) in zip(every, trend.rows, strict=False)
    ]


def _previous_name(now: Chosen) -> str:
    """What the legend calls the period before; empty where there is none."""
    if now.before is None:
        return ""
    name = now.compared_with
    return f"{name[:1].upper()}{name[1:]}, {periods.span(now.before)}"


def _adds_up(choice: Choice) -> bool:
    """Whether the parts are the whole, so that they may be stacked."""
    one = METRICS[choice.measure]
    return one.additive if choice.split == WHOLE else one.adds_up(DIMENSIONS[choice.split])


def counted(split: str, trend: Trend) -> str:
    """How many values there are, and how many of them are drawn."""
    if split == WHOLE:
        return "The total, not split."
    values, (one, many) = trend.values, pages.nouns(split)
    top = min(pages.TOP, values)
    clickable = f" Click a {one} to see only that." if split in pages.FILTERS else ""
    if values > len(trend.series):
        return f"Top {top} of {values:,} {many}; the others are shown as Other.{clickable}"
    return f"{formats.plural(values, one, many)}.{clickable}"


def in_words(drawn: Drawing, choice: Choice, now: Chosen) -> str:
    """The picture for who cannot see it."""
    one = METRICS[choice.measure]
    most = max((row for row in drawn.rows if row[2] is not None), key=lambda row: row[2])
    how = drawn.trend.accuracies.get(most[:2], EXACT)
    by = "" if choice.split == WHOLE else f" by {DIMENSIONS[choice.split].label.lower()}"
    at = charts.when(most[0], choice.grain, now.scope.zone)
    cumulative = ", cumulative" if choice.cumulative else ""
    behind = f" A grey line: the {now.compared_with}." if drawn.picture.previous else ""
    return (
        f"{one.label}{by} per {choice.grain}{cumulative}, {now.words}. The largest is "
        f"{formats.visible(most[1])}, {at}, with "
        f"{formats.number(most[2], one.format, how.standing)}.{behind} The table below has all "
        "numbers."
    )


def sheet(choice: Choice, drawn: Drawing) -> Sheet:
    """The table behind the picture."""
    every = downloads.sheet_over_time(
        drawn.rows, choice.measure, choice.split, choice.grain, drawn.trend.accuracy
    )
    if not choice.cumulative:
        return every
    *keys, number = every.columns
    number = replace(number, name=f"cumulative_{number.name}", label=f"{number.label}, cumulative")
    return replace(every, name=f"cumulative {every.name}", columns=(*keys, number))
