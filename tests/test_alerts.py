"""What is due to whom and when, and that each alert is sent once, whatever ends the process."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from threading import Barrier

import databases
import pytest

from bridgeboard.alerts import rules
from bridgeboard.alerts.recipients import Recipient
from bridgeboard.alerts.rules import Changes, Condition, Known, Message, QuietHours
from bridgeboard.alerts.sending import LOCK, Line, Outcome, planned, round_of_alerts
from bridgeboard.state import Database, StateError
from bridgeboard.state.alert_outbox import INTERRUPTED, AlertOutbox

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LIMIT = 1_000_000_000
ADA = Recipient("Ada", "json://secret-token@hooks.example.com")
BERLIN = QuietHours(time(22), time(7), "Europe/Berlin")


def reached(threshold: str = "50", *, level: int = LIMIT, period: str = "2026-11") -> Condition:
    return Condition("budgets", "all", f"{threshold} % of {level}", period, threshold, level)


FOUND = Condition("findings", "runaway/s1/ada", "Runaway session of Ada")


class Sender:
    """Sends to a list; ``then`` are the outcomes of the next messages, or what ends the process."""

    def __init__(self, *then: Outcome | BaseException) -> None:
        self.sent: list[Message] = []
        self.then = list(then)

    def longest(self, _recipient: Recipient) -> int:
        return rules.LONGEST

    def __call__(self, _recipient: Recipient, message: Message) -> Outcome:
        outcome = self.then.pop(0) if self.then else Outcome("sent")
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome.state == "sent":
            self.sent.append(message)
        return outcome


@pytest.fixture
def outbox(database: Database) -> AlertOutbox:
    return AlertOutbox(database, "store")


def states(outbox: AlertOutbox) -> list[str]:
    return [one.state for one in outbox.alerts()]


def tell(
    outbox: AlertOutbox,
    *conditions: Condition,
    send: Sender | None = None,
    now: datetime = NOW,
    to: Recipient = ADA,
) -> Line:
    lines = round_of_alerts(outbox, {to: conditions}, send or Sender(), now)
    assert lines
    return lines[0]


def test_one_jump_over_several_thresholds_is_one_message_and_each_fires_once(
    outbox: AlertOutbox,
) -> None:
    send = Sender()
    jump = [reached(one) for one in ("50", "85", "100")]
    assert tell(outbox, *jump, FOUND, send=send).state == "sent"
    assert tell(outbox, *jump, FOUND, send=send).state == "nothing"
    (message,) = send.sent
    assert message.title == "Bridgeboard: 4 alerts"
    assert message.body.count("•") == 4
    assert tell(outbox, *jump, reached("forecast 100"), send=send).state == "sent"
    assert "forecast 100 %" in send.sent[1].body
    assert send.sent[1].body.count("%") == 1


@pytest.mark.parametrize(
    ("then", "fires"),
    [
        (reached(), False),
        (reached(level=LIMIT + 1), True),
        (reached(level=LIMIT - 1), False),
        (reached(period="2026-12"), True),
        (reached("85"), True),
    ],
)
def test_only_a_new_period_or_a_raised_limit_fires_a_threshold_again(
    outbox: AlertOutbox, then: Condition, *, fires: bool
) -> None:
    tell(outbox, reached())
    assert (tell(outbox, then).state == "sent") is fires
    assert tell(outbox, then).state == "nothing"


def test_a_limit_that_is_lowered_and_raised_to_what_it_was_fires_nothing(
    outbox: AlertOutbox,
) -> None:
    for level, state in ((LIMIT, "sent"), (LIMIT - 9, "nothing"), (LIMIT, "nothing")):
        assert tell(outbox, reached(level=level)).state == state


@pytest.mark.parametrize("jump", [timedelta(days=-40), timedelta(days=40), timedelta(hours=-1)])
def test_a_clock_that_jumps_fires_nothing_twice(outbox: AlertOutbox, jump: timedelta) -> None:
    send = Sender()
    for now in (NOW, NOW + jump, NOW):
        tell(outbox, reached(), FOUND, send=send, now=now)
    assert len(send.sent) == 1


def test_what_was_being_sent_when_the_process_was_killed_is_not_sent_again_but_reported(
    outbox: AlertOutbox,
) -> None:
    send = Sender(SystemExit())
    with pytest.raises(SystemExit):
        tell(outbox, reached(), send=send)
    assert states(outbox) == ["sending"]
    assert tell(outbox, reached(), send=send).state == "nothing"
    assert [(one.state, one.problem) for one in outbox.alerts()] == [("unknown", INTERRUPTED)]
    assert not send.sent
    # The operator, who sees that nothing has arrived, has it sent again.
    assert outbox.release() == 1
    assert tell(outbox, reached(), send=send).state == "sent"
    assert len(send.sent) == 1


def test_a_kill_between_sending_and_keeping_it_sends_nothing_twice(
    outbox: AlertOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Sender()
    with monkeypatch.context() as patch:
        patch.setattr(AlertOutbox, "sent", raises(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            tell(outbox, reached(), send=send)
    for _ in range(2):
        assert tell(outbox, reached(), send=send).state == "nothing"
    assert len(send.sent) == 1
    assert states(outbox) == ["unknown"]


def test_a_kill_before_an_alert_is_claimed_loses_nothing(
    outbox: AlertOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Sender()
    with monkeypatch.context() as patch:
        patch.setattr(AlertOutbox, "claim", raises(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            tell(outbox, FOUND, send=send)
    # What was found is no longer there, and is told all the same.
    assert tell(outbox, send=send).state == "sent"
    assert len(send.sent) == 1


def raises(error: BaseException) -> Callable[..., None]:
    def act(*_: object) -> None:
        raise error

    return act


def test_an_outbox_that_cannot_be_written_after_sending_sends_nothing_twice(
    outbox: AlertOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Sender()
    with monkeypatch.context() as patch:
        patch.setattr(AlertOutbox, "sent", raises(StateError("the disk is full")))
        with pytest.raises(StateError, match="full"):
            tell(outbox, reached(), send=send)
    assert tell(outbox, reached(), send=send).state == "nothing"
    assert len(send.sent) == 1


def test_a_sender_taken_for_dead_that_was_not_has_the_last_word(outbox: AlertOutbox) -> None:
    outbox.put("Ada", [row()], NOW)
    outbox.claim("Ada", "r1", NOW)
    outbox.settle()
    outbox.sent("r1", NOW + MINUTE)
    (alert,) = outbox.alerts()
    assert (alert.state, alert.sent_at, alert.text) == ("sent", NOW + MINUTE, "")
    assert outbox.last_sent() == {"Ada": NOW + MINUTE}


def row() -> dict[str, object]:
    return {"digest": "d", "kind": "findings", "level": 0, "text": "text of Ada Lovelace"}


def test_a_fault_in_sending_to_one_leaves_the_others_their_alerts(outbox: AlertOutbox) -> None:
    send = Sender(ZeroDivisionError("secret-token"))
    bob = Recipient("Bob", "json://127.0.0.1")
    lines = round_of_alerts(outbox, {ADA: [FOUND], bob: [FOUND]}, send, NOW)
    assert lines
    assert [(one.state, one.problem) for one in lines] == [
        ("unknown", "a fault of this program (ZeroDivisionError)"),
        ("sent", ""),
    ]


def test_what_fails_is_kept_and_tried_again_after_longer_and_longer_waits(
    outbox: AlertOutbox,
) -> None:
    send = Sender(*[Outcome("failed", "no connection")] * 3)
    tries, now = [], NOW
    for _ in range(12):
        line = tell(outbox, FOUND, send=send, now=now)
        if line.state != "waiting":
            tries.append(((now - NOW) // MINUTE, line.state))
        elif not tries[1:]:
            assert line.problem == "no connection"
        now += MINUTE
        if line.state == "sent":
            break
    assert tries == [(0, "failed"), (1, "failed"), (3, "failed"), (7, "sent")]
    assert len(send.sent) == 1


def test_what_comes_while_a_recipient_cannot_be_reached_goes_in_the_same_message(
    outbox: AlertOutbox,
) -> None:
    send = Sender(Outcome("failed", "no connection"))
    tell(outbox, FOUND, send=send)
    assert tell(outbox, reached(), send=send, now=NOW + MINUTE / 2).state == "waiting"
    assert tell(outbox, send=send, now=NOW + MINUTE).state == "sent"
    assert send.sent[0].title == "Bridgeboard: 2 alerts"


def test_a_clock_set_back_delays_no_retry(outbox: AlertOutbox) -> None:
    send = Sender(Outcome("failed", "no connection"))
    tell(outbox, FOUND, send=send)
    assert tell(outbox, FOUND, send=send, now=NOW - timedelta(days=30)).state == "sent"


def test_quiet_hours_hold_alerts_and_lose_none(outbox: AlertOutbox) -> None:
    quiet = Recipient("Ada", ADA.url, quiet=BERLIN)
    send = Sender()
    night = datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert tell(outbox, reached(), FOUND, send=send, now=night, to=quiet).state == "held"
    changed = Condition("budgets", "all", "70 % by now", "2026-11", "50", LIMIT)
    assert tell(outbox, changed, send=send, now=night + MINUTE, to=quiet).state == "held"
    assert not send.sent
    assert tell(outbox, send=send, now=night + timedelta(hours=7), to=quiet).state == "sent"
    assert "70 % by now" in send.sent[0].body
    assert "Runaway" in send.sent[0].body


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-11-23T20:59:59", False),
        ("2026-11-23T21:00:00", True),
        ("2026-11-24T05:59:59", True),
        ("2026-11-24T06:00:00", False),
        # The night on which summer time begins, and the one on which it ends.
        ("2026-03-28T21:00:00", True),
        ("2026-03-29T04:59:59", True),
        ("2026-03-29T05:00:00", False),
        ("2026-10-24T20:00:00", True),
        ("2026-10-25T05:59:59", True),
        ("2026-10-25T06:00:00", False),
    ],
)
def test_quiet_hours_pass_midnight_by_the_clock_of_their_zone(at: str, *, holds: bool) -> None:
    assert BERLIN.hold(datetime.fromisoformat(at).replace(tzinfo=UTC)) is holds


def test_quiet_hours_within_a_day() -> None:
    lunch = QuietHours(time(12), time(13))
    held = [hour for hour in range(24) if lunch.hold(NOW.replace(hour=hour))]
    assert held == [12]


def test_a_recipient_is_told_only_of_their_kinds(outbox: AlertOutbox) -> None:
    budgets = Recipient("Ada", ADA.url, kinds=frozenset({"budgets"}))
    assert tell(outbox, FOUND, to=budgets).state == "nothing"


def test_while_another_process_sends_nothing_is_done(
    outbox: AlertOutbox, state_url: str, tmp_path: Path
) -> None:
    send = Sender()
    with databases.database(tmp_path / "data", state_url) as other, other.lock(LOCK):
        assert round_of_alerts(outbox, {ADA: [FOUND]}, send, NOW) is None
    assert (send.sent, states(outbox)) == ([], [])


def test_dashboards_that_share_a_state_database_send_each_alert_once(
    outbox: AlertOutbox, state_url: str, tmp_path: Path
) -> None:
    found = [reached(f"{percent:02}") for percent in range(30)]
    ready = Barrier(2)
    with databases.database(tmp_path / "data", state_url) as other:

        def send_all(own: AlertOutbox) -> list[str]:
            send = Sender()
            ready.wait()
            for count in range(1, len(found) + 1):
                round_of_alerts(own, {ADA: found[:count]}, send, NOW)
            return [message.body for message in send.sent]

        with ThreadPoolExecutor(2) as threads:
            sent = list(threads.map(send_all, (outbox, AlertOutbox(other, "store"))))
    tell(outbox, *found)  # what only a round that came too late had found
    assert states(outbox) == ["sent"] * len(found)
    bodies = "\n".join(body for one in sent for body in one)
    assert all(bodies.count(one.text) <= 1 for one in found)


def test_a_plan_says_what_would_be_sent_and_changes_nothing(outbox: AlertOutbox) -> None:
    (line,) = planned(outbox, {ADA: [FOUND]}, NOW)
    assert (line.state, line.alerts) == ("due", (FOUND.text,))
    assert states(outbox) == []
    tell(outbox, FOUND)
    assert [one.state for one in planned(outbox, {ADA: [FOUND]}, NOW)] == ["nothing"]


def test_an_alert_that_is_being_sent_is_left_alone() -> None:
    raised = reached(level=LIMIT + 1)
    for state in ("sending", "sent"):
        known = {raised.digest: Known(state, LIMIT)}  # type: ignore[arg-type] # one of States
        assert rules.changes([raised], known) == (
            Changes() if state == "sending" else Changes(again=(raised,))
        )


def test_a_long_digest_says_how_many_more_there_are() -> None:
    many = rules.message([("findings", f"finding {n}") for n in range(30)], "r1")
    assert many.body.splitlines()[-2:] == [
        "… and 10 more, which the dashboard shows.",
        "Reference r1",
    ]
    short = rules.message([("findings", "x" * 300), ("budgets", "y" * 300)], "r1", longest=200)
    assert len(short.body) <= 200
    assert short.body.startswith("• yyy")
    assert "1 more" in short.body


def test_recorded_names_call_nobody_and_lead_nowhere() -> None:
    hostile = "<!channel> @everyone [x](https://evil.example) <@U1>\n\x1b[31m\u202e"
    shown = rules.plain(hostile)
    assert not re.search(r"<[!@]|@\w|://|\]\(|[\n\x1b\u202e]", shown)
    assert shown.count("\u2060") >= 5


def test_names_are_kept_only_as_long_as_they_are_needed(database: Database) -> None:
    outbox = AlertOutbox(database, "store")
    outbox.put("Ada", [row(), row() | {"digest": "e", "text": "text of Bob"}], NOW)
    assert outbox.forget(re.compile("Ada Lovelace")) == 1
    assert [one.text for one in outbox.alerts()] == ["text of Bob"]
    outbox.claim("Ada", "r", NOW)
    outbox.sent("r", NOW)
    assert [(one.state, one.text) for one in outbox.alerts()] == [("sent", "")]
    outbox.put("Ada", [row() | {"digest": "e"}], NOW)
    assert len(outbox.alerts()) == 1
    outbox.put_again("Ada", row() | {"digest": "e", "level": 1}, NOW)
    assert [one.state for one in outbox.alerts()] == ["pending"]
    assert AlertOutbox(database, "other").alerts() == []
