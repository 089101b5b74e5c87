"""What each function, operator and type of the closed list is in ClickHouse.

What differs without an error, and is spelt out here for that reason: sums of 64 bits wrap, text
functions count bytes, dates begin in 1970, casts cut off what does not fit, medians are estimates,
and a window's edge is 0. Counts are made signed, or they could not be subtracted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final


class UnspellableError(Exception):
    """A statement has something of which it is not decided what it is in ClickHouse."""

    def __init__(self, what: str) -> None:
        super().__init__(f"This statement has no spelling for ClickHouse: {what}.")


@dataclass(frozen=True)
class Call:
    """A function: its arguments are put into ``text``, or joined where it takes any number.

    Attributes:
        text: ``{0}`` is the first argument, ``{all}`` are all of them.
        counts: how many arguments it may have; empty is any number, but at least one.
    """

    text: str
    counts: tuple[int, ...] = ()

    def spelled(self, name: str, arguments: Sequence[str]) -> str:
        """The call with these arguments."""
        if len(arguments) not in (self.counts or range(1, 1_000)):
            raise UnspellableError(f"{name} of {len(arguments)} arguments")
        return self.text.format(*arguments, all=", ".join(arguments))


@dataclass(frozen=True)
class Aggregate:
    """An aggregate: what it is of some rows, and what is made of that."""

    text: str
    around: str = "{}"
    may_be_distinct: bool = False

    def spelled(self, argument: str, condition: str, over: str) -> str:
        """Of the rows of a condition, and over a window, where there are such."""
        rows = f" FILTER (WHERE {condition})" if condition else ""
        return self.around.format(f"{self.text.format(argument)}{rows}{over}")


_SIGNED: Final = "toInt64({})"
_EPOCH: Final = "toDate32('1970-01-01')"

AGGREGATES: Final[Mapping[str, Aggregate]] = {
    "any_value": Aggregate("any({})"),
    "arg_max": Aggregate("argMax({})"),
    "arg_min": Aggregate("argMin({})"),
    "bit_or": Aggregate("groupBitOr({})"),
    "bool_and": Aggregate("min({})", "CAST({} AS Bool)"),
    "bool_or": Aggregate("max({})", "CAST({} AS Bool)"),
    "count": Aggregate("count({})", _SIGNED, may_be_distinct=True),
    "count_if": Aggregate("sum(toInt128({}))"),  # countIf is 0 where no value is known
    "list": Aggregate("groupArray({})"),
    "max": Aggregate("max({})"),
    "min": Aggregate("min({})"),
    # A number with a fraction, which this would cut, is an error.
    "sum": Aggregate("sum(accurateCast({}, 'Int128'))"),
}
"""Aggregates; all but ``count`` are NULL of no rows (``settings``), and lists are empty."""
DISTINCT_LIST: Final = Aggregate("groupUniqArray({})")

WINDOWS: Final[Mapping[str, Aggregate]] = {
    **{name: AGGREGATES[name] for name in ("count", "max", "min", "sum")},
    "lag": Aggregate("lag(toNullable({}))"),
    "lead": Aggregate("lead(toNullable({}))"),
    "row_number": Aggregate("row_number({})", _SIGNED),
}
"""What may stand before OVER."""

CALLS: Final[Mapping[str, Call]] = {
    '"&"': Call("bitAnd({all})", (2,)),
    '"<<"': Call("bitShiftLeft({all})", (2,)),
    '">>"': Call("bitShiftRight({all})", (2,)),
    "array_to_string": Call("arrayStringConcat({all})", (2,)),
    "bit_count": Call("bitCount({0})", (1,)),
    "coalesce": Call("coalesce({all})"),
    "contains": Call("(position({all}) > 0)", (2,)),
    "divide": Call("intDiv({all})", (2,)),
    "epoch_us": Call("toUnixTimestamp64Micro({0})", (1,)),
    "greatest": Call("greatest({all})"),
    "grouping": Call("toInt64(grouping({0}))", (1,)),
    "instr": Call("toInt64(positionUTF8({all}))", (2,)),
    "least": Call("least({all})"),
    "left": Call("leftUTF8({all})", (2,)),
    "len": Call("toInt64(length({0}))", (1,)),
    "length": Call("toInt64(lengthUTF8({0}))", (1,)),
    "list_extract": Call("arrayElementOrNull({all})", (2,)),
    "list_sort": Call("arraySort({0})", (1,)),
    "list_value": Call("array({all})", tuple(range(1_000))),
    # Two letters that ClickHouse makes two of, or another one at the end of a word.
    "lower": Call(
        "lowerUTF8(replaceAll(replaceAll({0}, 'İ', 'i'), 'Σ', '\N{GREEK SMALL LETTER SIGMA}'))",
        (1,),
    ),
    "lpad": Call("leftPadUTF8({all})", (3,)),
    "make_timestamp": Call("fromUnixTimestamp64Micro({0}, 'UTC')", (1,)),
    "mod": Call("modulo({all})", (2,)),
    "nullif": Call("nullIf({all})", (2,)),
    "range": Call("range({all})", (1, 2)),
    "regexp_escape": Call("regexpQuoteMeta({0})", (1,)),
    "replace": Call("replaceAll({all})", (3,)),
    "row": Call("tuple({all})"),
    "substring": Call("substringUTF8({all})", (3,)),
    "unnest": Call("arrayJoin({0})", (1,)),
}
"""Other calls with one spelling; the rest are ``SPECIAL``."""

TYPES: Final[Mapping[str, str]] = {
    "BIGINT": "Int64",
    "BIGINT[]": "Array(Int64)",
    "BOOLEAN": "Bool",
    "DOUBLE": "Float64",
    "HUGEINT": "Int128",
    "INTEGER": "Int32",
    "UBIGINT": "UInt64",
    "UUID": "UUID",
    "VARCHAR": "String",
    "VARCHAR[]": "Array(String)",
}
"""Types that are cast to."""
NULLS: Final[Mapping[str, str]] = {
    **{
        kind: f"CAST(NULL AS Nullable({name}))"
        for kind, name in {
            **{kind: name for kind, name in TYPES.items() if not kind.endswith("[]")},
            "DATE": "Date32",
            "TIMESTAMP": "DateTime64(6, 'UTC')",
            "UINTEGER": "UInt32",
            "UTINYINT": "UInt8",
        }.items()
    },
    # A list is never NULL there.
    "VARCHAR[]": "CAST([] AS Array(String))",
}
"""NULL of each type of a column."""
_WHOLE: Final = {"BIGINT", "HUGEINT", "INTEGER", "UBIGINT"}


def cast(value: str, kind: str, *, is_tried: bool) -> str:
    """CAST or TRY_CAST of a value to one of ``TYPES``."""
    if value == "NULL" and kind in NULLS and not is_tried:
        return NULLS[kind]
    if kind not in TYPES or (is_tried and kind.endswith("[]")):
        raise UnspellableError(f"a cast to {kind}")
    if is_tried:
        return f"accurateCastOrNull({value}, '{TYPES[kind]}')"
    if kind in _WHOLE:
        # What does not fit is an error, as in DuckDB; a plain cast would cut it off.
        return f"accurateCast({value}, '{TYPES[kind]}')"
    return f"CAST({value} AS {TYPES[kind]})"


def quantiles(value: str, shares: Sequence[str], condition: str) -> str:
    """Quantiles of the values that are not NULL, at each of some shares."""
    exact = Aggregate(f"quantilesExactInclusive({', '.join(shares)})({{}})")
    return f"arrayMap(q -> if(isNaN(q), NULL, q), {exact.spelled(value, condition, '')})"


def _make_date(arguments: Sequence[str]) -> str:
    if len(arguments) == 1:
        return f"addDays({_EPOCH}, {arguments[0]})"
    return Call("makeDate32({all})", (3,)).spelled("make_date", arguments)


def _concat_ws(arguments: Sequence[str]) -> str:
    first, *others = arguments
    if not others:
        raise UnspellableError("concat_ws of nothing")
    # An array of text may hold NULL, which is left out, as it is not of concatWithSeparator.
    return f"arrayStringConcat([{', '.join(f'toString({one})' for one in others)}], {first})"


def _regexp_matches(arguments: Sequence[str]) -> str:
    match arguments:
        case [text, word, "'il'"]:
            return f"match({text}, '(?i)' || regexpQuoteMeta({word}))"
    raise UnspellableError("regexp_matches with other options than 'il'")


def _regexp_extract(arguments: Sequence[str]) -> str:
    match arguments:
        case [text, pattern, group, "'is'"]:
            return f"regexpExtract({text}, '(?is)' || {pattern}, {group})"
    raise UnspellableError("regexp_extract with other options than 'is'")


SPECIAL: Final[Mapping[str, Callable[[Sequence[str]], str]]] = {
    "concat_ws": _concat_ws,
    "make_date": _make_date,
    "regexp_extract": _regexp_extract,
    "regexp_matches": _regexp_matches,
}
"""Calls whose spelling depends on their arguments."""
