"""How many people were active of late: daily, weekly, monthly."""

import calendar
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from bridgeboard.model.dimensions import UNKNOWN
from bridgeboard.model.errors import MetricError
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import Query, with_tables
from bridgeboard.queries.metric_sources import Arguments, asked, rows, tables

_EPOCH: Final = date(1970, 1, 1)
_BEGINNING: Final = datetime(1990, 1, 1, tzinfo=UTC)
_WEEKS: Final = ("cohort", "week")
_SIZES: Final = range(1, 367)
_SPANS: Final = (
    "SELECT day, lead(day) OVER (PARTITION BY initiator ORDER BY day) - day AS gap FROM active"
)


def active_people_windows(scope: Scope, days: Sequence[int] = (1, 7, 28)) -> Query:
    """For each local day of a scope, the people active on it or on the days before.

    Every active day of a person counts for as many days as the window is long, or until the next
    active day: one step up and one step down, whose running sum is the answer for any window.

    Args:
        scope: period and filters. Days before it are looked at as far as the windows reach, and
            its first day is counted from its midnight on.
        days: how many days each window has, the day itself included; 1 to 366.

    Returns:
        ``day`` (date), and ``active_1``, ``active_7`` ... (BIGINT); a row for every day.

    Raises:
        MetricError: for windows out of range.
    """
    if not days or any(size not in _SIZES for size in days):
        raise MetricError(f"Windows are {_SIZES[0]} to {_SIZES[-1]} days long, not {list(days)}.")
    into, sizes = Arguments(), sorted(set(days))
    longer = scope.reaching_back(sizes[-1] - 1)
    source = rows("usage", ["day"], longer, into)
    first, last = (into.bound((day - _EPOCH).days) for day in (scope.first_day, _end(scope)))
    every_day = f"SELECT unnest(range({first}, {last})), {', '.join('0' for _ in sizes)}"
    running = _each(sizes, "CAST(sum(d.{0}) OVER (ORDER BY d.day) AS BIGINT) AS {0}")
    common = [
        *tables(asked([], scope)),
        f"active AS (SELECT DISTINCT f.initiator, {source.keys['day']} AS day {source.text})",
        f"spans AS ({_SPANS})",
        f"steps AS ({_steps(sizes)} UNION ALL {every_day})",
        f"daily AS (SELECT day, {_each(sizes, 'sum(s.{0}) AS {0}')} FROM steps s GROUP BY day)",
        f"counted AS (SELECT day, {running} FROM daily d)",
    ]
    columns = f"make_date(CAST(c.day AS INTEGER)) AS day, {_each(sizes, 'c.{0}')}"
    shown = (
        f"SELECT {columns} FROM counted c WHERE c.day >= {first} AND c.day < {last} ORDER BY day"
    )
    return with_tables(common, shown, into, asked(["day"], scope))


def presence(scope: Scope) -> Query:
    """How many people came, stayed and left, by the requests that pass a scope's filters.

    Returns:
        One row: ``new`` (their first such request of all times lies in the period), ``returning``
        (they had some before, and have some in the period) and ``dormant`` (they had some before
        and have none in the period). BIGINT; new and returning are the active people.
    """
    into = Arguments()
    source = rows("usage", [], _from_the_beginning(scope), into)
    since = into.bound(scope.since)
    seen = (
        f"SELECT f.initiator, min(f.started_at) AS first_at, max(f.started_at) AS last_at"
        f" {source.text} GROUP BY f.initiator"
    )
    common = [*tables(asked([], scope)), f"seen AS ({seen})"]
    counted = (
        f"count(*) FILTER (WHERE first_at >= {since}) AS new",
        f"count(*) FILTER (WHERE first_at < {since} AND last_at >= {since}) AS returning",
        f"count(*) FILTER (WHERE last_at < {since}) AS dormant",
    )
    sql = f"SELECT {', '.join(counted)} FROM seen"
    return with_tables(common, sql, into, _telling_apart(scope))


