"""Runs all detectors on one state of the store, and returns their findings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from bridgeboard.analysis.radar import (
    activity_gaps,
    cost_findings,
    failure_rates,
    runaway_sessions,
    shared_causes,
    spend_spikes,
)
from bridgeboard.analysis.radar.finding import Finding, SessionRef, order
from bridgeboard.analysis.radar.runaway_sessions import Detail, Hours, Repeat, Sessions, Signs
from bridgeboard.analysis.radar.shared_causes import Cause, Share
from bridgeboard.analysis.radar.spend_spikes import Spike
from bridgeboard.model.accuracy import EXACT, Accuracy, accuracy, together
from bridgeboard.model.dimensions import UNKNOWN
from bridgeboard.model.radar_limits import Limits
from bridgeboard.model.scope import Scope
from bridgeboard.model.store import Reader
from bridgeboard.model.times import local_date
from bridgeboard.queries import radar as questions
from bridgeboard.queries.metric_query import Query

_DAY: Final = timedelta(days=1)
_USUAL: Final = Limits()


def sweep(
    reader: Reader, scope: Scope, *, now: datetime, limits: Limits = _USUAL
) -> tuple[Finding, ...]:
    """What looks wrong in a period, the most severe and newest first.

    What is usual is known from days, hours and sessions before the period; findings that lie
    before it are left out. Filters: money, failures and keys are compared with the same under the
    same filters. A session is compared with all others, and reported if one of its requests
    passes the filters. A gap concerns nobody in particular, and is reported without filters only.

    Args:
        reader: one state of the store.
        scope: period, zone and filters.
        now: aware; what is not over by then is not judged.
        limits: when something is worth telling.

    Raises:
        StoreError: when the store cannot be read.
    """
    cut = replace(scope, until=max(scope.since, min(scope.until, now.astimezone(UTC))))
    run = _Run(reader, cut, now, limits)
    findings = [*run.money(), *run.rates()]
    return tuple(sorted((one for one in findings if _touches(one, cut)), key=order))


def unpriced(reader: Reader, scope: Scope, limits: Limits = _USUAL) -> list[Finding]:
    """That usage without a known price is more than a trifle of a period; none if it is not."""
    rows = reader.rows(*questions.unpriced(scope))
    return cost_findings.unpriced(rows, scope, limits.rates)


def _touches(finding: Finding, scope: Scope) -> bool:
    return finding.first_at < scope.until and finding.last_at >= scope.since


@dataclass(frozen=True)
class _Run:
    """One sweep."""

    reader: Reader
    scope: Scope
    now: datetime
    limits: Limits

    def rows(self, question: Query) -> list[tuple[Any, ...]]:
        return self.reader.rows(*question)

    @property
    def longer(self) -> Scope:
        """The period with what it is compared with, and what began just before it."""
        spend_days = self.limits.spend.history_days
        days = max(spend_days + self.limits.spend.complete_days, self.limits.rates.history_days)
        return self.scope.reaching_back(days)

    def rates(self) -> list[Finding]:
        """Failures, gaps, keys and missing prices."""
        limits, longer = self.limits.rates, self.longer
        findings = [
            *failure_rates.tools(self.rows(questions.tools(longer)), longer, limits),
            *failure_rates.outages(self.rows(questions.failures(longer)), longer, limits),
            *cost_findings.caches(self.rows(questions.caches(longer)), longer, limits),
            *unpriced(self.reader, self.scope, self.limits),
            *map(
                self.numbered,
                cost_findings.drifts(self.rows(questions.credentials(longer)), longer, limits),
            ),
        ]
        if not (self.scope.include or self.scope.exclude):
            findings += activity_gaps.gaps(self.rows(questions.activity(longer)), longer, limits)
        return findings

    @cached_property
    def numbers(self) -> Mapping[str, str]:
        """Our number of each person, by what they are called."""
        return {person: str(number) for person, number in self.rows(questions.people())}

    def numbered(self, drift: Finding) -> Finding:
        """The same under an identity without a name."""
        day = local_date(drift.first_at, self.scope.zone)
        name = drift.subject.name
        return replace(drift, key=cost_findings.drift_key(self.numbers.get(name, name), day))

    def money(self) -> list[Finding]:
        """Runaway sessions, spikes and new models: each cause once."""
        by_key = {one.key: one for one in self.runaways()}
        days = {
            name: self.rows(questions.spend(self.longer, name)) for name in spend_spikes.DIMENSIONS
        }
        spikes = {
            one.key: one for name in spend_spikes.DIMENSIONS for one in self.spikes(name, days)
        }
        new = {one.key: one for one in self.new_models(days["model"])}
        findings = [
            *map(self.of_session, by_key.values()),
            *map(self.of_spike, spikes.values()),
            *map(self.of_new_model, new.values()),
        ]
        shares = self.shares(findings)
        explained = shared_causes.explained(findings, shares, self.limits.spend)
        for cause in findings:
            if cause.key in spikes:
                by_key[cause.key] = self.spelt_out(spikes[cause.key], cause, shares)
        by_key |= new
        return [
            replace(one, explains=tuple(sorted(k for k, by in explained.items() if by == one.key)))
            for one in by_key.values()
            if one.key not in explained
        ]

    def spikes(self, name: str, days: dict[Any, list[tuple[Any, ...]]]) -> list[Spike]:
        last = local_date(self.now, self.scope.zone) - _DAY
        limits, inexact = self.limits.spend, _inexact(days[name])
        spiking = spend_spikes.spikes(days[name], name, last, limits)  # type: ignore[arg-type] # a name of spend.DIMENSIONS
        first, end = self.scope.first_day, self.scope.last_day
        return [
            replace(
                one,
                identity=self.numbers.get(one.name, "") if name == "initiator" else "",
                accuracy=_together(inexact, one.name, one.first, one.last),
                usual_accuracy=_together(
                    inexact, one.name, one.first - _DAY * limits.history_days, one.first - _DAY
                ),
            )
            for one in spiking
            if one.first <= end and one.last >= first
        ]

    def new_models(self, days: Sequence[tuple[Any, ...]]) -> list[Finding]:
        first_at = {
            model: at.replace(tzinfo=UTC) for model, at in self.rows(questions.first_days())
        }
        models = cost_findings.new_models(
            days, first_at, self.longer, self.limits.spend, _inexact(days)
        )
        return [one for one in models if _touches(one, self.scope)]

    def shares(self, causes: Sequence[Cause]) -> list[Share]:
        days = {day for cause in causes if cause.about != "session" for day in cause.days}
        if not days:
            return []
        rows = self.rows(questions.shares(self.longer, days))
        return [
            Share(day, initiator, team, model, spent[0], _accuracy(spent))
            for day, initiator, team, model, *spent in rows
            if day in days and spent[0]
        ]

    def spelt_out(self, spike: Spike, cause: Cause, shares: Sequence[Share]) -> Finding:
        most = self.limits.spend.contributors
        parts = shared_causes.contributors(cause, shares, most)
        return spend_spikes.finding(spike, parts, (), self.longer, self.limits.spend)

    def of_spike(self, spike: Spike) -> Cause:
        days = frozenset(spike.days)
        return Cause(spike.key, spike.dimension, spike.name, days, spike.excess, spike.amount)

    def of_new_model(self, finding: Finding) -> Cause:
        day = local_date(finding.first_at, self.scope.zone)
        amount = int(finding.numbers["spent_cost"] or 0)
        name = finding.subject.name
        return Cause(finding.key, "model", name, frozenset([day]), amount, amount)

    def of_session(self, finding: Finding) -> Cause:
        ends = (local_date(at, self.scope.zone) for at in (finding.first_at, finding.last_at))
        first, last = ends
        days = frozenset(first + _DAY * n for n in range((last - first).days + 1))
        amount = int(finding.numbers["session_cost"] or 0)
        person = finding.subject.session.person if finding.subject.session else UNKNOWN
        return Cause(finding.key, "session", person, days, amount, amount)

    def runaways(self) -> list[Finding]:
        limits = self.limits.sessions
        longer = questions.unfiltered(self.scope.reaching_back(limits.history_days))
        table = self.reader.table(*questions.sessions(self.scope, limits))
        sessions = Sessions.of(
            {name: table[name].to_pylist() for name in questions.SESSION_COLUMNS}
        )
        repeats = [Repeat(*row) for row in self.rows(questions.repeats(longer, limits))]
        chosen = [
            session for session, near in zip(sessions.keys, sessions.in_scope, strict=True) if near
        ]
        signs = runaway_sessions.together(
            runaway_sessions.outliers(sessions, limits),
            runaway_sessions.repeated(repeats, chosen, limits),
            self.alone(sessions, longer),
        )
        details = self.details(longer, signs)
        return runaway_sessions.findings(signs, details, longer.zone, limits)

    def alone(self, sessions: Sessions, longer: Scope) -> Signs:
        limits = self.limits.sessions
        chosen = runaway_sessions.candidates(sessions, limits)
        if not chosen:
            return {}
        people = {one.ref.session: one.initiator for one in self.details(longer, chosen)}
        session_hours = _by_key(self.rows(questions.session_hours(longer, people)))
        person_hours = _by_key(self.rows(questions.person_hours(longer, set(people.values()))))
        return runaway_sessions.alone(sessions, people, session_hours, person_hours, limits)

    def details(self, longer: Scope, keys: Iterable[int]) -> list[Detail]:
        wanted = list(keys)
        if not wanted:
            return []
        rows = self.rows(questions.details(longer, wanted))
        return [
            Detail(
                SessionRef(session, id_, initiator_id, person),
                initiator,
                first_at.replace(tzinfo=UTC),
                last_at.replace(tzinfo=UTC),
                spent[0],
                _accuracy(spent),
            )
            for session, id_, initiator_id, person, initiator, first_at, last_at, *spent in rows
        ]


def _accuracy(spent: Sequence[Any]) -> Accuracy:
    """How the spend of a row with ``queries.radar.SPENT`` stands."""
    return accuracy("spend", dict(zip(questions.SPENT, spent, strict=True)))


def _inexact(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[date, str], Accuracy]:
    """How the known spend of a day and a value stands, where it is not exact."""
    return {
        (day, name): _accuracy(spent)
        for day, name, *spent in rows
        if spent[0] is not None and any(spent[1:])
    }


def _together(
    inexact: Mapping[tuple[date, str], Accuracy], name: str, first: date, last: date
) -> Accuracy:
    """How what was spent on some days stands."""
    days = [first + _DAY * n for n in range((last - first).days + 1)]
    return together(inexact.get((day, name), EXACT) for day in days)


def _by_key(rows: Iterable[tuple[int, int, int]]) -> Hours:
    by_key: dict[int, dict[int, int]] = {}
    for key, hour, requests in rows:
        by_key.setdefault(key, {})[hour] = requests
    return by_key
