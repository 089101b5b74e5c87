"""The period that a world is about, and what is out of the ordinary in it when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from bridgeboard.demo.company.raw_tables import Books

DAY = timedelta(days=1)
SATURDAY = 5


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
            if all((day + i * DAY).weekday() < SATURDAY for i in range(length)):
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


@dataclass(frozen=True, slots=True)
class Spell:
    """Something unusual from ``since`` to just before ``until``, to each of its ``subjects``.

    What a subject is, the kind says: a client, a provider instance, a server, a person's id.
    """

    kind: str
    subjects: tuple[str, ...]
    since: datetime
    until: datetime
    note: str

    def strikes(self, subject: str, at: datetime) -> bool:
        """Whether this subject feels it at this moment."""
        return self.since <= at < self.until and subject in self.subjects


@dataclass(frozen=True, slots=True)
class Scene:
    """The window, its weather, and the books that what happens is written to."""

    window: Window
    spells: tuple[Spell, ...]
    books: Books

    def strikes(self, kind: str, subject: str, at: datetime) -> bool:
        """Whether a spell of this kind strikes this subject then."""
        for spell in self.spells:  # noqa: SIM110 - asked at every call, and a generator costs twice
            if spell.kind == kind and spell.strikes(subject, at):
                return True
        return False

    def open(self, at: datetime) -> bool:
        """Whether the bridge takes calls then: inside the window and not down."""
        return self.window.contains(at) and not self.strikes("data_gap", "bridge", at)

    def part(self, at: datetime) -> float:
        """Where a moment lies in the window: 0 at its start, 1 at its end."""
        return self.window.part(at)
