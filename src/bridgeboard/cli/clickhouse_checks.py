"""The command check on a dashboard that reads from ClickHouse: the server and what is mirrored."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

from bridgeboard import formats
from bridgeboard.analysis.completeness import Verdict, bad, good
from bridgeboard.analysis.coverage import coverage
from bridgeboard.model.store import StoreError
from bridgeboard.runtime import clickhouse_reading
from bridgeboard.settings import Settings


def verdicts(settings: Settings, now: datetime) -> Iterator[Verdict]:
    """What works with the ClickHouse that is read, and what to fix."""
    yield good("This dashboard reads from ClickHouse, and asks no deployment")
    with closing(clickhouse_reading.opened(settings)) as store:
        try:
            where = store.host()
            yield good(f"ClickHouse at {where} answers as it has to")
            state, covered = store.state(), coverage(store)
        except StoreError as error:
            yield bad(str(error))
            return
    yield good(
        f"It holds {formats.plural(covered.rows, 'row')} of usage,"
        f" {formats.plural(covered.sessions, 'session')}; the last change was mirrored"
        f" {formats.ago(now - state.made_at)}"
    )
