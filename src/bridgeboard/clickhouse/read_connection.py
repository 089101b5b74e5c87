"""Reads from a ClickHouse: the first of its hosts that answers, and another one when it is gone."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from bridgeboard.clickhouse import answers
from bridgeboard.clickhouse.connection import Server
from bridgeboard.clickhouse.spelling import Statement
from bridgeboard.clickhouse.store_errors import ServerAwayError, ServerUnfitError, away, explained

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

CONNECT_SECONDS: Final = 5
ANSWER_SECONDS: Final = 60
"""A page whose question takes longer says so instead of waiting on."""
LIMITS: Final[Mapping[str, int]] = {
    "max_execution_time": ANSWER_SECONDS - 5,
    "max_query_size": 64 * 2**20,  # aliases of everybody are one text
}
"""What a statement may take, besides ``settings``."""
_REPLICATED: Final[Mapping[str, int]] = {"select_sequential_consistency": 1}
"""A replica that has not everything yet says so instead of answering."""
_TALKATIVE: Final = ("urllib3.connectionpool", "clickhouse_connect")
"""Loggers that would note addresses of requests, which hold parameters; errors say what failed."""
_ENGINE: Final = "SELECT engine FROM system.databases WHERE name = currentDatabase()"

Answer = tuple[list[str], list[tuple[Any, ...]]]
Ask = Callable[[str, Mapping[str, Any]], Answer]
Check = Callable[[Ask, str, str], None]
"""Raises StoreError for a host that does not fit: what asks it, its version, and its name."""


class ReadConnection:
    """Asks one host until it is gone, then the next; any number of threads may ask at once.

    Args:
        server: whose hosts are tried in turn.
        check: what a host has to pass before it is asked anything.

    Attributes:
        host_number: another one whenever another host is asked, or the same again.
        where: the host, port and database that are asked, for messages.
    """

    def __init__(self, server: Server, check: Check = lambda *_: None) -> None:
        self._server = server
        self._check = check
        self._lock = Lock()
        self._client: Client | None = None
        self._next = 0
        self.host_number = 0
        self.where = self._where(*server.hosts[0])

    @property
    def database(self) -> str:
        """The database that is read."""
        return self._server.database

    def ask(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer:
        """The names of an answer's columns, and its rows. Raises StoreError."""
        client = self._connected()
        try:
            return self._answer(client, sql, parameters or {})
        except ServerAwayError:
            self._let_go(client)
            raise

    def host(self) -> str:
        """The host that is asked now, once one answers. Raises StoreError."""
        self._connected()
        return self.where

    def close(self) -> None:
        """Let go of the host; the next question asks again. May be repeated."""
        with self._lock:
            client, self._client = self._client, None
        if client:
            client.close()

    def _answer(self, client: "Client", sql: str, parameters: Mapping[str, Any]) -> Answer:
        with explained(self.where):
            return answers.run(client, Statement(sql, parameters))

    def _connected(self) -> "Client":
        with self._lock:
            if self._client is None:
                self._client = self._any_host()
            return self._client

    def _any_host(self) -> "Client":
        """A client of the first host that answers and passes the check."""
        hosts = self._server.hosts
        for _ in hosts:
            host, port = hosts[self._next % len(hosts)]
            self.where = self._where(host, port)
            with suppress(ServerAwayError):
                client = self._opened(host, port)
                self.host_number += 1
                return client
            self._next += 1
        raise away(", ".join(self._where(*one) for one in hosts))

    def _opened(self, host: str, port: int) -> "Client":
        try:
            import clickhouse_connect  # noqa: PLC0415 - an optional package
        except ImportError:
            raise ServerUnfitError(
                "store = clickhouse://... needs a package that is not installed. Run: pip install"
                ' "bridgeboard[clickhouse]"'
            ) from None
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        server = self._server
        with explained(self.where):
            client = clickhouse_connect.get_client(
                host=host,
                port=port,
                username=server.user,
                password=server.password,
                database=server.database,
                interface="https" if server.is_secure else "http",
                ca_cert=server.ca_file,
                connect_timeout=CONNECT_SECONDS,
                send_receive_timeout=ANSWER_SECONDS,
                query_retries=0,
                autogenerate_session_id=False,  # any replica may answer, and threads ask at once
                settings=dict(LIMITS),
                client_name="bridgeboard",
            )
        try:
            if self._answer(client, _ENGINE, {})[1] == [("Replicated",)]:
                for name, value in _REPLICATED.items():
                    client.set_client_setting(name, value)
            self._check(partial(self._answer, client), str(client.server_version), self.where)
        except BaseException:
            client.close()
            raise
        return client

    def _let_go(self, client: "Client") -> None:
        with self._lock:
            if self._client is client:
                self._client = None
                self._next += 1
        client.close()

    def _where(self, host: str, port: int) -> str:
        return f"{host}:{port}/{self._server.database}"
