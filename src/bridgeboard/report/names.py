"""Recorded names in a report: one line of plain text, with the whole name as a hint."""

from dataclasses import dataclass
from typing import Final

from bridgeboard import formats

LONGEST: Final = 60
_EMPTY: Final = "(empty)"


@dataclass(frozen=True)
class Name:
    """A name; ``whole`` is shown on hover."""

    text: str
    whole: str


def name(value: object) -> Name:
    """A name of a person, a model or whatever else, with nothing in it that acts."""
    whole = formats.line(str(value)) or _EMPTY
    return Name(formats.middle(whole, LONGEST), whole)
