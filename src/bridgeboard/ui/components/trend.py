"""The chart over time of a page, what moved most, and parts of a page that fail alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import time, timedelta
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis import movers
from bridgeboard.analysis.headlines import is_recorded
from bridgeboard.analysis.movers import Move
from bridgeboard.model import pages, periods
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.pages import PageContents
from bridgeboard.model.periods import Grain
from bridgeboard.model.scope import Scope
from bridgeboard.ui import navigation, runner, url, url_values
from bridgeboard.ui.components import (
    chart,
    chart_findings,
    clock,
    data_quality,
    downloads,
    filters,
    headline_cards,
    notices,
    tables,
    trend_drawing,
)
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.components.tables import Column, Links
from bridgeboard.ui.components.trend_drawing import WHOLE, Choice

T = TypeVar("T", bound=str)

_GRAINS: Final[Mapping[Grain, str]] = {name: name.capitalize() for name in periods.GRAINS}
OVERLAP: Final = (
    "Rows overlap: a person's change is also part of the change of a team and of a model."
)


def course(contents: PageContents, now: Chosen, key: str) -> None:
    """The number that a card chooses, over time, split by what the reader chooses.

    A click keeps only what it hits; dragging over stretches of time makes them the period.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"head-{key}"):
        measure = headline_cards.charted(contents, key)
        st.header(f"{METRICS[measure].label} over time", anchor=False, width="stretch")
        choice = _choice(measure, contents, now, key)
    with notices.tile("this chart"):
        _course(choice, now, key)


def _choice(measure: str, contents: PageContents, now: Chosen, key: str) -> Choice:
    """What the boxes of the chart say."""
    cumulative = url_values.switch(f"{key}-cumulative")
    adds_up, is_on = METRICS[measure].additive, bool(cumulative.value())
    if adds_up:
        st.checkbox(
            "Cumulative",
            help="Each bar also counts everything before it in this period.",
            **cumulative.widget_arguments(),
        )
    grains = periods.grains(now.scope)
    grain = _box("Per", grains, _GRAINS, f"{key}-grain", (now.grain, periods.GRAINS), 105)
    possible = runner.without_people(contents.splits)
    splits = [name for name in possible if _can_be_split(measure, name)]
    labels = {name: DIMENSIONS[name].label for name in splits} | {WHOLE: "Nothing"}
    every = (*contents.splits, WHOLE)
    split = _box("By", (*splits, WHOLE), labels, f"{key}-by", ((*splits, WHOLE)[0], every), 170)
    return Choice(measure, split, grain, cumulative=adds_up and is_on)


def _box(  # noqa: PLR0917 - all that a box is made of
    label: str,
    names: Sequence[T],
    labels: Mapping[T, str],
    key: str,
    usual_and_known: tuple[T, Iterable[T]],
    width: int,
) -> T:
    """What the reader chose of some names; nothing is drawn where there is no choice.

    Other choices can leave the address with any of the known names, the last of the pair.
    """
    usual, known = usual_and_known
    parameter = url_values.one_of(key, names, usual, known=url_values.among(map(str, known)))
    if len(names) > 1:
        st.selectbox(
            label,
            names,
            format_func=labels.__getitem__,
            width=width,
            **parameter.widget_arguments(),
        )
    return parameter.value() or usual


