"""The tables of a reader who may see groups of people only: made once a day, in memory.

They hold whole days that are over, as they stood when they were made: a number that changed from
minute to minute would tell what was added. Rows carry the time of their block and the names of
their class; what each question may split by is one of ``Live``, so that only sums of classes, or
of teams, or of tools can be had, and never of two of these together (``store.sight_folds``).

Numbers of tool calls belong to tools only, and so stand beside requests, not on them. Prices of
what is called by no name of its own are not told: they would be those of few. Nor is how long
requests took, as a percentile is the time of one.
"""

import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import duckdb

from bridgeboard.store.sight_folds import OTHER, RULES, Folds
from bridgeboard.store.sight_views import real

CATALOG: Final = "sight_groups"
KEPT: Final = 2
"""How many days' tables are there at once: questions that were begun go on with the former."""

Live = Literal["nothing", "kinds", "teams", "tools", "nobody", "shape"]
"""What a question may split by: nothing but time; what requests were made with; teams; tools. A
question about single people sees nobody, and one that does not say what it is about sees when
there is anything, and nothing else."""

TIMES: Final = frozenset({"hour", "day", "week", "month", "weekday_hour"})
KINDS: Final = frozenset(
    {
        "provider",
        "provider_name",
        "vendor",
        "model",
        "client",
        "credential_kind",
        "status",
        "accuracy",
    }
)
TOOLS: Final = frozenset({"tool", "server"})
TEAMS: Final = frozenset({"team"})
PEOPLE: Final = frozenset({"initiator"})
"""The dimensions of questions; one that is not here is one of people."""


def live(dimensions: Collection[str] | None) -> Live:
    """What a question sees that speaks of these dimensions; None is not told."""
    if dimensions is None:
        return "shape"
    told = set(dimensions) - TIMES
    if told - (KINDS | TOOLS | TEAMS):
        return "nobody"
    if told & TOOLS:
        return "nothing" if told - TOOLS else "tools"
    if told & KINDS:
        return "kinds"
    return "teams" if told else "nothing"


