"""The operator's own words about prices: ``prices.toml`` (docs/costs.md 5)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Final, Literal, get_args

from bridgeboard.operator_files.tables import OperatorFile, Row
from bridgeboard.pricing import bundled_prices
from bridgeboard.pricing.rates import CLASSES, Card, card
from bridgeboard.pricing.vendors import NONE, UNLISTED

Billing = Literal["metered", "included", "seat", "byok", "free"]

_GLOBS: Final = ("provider_name", "model")
_ALLOWED: Final = (
    *(*_GLOBS, "billing", "alias", "valid_from", "valid_to", "multiplier", "tiers"),
    *CLASSES,
)
_DEAREST: Final = 10**6
"""Dollars for a million tokens."""
_VENDORS: Final = bundled_prices.vendors() | UNLISTED | {NONE}
_ALIAS = re.compile(r"^[a-z0-9_-]+/.+$")


class PriceFileError(ValueError):
    """The price file cannot be used; the message names file, line and what to do."""


@dataclass(frozen=True, slots=True)
class Override:
    """One ``[[price]]`` table: for whom, when, and what it says; ``line`` is where it stands."""

    line: int
    provider_name: str = "*"
    model: str = "*"
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    billing: Billing = "metered"
    multiplier: Decimal = Decimal(1)
    alias: str = ""
    cards: tuple[Card, ...] = ()

    def speaks_for(self, provider_name: str, model: str, at: datetime) -> bool:
        """Whether this row decides about a response at that moment; [valid_from, valid_to)."""
        return (
            fnmatchcase(provider_name.lower(), self.provider_name)
            and fnmatchcase(model.strip().lower(), self.model)
            and (self.valid_from is None or self.valid_from <= at)
            and (self.valid_to is None or at < self.valid_to)
        )


@dataclass(frozen=True, slots=True)
class PriceFile:
    """A checked price file; ``version`` is a digest of its text, "" for no file."""

    overrides: tuple[Override, ...] = ()
    vendors: tuple[tuple[str, str], ...] = ()
    version: str = ""
    name: str = "prices.toml"

    def vendor(self, provider_name: str) -> str:
        """The vendor that the file maps this instance to, "none" for nobody, "" for no word."""
        matching = (to for glob, to in self.vendors if fnmatchcase(provider_name.lower(), glob))
        return next(matching, "")


def load(path: Path) -> PriceFile:
    """Read and check a price file.

    Raises:
        PriceFileError: if it is unreadable, unclear or contradicts itself.
    """
    return _checked(OperatorFile.read(path, PriceFileError))


def parse(text: str, *, name: str = "prices.toml") -> PriceFile:
    """Check the text of a price file; ``name`` stands in messages. Raises PriceFileError."""
    return _checked(OperatorFile(name, text, PriceFileError))


def _checked(file: OperatorFile) -> PriceFile:
    tree = file.toml("[[price]]", "[vendors]")
    overrides = tuple(_override(row) for row in file.rows(tree, "price"))
    _refuse_overlaps(file, overrides)
    version = sha256(file.text.encode()).hexdigest()[:12]
    return PriceFile(overrides, _vendors(file, tree.get("vendors", {})), version, file.name)


@lru_cache(maxsize=65536)
def meet(one: str, other: str) -> bool:
    """Whether some name fits both globs of ``*`` and ``?``."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return meet(one[1:], other) or meet(one, other[1:])
    if other[0] == "*":
        return meet(other, one)
    return (one[0] == other[0] or "?" in (one[0], other[0])) and meet(one[1:], other[1:])


