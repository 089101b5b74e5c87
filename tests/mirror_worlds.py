"""A mirror in a database of the tests, and what its readers see, compared with the store."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from clickhouse_servers import connected as client_of

from bridgeboard.clickhouse import contents, live
from bridgeboard.clickhouse.connection import Connection, Server, connected
from bridgeboard.clickhouse.errors import ServerError
from bridgeboard.clickhouse.mirror import Done, Mirror
from bridgeboard.store import Store

NOW = datetime(2026, 11, 17, 12, 30, tzinfo=UTC)
Rows = dict[str, list[tuple[Any, ...]]]


def server(url: str) -> Server:
    """How a database of the tests is reached."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return Server(
        [(parts.hostname, parts.port)],
        parts.path.strip("/"),
        parts.username or "default",
        parts.password or "",
        is_secure=parts.scheme == "https",
    )


@dataclass
class Fragile:
    """A connection that counts what is asked of it, and fails where it is told to.

    Attributes:
        fails_at: the number of the call that fails; None for none.
        before: whether it fails before the call reaches the server, or after it was answered.
        watch: called before and after each call.
    """

    inner: Connection
    fails_at: int | None = None
    before: bool = True
    error: Callable[[], BaseException] = field(default=lambda: ServerError("there", None, None))
    watch: Callable[[], None] = lambda: None
    calls: int = 0
    statements: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        return self.inner.where

    @property
    def engine(self) -> str:
        return self.inner.engine

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        answer: list[tuple[Any, ...]] = self._done(sql, lambda: self.inner.rows(sql, **parameters))
        return answer

    def execute(self, sql: str) -> None:
        self._done(sql, lambda: self.inner.execute(sql))

    def insert(self, table: str, rows: Any) -> None:
        self._done(f"INSERT {table}", lambda: self.inner.insert(table, rows))

    def close(self) -> None:
        self.inner.close()

    def _done(self, statement: str, work: Callable[[], Any]) -> Any:
        self.calls += 1
        self.statements.append(statement)
        is_last = self.calls == self.fails_at
        self.watch()
        if is_last and self.before:
            raise self.error()
        answer = work()
        if is_last:
            raise self.error()
        self.watch()
        return answer


def mirror(url: str, **options: Any) -> Mirror:
    """A mirror into a database of the tests."""
    return Mirror(lambda: Fragile(connected(server(url)), **options))  # type: ignore[arg-type]  # alike


def run(store: Store, mirror: Mirror, now: datetime = NOW, **options: Any) -> Done:
    """Bring a mirror up to date with a store."""
    with store.snapshot() as reader:
        return mirror.run(reader, now, **options)  # type: ignore[arg-type]  # the store's own reader


def stored(store: Store) -> Rows:
    """All rows of the tables that are mirrored and not empty, sorted."""
    with store.snapshot() as reader:
        names = [name for name in reader.tables() if name not in contents.NOT_MIRRORED]
        rows = {name: sorted(reader.rows(f'FROM "{name}"'), key=repr) for name in names}
        return {name: some for name, some in rows.items() if some}


class Reader:
    """Somebody who reads a mirror as dashboards do."""

    def __init__(self, url: str) -> None:
        self.client = client_of(url)

    def close(self) -> None:
        self.client.close()

    def state(self) -> tuple[int, int] | None:
        """The newest term and version."""
        rows = self.client.query(live.NEWEST).result_rows
        return (int(rows[0][0]), int(rows[0][1])) if rows else None

    def blocks(self, state: tuple[int, int]) -> dict[str, list[int]]:
        """The blocks of each table in a state."""
        parameters = {"term": state[0], "version": state[1]}
        blocks: dict[str, list[int]] = {}
        for name, _, block in self.client.query(live.BLOCKS, parameters).result_rows:
            blocks.setdefault(name, []).append(block)
        return blocks

    def floor(self) -> int:
        return int(self.client.query(live.FLOOR).result_rows[0][0])

    def rows(self, state: tuple[int, int] | None = None) -> Rows:
        """The rows of a state, the newest if none is named, as :func:`stored` has them."""
        state = state or self.state()
        assert state
        rows: Rows = {}
        for name, blocks in self.blocks(state).items():
            numbers = ", ".join(map(str, blocks))
            sql = f"SELECT * EXCEPT (block) FROM `{name}` WHERE block IN ({numbers})"
            rows[name] = sorted(self.client.query(sql).result_rows, key=repr)
        assert state[1] >= self.floor()
        return rows

    def parts(self) -> set[tuple[str, int]]:
        """The blocks that are there, whether or not they hold."""
        sql = (
            "SELECT table, partition FROM system.parts WHERE database = currentDatabase()"
            " AND active AND table != 'live'"
        )
        return {(table, int(partition)) for table, partition in self.client.query(sql).result_rows}


def reading(url: str) -> Iterator[Reader]:
    with closing(Reader(url)) as reader:
        yield reader
