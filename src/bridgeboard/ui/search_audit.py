"""The entry in the audit log of a prompt search: a digest of its words, and its filters."""

from collections.abc import Iterator

from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.text_search import Search
from bridgeboard.state.audit import digest_of_words

_FIRST = ("initiator", "team")
"""Dimensions that say whose text was looked at: an entry that is too long is cut at its end."""


def about(find: Find, search: Search, key: bytes) -> str:
    """The words as a digest that whoever has the key can compare with that of others; filters."""
    words = digest_of_words(key, " ".join(search.each))
    return f"words {words}; {'; '.join(_filters(find))}"


def _filters(find: Find) -> Iterator[str]:
    scope = find.scope
    pairs = [("", pair) for pair in scope.include] + [("not ", pair) for pair in scope.exclude]
    for no, (name, values) in sorted(pairs, key=lambda one: one[1][0] not in _FIRST):
        yield f"{no}{DIMENSIONS[name].label.lower()} {', '.join(values)}"
    if find.id is not None:
        yield f"session {find.id}"
    yield f"from {scope.since:%Y-%m-%d %H:%M} to {scope.until:%Y-%m-%d %H:%M} UTC"
    if find.has_errors is not None:
        yield "with errors" if find.has_errors else "without errors"
    for one in find.ranges:
        least, most = ("" if end is None else f"{end:g}" for end in (one.least, one.most))
        yield f"{one.name} {least}..{most}"
