"""When something is worth telling: all thresholds of the radar in one place (docs/radar.md)."""

from dataclasses import dataclass, field
from typing import Final

DOLLAR: Final = 10**12
"""In pico-USD."""


@dataclass(frozen=True)
class SessionLimits:
    """When a session is out of the ordinary.

    Each number is compared with other sessions of its kind: median and MAD of the logarithms.

    Attributes:
        history_days: sessions so long before the period are compared with, too.
        group: a kind has at least so many sessions with a known number; else a wider one is taken.
        z: robust z-scores above are far out.
        spread: a MAD of logarithms is taken for at least that, so that none is zero.
        cost: pico-USD beyond the usual, and ``cost_times`` the usual, are much.
        depth: requests in one thread, and ``depth_times`` the usual, are much.
        pace: requests a minute over ``pace_requests`` or more in one thread, likewise.
        growth: tokens that a thread's context grew by, likewise; reported beside another sign only,
            for a large model's whole context is often filled on purpose.
        repeats: times that one tool was called with the very same input, and the share
            ``repeats_share`` of all the session's calls that this is.
        alone_requests: requests of one thread that ran outside the person's hours ...
        alone_seconds: ... for at least as long as this ...
        alone_per_prompt: ... with at least so many requests for each prompt ...
        alone_share: ... and at least this share of them outside.
        hour_share: an hour of a person's day is usual if it has that share of their prompts.
        hour_prompts: with fewer prompts, office hours are usual: ``office`` on working days.
        high_cost: a session so far beyond the usual is of high severity, as is one with
            ``high_signs`` signs.
    """

    history_days: int = 28
    group: int = 20
    z: float = 2.5
    spread: float = 0.3
    cost: int = 60 * DOLLAR
    cost_times: float = 10.0
    depth: int = 150
    depth_times: float = 5.0
    pace: float = 30.0
    pace_times: float = 4.0
    pace_requests: int = 60
    growth: int = 250_000
    growth_times: float = 8.0
    repeats: int = 40
    repeats_share: float = 1 / 3
    alone_requests: int = 60
    alone_seconds: float = 2 * 3600.0
    alone_per_prompt: float = 20.0
    alone_share: float = 0.6
    hour_share: float = 0.01
    hour_prompts: int = 40
    office: tuple[int, int] = (8, 19)
    high_cost: int = 80 * DOLLAR
    high_signs: int = 3


@dataclass(frozen=True)
class SpendLimits:
    """When a day's spend is out of the ordinary (docs/radar.md).

    Attributes:
        history_days: complete days before a day that it is compared with, of its weekday class.
        complete_days: so many of them at least, the first one with usage being the oldest.
        z: of ``0.6745 * (x - median) / max(MAD, mad_share * median, mad_least)``; above is far out.
        excess: pico-USD beyond the median.
        times: the median.
        explains: a spike that holds this share of another's excess explains it.
        high: pico-USD of excess from which on severity is high; below ``low`` it is low.
        contributors: how many are named.
        new_model: pico-USD on a model's first day.
    """

    history_days: int = 28
    complete_days: int = 14
    z: float = 3.5
    mad_share: float = 0.05
    mad_least: int = 4 * DOLLAR
    excess: int = 125 * DOLLAR
    times: float = 1.5
    explains: float = 0.5
    high: int = 300 * DOLLAR
    low: int = 200 * DOLLAR
    contributors: int = 3
    new_model: int = 60 * DOLLAR


@dataclass(frozen=True)
class RateLimits:
    """When failures, lost caches, missing prices, gaps and keys are worth telling.

    Attributes:
        history_days: what a day or an hour is compared with.
        chance: failures as likely as this at the usual rate are no accident.
        tool_calls: of a server or a tool, with ``tool_errors`` failures among them.
        tool_rate: a failing tool's rate, and ``tool_times`` the usual; a rate below ``tool_least``
            is taken for that.
        outage_failures: requests without usage in a row of hours ...
        outage_rate: ... that are this share of all.
        cache_points: drop of the cache hit rate, 0 to 1.
        cache_tokens: prompt tokens of a day whose hit rate says something.
        cache_loss: pico-USD that the drop cost; or ``gone_loss``, if not even ``gone_share`` of the
            usual hit rate is left.
        unpriced: share of tokens.
        gap_active: people-hours of working days that would have been usual in a gap.
        gap_edge: share of usual activity just before and after a gap, within ``gap_edge_hours``,
            and at least ``gap_edge_people`` people-hours.
        drift_requests: requests of a person before and after they changed keys, on
            ``drift_days`` days each.
        drift_before: the company key's share before; ``drift_after`` that of own keys after.
    """

    history_days: int = 28
    chance: float = 1e-6
    tool_calls: int = 8
    tool_errors: int = 5
    tool_rate: float = 0.3
    tool_times: float = 3.0
    tool_least: float = 0.02
    outage_failures: int = 8
    outage_rate: float = 0.4
    cache_points: float = 0.2
    cache_tokens: int = 50_000
    cache_loss: int = 30 * DOLLAR
    gone_loss: int = 10 * DOLLAR
    gone_share: float = 0.25
    unpriced: float = 0.01
    gap_active: float = 9.0
    gap_edge: float = 0.5
    gap_edge_people: int = 2
    gap_edge_hours: int = 3
    drift_requests: int = 30
    drift_days: int = 4
    drift_before: float = 0.95
    drift_after: float = 0.95


@dataclass(frozen=True)
class Limits:
    """All limits of a sweep."""

    sessions: SessionLimits = field(default_factory=SessionLimits)
    spend: SpendLimits = field(default_factory=SpendLimits)
    rates: RateLimits = field(default_factory=RateLimits)
