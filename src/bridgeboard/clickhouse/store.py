"""A store that another process mirrors to ClickHouse, read there by this one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Final

from bridgeboard.access import EVERYTHING, Pseudonyms, RowAccess
from bridgeboard.clickhouse import live
from bridgeboard.clickhouse.contents import NOT_MIRRORED
from bridgeboard.clickhouse.read_connection import Answer, ReadConnection
from bridgeboard.clickhouse.reader import Reader
from bridgeboard.clickhouse.row_access import NO_BLOCK, Columns, Front, stored_types
from bridgeboard.clickhouse.spelling import Statement
from bridgeboard.clickhouse.store_errors import (
    MirrorUnreadableError,
    ServerAwayError,
    ServerFailedError,
)
from bridgeboard.clickhouse.tables import UnknownTypeError
from bridgeboard.model.store import Dimensions, MovedError, Params
from bridgeboard.store import location
from bridgeboard.store.limited_readers import alias_rows
from bridgeboard.store.reader import DATA_VERSION
from bridgeboard.store.row_relations import DECIDED

KEPT_SECONDS: Final = 1.0
"""How long the newest state is known without a question: a page asks many times."""
_COLUMNS: Final = """
SELECT table, name, type FROM system.columns WHERE database = currentDatabase() ORDER BY position"""
_META: Final = "SELECT name, value FROM meta WHERE block IN ({})"
_MADE_AT: Final = """
SELECT max(at) FROM live
WHERE term = {term:UInt64} AND version = {version:UInt64} AND name != ''"""
_SYNCED_AT: Final = "SELECT max(began_at) FROM runs WHERE outcome = 'done' AND block IN ({})"
_IDS: Final = "SELECT DISTINCT toString(id) FROM initiators WHERE block IN ({})"
_UNKNOWN_TABLE: Final = 60


@dataclass(frozen=True)
class State:
    """A state of the mirror, as one host has it.

    Attributes:
        host_number: of the host.
        term: of the process that mirrored it.
        version: of the mirror.
        blocks: the numbers of the blocks of each table.
        columns: the tables and their columns.
        meta: the settings of the store.
        made_at: when it was published, aware.
        synced_at: when the sync began that went well last, aware.
        aliases: the rows of the table of aliases by what makes them, once they were asked for.
    """

    host_number: int
    term: int
    version: int
    blocks: Mapping[str, tuple[int, ...]]
    columns: Columns
    meta: Mapping[str, str]
    made_at: datetime
    synced_at: datetime | None = None
    aliases: dict[Pseudonyms, list[tuple[str, str, str]]] = field(default_factory=dict)

    @property
    def data_version(self) -> int:
        """The number of the last batch of the store that it holds."""
        return int(self.meta.get(DATA_VERSION) or 0)

    def numbers(self, table: str) -> str:
        """SQL of the blocks of a table."""
        return ", ".join(map(str, self.blocks.get(table, (NO_BLOCK,))))


class ClickHouseStore:
    """The newest state of a mirrored store; any number of threads may ask.

    Args:
        connection: to the server.
        folder: where this process keeps what is its own.
        url: of the deployment, where that does not tell what it is called.
    """

    def __init__(self, connection: ReadConnection, folder: Path, url: str = "") -> None:
        self._connection = connection
        self._folder = folder
        self._url = url
        self._known: State | None = None
        self._lock = Lock()
        self._state: State | None = None
        self._looked_at = 0.0
        self._restores = 0

    @property
    def path(self) -> Path:
        """What the file would be called here: its name is that of the file that is mirrored."""
        state = self._known or self.state()
        return location(self._folder, state.meta.get("deployment_id") or self._url)

    @property
    def identity(self) -> str:
        """What tells it from other stores of which a batch has the same number."""
        self.state()
        return f"{self._connection.where}#{self._restores}"

    @property
    def where(self) -> str:
        """The host, port and database that are asked."""
        return self._connection.where

    @property
    def version(self) -> int:
        """The number of the last batch of the newest state. Raises StoreError."""
        return self.state().data_version

    def state(self) -> State:
        """The newest state, as it was a second ago at most.

        Raises:
            StoreError: when the server does not answer, or nothing was mirrored yet.
        """
        with self._lock:
            now = monotonic()
            if self._state is None or now - self._looked_at >= KEPT_SECONDS:
                self._state = self._known = self._newest(self._state or self._known)
                self._looked_at = now
            return self._state

    @property
    def known(self) -> State | None:
        """The state that was read last; nothing is asked."""
        return self._known

    def host(self) -> str:
        """The host that is asked now, once one answers. Raises StoreError."""
        return self._connection.host()

    def close(self) -> None:
        """Let go of the server. May be repeated."""
        self._connection.close()

    def rows(
        self, sql: str, params: Params = (), dimensions: Dimensions = None
    ) -> list[tuple[Any, ...]]:
        """The answer as plain rows."""
        with self.snapshot() as reader:
            return reader.rows(sql, params, dimensions)

    def meta(self, name: str) -> str | None:
        """A setting of the store itself; None if it was never set."""
        return self.state().meta.get(name)

    @contextmanager
    def snapshot(self, row_access: RowAccess = EVERYTHING) -> Iterator[Reader]:
        """Several questions to one state of the store, whatever is mirrored meanwhile.

        Args:
            row_access: which rows the answers may tell of.

        Raises:
            MovedError: at the end, when rows of the state have been deleted meanwhile: what was
                answered may lack some.
        """
        state = self.state()
        aliases = self._aliases(state, row_access)
        database = self._connection.database
        front = Front(row_access, database, state.columns, state.blocks, aliases)

        def ask(statement: Statement) -> Answer:
            try:
                if self._connection.host_number == state.host_number:
                    return self._connection.ask(statement.sql, statement.parameters)
            except ServerAwayError:
                # Another host may answer; its state may be another.
                self._connection.host()
            raise self._moved()

        yield Reader(front, ask, state.data_version)
        self._check_whole(state)

    def _check_whole(self, state: State) -> None:
        ((floor,),) = self._connection.ask(live.FLOOR)[1]
        if state.version < (floor or 0) or self._connection.host_number != state.host_number:
            raise self._moved()

    def _moved(self) -> MovedError:
        with self._lock:
            self._state = None
        return MovedError("The store was changed while it was read. Reload the page.")

    def _newest(self, before: State | None) -> State:
        try:
            newest = self._rows(live.NEWEST)
        except ServerFailedError as error:
            if error.code != _UNKNOWN_TABLE:
                raise
            newest = []
        if not newest:
            raise MirrorUnreadableError(
                f"Nothing has been mirrored to ClickHouse at {self.where} yet. Start `bridgeboard"
                " mirror` where the store is."
            )
        ((term, version),) = newest
        host_number = self._connection.host_number
        if before and (before.host_number, before.term, before.version) == (
            host_number,
            term,
            version,
        ):
            return before
        blocks: dict[str, tuple[int, ...]] = {}
        for name, _, block in self._rows(live.BLOCKS, {"term": term, "version": version}):
            blocks[name] = (*blocks.get(name, ()), block)
        ((made_at,),) = self._rows(_MADE_AT, {"term": term, "version": version})
        found = State(host_number, term, version, blocks, self._columns(), {}, _aware(made_at))
        ((synced_at,),) = self._rows(_SYNCED_AT.format(found.numbers("runs")))
        state = replace(
            found,
            meta=dict(self._rows(_META.format(found.numbers("meta")))),
            synced_at=_aware(synced_at) if synced_at else None,
        )
        if before and state.data_version < before.data_version:
            # A backup was restored: batches get numbers that others had.
            self._restores += 1
        return state

    def _columns(self) -> Columns:
        kinds: dict[str, dict[str, str]] = {}
        for table, name, kind in self._rows(_COLUMNS):
            if table in DECIDED:
                kinds.setdefault(table, {})[name] = kind
        try:
            columns = stored_types(kinds)
        except UnknownTypeError as error:
            raise MirrorUnreadableError(f"{error} Upgrade this dashboard.") from None
        for table, decided in DECIDED.items():
            missing = decided.columns - columns.get(table, {}).keys()
            if missing and table not in NOT_MIRRORED:
                raise MirrorUnreadableError(
                    f"ClickHouse at {self.where} has no {table}.{min(missing)}: an earlier"
                    " Bridgeboard mirrors there. Upgrade it."
                )
        return columns

    def _aliases(self, state: State, row_access: RowAccess) -> list[tuple[str, str, str]]:
        """The rows of the table of aliases for everybody in a state."""
        pseudonyms = row_access.pseudonyms
        if pseudonyms is None:
            return []
        if pseudonyms not in state.aliases:
            ids = {id_ for (id_,) in self._rows(_IDS.format(state.numbers("initiators")))}
            state.aliases[pseudonyms] = alias_rows(pseudonyms, ids)
        return state.aliases[pseudonyms]

    def _rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return self._connection.ask(sql, parameters)[1]


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
