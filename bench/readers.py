"""Readers who click about in the dashboard for as long as they are let, each in its own session.

A reader opens a page by its address, presses what is on it, thinks, presses something else, and
after some twenty clicks closes the tab and opens another one. What is pressed is drawn by a seed
from what is on the screen at that moment, so every widget of every page is pressed sooner or later.
Timers of pages run while the reader thinks, as in a browser.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from time import perf_counter
from typing import Final

import httpx
from bench.report import note
from tests.wire import LateError, Node, Session, WireError, session
from websockets.exceptions import WebSocketException

PATIENCE: Final = 60.0
CLICKS_A_TAB: Final = (8, 40)
ABOUT_ONE: Final = frozenset({"person", "session"})
"""Pages that need to know which one: they are reached by rows."""
PERIODS: Final = ("Today", "Last 7 days", "Last 30 days", "Last 90 days", "Month to date")
TOLD: Final = 10
"""Errors that are noted in full."""

Click = Callable[[Session, Random], Awaitable[float | None]]


@dataclass
class Log:
    """What all readers saw.

    Attributes:
        spent: seconds by kind of click.
        errors: how often what went wrong.
        tabs: how many were opened.
    """

    spent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    tabs: int = 0

    @property
    def clicks(self) -> int:
        """How many there were, loads included."""
        return sum(map(len, self.spent.values()))

    def blame(self, kind: str, told: str) -> None:
        """Count an error; the first ones are told in full."""
        if self.errors.total() < TOLD:
            note(f"{kind}: {told[:1000]}")
        self.errors[kind] += 1


@dataclass(frozen=True)
class Habits:
    """How readers behave.

    Attributes:
        until: when they end, by ``perf_counter``.
        think: how long they think between two clicks, at least and at most, in seconds.
    """

    until: float
    think: tuple[float, float]


async def read(address: str, dice: Random, habits: Habits, log: Log) -> None:
    """One reader, until the time is over."""
    while perf_counter() < habits.until:
        await asyncio.sleep(dice.uniform(0, habits.think[1]))
        try:
            await _tab(address, dice, habits, log)
        except LateError as error:
            log.blame("timeout", repr(error))
        except (WebSocketException, OSError) as error:
            log.blame("closed", repr(error))
        except (httpx.HTTPError, WireError) as error:
            log.blame("protocol", repr(error))


async def _tab(address: str, dice: Random, habits: Habits, log: Log) -> None:
    """One tab of the browser from its opening to its end."""
    log.tabs += 1
    began = perf_counter()
    page, period = dice.choice(_PAGES), dice.choice(PERIODS)
    async with session(address, page, patience=PATIENCE, keeps=False, range=period) as reader:
        log.spent["load"].append(perf_counter() - began)
        for _ in range(dice.randint(*CLICKS_A_TAB)):
            _judge(reader, log)
            await reader.rest(dice.uniform(*habits.think))
            if perf_counter() >= habits.until:
                return
            try:
                await _click(reader, dice, log)
            except _NoFileError as error:
                log.blame("file", str(error))
        _judge(reader, log)


_PAGES: Final = (
    *("", "spend", "people", "models", "tools", "sessions", "interceptions"),
    *("budgets", "compare", "radar", "trust"),
)


def _judge(reader: Session, log: Log) -> None:
    """Count what went wrong on the screen since the last look."""
    screen = reader.screen
    for told in screen.exceptions:
        log.blame("exception", f"{screen.title} ?{screen.query} {told}")
    for told in screen.complaints:
        log.blame("error_box", f"{screen.title} ?{screen.query} {told}")
    screen.forget()


async def _click(reader: Session, dice: Random, log: Log) -> None:
    """Something that can be pressed on this page, the likely ones more often."""
    names = list(_CLICKS)
    while names:
        name = dice.choices(names, [_CLICKS[each][0] for each in names])[0]
        seconds = await _CLICKS[name][1](reader, dice)
        if seconds is not None:
            log.spent[name].append(seconds)
            return
        names.remove(name)


async def _page(reader: Session, dice: Random) -> float | None:
    run = await reader.turn(dice.choice(_PAGES))
    return run.seconds


async def _filter(reader: Session, dice: Random) -> float | None:
    """Choose one or two values of a filter, or none any more where some are chosen."""
    add = _some(reader, dice, "popover", where=lambda key: key == "add-filter")
    if add is not None and not reader.holds(add):
        await reader.open(add)
    found = _some(reader, dice, "multiselect")
    if found is None:
        return None
    few = min(dice.randint(1, 2), len(found.options))
    values = [] if reader.holds(found) else dice.sample(found.options, few)
    return (await reader.choose(found, values)).seconds


async def _period(reader: Session, dice: Random) -> float | None:
    found = _some(reader, dice, "radio", where=lambda key: key.startswith("range"))
    return None if found is None else (await reader.choose(found, dice.choice(PERIODS))).seconds


async def _sort(reader: Session, dice: Random) -> float | None:
    """Another order of a table, or the same one upside down."""
    heads = [
        (node, place)
        for node in reader.screen.of("bidi_component")
        for place, column in enumerate(json.loads(node.told.json).get("columns", ()))
        if "first" in column
    ]
    if not heads:
        return None
    table, place = dice.choice(heads)
    return (await reader.trigger(table, "sorted", [place, dice.random() < _HALF])).seconds


async def _box(reader: Session, dice: Random) -> float | None:
    """Any other box to choose from: what a chart shows, by what, which rows."""
    others = {"tz", "filter-dimension"}
    found = _some(reader, dice, "selectbox", where=lambda key: key not in others)
    if found is None or not found.options:
        return None
    return (await reader.choose(found, dice.choice(found.options))).seconds


async def _fold(reader: Session, dice: Random) -> float | None:
    """Open a fold, or close it where it is open."""
    found = _some(reader, dice, "expandable", "popover")
    if found is None:
        return None
    change = reader.close if reader.holds(found) else reader.open
    return (await change(found)).seconds


async def _button(reader: Session, dice: Random) -> float | None:
    """Drop a filter, or turn a page of a list."""
    found = _some(reader, dice, "button", where=lambda key: key.startswith(("chip", "turn")))
    return None if found is None else (await reader.press(found)).seconds


async def _row(reader: Session, dice: Random) -> float | None:
    """Follow the link of a row: to a person, a session or a request, or to keep only a value."""
    table = _one([node for node in reader.screen.of("bidi_component") if any(node.links)], dice)
    if table is None:
        return None
    rows = [row for row, link in enumerate(table.links) if link]
    return (await reader.follow_row(table, dice.choice(rows))).seconds


async def _download(reader: Session, dice: Random) -> float | None:
    found = _some(reader, dice, "download_button")
    if found is None:
        return None
    began = perf_counter()
    try:
        await reader.download(found)
    except LateError:
        raise
    except (httpx.HTTPStatusError, WireError) as error:
        raise _NoFileError(f"{found.key}: {error!r}") from error
    return perf_counter() - began


class _NoFileError(Exception):
    """A download that did not come; the page is as good as before."""


_HALF: Final = 0.5
_CLICKS: Final[dict[str, tuple[int, Click]]] = {
    "page": (25, _page),
    "filter": (20, _filter),
    "period": (8, _period),
    "sort": (8, _sort),
    "box": (8, _box),
    "fold": (10, _fold),
    "button": (8, _button),
    "row": (10, _row),
    "download": (5, _download),
}
"""Kind of click → how likely it is, and how it is done; None where the page has nothing for it."""


def _some(
    reader: Session, dice: Random, *kinds: str, where: Callable[[str], bool] = lambda _: True
) -> Node | None:
    """One of these widgets that can be pressed; None where there is none."""
    known = (node for node in reader.screen.widgets if node.kind in kinds and where(node.key))
    return _one([node for node in known if not node.is_disabled], dice)


def _one(found: Sequence[Node], dice: Random) -> Node | None:
    return dice.choice(found) if found else None
