"""Finds people who moved from the company's key to one of their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from bridgeboard import formats
from bridgeboard.analysis.radar.finding import Evidence, Finding, Subject, key, named
from bridgeboard.model.radar_limits import RateLimits
from bridgeboard.model.scope import Scope

KeyRow = tuple[date, str, str, int | None]
"""Day, person, kind of credential, requests."""

OWN: Final = "byok"
_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)

_Counts = Mapping[date, tuple[int, int]]
"""Per day all requests, and those with a key of one's own."""


@dataclass(frozen=True)
class _Part:
    """Some days of a person: how many had requests, how many these were, and with own keys."""

    days: int
    requests: int
    own: int

    @classmethod
    def of(cls, counts: _Counts, since: date, until: date) -> "_Part":
        inside = [count for day, count in counts.items() if since <= day < until]
        return cls(len(inside), sum(n for n, _ in inside), sum(own for _, own in inside))

    def is_enough(self, limits: RateLimits) -> bool:
        return self.requests >= limits.drift_requests and self.days >= limits.drift_days

    @property
    def rate(self) -> float:
        return self.own / self.requests


def drifts(rows: Iterable[KeyRow], scope: Scope, limits: RateLimits) -> list[Finding]:
    """Who paid with the company's key before, and hardly ever does since some day.

    Args:
        rows: requests, in any order, without those whose keys are always people's own.
        scope: zone and filters; its end bounds what "since" means.
        limits: what is enough.
    """
    people: dict[str, dict[date, tuple[int, int]]] = {}
    for day, person, kind, requests in rows:
        counts = people.setdefault(person, {})
        every, own = counts.get(day, (0, 0))
        many = requests or 0
        counts[day] = every + many, own + many * (kind == OWN)
    changes = (_drift(person, counts, scope, limits) for person, counts in sorted(people.items()))
    return [one for one in changes if one]


def _drift(person: str, counts: _Counts, scope: Scope, limits: RateLimits) -> Finding | None:
    last = max(counts)
    for day in sorted(day for day, (every, own) in counts.items() if own and 2 * own >= every):
        before = _Part.of(counts, date.min, day)
        after = _Part.of(counts, day, last + _DAY)
        if not (before.is_enough(limits) and after.is_enough(limits)):
            continue
        if 1 - before.rate >= limits.drift_before and after.rate >= limits.drift_after:
            return _finding(person, day, last, before=before, after=after, scope=scope)
    return None


def _finding(
    person: str, day: date, last: date, *, before: _Part, after: _Part, scope: Scope
) -> Finding:
    shown = scope.on_days(day, last)
    return Finding(
        kind="credential_drift",
        subject=Subject("initiator", person),
        severity="low",
        first_at=shown.since,
        last_at=shown.until - _MOMENT,
        reason=f"{named(person)} moved to a key of their own on {day}:"
        f" {formats.rate(after.rate)} of {formats.plural(after.requests, 'request')} since, where"
        f" {formats.rate(before.rate)} was usual; what they use is no spend of the company's.",
        numbers={
            "requests": after.requests,
            "own_key_rate": after.rate,
            "usual_own_key_rate": before.rate,
        },
        key=key("credential_drift", person, day.isoformat()),
        evidence=Evidence(shown.only("initiator", person)),
    )
