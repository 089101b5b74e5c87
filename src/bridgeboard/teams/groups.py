"""Makes teams of the groups of Coder (docs/store.md, "Teams").

A team is a group, known by its id: whatever it was called before, its team has the present name.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from bridgeboard.model.coder_groups import Group, Stay
from bridgeboard.teams.file import UNASSIGNED, Membership

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class GroupTeams:
    """Teams that groups make.

    Attributes:
        members: who is in which team, and when, by ids.
        undecided: ids of people who are in several groups now, of which none is known to count.
        unknown: names of the operator's that are no group, or more than one.
    """

    members: tuple[Membership, ...] = ()
    undecided: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()

    @property
    def teams(self) -> int:
        """How many teams somebody is in now."""
        return len({one.team for one in self.members if one.valid_to is None})


def from_groups(
    groups: Iterable[Group],
    stays: Iterable[Stay],
    main_groups: Iterable[Stay],
    named: Sequence[str] = (),
) -> GroupTeams:
    """The teams of everybody, for all times.

    Whoever is in one group that counts is in its team. Of several the one counts that stands first
    in ``named``; where nothing is named, the one that sets the person's budget. If none does, the
    person is in no team.

    Args:
        groups: all of them, also those that are gone.
        stays: who was in which group when.
        main_groups: which group set whose budget when.
        named: names or ids of the groups that count, the first ones before others; empty is all.
            The group Everyone is never a team.
    """
    every = [group for group in groups if not group.is_everyone]
    places, unknown = _places(every, named)
    titles = team_names(every)
    in_groups, deciding = _by_person(stays), _by_person(main_groups)
    members: list[Membership] = []
    undecided: set[str] = set()
    for person, own in in_groups.items():
        counting = [stay for stay in own if stay.group in (places if named else titles)]
        for since, until, chosen in _chosen(counting, deciding.get(person, ()), places):
            if chosen:
                append(members, Membership(person, titles[chosen], since, until, id=person))
            elif until is None:
                undecided.add(person)
    return GroupTeams(tuple(members), frozenset(undecided), unknown)


def team_names(groups: Iterable[Group]) -> dict[str, str]:
    """What the team of each group is called, by the group's id.

    Two groups that are there never share a name. One that is gone shares it with one that took its
    place in the same organisation: that is the same team.
    """
    every = list(groups)
    present = Counter(_key(group) for group in every if group.gone_at is None)
    names = {
        group.id: f"{group.title} ({group.name})"
        if present[_key(group)] > 1 and group.title != group.name
        else group.title
        for group in every
    }
    homes: dict[str, set[str]] = defaultdict(set)
    for group in every:
        homes[names[group.id].casefold()].add(group.organization)
    taken = {UNASSIGNED.casefold()}
    for group in every:
        name = names[group.id].casefold()
        if len(homes[name]) > 1 or name in taken:
            names[group.id] += f" ({group.organization_name})"
    return _distinct(every, names)


def _distinct(groups: Sequence[Group], names: Mapping[str, str]) -> dict[str, str]:
    """The names, with the id where two groups that are there would still share one."""
    present = [group for group in groups if group.gone_at is None]
    count = Counter(names[group.id].casefold() for group in present)
    return {
        group.id: f"{names[group.id]} ({group.id})"
        if count[names[group.id].casefold()] > 1
        else names[group.id]
        for group in groups
    }


def _key(group: Group) -> tuple[str, str]:
    return group.organization, group.title.casefold()


def _places(
    groups: Collection[Group], named: Iterable[str]
) -> tuple[dict[str, int], tuple[str, ...]]:
    """The place of each group among those that the operator names, and names that mean none."""
    places: dict[str, int] = {}
    unknown = []
    for place, word in enumerate(named):
        meant = _meant(groups, word)
        if len({group.id for group in meant if group.gone_at is None}) > 1 or not meant:
            unknown.append(word)
        else:
            for group in meant:
                places.setdefault(group.id, place)
    return places, tuple(unknown)


def _meant(groups: Collection[Group], word: str) -> list[Group]:
    """The groups that a word means: by id, else by a present name, else by a former one.

    ``ORGANISATION/NAME`` tells apart groups of two organisations that have the same name.
    """
    folded = word.strip().casefold()
    for names in (_ids, _names, _former):
        found = [group for group in groups if folded in names(group)]
        if found:
            return found
    return []


def _ids(group: Group) -> set[str]:
    return {group.id.casefold()}


def _names(group: Group) -> set[str]:
    return _also_qualified(group, [group.name, group.title])


def _former(group: Group) -> set[str]:
    return _also_qualified(group, group.former)


def _also_qualified(group: Group, names: Iterable[str]) -> set[str]:
    bare = {name.casefold() for name in names}
    return bare | {f"{group.organization_name.casefold()}/{name}" for name in bare}


def _by_person(stays: Iterable[Stay]) -> dict[str, list[Stay]]:
    found: dict[str, list[Stay]] = defaultdict(list)
    for stay in sorted(stays, key=lambda stay: (stay.person, stay.since or _EARLIEST, stay.group)):
        found[stay.person].append(stay)
    return found


def _chosen(
    stays: Sequence[Stay], deciding: Iterable[Stay], places: Mapping[str, int]
) -> Iterator[tuple[datetime | None, datetime | None, str]]:
    """Stretches of time in which somebody was in a group, and the one that counts; '' for none."""
    every = [*stays, *deciding] if stays else []
    edges = {edge for stay in every for edge in (stay.since or _EARLIEST, stay.until or _LATEST)}
    for since, until in pairwise(sorted(edges)):
        here = {stay.group for stay in stays if _covers(stay, since)}
        if here:
            by_budget = {stay.group for stay in deciding if _covers(stay, since)} & here
            yield (
                None if since == _EARLIEST else since,
                None if until == _LATEST else until,
                _first(here, by_budget, places),
            )


def _covers(stay: Stay, at: datetime) -> bool:
    return (stay.since or _EARLIEST) <= at < (stay.until or _LATEST)


def _first(here: Collection[str], by_budget: Collection[str], places: Mapping[str, int]) -> str:
    if places:
        # Two groups have one place if one took the name of the other, which is gone.
        return min(here, key=lambda group: (places[group], group))
    if len(here) == 1:
        return next(iter(here))
    return min(by_budget, default="")


def append(members: list[Membership], member: Membership) -> None:
    """Add a membership, or let the one before go on where it is the same team."""
    last = members[-1] if members else None
    is_same = last is not None and (last.key, last.team) == (member.key, member.team)
    if last is not None and is_same and last.valid_to == member.valid_from:
        members[-1] = Membership(
            last.username, last.team, last.valid_from, member.valid_to, id=last.id
        )
    else:
        members.append(member)
