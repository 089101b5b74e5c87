"""Sums of days for readers who see groups only: how they are calculated and shown.

They hold whole blocks of days (``store.group_blocks``). Rows carry the time of their block and the
names of their class. What each question may split by is one of ``Live``, so that only sums of
classes, or of teams, or of tools can be had, and never of two of these together
(``store.k_anonymity``).

Numbers of tool calls belong to tools only, and so have rows of their own beside those of requests,
which no question by what requests are split by sees. Prices of what is called by no name of its own
are not given: they would be those of few. Nor is how long requests took, as a percentile is the
time of one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal
from uuid import UUID

import duckdb

from bridgeboard.model.metric import TOKENS
from bridgeboard.store.k_anonymity import OTHER, RULES, Folds
from bridgeboard.store.row_relations import Tables, real

OFFER: Final = ("provider", "provider_name", "vendor", "model")
PRICES: Final = {
    "priced_tokens": "0",
    "cost": "NULL",
    "shadow_cost": "NULL",
    "cache_saving": "NULL",
}
"""Columns about prices, and what they are where prices are not given: as if nobody knew them."""
COUNTS: Final = (
    *("threads", "requests", "responses", "prompts"),
    *TOKENS,
    *(f"{name}_sum" for name in TOKENS),
)
MADE: Final = ("blocks", "usage", "tool_calls", "sessions", "homes", "labels")
"""The tables that are left in the schema; all others are dropped."""


def make(
    cursor: duckdb.DuckDBPyConnection,
    schema: str,
    days: tuple[date, date],
    floor: int,
    rules: frozenset[str] = RULES,
) -> None:
    """Make the tables ``MADE`` in a new schema, in the transaction of a cursor.

    Args:
        cursor: on the store's connection.
        schema: its full name, in memory.
        days: from the first to the day after the last that may be summed; of these only days are
            that are in no block yet.
        floor: how many people a group has at least.
        rules: which rules of folding hold.
    """
    names = {"s": schema, "real": real(cursor), "since": days[0], "until": days[1]}
    cursor.execute(f"CREATE SCHEMA {schema}")
    for one in _COUNTED:
        cursor.execute(_FREE.format(**names, name=one.name, table=one.table))
        cursor.execute(one.pairs.format(**names, kind=one.kind))
        cursor.execute(one.kinds.format(**names, kind=one.kind))
        Folds(cursor, f"{schema}.{one.name}", one.columns, one.levels, floor, rules).make()
    for statement in _TABLES:
        cursor.execute(statement.format(**names, **{one.name: one.kind for one in _COUNTED}))
    for table in cursor.execute(_WORK, [*schema.split("."), list(MADE)]).fetchall():
        cursor.execute(f"DROP TABLE {schema}.{table[0]}")


@dataclass(frozen=True)
class _Counted:
    """Something to be counted: how its kinds are known, and SQL of ``Folds``' two tables."""

    name: str
    table: str
    kind: str
    columns: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    pairs: str
    kinds: str


# Days between which a block stands already are never in one block (``run``).
_FREE: Final = """
CREATE TABLE {s}.{name}_free AS
SELECT day, (
    SELECT count(*) FROM {real}.group_blocks b WHERE b.counted = '{name}' AND b.since <= day) AS run
FROM (
    SELECT DISTINCT started_at::DATE AS day FROM {real}.{table}
    WHERE started_at >= DATE '{since}' AND started_at < DATE '{until}')
WHERE NOT EXISTS (
    FROM {real}.group_blocks b WHERE b.counted = '{name}' AND day >= b.since AND day < b.until)"""
_WORK: Final = """
SELECT table_name FROM duckdb_tables()
WHERE database_name = $1 AND schema_name = $2 AND NOT list_contains($3, table_name)"""
_GRAIN: Final = "CASE f.grain WHEN 'interception' THEN f.grain ELSE 'aggregate' END"
_TEAM: Final = """
LEFT JOIN (
    SELECT i.initiator, m.team, m.valid_from, m.valid_to
    FROM {real}.initiators i
    JOIN {real}.memberships m ON m.username = coalesce(i.member, lower(i.username))) b
ON b.initiator = f.initiator AND f.started_at >= b.valid_from AND f.started_at < b.valid_to"""
_SURE: Final = ("status", "grain")
_MADE_WITH: Final = (*OFFER, "client", "credential_kind", *_SURE)


