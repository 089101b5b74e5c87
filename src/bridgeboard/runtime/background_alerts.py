"""Finds what recipients of alerts should know, and tells them while the dashboard runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bridgeboard import budgets
from bridgeboard.access import EVERYTHING, Pseudonyms, Role, RowAccess
from bridgeboard.alerts import conditions
from bridgeboard.alerts.delivery import AppriseSender
from bridgeboard.alerts.recipients import Recipient, Recipients
from bridgeboard.alerts.rules import Condition, Kind
from bridgeboard.alerts.sending import Line, Sender, round_of_alerts
from bridgeboard.budgets import BudgetsFileError
from bridgeboard.model.budgets import Budget
from bridgeboard.model.store import Store
from bridgeboard.model.store_status import Status
from bridgeboard.runtime import alert_files
from bridgeboard.runtime.failure_messages import logged
from bridgeboard.settings import Settings
from bridgeboard.store import Store as OpenStore
from bridgeboard.store import sync_state

LOOKED_EVERY: Final = timedelta(minutes=5)
"""How often the store is asked what is new; what waits is sent meanwhile."""
_INTERVALS: Final = 3
"""After so many intervals without a good sync one is late, unless the file says more hours."""
RETRY: Final = timedelta(minutes=1)
"""How long after a round that failed as a whole the next begins."""


@dataclass(frozen=True)
class SyncHealth:
    """How it is with syncs: the last good one, why the last one failed, when one is late."""

    good_at: datetime | None
    problem: str | None = None
    late_after: timedelta | None = None


def found(
    opened: Store,
    settings: Settings,
    told: Recipients,
    sync: SyncHealth,
    now: datetime,
    *,
    looks: bool = True,
) -> dict[Recipient, list[Condition]]:
    """What each recipient should know now, from a reader with the rights of their role.

    Recipients with the same rights are answered together. ``looks`` is whether the store is asked.

    Raises:
        BudgetsFileError: when the file of budgets cannot be used.
        StoreError: when the store cannot be read.
    """
    pseudonyms = None
    if settings.names == "pseudonyms":
        pseudonyms = Pseudonyms.of_key(settings.pseudonym_key.get_secret_value())
    with_budgets: Sequence[Budget] = ()
    if looks and settings.budgets_path:
        with_budgets = budgets.load(settings.budgets_path)
    names = _names(opened, pseudonyms, with_budgets) if looks else None
    ask = _Asking(opened, with_budgets, names, now)
    by_access: dict[RowAccess, list[Recipient]] = {}
    for one in told.all:
        row_access = one.row_access(settings.floor)
        if row_access.floor is None:
            row_access = replace(row_access, pseudonyms=pseudonyms)
        by_access.setdefault(row_access, []).append(one)
    every: dict[Recipient, list[Condition]] = {}
    for row_access, group in by_access.items():
        kinds = frozenset[Kind]().union(*(one.kinds for one in group))
        seen = ask.seen(row_access, kinds) if looks else []
        for one in group:
            every[one] = [*seen, *_of_sync(one, sync, now)]
    return {one: every[one] for one in told.all}


def _names(
    opened: Store, pseudonyms: Pseudonyms | None, with_budgets: Sequence[Budget]
) -> Mapping[str, str] | None:
    if pseudonyms is None or not with_budgets:
        return None
    with opened.snapshot(EVERYTHING) as everybody:
        return conditions.names_of(everybody, pseudonyms)


@dataclass(frozen=True)
class _Asking:
    """What readers of the store are asked about.

    ``names`` are user names → pseudonyms; None where people are called by their names.
    """

    opened: Store
    budgets: Sequence[Budget]
    names: Mapping[str, str] | None
    now: datetime

    def seen(self, row_access: RowAccess, kinds: frozenset[Kind]) -> list[Condition]:
        """What somebody with this row access should know."""
        seen: list[Condition] = []
        with self.opened.snapshot(row_access) as reader:
            if "budgets" in kinds and self.budgets:
                seen += conditions.of_budgets(
                    reader, self.budgets, row_access, self.names, self.now
                )
            if "findings" in kinds:
                seen += conditions.of_findings(reader, self.now)
            if "unpriced" in kinds:
                seen += conditions.of_unpriced(reader, self.now)
        return seen


def _of_sync(one: Recipient, sync: SyncHealth, now: datetime) -> list[Condition]:
    return conditions.of_sync(
        sync.good_at,
        sync.problem,
        now,
        late_after=sync.late_after,
        says_why=one.role is Role.ADMIN,
    )


def late_after(settings: Settings, told: Recipients) -> timedelta | None:
    """How long after a good sync the next one is late; None where the dashboard makes none."""
    if not settings.sync_seconds:
        return None
    return max(told.late_after, _INTERVALS * timedelta(seconds=settings.sync_seconds))


class BackgroundAlerts:
    """Tells recipients what is due, round by round, and remembers how the last one went.

    Args:
        settings: where the recipients are.
        clock: the time, aware.
        send: sends a message.

    Attributes:
        problem: why the last round failed, as a whole or for budgets; None if it did not.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], datetime], send: Sender | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._send = send or AppriseSender()
        self._started_at = clock()
        self._looked_at: datetime | None = None
        self._failing_since: datetime | None = None
        self._failed_at: datetime | None = None
        self._without_budgets: str | None = None
        self.problem: str | None = None

    def tell(self, opened: OpenStore, status: Status) -> list[Line]:
        """One round; what was sent, held or failed. What goes wrong as a whole is ``problem``."""
        now = self._clock()
        if status.problem is None:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = now
        if _is_within(RETRY, self._failed_at, now):
            return []
        looks = not _is_within(LOOKED_EVERY, self._looked_at, now)
        try:
            told = alert_files.recipients(self._settings)
            health = self._health(opened, status, told)
            conditions_now = self._found(opened, told, health, now, looks=looks)
            outbox = alert_files.outbox(self._settings, opened.path)
            lines = round_of_alerts(outbox, conditions_now, self._send, now)
        except Exception as error:  # noqa: BLE001  # whatever it is, the thread goes on
            self._failed_at = now
            self.problem = logged("Nobody could be told of alerts", error)
            return []
        if lines is not None and looks:
            self._looked_at = now
        self.problem, self._failed_at = self._without_budgets, None
        return lines or []

    def _found(
        self,
        opened: OpenStore,
        told: Recipients,
        health: SyncHealth,
        now: datetime,
        *,
        looks: bool,
    ) -> dict[Recipient, list[Condition]]:
        """What recipients should know; all but budgets where their file cannot be used."""
        try:
            conditions_now = found(opened, self._settings, told, health, now, looks=looks)
        except BudgetsFileError as error:
            self._without_budgets = logged("Nobody could be told of budgets", error)
            without = self._settings.model_copy(update={"budgets_file": ""})
            return found(opened, without, told, health, now, looks=looks)
        if looks:
            self._without_budgets = None
        return conditions_now

    def _health(self, opened: OpenStore, status: Status, told: Recipients) -> SyncHealth:
        times = [sync_state.last_ended_at(opened), status.good_at]
        good_at = max((at for at in times if at), default=self._failing_since)
        late = late_after(self._settings, told)
        # After a time in which nothing ran, the first sync has as long as any to make up for it.
        if late and status.ended_at is None and _is_within(late, self._started_at, self._clock()):
            late = None
        return SyncHealth(good_at, status.problem, late)


def _is_within(span: timedelta, last: datetime | None, now: datetime) -> bool:
    """Whether something was so short a time ago; never by a clock that was set back."""
    return last is not None and timedelta(0) <= now - last < span
