"""The stretches of time in a scope, so that one in which nothing happened is shown as such."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from bridgeboard.model import zones
from bridgeboard.model.dimensions import HOURS_A_WEEK, dimension
from bridgeboard.model.errors import MetricError
from bridgeboard.model.metrics import metric
from bridgeboard.model.scope import Scope

Bucket = date | datetime | int
"""A value of a dimension of time, as ``select`` gives it."""

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(weeks=1)


def buckets(scope: Scope, grain: str) -> list[Bucket]:
    """All values that a dimension of time has in a scope, in order.

    The first and the last may reach beyond the scope. Raises MetricError for other dimensions.
    """
    _check(grain)
    if grain == "weekday_hour":
        return list(range(HOURS_A_WEEK))
    if scope.since == scope.until:
        return []
    return list(_hours(scope) if grain == "hour" else _dates(scope, grain))


def bounds(scope: Scope, grain: str, bucket: Bucket) -> tuple[datetime, datetime]:
    """When a bucket begins and ends: half-open, aware UTC, whatever the scope cuts off.

    Raises MetricError for the hours of the week, which are no stretch of time.
    """
    if isinstance(bucket, datetime):
        start = zones.microseconds(bucket.replace(tzinfo=UTC))
        return zones.moment(start), zones.moment(zones.next_hour(scope.segments, start))
    if isinstance(bucket, date):
        ends = zones.midnight(_next(bucket, grain), scope.zone)
        return zones.midnight(bucket, scope.zone), ends
    raise MetricError(f"{grain!r} is no stretch of time.")


def begun(scope: Scope, grain: str, now: datetime) -> list[Bucket]:
    """The buckets of a scope that have begun: the others have no data yet."""
    every = buckets(scope, grain)
    return [bucket for bucket in every if bounds(scope, grain, bucket)[0] <= now]


def running(scope: Scope, grain: str, now: datetime) -> Bucket | None:
    """The bucket of a scope that has begun but not ended; None where there is none."""
    for bucket in buckets(scope, grain):
        since, until = bounds(scope, grain, bucket)
        if since <= now < until:
            return bucket
    return None


def filled(
    rows: Sequence[tuple[object, ...]], names: Sequence[str], by: Sequence[str], scope: Scope
) -> list[tuple[object, ...]]:
    """Rows of ``select(names, by, scope)`` and one of empty numbers for every bucket without any.

    Of other dimensions, each combination that occurs gets all buckets. In order of time, then of
    first occurrence. Raises MetricError unless just one of ``by`` is of time.
    """
    places = [place for place, name in enumerate(by) if dimension(name).time]
    if len(places) != 1:
        raise MetricError(f"Rows are filled along one dimension of time, not {len(places)}.")
    (place,) = places
    empty = tuple(metric(name).empty for name in names)
    known = {row[: len(by)]: row for row in rows}
    others = dict.fromkeys((key[:place], key[place + 1 :]) for key in known) or (
        {((), ()): None} if len(by) == 1 else {}
    )
    keys = [
        (*before, bucket, *after)
        for bucket in buckets(scope, by[place])
        for before, after in others
    ]
    return [known.get(key, (*key, *empty)) for key in keys]


def _check(grain: str) -> None:
    if not dimension(grain).time:
        raise MetricError(f"{grain!r} is no dimension of time.")


def _hours(scope: Scope) -> Iterator[datetime]:
    parts, until = scope.segments, zones.microseconds(scope.until)
    at = zones.hour_start(parts, zones.microseconds(scope.since))
    while at < until:
        yield zones.moment(at).replace(tzinfo=None)
        at = zones.next_hour(parts, at)


def _dates(scope: Scope, grain: str) -> Iterator[date]:
    first = scope.first_day
    day = {
        "day": first,
        "week": scope.week_of(first),
        "month": first.replace(day=1),
    }[grain]
    while day <= scope.last_day:
        yield day
        day = _next(day, grain)


def _next(day: date, grain: str) -> date:
    if grain == "month":
        return (day.replace(day=28) + 4 * _DAY).replace(day=1)
    return day + {"day": _DAY, "week": _WEEK}[grain]
