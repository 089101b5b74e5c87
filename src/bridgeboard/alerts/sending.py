"""One round of alerts: keep what is new, claim what is due, send it, keep what became of it.

An alert is claimed before it is sent, so that none is sent twice: a process that is killed while it
sends leaves alerts that nobody sends again by themselves. The next round finds them, and keeps that
their outcome is unknown, for the operator to decide. Sent again by themselves, they would come
twice each time a process is stopped at the wrong moment, and people learn to ignore what comes
twice. What is known not to have arrived is tried again until it has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Final, Literal, Protocol

from bridgeboard.alerts import rules
from bridgeboard.alerts.recipients import Recipient
from bridgeboard.alerts.rules import Condition, Known, Message
from bridgeboard.state.alert_outbox import PENDING, Alert, AlertOutbox

LOCK: Final = "alerts"
"""Only one process sends at a time, of all dashboards that share a state database."""


@dataclass(frozen=True)
class Outcome:
    """What became of a message: sent, failed (it did not arrive), or unknown; and why."""

    state: Literal["sent", "failed", "unknown"]
    problem: str = ""


class AddressError(ValueError):
    """Nothing can be sent to an address; the message does not say it."""


class Sender(Protocol):
    """What sends messages."""

    def longest(self, recipient: Recipient) -> int:
        """Characters that a message to a recipient may have. Raises AddressError."""

    def __call__(self, recipient: Recipient, message: Message) -> Outcome:
        """Send a message; whatever is raised leaves its outcome unknown."""


@dataclass(frozen=True)
class Line:
    """What a round did, or would do, for one recipient.

    ``state`` is nothing, due (nothing was sent yet), held (quiet hours), waiting (until it is tried
    again), sent, failed or unknown.
    """

    recipient: Recipient
    state: Literal["nothing", "due", "held", "waiting", "sent", "failed", "unknown"]
    alerts: tuple[str, ...] = ()
    problem: str = ""
    reference: str = ""


def planned(
    outbox: AlertOutbox,
    conditions: Mapping[Recipient, Sequence[Condition]],
    now: datetime,
) -> list[Line]:
    """What a round would send now; nothing is changed. Raises StateError."""
    lines = []
    for recipient, found in conditions.items():
        changes = _changes(outbox, recipient, found)
        fresh = {one.digest: one.text for one in (*changes.new, *changes.again, *changes.reworded)}
        waiting = outbox.alerts(PENDING, recipient=recipient.name)
        kept = {one.digest: one.text for one in waiting}
        lines.append(_line(recipient, waiting, tuple((kept | fresh).values()), now))
    return lines


def round_of_alerts(
    outbox: AlertOutbox,
    conditions: Mapping[Recipient, Sequence[Condition]],
    send: Sender,
    now: datetime,
    reference: Callable[[], str] = lambda: token_hex(4),
) -> list[Line] | None:
    """Tell all recipients what is due to them; None where another process does so right now.

    Args:
        outbox: what was told before.
        conditions: what each recipient should know.
        send: sends a message.
        now: aware.
        reference: names a message.

    Raises:
        StateError: when the outbox cannot be read or written; then nothing more is sent.
    """
    with outbox.database.lock(LOCK) as is_ours:
        if not is_ours:
            return None
        outbox.settle()
        for recipient, found in conditions.items():
            _take_up(outbox, recipient, found, now)
        return [_tell(outbox, one, send, now, reference) for one in conditions]


def _take_up(
    outbox: AlertOutbox, recipient: Recipient, found: Sequence[Condition], now: datetime
) -> None:
    changes = _changes(outbox, recipient, found)
    outbox.put(recipient.name, [_row(one) for one in changes.new], now)
    for one in changes.again:
        outbox.put_again(recipient.name, _row(one), now)
    for one in changes.reworded:
        outbox.reword(recipient.name, _row(one))


def _tell(
    outbox: AlertOutbox,
    recipient: Recipient,
    send: Sender,
    now: datetime,
    reference: Callable[[], str],
) -> Line:
    waiting = outbox.alerts(PENDING, recipient=recipient.name)
    line = _line(recipient, waiting, tuple(one.text for one in waiting), now)
    if line.state != "due":
        return line
    try:
        longest = send.longest(recipient)
    except AddressError as error:
        return Line(recipient, "failed", line.alerts, str(error))
    name = reference()
    claimed = outbox.claim(recipient.name, name, now)
    alerts = [(one.kind, one.text) for one in claimed]
    message = rules.message(alerts, name, longest)  # type: ignore[arg-type] # kinds as they were put
    try:
        outcome = send(recipient, message)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are told
        outcome = Outcome("unknown", f"a fault of this program ({type(error).__name__})")
    if outcome.state == "sent":
        outbox.sent(name, now)
    elif outcome.state == "failed":
        outbox.failed(name, outcome.problem)
    else:
        outbox.lost(name, outcome.problem)
    return Line(recipient, outcome.state, line.alerts, outcome.problem, name)


def _line(
    recipient: Recipient, waiting: Sequence[Alert], texts: tuple[str, ...], now: datetime
) -> Line:
    """How it is with what waits for a recipient."""
    if not texts:
        return Line(recipient, "nothing")
    if recipient.quiet and recipient.quiet.hold(now):
        return Line(recipient, "held", texts)
    late = [one for one in waiting if rules.is_waiting(one.tries, one.tried_at, now)]
    if late:
        return Line(recipient, "waiting", texts, late[-1].problem)
    return Line(recipient, "due", texts)


def _changes(
    outbox: AlertOutbox, recipient: Recipient, found: Sequence[Condition]
) -> rules.Changes:
    wanted = [one for one in found if one.kind in recipient.kinds]
    known = outbox.known(recipient.name, (one.digest for one in wanted))
    before = {
        digest: Known(one.state, one.level, one.text)  # type: ignore[arg-type] # as it was put
        for digest, one in known.items()
    }
    return rules.changes(wanted, before)


def _row(condition: Condition) -> dict[str, object]:
    return {
        "digest": condition.digest,
        "kind": condition.kind,
        "level": condition.level,
        "text": condition.text,
    }
