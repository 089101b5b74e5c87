"""Parameters of a statement: ClickHouse's type of each value, and the value as it is sent."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from bridgeboard.clickhouse.functions import UnspellableError

NULL: Final = "NULL"
"""The type of None, which has no other."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = 1900, 2299
"""Years that a Date32 has."""
_TYPES: Final[Mapping[type, str]] = {
    bool: "Bool",
    float: "Float64",
    str: "String",
    UUID: "UUID",
}


def type_of(value: object) -> str:
    """ClickHouse's type of a Python value.

    Raises:
        UnspellableError: for a value of which it is not decided.
    """
    if value is None:
        return NULL
    if type(value) in _TYPES:
        return _TYPES[type(value)]
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            raise UnspellableError("a time with a zone as a parameter: stored times are naive UTC")
        return "DateTime64"
    if isinstance(value, date):
        if not _EARLIEST <= value.year <= _LATEST:
            raise UnspellableError(f"a day of the year {value.year} as a parameter")
        return "Date32"
    if isinstance(value, list | tuple):
        return f"Array({_element(value)})"
    raise UnspellableError(f"a parameter of type {type(value).__name__}")


def place(name: str, kind: str) -> str:
    """SQL of a parameter of a type (``type_of``)."""
    if kind == NULL:
        return NULL
    if kind == "DateTime64":
        # A text would be cut to the years that ClickHouse can print.
        return f"fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC')"
    return f"{{{name}:{kind}}}"


def sent(value: Any) -> Any:
    """A value as the client takes it."""
    if isinstance(value, datetime):
        return (value.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
    return list(value) if isinstance(value, tuple) else value


def _whole(value: int) -> str:
    for bits in (64, 128):
        if -(1 << bits - 1) <= value < 1 << bits - 1:
            return f"Int{bits}"
    raise UnspellableError(f"a whole number of {value.bit_length()} bits as a parameter")


def _element(values: Sequence[Any]) -> str:
    kinds = {type_of(value) for value in values}
    if not kinds:
        return "Nothing"
    if kinds == {"Int64", "Int128"}:
        return "Int128"
    (kind,) = kinds if len(kinds) == 1 else (NULL,)
    if kind not in {"Int64", "Int128", "String", "UUID", "Float64", "Bool"}:
        raise UnspellableError("a list of other things than numbers or texts as a parameter")
    return kind
