"""What a reader sees of a mirrored store, put in front of each of their statements.

Nothing is decided here. What stands in front is the text that DuckDB is given
(``store.row_relations``), in ClickHouse's spelling. Below it are the tables of one state: of each
table that is read, the blocks that hold in it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bridgeboard.access import RowAccess
from bridgeboard.clickhouse import spelling, tables
from bridgeboard.clickhouse.spelling import Statement
from bridgeboard.clickhouse.tables import BLOCK, quoted
from bridgeboard.model.store import Dimensions, Params
from bridgeboard.store.limited_readers import InFront, RefusedStatementError
from bridgeboard.store.row_relations import ALIASES, Tables

PREFIX: Final = "mirrored_"
"""What the names of the tables of a state begin with; no table of the store does."""
NO_BLOCK: Final = 0
"""The number that no block has."""
_NAMED: Final = Tables(PREFIX, f"{PREFIX}{ALIASES}")
_BELOW: Final = re.compile(rf"(?<=(?:FROM|JOIN) ){PREFIX}(\w+)", re.ASCII)
"""Where one of them is read."""
_SEPARATORS: Final = "\x1e", "\x1f"
"""Between people, and between what is said of one: no id and no alias has them."""

Columns = Mapping[str, Mapping[str, str]]
"""The tables that are mirrored: their columns, with the types that they have in the store."""


@dataclass(frozen=True)
class Front:
    """What a reader's statement becomes.

    Attributes:
        row_access: which rows the reader reaches.
        database: that the tables are in.
        columns: all tables.
        blocks: the blocks of each that hold; a table without any is empty.
        aliases: the rows of ``ALIASES``; empty where people have their names.
    """

    row_access: RowAccess
    database: str
    columns: Columns
    blocks: Mapping[str, Iterable[int]]
    aliases: Iterable[tuple[str, str, str]] = ()

    def statement(self, sql: str, params: Params, dimensions: Dimensions) -> Statement:
        """The statement to execute.

        Raises:
            RefusedStatementError: for one that could name anything but tables of the store.
            UnspellableError: for one that is not made of the closed list.
        """
        if PREFIX in sql:
            raise RefusedStatementError(f"names that begin with {PREFIX} are not for statements")
        seen = InFront(self.row_access, self.columns, _NAMED).statement(sql, params, dimensions)
        spelled = spelling.spelled(*seen)
        return Statement(_BELOW.sub(self._below, spelled.sql), spelled.parameters)

    def _below(self, match: re.Match[str]) -> str:
        """SQL of what a name that begins with ``PREFIX`` stands for."""
        name = match[1]
        return f"({self._named() if name == ALIASES else self._state(name)})"

    def _state(self, table: str) -> str:
        """SQL of the rows of a table in this state.

        The name of its database tells it from what stands in front of it.
        """
        numbers = ", ".join(str(int(number)) for number in self.blocks.get(table, ()))
        return (
            f"SELECT * EXCEPT ({BLOCK}) FROM {quoted(self.database)}.{quoted(table)}"
            f" WHERE {BLOCK} IN ({numbers or NO_BLOCK})"
        )

    def _named(self) -> str:
        """SQL of the table of aliases: one text, which a server takes of any length."""
        between, within = _SEPARATORS
        text = between.join(within.join(row) for row in self.aliases)
        return (
            "SELECT p[1] AS id, p[2] AS other, p[3] AS alias FROM (SELECT splitByChar("
            f"{_text(within)}, arrayJoin(splitByChar({_text(between)}, {_text(text)}))) AS p)"
            " WHERE length(p) = 3"
        )


def stored_types(kinds: Mapping[str, Mapping[str, str]]) -> Columns:
    """Tables and columns with the store's types, made of those that ClickHouse has.

    Raises:
        UnknownTypeError: for a type that no table of ours has.
    """
    return {
        table: {name: tables.stored_type(kind) for name, kind in columns.items() if name != BLOCK}
        for table, columns in kinds.items()
        if table != tables.LIVE
    }


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
