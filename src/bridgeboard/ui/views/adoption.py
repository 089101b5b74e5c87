"""Adoption on the page People: new, returning and dormant people, activity, cohorts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis import adoption
from bridgeboard.analysis.adoption import Windows
from bridgeboard.exports import Column, Sheet
from bridgeboard.model import accuracy, pages, periods
from bridgeboard.model.accuracy import EXACT, Accuracy, together
from bridgeboard.model.answer import Answer
from bridgeboard.ui import navigation, runner, url, url_values
from bridgeboard.ui.components import (
    breakdown,
    chart,
    downloads,
    headline_cards,
    notices,
    tables,
    top_lists,
    trend,
)
from bridgeboard.ui.components.filters import Chosen

WINDOWS: Final = {1: "Daily", 7: "Weekly", 28: "Monthly"}
WEEKS: Final = 12
MOST_DAYS: Final = 300
"""Days of three lines that make a thousand marks at most."""
DAY: Final = "day"
"""The parameter that names a day of the lines of active people."""
WITHIN: Final = url_values.one_of("active", WINDOWS, next(iter(WINDOWS)))
"""The parameter that says which of the lines is meant: who was active on how many days up to it."""
COHORT: Final = "cohort"
"""The parameter that names a cell of the cohorts."""
MOST_PEOPLE: Final = 50
"""How many people of a cell are listed."""
A_COLUMN: Final = 25
"""How many of them stand in one column."""
Cell = tuple[date, date]
"""The week in which people began, and one in which they were active, by their first days."""

_MEANS: Final = {
    1: "active on the day",
    7: "active on the day or the 6 days before",
    28: "active on the day or the 27 days before",
}


def people(now: Chosen) -> None:
    """New, returning and dormant people, and how often the active ones come."""
    if not runner.shows_people():
        return
    with notices.tile("adoption"):
        presence = adoption.presence(runner.current(), now.scope)
        windows = _windows(now)
        headline_cards.row(
            [
                *(_card(name, presence) for name in pages.PRESENCE),
                _stickiness(windows),
            ]
        )


def course(now: Chosen) -> None:
    """Daily, weekly and monthly active people over the period, and who they were on a day.

    A click on a point picks its day and its line, and so do the boxes beside the heading, which
    are in the address.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", key="head-active"):
        st.header("Active people", anchor=False, width="stretch")
        point = _point(now)
    with notices.tile("active people"):
        windows = _windows(now)
        active = windows.people
        step = -(-len(active) // MOST_DAYS)
        names = [_named(size) for size in WINDOWS]
        rows = [
            (row[0], name, value)
            for row in active.rows[::-1][::step][::-1]
            for name, value in zip(names, row[1:], strict=True)
        ]
        if not any(value for *_, value in rows):
            notices.empty(
                runner.NO_REQUEST
                if runner.is_unknown("active_people")
                else "Nobody was active in this period."
            )
            return
        picture = charts.Course(
            label="Active people",
            kind="count",
            grain="day",
            buckets=list(dict.fromkeys(row[0] for row in rows)),
            running=False,
            colours=dict(zip(names, charts.RING, strict=False)),
            stacked=False,
            phrases=_phrases(windows),
        )
        _lines(rows, picture, active, point)
        if point[0]:
            _of_day(point[0], point[1], windows, now)
        columns = (
            Column("day", "Day", "date"),
            *(_active_column(size, windows) for size in WINDOWS),
        )
        downloads.behind(Sheet("Active people by day", columns, active.rows), now, key="active")


def _active_column(size: int, windows: Windows) -> Column:
    how = together(how for (_, each), how in windows.accuracies.items() if each == size)
    column = Column(f"active_{size}", _named(size), "count", _MEANS[size])
    return downloads.with_accuracy(column, how)


def _point(now: Chosen) -> tuple[date | None, int]:
    """The day that the boxes name, and how many days up to it count."""
    days = [each for each in periods.buckets(now.scope, "day") if isinstance(each, date)]
    day: date | None = st.selectbox(
        "Day",
        days[::-1],
        index=None,
        placeholder="Choose a day",
        format_func=formats.day,
        width=170,
        **url_values.one_of(
            DAY, days, write=date.isoformat, known=url_values.day
        ).widget_arguments(),
    )
    size = st.selectbox(
        "Active",
        list(WINDOWS),
        format_func=WINDOWS.__getitem__,
        width=130,
        **WITHIN.widget_arguments(),
    )
    return day, int(size or 1)


def _lines(
    rows: Sequence[tuple[date, str, int]],
    picture: charts.Course,
    answer: Answer,
    point: tuple[date | None, int],
) -> None:
    day, size = point
    last = answer.rows[-1]
    chart.show(
        charts.lines(rows, picture, day if day in picture.buckets else None),
        key="active",
        chosen=f"{day}-{size}",
        on_pick=lambda mark: _pick_day(mark, picture.buckets, point),
        alt=f"Lines of active people a day. On {last[0]}: {last[1]} on the day, {last[2]} "
        f"within 7 days, {last[3]} within 28 days. The boxes Day and Active pick a point as a "
        "click does.",
    )
    st.html(charts.legend(picture))
    st.caption(
        "People active on the day, in the 7 days and in the 28 days up to it. Click a point to see "
        "who they were."
    )


def _pick_day(mark: chart.Point, days: Sequence[date], point: tuple[date | None, int]) -> None:
    """Take up what was clicked; a click on what is picked already drops it."""
    named = {_named(size): size for size in WINDOWS}
    drawn = {day.isoformat(): day for day in days}
    hit = drawn.get(str(mark.get("bucket"))), named.get(str(mark.get("series")))
    day, size = hit
    if day is not None and size is not None:
        chosen = [] if hit == point else [day.isoformat()]
        url.put({DAY: chosen, WITHIN.name: WITHIN.words(size)})


def _of_day(day: date, size: int, windows: Windows, now: Chosen) -> None:
    """Who was active on a day or within days up to it, the busiest first."""
    inside = _up_to(day, size, now)
    rows = windows.people.records()
    count = next((row[f"active_{size}"] for row in rows if row["day"] == day), 0)
    how = windows.accuracies.get((day, size), EXACT)
    words = f"{_counted(count, how)} {_MEANS[size]}"
    with trend.picked(formats.day(day), words, DAY, "active"):
        top_lists.compact("initiator", "requests", inside, "active-people", MOST_PEOPLE)
        people = runner.current().measured(("requests",), "initiator", inside.scope, "-requests")
        name = f"Active on {day}" + (f" or the {size - 1} days before" if size > 1 else "")
        downloads.menu(downloads.sheet_of(people, name), inside, key="active-people")


def _up_to(day: date, size: int, now: Chosen) -> Chosen:
    first = periods.bounds(now.scope, "day", day - timedelta(days=size - 1))[0]
    end = periods.bounds(now.scope, "day", day)[1]
    return replace(now, scope=replace(now.scope, since=first, until=end), before=None)


def cohorts(now: Chosen) -> None:
    """Of those who began in a week, how many came back in each week since, and who they are.

    A click on a cell picks it, and so does the box beside the heading, which is in the address.
    """
    if not runner.shows_people():
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="head-cohorts"):
        st.header("Cohorts by week of first use", anchor=False, width="stretch")
        cell = _cell(now)
    with notices.tile("cohorts"):
        answer, how = adoption.cohorts(runner.current(), now.scope, WEEKS)
        if not answer.rows:
            notices.empty(f"Nobody used AI for the first time in the last {WEEKS} weeks.")
            return
        _grid(answer, how, cell)
        st.caption(
            f"Of those who began in each of the last {WEEKS} weeks (how many in brackets), the "
            "share that was active so many weeks later; a blank is nobody. Up to the end of the "
            "period. "
            "Click a cell to see who they are."
            + (f" About right only: {'; '.join(how.reasons)}." if how.reasons else "")
        )
        if cell:
            _of_cell(cell, answer, how, now)
        columns = (
            Column("cohort", "Week of first use", "date"),
            Column("week", "Week", "date"),
            downloads.with_accuracy(Column("people", "Active people", "count"), how),
        )
        downloads.behind(Sheet("Cohorts by week", columns, answer.rows), now, key="cohorts")


