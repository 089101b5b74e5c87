"""The budgets command: how each budget of the operator's file stands."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bridgeboard import budgets as files
from bridgeboard import formats, settings
from bridgeboard.analysis import budget_words
from bridgeboard.analysis.budget_rules import BudgetStatus, PastPeriod
from bridgeboard.analysis.budgets import statuses
from bridgeboard.analysis.coder_budgets import (
    CoderBudgets,
    GroupBudget,
    Ours,
    coder_budgets,
    reasons,
)
from bridgeboard.analysis.forecast import Step
from bridgeboard.analysis.runner import Snapshot
from bridgeboard.cli.reporting import Json, StoreFile, snapshot, usd
from bridgeboard.cli.store_commands import now
from bridgeboard.cli.terminal import err, explained, out
from bridgeboard.settings import Settings, SettingsError

OVER: Final = 3
"""The status of the command while a budget is over its limit."""

File = Annotated[
    Path | None,
    typer.Option("--file", help="Budgets.", show_default="that of the setting budgets_file"),
]


def budgets(store: StoreFile = None, file: File = None, *, as_json: Json = False) -> None:
    """Say how budgets stand: spent, pace, forecast. Ends with 3 while one is over its limit."""
    with explained():
        configured = settings.read()
        wanted = files.load(file or _configured(configured))
    with snapshot(configured, store) as reader:
        standing = statuses(Snapshot(reader), wanted, now())
        of_coder = coder_budgets(reader)
    if as_json:
        answer = {
            "budgets": [described(one) for one in standing],
            "coder": of_coder and of_coder_described(of_coder),
        }
        out.print(json.dumps(answer), markup=False)
    elif standing:
        out.print(budget_words.sentence(standing), markup=False)
        for one in standing:
            out.print(line(one), markup=False)
        if any(one.accuracy.is_partial for one in standing):
            out.print("≥ means at least: some usage has no known price; --json says more.")
    else:
        err.print("No budget has a limit now.", markup=False)
    if any(one.status == "over" for one in standing):
        raise typer.Exit(OVER)


def _configured(configured: Settings) -> Path:
    if configured.budgets_path is None:
        raise SettingsError(
            "No budgets are configured. Name a file in the setting budgets_file, or by --file; "
            "examples/budgets.toml is one."
        )
    return configured.budgets_path


def line(one: BudgetStatus) -> str:
    """How a budget stands, in a line."""
    head = (
        f"{budget_words.state(one)}: {formats.line(one.name)} ({formats.line(one.scope)},"
        f" {formats.days(one.first, one.last)}): {budget_words.spent(one)} of"
        f" {formats.whole_dollars(one.limit)} spent"
    )
    words = [head]
    if one.used is not None:
        words.append(budget_words.used(one))
    if one.pace is not None:
        words.append(f"pace {budget_words.pace(one)}")
    if one.run_out is not None:
        words.append(f"used up: {budget_words.run_out(one).lower()}")
    if one.forecast is not None:
        words.append(f"forecast {budget_words.forecast(one)} ({budget_words.band(one)})")
    if one.members_over:
        names = ", ".join(formats.line(member.person) for member in one.members_over)
        words.append(f"over {formats.whole_dollars(one.member_limit)}: {names}")
    return ", ".join(words)


def described(one: BudgetStatus) -> dict[str, Any]:
    """A budget as the command prints it; amounts are decimal texts, None where unknown."""
    budget, made = one.budget, one.forecast
    return {
        "name": one.name,
        "scope": budget.scope,
        "value": budget.value or None,
        "per": budget.per,
        "period": budget.period,
        "zone": budget.zone,
        "first": one.first.isoformat(),
        "last": one.last.isoformat(),
        "as_of": one.day.isoformat(),
        "status": one.status,
        "limit_usd": usd(one.limit),
        "spent_usd": usd(one.spent),
        "standing": one.accuracy.standing,
        "reasons": list(one.accuracy.reasons),
        "remaining_usd": usd(one.remaining),
        "used": one.used,
        "elapsed": one.elapsed,
        "pace": one.pace,
        "burn_usd_a_day": usd(one.burn),
        "runs_out": one.run_out and str(one.run_out),
        "forecast": _step(made.end) if made else None,
        "forecast_standing": one.forecast_accuracy.standing,
        "is_forecast_over": one.is_forecast_over,
        "reached": [{"kind": each.kind, "percent": each.percent} for each in one.reached],
        "member_count": one.member_count if budget.per == "member" else None,
        "members": one.members
        and [
            {"person": each.person, "spent_usd": usd(each.spent), "is_member": each.is_member}
            for each in one.members
        ],
        "history": [_past(each) for each in one.history],
    }


def of_coder_described(found: CoderBudgets) -> dict[str, Any]:
    """Coder's own budgets as the command prints them, with what is counted here beside."""
    return {
        "month": found.month.isoformat(),
        "read_at": found.read_at.isoformat(),
        "problem": found.problem or None,
        "booked_usd": usd(found.booked),
        "here": _ours(found.ours),
        "of_others_here": _ours(found.others),
        "groups": [_group(group) for group in found.groups],
        "reasons": list(reasons(found)),
    }


def _group(group: GroupBudget) -> dict[str, Any]:
    return {
        "id": group.id,
        "name": group.title,
        "is_everyone": group.is_everyone,
        "member_count": group.members,
        "member_limit_usd": usd(group.limit),
        "booked_usd": usd(group.booked),
        "booked_by_former_usd": usd(group.of_former),
        "coder_counts_usd": usd(group.counted),
        "here": None if group.counted is None else _ours(group.ours),
        "difference_usd": usd(group.difference),
        "people": [
            {
                "person": one.username,
                "limit_usd": usd(one.limit),
                "limit_is_own": one.is_own,
                "spent_usd": usd(one.spent),
                "spent_elsewhere_usd": usd(one.elsewhere),
                "here": _ours(one.ours),
                "is_refused": one.state == "blocked",
            }
            for one in group.people
        ],
    }


def _ours(ours: Ours) -> dict[str, Any]:
    return {
        "spend_usd": usd(ours.cost),
        "not_billed_usd": usd(ours.not_billed),
        "unpriced_tokens": ours.unpriced_tokens,
    }


def _step(step: Step) -> dict[str, str | None]:
    return {"usd": usd(step.middle), "p10_usd": usd(step.low), "p90_usd": usd(step.high)}


def _past(past: PastPeriod) -> dict[str, Any]:
    return {
        "first": past.first.isoformat(),
        "last": past.last.isoformat(),
        "limit_usd": usd(past.limit),
        "spent_usd": usd(past.spent),
        "standing": past.accuracy.standing,
        "known_from": past.known_from and past.known_from.isoformat(),
    }