class Groups:
    """The tables of all floors of one connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.rules = RULES
        self._connection = connection
        self._making = threading.Lock()
        self._made: dict[tuple[int, str | None], str] = {}
        self._count = 0

    def current(self, floor: int) -> str:
        """The full name of the schema with today's tables.

        Whoever comes first on a day makes them; others who come meanwhile get those before.
        """
        with self._connection.cursor() as cursor:
            key = (floor, edge(cursor))
            before = [schema for known, schema in list(self._made.items()) if known[0] == floor]
            if key in self._made:
                return self._made[key]
            if not self._making.acquire(blocking=not before):
                return before[-1]
            try:
                if key not in self._made:
                    self._forget(cursor, floor)
                    self._made[key] = self._make(cursor, floor)
                return self._made[key]
            finally:
                self._making.release()

    def _make(self, cursor: duckdb.DuckDBPyConnection, floor: int) -> str:
        cursor.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {CATALOG} (COMPRESS)")
        self._count += 1
        schema = f"{CATALOG}.made_{self._count}"
        cursor.execute("BEGIN")
        make(cursor, schema, floor, self.rules)
        cursor.execute("COMMIT")
        # Packs what was written: a sixth of the memory. Whoever reads just now may prevent it.
        with suppress(duckdb.Error):
            cursor.execute(f"CHECKPOINT {CATALOG}")
        return schema

    def _forget(self, cursor: duckdb.DuckDBPyConnection, floor: int) -> None:
        for key in [key for key in self._made if key[0] == floor][: 1 - KEPT]:
            cursor.execute(f"DROP SCHEMA {self._made.pop(key)} CASCADE")


def edge(cursor: duckdb.DuckDBPyConnection) -> str | None:
    """The day that still runs, as far as the store knows; None before all has been read once.

    What a server says of times is not asked where a sync can be: a request of next year would make
    of every day one that is over.
    """
    ((synced_at, has_run),) = cursor.execute(_SYNCED.format(real=real(cursor))).fetchall()
    if has_run:
        return synced_at and str(synced_at.date())
    ((last_at,),) = cursor.execute(_LAST.format(real=real(cursor))).fetchall()
    return last_at and str(last_at.date())


def make(
    cursor: duckdb.DuckDBPyConnection, schema: str, floor: int, rules: frozenset[str] = RULES
) -> None:
    """Make all tables of a floor in a new schema, in the transaction of a cursor."""
    names = {"s": schema, "real": real(cursor)}
    until = edge(cursor) if "running" in rules else "9999-01-01"
    cursor.execute(f"CREATE SCHEMA {schema}")
    cursor.execute(f"CREATE TABLE {schema}.edge (day TIMESTAMP)")
    cursor.execute(f"INSERT INTO {schema}.edge VALUES ($1)", [until or "0001-01-01"])
    for one in _COUNTED:
        cursor.execute(one.pairs.format(**names, kind=one.kind))
        cursor.execute(one.kinds.format(**names, kind=one.kind))
        Folds(cursor, f"{schema}.{one.name}", one.columns, one.levels, floor, rules).make()
    for statement in _TABLES:
        cursor.execute(statement.format(**names, **{one.name: one.kind for one in _COUNTED}))
    for table in cursor.execute(_WORK, schema.split(".")).fetchall():
        cursor.execute(f"DROP TABLE {schema}.{table[0]}")


def views(schema: str, told: Live, columns: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The view of each table that groups have, for one kind of question.

    ``columns`` are those of the real tables, with their types: what groups do not have is NULL.
    """
    where = " WHERE FALSE" if told == "nobody" else ""
    found = {}
    for table, (source, own) in (_SHAPE if told == "shape" else _GROUPED).items():
        known = {*own.split(), *_NAMED.get((told, table), "").split()}
        shown = (_column(known, *each) for each in columns[table].items())
        found[table] = f"SELECT {', '.join(shown)} FROM {schema}.{source} t{where}"
    return found


def _column(known: Collection[str], name: str, kind: str) -> str:
    if name in known:
        return f"t.{name}"
    if name in _CALLED:
        told = f"['{OTHER}']" if kind.endswith("[]") else f"'{OTHER}'"
        return f"{told} AS {name}"
    return f"NULL::{kind} AS {name}"


@dataclass(frozen=True)
class _Counted:
    """Something to be counted: how its kinds are known, and SQL of ``Folds``' two tables."""

    name: str
    kind: str
    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    pairs: str
    kinds: str


_SYNCED: Final = """
SELECT max(began_at) FILTER (outcome = 'done'), count(*) > 0 FROM {real}.runs"""
_LAST: Final = "SELECT max(started_at) FROM {real}.usage"
_WORK: Final = """
SELECT table_name FROM duckdb_tables() WHERE database_name = $1 AND schema_name = $2
    AND table_name NOT IN ('usage', 'tool_calls', 'sessions', 'people', 'members', 'blocks')"""
_GRAIN: Final = "CASE f.grain WHEN 'interception' THEN f.grain ELSE 'aggregate' END"
_TEAM: Final = """
LEFT JOIN (
    SELECT i.initiator, m.team, m.valid_from, m.valid_to
    FROM {real}.initiators i JOIN {real}.memberships m ON m.username = lower(i.username)) b
ON b.initiator = f.initiator AND f.started_at >= b.valid_from AND f.started_at < b.valid_to"""
_OFFER: Final = ("provider", "provider_name", "vendor", "model")
_SURE: Final = ("status", "grain")
_MADE_WITH: Final = (*_OFFER, "client", "credential_kind", *_SURE)


