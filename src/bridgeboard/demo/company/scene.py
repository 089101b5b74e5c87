"""What is out of the ordinary when: the spells of bad weather the company lives through."""

from dataclasses import dataclass
from datetime import datetime

from bridgeboard.demo.company.raw_tables import Books
from bridgeboard.demo.company.working_times import Window


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
        return any(spell.kind == kind and spell.strikes(subject, at) for spell in self.spells)

    def open(self, at: datetime) -> bool:
        """Whether the bridge takes calls then: inside the window and not down."""
        return self.window.contains(at) and not self.strikes("data_gap", "bridge", at)

    def part(self, at: datetime) -> float:
        """Where a moment lies in the window: 0 at its start, 1 at its end."""
        return self.window.part(at)
