"""The operator's own words about prices: ``prices.toml`` (docs/costs.md 5)."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Final, Literal, NoReturn, get_args

from bridgeboard import operator_files
from bridgeboard.operator_files import UnreadableTextError
from bridgeboard.pricing import bundled_prices
from bridgeboard.pricing.rates import CLASSES, Card, card
from bridgeboard.pricing.vendors import NONE, UNLISTED

Billing = Literal["metered", "included", "seat", "byok", "free"]

_WORDS: Final = ("provider_name", "model", "billing", "alias")
_DATES: Final = ("valid_from", "valid_to")
_ALLOWED: Final = frozenset({*_WORDS, *_DATES, "multiplier", "tiers", *CLASSES})
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
    try:
        text = operator_files.read(path)
    except UnreadableTextError as error:
        raise PriceFileError(f"{path} {str(error).rstrip('.')}.") from error
    return parse(text, name=str(path))


def parse(text: str, *, name: str = "prices.toml") -> PriceFile:
    """Check the text of a price file; ``name`` stands in messages. Raises PriceFileError."""
    try:
        tree = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise PriceFileError(f"{name}: not valid TOML: {error}.") from error
    reader = _Reader(name, text.splitlines())
    return reader.file(tree, sha256(text.encode()).hexdigest()[:12])


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


@dataclass(frozen=True, slots=True)
class _Reader:
    name: str
    lines: list[str]

    def file(self, tree: Mapping[str, object], version: str) -> PriceFile:
        for key in tree.keys() - {"price", "vendors"}:
            self.fail(self.find(key), f"unknown entry {key!r}; use [[price]] or [vendors]")
        rows = tuple(self.override(at, row) for at, row in self.tables(tree.get("price", [])))
        self.refuse_overlaps(rows)
        return PriceFile(rows, self.vendors(tree.get("vendors", {})), version, self.name)

    def tables(self, value: object) -> list[tuple[int, Mapping[str, object]]]:
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            self.fail(self.find("price"), "'price' must be written as [[price]] tables")
        heads = [
            number
            for number, line in enumerate(self.lines, 1)
            if re.match(r"\s*\[\[\s*[\"']?price[\"']?\s*\]\]", line)
        ]
        if len(heads) != len(value):
            self.fail(self.find("price"), "write each price as a [[price]] table of its own")
        return list(zip(heads, value, strict=True))

    def vendors(self, value: object) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, dict):
            self.fail(self.find("vendors"), "[vendors] must map instance names to vendors")
        for glob, vendor in value.items():
            if not isinstance(vendor, str) or vendor.lower() not in _VENDORS:
                known = ", ".join(sorted(_VENDORS))
                self.fail(self.find(glob), f"{glob!r} needs one of these vendors: {known}")
        pairs = tuple((self.glob(glob, self.find(glob)), to.lower()) for glob, to in value.items())
        for (one, first), (other, second) in combinations(pairs, 2):
            if first != second and meet(one, other):
                self.fail(self.find(other), f"{other!r} overlaps {one!r}; make one narrower")
        return pairs

    def override(self, head: int, row: Mapping[str, object]) -> Override:
        for key in row.keys() - _ALLOWED:
            self.fail(self.find(key, head), f"unknown key {key!r}; allowed: {_listing()}")
        words = {key: self.word(head, row, key) for key in _WORDS if key in row}
        factor = self.number(head, row, "multiplier", most=100)
        override = Override(
            head,
            provider_name=self.glob(words.get("provider_name", "*"), head),
            model=self.glob(words.get("model", "*"), head),
            valid_from=self.moment(head, row, "valid_from"),
            valid_to=self.moment(head, row, "valid_to"),
            billing=self.billing(head, words.get("billing", "metered")),
            multiplier=Decimal(1) if factor is None else factor,
            alias=words.get("alias", ""),
            cards=self.cards(head, row),
        )
        self.refuse_nonsense(override, row)
        return override

    def cards(self, head: int, row: Mapping[str, object]) -> tuple[Card, ...]:
        tiers = self.tiers(head, row)
        usd = {name: self.number(head, row, name) for name in CLASSES}
        if all(value is None for value in usd.values()):
            if tiers:
                self.fail(self.find("tiers", head), "'tiers' need a price below the first of them")
            return ()
        if usd["input"] is None or usd["output"] is None:
            self.fail(head, "a price of your own needs both 'input' and 'output'")
        higher = (self.tier(head, usd, tier) for tier in tiers)
        return (card(-1, usd, vendor=""), *sorted(higher, key=lambda each: each.above))

    def tiers(self, head: int, row: Mapping[str, object]) -> list[Mapping[str, object]]:
        tiers = row.get("tiers", [])
        if not isinstance(tiers, list) or not all(isinstance(tier, dict) for tier in tiers):
            self.fail(self.find("tiers", head), "'tiers' is a list of { above = ..., input = ... }")
        above = [tier.get("above") for tier in tiers]
        if any(above.count(edge) > 1 for edge in above):
            self.fail(self.find("tiers", head), "two tiers begin at the same size of prompt")
        return tiers

    def tier(
        self, head: int, base: Mapping[str, Decimal | None], tier: Mapping[str, object]
    ) -> Card:
        line = self.find("tiers", head)
        above = self.number(head, tier, "above", most=10**12)
        usd = {name: self.number(head, tier, name) for name in CLASSES}
        if above is None or above != int(above):
            self.fail(line, "each tier says 'above' how many tokens of prompt it holds")
        missing = [name for name in CLASSES if (base[name] is None) != (usd[name] is None)]
        if missing or tier.keys() - {"above", *CLASSES}:
            self.fail(line, f"each tier names what the price names, and 'above': {missing or tier}")
        return card(int(above), usd, vendor="")

    def refuse_nonsense(self, row: Override, raw: Mapping[str, object]) -> None:
        if row.valid_from and row.valid_to and row.valid_from >= row.valid_to:
            self.fail(self.find("valid_to", row.line), "'valid_to' must be after 'valid_from'")
        if row.alias and row.cards:
            self.fail(self.find("alias", row.line), "give either 'alias' or prices, not both")
        if row.alias and not _ALIAS.match(row.alias):
            self.fail(self.find("alias", row.line), "'alias' is written vendor/model")
        if row.alias and not bundled_prices.listed(*row.alias.split("/", maxsplit=1)):
            self.fail(self.find("alias", row.line), f"no list price for {row.alias!r}")
        if not row.multiplier:
            self.fail(self.find("multiplier", row.line), 'for no cost write billing = "free"')
        if not raw.keys() & {"billing", "multiplier", "alias", "tiers", *CLASSES}:
            self.fail(row.line, "says nothing; add prices, alias, multiplier or billing")

    def refuse_overlaps(self, rows: tuple[Override, ...]) -> None:
        for one, other in combinations(rows, 2):
            apart = _before(one, other) or _before(other, one)
            alike = meet(one.provider_name, other.provider_name) and meet(one.model, other.model)
            ranked = (one.model == "*") != (other.model == "*")
            if alike and not apart and not ranked:
                self.fail(
                    other.line,
                    f"overlaps the [[price]] of line {one.line}; narrow one of them by "
                    "provider_name, model, valid_from or valid_to",
                )

    def word(self, head: int, row: Mapping[str, object], key: str) -> str:
        value = row[key]
        if not isinstance(value, str) or not value.strip():
            self.fail(self.find(key, head), f"{key!r} must be a non-empty text")
        return value.strip().lower()

    def billing(self, head: int, value: str) -> Billing:
        for kind in get_args(Billing):
            if value == kind:
                return kind  # type: ignore[no-any-return]  # an argument of Billing is a Billing
        known = ", ".join(get_args(Billing))
        return self.fail(self.find("billing", head), f"'billing' is one of {known}")

    def glob(self, value: str, line: int) -> str:
        if "[" in value:
            self.fail(line, f"{value!r}: only * and ? are wildcards; use ? in place of a bracket")
        return value.lower()

    def moment(self, head: int, row: Mapping[str, object], key: str) -> datetime | None:
        value = row.get(key)
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, date):
            return datetime.combine(value, time(), UTC)
        return self.fail(self.find(key, head), f"{key!r} must be a date such as 2026-08-21")

    def number(
        self, head: int, row: Mapping[str, object], key: str, *, most: int = 10**6
    ) -> Decimal | None:
        value = row.get(key)
        if value is None:
            return None
        whole = isinstance(value, int) and not isinstance(value, bool)
        number = Decimal(value) if whole or isinstance(value, Decimal) else Decimal("NaN")  # type: ignore[arg-type]  # narrowed by both tests
        if not number.is_finite() or not 0 <= number <= most:
            self.fail(self.find(key, head), f"{key!r} must be a number from 0 to {most:,}")
        return number

    def find(self, key: str, head: int = 0) -> int:
        mark = re.compile(rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[=\]]")
        later = enumerate(self.lines[head:], head + 1)
        return next((number for number, line in later if mark.match(line)), max(head, 1))

    def fail(self, line: int, problem: str) -> NoReturn:
        raise PriceFileError(f"{self.name}, line {line}: {problem}.")


def _before(one: Override, other: Override) -> bool:
    return bool(one.valid_to and other.valid_from and one.valid_to <= other.valid_from)


def _listing() -> str:
    return ", ".join(sorted(_ALLOWED))
