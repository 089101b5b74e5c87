"""Boxes for values of a dimension; every value can be found, however many there are.

A box offers up to ``LISTED`` values, and the browser looks through them. Where there are more, a
field beside it looks through all of them on the server, and the box then offers what it finds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.model import pages
from bridgeboard.ui import runner, url, url_values

LISTED: Final = 5_000
"""Values that a box offers at once: their names are sent to the browser once."""
AT_ONCE: Final = 200
"""Values that can be chosen all at once: an address holds no more than some hundreds."""
FOUND: Final = 500
"""Values with the words looked for that a box offers."""


@dataclass(frozen=True)
class Choices:
    """All values of a dimension, of all times, the most frequent first.

    Attributes:
        labels: as the screen shows them.
        values: label → value; of two that look the same the more frequent.
        known: all values.
    """

    labels: tuple[str, ...]
    values: Mapping[str, str]
    known: frozenset[str]

    def value(self, label: str) -> str:
        """The value that a label or an address means, also one that nobody has recorded yet."""
        return label if label in self.known else self.values.get(label, label)

    def having(self, words: str) -> tuple[str, ...]:
        """The labels that have all of the words in them, in any case; at most ``FOUND``."""
        wanted = words.casefold().split()
        matches: list[str] = []
        for label in self.labels:
            folded = label.casefold()
            if all(word in folded for word in wanted):
                matches.append(label)
                if len(matches) == FOUND:
                    break
        return tuple(matches)


def several(
    name: str,
    parameter: str,
    label: str,
    values: Iterable[str] | None = None,
    take: Callable[[list[str]], None] | None = None,
    **more: Any,
) -> None:
    """A box for any number of values, by their parameter; ``more`` is for the box itself.

    ``values`` are chosen, or else what the address says. ``take`` is told others; without it, they
    are put into the address.
    """
    labels = _labels(chosen(name, parameter) if values is None else values)
    options = offered(name, parameter, labels)
    url_values.give(parameter, labels)
    st.multiselect(
        label,
        options,
        key=parameter,
        on_change=_take_several,
        args=(name, parameter, take),
        placeholder="All",
        select_all=AT_ONCE,
        **more,
    )


def one(name: str, parameter: str, label: str, placeholder: str, **more: Any) -> str | None:
    """A box for one value or none, by its parameter, and the value; ``more`` is for the box."""
    value = next(iter(named(name, url.get_all(parameter)[-1:])), None)
    labels = _labels([value] if value else [])
    options = offered(name, parameter, labels)
    url_values.give(parameter, next(iter(labels), None))
    st.selectbox(
        label,
        options,
        index=None,
        key=parameter,
        on_change=_take_one,
        args=(name, parameter),
        placeholder=placeholder,
        **more,
    )
    return value


def chosen(name: str, parameter: str) -> list[str]:
    """The values of a dimension that the address names by a parameter."""
    return named(name, url.get_all(parameter))


def named(name: str, words: Iterable[str]) -> list[str]:
    """The values of a dimension that words of an address name, each once."""
    values = [word for word in words if word]
    if not values:
        return []
    known = choices(name)
    return list(dict.fromkeys(map(known.value, values)))


def offered(name: str, key: str, chosen: Sequence[str]) -> Sequence[str]:
    """The labels that a box offers: with what is chosen, and what the field beside it looks for."""
    known = choices(name)
    count = len(known.labels)
    labels = known.labels
    if count > LISTED:
        many = pages.nouns(name)[1]
        words = st.text_input(
            f"Find in all {count:,} {many}",
            key=f"find-{key}",
            placeholder=f"The box has {LISTED:,}: type to find others",
            max_chars=200,
        )
        labels = known.having(words) if words.strip() else labels[:LISTED]
        if words.strip() and not labels:
            st.caption(f"None of the {many} has these words.")
        elif len(labels) == FOUND:
            st.caption(f"The first {FOUND:,} with these words. Type more to find others.")
        there = set(labels)
        return [*labels, *(label for label in chosen if label not in there)]
    # What a link names stays a choice, even before the first sync has met it.
    new = [label for label in chosen if label not in known.values]
    return [*labels, *new] if new else labels


def choices(name: str) -> Choices:
    """All values of a dimension; made once for each state of the store."""
    return runner.current().cached(("choices", name), lambda: _choices(name))


def _choices(name: str) -> Choices:
    recorded = runner.current().choices(name)
    values: dict[str, str] = {}
    for value in recorded:
        values.setdefault(formats.visible(value), value)
    return Choices(tuple(values), values, frozenset(recorded))


def _labels(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(formats.visible, values)))


def _take_several(
    name: str, parameter: str, take: Callable[[list[str]], None] | None = None
) -> None:
    known = choices(name)
    values = [known.value(label) for label in st.session_state[parameter]]
    if take is None:
        url.put({parameter: values})
    else:
        take(values)


def _take_one(name: str, parameter: str) -> None:
    label = st.session_state[parameter]
    url.put({parameter: [choices(name).value(label)] if label else ()})
