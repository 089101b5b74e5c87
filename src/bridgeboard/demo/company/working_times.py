"""When people work: the window's days, and the moments at which somebody opens a session."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from bridgeboard.demo.company.people import Colleague, Habit
from bridgeboard.demo.company.seeded_random import cast, chance, poisson

DAY = timedelta(days=1)
_SATURDAY = 5
_FRIDAY = 4
_NOON = 12


@dataclass(frozen=True, slots=True)
class Window:
    """The period a world tells of: ``start`` inclusive, ``end`` exclusive, both aware UTC."""

    start: datetime
    end: datetime

    def part(self, at: datetime) -> float:
        """Where a moment lies in the window: 0 at its start, 1 at its end."""
        return (at - self.start) / (self.end - self.start)

    def moment(self, part: float) -> datetime:
        """The moment at this part of the window."""
        return self.start + (self.end - self.start) * part

    def contains(self, at: datetime) -> bool:
        """Whether something that happens then happens in this world."""
        return self.start <= at < self.end

    def dates(self) -> Iterator[date]:
        """Every date on which it is this window's time somewhere on Earth."""
        day = (self.start - DAY).date()
        while day <= (self.end + DAY).date():
            yield day
            day += DAY

    def workday(self, part: float, length: int = 1) -> datetime | None:
        """The first midnight UTC after ``part`` that opens ``length`` whole working days.

        None where the window has no such days left.
        """
        day = (self.moment(part) + DAY).date()
        while midnight(day) + length * DAY <= self.end:
            if all((day + i * DAY).weekday() < _SATURDAY for i in range(length)):
                return midnight(day) if midnight(day) >= self.start else None
            day += DAY
        return None

    @property
    def holiday(self) -> date | None:
        """The day all offices are closed, if the window has room for one."""
        day = self.workday(0.56)
        return day.date() if day else None


def midnight(day: date) -> datetime:
    """The start of a date in UTC."""
    return datetime.combine(day, time(), tzinfo=UTC)


def openings(
    seed: int, window: Window, colleague: Colleague, volume: float
) -> Iterator[tuple[datetime, Random]]:
    """The moments at which this person opens a session, each with its own stream of chance.

    A day's stream is named by its date, so a window that begins or ends a day later tells
    nearly the same story about the days both have.
    """
    holiday = window.holiday
    for day in window.dates():
        rng = cast(seed, colleague.person.username, day)
        mean = volume * _eagerness(colleague.habit, window, day, holiday)
        for number in range(poisson(rng, mean) if mean else 0):
            at = _opening(rng, colleague.habit, day)
            if window.contains(at):
                yield at, cast(seed, colleague.person.username, day, number)


def _eagerness(habit: Habit, window: Window, day: date, holiday: date | None) -> float:
    part = window.part(midnight(day))
    if not habit.stay[0] <= part < habit.stay[1] or habit.away[0] <= part < habit.away[1]:
        return 0.0
    quiet = habit.weekends if day.weekday() >= _SATURDAY else 1.0
    quiet = min(quiet, habit.weekends) if day == holiday else quiet
    slack = 0.85 if day.weekday() == _FRIDAY else 1.0
    return habit.sessions * quiet * slack * _growth(part)


def _growth(part: float) -> float:
    """The company takes to it: from three quarters to five quarters of the mean."""
    return 0.75 + 0.5 * min(1.0, max(0.0, part))


def _opening(rng: Random, habit: Habit, day: date) -> datetime:
    """A minute of an office day: a hump before lunch, a broader one after, evenings for some."""
    if habit.late and chance(rng, 0.3):
        hour = rng.gauss(21.5, 1.3)
    elif chance(rng, 0.45):
        hour = rng.gauss(10.3, 1.0)
    else:
        hour = rng.gauss(15.2, 1.5)
    if int(hour) == _NOON and chance(rng, 0.6):
        hour += 1.3
    local = midnight(day) + timedelta(hours=round(hour, 6)) + timedelta(seconds=rng.random())
    return local - timedelta(minutes=habit.offset)
