"""Which teams can be shown apart, so that no difference of sums is about too few people.

Why it holds: say somebody combines sums of labels (teams, or the rest of them together) and sums of
classes in whatever way. What a request weighs in the result is the weight of its person's label
and that of its class together. Say only requests of fewer than ``floor`` people weigh anything.
Nobody else's do: for all other people the weight of the label is the opposite of that of every
class that they used. So what ``floor`` people have in common, two classes, or a label and a class,
has the same weight but for the sign, as one of these people is among all others. The core begins
with a class and takes in whatever ``floor`` people connect with it. Once everything is in it, no
request weighs anything. So what can be had is about ``floor`` people or more, or it is nothing.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
"""Whole numbers from 0 on."""


def folded(people: Numbers, classes: Numbers, teams: Numbers, floor: int) -> NDArray[np.bool_]:
    """Whether each team is one of those that are taken together.

    Args:
        people: of every person and class that were seen together, once, the person; and
        classes: the class, which has at least ``floor`` people.
        teams: of every person the team.
        floor: how many people a group has at least.
    """
    count = int(teams.max()) + 1
    rest = count
    labels = np.arange(count)
    while True:
        homes = labels[teams]
        sizes = np.bincount(homes, minlength=count + 1)
        if np.count_nonzero(sizes) == 1:
            break
        loose = (sizes > 0) & ~_core(people, classes, homes, rest + 1, floor)
        if not loose.any():
            break
        if not loose[:rest].any():
            # They are together already, and still too few: the smallest other team joins them.
            loose[_smallest(sizes[:rest])] = True
        labels[loose[labels]] = rest
    is_rest: NDArray[np.bool_] = labels == rest
    return is_rest


def _core(
    people: Numbers, classes: Numbers, homes: Numbers, count: int, floor: int
) -> NDArray[np.bool_]:
    """Which labels are in the core that grows from the class with most people."""
    users = np.bincount(classes)
    has_class = np.arange(users.size) == users.argmax()
    has_label = np.zeros(count, dtype=bool)
    while True:
        near = has_label[homes] | (
            np.bincount(people[has_class[classes]], minlength=homes.size) > 0
        )
        more_labels = has_label | (np.bincount(homes[near], minlength=count) >= floor)
        labels = near[people]
        more_classes = has_class | (np.bincount(classes[labels], minlength=users.size) >= floor)
        if (more_labels == has_label).all() and (more_classes == has_class).all():
            return has_label
        has_label, has_class = more_labels, more_classes


def _smallest(sizes: Numbers) -> int:
    return int(np.where(sizes > 0, sizes, sizes.max() + 1).argmin())
