"""How the teams file matches the people of the store: matched, unmatched, ambiguous."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bridgeboard import formats
from bridgeboard.model.store import Rows
from bridgeboard.model.times import stored
from bridgeboard.queries.store_status import DISPLACED, RENAMED, TEAMLESS, UNMATCHED

MOST: Final = 20
"""Names in a sentence, and sentences of one kind."""


@dataclass(frozen=True)
class Matching:
    """How the entries of the teams file fit the people of the store.

    Attributes:
        unmatched: entries that mean nobody, as the file names them, sorted.
        renamed: present user name → the name in the file by which the person is meant.
        displaced: people whose user name an entry has, but who are not meant by it, as somebody
            else was called so before.
        teamless: user names of people who are in no team at the time, sorted.
    """

    unmatched: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    displaced: tuple[str, ...] = ()
    teamless: tuple[str, ...] = ()


def matching(reader: Rows, now: datetime) -> Matching:
    """How the teams file fits the people who are known; ``now`` is aware."""
    return Matching(
        tuple(name for (name,) in reader.rows(UNMATCHED)),
        tuple((name, entry) for name, entry in reader.rows(RENAMED)),
        tuple(name for (name,) in reader.rows(DISPLACED)),
        tuple(name for (name,) in reader.rows(TEAMLESS, [stored(now)])),
    )


def sentences(matching: Matching) -> Iterator[str]:
    """What an operator should know of the teams file; nothing where all fits."""
    if matching.unmatched:
        yield (
            f"{formats.plural(len(matching.unmatched), 'entry', 'entries')} of the teams file for "
            f"people who have not used the AI Bridge so far: {_names(matching.unmatched)}"
        )
    for name, entry in matching.renamed[:MOST]:
        yield (
            f"{formats.line(name)} was renamed, and is meant by the entry {formats.line(entry)} "
            "of the teams file"
        )
    if matching.displaced:
        yield (
            "Not meant by the entry of the teams file with their user name, as somebody else had "
            f"that name before; write ids in place of names there: {_names(matching.displaced)}"
        )
    if matching.teamless:
        yield (
            f"{formats.plural(len(matching.teamless), 'person', 'people')} in no team now: "
            f"{_names(matching.teamless)}"
        )


def counts(matching: Matching) -> Iterator[str]:
    """The same without a name, for somebody who may not see who the people are."""
    for rows, one, many, what in (
        (
            matching.unmatched,
            "entry",
            "entries",
            "of the teams file for people who have not used it",
        ),
        (matching.displaced, "entry", "entries", "of the teams file that mean somebody else"),
        (matching.teamless, "person", "people", "in no team now"),
    ):
        if rows:
            yield f"{formats.plural(len(rows), one, many)} {what}: bridgeboard check names them"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST:,} more" if len(names) > MOST else ""
    return ", ".join(map(formats.line, names[:MOST])) + more
