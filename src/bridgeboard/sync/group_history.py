"""Works out who was in which group when, from what was known and what a reading says."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from bridgeboard.model.coder_groups import Group, Stay

Pair = tuple[str, str]
"""A person and a group, by their ids."""


def continued(
    before: Iterable[Stay],
    here: Collection[Pair],
    *,
    day: datetime | None,
    ends: Callable[[Stay], bool],
) -> list[Stay]:
    """The stays after a reading: those of ``here`` begin or go on, others end or stay as they were.

    Args:
        before: what was known.
        here: who is in which group now.
        day: when changes count from; None is from always.
        ends: whether a stay that was not read is over. What was read in part ends nothing.
    """
    stays: list[Stay] = []
    going_on: set[Pair] = set()
    for stay in before:
        pair = (stay.person, stay.group)
        is_here = pair in here
        if is_here and stay.until in {None, day} and pair not in going_on:
            # Also whoever left and came back within a day.
            going_on.add(pair)
            stays.append(stay._replace(until=None))
        elif is_here or stay.until is not None or not ends(stay):
            stays.append(stay)
        elif day is not None and (stay.since is None or stay.since < day):
            stays.append(stay._replace(until=day))
    stays += (Stay(*pair, since=day) for pair in here if pair not in going_on)
    return sorted(stays, key=lambda one: (one.person, one.group, one.since is not None, str(one)))


def known_groups(
    before: Iterable[Group], listed: Iterable[Group], *, gone: Collection[str], now: datetime
) -> list[Group]:
    """All groups after a reading: with the names that they had before, and since when any is gone.

    Args:
        before: what was known.
        listed: what was read.
        gone: ids of groups that were not read and would have been.
        now: the time.
    """
    after = {group.id: group for group in before}
    for id_ in gone:
        after[id_] = replace(after[id_], gone_at=after[id_].gone_at or now)
    for group in listed:
        known = after.get(group.id)
        former = known.former if known else ()
        if known:
            lost = (name for name in (known.name, known.title) if _is_lost(name, group))
            former = tuple(dict.fromkeys((*former, *lost)))
        after[group.id] = replace(group, former=former)
    return list(after.values())


def _is_lost(name: str, group: Group) -> bool:
    return name not in {group.name, group.title}


def main_groups(
    here: Iterable[Pair], limits: Mapping[str, int], said: Mapping[str, str]
) -> set[Pair]:
    """Which of their groups sets the budget of each person.

    Args:
        here: who is in which group now, without the groups Everyone.
        limits: the limit of each group that has one.
        said: person → the group that the server says it is. It may be none of theirs, as the group
            Everyone or one of another organisation that is not shown: then the highest limit
            decides, and of equal ones the lowest id.
    """
    own: dict[str, list[str]] = {}
    for person, group in here:
        own.setdefault(person, []).append(group)
    found: set[Pair] = set()
    for person, groups in own.items():
        limited = sorted((-limits[group], group) for group in groups if group in limits)
        if said.get(person) in groups:
            found.add((person, said[person]))
        elif limited:
            found.add((person, limited[0][1]))
    return found
