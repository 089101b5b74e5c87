"""What is due to a recipient, and when: each condition once, held in quiet hours, as one message.

Nothing here reads a store, a clock or a network: conditions, what was sent before and the time are
arguments.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from hashlib import sha256
from json import dumps
from typing import Final, Literal
from zoneinfo import ZoneInfo

from bridgeboard import formats

Kind = Literal["budgets", "sync", "findings", "unpriced"]
KINDS: Final[tuple[Kind, ...]] = ("budgets", "sync", "findings", "unpriced")
"""In the order in which a message has them."""
State = Literal["pending", "sending", "sent", "unknown"]
MOST_LINES: Final = 20
"""Alerts that one message lists; of the others it says how many there are."""
LONGEST: Final = 4_000
"""Characters of a message."""
_LINE: Final = 400
_FIRST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(hours=1)
_JOINER: Final = "\u2060"
"""Of no width: it parts what would act together."""


@dataclass(frozen=True)
class Condition:
    """Something that a recipient should hear of, in the words that they may read.

    Attributes:
        kind: what it is about.
        subject: what it is about, as an identity that stays the same however it grows.
        text: one sentence or two.
        period: the period that it belongs to; a new one fires anew. Empty for none.
        threshold: which one was reached; each fires by itself. Empty for none.
        level: the limit of a budget in micro-USD: a higher one than that which was told of before
            fires anew, a lower one does not.
    """

    kind: Kind
    subject: str
    text: str
    period: str = ""
    threshold: str = ""
    level: int = 0

    @property
    def digest(self) -> str:
        """Its identity: names of people in it cannot be read from this."""
        parts = [self.kind, self.subject, self.period, self.threshold]
        return sha256(dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Known:
    """What is kept of an alert: how it stands, and which limit it told of."""

    state: State
    level: int = 0
    text: str = ""


@dataclass(frozen=True)
class Changes:
    """What the outbox of a recipient has to take up.

    Attributes:
        new: conditions that nobody was told of.
        again: those that were told of, and fire anew as the limit was raised.
        reworded: those that still wait, with other numbers by now.
    """

    new: tuple[Condition, ...] = ()
    again: tuple[Condition, ...] = ()
    reworded: tuple[Condition, ...] = ()


def changes(conditions: Iterable[Condition], known: Mapping[str, Known]) -> Changes:
    """What is new to a recipient, by what is kept of them under the digests of conditions.

    One that is being sent right now is left alone until its outcome is known.
    """
    new, again, reworded = [], [], []
    for digest, condition in {one.digest: one for one in conditions}.items():
        before = known.get(digest)
        if before is None:
            new.append(condition)
        elif before.state == "pending":
            if condition.text != before.text:
                reworded.append(condition)
        elif before.state != "sending" and condition.level > before.level:
            again.append(condition)
    return Changes(tuple(new), tuple(again), tuple(reworded))


@dataclass(frozen=True)
class QuietHours:
    """Hours of the day, by the clock of a zone, in which nothing is sent; they may pass midnight.

    Wall clocks decide, so an hour that a clock shows twice is quiet twice.
    """

    begins: time
    ends: time
    zone: str = "UTC"

    def hold(self, now: datetime) -> bool:
        """Whether messages wait at this moment, which is aware."""
        clock = now.astimezone(ZoneInfo(self.zone)).time()
        if self.begins < self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends


def is_waiting(tries: int, tried_at: datetime | None, now: datetime) -> bool:
    """Whether it is too early to try again what failed so often, the last time at this moment.

    From a minute on the time doubles, up to an hour. A clock that was set back delays nothing.
    """
    if not tries or tried_at is None:
        return False
    wait = min(_FIRST_WAIT * (1 << min(tries - 1, 10)), _LONGEST_WAIT)
    return timedelta(0) <= now - tried_at < wait


@dataclass(frozen=True)
class Message:
    """One message to one recipient. ``reference`` is in it, so that it can be found again."""

    title: str
    body: str
    reference: str = ""


def message(alerts: Sequence[tuple[Kind, str]], reference: str, longest: int = LONGEST) -> Message:
    """All that is due to one recipient as one message; what it has no room for is counted.

    Args:
        alerts: kind and text of each, in any order.
        reference: stands at its end, and in the list of messages.
        longest: characters of its body at most.
    """
    texts = [plain(text) for _, text in sorted(alerts, key=lambda one: KINDS.index(one[0]))]
    title = f"Bridgeboard: {formats.plural(len(texts), 'alert')}"
    ending = f"Reference {reference}"
    lines: list[str] = []
    room = longest - len(ending) - len(_more(len(texts))) - 2
    for text in texts[:MOST_LINES]:
        line = text if len(texts) == 1 else f"• {text}"
        if lines and len(line) + 1 > room:
            break
        lines.append(line if len(line) < room else f"{line[: max(room - 1, 0)]}…")
        room -= len(lines[-1]) + 1
    left = len(texts) - len(lines)
    return Message(title, "\n".join([*lines, *([_more(left)] if left else []), ending]), reference)


def plain(text: str) -> str:
    """A line in which nothing acts where it is shown: no mention, no link, no markup.

    Names in it were recorded, and chats make much of characters: ``<!channel>`` and ``@everyone``
    call people, and any address becomes a link.
    """
    shown = formats.middle(formats.line(text), _LINE)
    return re.sub(r"(?<=[@<:\]])(?=\S)", _JOINER, shown)


def _more(count: int) -> str:
    return f"… and {count:,} more, which the dashboard shows."
