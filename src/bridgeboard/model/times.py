"""Local time as arithmetic, and aware times as the store holds them.

A zone is a handful of UTC offsets, each from a moment on. A cast to a zone costs the database a
look-up per row; adding an offset costs next to nothing, and a period has few of them. Moments are
microseconds since 1970 in UTC.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, overload
from zoneinfo import ZoneInfo

from bridgeboard.model.errors import MetricError

HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND: Final = timedelta(microseconds=1)
_SECOND: Final = timedelta(seconds=1)
_STEP: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Segment:
    """From ``since`` on, local time is UTC plus ``offset``; both in microseconds."""

    since: int
    offset: int


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises MetricError for anything else."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise MetricError(
            f"{name!r} is no time zone; use an IANA name such as Europe/Berlin."
        ) from error


def microseconds(at: datetime) -> int:
    """A moment as a number."""
    return (at - EPOCH) // _MICROSECOND


def moment(number: int) -> datetime:
    """A number as an aware moment."""
    return EPOCH + timedelta(microseconds=number)


def local_date(at: datetime, name: str) -> date:
    """The day on the calendars of a zone."""
    return at.astimezone(zone(name)).date()


def midnight(day: date, name: str) -> datetime:
    """The first moment of a local day, in UTC; where clocks skip midnight, that of the change."""
    return datetime.combine(day, time(), zone(name)).astimezone(UTC)


@lru_cache(maxsize=256)
def segments(name: str, since: datetime, until: datetime) -> tuple[Segment, ...]:
    """The offsets of a zone over ``[since, until)``, in order of time.

    The first begins a day before ``since``, so that a change just before it is seen.
    """
    tz = zone(name)
    parts = [_segment(since - _STEP, tz)]
    at = since - _STEP
    while at < until:
        following = min(at + _STEP, until)
        if following.astimezone(tz).utcoffset() != at.astimezone(tz).utcoffset():
            parts.append(_segment(_change(at, following, tz), tz))
        at = following
    return tuple(parts)


def _segment(at: datetime, tz: ZoneInfo) -> Segment:
    offset = at.astimezone(tz).utcoffset() or timedelta()
    return Segment(microseconds(at), offset // _MICROSECOND)


def _change(before: datetime, after: datetime, tz: ZoneInfo) -> datetime:
    """The first moment of the offset that ``after`` has; offsets change at whole seconds."""
    offset = after.astimezone(tz).utcoffset()
    low, high = microseconds(before) // 10**6, -(-microseconds(after) // 10**6)
    while high - low > 1:
        middle = (low + high) // 2
        if (EPOCH + middle * _SECOND).astimezone(tz).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return EPOCH + high * _SECOND


def hour_start(parts: Sequence[Segment], instant: int) -> int:
    """The microsecond in which the local hour around ``instant`` began.

    The hour that is repeated when clocks go back is two hours. Where they change by half an hour,
    an hour begins or ends with the change.
    """
    part = parts[bisect_right(parts, instant, key=_since) - 1]
    start = instant - (instant + part.offset) % HOUR
    return start if part is parts[0] else max(start, part.since)


def next_hour(parts: Sequence[Segment], instant: int) -> int:
    """The microsecond in which the local hour after that of ``instant`` begins."""
    place = bisect_right(parts, instant, key=_since)
    end = instant - (instant + parts[place - 1].offset) % HOUR + HOUR
    return min(end, parts[place].since) if place < len(parts) else end


def hour_sql(parts: Sequence[Segment], instant: str) -> str:
    """``hour_start`` in SQL, of an SQL expression in UTC microseconds."""
    cases = [(part.since, _hour(instant, part, is_first=part is parts[0])) for part in parts]
    return chosen_sql(cases, instant)


def local_sql(parts: Sequence[Segment], instant: str) -> str:
    """SQL for the local microseconds of an SQL expression in UTC microseconds."""
    return chosen_sql([(part.since, _shifted(instant, part.offset)) for part in parts], instant)


def chosen_sql(choices: Sequence[tuple[int, str]], instant: str) -> str:
    """SQL for the last of the choices that begin at or before ``instant``, found by halving.

    Each is the microsecond from which on it counts, and its SQL; the first has no beginning.
    """
    if len(choices) == 1:
        return choices[0][1]
    middle = len(choices) // 2
    before, after = (chosen_sql(half, instant) for half in (choices[:middle], choices[middle:]))
    return f"(CASE WHEN {instant} < {choices[middle][0]} THEN {before} ELSE {after} END)"


def _since(part: Segment) -> int:
    return part.since


def _hour(instant: str, part: Segment, *, is_first: bool) -> str:
    start = _shifted(f"(divide({_shifted(instant, part.offset)}, {HOUR}) * {HOUR})", -part.offset)
    if is_first or (part.since + part.offset) % HOUR == 0:
        return start
    return f"greatest({start}, {part.since})"


def _shifted(instant: str, offset: int) -> str:
    return f"({instant} {'-' if offset < 0 else '+'} {abs(offset)})" if offset else instant


@overload
def stored(moment: datetime) -> datetime: ...
@overload
def stored(moment: None) -> None: ...
def stored(moment: datetime | None) -> datetime | None:
    """An aware time as the tables hold it."""
    return moment and moment.astimezone(UTC).replace(tzinfo=None)


@overload
def aware(moment: datetime) -> datetime: ...
@overload
def aware(moment: None) -> None: ...
def aware(moment: datetime | None) -> datetime | None:
    """A time of the tables, aware."""
    return moment and moment.replace(tzinfo=UTC)
