"""The alerts command: tells recipients what is due, or says what it would tell them."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from bridgeboard import formats, settings, sync
from bridgeboard.alerts.delivery import AppriseSender
from bridgeboard.alerts.sending import Line, planned, round_of_alerts
from bridgeboard.cli.reporting import StoreFile
from bridgeboard.cli.store_commands import now
from bridgeboard.cli.terminal import err, explained, out
from bridgeboard.runtime import alert_files, background_alerts, store_files
from bridgeboard.runtime.background_alerts import SyncHealth
from bridgeboard.settings import Settings, SettingsError
from bridgeboard.state.alert_outbox import UNKNOWN, AlertOutbox
from bridgeboard.store import sync_state

Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be sent to whom, and send nothing.")
]
Resend = Annotated[
    bool,
    typer.Option(
        "--resend",
        help="Send again what may not have arrived, as the process that sent it was stopped.",
    ),
]


def alerts(
    store: StoreFile = None,
    *,
    dry_run: DryRun = False,
    resend: Resend = False,
    as_json: Json = False,
) -> None:
    """Tell recipients of the alerts_file what is due to them now. Asks no deployment.

    The status is 1 where something could not be sent, or may not have arrived.
    """
    with explained():
        chosen = settings.read()
        if chosen.alerts_path is None:
            raise SettingsError("No alerts_file is set: there is nobody to be told of anything.")
        path = store or store_files.store_file(chosen)
        outbox = alert_files.outbox(chosen, path)
        lines = _lines(chosen, path, outbox, dry_run=dry_run, resend=resend)
        lost = outbox.alerts(UNKNOWN)
    if as_json:
        out.print(json.dumps(_described(lines, len(lost))), markup=False, soft_wrap=True)
    else:
        for text in _in_words(lines):
            out.print(text, markup=False)
        if lost:
            err.print(
                f"Of {formats.plural(len(lost), 'alert')} it is not known whether they arrived:"
                " look there, and run bridgeboard alerts --resend if they did not.",
                markup=False,
            )
    if lost or any(line.state in {"failed", "unknown"} for line in lines):
        raise typer.Exit(1)


def _lines(
    chosen: Settings, path: Path, outbox: AlertOutbox, *, dry_run: bool, resend: bool
) -> list[Line]:
    told = alert_files.recipients(chosen)
    with store_files.opened(chosen, path) as opened:
        sync.name_models(opened)
        good_at = sync_state.last_ended_at(opened)
        late: timedelta | None = background_alerts.late_after(chosen, told)
        health = SyncHealth(good_at, None, late)
        found = background_alerts.found(opened, chosen, told, health, now())
    sender = AppriseSender()
    if dry_run:
        lines = planned(outbox, found, now())
        for one in told.all:
            sender.longest(one)  # which says what is wrong with its address
        return lines
    if resend:
        outbox.release()
    sent = round_of_alerts(outbox, found, sender, now())
    if sent is None:
        raise SettingsError("Another process tells recipients right now. Try again in a minute.")
    return sent


def _described(lines: Sequence[Line], lost: int) -> dict[str, Any]:
    return {
        "recipients": [
            {
                "name": line.recipient.name,
                "address": line.recipient.masked,
                "state": line.state,
                "problem": line.problem or None,
                "reference": line.reference or None,
                "alerts": list(line.alerts),
            }
            for line in lines
        ],
        "unknown": lost,
    }


_STATES = {
    "nothing": "nothing is due",
    "due": "would be sent",
    "held": "held until quiet hours end",
    "waiting": "waits to be tried again",
    "sent": "sent",
    "failed": "could not be sent, and is tried again",
    "unknown": "may have arrived or not",
}


def _in_words(lines: Sequence[Line]) -> list[str]:
    words = []
    for line in lines:
        head = f"{line.recipient.name} ({line.recipient.masked}): {_STATES[line.state]}"
        words.append(f"{head}: {line.problem}." if line.problem else f"{head}.")
        words += [f"  - {formats.line(text)}" for text in line.alerts]
    return words
