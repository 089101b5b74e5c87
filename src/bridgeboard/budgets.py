"""Reads the operator's budgets: ``budgets.toml`` (docs/costs.md, "Budgets")."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final, Literal, NoReturn, TypeVar
from zoneinfo import ZoneInfo

from bridgeboard import operator_files
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
from bridgeboard.operator_files import UnreadableTextError

NO_LIMIT: Final = "none"
MOST: Final = 1_000
"""Tables of a file."""
LARGEST: Final = 10**12
"""Dollars of a budget."""

_WORDS: Final = ("name", "scope", "value", "period", "per", "zone", "notes")
_DATES: Final = ("from", "to", "valid_from", "valid_to")
_ALLOWED: Final = (*_WORDS, "amount", *_DATES)
_LENGTHS: Final = {"name": 100, "value": 500, "notes": 2_000}
_AMOUNT: Final = re.compile(r"[0-9]+(\.[0-9]+)?")
_DECIMALS: Final = 12
_YEARS: Final = range(1990, 2100)
_TABLE: Final = re.compile(r"\s*\[\[\s*[\"']?budget[\"']?\s*\]\]")
_TERMS: Final = ("scope", "value", "period", "per", "dates", "zone")
"""What all tables of one budget must say alike; ``notes`` are those of the last."""

Word = TypeVar("Word", bound=str)
Row = Mapping[str, object]


class BudgetsFileError(ValueError):
    """The budgets file cannot be used; the message names file, line and what to do."""


def load(path: Path) -> tuple[Budget, ...]:
    """Read and check a budgets file.

    Raises:
        BudgetsFileError: if it is unreadable, unclear or contradicts itself.
    """
    try:
        text = operator_files.read(path)
    except UnreadableTextError as error:
        raise BudgetsFileError(f"{path} {str(error).rstrip('.')}.") from error
    return parse(text, name=str(path))


def parse(text: str, *, name: str = "budgets.toml") -> tuple[Budget, ...]:
    """Check the text of a budgets file, budgets in its order. Raises BudgetsFileError."""
    try:
        tree = tomllib.loads(text, parse_float=Decimal)
    except RecursionError as error:
        raise BudgetsFileError(f"{name}: not valid TOML: nested too deeply.") from error
    except ValueError as error:  # also a whole number of thousands of digits
        raise BudgetsFileError(f"{name}: not valid TOML: {error}.") from error
    return _Reader(name, text.splitlines()).budgets(tree)


@dataclass(frozen=True, slots=True)
class _Reader:
    name: str
    lines: list[str]

    def budgets(self, tree: Row) -> tuple[Budget, ...]:
        for key in tree.keys() - {"budget"}:
            self.fail(self.find(key), f"{key!r} is unknown; write [[budget]] tables")
        entries = [self.entry(head, row) for head, row in self.tables(tree.get("budget", []))]
        by_name: dict[str, list[Budget]] = {}
        for entry in entries:
            by_name.setdefault(entry.name, []).append(entry)
        budgets = tuple(self.together(parts) for parts in by_name.values())
        self.refuse_doubles(budgets)
        return budgets

    def tables(self, rows: object) -> list[tuple[int, Row]]:
        heads = [number for number, line in enumerate(self.lines, 1) if _TABLE.match(line)]
        is_listed = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
        if not is_listed or not isinstance(rows, list) or len(heads) != len(rows):
            self.fail(self.find("budget"), "write each budget as a [[budget]] table of its own")
        if len(rows) > MOST:
            self.fail(heads[MOST], f"there are more than {MOST:,} [[budget]] tables")
        return list(zip(heads, rows, strict=True))

    def entry(self, head: int, row: Row) -> Budget:
        """One table, as a budget with one limit."""
        for key in row:
            if key not in _ALLOWED:
                allowed = ", ".join(_ALLOWED)
                self.fail(self.find(key, head), f"{key!r} is unknown; there are {allowed}")
        scope = self.choice(head, row, "scope", tuple(SCOPES))
        period = self.choice(head, row, "period", KINDS)
        budget = Budget(
            self.word(head, row, "name"),
            scope,
            self.value(head, row, scope),
            period,
            (self.limit(head, row),),
            self.choice(head, row, "per", PERS) if "per" in row else "pool",
            self.dates(head, row, is_wanted=period == "dates"),
            self.zone(head, row),
            self.word(head, row, "notes") if "notes" in row else "",
        )
        if budget.per == "member" and scope not in OF_MEMBERS:
            self.fail(self.find("per", head), f"'per' is \"pool\" for a {scope}: it has no members")
        return budget

    def value(self, head: int, row: Row, scope: ScopeKind) -> str:
        if scope == "organization":
            if "value" in row:
                self.fail(self.find("value", head), "'value' is left out for the organization")
            return ""
        value = self.word(head, row, "value")
        return value.lower() if scope == "person" else value

    def limit(self, head: int, row: Row) -> Limit:
        since, until = self.day(head, row, "valid_from"), self.day(head, row, "valid_to")
        if since and until and since >= until:
            self.fail(self.find("valid_to", head), "'valid_to' must be after 'valid_from'")
        return Limit(self.amount(head, row), since, until, head)

    def amount(self, head: int, row: Row) -> int | None:
        if "amount" not in row:
            self.fail(head, f"'amount' is missing; \"{NO_LIMIT}\" is no limit, 0 permits nothing")
        value = row["amount"]
        if value == NO_LIMIT:
            return None
        if isinstance(value, str) and len(value) <= len(str(LARGEST)) + 1 + _DECIMALS:
            value = Decimal(value) if _AMOUNT.fullmatch(value) else None
        is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        number = Decimal(value) if is_number else Decimal("NaN")  # type: ignore[arg-type]  # narrowed by the test
        if not number.is_finite() or not 0 <= number <= LARGEST:
            self.fail(
                self.find("amount", head),
                f"'amount' must be dollars from 0 to {LARGEST:,} such as \"1200.50\", "
                f'or "{NO_LIMIT}"',
            )
        pico = number.scaleb(_DECIMALS)
        if pico != int(pico):
            self.fail(self.find("amount", head), f"'amount' has more than {_DECIMALS} decimals")
        return int(pico)

    def dates(self, head: int, row: Row, *, is_wanted: bool) -> BudgetPeriod | None:
        first, last = self.day(head, row, "from"), self.day(head, row, "to")
        if not is_wanted:
            if first or last:
                self.fail(head, "'from' and 'to' are for period = \"dates\"; see 'valid_from'")
            return None
        if not first or not last:
            self.fail(head, "period = \"dates\" needs 'from' and 'to', the first and last day")
        if first > last:
            self.fail(self.find("to", head), "'to' must not be before 'from'")
        return BudgetPeriod(first, last)

    def together(self, parts: list[Budget]) -> Budget:
        """The budget that all tables of one name make."""
        *_, last = parts
        for part in parts:
            for term in _TERMS:
                if getattr(part, term) != getattr(parts[0], term):
                    self.fail(
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
                self.fail(
                    second,
                    f"{last.name!r} already has an amount at that time by line {first}; "
                    "let one end by 'valid_to' before the other begins by 'valid_from'",
                )
        return replace(last, limits=tuple(limits))

    def refuse_doubles(self, budgets: Iterable[Budget]) -> None:
        """Refuse two budgets of the same for the same period at the same time."""

        def key(budget: Budget) -> tuple[str, ...]:
            return (budget.scope, budget.value, budget.period, budget.per, str(budget.dates))

        for _, alike in groupby(sorted(budgets, key=key), key):
            limits = [(limit, budget.name) for budget in alike for limit in budget.limits]
            limits.sort(key=lambda one: (one[0].valid_from or date.min, one[0].line))
            for (one, name), (other, _) in pairwise(limits):
                if (one.valid_to or date.max) > (other.valid_from or date.min):
                    self.fail(
                        other.line,
                        f"is for the same and the same period as {name!r} of line {one.line}; "
                        "give it another scope, value or period",
                    )

    def choice(self, head: int, row: Row, key: str, known: tuple[Word, ...]) -> Word:
        value = row.get(key)
        for word in known:
            if value == word:
                return word
        return self.fail(self.find(key, head), f"{key!r} is one of {', '.join(known)}")

    def word(self, head: int, row: Row, key: str) -> str:
        value = row.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fail(self.find(key, head), f"{key!r} must be a non-empty text")
        if len(value) > _LENGTHS[key]:
            self.fail(self.find(key, head), f"{key!r} has more than {_LENGTHS[key]:,} characters")
        return value.strip()

    def zone(self, head: int, row: Row) -> str:
        value = row.get("zone", "UTC")
        try:
            return ZoneInfo(value).key if isinstance(value, str) else self.no_zone(head)
        except (KeyError, ValueError, OSError):
            return self.no_zone(head)

    def no_zone(self, head: int) -> NoReturn:
        self.fail(self.find("zone", head), "'zone' must be an IANA name such as Europe/Berlin")

    def day(self, head: int, row: Row, key: str) -> date | None:
        value = row.get(key)
        if isinstance(value, str):
            value = _day(value)
        elif value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime) or value.year not in _YEARS:
            self.fail(self.find(key, head), f"{key!r} must be a day such as 2026-08-21")
        return value

    def find(self, key: str, head: int = 0) -> int:
        """The line of a key in the table that begins at a line."""
        mark = re.compile(rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[=\].]")
        for number, line in enumerate(self.lines[head:], head + 1):
            if mark.match(line):
                return number
            if head and _TABLE.match(line):
                break
        return max(head, 1)

    def fail(self, line: int, problem: str) -> NoReturn:
        raise BudgetsFileError(f"{self.name}, line {line}: {problem}.")


def _day(text: str) -> date | Literal[False]:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return False
