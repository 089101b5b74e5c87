"""Usage without a price, the bounds of its cost, and who bills for each provider instance."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from bridgeboard import pricing
from bridgeboard.model.metric import TOKENS
from bridgeboard.model.store import Reader, Rows
from bridgeboard.model.times import stored
from bridgeboard.pricing import Book, PriceFileError, Seller, informed, own_book, vendor_line
from bridgeboard.queries.store_status import INSTANCES, PRICED, UNPRICED

_UNKNOWN: Final = "Unknown"


def unpriced(reader: Reader, since: datetime, until: datetime) -> pd.DataFrame:
    """Usage of a window without a price, by instance, model and reason, most tokens first.

    Returns:
        ``provider``, ``provider_name``, ``vendor``, ``model``; ``requests``, ``responses``; the
        tokens by class and ``web_searches`` (Python integers: sums may leave 64 bits);
        ``first_at``, ``last_at`` (naive UTC, of requests); ``note``: why.
    """
    frame: pd.DataFrame = reader.frame(UNPRICED, [stored(since), stored(until)])
    frame = frame.assign(**{name: frame[name].map(int).astype(object) for name in pricing.COUNTS})
    frame = frame.assign(tokens=sum(frame[name] for name in TOKENS)).sort_values(
        ["tokens", "provider", "provider_name", "model"], ascending=[False, True, True, True]
    )
    return frame.drop(columns="tokens").reset_index(drop=True)


def estimated(reader: Reader, since: datetime, until: datetime) -> list[dict[Any, Any]]:
    """Usage of a window without a price, with the least and the most that it may have cost.

    Each also has the ``snippet`` of the prices file that would give it a price, "" where there is
    none that leaves the prices of other usage as they are.
    """
    rows = unpriced(reader, since, until)
    return [] if rows.empty else _records(pricing.estimated(rows, until, _priced(reader)))


def _records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """The rows of a frame, None where it has nothing."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def models_without_price(reader: Reader, since: datetime, until: datetime) -> int:
    """How many models of a window have usage without a price."""
    return int(unpriced(reader, since, until)["model"].nunique(dropna=False))


def problem_of(file: Path) -> str:
    """Why the operator's prices file cannot be used; empty where it can."""
    try:
        pricing.load(file)
    except PriceFileError as error:
        return str(error)
    return ""


def instances(reader: Reader, since: datetime, until: datetime) -> pd.DataFrame:
    """The provider instances of a window by who bills for them, most spend first.

    Returns:
        ``provider``, ``provider_name``, ``vendor`` (missing where unknown); ``model``, one that was
        asked for lately; ``requests``; ``tokens`` and ``cost`` (Python integers, the latter None
        where nothing is priced); ``first_at``, ``last_at`` (naive UTC).
    """
    frame: pd.DataFrame = reader.frame(INSTANCES, [stored(since), stored(until)])
    costs = [int(cost) if isinstance(cost, str) else None for cost in frame["cost"]]
    return frame.assign(
        cost=pd.Series(costs, index=frame.index, dtype=object),
        tokens=frame["tokens"].map(int).astype(object),
    )


def _priced(reader: Rows) -> list[tuple[str | None, str | None]]:
    """Instance and model of all usage of which some has a price."""
    return [(instance, model) for instance, model in reader.rows(PRICED)]


@dataclass(frozen=True)
class Billing:
    """Who bills in a window.

    Attributes:
        rows: as ``billing_rows`` makes them.
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
    frame = instances(reader, since, until)
    if frame.empty:
        return []
    book = informed(reader, own_book(file))
    lines_of = vendor_lines(frame, book)
    records = frame.sort_values("tokens", ascending=False).to_dict("records")
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
    frame = instances(reader, since, until)
    if frame.empty:
        return Billing([], [])
    book = informed(reader, own_book(file))
    return Billing(billing_rows(frame, book), list(vendor_lines(frame, book).values()))


def file_state(file: Path | None) -> tuple[int, ...]:
    """What changes when a file is written or replaced; empty where there is none to look at."""
    try:
        status = file.stat() if file else None
    except OSError:  # to read it says why
        return ()
    return (status.st_ino, status.st_size, status.st_mtime_ns) if status else ()


def billing_rows(instances: pd.DataFrame, book: Book) -> list[tuple[Any, ...]]:
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


def vendor_lines(instances: pd.DataFrame, book: Book) -> dict[str, str]:
    """The line of ``[vendors]`` for each instance that the operator has not settled, by its name.

    An instance whose models have several vendors cannot be settled by one line.
    """
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
        for one in book.statements
        if one.provider_name == _text(row["provider_name"]).lower()
        and (one.since is None or one.since <= _at(row))
    ]
    return said[-1].since if said and said[-1].vendor == _text(row["vendor"]) else None


def _at(row: Mapping[Any, Any]) -> datetime:
    moment: datetime = pd.Timestamp(row["last_at"]).tz_localize(UTC).to_pydatetime()
    return moment


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


__all__ = [
    "Billing",
    "PriceFileError",
    "Unbilled",
    "billing",
    "billing_rows",
    "estimated",
    "instances",
    "models_without_price",
    "problem_of",
    "unbilled",
    "unpriced",
    "vendor_lines",
]
