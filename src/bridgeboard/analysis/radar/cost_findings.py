"""Finds money lost on caches, spend on new models, usage without a price, and moves to own keys."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from bridgeboard import formats
from bridgeboard.analysis.radar.finding import (
    Contributor,
    Evidence,
    Finding,
    Severity,
    Subject,
    key,
    named,
    on_days,
    runs,
)
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.dimensions import UNKNOWN
from bridgeboard.model.radar_limits import DOLLAR, RateLimits, SpendLimits
from bridgeboard.model.scope import Scope
from bridgeboard.model.times import local_date

CacheRow = tuple[date, str, str, int | None, int | None, int | None, int | None]
"""Day, client, model, input, cache reads, cache writes, net saving in pico-USD; None is unknown."""

KeyRow = tuple[date, str, str, int | None]
"""Day, person, kind of credential, requests."""
OWN: Final = "byok"
_Counts = Mapping[date, tuple[int, int]]
"""Per day all requests, and those with a key of one's own."""

_DAY: Final = timedelta(days=1)
_QUIET_DAYS: Final = 3
_HIGH: Final = 50 * DOLLAR


@dataclass(frozen=True)
class _Cached:
    """Prompt tokens, those read from a cache, and what the cache saved."""

    tokens: int = 0
    read: int = 0
    saving: int = 0

    def __add__(self, other: "_Cached") -> "_Cached":
        return _Cached(
            self.tokens + other.tokens, self.read + other.read, self.saving + other.saving
        )

    def __sub__(self, other: "_Cached") -> "_Cached":
        return _Cached(
            self.tokens - other.tokens, self.read - other.read, self.saving - other.saving
        )

    @property
    def rate(self) -> float:
        return self.read / self.tokens if self.tokens else 0.0


@dataclass(frozen=True)
class _Drop:
    """A day whose hit rate fell, with what it lost against the days before."""

    day: date
    now: _Cached
    before: _Cached

    @property
    def loss(self) -> int:
        expected = self.before.saving * self.now.tokens // self.before.tokens
        return expected - self.now.saving


def caches(rows: Iterable[CacheRow], scope: Scope, limits: RateLimits) -> list[Finding]:
    """Clients whose prompts are found in the cache far less than before, at a loss."""
    drops: dict[str, list[tuple[str, _Drop]]] = {}
    for (client, model), days in sorted(_by_pair(rows).items()):
        for drop in _drops(days, limits):
            drops.setdefault(client, []).append((model, drop))
    return [
        _collapse(client, run, scope, limits)
        for client, own in drops.items()
        for run in runs(sorted(own, key=_by_day), _is_soon_after)
        if _is_collapse(run, limits)
    ]


def _by_pair(rows: Iterable[CacheRow]) -> dict[tuple[str, str], dict[date, _Cached]]:
    pairs: dict[tuple[str, str], dict[date, _Cached]] = {}
    for day, client, model, fresh, read, written, saving in rows:
        # Where a count or the saving is unknown nothing can be said about what was lost.
        if fresh is not None and read is not None and written is not None and saving is not None:
            own = pairs.setdefault((client, model), {})
            one = _Cached(fresh + read + written, read, saving)
            own[day] = own.get(day, _Cached()) + one
    return pairs


def _drops(days: Mapping[date, _Cached], limits: RateLimits) -> list[_Drop]:
    """The days of one client and model that fell; later ones are not compared with them."""
    drops: list[_Drop] = []
    days_before: deque[tuple[date, _Cached]] = deque()
    before = _Cached()
    for day in sorted(days):
        while days_before and day - days_before[0][0] > _DAY * limits.history_days:
            before -= days_before.popleft()[1]
        now = days[day]
        is_known = min(now.tokens, before.tokens) >= limits.cache_tokens
        if is_known and before.rate - now.rate > limits.cache_points:
            drops.append(_Drop(day, now, before))
        else:
            days_before.append((day, now))
            before += now
    return drops


def _by_day(one: tuple[str, _Drop]) -> tuple[date, str]:
    return one[1].day, one[0]


def _is_soon_after(before: tuple[str, _Drop], one: tuple[str, _Drop]) -> bool:
    return one[1].day - before[1].day <= _DAY * _QUIET_DAYS


def _is_collapse(run: Sequence[tuple[str, _Drop]], limits: RateLimits) -> bool:
    loss = sum(drop.loss for _, drop in run)
    now, before = _rates(run)
    is_gone = now <= limits.gone_share * before
    return loss > limits.cache_loss or (is_gone and loss >= limits.gone_loss)


def _rates(run: Sequence[tuple[str, _Drop]]) -> tuple[float, float]:
    """The hit rate of a run, and what it would have been as before."""
    now = sum((drop.now for _, drop in run), _Cached())
    before = sum(drop.before.rate * drop.now.tokens for _, drop in run) / now.tokens
    return now.rate, before


