"""Connections to a ClickHouse: the first of its hosts that answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from bridgeboard.clickhouse.errors import MirrorError, ServerError, explained

if TYPE_CHECKING:
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

OLDEST: Final = (26, 9)
"""The oldest version that all this was tried with."""
_CONNECT_SECONDS: Final = 10
_ANSWER_SECONDS: Final = 300
_SETTINGS: Final[dict[str, Any]] = {
    # What is inserted is there when the statement returns.
    "async_insert": 0,
    "session_timezone": "UTC",
}
_REPLICATED: Final[dict[str, Any]] = {
    # Most replicas have a block before it is published, and what we read is what was written.
    "insert_quorum": "auto",
    "insert_quorum_parallel": 0,
    "select_sequential_consistency": 1,
}


@dataclass(frozen=True)
class Server:
    """Where a database of ClickHouse is, and as whom it is used.

    Attributes:
        hosts: names and ports; the first that answers is asked.
        database: its name, which must exist.
        user: an account.
        password: its password; shown nowhere.
        is_secure: whether it speaks TLS.
        ca_file: certificates that are trusted instead of those of the system.
    """

    hosts: Sequence[tuple[str, int]]
    database: str
    user: str = "default"
    password: str = field(default="", repr=False)
    is_secure: bool = True
    ca_file: str | None = None


class Connection:
    """A connection to one host of a server. It holds no session, so any proxy may be between.

    Attributes:
        where: host, port and database, for messages.
        is_replicated: whether its database keeps its tables on several replicas.
    """

    def __init__(self, client: "Client", where: str) -> None:
        self._client = client
        self.where = where
        self._settings = dict(_SETTINGS)
        ((engine,),) = self.rows(
            "SELECT engine FROM system.databases WHERE name = currentDatabase()"
        )
        self.is_replicated = engine == "Replicated"
        if self.is_replicated:
            self._settings |= _REPLICATED

    @property
    def engine(self) -> str:
        """The engine of its tables."""
        return "ReplicatedMergeTree" if self.is_replicated else "MergeTree"

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """The answer to a statement as plain rows. Raises ServerError."""
        with explained(self.where):
            answer = self._client.query(sql, parameters=parameters, settings=self._settings)
            return [tuple(row) for row in answer.result_rows]

    def execute(self, sql: str) -> None:
        """Run a statement that has no answer. Raises ServerError."""
        with explained(self.where):
            self._client.command(sql, settings=self._settings)

    def insert(self, table: str, rows: "pa.Table") -> None:
        """Insert the rows of an Arrow table. Raises ServerError."""
        with explained(self.where):
            self._client.insert_arrow(table, rows, settings=self._settings)

    def close(self) -> None:
        """Close it; may be repeated."""
        self._client.close()


def connected(server: Server) -> Connection:
    """A connection to the first host that answers.

    Raises:
        MirrorError: when none does, or what answers is too old; the message names the last.
    """
    failure: MirrorError | None = None
    for host, port in server.hosts:
        try:
            return _connected(server, host, port)
        except ServerError as error:
            failure = error
            if error.code is not None:  # it answered: the others would say the same
                break
    raise failure or MirrorError("mirror names no host.")


def _connected(server: Server, host: str, port: int) -> Connection:
    try:
        import clickhouse_connect  # noqa: PLC0415 - an optional package
    except ImportError:
        raise MirrorError(
            "mirror needs a package that is not installed. Run: pip install"
            ' "bridgeboard[clickhouse]"'
        ) from None
    where = f"{host}:{port}/{server.database}"
    with explained(where):
        client = clickhouse_connect.get_client(
            host=host,
            port=port,
            username=server.user,
            password=server.password,
            database=server.database,
            interface="https" if server.is_secure else "http",
            ca_cert=server.ca_file,
            connect_timeout=_CONNECT_SECONDS,
            send_receive_timeout=_ANSWER_SECONDS,
            query_retries=0,  # who retries knows whether that is safe
            autogenerate_session_id=False,
            client_name="bridgeboard",
        )
    try:
        _check_version(where, client.server_version)
        return Connection(client, where)
    except BaseException:
        client.close()
        raise


def _check_version(where: str, version: str | None) -> None:
    parts = tuple(int(part) for part in (version or "").split(".")[:2] if part.isdigit())
    if parts < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise MirrorError(
            f"ClickHouse at {where} is version {version}, and {wanted} is the oldest that works:"
            " upgrade it."
        )
