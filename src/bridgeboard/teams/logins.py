"""Makes teams of the groups that logins tell (docs/store.md, "Teams").

A group is known by its name: nothing else of it is told.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Final, NamedTuple

from bridgeboard.model.coder_groups import Group
from bridgeboard.teams.file import Membership
from bridgeboard.teams.groups import GroupTeams, append, team_names

_HOME: Final = "login"
"""What stands for the organisation of these groups."""


class Told(NamedTuple):
    """What a login told of somebody: when, and the names of their groups by what is compared."""

    at: datetime
    groups: Mapping[str, str]


def from_logins(
    told: Mapping[str, Sequence[Told]], named: Mapping[str, str] | None = None
) -> GroupTeams:
    """The teams of everybody of whom logins told groups, for all times.

    Whoever is in one group that counts is in its team; of several the one counts that stands first
    in ``named``. If nothing is named, nobody can say which, and the person is in no team.

    Args:
        told: what logins told of people, by the people's ids, oldest first.
        named: the groups that count, the first ones before others, by what is compared; the
            values are as the operator wrote them. None or empty is all.
    """
    titles = _titles(told)
    counting = [key for key in named if key in titles] if named else list(titles)
    places = {key: place for place, key in enumerate(counting)} if named else {}
    teams = team_names(Group(_id(key), _HOME, _HOME, titles[key]) for key in counting)
    members: list[Membership] = []
    undecided: set[str] = set()
    for person, readings in told.items():
        for since, until, groups in _stretches(readings):
            here = [key for key in groups if _id(key) in teams]
            if chosen := _first(here, places):
                append(members, Membership(person, teams[_id(chosen)], since, until, id=person))
            elif here and until is None:
                undecided.add(person)
    missing = tuple(word for key, word in (named or {}).items() if key not in titles)
    return GroupTeams(tuple(members), frozenset(undecided), missing)


def _titles(told: Mapping[str, Sequence[Told]]) -> dict[str, str]:
    """What each group is called: as the last login spelled it."""
    every = [one for readings in told.values() for one in readings]
    titles: dict[str, str] = {}
    for one in sorted(every, key=lambda one: (one.at, sorted(one.groups.values()))):
        titles |= one.groups
    return titles


def _id(key: str) -> str:
    """An id that is another one for each key, also without regard to case."""
    return key.encode("unicode_escape").decode("ascii")


def _first(here: Collection[str], places: Mapping[str, int]) -> str:
    """The group that counts of those that somebody is in; empty if nobody can say which."""
    if places:
        return min(here, key=places.__getitem__, default="")
    return next(iter(here)) if len(here) == 1 else ""


def _stretches(
    readings: Sequence[Told],
) -> Iterator[tuple[datetime | None, datetime | None, Mapping[str, str]]]:
    """From when to when somebody was in which groups, by days (UTC).

    What the first reading says holds for all time before it. Of several of a day the last one
    counts from its beginning on.
    """
    starts: dict[datetime | None, Mapping[str, str]] = {}
    for one in readings:
        day = datetime.combine(one.at.astimezone(UTC), time(), UTC)
        starts[day if starts else None] = one.groups
    ends = [*list(starts)[1:], None]
    for (since, groups), until in zip(starts.items(), ends, strict=True):
        yield since, until, groups
