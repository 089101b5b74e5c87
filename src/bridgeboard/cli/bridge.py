"""The bridge command: by which steps spend changed since the period before."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from bridgeboard import formats, pricing, settings
from bridgeboard.analysis import spend_bridge
from bridgeboard.analysis.runner import Snapshot
from bridgeboard.analysis.spend_bridge import Bridge, Part
from bridgeboard.cli import filters, reporting
from bridgeboard.cli.reporting import From, Json, Period, StoreFile, To, Zone
from bridgeboard.cli.store_commands import now
from bridgeboard.cli.terminal import explained, out
from bridgeboard.model import periods
from bridgeboard.model.scope import Scope

BY: Final = {"team": "team", "person": "initiator", "model": "family"}
"""Words of the option that splits the steps → their dimensions."""


def comparison(text: str) -> str:
    """What a period is compared with."""
    if text not in periods.COMPARISONS:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(periods.COMPARISONS)}")
    return text


def split(text: str) -> str:
    """What the steps are split by."""
    if text not in BY:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(BY)}")
    return text


Compare = Annotated[
    str,
    typer.Option(
        parser=comparison,
        metavar="NAME",
        help=f"What to compare with: {', '.join(periods.COMPARISONS)}.",
    ),
]
By = Annotated[
    str | None,
    typer.Option(parser=split, metavar="NAME", help=f"The steps of each, too: {', '.join(BY)}."),
]


@dataclass(frozen=True)
class Answer:
    """The steps between two periods, and of each part where they are split."""

    scope: Scope
    previous: Scope
    bridge: Bridge
    parts: Sequence[Part]


@filters.with_filters
def bridge(
    *,
    period: Period = None,
    first: From = None,
    last: To = None,
    compare: Compare = "previous",
    by: By = None,
    zone: Zone = "UTC",
    only: filters.Only,
    store: StoreFile = None,
    as_json: Json = False,
) -> None:
    """Say by which steps spend changed: people, sessions, models, prices. Asks no server."""
    at = now()
    with explained():
        configured = settings.read()
        book = pricing.own_book(configured.prices_path)
    named, days = reporting.chosen_period(period, (first, last), at, zone, configured.first_weekday)
    scope = filters.narrowed(days, only)
    with reporting.snapshot(configured, store, scope) as reader:
        questions = Snapshot(reader)
        informed = pricing.informed(reader, book)
        as_of = periods.known_until(at, questions.coverage().as_of)
        previous = periods.compared(scope, named, as_of, compare)
        made = spend_bridge.bridge(questions, scope, previous, informed)
        parts: Sequence[Part] = ()
        if by and made.steps:
            parts = spend_bridge.parts(questions, scope, previous, BY[by], informed)
    answer = Answer(scope, previous, made, parts)
    if as_json:
        out.print(json.dumps(described(answer)), markup=False)
        return
    for line in lines(answer):
        out.print(line, markup=False)


def described(answer: Answer) -> dict[str, Any]:
    """The steps as the command prints them; amounts are decimal texts, None where unknown."""
    made = answer.bridge
    return {
        "zone": answer.scope.zone,
        "period": _span(answer.scope),
        "previous": _span(answer.previous),
        **_steps(made),
        "why_none": made.why_none or None,
        "standing": made.accuracy.standing,
        "notes": list(made.notes),
        "parts": [
            {"name": part.name, **_steps(part.bridge), "change_usd": formats.dollars(part.change)}
            for part in answer.parts
        ],
    }


def _span(scope: Scope) -> dict[str, str]:
    return {"since": scope.since.isoformat(), "until": scope.until.isoformat()}


def _steps(made: Bridge) -> dict[str, Any]:
    before, now_ = made.unpriced
    return {
        "previous_usd": reporting.usd(made.before.value),
        "usd": reporting.usd(made.now.value),
        "change_usd": formats.dollars(made.change) if made.steps else None,
        "steps": [{"name": one.name, "usd": formats.dollars(one.amount)} for one in made.steps],
        "unpriced_tokens": {"previous": before, "now": now_} if made.steps else None,
    }


def lines(answer: Answer) -> list[str]:
    """The steps in words, one in a line, then those of the parts."""
    made, scope = answer.bridge, answer.scope
    head = f"{periods.span(scope)} ({scope.zone}), against {periods.span(answer.previous)}."
    steps = [f"  {one.label}: {made.signed(one.amount)}" for one in made.steps if one.amount]
    parts = [
        f"  {formats.visible(part.name)}: {part.bridge.signed(part.change)}{_of_part(part.bridge)}"
        for part in answer.parts
    ]
    note = [spend_bridge.PARTS_NOTE] if parts else []
    return [head, made.in_words, *steps, *made.notes, *parts, *note]


def _of_part(made: Bridge) -> str:
    steps = [f"{step.label.lower()} {made.signed(step.amount)}" for step in made.largest]
    return f" ({', '.join(steps)})" if steps else ""
