"""Which tables a statement names; one that could name anything else is refused.

What a reader with less than full row access asks goes through here. It is one pass over the words
of the statement, and strict: what it does not know is refused, never passed on.
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Final

from bridgeboard.model.store import StoreError

_TOKENS: Final = re.compile(
    r"""
    (?P<refused> -- | /\* | [uU]&(?=['"]) | \w+(?=') | \$\$ )
  | (?P<space> [ \t\r\n]+ )
  | (?P<text> '(?:[^']|'')*' )
  | (?P<quoted> "(?:[^"]|"")*" )
  | (?P<name> [^\W\d]\w* )
  | (?P<other> \d[\w.]* | \$\w+ | :: | [?(),.*+/<>=|&%!~^:\[\]-] )
    """,
    re.VERBOSE,
)
_BEGINS: Final = ("select", "with", "from")
_ENDS_FROM: Final = {
    *("select", "where", "group", "having", "window", "qualify", "order", "limit"),
    *("union", "except", "intersect"),
}
_COMMON: Final = re.compile(r"as (?:not )?(?:materialized )?\(", re.IGNORECASE)
_BESIDE_CONTENT: Final = {"describe", "show", "summarize", "pivot", "unpivot", "table", "call"}
"""Words with which a statement could speak of tables in another way than by FROM."""


class RefusedStatementError(StoreError):
    """A statement that could name something else than the tables of the store."""

    def __init__(self, why: str) -> None:
        super().__init__(f"This is not asked of a store by rows that a reader reaches: {why}.")


@lru_cache(maxsize=1024)
def named_tables(sql: str, tables: frozenset[str]) -> frozenset[str]:
    """The tables that a SELECT names, out of all that there are.

    Raises:
        RefusedStatementError: for what is no SELECT, and for one that names anything but tables
            and its own common tables: a schema, a function of rows, a file, a catalog.
    """
    words = [word for word in _words(sql) if word.strip()]
    if not words or words[0].lower() not in _BEGINS:
        raise RefusedStatementError("it is no SELECT")
    common = set(_common_tables(words))
    if twice := common & tables:
        raise RefusedStatementError(f"{min(twice)} would be two things")
    names = set(_after_from(words))
    if unknown := names - tables - common:
        raise RefusedStatementError(f"{min(unknown)} is no table")
    _check_dots(words)
    return frozenset(names & tables)


def _words(sql: str) -> Iterator[str]:
    at = 0
    while at < len(sql):
        match = _TOKENS.match(sql, at)
        if match is None or match.lastgroup == "refused":
            raise RefusedStatementError(f"{sql[at : at + 10]!r} is not understood")
        word = match.group()
        if match.lastgroup == "name" and word.lower() in _BESIDE_CONTENT:
            raise RefusedStatementError(f"it says {word}")
        yield word
        at = match.end()


def _name(word: str) -> str:
    """The name that a word is; empty for what is none."""
    if word.startswith('"'):
        return word[1:-1].replace('""', '"').lower()
    return word.lower() if word.isidentifier() else ""


def _common_tables(words: list[str]) -> Iterator[str]:
    for place, word in enumerate(words):
        if _COMMON.match(" ".join(words[place + 1 : place + 5])):
            yield _name(word)


def _after_from(words: list[str]) -> Iterator[str]:
    """The names that stand for tables: behind FROM and JOIN, where no comma adds another one."""
    in_from = [False]
    for place, word in enumerate(words):
        keyword = word.lower()
        if word == "(":
            in_from.append(False)
        elif word == ")" and len(in_from) > 1:
            in_from.pop()
        elif word == "," and in_from[-1]:
            raise RefusedStatementError("tables are joined by a comma")
        elif keyword in _ENDS_FROM:
            in_from[-1] = False
        elif keyword == "join" or (keyword == "from" and words[place - 1].lower() != "distinct"):
            in_from[-1] = True
            name, after, *_ = (*words[place + 1 : place + 3], "", "")
            if name == "(":
                continue
            if not _name(name) or after in {".", "("}:
                raise RefusedStatementError(f"{name}{after} is no table")
            yield _name(name)


def _check_dots(words: Collection[str]) -> None:
    """See that there is only ``alias.column``, and no ``schema.function()`` or longer name."""
    text = " ".join(words)
    if wrong := re.search(r"\. \S+ (?:\.|\()", text):
        raise RefusedStatementError(f"{wrong.group()!r} names a schema")
