"""The raw tables, indexed once, and what of them exists at one moment.

A ``Index`` is built once per bridge. A ``View`` of it is what a server would hold at a given
time: rows that start later do not exist, rows that end later are unfinished, rows older than
the retention are purged with all that hangs on them (api-contract 4.1, section 7).
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

from bridgeboard.demo.records import (
    FirewallLog,
    InterceptionRow,
    Person,
    PromptRow,
    Provider,
    Tables,
    ThoughtRow,
    TokenRow,
    ToolRow,
)

R = TypeVar("R")
Rows: TypeAlias = Sequence[InterceptionRow]
SessionKey: TypeAlias = tuple[str, str]
"""Session id and initiator id: what makes one row of the list."""

POSITION = attrgetter("started_at", "id")
"""The total order of interceptions; ids break ties by their bytes."""

_CREATED = attrgetter("created_at", "id")
_NO_DATA = datetime(2026, 1, 1, tzinfo=UTC)
_STARTED = attrgetter("started_at")


class Index:
    """All rows, with their children at hand in the server's order (created_at, id)."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.people: Mapping[str, Person] = {person.id: person for person in tables.people}
        self.interceptions: Rows = sorted(tables.interceptions, key=POSITION)
        self.tokens: Mapping[str, Sequence[TokenRow]] = _children(tables.tokens)
        self.prompts: Mapping[str, Sequence[PromptRow]] = _children(tables.prompts)
        self.tools: Mapping[str, Sequence[ToolRow]] = _children(tables.tools)
        self.thoughts: Mapping[str, Sequence[ThoughtRow]] = _children(tables.thoughts)
        self._starts = [row.started_at for row in self.interceptions]
        self._ends = sorted(row.ended_at for row in self.interceptions if row.ended_at)

    @cached_property
    def firewall(self) -> Mapping[str, Sequence[FirewallLog]]:
        """Firewall log entries per firewall session, by sequence number."""
        logs = defaultdict(list)
        for log in sorted(self.tables.firewall_logs, key=attrgetter("sequence_number")):
            logs[log.firewall_session_id].append(log)
        return logs

    @property
    def last_moment(self) -> datetime:
        """The newest time that any interception tells; of none, the beginning of 2026."""
        return max((*self._starts[-1:], *self._ends[-1:]), default=_NO_DATA)

    def provider(self, name: str) -> Provider | None:
        """Return the configured provider of that name, unless it was removed."""
        matching = (p for p in self.tables.providers if p.name == name and not p.deleted)
        return next(matching, None)

    def person_named(self, username: str) -> Person | None:
        """Find somebody by user name, case-insensitively; deleted people are not found."""
        wanted = username.lower()
        living = (p for p in self.tables.people if not p.deleted)
        return next((p for p in living if p.username.lower() == wanted), None)

    def epoch(self, now: datetime | None, purged_before: datetime | None) -> tuple[int, int, int]:
        """Name the state of the data: two moments with the same epoch see the same rows."""
        first = 0 if purged_before is None else bisect_left(self._starts, purged_before)
        if now is None:
            return first, len(self._starts), len(self._ends)
        return first, bisect_right(self._starts, now), bisect_right(self._ends, now)

    def view(self, now: datetime | None, purged_before: datetime | None) -> "View":
        """Return what exists at ``now`` (None: everything) after a purge."""
        first, last, _ = self.epoch(now, purged_before)
        return View(self, self.interceptions[first:last], now)


def _children(rows: Iterable[R]) -> Mapping[str, Sequence[R]]:
    children: dict[str, list[R]] = {}
    for row in sorted(rows, key=_CREATED):
        children.setdefault(row.interception_id, []).append(row)  # type: ignore[attr-defined] # all four kinds of children have it
    return children


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums of the four token columns."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0

    def columns(self) -> dict[str, int]:
        """Return the four numbers under their names on the wire."""
        return {name: getattr(self, name) for name in self.__slots__}


def tally(rows: Iterable[TokenRow]) -> Tally:
    """Add up token rows."""
    a = b = c = d = 0
    for row in rows:
        a += row.input_tokens
        b += row.output_tokens
        c += row.cache_read_input_tokens
        d += row.cache_write_input_tokens
    return Tally(a, b, c, d)


@dataclass(frozen=True, slots=True)
class Whole:
    """What a session is over all its finished interceptions, whatever the filter."""

    providers: list[str]
    models: list[str]
    client: str | None
    metadata: dict[str, Any] | None
    tokens: Tally
    last_prompt: str
    network_calls: tuple[int, int] | None