def _course(choice: Choice, now: Chosen, key: str) -> None:
    every: tuple[Any, ...] = tuple(periods.begun(now.scope, choice.grain, clock.now()))
    running = periods.running(now.scope, choice.grain, clock.now()) is not None
    findings = chart_findings.by_bucket(now.scope, choice.grain, every)
    marks = chart_findings.marks(findings or {})
    about = ("course", choice, now.scope, now.before, every, running, tuple(marks))
    drawn = runner.current().cached(
        about, lambda: trend_drawing.drawing(choice, now, every, marks, running=running)
    )
    if drawn is None:
        notices.empty(nothing(now, choice.measure))
        return
    zooms = f"zooms-{key}"

    def zoom(keys: Sequence[str]) -> None:
        # A drag leaves its mark on the chart: the next one is drawn anew.
        st.session_state[zooms] = st.session_state.get(zooms, 0) + 1
        zoom_to([each for each in every if charts.key(each) in keys], choice.grain, now.scope)

    chart.show(
        drawn.spec,
        key=f"chart-{key}",
        chosen=st.session_state.get(zooms),
        on_pick=lambda point: _keep_only(choice.split, point.get("series"), drawn.trend.series),
        alt=trend_drawing.in_words(drawn, choice, now),
        on_zoom=zoom,
        on_mark=lambda bucket: chart_findings.opened(findings or {}, bucket),
    )
    if legend := charts.legend(drawn.picture):
        st.html(legend)
    bounds = drawn.trend.bounds_in_words(drawn.picture.buckets, choice.grain)
    counted = trend_drawing.counted(choice.split, drawn.trend)
    st.caption(" ".join(filter(None, (counted, bounds))))
    chart_findings.show(findings, now.scope, choice.grain, key)
    downloads.behind(trend_drawing.sheet(choice, drawn), now, key=key)


def zoom_to(buckets: Sequence[Any], grain: Grain, scope: Scope) -> None:
    """Make some stretches of time of a scope its period; for callbacks."""
    if not buckets:
        return
    since = max(scope.since, periods.bounds(scope, grain, buckets[0])[0])
    until = min(scope.until, periods.bounds(scope, grain, buckets[-1])[1])
    first, end = (at.astimezone(ZoneInfo(scope.zone)) for at in (since, until))
    last = end.date() if end.time() != time() else end.date() - timedelta(days=1)
    hours = (at.time().replace(second=0, microsecond=0) for at in (first, end))
    begins, ends = (at if at != time() else None for at in hours)
    filters.put_days(first.date(), last, (begins, ends))


def _can_be_split(measure: str, split: str) -> bool:
    """Not where what adds up elsewhere would be counted twice: a session by its several models.

    Nor where the reader is not told: who sees groups only, of sessions by what they used.
    """
    if measure == "sessions" and not runner.tells_sessions((split,)):
        return False
    one, dimension = METRICS[measure], DIMENSIONS[split]
    return one.splits(dimension) and (one.adds_up(dimension) or not one.additive)


def _keep_only(split: str, name: Any, names: Sequence[str]) -> None:
    """Filter by a series, unless it is of values that no filter names."""
    if split in pages.FILTERS and name in names[: pages.TOP]:
        filters.narrow(split, name)


def nothing(now: Chosen, measure: str) -> str:
    """Why there is nothing to see of a number, and what to do."""
    if runner.is_unknown(measure):
        return runner.NO_REQUEST
    narrowed = bool(now.scope.include or now.scope.exclude)
    if narrowed:
        return (
            "No usage matches these filters in this period. Remove one, or choose another period."
        )
    return data_quality.why_empty("No usage in this period. Choose a longer one.")


def moved(contents: PageContents, now: Chosen) -> None:
    """What changed most since the period before, over several dimensions; the largest first."""
    measure, by = contents.moving, runner.without_people(contents.moved)
    st.header("What moved most", anchor=False)
    with notices.tile("what moved most"):
        reason = cannot_compare(now)
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


def cannot_compare(now: Chosen) -> str:
    """Why there is no change to show; empty where there is."""
    if now.before is None:
        return "Choose what to compare with to see what changed."
    if not is_recorded(runner.current(), now.before):
        return f"There are no records from the start of the {now.compared_with} to compare with."
    return ""


def _moved_note(changes: Sequence[Move]) -> str:
    """What stands below the changes; it counts those that cannot be compared."""
    unlike = sum(not one.is_comparable for one in changes)
    if not changes:
        return "Nothing changed."
    if not unlike:
        return OVERLAP
    left_out = (
        f"{formats.plural(unlike, 'value')} left out: of one of the two periods only a part is "
        "known, or nothing."
    )
    return f"{OVERLAP} {left_out}" if unlike < len(changes) else left_out


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
