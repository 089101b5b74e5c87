"""What a store covers: first and last request, completeness, and which fields are known."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bridgeboard.model.store import Rows
from bridgeboard.queries.store_status import COVERAGE, FIELD_COVERAGE
from bridgeboard.queries.typed_rows import typed

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Coverage:
    """What a store covers. Times are aware UTC, None where there is nothing.

    Attributes:
        first_at: when the oldest request began.
        last_at: when the newest request began.
        synced_at: the beginning of the last sync that went well: what came later is not all there.
        is_whole: whether everything the server lists has been read once.
        rows: how many rows of usage there are.
        sessions: how many sessions.
        detailed: how many of them have their details.
        quarantined: how many records could not be read.
    """

    first_at: datetime | None
    last_at: datetime | None
    synced_at: datetime | None
    is_whole: bool
    rows: int
    sessions: int
    detailed: int
    quarantined: int

    @property
    def knows_no_request(self) -> bool:
        """Whether sessions are known, but no request yet: numbers of requests are unknown then."""
        return self.sessions > self.detailed and not self.rows

    @property
    def as_of(self) -> datetime:
        """Until when there can be data; the beginning of time when there is none."""
        return max((at for at in (self.synced_at, self.last_at) if at), default=_NEVER)


def coverage(reader: Rows) -> Coverage:
    """What a store covers now."""
    (covered,) = typed(Coverage, reader.rows(COVERAGE))
    return covered


@dataclass(frozen=True)
class FieldCoverage:
    """Of how many rows each thing is known.

    Attributes:
        usage: rows of usage.
        exact: those that are one request each, not a sum of several.
        timed: those whose end is known.
        named: those whose provider instance is known.
        keyed: those of which is known whose key paid.
        calls: calls of injected tools, or that failed.
        judged: those of which is known whether they failed.
        sessions: sessions.
        detailed: those whose details were read.
        troubled: those whose details could not be read when they were last asked for.
        networked: those whose network calls are known.
        long: those with more threads than the server tells tokens of (api-contract 4.6).
        threads: threads.
        failing: those that tell an error.
        prompts: prompts whose text is kept.
        thoughts: thoughts, likewise.
        inputs: inputs of tools, likewise.
    """

    usage: int
    exact: int
    timed: int
    named: int
    keyed: int
    calls: int
    judged: int
    sessions: int
    detailed: int
    troubled: int
    networked: int
    long: int
    threads: int
    failing: int
    prompts: int
    thoughts: int
    inputs: int


def field_coverage(reader: Rows) -> FieldCoverage:
    """Of how many rows of a store each thing is known now."""
    return FieldCoverage(*(int(count) for sql in FIELD_COVERAGE for count in reader.rows(sql)[0]))
