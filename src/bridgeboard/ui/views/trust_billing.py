"""Who bills for each provider instance, and why we say so: a part of the page Trust."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd
import streamlit as st

from bridgeboard import pricing, settings
from bridgeboard.pricing import Book, PriceFileError
from bridgeboard.runtime import background_sync
from bridgeboard.store import prices
from bridgeboard.ui import current_user, runner
from bridgeboard.ui.components import data_table, notices
from bridgeboard.ui.components.data_table import Column
from bridgeboard.ui.components.filters import Chosen

_COLUMNS: Final = (
    Column("instance", "Instance"),
    Column("provider", "Type"),
    Column("vendor", "Who bills"),
    Column("why", "Why"),
    Column("since", "Since", "moment", meaning="When the server first said so; empty: always"),
    Column("requests", "Requests", "count", exact=True),
    Column("cost", "Spend", "money"),
    Column("share", "Share of spend", "rate"),
)
_UNKNOWN: Final = "Unknown"


def instances(now: Chosen) -> None:
    """Every instance of the period, who bills for it, why, since when, and how to settle it."""
    st.header("Who bills?", anchor=False)
    with notices.tile("who bills"):
        if not runner.shows_people():
            st.caption("You see groups of people only. Who sees everything sees who bills, too.")
            return
        found = runner.read(
            lambda reader: prices.instances(reader, now.scope.since, now.scope.until)
        )
        if found.empty:
            st.caption("Nothing was used in this period. Filters do not count here.")
            return
        try:
            book = background_sync.informed_book(settings.current(), runner.opened())
        except PriceFileError as error:
            notices.failure("Could not read the prices file", error)
            return
        data_table.show(
            rows(found, book), _COLUMNS, key="vendors", alt="Who bills for each instance"
        )
        _proposal(lines(found, book))


def rows(found: pd.DataFrame, book: Book) -> list[tuple[Any, ...]]:
    """The table's rows: ``_COLUMNS`` of each instance and vendor."""
    records = found.to_dict("records")
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


def lines(found: pd.DataFrame, book: Book) -> list[str]:
    """Lines of ``[vendors]`` for instances that the operator has not settled, each once.

    An instance whose models have several vendors cannot be settled by one line.
    """
    records = [row for row in found.to_dict("records") if _text(row["provider_name"])]
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
    return [pricing.vendor_line(row["provider_name"], _text(row["vendor"])) for row in ordered]


def _proposal(found: Sequence[str]) -> None:
    if not found or not current_user.reader().sight.is_of_everybody:
        return
    with st.expander("Settle it in prices.toml"):
        st.markdown(
            "What stands in the prices file comes before everything else. Keep the lines that are "
            "right, correct the others, and run `bridgeboard reprice`:"
        )
        st.code("\n".join(["[vendors]", *found]), language=None)


def _seller(row: Mapping[Any, Any], book: Book) -> pricing.Seller:
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