def _cell(now: Chosen) -> Cell | None:
    cells = _cells(now)
    chosen: Cell | None = st.selectbox(
        "Cohort",
        cells,
        index=None,
        placeholder="Choose a cohort",
        format_func=lambda cell: f"{formats.day(cell[0])}, {_later(*cell)}",
        width=250,
        **url_values.one_of(COHORT, cells, write=_named_cell, known=_some_cell).widget_arguments(),
    )
    return chosen


def _named_cell(cell: Cell) -> str:
    """A cell as addresses have it: the week of first use, and how many weeks later."""
    cohort, week = cell
    return f"{cohort}~{(week - cohort).days // 7}"


def _some_cell(word: str) -> Cell:
    """A cell of any period, as addresses have it. Raises ValueError for any other text."""
    began, _, later = word.partition("~")
    cohort = url_values.day(began)
    if later not in map(str, range(WEEKS)):
        raise ValueError(word)
    return cohort, cohort + timedelta(weeks=int(later))


def _cells(now: Chosen) -> list[Cell]:
    """All that there can be, so that a link keeps its choice while the first sync still runs."""
    last = now.scope.week_of(now.scope.last_day)
    weeks = [last - timedelta(weeks=back) for back in range(WEEKS)[::-1]]
    return [(cohort, week) for cohort in weeks for week in weeks if cohort <= week]


