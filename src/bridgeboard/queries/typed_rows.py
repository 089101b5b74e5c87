"""Plain rows → rows with names and types; the columns of a question, from the names."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar

T = TypeVar("T")

MARK: Final = "\ufffd"
"""Stands in the store for what no database text can hold: NUL, and half a character."""

_UNHOLDABLE: Final = {0: MARK, **dict.fromkeys(range(0xD800, 0xE000), MARK)}


class Key(NamedTuple):
    """Where a row stands in an order of time: ``started_at`` is aware, ``usage`` is our key.

    Where the order is another one, ``value`` is what it is sorted by first; None is unknown.
    """

    started_at: datetime
    usage: int
    value: int | None = None


def typed(kind: Callable[..., T], rows: Iterable[tuple[Any, ...]]) -> tuple[T, ...]:
    """Rows of an answer as ``kind``, a dataclass whose question this was.

    Times become aware UTC, lists tuples; NULL is None.
    """
    return tuple(kind(*map(_plain, row)) for row in rows)


def columns(kind: type, of: str = "") -> str:
    """The fields of a dataclass as a list of columns, of one table if it is named."""
    return ", ".join(f'{of}"{each.name}"' for each in fields(kind))


def selected(kind: type, of: str, sql: Mapping[str, str]) -> str:
    """The fields of a dataclass as columns of one table, but for those with SQL of their own."""
    own = {each.name: f'{of}."{each.name}"' for each in fields(kind)}
    return ", ".join(f'{sql.get(name, column)} AS "{name}"' for name, column in own.items())


def holdable(text: str) -> str:
    """Text as the store holds it, whatever it is."""
    return text.translate(_UNHOLDABLE)


def limited(limit: int | None) -> str:
    """The end of a statement that has so many rows at most."""
    return "" if limit is None else f" LIMIT {int(limit)}"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    return tuple(value) if isinstance(value, list) else value
