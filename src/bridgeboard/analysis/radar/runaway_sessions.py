"""Finds runaway sessions: far longer, dearer or faster than others, or repeating themselves.

Numbers are compared by their logarithms with sessions of the same client and model, or, where
there are too few, of the same client, or with all. A session is reported once, with all its signs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from bridgeboard import formats
from bridgeboard.analysis.radar.finding import (
    Evidence,
    Finding,
    SessionRef,
    Severity,
    Subject,
    key,
    named,
)
from bridgeboard.analysis.radar.robust_statistics import Floats, Usual, codes, logarithmic
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.radar_limits import SessionLimits
from bridgeboard.model.scope import Scope

WEEK_HOURS: Final = 168
_DAY: Final = 24
_MOMENT: Final = timedelta(microseconds=1)
SUPPORTING: Final = "growth"
"""The sign that is reported only together with others."""

_SATURDAY: Final = 5


@dataclass(frozen=True)
class Sessions:
    """Sessions side by side: what to compare them by, and numbers; NaN is unknown."""

    keys: Sequence[int]
    clients: Sequence[str | None]
    models: Sequence[str | None]
    numbers: Mapping[str, Floats]
    in_scope: Sequence[bool]

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[object]]) -> "Sessions":
        """From the columns of ``queries.radar.sessions``; None is unknown."""
        names = ("cost", "depth", "pace", "growth", "alone_seconds")
        return cls(
            list(columns["session"]),  # type: ignore[arg-type] # keys of ours
            list(columns["client"]),  # type: ignore[arg-type] # text
            list(columns["model"]),  # type: ignore[arg-type] # text
            {name: np.array(columns[name], dtype=np.float64) for name in names},
            list(columns["in_scope"]),  # type: ignore[arg-type] # booleans
        )


@dataclass(frozen=True)
class Sign:
    """One thing about a session that is far out; ``weight`` is how many times the usual it is.

    The words of the sign "cost" follow what the session cost, as ``Detail`` knows it.
    ``usual`` is None where nothing is usual.
    """

    name: str
    observed: float
    usual: float | None
    weight: float
    words: str


@dataclass(frozen=True)
class Repeat:
    """A session's most frequent call: ``times`` of its ``calls``."""

    session: int
    tool: str
    times: int
    calls: int


@dataclass(frozen=True)
class Detail:
    """Who had a session when, and what it cost, to the last digit; None is unknown.

    Times are aware; ``accuracy`` is how the cost stands.
    """

    ref: SessionRef
    initiator: int
    first_at: datetime
    last_at: datetime
    cost: int | None
    accuracy: Accuracy = EXACT


Signs = dict[int, list[Sign]]
Hours = Mapping[int, Mapping[int, int]]
"""Per key, per hour of the local week from Monday, how many."""


def outliers(sessions: Sessions, limits: SessionLimits) -> Signs:
    """Per session in scope what is far out about its numbers."""
    pairs = list(zip(sessions.clients, sessions.models, strict=True))
    groupings = (codes(pairs), codes(sessions.clients), np.zeros(len(pairs), dtype=np.intp))
    signs: Signs = {}
    for name, (least, times) in _floors(limits).items():
        values = sessions.numbers[name]
        usual = logarithmic(values, groupings, least=limits.group, spread=limits.spread)
        floor = usual.median + least if name == "cost" else np.full(len(values), least)
        for place in _far(values, usual, np.maximum(floor, times * usual.median), limits.z):
            if sessions.in_scope[place]:
                sign = _sign(name, float(values[place]), float(usual.median[place]))
                signs.setdefault(sessions.keys[place], []).append(sign)
    return signs


def _floors(limits: SessionLimits) -> dict[str, tuple[float, float]]:
    return {
        "cost": (limits.cost, limits.cost_times),
        "depth": (limits.depth, limits.depth_times),
        "pace": (limits.pace, limits.pace_times),
        "growth": (limits.growth, limits.growth_times),
    }


def _far(values: Floats, usual: Usual, floor: Floats, z: float) -> list[int]:
    """The places of known values at or above their floor and that far out."""
    with np.errstate(invalid="ignore"):
        return [int(place) for place in np.flatnonzero((values >= floor) & (usual.z > z))]


def _sign(name: str, observed: float, usual: float) -> Sign:
    words = {
        "cost": f"where {_money(usual)} is usual",
        "depth": f"{observed:,.0f} requests after one prompt where {usual:,.0f} are usual",
        "pace": f"{observed:,.0f} requests a minute where {usual:,.0f} are usual",
        "growth": f"its context grew by {formats.compact(round(observed))} tokens where"
        f" {formats.compact(round(usual))} are usual",
    }[name]
    return Sign(name, observed, usual, observed / usual, words)


def repeated(repeats: Iterable[Repeat], chosen: Iterable[int], limits: SessionLimits) -> Signs:
    """Per session among the chosen the call that it made again and again."""
    wanted = set(chosen)
    return {
        one.session: [_repeated(one)]
        for one in repeats
        if one.session in wanted
        and one.times >= limits.repeats
        and one.times >= limits.repeats_share * one.calls
    }


def _repeated(one: Repeat) -> Sign:
    words = f"{named(one.tool)} was called {one.times:,} times with the same input"
    return Sign("repeats", one.times, None, one.times, words)