def _grid(answer: Answer, how: Accuracy, cell: Cell | None) -> None:
    cells = {
        (cohort.isoformat(), week.isoformat()): (cohort, week) for cohort, week, _ in answer.rows
    }
    chart.show(
        charts.cohorts(
            list(answer.rows),
            dark=st.context.theme.type == "dark",
            chosen=cell,
            about=how.standing == "about",
        ),
        key="cohorts",
        chosen="-".join(map(date.isoformat, cell or ())) or None,
        on_pick=lambda point: _pick(point, cells, cell),
        alt=f"{_cohort_words(answer)} The box Cohort picks one as a click does.",
    )


def _pick(point: chart.Point, cells: Mapping[tuple[str, str], Cell], cell: Cell | None) -> None:
    """Take up what was clicked; a click on what is picked already drops it."""
    hit = cells.get((str(point.get("began")), str(point.get("week"))))
    if hit:
        url.put({COHORT: [] if hit == cell else [_named_cell(hit)]})


def _of_cell(cell: Cell, answer: Answer, how: Accuracy, now: Chosen) -> None:
    """Who began in a week and was active in another, each a way to the person's page."""
    people = adoption.cohort_people(runner.current(), now.scope, *cell)
    week = _up_to(cell[1] + timedelta(days=6), 7, now).scope
    asked = runner.current().measured(("requests",), "initiator", week, "-requests")
    counts = list(asked.records())
    accuracies = {one["initiator"]: accuracy.accuracy("requests", one) for one in counts}
    size = sum(count for cohort, week, count in answer.rows if cohort == week == cell[0])
    words = f"{len(people):,} of {_counted(size, how)} active {_later(*cell)}"
    title = f"Began in the week of {formats.day(cell[0])}"
    with trend.picked(title, words, COHORT, "cohorts"):
        with st.grid(min_column_width=breakdown.NARROWEST, gap="medium", key="lists-cohorts"):
            for first in range(0, max(1, min(len(people), MOST_PEOPLE)), A_COLUMN):
                _list(people, accuracies, cell[1], first)
        columns = (downloads.column("initiator"), downloads.column("requests", counts))
        name = f"Began {cell[0]}, active {cell[1]}"
        downloads.menu(Sheet(name, columns, people.rows), now, key="cohort-people")


def _list(people: Answer, accuracies: Mapping[str, Accuracy], week: date, first: int) -> None:
    """A column of names and requests, from a place on."""
    rows = people.rows[:MOST_PEOPLE][first : first + A_COLUMN]
    whole = f"Active in the week of {formats.day(week)}"
    title = f"Places {first + 1} to {first + len(rows)}" if first else whole
    links = navigation.links("initiator", [name for name, _ in rows])
    meaning = navigation.meaning("initiator")
    tables.show(
        [(name, tables.Inexact.of(count, accuracies.get(name, EXACT))) for name, count in rows],
        [
            tables.Column("Person", "text", meaning, longest=breakdown.NAME, links=links),
            tables.Column("Requests in that week", "count", exact=True),
        ],
        key=f"cohort-people-{first}",
        label=title,
        title=title,
        note="" if first else _shown(len(people)),
        is_sortable=False,
    )


def _later(cohort: date, week: date) -> str:
    weeks = (week - cohort).days // 7
    return f"{formats.plural(weeks, 'week')} later" if weeks else "in the first week"


def _shown(count: int) -> str:
    if count > MOST_PEOPLE:
        return f"Top {MOST_PEOPLE} of {count:,}, by requests in that week. The download has all."
    return f"All {count}, by requests in that week" if count else "Nobody."


def _windows(now: Chosen) -> Windows:
    return adoption.windows(runner.current(), now.scope, tuple(WINDOWS))


def _phrases(windows: Windows) -> dict[tuple[date | datetime, str], str]:
    """The words for numbers that are not exact, by day and line."""
    return {
        (row["day"], _named(size)): how.phrase(formats.exact(row[f"active_{size}"]))
        for row in windows.people.records()
        for size in WINDOWS
        if (how := windows.accuracies[row["day"], size]).standing != "exact"
    }


def _counted(count: int, how: Accuracy) -> str:
    """So many people, and how the number stands unless it is exact."""
    return how.in_words(formats.plural(count, "person", "people"))


def _named(size: int) -> str:
    return f"{WINDOWS[size]} ({formats.plural(size, 'day')})"


def _card(name: str, row: Mapping[str, Any]) -> headline_cards.Card:
    label, meaning = pages.PRESENCE[name]
    how = accuracy.presence_accuracy(name, row)
    return headline_cards.of_number(label, row[name], "count", meaning, how)


def _stickiness(windows: Windows) -> headline_cards.Card:
    return headline_cards.of_number(
        "Stickiness",
        windows.stickiness,
        "rate",
        "Daily active people over monthly active people, averaged over the days of the period: "
        "100% means that everybody comes every day.",
        windows.accuracy.loose,
    )


def _cohort_words(answer: Answer) -> str:
    rows: list[Any] = list(answer.rows)
    started = {cohort: people for cohort, week, people in rows if cohort == week}
    return (
        f"A grid of {len(started)} weekly cohorts with {sum(started.values())} people in all; "
        "the table below has how many of each were active in every week."
    )
