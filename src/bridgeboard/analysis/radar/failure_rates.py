"""Finds tools and providers that fail far more often than before."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Generic, TypeVar

from bridgeboard import formats
from bridgeboard.analysis.radar.finding import (
    About,
    Contributor,
    Evidence,
    Finding,
    Subject,
    key,
    named,
    on_days,
    runs,
)
from bridgeboard.analysis.radar.robust_statistics import at_least
from bridgeboard.model.radar_limits import RateLimits
from bridgeboard.model.scope import Scope

At = TypeVar("At", date, datetime)

ToolRow = tuple[date, str, str, int, int | None]
"""Day, server, tool, calls, failures; None is unknown."""
HourRow = tuple[datetime, str, int, int]
"""Hour (naive UTC), provider instance, requests, those without usage."""

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_QUIET_DAYS: Final = 3
_QUIET_HOURS: Final = 1
_FEW: Final = 3
_SURE: Final = 50
_MOSTLY: Final = 0.8


@dataclass(frozen=True)
class Stretch(Generic[At]):
    """A stretch of time in which much failed: of ``tries`` so many ``failures``."""

    first: At
    last: At
    tries: int
    failures: int
    usual: float

    @property
    def rate(self) -> float:
        """The share that failed."""
        return self.failures / self.tries


@dataclass(frozen=True)
class Rule:
    """What a bad day or hour is, and when several in a row are worth telling.

    ``quiet`` steps with hardly a try may lie between; ``steps`` are looked back at.
    """

    step: timedelta
    steps: int
    quiet: int
    tries: int
    failures: int
    rate: float
    times: float
    least: float
    chance: float


def tool_rule(limits: RateLimits) -> Rule:
    """What makes a tool a failing one."""
    return Rule(
        _DAY,
        limits.history_days,
        _QUIET_DAYS,
        limits.tool_calls,
        limits.tool_errors,
        limits.tool_rate,
        limits.tool_times,
        limits.tool_least,
        limits.chance,
    )


def outage_rule(limits: RateLimits) -> Rule:
    """What makes an outage."""
    failures = limits.outage_failures
    return Rule(
        _HOUR,
        24 * limits.history_days,
        _QUIET_HOURS,
        failures,
        failures,
        limits.outage_rate,
        limits.tool_times,
        limits.tool_least,
        limits.chance,
    )


def stretches(counts: Mapping[At, tuple[int, int]], rule: Rule) -> list[Stretch[At]]:
    """Where far more failed than before.

    Args:
        counts: tries and failures per day or hour; those without tries may be missing.
        rule: what that means.
    """
    hot = _hot(counts, rule)

    def follows(before: At, at: At) -> bool:
        return _joined(before, at, counts, rule)

    every = (_stretch(run, counts, hot) for run in runs(sorted(hot), follows))
    return [one for one in every if _is_significant(one, rule)]


def _hot(counts: Mapping[At, tuple[int, int]], rule: Rule) -> dict[At, float]:
    """When far more failed than in the steps before, and the rate before; bad ones are no history.

    Without enough tries before nothing is known to be usual, and nothing is bad.
    """
    hot: dict[At, float] = {}
    recent: deque[At] = deque()
    tries = failures = 0
    for at in sorted(counts):
        while recent and at - recent[0] > rule.step * rule.steps:
            old = counts[recent.popleft()]
            tries, failures = tries - old[0], failures - old[1]
        now = counts[at]
        usual = failures / tries if tries >= rule.tries else None
        if usual is not None and _is_bad(now, usual, rule):
            hot[at] = usual
        else:
            recent.append(at)
            tries, failures = tries + now[0], failures + now[1]
    return hot


def _is_bad(now: tuple[int, int], usual: float, rule: Rule) -> bool:
    tries, failures = now
    return failures > 0 and failures >= tries * max(rule.rate, rule.times * max(usual, rule.least))


def _joined(before: At, at: At, counts: Mapping[At, tuple[int, int]], rule: Rule) -> bool:
    steps = (at - before) // rule.step
    between = (counts.get(before + rule.step * n, (0, 0))[0] for n in range(1, steps))
    return steps <= rule.quiet + 1 and all(tries < _FEW for tries in between)


def _stretch(
    run: Sequence[At], counts: Mapping[At, tuple[int, int]], hot: Mapping[At, float]
) -> Stretch[At]:
    inside = [count for at, count in counts.items() if run[0] <= at <= run[-1]]
    return Stretch(
        run[0],
        run[-1],
        sum(tries for tries, _ in inside),
        sum(failures for _, failures in inside),
        hot[run[0]],
    )


def _is_significant(one: Stretch[At], rule: Rule) -> bool:
    usual = max(one.usual, rule.least)
    return (
        one.tries >= rule.tries
        and one.failures >= rule.failures
        and one.rate >= max(rule.rate, rule.times * usual)
        and at_least(one.failures, one.tries, usual) < rule.chance
    )


def tools(rows: Iterable[ToolRow], scope: Scope, limits: RateLimits) -> list[Finding]:
    """Servers that fail, and tools of servers that as a whole do not."""
    known = [
        (day, server, tool, calls, errors)
        for day, server, tool, calls, errors in rows
        if errors is not None and calls
    ]
    by_server = _counted((day, server, calls, errors) for day, server, _, calls, errors in known)
    by_tool = _counted(
        (day, (server, tool), calls, errors) for day, server, tool, calls, errors in known
    )
    rule = tool_rule(limits)
    findings: list[Finding] = []
    bad: list[tuple[str, Stretch[date]]] = []
    for server, counts in sorted(by_server.items()):
        for one in stretches(counts, rule):
            bad.append((server, one))
            parts = _worst(server, one, by_tool)
            findings.append(_tool(("server", server), server, one, parts, scope))
    findings += [
        _tool(("tool", tool), server, one, (), scope)
        for (server, tool), counts in sorted(by_tool.items())
        for one in stretches(counts, rule)
        if not any(name == server and _overlap(one, other) for name, other in bad)
    ]
    return findings


_Key = TypeVar("_Key", str, tuple[str, str])


def _counted(
    rows: Iterable[tuple[At, _Key, int, int]],
) -> dict[_Key, dict[At, tuple[int, int]]]:
    by_key: dict[_Key, dict[At, tuple[int, int]]] = {}
    for at, name, tries, failures in rows:
        counts = by_key.setdefault(name, {})
        before = counts.get(at, (0, 0))
        counts[at] = before[0] + tries, before[1] + failures
    return by_key


def _overlap(one: Stretch[date], other: Stretch[date]) -> bool:
    return one.first <= other.last and other.first <= one.last


def _worst(
    server: str,
    one: Stretch[date],
    by_tool: Mapping[tuple[str, str], Mapping[date, tuple[int, int]]],
) -> tuple[Contributor, ...]:
    failures = {
        tool: sum(many for at, (_, many) in counts.items() if one.first <= at <= one.last)
        for (owner, tool), counts in by_tool.items()
        if owner == server
    }
    ordered = sorted(failures.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Contributor("tool", tool, many) for tool, many in ordered[:_FEW] if many)


def _tool(
    subject: tuple[About, str],
    server: str,
    one: Stretch[date],
    parts: tuple[Contributor, ...],
    scope: Scope,
) -> Finding:
    about, name = subject
    called = "Tools of" if about == "server" else "Tool"
    return Finding(
        kind="failing_tool",
        subject=Subject(about, name),
        severity="high" if one.failures >= _SURE and one.rate >= _MOSTLY else "medium",
        reason=f"{called} {named(name)} failed {one.failures:,} of {one.tries:,} times"
        f" ({formats.rate(one.rate)}) {on_days(one.first, one.last)},"
        f" where {formats.rate(one.usual)} is usual.",
        numbers=_numbers(one, "calls"),
        key=key("failing_tool", about, server, name, one.first.isoformat()),
        evidence=Evidence(
            scope.on_days(one.first, one.last).only("server", server).only(about, name)
        ),
        contributors=parts,
    )


def _numbers(one: Stretch[At], what: str) -> dict[str, int | float | str | None]:
    return {
        what: one.tries,
        "failures": one.failures,
        "failure_rate": one.rate,
        "usual_rate": one.usual,
    }


def outages(rows: Iterable[HourRow], scope: Scope, limits: RateLimits) -> list[Finding]:
    """Provider instances that for some hours answered hardly a request with usage."""
    counts = _counted((at, name, tries, failures) for at, name, tries, failures in rows if tries)
    return [
        _outage(name, one, scope)
        for name, hours in sorted(counts.items())
        for one in stretches(hours, outage_rule(limits))
    ]


def _outage(name: str, one: Stretch[datetime], scope: Scope) -> Finding:
    first = one.first.replace(tzinfo=UTC)
    until = one.last.replace(tzinfo=UTC) + _HOUR
    shown = Scope(first, until, scope.zone, scope.include, scope.exclude)
    return Finding(
        kind="provider_outage",
        subject=Subject("provider_name", name),
        severity="high",
        reason=f"{one.failures:,} of {one.tries:,} requests to {named(name)}"
        f" ({formats.rate(one.rate)}) ended without any usage for"
        f" {formats.duration(until - first)}, where {formats.rate(one.usual)} is usual.",
        numbers=_numbers(one, "requests") | {"outage_seconds": (until - first).total_seconds()},
        key=key("provider_outage", name, first.isoformat()),
        evidence=Evidence(shown.only("provider_name", name)),
    )