def candidates(sessions: Sessions, limits: SessionLimits) -> list[int]:
    """Sessions in scope that ran long enough with hardly a prompt to ask when that was."""
    seconds = sessions.numbers["alone_seconds"]
    long = np.flatnonzero(seconds >= limits.alone_seconds)
    return [sessions.keys[int(place)] for place in long if sessions.in_scope[int(place)]]


def alone(
    sessions: Sessions,
    people: Mapping[int, int],
    session_hours: Hours,
    person_hours: Hours,
    limits: SessionLimits,
) -> Signs:
    """Per candidate what it did without its person outside that person's hours.

    Args:
        sessions: all sessions.
        people: session → initiator.
        session_hours: requests of each session.
        person_hours: prompts of each initiator.
        limits: what is worth telling.
    """
    seconds = dict(zip(sessions.keys, sessions.numbers["alone_seconds"], strict=True))
    signs: Signs = {}
    for session, initiator in people.items():
        hours = session_hours.get(session, {})
        usual = usual_hours(person_hours.get(initiator, {}), limits)
        outside = sum(many for hour, many in hours.items() if hour not in usual)
        if outside >= limits.alone_share * max(1, sum(hours.values())):
            signs[session] = [_alone(float(seconds[session]), outside)]
    return signs


def usual_hours(prompts: Mapping[int, int], limits: SessionLimits) -> frozenset[int]:
    """Hours of the week in which a person works, by prompts per hour of the week.

    Working days are taken together, and so are weekends.
    """
    every = sum(prompts.values())
    if every < limits.hour_prompts:
        first, last = limits.office
        return frozenset(
            hour
            for hour in range(WEEK_HOURS)
            if first <= hour % _DAY < last and hour // _DAY < _SATURDAY
        )
    by_class: dict[tuple[bool, int], int] = {}
    for hour, many in prompts.items():
        by_class[_class(hour)] = by_class.get(_class(hour), 0) + many
    least = limits.hour_share * every
    return frozenset(h for h in range(WEEK_HOURS) if by_class.get(_class(h), 0) >= least)


def _class(hour: int) -> tuple[bool, int]:
    return hour // _DAY >= _SATURDAY, hour % _DAY


def _alone(seconds: float, outside: int) -> Sign:
    words = (
        f"it ran {formats.seconds(seconds)} by itself,"
        f" {formats.plural(outside, 'request')} of it outside this person's hours"
    )
    return Sign("alone", seconds, None, seconds / 3600, words)


def together(*parts: Signs) -> Signs:
    """The signs of each session, the strongest first; sessions with none that counts by itself."""
    merged: Signs = {}
    for part in parts:
        for session, signs in part.items():
            merged.setdefault(session, []).extend(signs)
    return {
        session: sorted(signs, key=lambda sign: (-sign.weight, sign.name))
        for session, signs in merged.items()
        if any(sign.name != SUPPORTING for sign in signs)
    }


def findings(
    signs: Signs, details: Iterable[Detail], zone: str, limits: SessionLimits
) -> list[Finding]:
    """One finding per session that merges its signs."""
    known = {detail.ref.session: detail for detail in details}
    return [
        _finding(known[session], own, zone, limits)
        for session, own in signs.items()
        if session in known
    ]


def _finding(detail: Detail, signs: Sequence[Sign], zone: str, limits: SessionLimits) -> Finding:
    ref = detail.ref
    cost = f"it {_cost(detail)}"
    is_dear = any(sign.name == "cost" for sign in signs)
    words = [f"{cost} {sign.words}" if sign.name == "cost" else sign.words for sign in signs]
    reasons = "; ".join(words if is_dear else [*words, cost])
    return Finding(
        kind="runaway",
        subject=Subject("session", ref.id, ref),
        severity=_severity(signs, limits),
        reason=f"A session of {named(ref.person)} stands out: {reasons}.",
        numbers=_numbers(signs, detail.cost),
        key=key("runaway", ref.id, str(detail.initiator)),
        evidence=Evidence(
            Scope(detail.first_at, detail.last_at + _MOMENT, zone).only("initiator", ref.person),
            ref,
        ),
    )


def _cost(detail: Detail) -> str:
    if detail.cost is None:
        return "has no known price"
    return f"cost {detail.accuracy.in_words(formats.money(detail.cost))}"


def _severity(signs: Sequence[Sign], limits: SessionLimits) -> Severity:
    beyond = sum(sign.observed - (sign.usual or 0) for sign in signs if sign.name == "cost")
    is_high = beyond >= limits.high_cost or len(signs) >= limits.high_signs
    return "high" if is_high else "medium"


def _numbers(signs: Sequence[Sign], cost: int | None) -> dict[str, int | float | str | None]:
    numbers: dict[str, int | float | str | None] = {"session_cost": cost}
    for sign in signs:
        if sign.name != "cost":
            numbers[_NAMES[sign.name]] = (
                sign.observed if sign.name == "pace" else int(sign.observed)
            )
        if sign.usual is not None:
            numbers[f"usual_{_NAMES[sign.name]}"] = round(sign.usual)
    return numbers


_NAMES: Final = {
    "cost": "cost",
    "depth": "thread_requests",
    "pace": "requests_a_minute",
    "growth": "context_tokens",
    "repeats": "same_calls",
    "alone": "alone_seconds",
}


def _money(pico: float) -> str:
    return formats.money(round(pico))
