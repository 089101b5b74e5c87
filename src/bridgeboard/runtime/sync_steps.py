"""What settings make of a sync: its options, and what is done to the store before and after it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bridgeboard import pricing, store, sync
from bridgeboard.access import RowAccess
from bridgeboard.runtime import team_sources
from bridgeboard.settings import Settings
from bridgeboard.store import Store, sync_state, text_index


def options(settings: Settings, since: datetime | None = None) -> sync.Options:
    """How these settings want to sync. Raises PriceFileError."""
    return sync.Options(
        book=pricing.own_book(settings.prices_path),
        since=since,
        overlap=timedelta(hours=settings.overlap_hours),
        text=settings.text == "all",
        kept_days=settings.rows_days or None,
    )


def prepare(opened: Store, settings: Settings) -> None:
    """Bring teams and the names of models into the store.

    Raises:
        TeamsFileError: for a teams file that cannot be read.
    """
    sync.name_models(opened)
    team_sources.put_teams(opened, settings)


def prune(opened: Store, settings: Settings, now: datetime) -> None:
    """Delete what the settings do not let grow older, by our clock and by the server's."""
    # The last sync was dated by the server. A clock that is wrong for a while, here or there, must
    # not delete what cannot be read again.
    ended_at = sync_state.last_ended_at(opened)
    store.prune(
        opened,
        text_days=settings.text_days or None,
        rows_days=settings.rows_days or None,
        now=min(now, ended_at or now),
    )
    if settings.rows_days:
        oldest = min(now, ended_at or now) - timedelta(days=settings.rows_days)
        team_sources.forget_ended(settings, oldest)


def gather(opened: Store, settings: Settings, *, stops: Callable[[], bool] = lambda: False) -> None:
    """Make what readers would wait for, until it is stopped.

    The words of new prompts, where they may be searched, and the sums of groups, where there may
    be readers who see nothing else: here, or in dashboards that read copies and make none.
    """
    if settings.search_text:
        text_index.gather(opened, stops=stops)
    are_read_elsewhere = bool(settings.mirror or settings.publish_path)
    if (settings.guarded or are_read_elsewhere) and not stops():
        with opened.snapshot(RowAccess.of_groups(settings.floor)):
            pass
