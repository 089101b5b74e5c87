"""The recipients and the outbox of alerts of this process, and a message that tests an address."""

from datetime import datetime
from pathlib import Path
from typing import Final

from bridgeboard import settings as of_process
from bridgeboard.alerts import recipients as files
from bridgeboard.alerts.delivery import AppriseSender
from bridgeboard.alerts.recipients import Recipient, Recipients
from bridgeboard.alerts.rules import Message
from bridgeboard.alerts.sending import AddressError, Outcome
from bridgeboard.runtime import state_files
from bridgeboard.settings import Settings
from bridgeboard.state.alert_outbox import AlertOutbox

TEST: Final = "Bridgeboard: test message"


def recipients(settings: Settings) -> Recipients:
    """Who is told of alerts; nobody without a file. Raises RecipientsFileError."""
    path = settings.alerts_path
    return files.load(path, of_process.variable) if path else Recipients()


def outbox(settings: Settings, store: Path) -> AlertOutbox:
    """What was found for whom in a store, and what has become of it."""
    return AlertOutbox(state_files.state_database(settings), store.stem)


def send_test(recipient: Recipient, who: str, at: datetime) -> Outcome:
    """Send a message that only says that it is a test, also in quiet hours."""
    body = f"{who} sent this test of alerts at {at:%Y-%m-%d %H:%M} UTC. Nothing else has happened."
    try:
        return AppriseSender()(recipient, Message(TEST, body))
    except AddressError as error:
        return Outcome("failed", str(error))
