"""Whether the tables of a store agree with each other: the same sum from two of them."""

from datetime import datetime
from typing import Final, NamedTuple

from bridgeboard.store.reader import Reader
from bridgeboard.store.timestamps import stored


class Pair(NamedTuple):
    """A sum told twice: what it is, where it comes from, and both numbers."""

    what: str
    first: str
    second: str
    left: int
    right: int


_WITHIN: Final = "started_at >= $1 AND started_at < $2"
_TOKENS: Final = "input + output + cache_read + cache_write"
_OF_USAGE: Final = f"FROM usage WHERE {_WITHIN}"
_EXACT: Final = f"{_OF_USAGE} AND grain = 'interception'"
_OF_EXACT: Final = f"""
FROM responses r SEMI JOIN (SELECT usage {_EXACT}) u ON r.usage = u.usage WHERE {_WITHIN}"""
_PAIRS: Final = (
    (
        "Tokens",
        "requests",
        "their responses",
        f"SELECT coalesce(sum({_TOKENS}), 0) {_EXACT}",
        f"SELECT coalesce(sum({_TOKENS}), 0) {_OF_EXACT}",
    ),
    (
        "Cost in pico-USD",
        "requests",
        "their responses",
        f"SELECT coalesce(sum(cost), 0) {_EXACT}",
        f"SELECT coalesce(sum(cost), 0) {_OF_EXACT}",
    ),
    (
        "Tool calls",
        "requests",
        "the calls themselves",
        f"SELECT coalesce(sum(tool_calls), 0) {_OF_USAGE}",
        f"SELECT count(*) FROM tool_calls WHERE {_WITHIN}",
    ),
    (
        "Responses",
        "requests",
        "the responses themselves",
        f"SELECT coalesce(sum(responses), 0) {_EXACT}",
        f"SELECT count(*) {_OF_EXACT}",
    ),
    (
        "Requests",
        "all of them",
        "different ones",
        f"SELECT count(*) {_EXACT}",
        f"SELECT count(DISTINCT id) {_EXACT}",
    ),
)


def agreement(reader: Reader, since: datetime, until: datetime) -> list[Pair]:
    """Sums of a window, half-open, that must be the same from either table."""
    window = [stored(since), stored(until)]
    return [
        Pair(
            what,
            first,
            second,
            int(reader.rows(left, window)[0][0]),
            int(reader.rows(right, window)[0][0]),
        )
        for what, first, second, left, right in _PAIRS
    ]
