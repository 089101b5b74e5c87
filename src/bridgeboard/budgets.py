"""Reads the operator's budgets: ``budgets.toml`` (docs/costs.md, "Budgets")."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final

from bridgeboard.model.budgets import (
    KINDS,
    OF_MEMBERS,
    PERS,
    SCOPES,
    Budget,
    BudgetPeriod,
    Limit,
    ScopeKind,
)
from bridgeboard.operator_files.tables import OperatorFile, Row

NO_LIMIT: Final = "none"
MOST: Final = 1_000
"""Tables of a file."""
LARGEST: Final = 10**12
"""Dollars of a budget."""

_ALLOWED: Final = (
    *("name", "scope", "value", "period", "per", "zone", "notes", "amount"),
    *("from", "to", "valid_from", "valid_to"),
)
_AMOUNT: Final = re.compile(r"[0-9]+(\.[0-9]+)?")
_DECIMALS: Final = 12
_TERMS: Final = ("scope", "value", "period", "per", "dates", "zone")
"""What all tables of one budget must say alike; ``notes`` are those of the last."""


class BudgetsFileError(ValueError):
    """The budgets file cannot be used; the message names file, line and what to do."""


def load(path: Path) -> tuple[Budget, ...]:
    """Read and check a budgets file.

    Raises:
        BudgetsFileError: if it is unreadable, unclear or contradicts itself.
    """
    return _budgets(OperatorFile.read(path, BudgetsFileError))


def parse(text: str, *, name: str = "budgets.toml") -> tuple[Budget, ...]:
    """Check the text of a budgets file, budgets in its order. Raises BudgetsFileError."""
    return _budgets(OperatorFile(name, text, BudgetsFileError))


def _budgets(file: OperatorFile) -> tuple[Budget, ...]:
    rows = file.rows(file.toml("[[budget]]"), "budget")
    if len(rows) > MOST:
        rows[MOST].fail(f"there are more than {MOST:,} [[budget]] tables")
    by_name: dict[str, list[Budget]] = {}
    for entry in map(_entry, rows):
        by_name.setdefault(entry.name, []).append(entry)
    budgets = tuple(_together(file, parts) for parts in by_name.values())
    _refuse_doubles(file, budgets)
    return budgets


def _entry(row: Row) -> Budget:
    """One table, as a budget with one limit."""
    row.allow(_ALLOWED)
    scope = row.choice("scope", tuple(SCOPES))
    period = row.choice("period", KINDS)
    budget = Budget(
        row.word("name", 100),
        scope,
        _value(row, scope),
        period,
        (_limit(row),),
        row.choice("per", PERS, "pool"),
        _dates(row, is_wanted=period == "dates"),
        row.zone("zone"),
        row.word("notes", 2_000) if "notes" in row.values else "",
    )
    if budget.per == "member" and scope not in OF_MEMBERS:
        row.fail(f'is "pool" for a {scope}: it has no members', "per")
    return budget


def _value(row: Row, scope: ScopeKind) -> str:
    if scope == "organization":
        if "value" in row.values:
            row.fail("is left out for the organization", "value")
        return ""
    value = row.word("value", 500)
    return value.lower() if scope == "person" else value


def _limit(row: Row) -> Limit:
    since, until = row.day("valid_from"), row.day("valid_to")
    if since and until and since >= until:
        row.fail("must be after 'valid_from'", "valid_to")
    return Limit(_amount(row), since, until, row.line)


def _amount(row: Row) -> int | None:
    if "amount" not in row.values:
        row.fail(f"'amount' is missing; \"{NO_LIMIT}\" is no limit, 0 permits nothing")
    value = row.values["amount"]
    if value == NO_LIMIT:
        return None
    if isinstance(value, str) and len(value) <= len(str(LARGEST)) + 1 + _DECIMALS:
        value = Decimal(value) if _AMOUNT.fullmatch(value) else None
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    number = Decimal(value) if is_number else Decimal("NaN")
    if not number.is_finite() or not 0 <= number <= LARGEST:
        row.fail(
            f'must be dollars from 0 to {LARGEST:,} such as "1200.50", or "{NO_LIMIT}"', "amount"
        )
    pico = number.scaleb(_DECIMALS)
    if pico != int(pico):
        row.fail(f"has more than {_DECIMALS} decimals", "amount")
    return int(pico)


def _dates(row: Row, *, is_wanted: bool) -> BudgetPeriod | None:
    first, last = row.day("from"), row.day("to")
    if not is_wanted:
        if first or last:
            row.fail("'from' and 'to' are for period = \"dates\"; see 'valid_from'")
        return None
    if not first or not last:
        row.fail("period = \"dates\" needs 'from' and 'to', the first and last day")
    if first > last:
        row.fail("must not be before 'from'", "to")
    return BudgetPeriod(first, last)


def _together(file: OperatorFile, parts: list[Budget]) -> Budget:
    """The budget that all tables of one name make."""
    *_, last = parts
    for part in parts:
        for term in _TERMS:
            if getattr(part, term) != getattr(parts[0], term):
                file.fail(
                    part.limits[0].line,
                    f"{part.name!r} is already a budget by line {parts[0].limits[0].line} with "
                    f"another {term!r}; give it another name",
                )
    limits = sorted(
        (limit for part in parts for limit in part.limits),
        key=lambda limit: limit.valid_from or date.min,
    )
    for one, other in pairwise(limits):
        if (one.valid_to or date.max) > (other.valid_from or date.min):
            first, second = sorted((one.line, other.line))
            file.fail(
                second,
                f"{last.name!r} already has an amount at that time by line {first}; "
                "let one end by 'valid_to' before the other begins by 'valid_from'",
            )
    return replace(last, limits=tuple(limits))


def _refuse_doubles(file: OperatorFile, budgets: Iterable[Budget]) -> None:
    """Refuse two budgets of the same for the same period at the same time."""

    def key(budget: Budget) -> tuple[str, ...]:
        return (budget.scope, budget.value, budget.period, budget.per, str(budget.dates))

    for _, alike in groupby(sorted(budgets, key=key), key):
        limits = [(limit, budget.name) for budget in alike for limit in budget.limits]
        limits.sort(key=lambda one: (one[0].valid_from or date.min, one[0].line))
        for (one, name), (other, _) in pairwise(limits):
            if (one.valid_to or date.max) > (other.valid_from or date.min):
                file.fail(
                    other.line,
                    f"is for the same and the same period as {name!r} of line {one.line}; "
                    "give it another scope, value or period",
                )
