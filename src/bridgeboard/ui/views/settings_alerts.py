"""The page Settings: who is told of alerts, what became of them, and a message that tests it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from bridgeboard import formats, settings
from bridgeboard.access import Permission, RefusedError
from bridgeboard.alerts.recipients import Recipient, RecipientsFileError
from bridgeboard.alerts.rules import KINDS
from bridgeboard.runtime import alert_files, process
from bridgeboard.state.alert_outbox import PENDING, SENDING, UNKNOWN, AlertOutbox
from bridgeboard.state.audit import AuditError
from bridgeboard.state.errors import StateError
from bridgeboard.state.logins import ClosedError
from bridgeboard.ui import current_user
from bridgeboard.ui.components import notices, tables
from bridgeboard.ui.components.tables import Column

_CHOSEN: Final = "alert-recipient"
_RESULT: Final = "alert_test"
"""Whether a test message was sent, and what became of it: shown once."""
_COLUMNS: Final = (
    *(Column(name) for name in ("Recipient", "Address", "Role", "Told of", "Quiet hours")),
    Column("Last sent", "moment"),
    Column("Waiting", "count", exact=True),
    Column("Problem"),
)


def alerts() -> None:
    """The recipients with what was sent to them; nothing where there is no file of them."""
    chosen = settings.current()
    if chosen.alerts_path is None:
        return
    st.header("Alerts", anchor=False)
    with notices.tile("the alerts"):
        keeper = process.current()
        try:
            told = alert_files.recipients(chosen).all
        except RecipientsFileError as error:
            notices.problem("**Nobody is told of anything: the file cannot be used.**", str(error))
            return
        if keeper and keeper.alert_problem:
            why = settings.unsecret(keeper.alert_problem, chosen)
            notices.problem("**Not all alerts could be told.**", why)
        if not told:
            st.caption("The file names no recipient.")
            return
        try:
            store = keeper.store.path if keeper and keeper.store else None
            _recipients(told, alert_files.outbox(chosen, store) if store else None)
        except StateError as error:
            notices.problem("**What was sent is not known.**", str(error))
        if current_user.reader().may(Permission.SYNC):
            _test(told)


def _recipients(told: Sequence[Recipient], outbox: AlertOutbox | None) -> None:
    last = outbox.last_sent() if outbox else {}
    open_alerts = outbox.alerts(PENDING, SENDING, UNKNOWN) if outbox else []
    waiting = Counter(one.recipient for one in open_alerts if one.state != UNKNOWN)
    problems = {one.recipient: one.problem for one in open_alerts if one.problem}
    rows = [
        (
            one.name,
            one.masked,
            ", ".join([one.role, *one.teams]),
            ", ".join(kind for kind in KINDS if kind in one.kinds),
            _quiet(one),
            last.get(one.name),
            waiting[one.name],
            problems.get(one.name, formats.DASH),
        )
        for one in told
    ]
    label = "Who is told of alerts"
    tables.show(rows, _COLUMNS, key="alerts", label=label, is_sortable=False)
    lost = [one for one in open_alerts if one.state == UNKNOWN]
    if lost:
        references = ", ".join(sorted({one.reference for one in lost}))
        notices.warning(
            f"**Of {formats.plural(len(lost), 'alert')} it is not known whether they arrived**"
            f" (reference {references}). Look there; `bridgeboard alerts --resend` sends them"
            " again.",
            icon=":material/help:",
        )


def _quiet(one: Recipient) -> str:
    if one.quiet is None:
        return formats.DASH
    return f"{one.quiet.begins:%H:%M}-{one.quiet.ends:%H:%M} {one.quiet.zone}"


def _test(told: Sequence[Recipient]) -> None:
    """A message to one recipient, on request."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="alert-test"):
        st.selectbox("Recipient", [one.name for one in told], key=_CHOSEN, width=320)
        st.button(
            "Send a test message",
            key="alert-send",
            icon=":material/send:",
            help="Sends at once, also in quiet hours. The audit log notes that you did.",
            on_click=_send,
        )
    is_sent, text = st.session_state.pop(_RESULT, (False, ""))
    if is_sent:
        notices.success(text, icon=":material/check:")
    elif text:
        notices.remark(text)


def _send() -> None:
    """Send it, once it is noted who did; whoever may not, or not any more, sends nothing."""
    name = st.session_state.get(_CHOSEN)
    try:
        reader = current_user.admitted()
        told = alert_files.recipients(settings.current()).all
        recipient = next((one for one in told if one.name == name), None)
        if recipient is None or not reader.may(Permission.SYNC):
            return
        current_user.note("test alert", recipient.name, who=reader.viewer.name)
    except (ClosedError, RefusedError, RecipientsFileError):  # which the run that follows tells
        return
    except AuditError as error:
        st.session_state[_RESULT] = False, f"Nothing was sent. {error}"
        return
    outcome = alert_files.send_test(recipient, reader.viewer.name, datetime.now(UTC))
    text = {
        "sent": "The service took the message.",
        "failed": f"The message was not sent: {outcome.problem}.",
        "unknown": f"The message may have arrived or not: {outcome.problem}.",
    }[outcome.state]
    st.session_state[_RESULT] = outcome.state == "sent", text
