"""Questions to one state of a store that is mirrored to ClickHouse."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bridgeboard.clickhouse.row_access import Front
from bridgeboard.clickhouse.spelling import Statement
from bridgeboard.model.store import Dimensions, Params

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Answer = tuple[list[str], list[tuple[Any, ...]]]


class Reader:
    """Questions to a mirrored store, all to the same state of it.

    Args:
        front: what stands before each statement.
        ask: runs a statement.
        version: the number of the last batch of the store in this state.
    """

    def __init__(self, front: Front, ask: Callable[[Statement], Answer], version: int) -> None:
        self._front = front
        self._ask = ask
        self._version = version
        self.sees_groups_only = front.row_access.floor is not None

    @property
    def version(self) -> int:
        """The number of the last batch that this state holds."""
        return self._version

    def rows(
        self, sql: str, params: Params = (), dimensions: Dimensions = None
    ) -> list[tuple[Any, ...]]:
        """The answer as plain rows."""
        return self.named(sql, params, dimensions)[1]

    def named(
        self, sql: str, params: Params = (), dimensions: Dimensions = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The answer as the names of its columns and plain rows."""
        return self._ask(self._front.statement(sql, params, dimensions))

    def frame(self, sql: str, params: Params = (), dimensions: Dimensions = None) -> "pd.DataFrame":
        """The answer as a frame; whole numbers of any size stay whole."""
        import pandas as pd  # noqa: PLC0415 - only few pages need it

        names, rows = self.named(sql, params, dimensions)
        return pd.DataFrame.from_records(rows, columns=names)

    def table(self, sql: str, params: Params = (), dimensions: Dimensions = None) -> "pa.Table":
        """The answer as an Arrow table."""
        import pyarrow as pa  # noqa: PLC0415 - likewise

        names, rows = self.named(sql, params, dimensions)
        columns = [list(values) for values in zip(*rows, strict=True)] or [[] for _ in names]
        return pa.table(dict(zip(names, columns, strict=True)))

    def meta(self, name: str) -> str | None:
        """A setting of the store itself; None if it was never set."""
        return self._meta.get(name)

    def tables(self) -> list[str]:
        """The names of all tables."""
        return list(self._front.columns)

    @cached_property
    def _meta(self) -> dict[str, str]:
        return dict(self.rows("SELECT name, value FROM meta"))
