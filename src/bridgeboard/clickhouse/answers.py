"""Answers of ClickHouse to statements of ``queries``, as the store's own reader gives them."""

import re
from typing import Any, Final, Protocol

from bridgeboard.clickhouse.settings import SETTINGS
from bridgeboard.clickhouse.spelling import Statement, spelled
from bridgeboard.model.store import Params

_OF_A_TABLE: Final = re.compile(r"\w+\.(\w+)", re.ASCII)
"""What ClickHouse calls a column where two tables have one of its name."""


class Client(Protocol):
    """What is needed of a client of clickhouse-connect."""

    def query(
        self,
        query: str,
        parameters: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
    ) -> Any:
        """The answer to a statement."""


def named(client: Client, sql: str, params: Params = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The answer to a statement of the closed list: names of its columns, and plain rows.

    Values are those that ``store.reader.Reader.named`` gives: whole numbers are int however large
    they are, times are naive UTC, lists are lists, and what is true or false is bool.

    Raises:
        UnspellableError: for a statement that is not made of the closed list.
    """
    return run(client, spelled(sql, params))


def run(client: Client, statement: Statement) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Likewise the answer to a statement that is spelt already, such as one with more in front."""
    settings, parameters = dict(SETTINGS), dict(statement.parameters)
    result = client.query(statement.sql, parameters, settings)
    names, rows = result.column_names, result.result_rows
    if not names:  # of no rows the format tells no columns
        described = client.query(f"DESCRIBE ({statement.sql})", parameters, settings)
        names = [name for name, *_ in described.result_rows]
    return [_plain(name) for name in names], [tuple(row) for row in rows]


def _plain(name: str) -> str:
    match = _OF_A_TABLE.fullmatch(name)
    return match[1] if match else name
