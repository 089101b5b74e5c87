"""Counts past days again, to find requests that were listed only after their day had been read.

The server lists a request when it has ended. One that ends later than the overlap, which every
sync reads again, would never be read. So past days are counted again, older ones less often.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from aibridge import Client
from bridgeboard.model.store_status import DayCount
from bridgeboard.queries.store_status import DAY_COUNTS
from bridgeboard.queries.typed_rows import typed
from bridgeboard.store import Batch, Store, sync_state
from bridgeboard.sync import failing_pages, windows
from bridgeboard.sync.options import Context
from bridgeboard.sync.windows import DAYS_BACK

SHARE: Final = 24
"""A day is counted again when its age has grown by one part in so many."""
OFTEN: Final = timedelta(hours=1)
"""A day is counted again no earlier than this."""
MOST_DAYS: Final = 200
"""Days counted in one run at most; the others wait for the next run."""
_DAY: Final = timedelta(days=1)
_FIRST: Final = "SELECT min(started_at) FROM {}"
_TABLES: Final = {"interceptions": "usage", "sessions": "sessions"}


PLANNED_FROM: Final = "interceptions_planned_from"
"""Setting of the store: the start of the plan by which interceptions were read last."""


def begin(batch: Batch, kind: str, since: datetime | None) -> None:
    """Store how far back the first plan reads: no day before it is counted."""
    batch.keep_meta(_since_name(kind), since.isoformat() if since else "")


def due(store: Store, kind: str, context: Context) -> list[date]:
    """Past days that should be counted again, newest first."""
    known = {one.day: one for one in typed(DayCount, store.rows(DAY_COUNTS)) if one.kind == kind}
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
    """The first day that the store should hold completely."""
    today = context.now.astimezone(UTC).date()
    ((earliest,),) = store.rows(_FIRST.format(_TABLES[kind]))
    first = min(earliest.date() if earliest else today, today - _DAY * DAYS_BACK)
    since = store.meta(_since_name(kind))
    if since is None:
        # The store is older than this setting: its first day may be incomplete.
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
    """Count the interceptions of days on the server and in the store, and store both counts."""
    if not days:
        return []
    server_counts = {day: count for day in days if (count := _count(client, day)) is not None}
    window = _window(days)
    stored, deleted = sync_state.held(store, *window), sync_state.deleted(store, *window)
    unreadable = _broken(store, days)
    counts = [
        DayCount(
            "interceptions",
            day,
            count,
            stored.get(day, 0),
            unreadable[day],
            context.now,
            deleted.get(day, 0),
        )
        for day, count in server_counts.items()
    ]
    with store.write() as batch:
        sync_state.put_counts(batch, counts)
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
        # Old records have lost their text and with it their day: the last count of them holds.
        for one in typed(DayCount, store.rows(DAY_COUNTS)):
            if one.kind == "interceptions":
                dated[one.day] = max(dated[one.day], one.unreadable)
    return {day: dated[day] for day in days}


def _started_on(raw: str) -> date | None:
    try:
        return datetime.fromisoformat(json.loads(raw)["started_at"]).astimezone(UTC).date()
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError):
        return None