def _collapse(
    client: str, run: Sequence[tuple[str, _Drop]], scope: Scope, limits: RateLimits
) -> Finding:
    first, last = run[0][1].day, run[-1][1].day
    now, before = _rates(run)
    losses: dict[str, int] = {}
    for model, drop in run:
        losses[model] = losses.get(model, 0) + drop.loss
    loss = sum(losses.values())
    ordered = sorted(losses.items(), key=lambda item: (-item[1], item[0]))
    return Finding(
        kind="cache_collapse",
        subject=Subject("client", client),
        severity=_severity(loss, limits),
        reason=f"{named(client)} found {formats.rate(now)} of its prompts in the cache"
        f" {on_days(first, last)} where {formats.rate(before)} is usual, which cost about"
        f" {formats.money(loss)}.",
        numbers={
            "cache_hit_rate": now,
            "usual_hit_rate": before,
            "prompt_tokens": sum(drop.now.tokens for _, drop in run),
            "lost_cost": loss,
        },
        key=key("cache_collapse", client, first.isoformat()),
        evidence=Evidence(scope.on_days(first, last).only("client", client)),
        contributors=tuple(Contributor("model", name, lost) for name, lost in ordered if lost > 0),
    )


def _severity(loss: int, limits: RateLimits) -> Severity:
    if loss >= _HIGH:
        return "high"
    return "medium" if loss > limits.cache_loss else "low"


def new_models(
    rows: Iterable[tuple[date, str, int | None]],
    first_at: Mapping[str, datetime],
    scope: Scope,
    limits: SpendLimits,
    inexact: Mapping[tuple[date, str], Accuracy],
) -> list[Finding]:
    """Models on which much was spent on the very first day that anybody used them.

    Args:
        rows: day, model, pico-USD; whatever follows is not looked at.
        first_at: when each model was first seen at all, aware; the earliest is the beginning.
        scope: zone and filters.
        limits: what is much.
        inexact: how the numbers of a day and a model stand that are not exact.
    """
    if not first_at:
        return []
    begun = local_date(min(first_at.values()), scope.zone)
    days = {model: local_date(at, scope.zone) for model, at in first_at.items()}
    return [
        _new_model(model, amount, day, scope, inexact.get((day, model), EXACT))
        for day, model, amount, *_ in sorted(rows, key=lambda row: (row[0], row[1]))
        if amount is not None
        and amount >= limits.new_model
        and days.get(model) == day
        and (day - begun).days >= limits.complete_days
    ]


def _new_model(model: str, amount: int, day: date, scope: Scope, how: Accuracy) -> Finding:
    return Finding(
        kind="new_model",
        subject=Subject("model", model),
        severity="medium",
        reason=f"{named(model)} was used for the first time on {formats.day(day)}, and cost"
        f" {how.in_words(formats.money(amount))} that day.",
        numbers={"spent_cost": amount},
        key=key("new_model", model),
        evidence=Evidence(scope.on_days(day, day).only("model", model)),
    )


def unpriced(
    rows: Iterable[tuple[str, int | None, int | None]], scope: Scope, limits: RateLimits
) -> list[Finding]:
    """That usage without a known price is more than a trifle: one finding, with its models.

    Args:
        rows: model, unpriced tokens, all tokens.
        scope: period, zone and filters.
        limits: what a trifle is.
    """
    lacks = [(model, lacking or 0, tokens or 0) for model, lacking, tokens in rows]
    every = sum(tokens for _, _, tokens in lacks)
    lacking = sum(many for _, many, _ in lacks)
    if not every or lacking <= limits.unpriced * every:
        return []
    ordered = sorted((one for one in lacks if one[1]), key=lambda one: (-one[1], one[0]))
    models = ", ".join(named(model) for model, *_ in ordered[:_QUIET_DAYS])
    shown = scope.only("model", *(model for model, *_ in ordered))
    return [
        Finding(
            kind="unpriced",
            subject=Subject("model", ordered[0][0] if ordered else UNKNOWN),
            severity="low",
            reason=f"{formats.rate(lacking / every)} of all tokens have no known price, most of"
            f" them of {models}; spend is a lower bound.",
            numbers={
                "unpriced_tokens": lacking,
                "unpriced_rate": lacking / every,
                "models": len(ordered),
            },
            key=key("unpriced"),
            evidence=Evidence(shown),
            contributors=tuple(Contributor("model", name, many) for name, many, _ in ordered),
        )
    ]


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
            return _drift_finding(person, day, last, before=before, after=after, scope=scope)
    return None


def _drift_finding(
    person: str, day: date, last: date, *, before: _Part, after: _Part, scope: Scope
) -> Finding:
    return Finding(
        kind="credential_drift",
        subject=Subject("initiator", person),
        severity="low",
        reason=f"{named(person)} moved to a key of their own on {formats.day(day)}:"
        f" {formats.rate(after.rate)} of {formats.plural(after.requests, 'request')} since, where"
        f" {formats.rate(before.rate)} was usual. The company is not billed for that use.",
        numbers={
            "requests": after.requests,
            "own_key_rate": after.rate,
            "usual_own_key_rate": before.rate,
        },
        key=drift_key(person, day),
        evidence=Evidence(scope.on_days(day, last).only("initiator", person)),
    )


def drift_key(who: str, day: date) -> str:
    """The identity of somebody's move to their own key on a day."""
    return key("credential_drift", who, day.isoformat())
