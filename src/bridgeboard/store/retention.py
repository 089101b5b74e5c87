"""Deletes what is older than the settings allow, text first."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from bridgeboard.model.times import stored
from bridgeboard.store import group_blocks
from bridgeboard.store.database import Store
from bridgeboard.store.reader import Batch
from bridgeboard.store.rewriting import DELETED_AT

REWRITE_AFTER: Final = timedelta(hours=23)
"""How long what was deleted stays in the file; the rest of a day is for a second attempt."""
SYNC_HISTORY_DAYS: Final = 90
"""How long the work of syncing is remembered: done windows, ended runs, anomalies."""

# A session that has not ended before the limit keeps its older requests.
_OLD_USAGE: Final = """
started_at < $1 AND usage IN (
    SELECT usage FROM usage WHERE started_at < $1 AND (session IS NULL OR session NOT IN (
        SELECT session FROM sessions WHERE coalesce(ended_at, started_at) >= $1)))
"""
_OLD_SESSION: Final = """
session IN (SELECT session FROM sessions WHERE coalesce(ended_at, started_at) < $1)
"""


class _Rule(NamedTuple):
    """Rows of ``table`` that ``where`` holds of are too old; ``$1`` is the limit."""

    table: str
    where: str
    change: str = "DELETE FROM {0}"

    @property
    def question(self) -> str:
        return f"SELECT EXISTS (SELECT 1 FROM {self.table} WHERE {self.where})"

    @property
    def statement(self) -> str:
        return f"{self.change.format(self.table)} WHERE {self.where}"


_TEXT: Final = (
    _Rule("prompts", "started_at < $1"),
    _Rule("vocabulary", "since < $1"),
    _Rule("tool_inputs", "started_at < $1"),
    _Rule("thinking", "started_at < $1"),
    _Rule("last_prompts", "started_at < $1"),
    # It may quote a prompt. That there was one is a number.
    _Rule(
        "threads", "started_at < $1 AND error_message <> ''", "UPDATE {0} SET error_message = ''"
    ),
    _Rule("quarantine", "seen_at < $1 AND raw <> ''", "UPDATE {0} SET raw = ''"),
)
# Whatever others ask for goes after them.
_ROWS: Final = (
    _Rule("prompts", _OLD_USAGE),
    _Rule("vocabulary", "since < $1"),
    _Rule("tool_inputs", _OLD_USAGE),
    _Rule("responses", _OLD_USAGE),
    _Rule("tool_calls", _OLD_USAGE),
    _Rule("usage", _OLD_USAGE),
    _Rule("thinking", _OLD_SESSION),
    _Rule("last_prompts", _OLD_SESSION),
    _Rule("threads", _OLD_SESSION),
    _Rule("sessions", _OLD_SESSION),
    _Rule("quarantine", "seen_at < $1"),
    *(_Rule(*one) for one in group_blocks.PRUNED),
    _Rule("day_counts", "day < $1"),
    _Rule("erased_rows", "day < $1"),
    _Rule("left_out", "until < $1"),
    *(_Rule(name, "valid_to < $1") for name in ("coder_members", "coder_main_groups")),
    *(
        _Rule(name, "month + INTERVAL 1 MONTH < $1")
        for name in ("coder_group_spend", "coder_member_spend")
    ),
)
_SYNC_HISTORY: Final = (
    _Rule("windows", "done_at < $1"),
    _Rule("runs", "began_at < $1 AND outcome <> 'running'"),
    _Rule("anomalies", "seen_at < $1"),
)


def prune(
    store: Store, *, text_days: int | None, rows_days: int | None, now: datetime
) -> dict[str, int]:
    """Delete what is older than allowed; where nothing is, nothing is written.

    Text goes by the start of its request, thread or session, and with it the words of records in
    quarantine, messages of failed threads and words gathered of prompts. Rows go with their whole
    session, once that ended before the limit; requests of no session go by their start. Sums that
    groups are shown go by whole blocks of days. People stay. May be repeated.

    Args:
        store: what to prune.
        text_days: how old recorded text may become; None keeps it as long as its rows.
        rows_days: how old all else may become; None keeps it.
        now: the time, aware.

    Returns:
        The number of rows by table that were deleted or, in threads and quarantine, lost words.
    """
    done: Counter[str] = Counter()
    for rules, days in ((_TEXT, text_days), (_ROWS, rows_days), (_SYNC_HISTORY, SYNC_HISTORY_DAYS)):
        if days is not None:
            done += _applied(store, rules, now - timedelta(days=days), now)
    return dict(done)


def rewrite_if_due(store: Store, now: datetime) -> bool:
    """Write the file anew once something deleted has been in it for a day; whether it was.

    Raises:
        StoreError: when that cannot be done now.
    """
    deleted_at = still_in_file(store)
    # A time ahead of ours was written by a clock that was wrong.
    if deleted_at is None or timedelta(0) <= now - deleted_at < REWRITE_AFTER:
        return False
    store.rewrite()
    return True


def still_in_file(store: Store) -> datetime | None:
    """Since when something deleted can still be read in the file; None if nothing can."""
    since = store.meta(DELETED_AT)
    return datetime.fromisoformat(since) if since else None


def note_deletion(batch: Batch, now: datetime) -> None:
    """Remember that what a batch deletes is still in the file, and since when something is."""
    if batch.meta(DELETED_AT) is None:
        batch.keep_meta(DELETED_AT, now.isoformat())


def _applied(store: Store, rules: Iterable[_Rule], limit: datetime, now: datetime) -> Counter[str]:
    rules, params = list(rules), [stored(limit)]
    done: Counter[str] = Counter()
    if any(store.rows(rule.question, params)[0][0] for rule in rules):
        with store.write() as batch:
            for rule in rules:
                done[rule.table] += batch.change(rule.statement, params)
            if rules == list(_ROWS):
                group_blocks.pruned(batch, stored(limit))
            note_deletion(batch, now)
    return done
