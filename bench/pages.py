"""How long a reader waits for the pages of the dashboard over a large store, in a real browser.

``python -m bench.pages --store 2m.duckdb``. The dashboard is a process of its own over a copy of
the store, the reader a headless Chromium. What counts is the time from the press to the frame
that has the new numbers and in which nothing is left to do, kept by the page itself.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from time import sleep
from typing import Final
from urllib.parse import urlencode

from bench.browser import Seen, choose, chromium, drop, load, reader, turn
from bench.dashboard import Dashboard, dashboard
from bench.report import Report, arguments, note
from playwright.sync_api import Browser, Page

from bridgeboard.store import Store

FILTER: Final = "Model id"
WARMING: Final = ("Client", "Zed")
MONTH_DAYS: Final = 30
LOADS: Final = 3
READERS: Final = 10
REST_SECONDS: Final = 3
PAGES: Final = ("Spend", "Budgets", "People", "Models", "Tools", "Trust")
HOME: Final = "Overview"


def main() -> int:
    """Measure loads, filters, the other pages, and memory, in this order."""
    asked = arguments(__doc__, store=Path)
    report = Report(strict=asked.strict)
    with Store.open(asked.store) as store:
        month, everything = _periods(store)
        values = _values(store)
    with dashboard(asked.store) as served, chromium() as browser:
        report.say("server_memory_empty_mb", served.memory_mb, "MB")
        here = served.address + month
        _measure_loads(report, browser, here)
        with reader(browser) as page:
            load(page, here)
            _measure_filters(report, page, values, "", (700, 200))
            _measure_pages(report, page)
        with reader(browser) as page:
            load(page, served.address + everything)
            _measure_filters(report, page, values, "_all")
        _measure_memory(report, browser, served, here, values)
    return report.verdict()


def _periods(store: Store) -> tuple[str, str]:
    """The queries of addresses: the last 30 days that have data, and all days that have."""
    sql = "SELECT min(started_at)::DATE, max(started_at)::DATE FROM usage"
    first, last = store.rows(sql)[0]
    return _query(last - timedelta(days=MONTH_DAYS - 1), last), _query(first, last)


def _query(*days: date) -> str:
    dates = [("dates", day.isoformat()) for day in days]
    return "?" + urlencode([("range", "Custom days"), *dates])


def _values(store: Store) -> list[str]:
    """What is chosen, the most frequent first."""
    rows = store.rows("SELECT model FROM usage GROUP BY model ORDER BY count(*) DESC")
    return [value for (value,) in rows]


def _measure_loads(report: Report, browser: Browser, address: str) -> None:
    """The first of all, then some of readers who are new to a server that is not."""
    first, *others = [_loaded(browser, address) for _ in range(1 + LOADS)]
    report.say("cold_load_ms", first.shown, "ms")
    report.say("cold_load_ready_ms", first.ready, "ms")
    report.say("first_load_ms", _middle(others, "shown"), "ms")
    report.say("first_load_ready_ms", _middle(others, "ready"), "ms")
    report.say("first_load_answered_ms", _middle(others, "answered"), "ms")


def _loaded(browser: Browser, address: str) -> Seen:
    with reader(browser) as page:
        seen = load(page, address)
    note(f"loaded: {seen}")
    return seen


def _measure_filters(
    report: Report,
    page: Page,
    values: Sequence[str],
    suffix: str,
    targets: tuple[float | None, float | None] = (None, None),
) -> None:
    """Each value is chosen for the first time, dropped, chosen again, and dropped."""
    choose(page, *WARMING)
    drop(page)
    pressed = (partial(choose, page, FILTER), lambda _: drop(page))
    turns = [_noted(press, value) for value in values for press in (*pressed, *pressed)]
    fresh, again, dropped = turns[::4], turns[2::4], turns[1::2]
    report.say(f"overview_filter{suffix}_ms", _middle(fresh, "ready"), "ms", targets[0])
    _say_parts(report, f"overview_filter{suffix}", fresh)
    report.say(f"overview_cached{suffix}_ms", _middle(again, "ready"), "ms", targets[1])
    _say_parts(report, f"overview_cached{suffix}", again)
    report.say(f"overview_drop{suffix}_ms", _middle(dropped, "ready"), "ms")


def _noted(press: Callable[[str], Seen], value: str) -> Seen:
    seen = press(value)
    note(f"{value}: {seen}")
    return seen


def _say_parts(report: Report, name: str, turns: Sequence[Seen]) -> None:
    """What a turn is made of: the browser before the question, the server, the browser after."""
    report.say(f"{name}_ask_ms", _middle(turns, "sent"), "ms")
    report.say(f"{name}_server_ms", median(one.answered - one.sent for one in turns), "ms")
    report.say(f"{name}_draw_ms", median(one.ready - one.answered for one in turns), "ms")
    report.say(f"{name}_number_ms", _middle(turns, "shown"), "ms")
    report.say(f"{name}_answer_kb", _middle(turns, "kilobytes"), "kB")
    report.say(f"{name}_messages", _middle(turns, "messages"), "messages")


def _measure_pages(report: Report, page: Page) -> None:
    """Each other page from the overview, for the first time and for the second."""
    for title in PAGES:
        for word in ("page", "again"):
            seen = turn(page, title)
            note(f"{title}: {seen}")
            report.say(f"{title.lower()}_{word}_ms", seen.ready, "ms")
            turn(page, HOME)


def _measure_memory(
    report: Report, browser: Browser, served: Dashboard, address: str, values: Sequence[str]
) -> None:
    """What the server holds while some readers each look at a filter of their own."""
    report.say("server_memory_used_mb", served.memory_mb, "MB")
    with ExitStack() as readers:
        for number in range(READERS):
            page = readers.enter_context(reader(browser))
            load(page, address)
            choose(page, FILTER, values[number % len(values)])
            note(f"reader {number + 1}: {served.memory_mb:.0f} MB")
        sleep(REST_SECONDS)
        report.say("server_memory_mb", served.memory_mb, "MB", 1000)
    report.say("server_memory_peak_mb", served.peak_mb, "MB")


def _middle(turns: Sequence[Seen], name: str) -> float:
    return median(getattr(one, name) for one in turns)


if __name__ == "__main__":
    sys.exit(main())
