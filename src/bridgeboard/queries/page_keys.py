"""A place in a list of sessions as a short word for addresses: the last row's value and key.

A place says by what the list is sorted, but not how it is filtered: a period that ends now moves
while somebody turns its pages. It is no secret and no proof; its checksum finds what was cut off or
mistyped.
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from bridgeboard.queries.errors import CursorError
from bridgeboard.queries.session_columns import Kind, column

Value = str | int | float | None

_SUM_SIZE: Final = 4
_LONGEST: Final = 16_384
_TEXTS: Final = ("text", "list")
_WIDEST: Final = 2**126
_WIDEST_KEY: Final = 2**63


@dataclass(frozen=True)
class Order:
    """By which column a list is sorted. Unknown values come last, ties are in order of keys.

    Raises:
        ListError: for a column that does not exist.
    """

    name: str = "started_at"
    descending: bool = True

    def __post_init__(self) -> None:
        column(self.name)

    @classmethod
    def of(cls, text: str) -> "Order":
        """An order as addresses have it: "-cost" is the largest cost first."""
        return cls(text.removeprefix("-"), text.startswith("-"))

    def __str__(self) -> str:
        return "-" * self.descending + self.name

    @property
    def kind(self) -> Kind:
        """What the values are that decide."""
        return column(self.name).kind


@dataclass(frozen=True)
class Place:
    """Just at a row: its value, and its session's key."""

    value: Value
    session: int


def written(order: Order, place: Place) -> str:
    """The cursor of a place: letters, digits, "-" and "_"."""
    plain = [str(order), place.value, place.session]
    content = json.dumps(plain, separators=(",", ":"), allow_nan=False).encode()
    return urlsafe_b64encode(_checksum(content) + content).decode("ascii").rstrip("=")


def read(order: Order, cursor: str) -> Place:
    """The place of a cursor. Raises CursorError for one of another order, or none at all."""
    if len(cursor) > _LONGEST:
        raise CursorError("it is too long")
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        content = json.loads(raw[_SUM_SIZE:])
    except (ValueError, binascii.Error, RecursionError) as error:
        raise CursorError("it cannot be read") from error
    if raw[:_SUM_SIZE] != _checksum(raw[_SUM_SIZE:]):
        raise CursorError("it is damaged")
    place = _checked(order, content)
    if written(order, place) != cursor:
        raise CursorError("it is damaged")
    return place


def _checked(order: Order, content: Any) -> Place:
    match content:
        case [str(name), _, _] if name != str(order):
            raise CursorError("it is of a list in another order")
        case [_, value, session] if _is_value(order, value) and _is_whole(session, _WIDEST_KEY):
            return Place(value, session)
    raise CursorError("it says something else")


def _is_value(order: Order, value: object) -> bool:
    if value is None:
        return True
    if order.kind in _TEXTS:
        return isinstance(value, str)
    return isinstance(value, float) if order.kind == "rate" else _is_whole(value, _WIDEST)


def _is_whole(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -most <= value < most


def _checksum(content: bytes) -> bytes:
    return blake2b(content, digest_size=_SUM_SIZE).digest()
