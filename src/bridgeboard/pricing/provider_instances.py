"""What the server has said of its provider instances, as a store keeps it."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from bridgeboard.pricing.price_book import Book
from bridgeboard.pricing.vendors import VendorStatement

SAID: Final = "instance_vendors"
"""The setting of a store that holds it."""


class Informant(Protocol):
    """What holds the settings of a store: the store itself, or a reader of it."""

    def meta(self, name: str) -> str | None:
        """A setting; None if it was never set."""


def informed(store: Informant, book: Book) -> Book:
    """The book with all that the server has ever said about its instances."""
    return replace(book, told=said(store))


def said(store: Informant) -> tuple[VendorStatement, ...]:
    """What the server has said about its instances, in order of time."""
    rows = json.loads(store.meta(SAID) or "[]")
    return tuple(
        VendorStatement(
            row["provider_name"],
            row["vendor"],
            row["why"],
            row["host"],
            datetime.fromisoformat(row["since"]) if row["since"] else None,
        )
        for row in rows
    )


def written(statements: Iterable[VendorStatement]) -> str:
    """The same as the text of that setting."""
    return json.dumps([_row(one) for one in statements])


def _row(one: VendorStatement) -> dict[str, str | None]:
    return {
        "provider_name": one.provider_name,
        "vendor": one.vendor,
        "why": one.why,
        "host": one.host,
        "since": one.since.isoformat() if one.since else None,
    }
