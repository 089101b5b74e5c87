"""How long lists of sessions and requests, the search and long sessions take in a large store.

``python -m bench.explorer --store 2m.duckdb``. Each question is asked as a page does (SQL made, run
and its rows given types), over a copy of the store, in a zone with summer time. What the store
does not have, such as text, is said and left out.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from bench import phrases, stories
from bench.report import Report, arguments, median_ms, note, spent_ms

from bridgeboard.analysis import text_search
from bridgeboard.model.answer import Answer
from bridgeboard.model.scope import Scope
from bridgeboard.queries import request_list
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.request_list import Interception
from bridgeboard.queries.session_columns import COLUMNS
from bridgeboard.queries.session_filters import Find, Range
from bridgeboard.queries.session_list import Order, Page, listing, page
from bridgeboard.queries.session_totals import Totals, count, total, totals
from bridgeboard.queries.text_search import Progress, Search
from bridgeboard.queries.typed_rows import Key, typed
from bridgeboard.store import Store, text_index

RUNS: Final = 5
SEARCHES: Final = 3
ZONE: Final = "Europe/Berlin"
PAGE_MS: Final = 300
SEARCH_MS: Final = 1000
MONTH: Final = timedelta(days=29)
FILTERS: Final = (
    ("model", "model"),
    ("client", "client"),
    ("team", "team"),
    ("credential_kind", "credential_kind"),
    ("tool", "tool"),
)
DEAR_PICO: Final = 10**12


def main() -> int:
    """Measure the list, the search, then long sessions."""
    asked = arguments(__doc__, store=Path, only="")
    report = Report(strict=asked.strict)
    with _copied(asked.store) as store:
        if not store.rows("SELECT 1 FROM sessions LIMIT 1"):
            note("The store has no sessions: nothing to measure.")
            return report.verdict()
        every, month = _scopes(store)
        _say(report, asked.only, _list_questions(store, every, month))
        if _has_text(store):
            _measure_searches(report, store, every)
        stories.measure(report, store)
    return report.verdict()


@contextmanager
def _copied(file: Path) -> Iterator[Store]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-explorer-") as folder,
        Store.open(Path(shutil.copy(file, folder))) as store,
    ):
        yield store


def _scopes(store: Store) -> tuple[Scope, Scope]:
    """All days that have sessions, and the last 30 of them."""
    sql = "SELECT min(started_at)::DATE, max(started_at)::DATE FROM sessions"
    first, last = store.rows(sql)[0]
    return Scope.days(first, last, ZONE), Scope.days(max(first, last - MONTH), last, ZONE)


Work = tuple[str, Callable[[], object], float | None]
"""What a measurement is called, what it does, and how many milliseconds that may take."""


def _list_questions(store: Store, every: Scope, month: Scope) -> Iterator[Work]:
    for period, scope in (("all", every), ("30d", month)):
        for name in COLUMNS:
            shown = partial(_page, store, Find(scope), Order(name))
            yield f"first_page_{name}_{period}_ms", shown, PAGE_MS
    for name, find in _filtered(store, every):
        for order in (Order("started_at"), Order("cost")):
            shown = partial(_page, store, find, order)
            yield f"first_page_{order.name}_where_{name}_ms", shown, PAGE_MS
    for order in (Order("started_at"), Order("cost")):
        after = _page(store, Find(every), order).after
        shown = partial(_page, store, Find(every), order, after)
        yield f"next_page_{order.name}_ms", shown, PAGE_MS
    yield from _requests(store, every)
    yield "totals_ms", partial(_totals, store, Find(every)), None
    yield "totals_30d_ms", partial(_totals, store, Find(month)), None
    yield "count_ms", partial(_asked, store, count(Find(every))), None


def _requests(store: Store, scope: Scope) -> Iterator[Work]:
    """The first page of requests and the one after it, by all that they can be sorted by."""
    for name in request_list.Order.columns:
        order = request_list.Order(name)
        first = partial(_rows, store, scope, order)
        yield f"requests_{name}_ms", first, PAGE_MS
        after = first()[-1].key
        yield f"next_requests_{name}_ms", partial(_rows, store, scope, order, after), PAGE_MS


def _say(report: Report, only: str, works: Iterator[Work]) -> None:
    for name, work, target in works:
        if only in name:
            report.say(name, median_ms(work, runs=RUNS), "ms", target)


def _filtered(store: Store, scope: Scope) -> Iterator[tuple[str, Find]]:
    """The most frequent value of some dimensions, and what only sessions have."""
    for name, dimension in FILTERS:
        if value := _frequent(store, dimension):
            yield name, Find(scope.only(dimension, value))
            yield f"not_{name}", Find(scope.without(dimension, value))
    yield "errors", Find(scope, has_errors=True)
    yield "dear", Find(scope, ranges=(Range("cost", DEAR_PICO),))


def _frequent(store: Store, dimension: str) -> str | None:
    if dimension == "team":
        sql = "SELECT min(team) FROM memberships"
    else:
        table = "tool_calls" if dimension == "tool" else "usage"
        sql = f"SELECT mode({dimension}) FROM {table}"
    ((value,),) = store.rows(sql)
    return value if value is None else str(value)


def _page(store: Store, find: Find, order: Order, after: str | None = None) -> Page:
    told = _asked(store, listing(find, order, after=after))
    return page(told, order, after=after)


def _rows(
    store: Store, scope: Scope, order: request_list.Order, after: Key | None = None
) -> tuple[Interception, ...]:
    answer = _asked(store, request_list.interceptions(scope, order, after=after))
    return typed(Interception, answer.rows)


def _totals(store: Store, find: Find) -> Totals:
    return total(_asked(store, totals(find)))


def _asked(store: Store, question: Query) -> Answer:
    # A request of every session is known in a drawn world.
    with store.snapshot() as reader:
        return Answer.of(*reader.named(*question.if_all_read))


def _has_text(store: Store) -> bool:
    ((texts,),) = store.rows("SELECT count(*) FROM prompts")
    if not texts:
        note("The store has no prompts to search: make one with bench.world, without --no-text.")
    return bool(texts)


def _measure_searches(report: Report, store: Store, scope: Scope) -> None:
    """A word that fills a page at once, one that five prompts have, and one that none has."""
    report.say("gather_words_seconds", spent_ms(lambda: text_index.gather(store)) / 1000, "s")
    words = {"common": phrases.COMMON, "rare": phrases.RARE, "none": phrases.RARE[::-1]}
    for name, word in words.items():
        search = Search(word)
        turns = [_search(store, Find(scope), search) for _ in range(SEARCHES)]
        first, whole = (median(turn[place] for turn in turns) for place in (0, 1))
        progress = turns[-1][2]
        if progress.hits:
            report.say(f"search_first_hits_{name}_ms", first, "ms", SEARCH_MS)
        report.say(f"search_all_{name}_ms", whole, "ms", SEARCH_MS)
        report.say(f"search_all_{name}_prompts", progress.searched, "prompts")


def _search(store: Store, find: Find, search: Search) -> tuple[float, float, Progress]:
    """Milliseconds until the first hits and until the end; and what was found."""
    began, first = perf_counter(), 0.0
    with store.snapshot() as reader:
        for progress in text_search.searched(reader, find, search):
            if progress.hits and not first:
                first = (perf_counter() - began) * 1000
    return first, (perf_counter() - began) * 1000, progress


if __name__ == "__main__":
    sys.exit(main())
