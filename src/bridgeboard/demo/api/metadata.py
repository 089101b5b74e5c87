"""How the session detail adds up the metadata of token rows (api-contract 4.7)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bridgeboard.demo.api import golang
from bridgeboard.demo.records import TokenRow


def summed(rows: Iterable[TokenRow]) -> dict[str, int]:
    """Add up all integers by key; nested keys are joined with dots, all else is dropped."""
    sums: dict[str, int] = {}
    for row in rows:
        for key, value in _integers("", row.metadata):
            sums[key] = sums.get(key, 0) + value
    return dict(sorted(sums.items()))


def _integers(path: str, value: Any) -> Iterator[tuple[str, int]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _integers(f"{path}.{key}" if path else key, inner)
    elif path and (number := _integer(value)) is not None:
        yield path, number


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if not isinstance(value, str):
        return None
    try:
        return golang.integer(value)
    except ValueError:
        return None
