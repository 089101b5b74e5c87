"""Which parameters the address of each page may have."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from bridgeboard.model import pages

FILTERS: Final = frozenset(
    {
        *("period", "from", "to", "compare"),
        *pages.FILTERS.values(),
    }
)
"""Those of all pages over the store that filters concern."""
EVERYWHERE: Final = frozenset({"tz", "own"})
"""Those of all pages."""
SHARED: Final = FILTERS | EVERYWHERE
UNFILTERED: Final = frozenset({"audit", "budgets", "session", "settings"})
"""Pages that no filter concerns."""
UNREAD: Final = "unread"
"""Stands in the address for more parameters than can be read (``server.middleware.paths``)."""
AFTER: Final = "after"
BEFORE: Final = "before"
PLACES: Final = frozenset({AFTER, BEFORE})
"""Places in a list that a page of it begins after, or ends before."""
KEEPING_PLACE: Final = PLACES | {"columns", "compare", "request"}
"""Those that can change without making another list."""
_STRETCHES: Final = frozenset({"day", "cohort", "beside-at"})
"""Stretches of time that are picked in a chart."""
_LISTING: Final = FILTERS - {"compare"} | EVERYWHERE
"""Those that decide which rows and which stretches of time there are on every page."""
_ORDERING: Final = ("by", "sort", "up")
"""Boxes of a table that decide which rows are on which page of it."""
FLEETING: Final = (
    PLACES | {"request", "who", "id", "initiator", "thread", "call", "hit"} | {"finding"}
)
"""Those that a link from another page to a page does not bring back."""
_COURSE: Final = ("show", "by", "grain", "cumulative")
_BOARD: Final = ("sort", "up", "rows", "columns")
_PARTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "overview": {"overview": _COURSE},
    "spend": {"spend": _COURSE, "breakdown": ("by", *_BOARD), "why": ("by", "step")},
    "people": {"people": _COURSE, "everybody": _BOARD, "teams": _BOARD},
    "models": {"models": _COURSE, "breakdown": ("by", *_BOARD)},
    "tools": {
        "tools": _COURSE,
        "tools-tool": _BOARD,
        "tools-server": _BOARD,
        "tools-people": _BOARD,
    },
    "person": {"person": _COURSE, "model": _BOARD, "client": _BOARD, "tool": _BOARD},
    "compare": {"beside": ("show", "at")},
}
"""Page → the parts of it with boxes of their own → these."""
_OTHERS: Final[Mapping[str, tuple[str, ...]]] = {
    "budgets": ("budget",),
    "people": ("day", "active", "cohort", "hour"),
    "person": ("who", "person-hour"),
    "tools": ("tool",),
    "sessions": (
        *("sort", "up", "columns", AFTER, BEFORE, "search", "tools", "servers", "keys"),
        *("outcome", "session_id", "spend_min", "spend_max", "minutes_min", "minutes_max"),
        *("threads_min", "threads_max", "calls_min", "calls_max"),
    ),
    "interceptions": (
        *("sort", "up", AFTER, BEFORE, "tools", "servers", "statuses", "errors", "request"),
    ),
    "audit": (AFTER,),
    "compare": ("what", "a", "b"),
    "radar": ("kinds", "severities", "acknowledged", "finding"),
    "session": ("id", "initiator", "thread", "call", "find", "hit", "threads", "calls"),
}
_LEFT: Final = frozenset({"id", "initiator", "thread", "call", "find"})
"""What earlier versions left in the address of a list from which a session was opened."""


def outdated(names: Iterable[str], changes: Collection[str]) -> frozenset[str]:
    """Which parameters mean nothing any more when others have changed."""
    return frozenset(name for name in names if _is_outdated(name, frozenset(changes)))


def _is_outdated(name: str, changes: frozenset[str]) -> bool:
    if name in PLACES:
        return not changes <= KEEPING_PLACE
    if name in _STRETCHES:
        return bool(changes & _LISTING)
    part, _, box = name.rpartition("-")
    ordering = {f"{part}-{each}" for each in _ORDERING}
    return box == "rows" and bool(changes & {*_LISTING, "who", "tool", *ordering})


def changed(
    words: Mapping[str, Sequence[str]], changes: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """What an address says after some changes; no words take a parameter away.

    A place in a list means nothing in another one, nor a day in another period: they go, unless
    they are what changes.
    """
    gone = outdated(words, changes) | {UNREAD}
    after = {name: each for name, each in words.items() if name not in gone} | dict(changes)
    return {name: list(each) for name, each in after.items() if each}


def of(page: str) -> frozenset[str]:
    """All parameters that a page's address may have."""
    boxes = {f"{part}-{box}" for part, names in _PARTS.get(page, {}).items() for box in names}
    return SHARED | boxes | frozenset(_OTHERS.get(page, ())) | _LEFT