def _pairs(name: str, table: str, team: str, joined: str = "") -> str:
    return (
        f"CREATE TABLE {{s}}.{name}_pairs AS SELECT f.started_at::DATE AS day, f.initiator,"
        f" {team} AS team, {{kind}} AS kind, count(*) AS many FROM {{real}}.{table} f {joined}"
        " WHERE f.started_at < (SELECT day FROM {s}.edge) GROUP BY ALL"
    )


def _kinds(name: str, table: str, columns: str) -> str:
    return (
        f"CREATE TABLE {{s}}.{name}_kinds AS"
        f" SELECT DISTINCT {{kind}} AS kind, {columns} FROM {{real}}.{table} f"
    )


_UNASSIGNED: Final = "coalesce(b.team, 'Unassigned')"
_COUNTED: Final = (
    _Counted(
        "requests",
        f"hash({', '.join(f'f.{name}' for name in _MADE_WITH[:-1])}, {_GRAIN})",
        _MADE_WITH,
        (
            _MADE_WITH,
            (*_OFFER, "client", *_SURE),
            (*_OFFER, "credential_kind", *_SURE),
            (*_OFFER, *_SURE),
            ("provider", "client", *_SURE),
            ("provider", *_SURE),
            _SURE,
            (),
        ),
        _pairs("requests", "usage", _UNASSIGNED, _TEAM),
        _kinds(
            "requests",
            "usage",
            f"{', '.join(f'f.{name}' for name in _MADE_WITH[:-1])}, {_GRAIN} AS grain",
        ),
    ),
    _Counted(
        "calls",
        "hash(f.tool, f.server_url)",
        ("tool", "server_url"),
        (("tool", "server_url"), ("server_url",), ()),
        _pairs("calls", "tool_calls", "''"),
        _kinds("calls", "tool_calls", "f.tool, f.server_url"),
    ),
    _Counted(
        "begun",
        "hash(f.client)",
        ("client",),
        (("client",), ()),
        _pairs("begun", "sessions", _UNASSIGNED, _TEAM),
        _kinds("begun", "sessions", "f.client"),
    ),
)

