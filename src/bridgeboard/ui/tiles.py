"""Pictures and tables that pages are made of; each fails alone."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final

import pandas as pd
import streamlit as st

from bridgeboard import boards, charts, formats, periods
from bridgeboard.boards import Board, Move
from bridgeboard.metrics import DIMENSIONS, METRICS, Scope, bounds, buckets, filled
from bridgeboard.ui import downloads, filters, moves, notices, numbers, scopes, sheets
from bridgeboard.ui.scopes import Chosen

WHOLE: Final = "none"


def course(board: Board, now: Chosen, key: str) -> None:
    """A number over time, stacked by what the reader chooses; a click keeps only what it hits."""
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"head-{key}"):
        st.header("Over time", anchor=False, width="stretch")
        measure = _choice("Show", board.measures, METRICS, f"{key}-show")
        splits = [name for name in board.splits if _can_be_split(measure, name)]
        split = _choice("By", (*splits, WHOLE), DIMENSIONS, f"{key}-by")
    with notices.tile("this chart"):
        _course(measure, split, now, key)


def _course(measure: str, split: str, now: Chosen, key: str) -> None:
    one = METRICS[measure]
    every = _begun(now)
    told, names, values = _stacked(measure, split, now)
    told = [row for row in told if row[0] in set(every)]
    places = numbers.first_seen(split) if split != WHOLE else {}
    colours = charts.colours(names, places) | dict.fromkeys(names[boards.TOP :], charts.NEUTRAL)
    picture = charts.Course(
        label=one.label,
        kind=one.format,
        grain=now.grain,
        buckets=every,
        running=bool(every) and bounds(now.scope, now.grain, every[-1])[1] > filters.now(),
        colours=colours,
        stacked=_adds_up(measure, split),
        zone=now.scope.zone,
    )
    if not any(value for *_, value in told):
        notices.empty(_nothing(now))
        return
    st.vega_lite_chart(
        spec=_drawn(told, picture),
        width="stretch",
        key=f"chart-{key}",
        on_select=lambda: _keep_picked(f"chart-{key}", split, names),
        alt=_in_words(one.label, split, told, now),
    )
    if len(names) > 1:
        st.html(charts.legend(picture))
    st.caption(_counted(split, names, values))
    sheet = sheets.over_time(told, measure, split, now.grain)
    downloads.behind(sheet, now, key=key)


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs={charts.Course: repr})
def _drawn(rows: Sequence[tuple[Any, str, Any]], picture: charts.Course) -> dict[str, Any]:
    """A picture as Vega reads it: to make it, and to check it, takes as long as half a page."""
    return dict(charts.over_time(rows, picture).to_dict())


def _begun(now: Chosen) -> list[Any]:
    """The stretches of time that have begun: nothing can be drawn of the others."""
    every = buckets(now.scope, now.grain)
    at = filters.now()
    return [bucket for bucket in every if bounds(now.scope, now.grain, bucket)[0] <= at]


def _stacked(
    measure: str, split: str, now: Chosen
) -> tuple[list[tuple[date | datetime, str, Any]], list[str], int]:
    """(bucket, series, value) rows, the series from the bottom, and how many values there are."""
    label = METRICS[measure].label
    if split == WHOLE:
        told = numbers.series((measure,), now.grain, now.scope)
        return [(bucket, label, value) for bucket, value in told.rows], [label], 1
    told = numbers.top((measure,), (now.grain, split), now.scope, rank_by=measure, n=boards.TOP)
    count = told.column("values_count")[0] if told.rows else 0
    rest = boards.rest(count, boards.TOP)
    rows = [
        (bucket, rest if is_rest else name, value) for bucket, name, value, is_rest, _ in told.rows
    ]
    names = list(dict.fromkeys(name for _, name, _ in _by_rank(rows, rest)))
    known = filled([(b, n, v) for b, n, v in rows], (measure,), (now.grain, split), now.scope)
    return known, names, count  # type: ignore[return-value]  # rows of three


def _by_rank(rows: Sequence[tuple[Any, str, Any]], rest: str) -> list[tuple[Any, str, Any]]:
    totals: dict[str, float] = {}
    for _, name, value in rows:
        totals[name] = totals.get(name, 0) + (value or 0)
    return sorted(rows, key=lambda row: (row[1] == rest, -totals[row[1]], row[1]))


def _can_be_split(measure: str, split: str) -> bool:
    """Not where what adds up elsewhere would be counted twice: a session by its several models."""
    one, dimension = METRICS[measure], DIMENSIONS[split]
    return one.splits(dimension) and (one.adds_up(dimension) or not one.additive)


def _adds_up(measure: str, split: str) -> bool:
    """Whether the parts are the whole, so that they may be stacked."""
    one = METRICS[measure]
    return one.additive if split == WHOLE else one.adds_up(DIMENSIONS[split])


def _choice(label: str, names: Sequence[str], known: Any, key: str) -> str:
    chosen = st.selectbox(
        label,
        names,
        key=key,
        bind="query-params",
        format_func=lambda name: known[name].label if name in known else "Nothing",
        width=170,
    )
    return str(chosen or names[0])


def _keep_picked(key: str, split: str, names: Sequence[str]) -> None:
    points = st.session_state[key]["selection"].get("picked", [])
    for point in points:
        name = point.get("series")
        if split in scopes.PARAMETERS and name in names[: boards.TOP]:
            scopes.narrow(split, name)


def _counted(split: str, names: Sequence[str], values: int) -> str:
    if split == WHOLE:
        return "Everything together."
    label = DIMENSIONS[split].label.lower()
    top = min(boards.TOP, values)
    clickable = " Click one to keep only it." if split in scopes.PARAMETERS else ""
    if values > len(names):
        return f"Top {top} of {values:,} by {label}, the rest together as Other.{clickable}"
    return f"{formats.plural(values, 'value')} of {label}.{clickable}"


def _in_words(label: str, split: str, rows: Sequence[tuple[Any, str, Any]], now: Chosen) -> str:
    most = max((row for row in rows if row[2] is not None), key=lambda row: row[2])
    by = "" if split == WHOLE else f" by {DIMENSIONS[split].label.lower()}"
    kind = next(one.format for one in METRICS.values() if one.label == label)
    return (
        f"{label}{by} per {now.grain}, {now.words}. The largest is {formats.visible(most[1])} in "
        f"{most[0]} with {formats.number(most[2], kind)}. The table below has all numbers."
    )


def _nothing(now: Chosen) -> str:
    narrowed = bool(now.scope.include or now.scope.exclude)
    if narrowed:
        return (
            "Nothing matches these filters in this period. Drop a filter, or choose another period."
        )
    return "Nothing was recorded in this period. Choose a longer one."


def moved(now: Chosen, measure: str, by: Sequence[str], key: str) -> None:
    """What changed most since the period before, over several dimensions; the largest first."""
    st.header("What moved most", anchor=False)
    with notices.tile("what moved most"):
        if now.before is None:
            st.caption("Turn on the comparison in the sidebar to see what changed.")
            return
        if not periods.is_covered(now.before, numbers.coverage().first_at):
            st.caption("The period before was not recorded from its beginning: nothing to compare.")
            return
        found = [one for name in by for one in _changes(measure, name, now.scope, now.before)]
        if found:
            _moved(boards.largest(found), measure, key)
        else:
            notices.empty("Nothing changed.")


def _changes(measure: str, by: str, scope: Scope, before: Scope) -> list[Move]:
    was, now = (
        dict(numbers.ordered((measure,), (by,), each, (f"-{measure}",)).rows)
        for each in (before, scope)
    )
    return boards.moves(by, was, now)


def _moved(changes: Sequence[Move], measure: str, key: str) -> None:
    kind = METRICS[measure].format
    lines = [
        {
            "what": formats.middle(formats.visible(one.name), 34) or "(empty)",
            "kind": DIMENSIONS[one.by].label,
            "change": ("+" if one.now > one.was else "-") + formats.number(one.size, kind),
            "relative": formats.change(one.now, one.was, kind) or "new",
            "was": formats.number(one.was, kind),
            "now": formats.number(one.now, kind),
        }
        for one in changes
    ]
    st.dataframe(
        pd.DataFrame(lines),
        hide_index=True,
        key=key,
        column_config={
            "what": st.column_config.ButtonColumn(
                "What",
                type="tertiary",
                alignment="left",
                pinned=True,
                key=f"pressed-{key}",
                on_click=_follow_change,
                args=(changes, f"pressed-{key}"),
            ),
            "kind": st.column_config.TextColumn("Is a"),
            "change": st.column_config.TextColumn(
                f"Change of {METRICS[measure].label.lower()}", alignment="right"
            ),
            "relative": st.column_config.TextColumn("In percent", alignment="right"),
            "was": st.column_config.TextColumn("Before", alignment="right"),
            "now": st.column_config.TextColumn("Now", alignment="right"),
        },
        alt=f"The largest changes of {METRICS[measure].label.lower()}",
    )
    st.caption("Each row counts by itself: a person's change is also that of a team and a model.")


def _follow_change(changes: Sequence[Move], key: str) -> None:
    row = st.session_state[key]["row"]
    if row < len(changes):
        moves.to(changes[row].by, changes[row].name)


def hours_of_week(now: Chosen, measure: str, key: str) -> None:
    """When in the week people work with AI, in the chosen zone."""
    st.header("Hours of the week", anchor=False)
    with notices.tile("the hours of the week"):
        told = numbers.series((measure,), "weekday_hour", now.scope)
        values = told.column(measure)
        if not any(values):
            notices.empty(_nothing(now))
            return
        busiest = max(range(len(values)), key=lambda place: values[place] or 0)
        day, hour = charts.WEEKDAYS[busiest // 24], busiest % 24
        one = METRICS[measure]
        st.altair_chart(
            charts.hours_of_week(values, one.label, one.format),
            key=key,
            alt=f"{one.label} by weekday and hour in {now.scope.zone}; most on {day} at {hour}:00.",
        )
        st.caption(
            f"{one.label} by local weekday and hour ({formats.unmarked(now.scope.zone)}). "
            f"Busiest: {day} from {hour}:00."
        )
        downloads.behind(sheets.of(told, f"{one.label} by hour of the week"), now, key=key)


@st.fragment(parallel=True)
def apart(draw: Callable[..., None], *told: Any) -> None:
    """Draw a part of the page beside the others: a slow one keeps none of them waiting."""
    if moves.is_due():
        st.rerun()
    draw(*told)
