"""Named periods → scopes, what each is compared with, and the stretches of time in a scope.

Pure: the day is an argument. A stretch in which nothing happened is shown as such (``filled``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from bridgeboard import formats
from bridgeboard.model import times
from bridgeboard.model.dimensions import HOURS_A_WEEK, dimension
from bridgeboard.model.errors import MetricError
from bridgeboard.model.metrics import metric
from bridgeboard.model.scope import Scope

Grain = Literal["hour", "day", "week", "month"]

PRESETS: Final[Mapping[str, str]] = {
    "today": "Today",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
    "week": "Week to date",
    "last-week": "Last week",
    "month": "Month to date",
    "last-month": "Last month",
    "quarter": "Quarter to date",
    "custom": "Custom days",
}
"""Name in addresses and on the command line → label."""
USUAL: Final = "30d"

COMPARISONS: Final[Mapping[str, str]] = {
    "previous": "Previous period",
    "month": "Same period last month",
    "year": "Same period last year",
}
"""Name in addresses → label, of what a period can be compared with."""
_COMPARED_MONTHS: Final = {"month": 1, "year": 12}

FIRST_DAY: Final = date(1990, 1, 1)
LAST_DAY: Final = date(2099, 12, 31)
"""What is outside of these is a slip of the keyboard."""
_BACK: Final = {"today": 0, "7d": 6, "30d": 29, "90d": 89}
_MONTHS: Final = {"month": 1, "last-month": 1, "quarter": 3}
_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)
_GRAINS: Final[Sequence[tuple[int, Grain]]] = ((2, "hour"), (92, "day"), (730, "week"))
_HOURS_LONG: Final[Mapping[Grain, int]] = {"hour": 1, "day": 24, "week": 168, "month": 730}
GRAINS: Final = tuple(_HOURS_LONG)
"""Stretches of time, the shortest first."""
_READABLE: Final = 200
"""Bars of a chart at most."""


def named(word: str) -> str:
    """The name of a period. Raises ValueError for one that there is not."""
    if word not in PRESETS:
        raise ValueError(word)
    return word


def days(
    preset: str, today: date, chosen: Sequence[date] = (), week_start: int = 0
) -> tuple[date, date]:
    """The first and the last day of a period, both included.

    ``chosen`` are the outermost days of a custom one, in any order; without any it is today.
    ``week_start`` is the weekday that weeks begin on, 0 for Monday.
    """
    if preset == "custom":
        return min(chosen, default=today), max(chosen, default=today)
    week = today - (today.weekday() - week_start) % 7 * _DAY
    month = today.replace(day=1)
    begun = {
        "week": (week, today),
        "last-week": (week - 7 * _DAY, week - _DAY),
        "month": (month, today),
        "last-month": (_shifted(month, -1), month - _DAY),
        "quarter": (_shifted(month, -((today.month - 1) % 3)), today),
    }
    return begun.get(preset) or (today - timedelta(days=_BACK[preset]), today)


def scope(
    preset: str,
    today: date,
    zone: str,
    chosen: Sequence[date] = (),
    hours: tuple[time | None, time | None] = (None, None),
    *,
    week_start: int = 0,
) -> Scope:
    """The period as whole local days, without filters.

    ``hours`` are times of day, for a custom period only: it begins at the one on its first day and
    ends at the other on its last. An end that is not after the beginning does not count.
    ``week_start`` is the weekday that weeks begin on, 0 for Monday.
    """
    first, last = days(preset, today, chosen, week_start)
    whole = replace(Scope.days(first, last, zone), week_start=week_start)
    if preset != "custom" or hours == (None, None):
        return whole
    since, until = (
        datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC) if at else end
        for day, at, end in ((first, hours[0], whole.since), (last, hours[1], whole.until))
    )
    return replace(whole, since=since, until=until if until > since else max(whole.until, since))


def everything(zone: str = "UTC") -> Scope:
    """All that was ever recorded, without filters."""
    return Scope(datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC), zone)


def compared(current: Scope, preset: str, as_of: datetime, comparison: str = "previous") -> Scope:
    """The period to compare with; a running one is compared up to the same moment.

    The previous period of months is as many months before, day by day of the month: 1 to 24
    November is compared with 1 to 24 October. That of a week is the same days of the week before,
    that of any other period the days just before it.

    The same period of last month or last year ends on the same day of that month, or with it if it
    is shorter. It is as long by the clocks as the period, or begins with its month if the period
    does: 30 days are compared with 30 days, and March with all of February.

    Args:
        current: the period.
        preset: its name.
        as_of: until when there can be data; aware. A period that ends later is still running.
        comparison: with what it is compared, by its name in ``COMPARISONS``.

    Raises:
        MetricError: for one that would begin before the first year that there is.
    """
    until = max(current.since, min(current.until, as_of.astimezone(UTC)))
    cut = replace(current, until=until)
    if comparison in _COMPARED_MONTHS:
        return _months_earlier(cut, _COMPARED_MONTHS[comparison])
    if preset == "week" and until > current.since:
        since, end = (cut.earlier(at, 7 * _DAY) for at in (cut.since, until))
        return replace(cut, since=since, until=min(end, cut.since))
    months = _MONTHS.get(preset)
    if months is None or until == current.since:
        return cut.previous()
    since = _month_before(cut.since, months, cut.zone)
    end = _month_before(until, months, cut.zone)
    return replace(cut, since=since, until=min(end, cut.since))


def _months_earlier(cut: Scope, months: int) -> Scope:
    zone = ZoneInfo(cut.zone)
    since, until = (at.astimezone(zone).replace(tzinfo=None) for at in (cut.since, cut.until))
    if since.day == 1 and since.time() == time():
        begins, ends = (_month_before(at, months, cut.zone) for at in (cut.since, cut.until))
        return replace(cut, since=begins, until=ends)
    last = until - _DAY if until.time() == time() else until
    ended = datetime.combine(_shifted(last.date(), -months), until.time()) + (until - last)
    begun = ended - (until - since)
    return replace(cut, since=_by_clock(begun, cut.zone), until=_by_clock(ended, cut.zone))


def _by_clock(shown: datetime, zone: str) -> datetime:
    """The moment at which the clocks of a zone show this."""
    if shown.time() == time():
        return times.midnight(shown.date(), zone)
    return shown.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def stepped(
    preset: str, today: date, chosen: Sequence[date] = (), *, steps: int, week_start: int = 0
) -> tuple[str, date, date] | None:
    """The period so many of its own lengths later, or earlier: its name, first and last day.

    Whole months step by months, weeks by weeks, other periods by their days. What has a name again
    is called by it. None is for one that would begin after today, or that no address can name.
    """
    first, last = _whole(preset, *days(preset, today, chosen, week_start))
    months = 0 if preset in _BACK else _whole_months(first, last)
    try:
        if months:
            first = _shifted(first, steps * months)
            last = _shifted(first, months) - _DAY
        else:
            move = (last - first + _DAY) * steps
            first, last = first + move, last + move
    except (ValueError, OverflowError):
        return None
    if (steps > 0 and first > today) or not FIRST_DAY <= first <= last <= LAST_DAY:
        return None
    names = tuple(_MONTHS) if months else ("week", "last-week", *_BACK)
    for name in names:
        if (first, last) == _whole(name, *days(name, today, (), week_start)):
            return name, *days(name, today, (), week_start)
    return "custom", first, last


def _whole(preset: str, first: date, last: date) -> tuple[date, date]:
    """A period to date with the days to come."""
    if preset == "week":
        return first, first + 6 * _DAY
    months = {"month": 1, "quarter": 3}.get(preset)
    return first, _shifted(first, months) - _DAY if months else last


def _whole_months(first: date, last: date) -> int:
    """How many months the days are; 0 if they are no whole months."""
    after = last + _DAY
    if first.day != 1 or after.day != 1:
        return 0
    return (after.year - first.year) * 12 + after.month - first.month


def grain(current: Scope) -> Grain:
    """The stretch of time that makes a readable chart of a period."""
    length = (current.last_day - current.first_day).days + 1
    return next((name for most, name in _GRAINS if length <= most), "month")


def grains(current: Scope) -> list[Grain]:
    """The stretches of time that make several and not too many of a period, and the usual one."""
    hours = 24 * ((current.last_day - current.first_day).days + 1)
    usual = grain(current)
    return [
        name
        for name, length in _HOURS_LONG.items()
        if name == usual or 2 * length <= hours <= _READABLE * length
    ]


def is_running(current: Scope, as_of: datetime) -> bool:
    """Whether a period has not ended at a moment."""
    return current.until > as_of


def words(current: Scope, preset: str) -> str:
    """A period in words: ``Last 30 days, 26 Oct - 24 Nov 2026``; a custom one to the minute."""
    return _exact(current) if preset == "custom" else f"{PRESETS[preset]}, {span(current)}"


def span(current: Scope) -> str:
    """The days of a scope: ``26 Oct - 24 Nov 2026``, or the one day."""
    return formats.days(current.first_day, current.last_day)


def _exact(current: Scope) -> str:
    """The days of a scope, with times of day where it does not hold them whole."""
    whole = Scope.days(current.first_day, current.last_day, current.zone)
    if (current.since, current.until) == (whole.since, whole.until):
        return span(current)
    return formats.stretch(current.since, current.until, ZoneInfo(current.zone))


def known_until(now: datetime, as_of: datetime) -> datetime:
    """Until when there can be data: what is compared must not reach beyond.

    Args:
        now: the present moment.
        as_of: that of the last sync, or of the newest request.
    """
    return min(now, as_of + _MOMENT)


def is_covered(before: Scope, first_at: datetime | None) -> bool:
    """Whether a period was recorded from its beginning, to a day; ``first_at`` is the oldest."""
    return first_at is not None and before.since.date() >= first_at.date()


def _month_before(at: datetime, months: int, zone: str) -> datetime:
    """The same time of day on the same day of an earlier month, or the end of a shorter month."""
    local = at.astimezone(ZoneInfo(zone))
    day = _shifted(local.date(), -months)
    if day.day == local.day:
        return datetime.combine(day, local.time(), ZoneInfo(zone)).astimezone(UTC)
    return datetime.combine(day + _DAY, time(), ZoneInfo(zone)).astimezone(UTC)


def _shifted(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 + months
    first = date(number // 12, number % 12 + 1, 1)
    following = date((number + 1) // 12, (number + 1) % 12 + 1, 1)
    return first.replace(day=min(day.day, (following - _DAY).day))


Bucket = date | datetime | int
"""A value of a dimension of time, as ``select`` gives it."""

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
        start = times.microseconds(bucket.replace(tzinfo=UTC))
        return times.moment(start), times.moment(times.next_hour(scope.segments, start))
    if isinstance(bucket, date):
        ends = times.midnight(_next(bucket, grain), scope.zone)
        return times.midnight(bucket, scope.zone), ends
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
    parts, until = scope.segments, times.microseconds(scope.until)
    at = times.hour_start(parts, times.microseconds(scope.since))
    while at < until:
        yield times.moment(at).replace(tzinfo=None)
        at = times.next_hour(parts, at)


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
        return _shifted(day, 1)
    return day + {"day": _DAY, "week": _WEEK}[grain]
