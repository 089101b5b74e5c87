"""All questions of a report, asked of one state of the store."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from bridgeboard.analysis import coverage, invariants
from bridgeboard.analysis.answers import answer
from bridgeboard.analysis.coverage import Coverage
from bridgeboard.model import accuracy, pages, periods, time_buckets
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.pages import BOARDS, Move
from bridgeboard.model.scope import Scope
from bridgeboard.model.store import Reader
from bridgeboard.queries import adoption, first_seen_order, metric_query
from bridgeboard.report.answers import Answers, Course, Table, Trust

TOP: Final = 20
"""How many values a table names; the rest is "Other"."""
HEADLINES: Final = ("overview", "spend")
"""Boards whose headline numbers open the report."""

_TABLES: Final = (
    ("model", BOARDS["spend"].columns),
    ("team", ("spend", "active_people", *BOARDS["people"].columns[1:])),
    ("initiator", BOARDS["people"].columns),
    ("client", BOARDS["spend"].columns),
    ("tool", BOARDS["tools"].columns),
)
"""Dimension and numbers of each table; the first number decides who is named."""
_COURSES: Final = tuple(
    (BOARDS[name].measures[0], BOARDS[name].splits[0]) for name in ("spend", "overview")
)
"""The usual charts of these pages."""
_TRUST: Final = (
    "requests",
    "detail_coverage",
    "priced_rate",
    "exact_rate",
    "unpriced_tokens",
    "summed_rows",
)
_MOVING: Final = ("spend", "total_tokens")
_MOST_MARKS: Final = 1_000


def headline() -> tuple[str, ...]:
    """The headline numbers, none twice."""
    return tuple(dict.fromkeys(name for board in HEADLINES for name in BOARDS[board].headline))


def ask(reader: Reader, scope: Scope, preset: str, now: datetime) -> Answers:
    """Everything there is to say about a scope.

    Args:
        reader: one state of the store.
        scope: period, zone and filters.
        preset: the period's name in ``periods.PRESETS``.
        now: the present moment; aware.
    """
    covered = coverage.coverage(reader)
    before = periods.compared(scope, preset, periods.known_until(now, covered.as_of))
    is_compared = periods.is_covered(before, covered.first_at) and before.since < before.until
    names = (*headline(), *accuracy.limits(headline()))
    return Answers(
        scope=scope,
        preset=preset,
        before=before,
        made_at=now,
        totals=_known(_totals(reader, names, scope), covered),
        past=_totals(reader, names, before) if is_compared else None,
        courses=tuple(_course(reader, *each, scope, now) for each in _COURSES),
        tables=tuple(_table(reader, *each, scope) for each in _TABLES),
        presence={
            **answer(reader, adoption.presence(scope)).only,
            **_totals(reader, accuracy.limits(("active_people",)), scope),
        },
        moves={
            measure: tuple(_moved(reader, measure, before, scope)) if is_compared else ()
            for measure in _MOVING
        },
        trust=_trust(reader, scope, covered),
    )


def strangers(reader: Reader, scope: Scope) -> list[tuple[str, str]]:
    """(dimension, value) of filters that nothing recorded ever had: most likely misspelt."""
    found = []
    for by, values in scope.include:
        everything = periods.everything().only(by, *values)
        known = set(
            answer(reader, metric_query.select(("requests",), (by,), everything)).column(by)
        )
        found += [(by, value) for value in values if value not in known]
    return found


def _course(reader: Reader, measure: str, split: str, scope: Scope, now: datetime) -> Course:
    grain = periods.grain(scope)
    buckets: tuple[Any, ...] = tuple(time_buckets.buckets(scope, grain))
    most = max(1, min(pages.TOP, _MOST_MARKS // max(1, len(buckets)) - 1))
    seen = answer(reader, first_seen_order.first_seen(split, periods.everything()))
    return Course(
        measure=measure,
        split=split,
        grain=grain,
        buckets=buckets,
        running=_running(scope, grain, buckets, now),
        parts=_top(reader, (measure,), (grain, split), scope, most),
        most=most,
        places={str(value): place for place, value in enumerate(seen.column(split))},
    )


def _running(scope: Scope, grain: str, buckets: tuple[Any, ...], now: datetime) -> Any:
    for bucket in buckets:
        since, until = time_buckets.bounds(scope, grain, bucket)
        if since <= now < until:
            return bucket
    return None


def _table(reader: Reader, by: str, names: Iterable[str], scope: Scope) -> Table:
    dimension = DIMENSIONS[by]
    shown = tuple(name for name in names if METRICS[name].splits(dimension))
    asked = (*shown, *accuracy.limits(shown, (by,)))
    return Table(
        by=by,
        names=shown,
        parts=_top(reader, asked, (by,), scope, TOP),
        whole=_whole(reader, asked, by, scope),
    )


def _whole(reader: Reader, names: tuple[str, ...], by: str, scope: Scope) -> Mapping[str, Any]:
    """What adds up is the number of the period; other numbers are about the table's rows only.

    People and rates of a table of tools are those of tool calls, not of all requests.
    """
    told = _totals(reader, names, scope)
    together = next(_top(reader, names, (by,), scope, 0).records(), told)
    return {
        name: told[name] if METRICS[name].adds_up(DIMENSIONS[by]) else together[name]
        for name in names
    }


def _moved(reader: Reader, measure: str, before: Scope, scope: Scope) -> list[Move]:
    found: list[Move] = []
    for by in pages.MOVING:
        names = (measure, *accuracy.limits((measure,), (by,)))
        was, now = (
            pages.by_value(measure, answer(reader, metric_query.select(names, (by,), each)))
            for each in (before, scope)
        )
        found += pages.moves(by, was, now)
    return pages.largest(found)


def _trust(reader: Reader, scope: Scope, covered: Coverage) -> Trust:
    checked = invariants.check(reader, scope)
    return Trust(
        covered=covered,
        told=_known(_totals(reader, _TRUST, scope), covered),
        checks=len(checked),
        broken=sum(not one.holds for one in checked),
        server_version=reader.meta("server_version") or None,
        price_version=reader.meta("price_version") or None,
        data_version=reader.version,
    )


def _top(
    reader: Reader, names: tuple[str, ...], by: tuple[str, ...], scope: Scope, most: int
) -> Answer:
    return answer(reader, metric_query.select_top(names, by, scope, rank_by=names[0], n=most))


def _known(row: Mapping[str, Any], covered: Coverage) -> Mapping[str, Any]:
    """The numbers of a row; while no request is known, those of requests are unknown."""
    return accuracy.without_requests(row) if covered.knows_no_request else row


def _totals(reader: Reader, names: tuple[str, ...], scope: Scope) -> Mapping[str, Any]:
    return answer(reader, metric_query.select(names, (), scope)).only
