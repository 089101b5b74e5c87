"""Rows → one row per group: the SELECT and GROUP BY of parts, told at once or added up."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bridgeboard.model.dimensions import Source
from bridgeboard.model.metric import Part
from bridgeboard.queries.functions import bit, word
from bridgeboard.queries.metric_sources import Rows, cells, quoted


def grouped(rows: Rows, source: Source, parts: Mapping[str, Part]) -> str:
    """Parts of each group of a source's rows, under the names of their columns.

    At most one of them is keys, and beside that all others are sums.
    """
    plain = {name: part for name, part in parts.items() if part.kind != "keys"}
    keys = {name: f"{part.sql(source)}" for name, part in parts.items() if part.kind == "keys"}
    columns = [f"{part.sql(source)} AS {name}" for name, part in plain.items()]
    if not keys:
        return _grouped(rows, columns)
    ((name, key),) = keys.items()
    words = _words(rows, key, columns)
    count = f"CAST(coalesce(sum(bit_count(f.word)), 0) AS BIGINT) AS {name}"
    again = cells(f"({words})", list(rows.keys))
    return _grouped(again, [*_sums({name: name for name in plain}), count])


def summed(rows: Rows, columns: Mapping[str, str]) -> str:
    """Columns of groups that were sums, added up for larger groups: new names and old ones."""
    return _grouped(rows, _sums(columns))


def _words(rows: Rows, key: str, columns: Sequence[str]) -> str:
    """What is told of each group and word, and ``word``: the keys that occur, one bit each.

    Our keys are whole numbers given in a row, so that 64 of them are one word. There are far fewer
    words than keys, which is why they are told apart several times as fast. Shifts and masks are
    right below zero, too; rows without a key have the word NULL, which counts nothing.
    """
    split = replace(rows, keys={**rows.keys, "place": word(key)})
    return _grouped(split, [*columns, f"bit_or({bit(key)}) AS word"])


def _sums(columns: Mapping[str, str]) -> list[str]:
    return [f"sum(f.{old}) AS {new}" for new, old in columns.items()]


def _grouped(rows: Rows, columns: Sequence[str]) -> str:
    keys = [f"{sql} AS {quoted(name)}" for name, sql in rows.keys.items()]
    # By place: GROUP BY ALL would make a row of nothing where a key is the same throughout.
    places = ", ".join(str(place) for place, _ in enumerate(keys, 1))
    by = f" GROUP BY {places}" if places else ""
    return f"SELECT {', '.join([*keys, *columns])} {rows.text}{by}"
