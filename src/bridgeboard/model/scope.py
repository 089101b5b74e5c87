"""What a question is about: a period, the zone of its days, and filters."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, Self

from bridgeboard.model import times
from bridgeboard.model.dimensions import Dimension, dimension
from bridgeboard.model.errors import MetricError

Filters = tuple[tuple[str, tuple[str, ...]], ...]
"""(dimension, values) pairs, sorted; no dimension twice."""

_YEARS: Final = range(1990, 2101)
_WEEKDAYS: Final = range(7)
_DAY: Final = timedelta(days=1)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Scope:
    """A half-open period ``[since, until)`` in a time zone, and filters; hashable.

    Args:
        since: aware; kept in UTC.
        until: likewise, not before ``since``.
        zone: IANA name of the zone whose days, weeks and months count.
        include: per dimension the values to keep. A row passes if it has one of the values of
            every dimension; "Unknown" and "Unassigned" stand for none. Without values a
            dimension is not filtered. ``weekday_hour`` has the values "0" (Monday from midnight to
            one, by the zone's clocks) to "167": an hour that clocks show twice is in it twice, and
            one that they skip is not.
        exclude: per dimension the values to leave out; what is left is just the rest.
        week_start: the weekday that weeks begin on, 0 (Monday) to 6 (Sunday).

    Raises:
        MetricError: for naive or impossible times, an unknown zone or dimension, a dimension of
            time other than ``weekday_hour``, which only a period can choose from, and for what is
            no hour of the week.
    """

    since: datetime
    until: datetime
    zone: str = "UTC"
    include: Filters = ()
    exclude: Filters = ()
    week_start: int = 0

    def __post_init__(self) -> None:
        tz = times.zone(self.zone)
        for name in ("since", "until"):
            object.__setattr__(self, name, _moment(name, getattr(self, name)))
        if self.week_start not in _WEEKDAYS:
            raise MetricError(f"Weeks begin on a weekday from 0 to 6, not on {self.week_start}.")
        if self.since > self.until:
            raise MetricError(f"A period ends before it begins: {self.since} to {self.until}.")
        for name in ("include", "exclude"):
            object.__setattr__(self, name, _canonical(getattr(self, name)))
        object.__setattr__(self, "zone", tz.key)

    @classmethod
    def days(cls, first: date, last: date, zone: str = "UTC") -> Self:
        """Whole local days, the last one included."""
        return cls(times.midnight(first, zone), times.midnight(last + _DAY, zone), zone)

    def on_days(self, first: date, last: date) -> Self:
        """The same filters on whole local days, the last one included."""
        days = self.days(first, last, self.zone)
        return replace(self, since=days.since, until=days.until)

    def reaching_back(self, days: int) -> Self:
        """The same, but beginning so many local days earlier."""
        first = self.first_day - timedelta(days=days)
        return replace(self, since=times.midnight(first, self.zone))

    @property
    def first_day(self) -> date:
        """The local day that ``since`` is in."""
        return times.local_date(self.since, self.zone)

    @property
    def last_day(self) -> date:
        """The local day that the last moment of the period is in."""
        return times.local_date(max(self.since, self.until - _MICROSECOND), self.zone)

    def week_of(self, day: date) -> date:
        """The first day of the week that a day is in."""
        return day - (day.weekday() - self.week_start) % len(_WEEKDAYS) * _DAY

    @property
    def segments(self) -> tuple[times.Segment, ...]:
        """The zone's offsets over the period."""
        return times.segments(self.zone, self.since, self.until)

    def only(self, name: str, *values: str) -> Self:
        """The scope narrowed to these values of a dimension in place of those it had."""
        rest = tuple(pair for pair in self.include if pair[0] != name)
        return replace(self, include=(*rest, (name, values)))

    def without(self, name: str, *values: str) -> Self:
        """The scope without these values of a dimension."""
        return replace(self, exclude=(*self.exclude, (name, values)))

    def free(self, name: str) -> Self:
        """The scope with nothing said about a dimension."""
        include, exclude = (
            tuple(pair for pair in pairs if pair[0] != name)
            for pairs in (self.include, self.exclude)
        )
        return replace(self, include=include, exclude=exclude)

    def previous(self) -> Self:
        """The period just before, of the same length and with the same filters.

        A period that begins at a local midnight is moved by as many whole local days as it
        touches, so that it is as long by the calendar whatever clocks did, and a day that still
        runs is compared up to the same time of day. Any other is moved by its length in hours.
        """
        if self.since != times.midnight(self.first_day, self.zone):
            return replace(self, since=self.since - (self.until - self.since), until=self.since)
        touched = self.last_day - self.first_day + _DAY if self.until > self.since else timedelta()
        since, until = (self.earlier(at, touched) for at in (self.since, self.until))
        return replace(self, since=since, until=until)

    def earlier(self, at: datetime, back: timedelta) -> datetime:
        """The same time of day by the clocks of the zone, whole days earlier."""
        local = at.astimezone(times.zone(self.zone))
        if at == times.midnight(local.date(), self.zone):
            return times.midnight(local.date() - back, self.zone)
        return (local.replace(fold=0) - back).astimezone(UTC)


def _moment(name: str, at: datetime) -> datetime:
    if at.tzinfo is None:
        raise MetricError(f"'{name}' must be an aware time: give it a tzinfo, for example UTC.")
    if at.year not in _YEARS:
        raise MetricError(f"'{name}' must lie in {_YEARS[0]} to {_YEARS[-1]}, not in {at.year}.")
    return at.astimezone(UTC)


def _canonical(filters: Iterable[tuple[str, Iterable[str]]]) -> Filters:
    chosen: dict[str, set[str]] = {}
    for name, values in filters:
        one, texts = dimension(name), tuple(values)
        if one.time:
            _check_recurring(one, texts)
        chosen.setdefault(name, set()).update(texts)
    return tuple((name, tuple(sorted(chosen[name]))) for name in sorted(chosen) if chosen[name])


def _check_recurring(one: Dimension, values: Iterable[str]) -> None:
    if not one.recurs:
        raise MetricError(f"{one.name!r} cannot be filtered by value; choose a period instead.")
    known = {str(number) for number in range(one.recurs)}
    for value in values:
        if value not in known:
            raise MetricError(
                f"{one.name!r} has the values '0' to '{one.recurs - 1}': no {value!r}."
            )
