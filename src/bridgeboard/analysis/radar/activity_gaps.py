"""Finds hours without any request in which people usually work.

Such a gap is one in the data, not a saving. It begins and ends at once: just before and after it
people are as busy as ever, which tells it from a holiday.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from bridgeboard import formats
from bridgeboard.analysis.radar.finding import Evidence, Finding, Subject, key
from bridgeboard.model import times
from bridgeboard.model.radar_limits import RateLimits
from bridgeboard.model.scope import Scope

_HOUR: Final = timedelta(hours=1)
_SATURDAY: Final = 5
_LEARNING: Final = timedelta(days=14)
_WHOLE_DAY: Final = timedelta(hours=24)


def gaps(
    rows: Iterable[tuple[datetime, int | None]], scope: Scope, limits: RateLimits
) -> list[Finding]:
    """Gaps between the first and the last hour with anybody.

    Args:
        rows: hour (naive UTC) and how many people were active; hours without any may be missing.
        scope: zone of the hours of a day.
        limits: what is worth telling.
    """
    active = {hour.replace(tzinfo=UTC): people or 0 for hour, people in rows}
    if not active:
        return []
    expected = _Expected(active, scope.zone, limits)
    return [
        _finding(run, expected.at_work(run), scope)
        for run in _empty(active)
        if _is_gap(run, active, expected, limits)
    ]


class _Expected:
    """How many people are usually active in an hour: the mean of such hours before it."""

    def __init__(self, active: Mapping[datetime, int], zone: str, limits: RateLimits) -> None:
        self._zone = times.zone(zone)
        self._history = timedelta(days=limits.history_days)
        self._first = min(active)
        self._by_class: dict[tuple[bool, int], list[tuple[datetime, int]]] = {}
        for hour in _hours(self._first, max(active)):
            self._by_class.setdefault(self._class(hour), []).append((hour, active.get(hour, 0)))

    def over(self, hours: Iterable[datetime]) -> float:
        """People-hours that are usual in those hours."""
        return sum(self._at(hour) for hour in hours)

    def at_work(self, hours: Iterable[datetime]) -> float:
        """Of those hours, the ones of working days."""
        return self.over(hour for hour in hours if not self._class(hour)[0])

    def knows(self, hour: datetime) -> bool:
        return hour - self._first >= _LEARNING

    def _at(self, hour: datetime) -> float:
        since = hour - self._history
        such = [n for at, n in self._by_class.get(self._class(hour), ()) if since <= at < hour]
        return sum(such) / len(such) if such else 0.0

    def _class(self, hour: datetime) -> tuple[bool, int]:
        local = hour.astimezone(self._zone)
        return local.weekday() >= _SATURDAY, local.hour


def _hours(first: datetime, last: datetime) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += _HOUR


def _empty(active: Mapping[datetime, int]) -> Iterator[list[datetime]]:
    """Hours in a row without anybody, between hours with."""
    busy = sorted(hour for hour, people in active.items() if people)
    for before, after in pairwise(busy):
        run = list(_hours(before + _HOUR, after - _HOUR))
        if run:
            yield run


def _is_gap(
    run: Sequence[datetime],
    active: Mapping[datetime, int],
    expected: _Expected,
    limits: RateLimits,
) -> bool:
    if not expected.knows(run[0]) or expected.at_work(run) < limits.gap_active:
        return False
    if run[-1] - run[0] + _HOUR >= _WHOLE_DAY:
        return True
    size = limits.gap_edge_hours
    before = [run[0] - _HOUR * n for n in range(1, size + 1)]
    after = [run[-1] + _HOUR * n for n in range(1, size + 1)]
    return all(_is_busy(edge, active, expected, limits) for edge in (before, after))


def _is_busy(
    edge: Sequence[datetime],
    active: Mapping[datetime, int],
    expected: _Expected,
    limits: RateLimits,
) -> bool:
    there = sum(active.get(hour, 0) for hour in edge)
    return there >= max(limits.gap_edge_people, limits.gap_edge * expected.over(edge))


def _finding(run: Sequence[datetime], usual: float, scope: Scope) -> Finding:
    first, until = run[0], run[-1] + _HOUR
    zone = times.zone(scope.zone)
    return Finding(
        kind="data_gap",
        subject=Subject("bridge", "bridge"),
        severity="high",
        reason=f"Nothing was recorded from {formats.stretch(first, until, zone)},"
        f" {formats.duration(until - first)} in which"
        f" about {usual:.0f} hours of people's work are usual: a gap in the data, not a saving.",
        numbers={
            "gap_seconds": (until - first).total_seconds(),
            "usual_people_hours": usual,
        },
        key=key("data_gap", first.isoformat()),
        evidence=Evidence(Scope(first, until, scope.zone)),
    )
