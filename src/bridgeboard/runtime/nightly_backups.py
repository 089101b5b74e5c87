"""Makes a backup of the store every night, in the process that serves the dashboard."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Final

from bridgeboard import private_files, store
from bridgeboard.model.store_status import BackupStatus
from bridgeboard.runtime import state_files, store_files
from bridgeboard.runtime.failure_messages import logged
from bridgeboard.settings import Settings
from bridgeboard.state.backup import backup_to
from bridgeboard.store import Store, erasure_list, sync_state

RETRY: Final = timedelta(hours=1)
"""How long after one that failed the next is tried."""
LATE: Final = timedelta(hours=36)
"""An older last backup is reported as a problem, although none failed: no process ran."""
STATE: Final = "state"
"""The folder of a backup with views, notes, the audit log and ended logins."""


class NightlyBackups:
    """Makes a backup when one is due, and remembers how that went.

    Args:
        settings: when, where to and how many.
        clock: the time, aware.
        zone: in which the time of day is meant; None is that of the machine.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], datetime], zone: tzinfo | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._zone = zone
        self._last_try: datetime | None = None
        self.status = BackupStatus()

    def look(self, path: Path) -> None:
        """See how it is with the backups of a store."""
        self.status = backup_status(self._settings, path, self._clock(), self._zone)

    def make_if_due(self, opened: Store, stops: Callable[[], bool] = lambda: False) -> bool:
        """Make a backup if one is due; whether one was made. What went wrong is in ``status``.

        A night that was missed, as nothing ran, is made up.
        """
        now = self._clock()
        # By what was seen last: the folder may hold hundreds of files, and this is asked often.
        if not self._is_due(now):
            return False
        if self._last_try and timedelta(0) <= now - self._last_try < RETRY:
            return False
        self.look(opened.path)
        if not self._is_due(now):
            return False
        # Of a store that was never read to its end, all is still on the server.
        if not self.status.good and sync_state.read_until(opened) is None:
            return False
        self._last_try = now
        problem = self._make(opened, now, stops)
        if not stops():
            _remember(self._settings, opened.path, now, problem)
            self.look(opened.path)
        return problem is None

    def _is_due(self, now: datetime) -> bool:
        last = self.status.good[0].made_at if self.status.good else None
        return is_due(self._settings.backup_time, last, now, self._zone)

    def _make(self, opened: Store, now: datetime, stops: Callable[[], bool]) -> str | None:
        """Make a backup, and the list of who was erased beside it; what failed, or None."""
        try:
            store.add_backup(
                opened,
                self._settings.backups_path,
                now=now,
                kept=self._settings.backups_kept,
                more=lambda folder: copy_state(self._settings, folder),
                stops=stops,
            )
        except Exception as error:  # noqa: BLE001  # whatever it is, the thread goes on
            return logged("No backup could be made", error)
        try:
            erasure_list.write(opened, store_files.erasure_files(self._settings, opened.path))
        except Exception as error:  # noqa: BLE001  # likewise
            return logged("The list of erased people could not be written", error)
        return None


def backup_status(
    settings: Settings, path: Path, now: datetime, zone: tzinfo | None = None
) -> BackupStatus:
    """How it is with the backups of a store, by what is on the disk."""
    good = store.backups_of(settings.backups_path, path, now)
    if settings.backup_time is None:
        return BackupStatus(good)
    failed_at, problem = _last_failure(settings, path)
    if problem and failed_at and (not good or failed_at >= good[0].made_at):
        is_made = bool(good) and failed_at == good[0].made_at
        outcome = "was made, but not all that belongs beside it" if is_made else "failed"
        problem = f"The backup of {_moment(failed_at)} {outcome}. {problem}"
    elif good and now - good[0].made_at > LATE:
        problem = (
            f"The last backup was made at {_moment(good[0].made_at)}, and one is due every night:"
            " let `bridgeboard serve` run."
        )
    else:
        problem = None
    return BackupStatus(good, problem, last_due(settings.backup_time, now, zone, nights=1))


def is_due(at: time | None, last: datetime | None, now: datetime, zone: tzinfo | None) -> bool:
    """Whether no backup was made since the last night that should have one."""
    if at is None:
        return False
    return last is None or last > now or last < last_due(at, now, zone)


def last_due(at: time, now: datetime, zone: tzinfo | None, *, nights: int = 0) -> datetime:
    """The last time of that time of day up to now, in UTC; or the one so many nights later."""
    today = now.astimezone(zone).date()
    days = (datetime.combine(today + timedelta(days=back), at) for back in (1, 0, -1))
    moments = ((day.replace(tzinfo=zone) if zone else day).astimezone(UTC) for day in days)
    latest = next(each for each in moments if each <= now)
    if not nights:
        return latest
    return last_due(at, latest + timedelta(days=nights, hours=1), zone)


def copy_state(settings: Settings, folder: Path) -> None:
    """Copy views, notes, the audit log and ended logins into the folder of a backup."""
    backup_to(state_files.state_database(settings), folder / STATE)


def _failure_file(settings: Settings, path: Path) -> Path:
    return settings.folder / f"{path.stem}.backup.json"


def _remember(settings: Settings, path: Path, now: datetime, problem: str | None) -> None:
    """Keep why a backup failed, for commands that look while the dashboard runs."""
    file = _failure_file(settings, path)
    # On a disk that is full only this process can tell.
    with suppress(OSError):
        if problem is None:
            file.unlink(missing_ok=True)
        else:
            private_files.put(file, json.dumps({"at": now.isoformat(), "problem": problem}))


def _last_failure(settings: Settings, path: Path) -> tuple[datetime | None, str | None]:
    try:
        failure = json.loads(_failure_file(settings, path).read_text("utf-8"))
        return datetime.fromisoformat(failure["at"]), str(failure["problem"])
    except (OSError, ValueError, TypeError, KeyError):
        return None, None


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
