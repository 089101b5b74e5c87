"""ClickHouse's spelling of a statement of ``queries``: one strict pass over its tokens.

Statements are made of a closed list of functions, operators and types (docs/architecture.md,
"Numbers"). What is not in the tables of ``functions`` is an error: nothing is guessed, because
ClickHouse runs much of what it understands otherwise, such as ``7 // 2``, which is 7 and a comment.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from bridgeboard.clickhouse import parameters
from bridgeboard.clickhouse.functions import (
    AGGREGATES,
    CALLS,
    DISTINCT_LIST,
    SPECIAL,
    WINDOWS,
    UnspellableError,
    cast,
    quantiles,
)
from bridgeboard.clickhouse.tokens import (
    Brackets,
    Node,
    Nodes,
    Token,
    is_keyword,
    nested,
    number,
    separated,
)
from bridgeboard.model.store import Params

_KEYWORDS: Final = frozenset(
    {
        *("ALL", "AND", "AS", "ASC", "BETWEEN", "BY", "CASE", "CROSS", "DESC", "DISTINCT", "ELSE"),
        *("END", "EXISTS", "FALSE", "FIRST", "FROM", "FULL", "GROUP", "GROUPING", "HAVING", "IN"),
        *("IS", "JOIN", "LAST", "LEFT", "LIMIT", "MATERIALIZED", "NOT", "NULL", "NULLS", "ON"),
        *("OR", "ORDER", "PARTITION", "SELECT", "SETS", "THEN", "TRUE", "UNION", "USING", "WHEN"),
        *("WHERE", "WINDOW", "WITH"),
    }
)
_ENDS_LIST: Final = ("FROM", "WHERE", "UNION")
"""What may come behind the list of a SELECT."""
_RESERVED: Final = frozenset(
    {
        *("any", "anti", "array", "asof", "div", "except", "fetch", "filter", "final", "format"),
        *("glob", "global", "ilike", "inner", "intersect", "interval", "into", "like", "offset"),
        *("outer", "over", "prewhere", "qualify", "regexp", "right", "sample", "semi", "settings"),
        *("similar", "tablesample", "ties", "top"),
    }
)
"""Words that at least one engine takes for more than a name, in whatever case."""


@dataclass(frozen=True)
class Statement:
    """A statement as ClickHouse runs it with ``settings``, and its parameters by name."""

    sql: str
    parameters: Mapping[str, Any]


def spelled(sql: str, params: Params = ()) -> Statement:
    """A statement of the closed list, and its parameters, for ClickHouse.

    Raises:
        UnspellableError: for anything that is not in the tables of spellings.
    """
    values = (
        dict(params)
        if isinstance(params, Mapping)
        else {str(number): value for number, value in enumerate(params, 1)}
    )
    kinds = tuple((name, parameters.type_of(value)) for name, value in values.items())
    text, used = _spelled(sql, kinds)
    return Statement(text, {f"p{name}": parameters.sent(values[name]) for name in used})


@lru_cache(maxsize=1024)
def _spelled(sql: str, kinds: tuple[tuple[str, str], ...]) -> tuple[str, tuple[str, ...]]:
    """The text for parameters of these types, and the names of those that are sent."""
    nodes = nested(sql)
    speller = _Speller(dict(kinds), _reads(nodes))
    return speller.sequence(nodes), tuple(speller.used)


def _reads(nodes: Sequence[Node]) -> Counter[str]:
    """How many times each name stands behind FROM or JOIN."""
    counted: Counter[str] = Counter()
    before: Node | None = None
    for node in nodes:
        if isinstance(node, Brackets):
            counted += _reads(node.inner)
        elif is_keyword(before, "FROM", "JOIN"):
            counted[node.text] += 1
        before = node
    return counted


class _Speller:
    """Spells the nodes of one statement.

    Attributes:
        used: names of the parameters that are sent.
    """

    def __init__(self, kinds: Mapping[str, str], reads: Mapping[str, int]) -> None:
        self._kinds = kinds
        self._reads = reads
        self.used: dict[str, None] = {}

    def sequence(self, nodes: Sequence[Node]) -> str:
        """Nodes one after the other."""
        parts: list[str] = []
        place, is_list = 0, False
        twice = frozenset[str]()
        while place < len(nodes):
            node = nodes[place]
            is_list = is_keyword(node, "SELECT") or (is_list and not is_keyword(node, *_ENDS_LIST))
            part, after = self._part(nodes, place)
            if is_keyword(node, "SELECT"):
                shown = Counter(_names_shown(nodes, place + 1))
                twice = frozenset(name for name, count in shown.items() if count > 1)
            if is_list and _is_shown_alone(nodes, place) and _last_name(node) not in twice:
                # Of joined tables, ClickHouse would call it by its table, too.
                part += f" AS {_last_name(node)}"
            parts.append(part)
            place = after
        return " ".join(parts)

    def _part(self, nodes: Sequence[Node], place: int) -> tuple[str, int]:
        """What begins at a place, and the place after it."""
        node = nodes[place]
        after = nodes[place + 1] if place + 1 < len(nodes) else None
        if isinstance(node, Brackets):
            return f"({self.sequence(node.inner)})", place + 1
        if node.kind == "name" and isinstance(after, Brackets) and node.text not in _KEYWORDS:
            return self._call(node.text, after.inner, nodes, place + 2)
        if is_keyword(after, "AS") and isinstance(nodes[min(place + 2, len(nodes) - 1)], Brackets):
            return self._common(node, nodes, place + 2)
        if is_keyword(after, "AS") and (_is_materialized(nodes, place + 2)):
            return self._common(node, nodes, place + 2)
        return self._token(node), place + 1

    def _token(self, token: Token) -> str:
        if token.kind == "text":
            return token.text.replace("\\", "\\\\")
        if token.kind == "parameter":
            return self._parameter(token.text[1:])
        if token.kind == "number":
            return number(token.text)
        if token.kind == "name" and token.text not in _KEYWORDS:
            word = token.text
            if word.isupper() or word.lower() in _RESERVED or "[]" in word:
                raise UnspellableError(f"the word {word}")
        elif token.text == "[]":
            raise UnspellableError("a list in square brackets")
        return token.text

    def _parameter(self, name: str) -> str:
        if name not in self._kinds:
            raise UnspellableError(f"no value for the parameter ${name}")
        kind = self._kinds[name]
        if kind != parameters.NULL:
            self.used[name] = None
        return parameters.place(f"p{name}", kind)

    def _common(self, name: Token, nodes: Sequence[Node], place: int) -> tuple[str, int]:
        """``name AS (...)``: a common table that is read twice is worked out once."""
        is_kept = is_keyword(nodes[place], "MATERIALIZED")
        is_inlined = is_keyword(nodes[place], "NOT")
        place += is_kept + 2 * is_inlined
        query = nodes[place] if place < len(nodes) else None
        if not isinstance(query, Brackets):
            raise UnspellableError(f"the common table {name.text} is no query")
        is_kept = is_kept or (self._reads.get(name.text, 0) > 1 and not is_inlined)
        way = "AS MATERIALIZED" if is_kept else "AS"
        return f"{self._token(name)} {way} ({self.sequence(query.inner)})", place + 1

    def _call(self, name: str, inner: Nodes, nodes: Sequence[Node], place: int) -> tuple[str, int]:
        if name in {"CAST", "TRY_CAST"}:
            return self._cast(inner, is_tried=name == "TRY_CAST"), place
        condition, place = self._filter(nodes, place)
        over, place = self._over(nodes, place)
        if name in AGGREGATES or name in WINDOWS or name == "quantile_cont":
            return self._aggregate(name, inner, condition, over), place
        if condition or over:
            raise UnspellableError(f"{name} with FILTER or OVER")
        arguments = [self.sequence(one) for one in separated(inner)]
        if name in SPECIAL:
            return SPECIAL[name](arguments), place
        if name not in CALLS:
            raise UnspellableError(f"the function {name}")
        return CALLS[name].spelled(name, arguments), place

    def _filter(self, nodes: Sequence[Node], place: int) -> tuple[str, int]:
        if place >= len(nodes) or not is_keyword(nodes[place], "FILTER"):
            return "", place
        group = nodes[place + 1] if place + 1 < len(nodes) else None
        if (
            not isinstance(group, Brackets)
            or not group.inner
            or not is_keyword(group.inner[0], "WHERE")
        ):
            raise UnspellableError("FILTER without (WHERE ...)")
        return self.sequence(group.inner[1:]), place + 2

    def _over(self, nodes: Sequence[Node], place: int) -> tuple[str, int]:
        if place >= len(nodes) or not is_keyword(nodes[place], "OVER"):
            return "", place
        if place + 1 >= len(nodes):
            raise UnspellableError("OVER without a window")
        window = nodes[place + 1]
        text = self._token(window) if isinstance(window, Token) else self.sequence((window,))
        return f" OVER {text}", place + 2

    def _aggregate(self, name: str, inner: Nodes, condition: str, over: str) -> str:
        is_distinct = bool(inner) and is_keyword(inner[0], "DISTINCT")
        if name == "quantile_cont":
            if is_distinct or over:
                raise UnspellableError("quantile_cont of different values or over a window")
            return self._quantiles(inner, condition)
        known = WINDOWS if over else AGGREGATES
        if name not in known:
            raise UnspellableError(f"{name} {'over' if over else 'without'} a window")
        one = known[name]
        if is_distinct and name == "list":
            one, inner = DISTINCT_LIST, inner[1:]
        elif is_distinct and not one.may_be_distinct:
            raise UnspellableError(f"{name} of different values")
        if any(is_keyword(node, "ORDER", "LIMIT") for node in inner):
            raise UnspellableError(f"{name} with an order")
        return one.spelled(self.sequence(inner), condition, over)

    def _quantiles(self, inner: Nodes, condition: str) -> str:
        value, *others = separated(inner)
        match others:
            case [(Token("name", "list_value"), Brackets(shares))]:
                numbers = [one[0] for one in separated(shares) if len(one) == 1]
                texts = [one.text for one in numbers if isinstance(one, Token)]
                if len(texts) == len(separated(shares)) and all(
                    re.fullmatch(r"[01](\.\d+)?", text) for text in texts
                ):
                    return quantiles(self.sequence(value), texts, condition)
        raise UnspellableError("quantile_cont of shares that are no numbers from 0 to 1")

    def _cast(self, inner: Nodes, *, is_tried: bool) -> str:
        places = [place for place, node in enumerate(inner) if is_keyword(node, "AS")]
        kind = inner[places[-1] + 1 :] if places else ()
        texts = [node.text for node in kind if isinstance(node, Token)]
        if len(places) != 1 or len(texts) != len(kind):
            raise UnspellableError("a cast to what is no type")
        return cast(self.sequence(inner[: places[0]]), "".join(texts), is_tried=is_tried)


def _is_shown_alone(nodes: Sequence[Node], place: int) -> bool:
    """Whether a column of a named table is one of a SELECT's list as it is."""
    node = nodes[place]
    if not (isinstance(node, Token) and node.kind == "name" and "." in node.text):
        return False
    before, after = nodes[place - 1], nodes[place + 1] if place + 1 < len(nodes) else None
    begins = is_keyword(before, "SELECT", "DISTINCT") or before == Token("sign", ",")
    ends = after is None or is_keyword(after, *_ENDS_LIST) or after == Token("sign", ",")
    return begins and ends and not node.text.endswith("*")


def _names_shown(nodes: Sequence[Node], place: int) -> list[str]:
    """What the columns alone of the list of a SELECT are called, from a place in it on."""
    names = []
    while place < len(nodes) and not is_keyword(nodes[place], *_ENDS_LIST):
        if _is_shown_alone(nodes, place):
            names.append(_last_name(nodes[place]))
        place += 1
    return names


def _last_name(node: Node) -> str:
    return node.text.rpartition(".")[2] if isinstance(node, Token) else ""


def _is_materialized(nodes: Sequence[Node], place: int) -> bool:
    words = nodes[place : place + 2]
    return any(is_keyword(word, "MATERIALIZED") for word in words) and (
        is_keyword(words[0], "MATERIALIZED", "NOT")
    )
