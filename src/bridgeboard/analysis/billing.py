"""Who bills for each provider instance, why, and what would settle it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from bridgeboard.analysis import prices
from bridgeboard.model.store import Reader
from bridgeboard.pricing import Book, PriceFileError, Seller, informed, own_book, vendor_line

_UNKNOWN: Final = "Unknown"


@dataclass(frozen=True)
class Billing:
    """Who bills in a window.

    Attributes:
        rows: as ``rows`` makes them.
        lines: what the operator may put into ``[vendors]`` of the prices file.
    """

    rows: list[tuple[Any, ...]]
    lines: list[str]


@dataclass(frozen=True)
class Unbilled:
    """A provider instance for which nobody is known who bills.

    Attributes:
        name: of the instance; empty where requests do not tell theirs.
        provider: its type.
        requests: how many of its requests nobody bills for.
        of_tokens: their share of all tokens; None where there are none.
        of_spend: their share of all spend; None where nothing of theirs has a price.
        line: what settles it in ``[vendors]`` of the prices file; empty where no single line does.
    """

    name: str
    provider: str
    requests: int
    of_tokens: float | None
    of_spend: float | None
    line: str


def unbilled(reader: Reader, since: datetime, until: datetime, file: Path | None) -> list[Unbilled]:
    """The instances of a window for which nobody is known who bills, most tokens first.

    What the operator has settled in the prices file is not among them.

    Raises:
        PriceFileError: when the file cannot be used.
    """
    instances = prices.instances(reader, since, until)
    if instances.empty:
        return []
    book = informed(reader, own_book(file))
    lines_of = _lines(instances, book)
    records = instances.sort_values("tokens", ascending=False).to_dict("records")
    tokens = sum(row["tokens"] for row in records)
    spend = sum(row["cost"] or 0 for row in records)
    return [
        Unbilled(
            name := _text(row["provider_name"]),
            row["provider"],
            row["requests"],
            row["tokens"] / tokens if tokens else None,
            row["cost"] / spend if row["cost"] is not None and spend else None,
            lines_of.get(name, ""),
        )
        for row in records
        if not _text(row["vendor"]) and not book.file.vendor(_text(row["provider_name"]))
    ]


def billing(reader: Reader, since: datetime, until: datetime, file: Path | None) -> Billing:
    """Who bills in a window, by the operator's prices file and by what the server said.

    Raises:
        PriceFileError: when the file cannot be used.
    """
    instances = prices.instances(reader, since, until)
    if instances.empty:
        return Billing([], [])
    book = informed(reader, own_book(file))
    return Billing(rows(instances, book), lines(instances, book))


def rows(instances: pd.DataFrame, book: Book) -> list[tuple[Any, ...]]:
    """Name, type, vendor, why, since when, requests, cost and share of each instance and vendor."""
    records = instances.to_dict("records")
    total = sum(row["cost"] or 0 for row in records)
    return [
        (
            _text(row["provider_name"]) or _UNKNOWN,
            row["provider"],
            _text(row["vendor"]) or "Nobody known",
            _seller(row, book).why,
            _since(row, book),
            row["requests"],
            row["cost"],
            row["cost"] / total if row["cost"] is not None and total else None,
        )
        for row in records
    ]


def lines(instances: pd.DataFrame, book: Book) -> list[str]:
    """Lines of ``[vendors]`` for instances that the operator has not settled, each once.

    An instance whose models have several vendors cannot be settled by one line.
    """
    return list(_lines(instances, book).values())


def _lines(instances: pd.DataFrame, book: Book) -> dict[str, str]:
    """The lines by the name of their instance."""
    records = [row for row in instances.to_dict("records") if _text(row["provider_name"])]
    vendors = Counter(row["provider_name"] for row in records)
    open_ones = [
        row
        for row in records
        if vendors[row["provider_name"]] == 1
        and row["provider"] != "copilot"
        and not book.file.vendor(row["provider_name"])
    ]
    # What nobody knows comes first: that is what costs a price.
    ordered = sorted(open_ones, key=lambda row: bool(_text(row["vendor"])))
    return {
        row["provider_name"]: vendor_line(row["provider_name"], _text(row["vendor"]))
        for row in ordered
    }


def _seller(row: Mapping[Any, Any], book: Book) -> Seller:
    return book.seller(row["provider"], _text(row["provider_name"]), _text(row["model"]), _at(row))


def _since(row: Mapping[Any, Any], book: Book) -> datetime | None:
    said = [
        one
        for one in book.told
        if one.provider_name == _text(row["provider_name"]).lower()
        and (one.since is None or one.since <= _at(row))
    ]
    return said[-1].since if said and said[-1].vendor == _text(row["vendor"]) else None


def _at(row: Mapping[Any, Any]) -> datetime:
    moment: datetime = pd.Timestamp(row["last_at"]).tz_localize(UTC).to_pydatetime()
    return moment


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


__all__ = ["Billing", "PriceFileError", "Unbilled", "billing", "lines", "rows", "unbilled"]