def _pairs(name: str, table: str, team: str, joined: str = "") -> str:
    return (
        f"CREATE TABLE {{s}}.{name}_pairs AS SELECT f.started_at::DATE AS day, f.initiator,"
        f" {team} AS team, {{kind}} AS kind, count(*) AS many FROM {{real}}.{table} f {joined}"
        f" WHERE f.started_at::DATE IN (SELECT day FROM {{s}}.{name}_free) GROUP BY ALL"
    )


def _kinds(name: str, table: str, columns: str) -> str:
    return (
        f"CREATE TABLE {{s}}.{name}_kinds AS"
        f" SELECT DISTINCT {{kind}} AS kind, {columns} FROM {{real}}.{table} f"
        f" WHERE f.started_at::DATE IN (SELECT day FROM {{s}}.{name}_free)"
    )


_UNASSIGNED: Final = "coalesce(b.team, 'Unassigned')"
_COUNTED: Final = (
    _Counted(
        "requests",
        "usage",
        f"hash({', '.join(f'f.{name}' for name in _MADE_WITH[:-1])}, {_GRAIN})",
        _MADE_WITH,
        (
            _MADE_WITH,
            (*OFFER, "client", *_SURE),
            (*OFFER, "credential_kind", *_SURE),
            (*OFFER, *_SURE),
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
        "tool_calls",
        "hash(f.tool, f.server_url)",
        ("tool", "server_url"),
        (("tool", "server_url"), ("server_url",), ()),
        _pairs("calls", "tool_calls", "''"),
        _kinds("calls", "tool_calls", "f.tool, f.server_url"),
    ),
    _Counted(
        "begun",
        "sessions",
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
_ADDED: Final = ", ".join(f"sum(f.{name}) AS {name}" for name in (*COUNTS, *PRICES))
_PRICED: Final = ", ".join(
    f"CASE n.status WHEN '{OTHER}' THEN {unknown} ELSE a.{name} END AS {name}"
    for name, unknown in PRICES.items()
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
            {", ".join(f"a.{name}" for name in COUNTS)}, {_PRICED},
            0 AS tool_calls, 0 AS injected, 0 AS tool_errors
        FROM added a JOIN {{s}}.requests_names n USING (class)
        UNION ALL BY NAME
        SELECT started_at, grain, count(*) AS tool_calls, count_if(injected) AS injected,
            count_if(failed) AS tool_errors, {_UNNAMED}
        FROM {{s}}.tool_calls GROUP BY started_at, grain ORDER BY started_at""",
    """CREATE TABLE {s}.labels AS
        SELECT label, (SELECT coalesce(min(initiator), 0) FROM {real}.group_labels)
            - row_number() OVER (ORDER BY label) AS initiator
        FROM (SELECT DISTINCT label FROM {s}.begun_homes)
        WHERE label NOT IN (SELECT label FROM {real}.group_labels)""",
    f"""CREATE TABLE {{s}}.sessions AS
        SELECT d.block AS started_at, t.initiator, n.client,
            CASE WHEN f.detailed_at IS NOT NULL THEN d.block END AS detailed_at
        {_NAMED_TOO.format(table="sessions", name="begun")}
        JOIN {{s}}.begun_homes h ON h.block = d.block AND h.initiator = f.initiator
        JOIN (FROM {{real}}.group_labels UNION ALL FROM {{s}}.labels) t ON t.label = h.label
        ORDER BY d.block""",
    """CREATE TABLE {s}.homes AS
        SELECT block AS started_at, initiator, label FROM {s}.requests_homes ORDER BY block""",
    "CREATE TABLE {s}.blocks AS "
    + " UNION ALL ".join(
        f"SELECT '{one.name}' AS counted, min(day) AS since, max(day) + 1 AS until,"
        f" block AS started_at FROM {{s}}.{one.name}_days GROUP BY block"
        for one in _COUNTED
    ),
)


Live = Literal["nothing", "kinds", "teams", "tools", "nobody", "shape"]
"""What a question may split by: nothing but time; what requests were made with; teams; tools. A
question about single people sees nobody, and one that does not say what it is about sees when
there is anything, and nothing else."""

TIMES: Final = frozenset({"hour", "day", "week", "month", "weekday_hour"})
KINDS: Final = frozenset({*OFFER, "family", "client", "credential_kind", "status", "accuracy"})
TOOLS: Final = frozenset({"tool", "server"})
TEAMS: Final = frozenset({"team"})
"""The dimensions of questions. One that is not here, as the initiator, is one of people."""


def live(dimensions: Collection[str] | None) -> Live:
    """What a question sees that speaks of these dimensions; None is unknown."""
    if dimensions is None:
        return "shape"
    categories = set(dimensions) - TIMES
    if categories - (KINDS | TOOLS | TEAMS):
        return "nobody"
    if categories & TOOLS:
        return "nothing" if categories - TOOLS else "tools"
    if categories & KINDS:
        return "kinds"
    return "teams" if categories else "nothing"


def group_relation(
    floor: int, kind: Live, table: str, columns: Mapping[str, str], named: Tables
) -> str | None:
    """The SELECT of what groups have in place of a table; None where they have nothing else.

    Args:
        floor: how many people a group has at least: sums that were made for fewer are not seen.
        kind: of question.
        table: its name.
        columns: those of the real table, with their types: what groups do not have is NULL.
        named: how tables are named.
    """
    grouped = (_SHAPE if kind == "shape" else _GROUPED).get(table)
    if grouped is None:
        return None
    source, own = grouped
    known = {*own.split(), *_NAMED.get((kind, table), "").split()}
    where = "WHERE FALSE" if kind == "nobody" else ""
    if table == "usage" and kind in {"kinds", "teams"}:
        known, where = known - _OF_CALLS, "WHERE t.initiator IS NOT NULL"
    shown = ", ".join(_column(known, *each) for each in columns.items())
    return f"SELECT {shown} FROM {source.format(tables=named.prefix, floor=floor)} t {where}"


def _column(known: Collection[str], name: str, kind: str) -> str:
    if name in known:
        return f"CAST(t.{name} AS HUGEINT) AS {name}" if name in _SUMMED else f"t.{name} AS {name}"
    if name in _CALLED:
        other = f"list_value('{OTHER}')" if kind.endswith("[]") else f"'{OTHER}'"
        return f"{other} AS {name}"
    return f"CAST(NULL AS {kind}) AS {name}"


_OF_CALLS: Final = frozenset({"tool_calls", "injected", "tool_errors"})
"""Columns of the rows that count tool calls, which name no person; unknown by kind and by team."""
_SUMMED: Final = frozenset({*COUNTS, *PRICES})
# Blocks made for groups of fewer people are not shown; they come back if the floor is lowered.
_SEEN: Final = (
    "(SELECT * FROM {{tables}}{0} WHERE frozen IN (SELECT frozen FROM {{tables}}group_blocks"
    " WHERE floor >= {{floor}}))"
)
_GROUPED: Final[Mapping[str, tuple[str, str]]] = {
    "usage": (
        _SEEN.format("group_usage"),
        "started_at initiator status grain thread tool_calls injected tool_errors "
        + " ".join((*COUNTS, *PRICES)),
    ),
    "tool_calls": (_SEEN.format("group_calls"), "started_at initiator grain injected failed"),
    "sessions": (_SEEN.format("group_sessions"), "started_at initiator detailed_at"),
    "initiators": (
        "(SELECT DISTINCT initiator, username FROM {tables}group_members)",
        "initiator username",
    ),
    "memberships": ("{tables}group_members", "username valid_from valid_to"),
}
"""Table → the table of groups behind it, and what any question sees of that."""
_SHAPE: Final[Mapping[str, tuple[str, str]]] = {
    "usage": (
        (
            f"(SELECT DISTINCT started_at FROM {_SEEN.format('group_blocks')} b"
            " WHERE counted = 'requests')"
        ),
        "started_at",
    )
}
_NAMED: Final[Mapping[tuple[Live, str], str]] = {
    ("kinds", "usage"): " ".join((*OFFER, "client", "credential_kind")),
    ("kinds", "sessions"): "client",
    ("teams", "memberships"): "team",
    ("tools", "tool_calls"): "tool server_url",
}
"""What only one kind of question sees by name."""
_CALLED: Final = frozenset(
    {*OFFER, "client", "credential_kind", "providers", "models", "tool", "server_url", "team"}
)
"""Columns that have names in them; where these are not seen, all have the same."""
