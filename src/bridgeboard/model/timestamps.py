"""Aware times → the store's UTC times without a zone, and back."""

from datetime import UTC, datetime
from typing import overload


@overload
def stored(moment: datetime) -> datetime: ...
@overload
def stored(moment: None) -> None: ...
def stored(moment: datetime | None) -> datetime | None:
    """An aware time as the tables hold it."""
    return moment and moment.astimezone(UTC).replace(tzinfo=None)


@overload
def aware(moment: datetime) -> datetime: ...
@overload
def aware(moment: None) -> None: ...
def aware(moment: datetime | None) -> datetime | None:
    """A time of the tables, aware."""
    return moment and moment.replace(tzinfo=UTC)
