"""The chart over time of a page, what moved most, and parts of a page that fail alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis import movers, trends
from bridgeboard.analysis.headlines import is_recorded
from bridgeboard.analysis.movers import Move
from bridgeboard.analysis.trends import Trend
from bridgeboard.model import pages, periods
from bridgeboard.model.accuracy import EXACT
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.pages import PageContents
from bridgeboard.ui import navigation, runner, url, url_values
from bridgeboard.ui.components import (
    chart,
    clock,
    downloads,
    filters,
    notices,
    tables,
)
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.components.tables import Column, Links

WHOLE: Final = "none"
EACH_BY_ITSELF: Final = (
    "Each row counts by itself: a person's change is also that of a team and a model."
)


def course(contents: PageContents, now: Chosen, key: str) -> None:
    """A number over time, stacked by what the reader chooses; a click keeps only what it hits."""
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"head-{key}"):
        st.header("Over time", anchor=False, width="stretch")
        measure = _choice("Show", contents.measures, METRICS, f"{key}-show", contents.measures)
        possible = runner.without_people(contents.splits)
        splits = [name for name in possible if _can_be_split(measure, name)]
        every = (*contents.splits, WHOLE)
        split = _choice("By", (*splits, WHOLE), DIMENSIONS, f"{key}-by", every)
    with notices.tile("this chart"):
        _course(measure, split, now, key)


def _course(measure: str, split: str, now: Chosen, key: str) -> None:
    every: tuple[Any, ...] = tuple(periods.begun(now.scope, now.grain, clock.now()))
    running = periods.running(now.scope, now.grain, clock.now()) is not None
    about = ("course", measure, split, now.scope, now.grain, every, running)
    drawn = runner.current().cached(
        about, lambda: _drawn(measure, split, now, every, running=running)
    )
    if drawn is None:
        notices.empty(nothing(now, measure))
        return
    chart.show(
        drawn.spec,
        key=f"chart-{key}",
        on_pick=lambda point: _keep_only(split, point.get("series"), drawn.trend.series),
        alt=_in_words(drawn, split, now),
    )
    if len(drawn.trend.series) > 1:
        st.html(charts.legend(drawn.picture))
    bounds = drawn.trend.bounds_in_words(drawn.picture.buckets, now.grain)
    st.caption(f"{_counted(split, drawn.trend)} {bounds}".strip())
    sheet = downloads.sheet_over_time(drawn.rows, measure, split, now.grain, drawn.trend.accuracy)
    downloads.behind(sheet, now, key=key)


@dataclass(frozen=True)
class _Drawn:
    """A course as Vega reads it, and what it shows: to make it takes as long as half a page."""

    spec: charts.Spec
    picture: charts.Course
    rows: Sequence[tuple[date | datetime, str, Any]]
    trend: Trend


def _drawn(
    measure: str, split: str, now: Chosen, every: Sequence[Any], *, running: bool
) -> _Drawn | None:
    """The picture of a number over time; None when there is nothing to see."""
    one, questions = METRICS[measure], runner.current()
    if split == WHOLE:
        trend, places = trends.whole(questions, measure, now.grain, now.scope), {}
    else:
        trend = trends.split(questions, measure, split, now.grain, now.scope)
        places = questions.first_seen(split)
    rows = [row for row in trend.rows if row[0] in set(every)]
    if not any(value for *_, value in rows):
        return None
    rest = {trend.rest: charts.NEUTRAL} if trend.rest else {}
    picture = charts.Course(
        label=one.label,
        kind=one.format,
        grain=now.grain,
        buckets=every,
        running=running,
        colours=charts.colours(trend.series, places) | rest,
        stacked=_adds_up(measure, split),
        zone=now.scope.zone,
        phrases=trend.phrases,
    )
    spec = charts.spec(charts.over_time(rows, picture))
    return _Drawn(spec, picture, rows, trend)


def _can_be_split(measure: str, split: str) -> bool:
    """Not where what adds up elsewhere would be counted twice: a session by its several models.

    Nor where the reader is not told: who sees groups only, of sessions by what they used.
    """
    if measure == "sessions" and not runner.tells_sessions((split,)):
        return False
    one, dimension = METRICS[measure], DIMENSIONS[split]
    return one.splits(dimension) and (one.adds_up(dimension) or not one.additive)


def _adds_up(measure: str, split: str) -> bool:
    """Whether the parts are the whole, so that they may be stacked."""
    one = METRICS[measure]
    return one.additive if split == WHOLE else one.adds_up(DIMENSIONS[split])


def _choice(label: str, names: Sequence[str], known: Any, key: str, every: Iterable[str]) -> str:
    """What the reader chose of some names; ``every`` are all that other choices can leave."""
    chosen = st.selectbox(
        label,
        names,
        format_func=lambda name: known[name].label if name in known else "Nothing",
        width=170,
        **url_values.one_of(key, names, names[0], known=url_values.among(every)).widget_arguments(),
    )
    return str(chosen or names[0])


def _keep_only(split: str, name: Any, names: Sequence[str]) -> None:
    """Filter by a series, unless it is of values that no filter names."""
    if split in pages.FILTERS and name in names[: pages.TOP]:
        filters.narrow(split, name)


def _counted(split: str, trend: Trend) -> str:
    if split == WHOLE:
        return "Everything together."
    values = trend.values
    label = DIMENSIONS[split].label.lower()
    top = min(pages.TOP, values)
    clickable = " Click one to keep only it." if split in pages.FILTERS else ""
    if values > len(trend.series):
        return f"Top {top} of {values:,} by {label}, the rest together as Other.{clickable}"
    return f"{formats.plural(values, 'value')} of {label}.{clickable}"


def _in_words(drawn: _Drawn, split: str, now: Chosen) -> str:
    one = METRICS[drawn.trend.measure]
    most = max((row for row in drawn.rows if row[2] is not None), key=lambda row: row[2])
    how = drawn.trend.accuracies.get(most[:2], EXACT)
    by = "" if split == WHOLE else f" by {DIMENSIONS[split].label.lower()}"
    at = charts.when(most[0], now.grain, now.scope.zone)
    return (
        f"{one.label}{by} per {now.grain}, {now.words}. The largest is {formats.visible(most[1])}, "
        f"{at}, with {formats.number(most[2], one.format, how.standing)}. The table below "
        "has all numbers."
    )


def nothing(now: Chosen, measure: str) -> str:
    """Why there is nothing to see of a number, and what to do."""
    if runner.is_unknown(measure):
        return runner.NO_REQUEST
    narrowed = bool(now.scope.include or now.scope.exclude)
    if narrowed:
        return (
            "Nothing matches these filters in this period. Drop a filter, or choose another period."
        )
    return "Nothing was recorded in this period. Choose a longer one."


def moved(contents: PageContents, now: Chosen) -> None:
    """What changed most since the period before, over several dimensions; the largest first."""
    measure, by = contents.moving, runner.without_people(contents.moved)
    st.header("What moved most", anchor=False)
    with notices.tile("what moved most"):
        reason = _cannot_compare(now)
        about = ("moved", measure, by, now.scope, now.before)
        changes = (
            [] if reason else runner.current().cached(about, lambda: _changes(measure, by, now))
        )
        top = movers.largest(changes)
        _moved(top, measure, reason or _moved_note(changes))


def _changes(measure: str, by: Sequence[str], now: Chosen) -> list[Move]:
    if now.before is None:
        return []
    return movers.changes(runner.current(), measure, by, now.before, now.scope)


def _cannot_compare(now: Chosen) -> str:
    if now.before is None:
        return "Turn on the comparison in the sidebar to see what changed."
    if not is_recorded(runner.current(), now.before):
        return "The period before was not recorded from its beginning: nothing to compare."
    return ""


def _moved_note(changes: Sequence[Move]) -> str:
    """What stands below the changes; it counts those that cannot be compared."""
    unlike = sum(not one.is_comparable for one in changes)
    if not changes:
        return "Nothing changed."
    if not unlike:
        return EACH_BY_ITSELF
    left_out = (
        f"{formats.plural(unlike, 'value')} left out: of one of the two periods only a part is "
        "known, or nothing, so no change is shown."
    )
    return f"{EACH_BY_ITSELF} {left_out}" if unlike < len(changes) else left_out


def _moved(changes: Sequence[Move], measure: str, note: str) -> None:
    change = f"Change of {METRICS[measure].label.lower()}"
    addresses = [navigation.value_address(each.by, each.name) for each in changes]
    tables.show(
        [_move(each, measure) for each in changes],
        [
            Column("Name", meaning="Shows more of this.", longest=34, links=Links("", addresses)),
            Column("Dimension", longest=34),
            *(Column(label, "words") for label in (change, "Relative change", "Before", "Now")),
        ],
        key="moved",
        label="What moved most",
        note=note,
        is_sortable=False,
    )


def _move(one: Move, measure: str) -> tuple[object, ...]:
    kind = METRICS[measure].format
    change, whole, relative = one.in_words(measure)
    return (
        one.name,
        DIMENSIONS[one.by].label,
        tables.Words(change, whole),
        relative,
        tables.number(one.was, kind, one.before_accuracy),
        tables.number(one.now, kind, one.now_accuracy),
    )


@contextmanager
def picked(title: str, words: str, parameter: str, key: str) -> Iterator[None]:
    """A box for what the reader picked in a picture, and a button that drops it.

    ``parameter`` is where the choice is kept; it is of a box to choose from, and of the address.
    """
    with st.container(border=True, key=f"picked-{key}"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"named-{key}"):
            st.subheader(title, anchor=False, width="content")
            st.caption(words, width="stretch")
            st.button(
                "Clear",
                key=f"clear-{key}",
                icon=":material/close:",
                type="tertiary",
                on_click=url.put,
                args=({parameter: ()},),
            )
        yield


@st.fragment(parallel=True)
def apart(draw: Callable[..., None], *arguments: Any) -> None:
    """Draw a part of the page beside the others: a slow one keeps none of them waiting."""
    with url.apart():
        draw(*arguments)
