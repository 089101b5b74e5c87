"""How long a round of alerts takes, from the store to the messages.

``python -m bench.alerts --store 2m.duckdb``. A dozen budgets (of everything, teams, people, models)
and three recipients, each alone, as each sees other rows: groups, a team, everybody. The time is
that of finding what they should know, of keeping it, and of a sender that takes each message at
once; ``..._again_ms`` is a round that finds nothing new, ``..._cpu_ms`` what it takes of all cores
together. The store is only read, but it is opened, so give it a copy.
"""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import process_time
from typing import Final

from bench.budgets import budgets_toml
from bench.report import Report, arguments, median_ms, note, spent_ms

from bridgeboard.access import Role
from bridgeboard.alerts.recipients import Recipient, Recipients
from bridgeboard.alerts.rules import LONGEST, Message
from bridgeboard.alerts.sending import Line, Outcome, round_of_alerts
from bridgeboard.runtime.background_alerts import SyncHealth, found
from bridgeboard.settings import Settings
from bridgeboard.state import Database
from bridgeboard.state.alert_outbox import AlertOutbox
from bridgeboard.store import Store

RUNS: Final = 3
TARGET_MS: Final = 2_000
_TEAM: Final = "SELECT team FROM memberships ORDER BY 1 LIMIT 1"


class Taker:
    """Takes every message."""

    taken = 0

    def longest(self, _recipient: Recipient) -> int:
        """As long as any."""
        return LONGEST

    def __call__(self, _recipient: Recipient, _message: Message) -> Outcome:
        """Sent."""
        self.taken += 1
        return Outcome("sent")


def main() -> int:
    """Time rounds over a store."""
    asked = arguments(__doc__, store=str)
    report = Report(strict=asked.strict)
    with tempfile.TemporaryDirectory() as name, Store.open(Path(asked.store)) as store:
        _measure(report, store, Path(name))
    return report.verdict()


def _measure(report: Report, store: Store, folder: Path) -> None:
    ((last,),) = store.rows("SELECT max(started_at) FROM usage")
    now = last.replace(tzinfo=UTC) + timedelta(minutes=1)
    teams = [team for (team,) in store.rows(_TEAM)]
    (folder / "budgets.toml").write_text(budgets_toml(store), "utf-8")
    settings = Settings(budgets_file=str(folder / "budgets.toml"), data_folder=str(folder))
    outbox, taker = AlertOutbox(Database(folder), "store"), Taker()
    for one in (
        Recipient("everybody", "json://127.0.0.1", Role.ANALYST),
        Recipient("team", "json://127.0.0.1", Role.LEAD, tuple(teams)),
        Recipient("groups", "json://127.0.0.1", kinds=frozenset({"budgets", "unpriced"})),
    ):
        tell = partial(_round, store, settings, Recipients((one,)), outbox, taker, now)
        report.say(f"{one.name}_first_ms", spent_ms(tell), "ms")
        report.say(f"{one.name}_alerts", len(outbox.alerts(recipient=one.name)), "alerts")
        report.say(f"{one.name}_again_ms", median_ms(tell, runs=RUNS, warm=0), "ms", TARGET_MS)
        before = process_time()
        tell()
        report.say(f"{one.name}_cpu_ms", (process_time() - before) * 1000, "ms")
    outbox.database.close()
    note(f"{taker.taken} messages")


def _round(  # noqa: PLR0917 - bound by partial
    store: Store,
    settings: Settings,
    told: Recipients,
    outbox: AlertOutbox,
    taker: Taker,
    now: datetime,
) -> Sequence[Line]:
    conditions = found(store, settings, told, SyncHealth(now), now)
    return round_of_alerts(outbox, conditions, taker, now) or ()


if __name__ == "__main__":
    raise SystemExit(main())
