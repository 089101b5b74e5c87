"""A store as its readers know it: questions to one state of it, in SQL, and what can go wrong."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from bridgeboard.access import EVERYTHING, RowAccess

Params = Sequence[Any] | Mapping[str, Any]
Dimensions = Collection[str] | None
"""What a question speaks of; None is not known."""


class StoreError(Exception):
    """Something is wrong with the store; the message says what to do next."""


class MovedError(StoreError):
    """The state that a question was about is gone, and what was answered may be no state at all."""


class NoStoreError(Exception):
    """There is nothing to ask yet; the message says why, and when there will be."""


class Rows(Protocol):
    """What answers a statement with plain rows: a reader, or a store itself."""

    def rows(
        self, sql: str, params: Params = (), dimensions: Dimensions = None
    ) -> list[tuple[Any, ...]]:
        """The answer as plain rows."""

    def meta(self, name: str) -> str | None:
        """A setting of the store itself; None if it was never set."""


class Reader(Rows, Protocol):
    """Questions to the store, all to the same state of it.

    Attributes:
        sees_groups_only: whether single rows are never answered, only sums of groups by the
            dimensions that a question says it speaks of.
    """

    sees_groups_only: bool

    @property
    def version(self) -> int:
        """The number of the last batch that this state holds."""

    def named(
        self, sql: str, params: Params = (), dimensions: Dimensions = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The answer as the names of its columns and plain rows."""

    def frame(self, sql: str, params: Params = (), dimensions: Dimensions = None) -> Any:
        """The answer as a frame of pandas."""

    def table(self, sql: str, params: Params = (), dimensions: Dimensions = None) -> Any:
        """The answer as an Arrow table."""


class Store(Protocol):
    """What is read by many while one process writes."""

    @property
    def path(self) -> Path:
        """The file that it is."""

    @property
    def identity(self) -> str:
        """What tells it from other stores of which a batch has the same number."""

    @property
    def version(self) -> int:
        """The number of the last committed batch: answers are the same as long as it is."""

    def meta(self, name: str) -> str | None:
        """A setting of the store itself; None if it was never set."""

    def snapshot(self, row_access: RowAccess = EVERYTHING) -> AbstractContextManager[Reader]:
        """Several questions to one state of the store, whatever is written meanwhile.

        Args:
            row_access: which rows the answers may tell of: there is nothing else in any table.
        """