def cohorts(scope: Scope, weeks: int = 12) -> Query:
    """Of the people who began in a week, how many were active in each week since.

    Args:
        scope: its end, zone and filters; the period's beginning does not count.
        weeks: how many weeks of beginning there are, the last one being that of the scope's end.

    Returns:
        ``cohort`` and ``week`` (dates, first days of weeks) and ``people`` (BIGINT), for weeks
        with any.

    Raises:
        MetricError: for no weeks.
    """
    if weeks < 1:
        raise MetricError(f"There are no cohorts of {weeks} weeks.")
    into = Arguments()
    common = _cohorts([], scope, into)
    last = scope.week_of(scope.last_day)
    oldest = into.bound((last - timedelta(weeks=weeks - 1) - _EPOCH).days)
    shown = ", ".join(f"make_date(CAST(s.{name} AS INTEGER)) AS {name}" for name in _WEEKS)
    sql = (
        f"SELECT {shown}, count(*) AS people FROM since s"
        f" WHERE s.cohort >= {oldest} GROUP BY s.cohort, s.week ORDER BY cohort, week"
    )
    return with_tables(common, sql, into, _telling_apart(scope))


def cohort_people(scope: Scope, cohort: date, week: date) -> Query:
    """Who began in a week and was active in a later one: the people of one of ``cohorts``' cells.

    Args:
        scope: its end, zone and filters, as for ``cohorts``.
        cohort: the week of beginning, by its first day.
        week: the week of activity, likewise. In that of beginning everybody was active.

    Returns:
        ``initiator``, and ``requests`` in that week that pass (BIGINT); the most first.

    Raises:
        MetricError: for a day on which no week begins.
    """
    for day in (cohort, week):
        if day != scope.week_of(day):
            first = calendar.day_name[scope.week_start]
            raise MetricError(f"A week is known by its {first}, which {day} is not.")
    into = Arguments()
    common = _cohorts(["initiator"], scope, into, ", CAST(sum(f.requests) AS BIGINT) AS requests")
    cell = " AND ".join(
        f"s.{name} = {into.bound((day - _EPOCH).days)}"
        for name, day in zip(_WEEKS, (cohort, week), strict=True)
    )
    sql = (
        f"SELECT * FROM (SELECT coalesce(p.person, '{UNKNOWN}') AS initiator, s.requests"
        f" FROM since s LEFT JOIN people p ON p.initiator = s.initiator WHERE {cell}) t"
        " ORDER BY t.requests DESC, t.initiator"
    )
    return with_tables(common, sql, into, _telling_apart(scope))


def _cohorts(by: Sequence[str], scope: Scope, into: Arguments, more: str = "") -> list[str]:
    """Common tables; ``since`` has a row for each person and active week, and whose cohort it is.

    ``by`` are dimensions that are to be shown, ``more`` SQL of more columns of a week.
    """
    source = rows("usage", ["week"], _from_the_beginning(scope), into)
    week = f"{source.keys['week']} AS week"
    active = f"SELECT f.initiator, {week}{more} {source.text} GROUP BY 1, 2"
    since = "SELECT *, min(week) OVER (PARTITION BY initiator) AS cohort FROM active"
    return [*tables(asked(by, scope)), f"active AS ({active})", f"since AS ({since})"]


def _telling_apart(scope: Scope) -> set[str]:
    """What a question speaks of that counts people by what each of them did before."""
    return asked(["initiator"], scope)


def _from_the_beginning(scope: Scope) -> Scope:
    return replace(scope, since=min(scope.since, _BEGINNING))


def _end(scope: Scope) -> date:
    """The day after the last; the first day itself for a period of no length."""
    return scope.last_day + timedelta(days=scope.until > scope.since)


def _steps(sizes: Sequence[int]) -> str:
    """A step up on every active day, and one down on the day when it counts no more."""
    up = f"SELECT day, {_each(sizes, '1 AS {0}')} FROM spans"
    downs = [
        f"SELECT day + least({size}, coalesce(gap, {size})), "
        + ", ".join(str(-int(size == other)) for other in sizes)
        + " FROM spans"
        for size in sizes
    ]
    return " UNION ALL ".join([up, *downs])


def _each(sizes: Sequence[int], sql: str) -> str:
    return ", ".join(sql.format(f"active_{size}") for size in sizes)
