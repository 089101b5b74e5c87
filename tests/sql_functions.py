"""All functions, operators and types that a statement may use: a closed list.

What SQL engines spell in ways of their own (whole division, shifts and bits, time arithmetic,
quantiles, lists, casts) is written as a call, ``divide(a, b)`` or ``"<<"(a, b)``, which DuckDB runs
as it stands. So another engine's spelling can be made of a statement token by token where it is
executed, and a name that is missing here is an error there, not another answer.

Further rules, which ``test_queries_functions`` holds every statement to:

* Casts are ``CAST(x AS T)`` or ``TRY_CAST(x AS T)``, lists are ``list_value(a, b)``, and parameters
  are numbered (``$1``).
* Aggregates of some rows only are ``f(x) FILTER (WHERE c)``. No call has an ORDER BY of its own.
* "/" has a DOUBLE on one side: between whole numbers some engines cut its result.
* ``arg_min`` and ``arg_max`` decide by a row ``(y, key)``, so that of equals it is always the same.
* A condition that is shown as a column is ``CAST(c AS BOOLEAN)``: some engines make it 0 or 1.
* Where a SELECT gives an expression a name, it uses that name in ORDER BY only: elsewhere engines
  disagree whether it is the expression or a column of that name. GROUP BY has columns or places.
* Columns are listed, or all of a table are taken (``*``), of joined tables those of the first;
  none are left out of all. Joins are INNER, LEFT, FULL or CROSS; sets are joined by UNION ALL
  alone.
* Nothing is ordered by the answer to a query: it is joined, or a column of a query within. An
  identity (UUID) is ordered as text, because engines compare different halves of it first.
* What is not in the answer to a query (``NOT IN``) is asked of columns that are never NULL: else
  some engines say it is in none, others that nobody knows.
* ``divide`` and ``mod`` are by a number, a parameter that is never 0, or ``nullif(b, 0)``: some
  engines divide before they leave out rows.
* Numbers with a fraction are written as a DOUBLE (``2e1``), but for the shares of quantiles.
* A name of a table within a query is its own: ``f.cost`` is never that of an ``f`` outside where
  the query has an ``f`` without such a column.
* Tables are named without a schema, and only those of the store.
"""

from collections.abc import Mapping
from typing import Final

AGGREGATES: Final[Mapping[str, str]] = {
    "any_value": "one of the values that are not NULL, where all of them are the same",
    "arg_max": "x of the largest y, of the rows where x is not NULL; y is a row",
    "arg_min": "x of the smallest y, likewise",
    "bit_or": "the bits that any value has",
    "bool_and": "whether all are true; NULL of none",
    "bool_or": "whether any is true; NULL of none",
    "count": "of rows, of values that are not NULL, or with DISTINCT of different ones: exact",
    "count_if": "how many are true; NULL where no value is known",
    "list": "the values as a list, in no order; with DISTINCT each once. Never of NULL",
    "max": "the largest value; NULL of none",
    "min": "the smallest value; NULL of none",
    "quantile_cont": "x at each of some shares, between two values in proportion: exact, a list",
    "sum": "exact beyond 64 bits, a HUGEINT for whole numbers; NULL of none",
}
"""Aggregates; they leave out NULL."""

WINDOWS: Final[Mapping[str, str]] = {
    "count": "as the aggregate",
    "lag": "the value of the row before, NULL for the first",
    "lead": "the value of the row after, NULL for the last",
    "max": "as the aggregate",
    "min": "as the aggregate",
    "row_number": "1, 2, 3 and on",
    "sum": "as the aggregate, up to the row where there is an order",
}
"""Calls that may stand before OVER."""

SCALARS: Final[Mapping[str, str]] = {
    '"&"': "the bits that both whole numbers have; of negative ones, of their two's complement",
    '"<<"': "a whole number's bits, moved up",
    '">>"': "a whole number's bits, moved down; negative ones stay negative",
    "bit_count": "how many bits are set",
    "coalesce": "the first that is not NULL",
    "concat_ws": "texts that are not NULL, with a separator between",
    "contains": "whether a text has another in it",
    "divide": "a / b without its fraction, as whole a number as a and b",
    "epoch_us": "a TIMESTAMP in microseconds since 1970",
    "greatest": "the largest that is not NULL",
    "grouping": "1 in rows of GROUPING SETS that are not split by a column, else 0",
    "instr": "the place of a text in another, from 1 on in characters; 0 is nowhere",
    "least": "the smallest that is not NULL",
    "left": "so many characters of the beginning",
    "len": "how many values a list has",
    "length": "how many characters a text has",
    "list_extract": "the value at a place of a list, from 1 on",
    "list_sort": "a list in ascending order",
    "list_value": "the list of all arguments",
    "lower": "in small letters, beyond ASCII, too",
    "lpad": "filled up on the left to so many characters",
    "make_date": "the DATE of a year, a month and a day, or of days since 1970",
    "make_timestamp": "the TIMESTAMP of microseconds since 1970",
    "array_to_string": "the texts of a list with a separator between",
    "mod": "what divide leaves over, with the sign of a",
    "nullif": "a, or NULL where it equals b",
    "range": "the whole numbers from a on, before b",
    "regexp_escape": "a pattern that a text alone matches",
    "regexp_extract": "a group of the first match, '' without one. Options 'is': any case and line",
    "regexp_matches": "whether a text has a match. Options 'il': any case, as plain text",
    "replace": "a text with another in all places of a third",
    "row": "(a, b): compared by a, then by b",
    "substring": "so many characters from a place on, the first being 1",
    "unnest": "a row for each value of a list; one for a SELECT",
}
"""All other calls. Text is counted in characters, not in bytes."""

OPERATORS: Final = frozenset({"+", "-", "*", "/", "||"})
"""Operators beside comparisons, AND, OR, NOT, IN, EXISTS, BETWEEN, CASE and IS [NOT] NULL or
DISTINCT FROM."""

TYPES: Final[Mapping[str, str]] = {
    "BIGINT": "64 bits",
    "BIGINT[]": "a list of them",
    "BOOLEAN": "true, false or NULL",
    "DOUBLE": "floating, 64 bits",
    "HUGEINT": "128 bits",
    "INTEGER": "32 bits",
    "UBIGINT": "64 bits without a sign: words of keys",
    "UUID": "an identity; TRY_CAST makes NULL of what is none",
    "VARCHAR": "text",
}
"""What is cast to. A cast of NULL is NULL; a TIMESTAMP counts microseconds."""
