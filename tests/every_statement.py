"""Every statement that the product can ask a store, with parameters, as a recorder notes them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import row_access_worlds as worlds
from demo_worlds import small

import bridgeboard.queries
from bridgeboard.analysis import text_search
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.radar_limits import Limits
from bridgeboard.model.scope import Scope
from bridgeboard.model.store import Params
from bridgeboard.queries import (
    budgets,
    radar,
    recorded_text,
    request_list,
    session_calls,
    session_detail,
    session_list,
    session_pauses,
    session_totals,
)
from bridgeboard.queries import text_search as searching
from bridgeboard.queries.metric_query import Query, select, select_top
from bridgeboard.queries.session_columns import COLUMNS, RANGES
from bridgeboard.queries.session_filters import Find, Range
from bridgeboard.queries.session_list import Order
from bridgeboard.queries.spend_cells import spend_cells
from bridgeboard.queries.typed_rows import Key, typed

MODULES = {
    f"bridgeboard.queries.{path.stem}": path
    for path in sorted(Path(bridgeboard.queries.__file__).parent.glob("[a-z]*.py"))
}
ALL = Scope(small().start, small().end, "America/New_York")
YEAR = Scope(small().start - timedelta(days=365), small().end, "Australia/Lord_Howe", week_start=6)
FULL = YEAR.only("model", "a").only("provider", "b").without("tool", "c").only("team", "d")


@dataclass
class Recorder:
    """A reader that notes every statement, with all parameters that it was asked with."""

    reader: Any
    sql: dict[str, list[Params]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        answered = getattr(self.reader, name)
        if name not in {"rows", "named", "frame", "table"}:
            return answered

        def ask(sql: str, params: Params = (), *more: Any) -> Any:
            self.note(sql, params)
            return answered(sql, params, *more)

        return ask

    def note(self, sql: str, params: Params) -> None:
        noted = self.sql.setdefault(sql, [])
        if params not in noted:
            noted.append(params)


def scopes() -> Iterator[Scope]:
    """Scopes with every kind of condition, and of zone."""
    yield from (ALL, YEAR)
    for name, one in DIMENSIONS.items():
        if not one.time or one.recurs:
            values = ("3", "5") if one.recurs else ("a", "Unknown")
            yield ALL.only(name, *values).without(name, values[0])
    yield FULL


def ask_everything(reader: Recorder) -> None:
    """Note whatever the product can ask a store; where an answer leads on, it is asked."""
    for _ in worlds.asked(reader, ALL, worlds.NOW):
        pass
    queries = [query for _, query in worlds.of_metrics(YEAR)]
    for by in (one for one in DIMENSIONS.values() if not one.time):
        names = [name for name, metric in METRICS.items() if metric.splits(by)]
        queries.append(select_top(names, ("week", by.name), ALL, rank_by=names[0], n=3))
    for scope in scopes():
        names = [name for name in METRICS if is_told(name, scope)]
        queries += [select(names, ("client",), scope), radar.sessions(scope, Limits().sessions)]
        queries += [*of_sessions(scope), *of_requests(scope)]
        queries += [spend_cells(scope, (scope.since + timedelta(1),), by) for by in ("", "team")]
        if scope in {ALL, FULL}:
            queries += of_text(reader, scope)
    for query in (*queries, *of_pages(reader), *of_one_session(reader), *of_others()):
        reader.note(query.sql, query.params)


def is_told(name: str, scope: Scope) -> bool:
    """Whether a number can be told of these filters and by client."""
    about = {filtered for filtered, _ in (*scope.include, *scope.exclude)}
    sources = [
        {"calls"} if about & {"tool", "server"} and part.of_calls else set(part.sources)
        for part in METRICS[name].parts
    ]
    return all(source <= {"calls", "usage", "unread"} for source in sources)


def of_sessions(scope: Scope) -> Iterator[Query]:
    ranges = tuple(Range(name, 1, 2) for name in RANGES)
    for find in (Find(scope), Find(scope, has_errors=False, ranges=ranges, id="x")):
        yield from (session_totals.totals(find), session_totals.count(find))
        yield session_list.listing(find)


def of_pages(reader: Any) -> Iterator[Query]:
    """Both neighbours of a page of sessions in any order, and how many there are beyond."""
    find = Find(ALL)
    for place, name in enumerate(COLUMNS):
        order = Order(name, descending=place % 2 == 0)
        first = session_list.listing(find, order, limit=2)
        page = session_list.page(worlds.answer(reader, first), order, limit=2)
        yield session_list.listing(find, order, after=page.after)
        yield session_list.listing(find, order, before=page.after)
        yield session_list.beyond(find, order, after=page.after)


def of_text(reader: Any, scope: Scope) -> Iterator[Query]:
    find, search = Find(scope), searching.Search("deploy it", ("prompt", "thinking", "tool_input"))
    spread = worlds.answer(reader, searching.spread(find, search))
    spot = searching.Spot(scope.since, "key")
    runs = text_search.runs_with(reader, ["deploy"]) or []
    for place in (None, spot):
        parts = searching.slices(find, search, spread, before=place)
        narrowed = searching.narrowed(find, search, parts, runs, before=place)
        yield from (part.query for part in (*parts, *narrowed))


def of_requests(scope: Scope) -> Iterator[Query]:
    for errors_only in (True, False):
        yield request_list.interceptions(scope, errors_only=errors_only)
        yield request_list.counted(scope, errors_only=errors_only)
    for order in (request_list.Order("cost"), request_list.Order("tool_errors", descending=False)):
        for value in (None, 7):
            key = Key(scope.since, 1, value)
            yield request_list.interceptions(scope, order, after=key)
            yield request_list.interceptions(scope, order, before=key)
            yield request_list.counted(scope, order, before=key)


def of_one_session(reader: Any) -> Iterator[Query]:
    ((session, id_),) = reader.rows("SELECT session, id FROM sessions ORDER BY session LIMIT 1")
    yield session_detail.found(id_)
    yield session_detail.tools(session)
    yield session_pauses.responses(session)
    call, *_ = typed(session_calls.Call, reader.rows(*session_calls.calls(session)))
    assert call.interception
    for part in (None, "rest", call.interception):
        yield session_calls.calls(session, part, after=call.key)
        yield session_calls.call_spot(session, call.interception, part)
        yield session_calls.course(session, part)
    yield request_list.found(call.interception)
    yield request_list.interceptions(ALL, after=call.key)
    yield request_list.interceptions(ALL, before=call.key)
    yield request_list.counted(ALL, before=call.key)
    yield from (recorded_text.whole(call.usage, kind, 0) for kind in recorded_text.KINDS)


def of_others() -> Iterator[Query]:
    yield from (budgets.USERNAMES, budgets.people_in_teams(worlds.NOW))
    yield radar.people()
    yield radar.details(ALL, [0, 1])
    yield radar.session_hours(ALL, [0, 1])
    yield radar.person_hours(YEAR, [0, 1])
    yield radar.repeats(ALL, Limits().sessions)
    yield radar.shares(ALL, [ALL.first_day])


def constant_statements() -> Iterator[str]:
    """Statements that are whole as they stand in the modules."""
    for name in MODULES:
        for key, value in vars(import_module(name)).items():
            if key[0] != "_":
                yield from constants(value)


def constants(value: Any) -> Iterator[str]:
    """Statements in a constant that are whole as they stand."""
    if isinstance(value, tuple):
        for each in value:
            yield from constants(each)
    elif isinstance(value, str) and value.lstrip().startswith(("SELECT ", "WITH ")):
        yield value
