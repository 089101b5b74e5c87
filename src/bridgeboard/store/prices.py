"""What is priced and what is not; replaces older prices.

Everything here goes by windows of ``started_at``, half-open, so that a store of any size is priced
anew in pieces.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pyarrow as pa

from bridgeboard.store.database import Store
from bridgeboard.store.reader import Batch, Reader

Span = tuple[datetime, datetime]

_MONEY: Final = ("cost", "shadow_cost", "cache_saving", "status")
RESPONSE: Final = (*_MONEY, "tier", "price_id", "source", "note")
"""What a price says of a response, by the names of its columns."""
USAGE: Final = ("vendor", "priced_tokens", *_MONEY)
"""What prices say of a row of usage."""

_VERSION: Final = "price_version"
_BY_TIME: Final = "{0}.started_at >= $1 AND {0}.started_at < $2"
_DAYS: Final = """
SELECT date_trunc('day', started_at) AS day, count(*) FROM usage GROUP BY day ORDER BY day
"""
_STORED_USAGE: Final = f"""
SELECT rowid AS place, usage, started_at, grain, provider, provider_name, model, credential_kind,
       {", ".join(USAGE)}
FROM usage u WHERE {_BY_TIME.format("u")} ORDER BY usage
"""
_STORED_RESPONSES: Final = f"""
SELECT r.rowid AS place, r.usage, r.answered_at, r.input, r.output, r.cache_read, r.cache_write,
       r.cache_write_1h, r.web_searches, r.service_tier, {", ".join(f"r.{n}" for n in RESPONSE)}
FROM responses r SEMI JOIN usage u USING (usage, started_at) WHERE {_BY_TIME.format("r")}
"""
_PUT: Final = "UPDATE {0} SET {1} FROM new_prices t WHERE {0}.rowid = t.place"
_PUT_VENDORS: Final = f"""
UPDATE tool_calls SET vendor = t.vendor FROM new_prices t
WHERE tool_calls.usage = t.usage AND {_BY_TIME.format("tool_calls")}
"""


@dataclass(frozen=True)
class Held:
    """What one window holds; ``place`` says where a row stands, within this transaction only.

    Attributes:
        usage: ``place``, ``usage`` (ascending), ``started_at``, what a price asks for, ``USAGE``.
        responses: ``place``, ``usage``, ``answered_at``, counts, ``service_tier``, ``RESPONSE``.
    """

    usage: pa.Table
    responses: pa.Table


def version(store: Store) -> str | None:
    """The version of the prices that all rows have; None if there is no one such version."""
    return store.meta(_VERSION) or None


def set_version(batch: Batch, version: str | None, now: datetime) -> None:
    """Say which prices all rows have since when; None while they are being replaced."""
    batch.set_meta(_VERSION, version or "")
    batch.set_meta("priced_at", now.astimezone(UTC).isoformat())


def spans(reader: Reader | Store, size: int) -> list[Span]:
    """Windows of whole days, ascending, that hold all usage, each about ``size`` rows or a day."""
    windows: list[Span] = []
    room = 0
    for day, count in reader.rows(_DAYS):
        if windows and count <= room:
            windows[-1] = (windows[-1][0], day + timedelta(days=1))
            room -= count
        else:
            windows.append((day, day + timedelta(days=1)))
            room = size - count
    return windows


def held(reader: Reader, span: Span) -> Held:
    """The usage of a window, its responses, and the prices both have now."""
    return Held(reader.table(_STORED_USAGE, span), reader.table(_STORED_RESPONSES, span))


def put(batch: Batch, span: Span, usage: pa.Table, responses: pa.Table, moved: pa.Table) -> None:
    """Replace prices in a window.

    Args:
        batch: the one in which the places were read.
        span: the window.
        usage: ``place`` and ``USAGE`` of the rows that change.
        responses: ``place`` and ``RESPONSE``, likewise.
        moved: ``usage`` and ``vendor`` of rows whose tool calls get another vendor.
    """
    _update(batch, "responses", RESPONSE, responses)
    _update(batch, "usage", USAGE, usage)
    if moved.num_rows:
        with batch.registered(new_prices=moved):
            batch.execute(_PUT_VENDORS, span)


def _update(batch: Batch, table: str, names: tuple[str, ...], priced: pa.Table) -> None:
    if priced.num_rows:
        with batch.registered(new_prices=priced):
            batch.execute(_PUT.format(table, ", ".join(f"{name} = t.{name}" for name in names)))
