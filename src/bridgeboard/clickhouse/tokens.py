"""The tokens of a statement, and what stands in brackets."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from bridgeboard.clickhouse.functions import UnspellableError

_TOKENS: Final = re.compile(
    r"""\s*(?:
    (?P<comment>//|--|/\*)
    | (?P<text>'(?:[^']|'')*')(?!["'\w])
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?!["'\w.]))
    | (?P<parameter>\$\w+)(?!["'\w])
    | (?P<name>(?:[A-Za-z_]\w*|"[^"`\\]+")(?:\.(?:[A-Za-z_]\w*|"[^"`\\]+"|\*))*)(?!["'\w])
    | (?P<sign><>|<=|>=|\|\||\[\]|[-+*/=<>,()])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)
"""What stands in a statement; a comment of one of the engines is none of the other."""


class Token(NamedTuple):
    """A literal, a parameter, a sign, or a name or keyword; names may have several parts."""

    kind: str
    text: str


class Brackets(NamedTuple):
    """What stands in brackets."""

    inner: "tuple[Token | Brackets, ...]"


Node: TypeAlias = Token | Brackets
Nodes: TypeAlias = tuple[Node, ...]


def _tokens(sql: str) -> Iterator[Token]:
    place = 0
    while True:
        match = _TOKENS.match(sql, place)
        kind = match and match.lastgroup
        if match is None or kind is None or kind == "comment":
            raise UnspellableError(f"no token begins with {sql[place : place + 20]!r}")
        if kind == "end":
            return
        yield Token(kind, match[kind])
        place = match.end()


def nested(sql: str) -> Nodes:
    """The tokens of a statement, with those in brackets together.

    Raises:
        UnspellableError: for what is no token, and for brackets that do not match.
    """
    open_: list[list[Node]] = [[]]
    for token in _tokens(sql):
        if token.text == "(":
            open_.append([])
        elif token.text != ")":
            open_[-1].append(token)
        elif len(open_) > 1:
            inner = open_.pop()
            open_[-1].append(Brackets(tuple(inner)))
        else:
            raise UnspellableError("a bracket that is closed and was not opened")
    if len(open_) > 1:
        raise UnspellableError("a bracket that is not closed")
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
