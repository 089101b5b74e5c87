"""Closed days, counted again: what was listed only after a day had been read is found so.

A request is listed when it has ended. One that ends after the overlap, which every sync reads
again, would never be seen. So days that are over are looked at again, the older the more seldom.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from aibridge import Client
from bridgeboard.model.completeness import DayCount
from bridgeboard.queries.completeness import DAY_COUNTS
from bridgeboard.store import Batch, Store, completeness, sync_state
from bridgeboard.sync import failing_pages, windows
from bridgeboard.sync.options import Context
from bridgeboard.sync.windows import DAYS_BACK

SHARE: Final = 24
"""A day is looked at again when it has grown older by so small a part of its age."""
OFTEN: Final = timedelta(hours=1)
"""No day is looked at again before that."""
MOST_DAYS: Final = 200
"""Days looked at in one run; the others wait for the next."""
_DAY: Final = timedelta(days=1)
_FIRST: Final = "SELECT min(started_at) FROM {}"
_TABLES: Final = {"interceptions": "usage", "sessions": "sessions"}


PLANNED_FROM: Final = "interceptions_planned_from"
"""Setting of the store: where the plan begins by which interceptions were read last."""


def begin(batch: Batch, kind: str, since: datetime | None) -> None:
    """Keep how far back the first plan of a store reads: nothing before is missed."""
    batch.keep_meta(_since_name(kind), since.isoformat() if since else "")


def due(store: Store, kind: str, context: Context) -> list[date]:
    """Closed days that should be looked at again, newest first."""
    known = {one.day: one for one in map(DayCount.of, store.rows(DAY_COUNTS)) if one.kind == kind}
    today = context.now.astimezone(UTC).date()
    oldest = (today - _first(store, kind, context)).days
    days = (today - _DAY * back for back in range(1, oldest + 1))
    return [day for day in days if _is_due(day, known.get(day), context.now)][:MOST_DAYS]


def _is_due(day: date, last: DayCount | None, now: datetime) -> bool:
    if last is None or last.counted_at > now:
        return True
    age = now - datetime.combine(day, time(), UTC) - _DAY
    return now - last.counted_at >= max(OFTEN, age / SHARE)


def _first(store: Store, kind: str, context: Context) -> date:
    """The first day of which all should be here."""
    today = context.now.astimezone(UTC).date()
    ((earliest,),) = store.rows(_FIRST.format(_TABLES[kind]))
    first = min(earliest.date() if earliest else today, today - _DAY * DAYS_BACK)
    since = store.meta(_since_name(kind))
    if since is None:
        # A store from before that was kept: the day on which it begins may not be whole.
        first = earliest.date() + _DAY if earliest else today
    elif since:
        first = max(first, datetime.fromisoformat(since).astimezone(UTC).date() + _DAY)
    first = max(first, failing_pages.BEFORE_ALL.date())
    if context.options.kept_days:
        first = max(first, today - _DAY * (context.options.kept_days - 1))
    return first


def _since_name(kind: str) -> str:
    return f"{kind}_read_since"


def counted(client: Client, store: Store, context: Context, days: Sequence[date]) -> list[DayCount]:
    """The server's count of the interceptions of days beside the store's, kept in it."""
    if not days:
        return []
    told = {day: count for day in days if (count := _count(client, day)) is not None}
    window = _window(days)
    kept, gone = completeness.held(store, *window), completeness.deleted(store, *window)
    broken = _broken(store, days)
    counts = [
        DayCount(
            "interceptions",
            day,
            count,
            kept.get(day, 0),
            broken[day],
            context.now,
            gone.get(day, 0),
        )
        for day, count in told.items()
    ]
    with store.write() as batch:
        completeness.put_counts(batch, counts)
    return counts


def _count(client: Client, day: date) -> int | None:
    search = windows.day(day).search
    try:
        return client.interceptions_page(search, limit=1).count
    except failing_pages.FAILING as error:
        failing_pages.check(client.interceptions_page, error)
        return None


def _window(days: Sequence[date]) -> tuple[datetime, datetime]:
    """The half-open window from the first of these days to the last."""
    begin, end = (datetime.combine(day, time(), UTC) for day in (min(days), max(days)))
    return begin, end + _DAY


def _broken(store: Store, days: Sequence[date]) -> Mapping[date, int]:
    """How many interceptions of each day are in quarantine."""
    waiting = [each.raw for each in sync_state.quarantined(store) if each.kind == "interception"]
    dated = Counter(_started_on(raw) for raw in waiting)
    if "" in waiting:
        # Of old ones the text is deleted, and with it when they were: what was told then holds.
        for one in map(DayCount.of, store.rows(DAY_COUNTS)):
            if one.kind == "interceptions":
                dated[one.day] = max(dated[one.day], one.unreadable)
    return {day: dated[day] for day in days}


def _started_on(raw: str) -> date | None:
    try:
        return datetime.fromisoformat(json.loads(raw)["started_at"]).astimezone(UTC).date()
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError):
        return None
