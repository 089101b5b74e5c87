"""Sums that two tables of a store must agree on.

Each takes two parameters: the beginning and the end of a window, half-open, as the tables hold it.
"""

from typing import Final

_WITHIN: Final = "started_at >= $1 AND started_at < $2"
_TOKENS: Final = "input + output + cache_read + cache_write"
_OF_USAGE: Final = f"FROM usage WHERE {_WITHIN}"
_EXACT: Final = f"{_OF_USAGE} AND grain = 'interception'"
_OF_EXACT: Final = f"""
FROM responses WHERE usage IN (SELECT usage {_EXACT}) AND {_WITHIN}"""
PAIRS: Final = (
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
"""What it is, where both numbers come from, and the statements for them."""
