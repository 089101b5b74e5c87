"""The tables of the state database, and the numbered steps that make them.

The statements are plain enough for SQLite and PostgreSQL alike. Times are whole microseconds since
1970 (UTC). What is text of people is stored without what a database cannot hold.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    inspect,
    select,
)
from sqlalchemy.types import TypeDecorator

from bridgeboard.state.errors import StateError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
_METADATA: Final = MetaData()


class Words(TypeDecorator[str]):
    """Text of people; a NUL or half a character, which PostgreSQL refuses, becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the library's signature
        """The text as it is stored."""
        return None if value is None else _UNSTORABLE.sub("\ufffd", value)


class Moment(TypeDecorator[datetime]):
    """An aware time, exact to the microsecond."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the library's signature
        """The time as it is stored."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - likewise
        """The time as it was, in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


def _table(name: str, *columns: Column[object]) -> Table:
    return Table(name, _METADATA, *columns)


def _key(name: str, kind: Any = Text) -> Column[object]:
    return Column(name, kind, primary_key=True)


def _required(name: str, kind: Any = Text) -> Column[object]:
    return Column(name, kind, nullable=False)


MIGRATIONS_DONE: Final = _table("migrations", Column("version", BigInteger, primary_key=True))
SAVED_VIEWS: Final = _table(
    "saved_views",
    _key("store"),
    _key("audience"),
    _key("name", Words),
    _required("page"),
    _required("query", Words),
)
NOTES: Final = _table(
    "notes",
    _key("store"),
    _key("audience"),
    _key("digest"),  # of the finding: its key may be longer than what an index takes
    _required("finding", Words),
    _required("text", Words),
    _required("written_by", Words),
    _required("written_at", Moment),
)
AUDIT_LINES: Final = _table(
    "audit_lines",
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, index=True),
    Column("line", Text),
    Column("torn", LargeBinary),
)
FORWARDED: Final = _table(
    "forwarded",
    _key("target", Words),
    _required("number", BigInteger),
    _required("digest"),
    _required("problem", Words),
    _required("failing_since"),
)
ENDED_LOGINS: Final = _table("ended_logins", _key("digest"), _required("began_at", Moment))
TAKEN_OVER: Final = _table(
    "taken_over",
    _key("digest"),
    _required("file", Words),
    _required("outcome", Words),
)
ALERTS: Final = _table(
    "alerts",
    _key("store"),
    _key("recipient", Words),
    _key("digest"),
    _required("kind"),
    _required("text", Words),
    _required("level", BigInteger),
    _required("state"),
    _required("reference"),
    _required("tries", BigInteger),
    _required("found_at", Moment),
    Column("tried_at", Moment),
    Column("sent_at", Moment),
    _required("problem", Words),
)
SYNC_NODES: Final = _table(
    "sync_nodes",
    _key("store"),
    _required("number", BigInteger),
    _required("holder"),
    _required("name", Words),
    _required("expires_at", Moment),
    _required("heartbeat_at", Moment),
    _required("report", Words),
)
WISHES: Final = _table(
    "wishes",
    _key("store"),
    _key("kind"),
    _key("target"),
    _required("number", BigInteger),
    _required("state"),
    _required("lease", BigInteger),
    _required("wished_at", Moment),
    _required("expires_at", Moment),
    Column("ended_at", Moment),
    _required("problem", Words),
)
LOGIN_GROUPS: Final = _table(
    "login_groups",
    _key("username"),
    _key("told_at", Moment),
    _required("names", Words),
)
MOMENTARY: Final = (SYNC_NODES, WISHES)
"""What is of this moment alone: which process syncs, and what is wanted of it."""
TABLES: Final = tuple(
    table for table in _METADATA.sorted_tables if table not in {MIGRATIONS_DONE, *MOMENTARY}
)
"""All that is worth a backup."""

MIGRATIONS: Final = (
    (
        """CREATE TABLE saved_views (
            store TEXT NOT NULL, audience TEXT NOT NULL, name TEXT NOT NULL,
            page TEXT NOT NULL, query TEXT NOT NULL, PRIMARY KEY (store, audience, name))""",
        """CREATE TABLE notes (
            store TEXT NOT NULL, audience TEXT NOT NULL, digest TEXT NOT NULL,
            finding TEXT NOT NULL, text TEXT NOT NULL, written_by TEXT NOT NULL,
            written_at BIGINT NOT NULL, PRIMARY KEY (store, audience, digest))""",
        """CREATE TABLE audit_lines (
            position BIGINT NOT NULL PRIMARY KEY, number BIGINT, line TEXT, torn BYTEA,
            CHECK ((line IS NULL) <> (torn IS NULL)))""",
        "CREATE INDEX ix_audit_lines_number ON audit_lines (number)",
        """CREATE TABLE forwarded (
            target TEXT NOT NULL PRIMARY KEY, number BIGINT NOT NULL, digest TEXT NOT NULL,
            problem TEXT NOT NULL, failing_since TEXT NOT NULL)""",
        """CREATE TABLE ended_logins (
            digest TEXT NOT NULL PRIMARY KEY, began_at BIGINT NOT NULL)""",
        """CREATE TABLE taken_over (
            digest TEXT NOT NULL PRIMARY KEY, file TEXT NOT NULL,
            outcome TEXT NOT NULL)""",
    ),
    (
        """CREATE TABLE alerts (
            store TEXT NOT NULL, recipient TEXT NOT NULL, digest TEXT NOT NULL,
            kind TEXT NOT NULL, text TEXT NOT NULL, level BIGINT NOT NULL,
            state TEXT NOT NULL, reference TEXT NOT NULL, tries BIGINT NOT NULL,
            found_at BIGINT NOT NULL, tried_at BIGINT, sent_at BIGINT, problem TEXT NOT NULL,
            PRIMARY KEY (store, recipient, digest))""",
    ),
    (
        """CREATE TABLE sync_nodes (
            store TEXT NOT NULL PRIMARY KEY, number BIGINT NOT NULL, holder TEXT NOT NULL,
            name TEXT NOT NULL, expires_at BIGINT NOT NULL, heartbeat_at BIGINT NOT NULL,
            report TEXT NOT NULL)""",
        """CREATE TABLE wishes (
            store TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL,
            number BIGINT NOT NULL, state TEXT NOT NULL, lease BIGINT NOT NULL,
            wished_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, ended_at BIGINT,
            problem TEXT NOT NULL, PRIMARY KEY (store, kind, target))""",
    ),
    (
        """CREATE TABLE login_groups (
            username TEXT NOT NULL, told_at BIGINT NOT NULL, names TEXT NOT NULL,
            PRIMARY KEY (username, told_at))""",
    ),
)
"""Each step once and in order; what has been released is never changed."""


def database_clock(connection: Connection) -> datetime:
    """The time by the clock of the database, which is one for all who use it."""
    on_postgres = connection.dialect.name == "postgresql"
    ((now,),) = connection.exec_driver_sql(_POSTGRES_NOW if on_postgres else _SQLITE_NOW)
    return _EPOCH + int(now) * _MICROSECOND


_POSTGRES_NOW: Final = (
    "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"  # not of its beginning
)
_SQLITE_NOW: Final = "SELECT CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"


def version(connection: Connection) -> int:
    """How many steps a database has had; 0 for a new one. Raises StateError for too many."""
    if not inspect(connection).has_table(MIGRATIONS_DONE.name):
        return 0
    steps = connection.execute(select(func.max(MIGRATIONS_DONE.c.version))).scalar() or 0
    if steps > len(MIGRATIONS):
        raise StateError(
            f"A later version of Bridgeboard wrote the state database (schema {steps}, known are"
            f" {len(MIGRATIONS)}). Install that version or a newer one."
        )
    return int(steps)


def migrate(connection: Connection) -> None:
    """Bring a database to the current schema, in the transaction of the connection."""
    done = version(connection)
    if done == 0:
        connection.exec_driver_sql("CREATE TABLE migrations (version BIGINT NOT NULL PRIMARY KEY)")
    for number, statements in enumerate(MIGRATIONS[done:], done + 1):
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.execute(MIGRATIONS_DONE.insert().values(version=number))
