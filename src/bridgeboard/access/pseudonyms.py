"""Names that are none: the same person has the same one, and without the key nobody finds whose."""

import hmac
from collections import Counter
from collections.abc import Iterable
from typing import Final

from bridgeboard.access.words import ADJECTIVES, ANIMALS

SHORTEST_KEY: Final = 16
"""Characters of a key."""
DIGITS: Final = 4


def aliases(ids: Iterable[str], key: str) -> dict[str, str]:
    """A readable name for each id, such as "Quiet Heron 4821"; no two have the same.

    Where two would have, both get a longer number. So a name that was somebody's never becomes
    somebody else's when people join, and the order of the ids does not matter.

    Raises:
        ValueError: for a key of less than 16 characters.
    """
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"A key for pseudonyms needs at least {SHORTEST_KEY} characters.")
    unsettled = {each: _spelt(each, key) for each in set(ids)}
    found: dict[str, str] = {}
    digits = DIGITS
    while unsettled:
        names = {each: f"{words} {number[:digits]}" for each, (words, number) in unsettled.items()}
        count = Counter(names.values())
        found |= {each: name for each, name in names.items() if count[name] == 1}
        unsettled = {each: spelt for each, spelt in unsettled.items() if each not in found}
        digits += 1
    return found


def _spelt(id_: str, key: str) -> tuple[str, str]:
    """Two words, and a number of more digits than anybody will need."""
    told = id_.encode("utf-8", "surrogatepass")
    digest = hmac.digest(key.encode("utf-8", "surrogatepass"), told, "sha256")
    rest, adjective = divmod(int.from_bytes(digest), len(ADJECTIVES))
    rest, animal = divmod(rest, len(ANIMALS))
    return f"{ADJECTIVES[adjective]} {ANIMALS[animal]}", f"{rest:075d}"[::-1]
