"""The forecast command: where this month's spend ends."""

import json
from typing import Any

from bridgeboard import formats, settings
from bridgeboard.analysis.forecast import MonthEnd, Step, month_end
from bridgeboard.analysis.runner import Snapshot
from bridgeboard.cli import filters
from bridgeboard.cli.reporting import Json, StoreFile, Zone, snapshot, usd
from bridgeboard.cli.store_commands import now
from bridgeboard.cli.terminal import explained, out
from bridgeboard.model import periods


@filters.with_filters
def forecast(
    *,
    zone: Zone = "UTC",
    only: filters.Only,
    store: StoreFile = None,
    as_json: Json = False,
) -> None:
    """Say where this month's spend ends, and how good such forecasts were. Asks no server."""
    scope = filters.narrowed(periods.everything(zone), only)
    with explained():
        configured = settings.read()
    with snapshot(configured, store, scope) as reader:
        end = month_end(Snapshot(reader), scope, now())
    if as_json:
        out.print(json.dumps(described(end, zone)), markup=False)
        return
    for line in lines(end, zone):
        out.print(line, markup=False)


def described(end: MonthEnd, zone: str) -> dict[str, Any]:
    """A forecast as the command prints it; amounts are decimal texts, None where unknown."""
    made, errors = end.forecast, end.errors
    return {
        "month": f"{end.first:%Y-%m}",
        "zone": zone,
        "as_of": end.day.isoformat(),
        "spent_usd": usd(end.spent.value),
        "spent_standing": end.spent.accuracy.standing,
        "standing": end.accuracy.standing,
        "reasons": list(end.accuracy.reasons),
        "method": made.method if made else None,
        "why_none": end.why_none or None,
        "complete_days": made.days if made else None,
        "is_new": made.is_new if made else None,
        "end": _step(made.end) if made else None,
        "days": [_step(step) for step in made.steps] if made else [],
        "accuracy": errors
        and {
            "wape": errors.wape,
            "share_in_band": errors.in_band,
            "forecasts": errors.forecasts,
        },
    }


def _step(step: Step) -> dict[str, str | None]:
    return {
        "day": step.day.isoformat(),
        "usd": usd(step.middle),
        "p10_usd": usd(step.low),
        "p90_usd": usd(step.high),
    }


def lines(end: MonthEnd, zone: str) -> list[str]:
    """A forecast in words."""
    head = f"{end.first:%B %Y} ({zone}), as of {formats.day(end.day)}: {end.spent_in_words}"
    reasons = (f"Not all is known: {reason}." for reason in end.accuracy.reasons)
    return [head, *end.in_words, *reasons]
