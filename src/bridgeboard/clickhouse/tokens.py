"""The tokens of a statement, and what stands in brackets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from bridgeboard.clickhouse.functions import UnspellableError

_TOKENS: Final = re.compile(
    r"""
    (?P<text>'(?:[^']|'')*')(?!["'\w])
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?!["'\w.]))
    | (?P<parameter>\$\w+)(?!["'\w])
    | (?P<name>(?:[A-Za-z_]\w*|"[^"`\\]+")(?:\.(?:[A-Za-z_]\w*|"[^"`\\]+"|\*))*)(?!["'\w])
    | (?P<sign><>|<=|>=|\|\||\[\]|[-+*/=<>,()])
    | (?P<space>\s+)
    """,
    re.VERBOSE | re.ASCII,
)
_COMMENTS: Final = re.compile(r"//|--|/\*")
"""What begins a comment for one of the engines."""


@dataclass(frozen=True)
class Token:
    """A literal, a parameter, a sign, or a name or keyword; names may have several parts."""

    kind: str
    text: str


@dataclass(frozen=True)
class Brackets:
    """What stands in brackets."""

    inner: "tuple[Token | Brackets, ...]"


Node: TypeAlias = Token | Brackets
Nodes: TypeAlias = tuple[Node, ...]


def _tokens(sql: str) -> Iterator[Token]:
    place = 0
    while place < len(sql):
        match = _TOKENS.match(sql, place)
        if match is None or _COMMENTS.match(sql, place):
            raise UnspellableError(f"no token begins with {sql[place : place + 20]!r}")
        if match.lastgroup and match.lastgroup != "space":
            yield Token(match.lastgroup, match.group())
        place = match.end()


def nested(sql: str) -> Nodes:
    """The tokens of a statement, with those in brackets together.

    Raises:
        UnspellableError: for what is no token, and for brackets that do not match.
    """
    open_: list[list[Node]] = [[]]
    for token in _tokens(sql):
        if token == Token("sign", "("):
            open_.append([])
        elif token == Token("sign", ")") and len(open_) > 1:
            inner = open_.pop()
            open_[-1].append(Brackets(tuple(inner)))
        else:
            open_[-1].append(token)
    if len(open_) > 1 or Token("sign", ")") in open_[0]:
        raise UnspellableError("brackets that are not closed, or not opened")
    return tuple(open_[0])


def is_keyword(node: Node | None, *keywords: str) -> bool:
    """Whether a node is one of some keywords, which are in capital letters."""
    return isinstance(node, Token) and node.kind == "name" and node.text in keywords


def separated(nodes: Nodes) -> list[Nodes]:
    """Arguments: what stands between commas.

    Raises:
        UnspellableError: where nothing does.
    """
    if not nodes:
        return []
    parts: list[list[Node]] = [[]]
    for node in nodes:
        if node == Token("sign", ","):
            parts.append([])
        else:
            parts[-1].append(node)
    if not all(parts):
        raise UnspellableError("an argument that is nothing")
    return [tuple(part) for part in parts]


def number(text: str) -> str:
    """A number as a literal: 64 bits with a sign, or a DOUBLE."""
    if "e" in text.lower():
        return text
    if "." in text:
        raise UnspellableError(f"{text}, which is no DOUBLE in DuckDB")
    # Alone it would have no sign, and no type in common with what may be negative.
    return text if int(text) < 1 << 31 else f"toInt64({text})"
