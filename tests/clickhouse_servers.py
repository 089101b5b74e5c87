"""A ClickHouse for the tests: one that runs already, or the engine itself in a process of its own.

``CLICKHOUSE_TEST_URL`` names a server that runs (``http://USER:PASSWORD@HOST:8123``); its databases
are left alone, and ours are dropped at the end. Else ``rigs/clickhouse_server.py`` serves chdb,
which ``pip install -e ".[clickhouse-tests]"`` brings; its absence is a failure in CI, elsewhere a
reason to skip.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from identity_services import RIGS, lacking

from bridgeboard.clickhouse import tables
from bridgeboard.model.store import Reader

HOSTILE: Final = (
    *(
        "",
        "'",
        "\\",
        "\\'",
        "''",
        "\\N",
        "NULL",
        "\\n\\t",
        "\t\r\n\0\b",
        "a\tb",
        "$1 {p1:String} %s %(x)s",
    ),
    *(
        "'; DROP TABLE usage; --",
        "a/*b*/",
        "`x`",
        '"',
        "\x1b[2J\u202e\u2028",
        "É 🙂 e\u0301 İß",
        "&=?#+%27",
    ),
)
"""Texts that another spelling could be made of on their way."""
_NUMBERS: Final = count()


@dataclass(frozen=True)
class ClickHouse:
    """A server that runs, by its address without a database."""

    address: str

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"

    def fresh(self) -> str:
        """The address of a database that nothing is in yet; it is dropped at the end of the run."""
        name = f"{self.prefix}{next(_NUMBERS)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    @property
    def prefix(self) -> str:
        """How the names of all databases of this process begin."""
        return f"bridgeboard_test_{os.getpid()}_"

    def execute(self, statement: str, url: str = "") -> None:
        with closing(connected(url or self.address)) as client:
            client.command(statement)

    def drop_all(self) -> None:
        with closing(connected(self.address)) as client:
            names = client.query("SELECT name FROM system.databases").result_columns[0]
            for name in names:
                if name.startswith(self.prefix):
                    client.command(f"DROP DATABASE {name}")


def connected(url: str, **options: Any) -> Client:
    """A client of the database of an address; it holds no session, as any replica may answer."""
    options = {"autogenerate_session_id": False, "interface": urlsplit(url).scheme, **options}
    return clickhouse_connect.get_client(dsn=url, **options)


@contextmanager
def clickhouse(folder: Path) -> Iterator[ClickHouse]:
    """A server until the block ends."""
    named = os.environ.get("CLICKHOUSE_TEST_URL", "").rstrip("/")
    if named:
        server = ClickHouse(named)
        try:
            yield server
        finally:
            server.drop_all()
        return
    if find_spec("chdb") is None:
        lacking('chdb is not installed: pip install -e ".[clickhouse-tests]"')
    command = [sys.executable, RIGS / "clickhouse_server.py", folder]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            port = process.stdout.readline().strip()
            assert port, f"the server ended with status {process.wait()}"
            yield ClickHouse(f"http://default:@127.0.0.1:{port}")
        finally:
            process.stdin.close()
            process.wait()


def copied(reader: Reader, client: Client, block: int = 1) -> None:
    """Create all tables and copy all rows of the store that a reader of everything sees."""
    schema = tables.schema_of(reader)
    for statement in tables.create_all(schema):
        client.command(statement)
    for table, columns in schema.items():
        # As Arrow has no identities that ClickHouse knows, they travel as text.
        kinds = {column.name: "VARCHAR" for column in columns if column.type == "UUID"}
        names = [f"CAST({c.name} AS {kinds.get(c.name, c.type)}) AS {c.name}" for c in columns]
        sql = f'SELECT {", ".join(names)}, CAST({block} AS UBIGINT) AS block FROM "{table}"'
        client.insert_arrow(tables.quoted(table), reader.table(sql))