def _vendors(file: OperatorFile, value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        file.fail(file.line_of("vendors"), "[vendors] must map instance names to vendors")
    row, known = Row(file, file.line_of("vendors"), value), sorted(_VENDORS)
    pairs = tuple((_glob(row, glob, glob), row.choice(glob, known)) for glob in value)
    for (one, first), (other, second) in combinations(pairs, 2):
        if first != second and meet(one, other):
            row.fail(f"overlaps {one!r}; make one narrower", other)
    return pairs


def _override(row: Row) -> Override:
    row.allow(_ALLOWED)
    factor = row.number("multiplier", 100)
    globs = {key: _glob(row, key, row.word(key)) for key in _GLOBS if key in row.values}
    override = Override(
        row.line,
        **globs,
        valid_from=row.moment("valid_from"),
        valid_to=row.moment("valid_to"),
        billing=row.choice("billing", get_args(Billing), "metered"),
        multiplier=Decimal(1) if factor is None else factor,
        alias=row.word("alias").lower() if "alias" in row.values else "",
        cards=_cards(row),
    )
    _refuse_nonsense(override, row)
    return override


def _cards(row: Row) -> tuple[Card, ...]:
    tiers = _tiers(row)
    usd = {name: row.number(name, _DEAREST) for name in CLASSES}
    if all(value is None for value in usd.values()):
        if tiers:
            row.fail("need a price below the first of them", "tiers")
        return ()
    if usd["input"] is None or usd["output"] is None:
        row.fail("a price of your own needs both 'input' and 'output'")
    higher = (_tier(tier, usd) for tier in tiers)
    return (card(-1, usd, vendor=""), *sorted(higher, key=lambda each: each.above))


def _tiers(row: Row) -> list[Row]:
    tiers = row.values.get("tiers", [])
    if not isinstance(tiers, list) or not all(isinstance(tier, dict) for tier in tiers):
        row.fail("is a list of { above = ..., input = ... }", "tiers")
    above = [tier.get("above") for tier in tiers]
    if any(above.count(edge) > 1 for edge in above):
        row.fail("has two that begin at the same size of prompt", "tiers")
    file, line = row.file.at_one_line(), row.file.line_of("tiers", row.line)
    return [Row(file, line, tier) for tier in tiers]


def _tier(row: Row, base: Mapping[str, Decimal | None]) -> Card:
    above = row.number("above", 10**12)
    usd = {name: row.number(name, _DEAREST) for name in CLASSES}
    if above is None or above != int(above):
        row.fail("each tier says 'above' how many tokens of prompt it holds")
    named = {name for name in CLASSES if base[name] is not None}
    if row.values.keys() != {"above", *named}:
        row.fail(f"each tier names what the price names: above, {', '.join(sorted(named))}")
    return card(int(above), usd, vendor="")


def _refuse_nonsense(override: Override, row: Row) -> None:
    since, until, alias = override.valid_from, override.valid_to, override.alias
    if since and until and since >= until:
        row.fail("must be after 'valid_from'", "valid_to")
    if alias and override.cards:
        row.fail("cannot stand beside prices; give one of them", "alias")
    if alias and not _ALIAS.match(alias):
        row.fail("is written vendor/model", "alias")
    if alias and not bundled_prices.listed(*alias.split("/", maxsplit=1)):
        row.fail(f"is {alias!r}: there is no list price for it", "alias")
    if not override.multiplier:
        row.fail('must be above 0; for no cost write billing = "free"', "multiplier")
    if not row.values.keys() & {"billing", "multiplier", "alias", "tiers", *CLASSES}:
        row.fail("says nothing; add prices, alias, multiplier or billing")


def _refuse_overlaps(file: OperatorFile, rows: tuple[Override, ...]) -> None:
    for one, other in combinations(rows, 2):
        apart = _before(one, other) or _before(other, one)
        alike = meet(one.provider_name, other.provider_name) and meet(one.model, other.model)
        ranked = (one.model == "*") != (other.model == "*")
        if alike and not apart and not ranked:
            file.fail(
                other.line,
                f"overlaps the [[price]] of line {one.line}; narrow one of them by "
                "provider_name, model, valid_from or valid_to",
            )


def _glob(row: Row, key: str, value: str) -> str:
    if "[" in value:
        row.fail("may have only * and ? as wildcards; use ? in place of a bracket", key)
    return value.lower()


def _before(one: Override, other: Override) -> bool:
    return bool(one.valid_to and other.valid_from and one.valid_to <= other.valid_from)