_FOUND: Final = """
FROM {{real}}.{table} f JOIN {{s}}.{name}_days d ON d.day = f.started_at::DATE
JOIN {{s}}.{name}_classes c ON c.block = d.block AND c.kind = {{{name}}}
"""
_NAMED_TOO: Final = _FOUND + "JOIN {{s}}.{name}_names n ON n.class = c.class "
_SUMS: Final = ("input", "output", "cache_read", "cache_write")
_PRICES: Final = {
    "priced_tokens": "0",
    "cost": "NULL",
    "shadow_cost": "NULL",
    "cache_saving": "NULL",
}
"""Columns about prices, and what they are where prices are not told: as if nobody knew them."""
_COUNTS: Final = (
    *("threads", "requests", "responses", "prompts"),
    *_SUMS,
    *(f"{name}_sum" for name in _SUMS),
)
_ADDED: Final = ", ".join(f"sum(f.{name}) AS {name}" for name in (*_COUNTS, *_PRICES))
_PRICED: Final = ", ".join(
    f"CASE n.status WHEN '{OTHER}' THEN {unknown} ELSE a.{name} END AS {name}"
    for name, unknown in _PRICES.items()
)
_UNNAMED: Final = ", ".join(f"'{OTHER}' AS {name}" for name in _MADE_WITH[:-1])
_TABLES: Final = (
    f"""CREATE TABLE {{s}}.tool_calls AS
        SELECT d.block AS started_at, f.initiator, {_GRAIN} AS grain, n.tool, n.server_url,
            f.injected, f.failed
        {_NAMED_TOO.format(table="tool_calls", name="calls")}
        ORDER BY d.block, n.tool, n.server_url, f.failed, f.initiator""",
    # Calls are counted beside requests, once a block: on them, they could be split as requests are.
    f"""CREATE TABLE {{s}}.usage AS
        WITH added AS (
            SELECT d.block, f.initiator, c.class, f.thread IS NOT NULL AS has_thread,
                f.cost IS NULL AS has_no_price, {_ADDED}
            {_FOUND.format(table="usage", name="requests")} GROUP BY ALL)
        SELECT a.block AS started_at, a.initiator, n.* EXCLUDE (class),
            CASE WHEN has_thread THEN '{UUID(int=0)}'::UUID END AS thread,
            {", ".join(f"a.{name}" for name in _COUNTS)}, {_PRICED},
            0 AS tool_calls, 0 AS injected, 0 AS tool_errors
        FROM added a JOIN {{s}}.requests_names n USING (class)
        UNION ALL BY NAME
        SELECT started_at, grain, count(*) AS tool_calls, count_if(injected) AS injected,
            count_if(failed) AS tool_errors, {_UNNAMED}
        FROM {{s}}.tool_calls GROUP BY started_at, grain ORDER BY started_at""",
    """CREATE TABLE {s}.begun_teams AS
        SELECT label, -row_number() OVER (ORDER BY label) AS initiator
        FROM (SELECT DISTINCT label FROM {s}.begun_homes)""",
    f"""CREATE TABLE {{s}}.sessions AS
        SELECT d.block AS started_at, t.initiator, n.client,
            CASE WHEN f.detailed_at IS NOT NULL THEN d.block END AS detailed_at
        {_NAMED_TOO.format(table="sessions", name="begun")}
        JOIN {{s}}.begun_homes h ON h.block = d.block AND h.initiator = f.initiator
        JOIN {{s}}.begun_teams t ON t.label = h.label ORDER BY d.block""",
    """CREATE TABLE {s}.people AS
        SELECT DISTINCT initiator, 'p' || initiator AS username FROM {s}.requests_homes
        UNION ALL SELECT initiator, 't' || initiator FROM {s}.begun_teams""",
    # One membership as long as the label stays: many would make a question slow.
    """CREATE TABLE {s}.members AS
        SELECT 'p' || initiator AS username, label AS team, min(block) AS valid_from,
            max(block) + INTERVAL 1 DAY AS valid_to
        FROM (
            SELECT *, row_number() OVER (PARTITION BY initiator ORDER BY block)
                - row_number() OVER (PARTITION BY initiator, label ORDER BY block) AS stretch
            FROM {s}.requests_homes)
        GROUP BY initiator, label, stretch
        UNION ALL SELECT 't' || initiator, label, TIMESTAMP '0001-01-01', TIMESTAMP '9999-01-01'
        FROM {s}.begun_teams""",
    "CREATE TABLE {s}.blocks AS SELECT DISTINCT block AS started_at FROM {s}.requests_days",
)

_GROUPED: Final[Mapping[str, tuple[str, str]]] = {
    "usage": (
        "usage",
        "started_at initiator status grain thread tool_calls injected tool_errors "
        + " ".join((*_COUNTS, *_PRICES)),
    ),
    "tool_calls": ("tool_calls", "started_at initiator grain injected failed"),
    "sessions": ("sessions", "started_at initiator detailed_at"),
    "initiators": ("people", "initiator username"),
    "memberships": ("members", "username valid_from valid_to"),
}
"""Table → the table of groups behind it, and what any question sees of that."""
_SHAPE: Final[Mapping[str, tuple[str, str]]] = {"usage": ("blocks", "started_at")}
_NAMED: Final[Mapping[tuple[Live, str], str]] = {
    ("kinds", "usage"): " ".join((*_OFFER, "client", "credential_kind")),
    ("kinds", "sessions"): "client",
    ("teams", "memberships"): "team",
    ("tools", "tool_calls"): "tool server_url",
}
"""What only one kind of question sees by name."""
_CALLED: Final = frozenset(
    {*_OFFER, "client", "credential_kind", "providers", "models", "tool", "server_url", "team"}
)
"""Columns that have names in them; where these are not seen, all have the same."""
