"""Finds money lost on caches, sudden spend on new models, and usage without a price."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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
)
from bridgeboard.model.dimensions import UNKNOWN
from bridgeboard.model.radar_limits import DOLLAR, RateLimits, SpendLimits
from bridgeboard.model.scope import Scope
from bridgeboard.model.zones import local_date

CacheRow = tuple[date, str, str, int | None, int | None, int | None, int | None]
"""Day, client, model, input, cache reads, cache writes, net saving in pico-USD; None is unknown."""

_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)
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
        for run in _runs(own)
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


def _runs(drops: Sequence[tuple[str, _Drop]]) -> list[list[tuple[str, _Drop]]]:
    runs: list[list[tuple[str, _Drop]]] = []
    for one in sorted(drops, key=lambda pair: (pair[1].day, pair[0])):
        if runs and one[1].day - runs[-1][-1][1].day <= _DAY * _QUIET_DAYS:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


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
    shown = scope.on_days(first, last)
    return Finding(
        kind="cache_collapse",
        subject=Subject("client", client),
        severity=_severity(loss, limits),
        first_at=shown.since,
        last_at=shown.until - _MOMENT,
        reason=f"{named(client)} found {formats.rate(now)} of its prompts in the cache"
        f" {_days(first, last)} where {formats.rate(before)} is usual, which cost about"
        f" {formats.money(loss)}.",
        numbers={
            "cache_hit_rate": now,
            "usual_hit_rate": before,
            "prompt_tokens": sum(drop.now.tokens for _, drop in run),
            "lost_cost": loss,
        },
        key=key("cache_collapse", client, first.isoformat()),
        evidence=Evidence(shown.only("client", client)),
        contributors=tuple(Contributor("model", name, lost) for name, lost in ordered if lost > 0),
    )


def _severity(loss: int, limits: RateLimits) -> Severity:
    if loss >= _HIGH:
        return "high"
    return "medium" if loss > limits.cache_loss else "low"


def _days(first: date, last: date) -> str:
    return f"on {first}" if first == last else f"from {first} to {last}"


def new_models(
    rows: Iterable[tuple[date, str, int | None]],
    first_at: Mapping[str, datetime],
    scope: Scope,
    limits: SpendLimits,
) -> list[Finding]:
    """Models on which much was spent on the very first day that anybody used them.

    Args:
        rows: day, model, pico-USD.
        first_at: when each model was first seen at all, aware; the earliest is the beginning.
        scope: zone and filters.
        limits: what is much.
    """
    if not first_at:
        return []
    begun = local_date(min(first_at.values()), scope.zone)
    days = {model: local_date(at, scope.zone) for model, at in first_at.items()}
    return [
        _new_model(model, amount, day, scope)
        for day, model, amount in sorted(rows, key=lambda row: (row[0], row[1]))
        if amount is not None
        and amount >= limits.new_model
        and days.get(model) == day
        and (day - begun).days >= limits.complete_days
    ]


def _new_model(model: str, amount: int, day: date, scope: Scope) -> Finding:
    shown = scope.on_days(day, day)
    return Finding(
        kind="new_model",
        subject=Subject("model", model),
        severity="medium",
        first_at=shown.since,
        last_at=shown.until - _MOMENT,
        reason=f"{named(model)} was used for the first time on {day}, and cost"
        f" {formats.money(amount)} that day.",
        numbers={"spent_cost": amount},
        key=key("new_model", model),
        evidence=Evidence(shown.only("model", model)),
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
            first_at=scope.since,
            last_at=max(scope.since, scope.until - _MOMENT).astimezone(UTC),
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
