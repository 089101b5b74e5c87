"""A colour belongs to one thing on every page, in light and in dark.

Every colour has a contrast of at least three to one with both grounds. The first eleven are told
apart with the common colour blindnesses; the second eleven are shades of them.
"""

from collections.abc import Iterable, Mapping
from typing import Final

RING: Final = (
    "#2f6fde",
    "#d9731a",
    "#17907f",
    "#8b63d6",
    "#d1435b",
    "#7d8f1f",
    "#1690b8",
    "#bd4fa6",
    "#9a6a3f",
    "#3f9a45",
    "#b8860b",
    "#6191e6",
    "#965012",
    "#126e61",
    "#a282de",
    "#dd7485",
    "#5c6917",
    "#106b89",
    "#cc76ba",
    "#bb8759",
    "#2e7032",
    "#825f08",
)
ACCENT: Final = RING[0]
NEUTRAL: Final = "#75808f"
"""Of what is no one thing: "Other" and "Unknown"."""
NOBODY: Final = frozenset({"Other", "Unknown", "Unassigned"})


def colours(names: Iterable[str], places: Mapping[str, int]) -> dict[str, str]:
    """The colour of each name in one picture.

    ``places`` are the places of all names in an order that only grows at its end, so that nobody
    loses a colour to somebody who is new. There are more names than colours: of two in the same
    picture that would have the same one, the later takes the next that is free.
    """
    told = list(names)
    known = [name for name in places if name not in NOBODY]
    order = {name: place for place, name in enumerate(known)}
    taken: dict[str, str] = {}
    for name in sorted(told, key=lambda name: order.get(name, len(order))):
        taken[name] = NEUTRAL if name in NOBODY else _free(order.get(name, len(order)), taken)
    return {name: taken[name] for name in told}


def _free(place: int, taken: Mapping[str, str]) -> str:
    ring = [RING[(place + step) % len(RING)] for step in range(len(RING))]
    used = set(taken.values())
    return next((colour for colour in ring if colour not in used), ring[0])
