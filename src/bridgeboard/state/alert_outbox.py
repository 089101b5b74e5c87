"""The alerts of a store: what was found for whom, and what has become of it.

An alert is claimed in a transaction before it is sent. What was being sent when its process ended
is neither sent again nor forgotten: its outcome is unknown, and the operator decides.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from bridgeboard.state.database import Database
from bridgeboard.state.schema import ALERTS

PENDING: Final = "pending"
SENDING: Final = "sending"
SENT: Final = "sent"
UNKNOWN: Final = "unknown"
_MICROSECOND: Final = timedelta(microseconds=1)
INTERRUPTED: Final = "the process that sent it ended meanwhile"


@dataclass(frozen=True)
class Alert:
    """An alert to one recipient. Times are aware.

    Attributes:
        recipient: the name of whom it is for.
        digest: its identity.
        kind: what it is about.
        text: what it says; empty once it is sent.
        level: the limit that it tells of, in micro-USD.
        state: pending, sending, sent or unknown.
        reference: of the message that it was, or is, in.
        tries: how often it could not be sent.
        found_at: when it was found.
        tried_at: when it was last tried; None if never.
        sent_at: when it was sent; None if it was not.
        problem: why it was not.
    """

    recipient: str
    digest: str
    kind: str
    text: str
    level: int
    state: str
    reference: str
    tries: int
    found_at: datetime
    tried_at: datetime | None
    sent_at: datetime | None
    problem: str


class AlertOutbox:
    """The alerts of one store.

    Args:
        database: where they are.
        store: the name of the store's file, without its ending.
    """

    def __init__(self, database: Database, store: str) -> None:
        self.database = database
        self._store = store

    def alerts(self, *states: str, recipient: str | None = None) -> list[Alert]:
        """The alerts in some states, all without any, the oldest first. Raises StateError."""
        with self.database.reading() as connection:
            return self._alerts(connection, states, recipient)

    def known(self, recipient: str, digests: Iterable[str]) -> dict[str, Alert]:
        """What is kept of a recipient's alerts, by their digests. Raises StateError."""
        wanted = set(digests)
        return {one.digest: one for one in self.alerts(recipient=recipient) if one.digest in wanted}

    def put(self, recipient: str, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
        """Keep new alerts, to be sent: rows with digest, kind, level and text. Raises StateError.

        One that another process kept meanwhile stays as it is.
        """
        if not rows:
            return
        with self.database.writing() as connection:
            known = {one.digest for one in self._alerts(connection, (), recipient)}
            fresh = [row for row in rows if row["digest"] not in known]
            if fresh:
                connection.execute(
                    insert(ALERTS),
                    [
                        {
                            "store": self._store,
                            "recipient": recipient,
                            "state": PENDING,
                            "reference": "",
                            "tries": 0,
                            "found_at": now + place * _MICROSECOND,  # which keeps their order
                            "problem": "",
                            **row,
                        }
                        for place, row in enumerate(fresh)
                    ],
                )

    def put_again(self, recipient: str, row: Mapping[str, Any], now: datetime) -> None:
        """Have an alert sent anew, as it tells of a higher limit. Raises StateError."""
        values = {"state": PENDING, "tries": 0, "tried_at": None, "found_at": now, "problem": ""}
        self._change(
            {"recipient": recipient, "digest": row["digest"]},
            {**values, "level": row["level"], "text": row["text"]},
            (SENT, UNKNOWN),
            ALERTS.c.level < row["level"],
        )

    def reword(self, recipient: str, row: Mapping[str, Any]) -> None:
        """Say an alert that still waits in other words. Raises StateError."""
        self._change(
            {"recipient": recipient, "digest": row["digest"]},
            {"text": row["text"], "level": row["level"]},
            (PENDING,),
        )

    def claim(self, recipient: str, reference: str, now: datetime) -> list[Alert]:
        """Take all that waits for a recipient, for one message; nobody else gets it any more.

        Raises StateError.
        """
        mine = {"store": self._store, "recipient": recipient, "state": PENDING}
        with self.database.writing() as connection:
            claimed = self._alerts(connection, (PENDING,), recipient)
            values = {"state": SENDING, "reference": reference, "tried_at": now}
            connection.execute(update(ALERTS).filter_by(**mine).values(**values))
        return claimed

    def sent(self, reference: str, now: datetime) -> None:
        """Keep that a message was sent; its text is not kept. Raises StateError."""
        values = {"state": SENT, "sent_at": now, "text": "", "problem": ""}
        # Also where another process took this one for dead: it was not.
        self._change({"reference": reference}, values, (SENDING, UNKNOWN))

    def failed(self, reference: str, problem: str) -> None:
        """Keep that a message was not sent, to be tried again. Raises StateError."""
        values = {"state": PENDING, "problem": problem, "tries": ALERTS.c.tries + 1}
        self._change({"reference": reference}, values, (SENDING,))

    def lost(self, reference: str, problem: str) -> None:
        """Keep that nobody knows whether a message was sent. Raises StateError."""
        self._change({"reference": reference}, {"state": UNKNOWN, "problem": problem}, (SENDING,))

    def settle(self) -> int:
        """How many alerts were being sent by a process that has ended; their outcome is unknown.

        Only whoever has the lock of the senders may ask. Raises StateError.
        """
        return self._change({}, {"state": UNKNOWN, "problem": INTERRUPTED}, (SENDING,))

    def release(self) -> int:
        """Have all alerts of unknown outcome sent again; how many. Raises StateError."""
        values = {"state": PENDING, "tries": 0, "tried_at": None, "problem": ""}
        return self._change({}, values, (UNKNOWN,))

    def last_sent(self) -> dict[str, datetime]:
        """When each recipient was last sent something. Raises StateError."""
        newest = select(ALERTS.c.recipient, func.max(ALERTS.c.sent_at, type_=ALERTS.c.sent_at.type))
        question = newest.filter_by(store=self._store).group_by(ALERTS.c.recipient)
        with self.database.reading() as connection:
            return {name: at for name, at in connection.execute(question) if at}

    def forget(self, named: re.Pattern[str]) -> int:
        """Delete texts in which somebody is named; how many. Raises StateError.

        An alert that waits is deleted whole: nothing of it is left to be sent.
        """
        with self.database.writing() as connection:
            about = [one for one in self._alerts(connection, (), None) if named.search(one.text)]
            for one in about:
                mine = {"recipient": one.recipient, "digest": one.digest}
                connection.execute(delete(ALERTS).filter_by(store=self._store, **mine))
        return len(about)

    def _alerts(
        self, connection: Connection, states: Sequence[str], recipient: str | None
    ) -> list[Alert]:
        question = select(ALERTS).filter_by(store=self._store)
        if states:
            question = question.where(ALERTS.c.state.in_(states))
        if recipient is not None:
            question = question.filter_by(recipient=recipient)
        rows = connection.execute(question.order_by(ALERTS.c.found_at, ALERTS.c.digest)).mappings()
        return [Alert(**{k: v for k, v in row.items() if k != "store"}) for row in rows]

    def _change(
        self,
        mine: Mapping[str, Any],
        values: Mapping[str, Any],
        states: Sequence[str],
        *conditions: Any,
    ) -> int:
        change = update(ALERTS).filter_by(store=self._store, **mine)
        change = change.where(ALERTS.c.state.in_(states), *conditions).values(**values)
        with self.database.writing() as connection:
            return int(connection.execute(change).rowcount)
