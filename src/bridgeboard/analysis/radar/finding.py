"""A finding: an anomaly in words and numbers, with a link to its evidence."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal, TypeVar
from urllib.parse import quote

from bridgeboard import formats
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.scope import Scope

Kind = Literal[
    "runaway",
    "spend_spike",
    "new_model",
    "cache_collapse",
    "failing_tool",
    "provider_outage",
    "data_gap",
    "credential_drift",
    "unpriced",
]
Severity = Literal["high", "medium", "low"]
About = Literal[
    "session", "initiator", "team", "model", "client", "server", "tool", "provider_name", "bridge"
]
"""What a finding is about, by the names of dimensions where there is one."""

KINDS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "runaway": "Runaway session",
        "spend_spike": "Spend anomaly",
        "new_model": "New model",
        "cache_collapse": "Lost cache",
        "failing_tool": "Failing tool",
        "provider_outage": "Provider outage",
        "data_gap": "Gap in the data",
        "credential_drift": "Switch to own keys",
        "unpriced": "Unpriced usage",
    }
)
"""Kind → label."""

T = TypeVar("T")
SEVERITIES: Final[tuple[Severity, ...]] = ("high", "medium", "low")
_NAME_LENGTH: Final = 60
_MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class SessionRef:
    """A session: our key in the store, the server's id and its initiator."""

    session: int
    id: str
    initiator_id: str
    person: str


@dataclass(frozen=True)
class Subject:
    """What a finding is about; ``name`` as the dimension ``about`` tells it, as recorded."""

    about: About
    name: str
    session: SessionRef | None = None


@dataclass(frozen=True)
class Evidence:
    """Where to look: the period and filters that show it, or the one session."""

    scope: Scope
    session: SessionRef | None = None


@dataclass(frozen=True)
class Contributor:
    """One of the largest parts of a finding: a value of a dimension, and pico-USD or a count."""

    dimension: str
    name: str
    amount: int
    accuracy: Accuracy = EXACT


@dataclass(frozen=True)
class Finding:
    """One thing that looks wrong.

    Attributes:
        kind: one of ``KINDS``.
        subject: what it is about.
        severity: "high", "medium" or "low".
        reason: one sentence with its numbers. It holds recorded names, made visible but not
            escaped for Markdown.
        numbers: the same for a table: counts, pico-USD under names that end in ``_cost``, rates
            in ``_rate``, seconds in ``_seconds``; None is unknown.
        key: its identity, whatever the period, however it grew since, and whatever people are
            called: a person is in it as our number of them, which says nothing outside the store.
        evidence: what shows it.
        contributors: its largest parts, the largest first.
        explains: keys of findings that this one accounts for, and that are not reported separately.
    """

    kind: Kind
    subject: Subject
    severity: Severity
    reason: str
    numbers: Mapping[str, int | float | str | None]
    key: str
    evidence: Evidence
    contributors: tuple[Contributor, ...] = ()
    explains: tuple[str, ...] = ()

    @property
    def first_at(self) -> datetime:
        """When it began, aware UTC."""
        return self.evidence.scope.since

    @property
    def last_at(self) -> datetime:
        """When it ended, or was last seen."""
        return max(self.first_at, self.evidence.scope.until - _MOMENT)


def key(*parts: str) -> str:
    """An identity from its parts, which may be any text."""
    return "/".join(quote(part, safe="") for part in parts)


def is_about_person(key_: str, person: int) -> bool:
    """Whether an identity is that of a finding about somebody, given our number of them."""
    match key_.split("/"):
        case ["runaway", _, number] | ["credential_drift", number, _]:
            return number == str(person)
        case ["spend_spike", "initiator", number, _]:
            return number == str(person)
    return False


def named(text: str) -> str:
    """A recorded name within a sentence: one short line without anything that acts."""
    return formats.middle(formats.line(text), _NAME_LENGTH) or "Unknown"


def on_days(first: date, last: date) -> str:
    """One day or a stretch of them within a sentence."""
    if first == last:
        return f"on {formats.day(first)}"
    return f"from {formats.days(first, last).replace(' - ', ' to ')}"


def runs(items: Iterable[T], follows: Callable[[T, T], bool]) -> Iterator[list[T]]:
    """Items in their order, cut wherever one does not follow the one before."""
    run: list[T] = []
    for item in items:
        if run and not follows(run[-1], item):
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def order(finding: Finding) -> tuple[int, float, str]:
    """The most severe first, then the newest."""
    return SEVERITIES.index(finding.severity), -finding.last_at.timestamp(), finding.key