class View:
    """What a server holds at one moment. Made of immutable parts; aggregates are kept."""

    def __init__(self, index: Index, rows: Rows, now: datetime | None) -> None:
        self.index = index
        self.rows = rows
        self.finished = [row for row in rows if _ended(row, now)]
        self._wholes: dict[SessionKey, Whole] = {}
        self._kept: dict[str, Any] = {}

    def remember(self, name: str, compute: Callable[[], R]) -> R:
        """Return what was computed under that name before, or compute it."""
        if name not in self._kept:
            self._kept[name] = compute()
        cached: R = self._kept[name]
        return cached

    @cached_property
    def known(self) -> Mapping[str, InterceptionRow]:
        """All rows by id, the unfinished included: what a cursor may name."""
        return {row.id: row for row in self.rows}

    @cached_property
    def groups(self) -> Mapping[SessionKey, Rows]:
        """Finished rows per session and initiator, oldest first."""
        return by_session(self.finished)

    @cached_property
    def sessions(self) -> Mapping[str, Rows]:
        """Finished rows per session id, of all initiators, oldest first."""
        sessions: dict[str, list[InterceptionRow]] = {}
        for row in self.finished:
            sessions.setdefault(row.session_id, []).append(row)
        return sessions

    def between(self, after: datetime | None, before: datetime | None) -> Rows:
        """Return the finished rows that started within both inclusive bounds."""
        first = 0 if after is None else bisect_left(self.finished, after, key=_STARTED)
        last = None if before is None else bisect_right(self.finished, before, key=_STARTED)
        return self.finished[first:last]

    def active_at(self, rows: Rows) -> datetime:
        """Return the time of the newest prompt on ``rows``, else their earliest start."""
        prompts = self.index.prompts
        newest = [prompts[row.id][-1].created_at for row in rows if row.id in prompts]
        return max(newest) if newest else min(row.started_at for row in rows)

    def whole(self, key: SessionKey) -> Whole:
        """Return the aggregates that no filter touches."""
        if key not in self._wholes:
            self._wholes[key] = self._sum_up(self.groups[key])
        return self._wholes[key]

    def _sum_up(self, rows: Rows) -> Whole:
        index = self.index
        prompts = [p for row in rows for p in index.prompts.get(row.id, ())]
        return Whole(
            providers=sorted({row.provider for row in rows}),
            models=sorted({row.model for row in rows}),
            client=rows[0].client,
            metadata=rows[0].metadata,
            tokens=tally(t for row in rows for t in index.tokens.get(row.id, ())),
            last_prompt=max(prompts, key=_CREATED).prompt if prompts else "",
            network_calls=self._network_calls(rows),
        )

    def _network_calls(self, rows: Rows) -> tuple[int, int] | None:
        if all(row.agent_firewall_session_id is None for row in rows):
            return None
        logs = [log for row in rows for log in self._firewall_logs(row)]
        return len(logs), sum(not log.allowed for log in logs)

    def _firewall_logs(self, row: InterceptionRow) -> Sequence[FirewallLog]:
        firewall, own = row.agent_firewall_session_id, row.agent_firewall_sequence_number
        if firewall is None or own is None:
            return ()
        logs, marks = self.index.firewall.get(firewall, ()), self._marks[firewall]
        following = bisect_right(marks, own)
        until = marks[following] if following < len(marks) else None
        number = attrgetter("sequence_number")
        end = None if until is None else bisect_left(logs, until, key=number)
        return logs[bisect_right(logs, own, key=number) : end]

    @cached_property
    def _marks(self) -> Mapping[str, Sequence[int]]:
        marks: dict[str, set[int]] = defaultdict(set)
        for row in self.rows:
            if row.agent_firewall_session_id and row.agent_firewall_sequence_number is not None:
                marks[row.agent_firewall_session_id].add(row.agent_firewall_sequence_number)
        return {firewall: sorted(numbers) for firewall, numbers in marks.items()}


def _ended(row: InterceptionRow, now: datetime | None) -> bool:
    return row.ended_at is not None and (now is None or row.ended_at <= now)


def by_session(rows: Rows) -> Mapping[SessionKey, Rows]:
    """Group rows by session and initiator; their order stays."""
    groups: dict[SessionKey, list[InterceptionRow]] = {}
    for row in rows:
        groups.setdefault((row.session_id, row.initiator_id), []).append(row)
    return groups
