"""Which rows of the store a reader may see, with or without text, under which names.

Row access is decided before anything is asked. The store then puts what it shows of each table in
front of every statement (``store.row_relations``), so that no question can tell more, whoever asks
it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Final, Self

from bridgeboard.access.pseudonyms import aliases
from bridgeboard.access.roles import Role, Viewer

Alias = Callable[[Iterable[str]], Mapping[str, str]]
"""Ids of people → another name for each, no two the same; the same id has always the same."""
LEAST_FLOOR: Final = 2
"""A group of fewer people is one person."""
FLOOR: Final = 5


@dataclass(frozen=True)
class Pseudonyms:
    """Names in place of names: ``digest`` stands for the key behind them, in keys of caches."""

    digest: str
    alias: Alias = field(compare=False, repr=False)

    @classmethod
    def of_key(cls, key: str) -> Self:
        """Those that a key makes."""
        return cls(sha256(key.encode()).hexdigest()[:16], partial(aliases, key=key))


@dataclass(frozen=True)
class RowAccess:
    """The rows a reader reaches; hashable, and part of every cache key of an answer.

    Attributes:
        has_text: whether text recorded from people is there.
        teams: only what people did while they were in these teams; None is no such limit.
        person: only what the one person with this user name did; None likewise. A user name that
            several had shows nothing, as nobody can tell them apart by it.
        floor: only sums of groups of at least so many people, and nothing of anybody; None
            likewise. At least 2.
        pseudonyms: what people are called; None is by their names.
    """

    has_text: bool = False
    teams: tuple[str, ...] | None = None
    person: str | None = None
    floor: int | None = None
    pseudonyms: Pseudonyms | None = None

    def __post_init__(self) -> None:
        limits = [one for one in (self.teams, self.person, self.floor) if one is not None]
        if len(limits) > 1:
            raise ValueError("A reader sees teams, a person or groups: only one of them.")
        if self.has_text and (self.teams is not None or self.floor is not None):
            raise ValueError("Text of a team, or of groups, is shown to nobody.")
        if self.floor is not None and self.floor < LEAST_FLOOR:
            raise ValueError(f"A group has at least {LEAST_FLOOR} people, not {self.floor}.")
        if self.teams is not None:
            object.__setattr__(self, "teams", tuple(sorted(set(self.teams))))

    @classmethod
    def everything(cls) -> Self:
        """All that the store holds."""
        return cls(has_text=True)

    @classmethod
    def numbers(cls) -> Self:
        """All but text."""
        return cls()

    @classmethod
    def of_teams(cls, *teams: str) -> Self:
        """What people did while they were in one of these teams, without text."""
        return cls(teams=teams)

    @classmethod
    def of_person(cls, username: str) -> Self:
        """What one person did and wrote."""
        return cls(has_text=True, person=username)

    @classmethod
    def of_groups(cls, floor: int = FLOOR) -> Self:
        """Sums of groups of at least so many people (``store.k_anonymity``)."""
        return cls(floor=floor)

    @property
    def is_of_everybody(self) -> bool:
        """Whether rows of all people are there."""
        return self.teams is None and self.person is None and self.floor is None


EVERYTHING: Final = RowAccess.everything()


def row_access_of(viewer: Viewer, *, floor: int) -> RowAccess:
    """The widest row access that the roles of a viewer give, SELF aside.

    Viewers and admins see groups of at least ``floor`` people.
    """
    if viewer.may(Role.AUDITOR):
        return EVERYTHING
    if viewer.may(Role.ANALYST):
        return RowAccess.numbers()
    if viewer.may(Role.LEAD):
        return RowAccess.of_teams(*viewer.teams)
    return RowAccess.of_groups(floor)
