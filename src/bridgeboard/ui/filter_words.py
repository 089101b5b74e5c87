"""How values of a filter stand in an address: as they are, or after a ``~`` if they are left out.

A value that itself begins with ``~`` has each of these twice, so that no word means two things:
``~a`` leaves ``a`` out, ``~~a`` keeps ``~a``, and ``~~~a`` leaves ``~a`` out.
"""

from collections.abc import Iterable

_OUT = "~"


def written(values: Iterable[str], *, is_left_out: bool = False) -> list[str]:
    """The words of some values."""
    return [_OUT * (is_left_out + _begun(value)) + value for value in values]


def read(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """The values that words keep, and those that they leave out; each once."""
    kept: dict[str, None] = {}
    left_out: dict[str, None] = {}
    for word in words:
        doubled, is_left_out = divmod(_begun(word), 2)
        if value := word[doubled + is_left_out :]:
            (left_out if is_left_out else kept)[value] = None
    return list(kept), list(left_out)


def _begun(word: str) -> int:
    """How many ``~`` a word begins with."""
    return len(word) - len(word.lstrip(_OUT))
