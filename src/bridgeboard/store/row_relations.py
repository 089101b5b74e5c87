"""What each table holds for a reader: a SELECT that stands in front of their statements.

Every table and every column is decided here. What is not named, because a later schema brought
it, is empty: it is shown once somebody has said who may see it, never by default. The text keeps to
the closed list of the statements of ``queries``, so that every engine is given it from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import duckdb

from bridgeboard.access import RowAccess

Owner = Literal["person", "time", "request", "session", "nobody", "work", "words", "groups"]
"""Whose a row is: the initiator's, whatever the time; the initiator's at ``started_at``; that of
its request or its session; nobody's; nobody's, but about somebody (only for who sees everybody);
everybody's words at once (only for who sees all text); sums that only groups are shown, in place
of other tables (``store.k_anonymity``)."""


@dataclass(frozen=True)
class Decided:
    """What was decided about a table.

    Attributes:
        owner: whose its rows are.
        plain: columns that whoever sees the row may see.
        text: what people wrote, or what may quote it.
        work: messages of the sync, which may name any session, and counts of what it read.
        key: what tells a person by another name: shown where people have their own names.
    """

    owner: Owner
    plain: str
    text: str = ""
    work: str = ""
    key: str = ""

    @property
    def columns(self) -> set[str]:
        """All columns that were decided."""
        return {*self.plain.split(), *self.text.split(), *self.work.split(), *self.key.split()}


DECIDED: Final[Mapping[str, Decided]] = {
    "meta": Decided("nobody", "name value"),
    "initiators": Decided("person", "initiator id username name", key="member"),
    "former_names": Decided("work", "", key="initiator username"),
    "erased": Decided("nobody", "", work="digest id username numbers erased_at key"),
    "erased_rows": Decided("nobody", "", work="kind day digest"),
    "families": Decided("nobody", "model family"),
    "memberships": Decided("person", "username team valid_from valid_to"),
    "coder_groups": Decided(
        "work",
        "id organization organization_name name display_name source members former gone_at",
    ),
    "coder_members": Decided("work", "person coder_group valid_from valid_to"),
    "coder_main_groups": Decided("work", "person coder_group valid_from valid_to"),
    "coder_group_spend": Decided("work", "month coder_group limit_micros spend_micros read_at"),
    "coder_member_spend": Decided(
        "work",
        "month coder_group person username effective_group limit_micros limit_source spend_micros"
        " read_at",
    ),
    "usage": Decided(
        "time",
        "usage id grain started_at ended_at initiator provider provider_name vendor model client"
        " credential_kind session thread threads requests responses prompts tool_calls injected"
        " tool_errors input output cache_read cache_write input_sum output_sum cache_read_sum"
        " cache_write_sum priced_tokens cost shadow_cost cache_saving status digest",
        key="api_key_id",
    ),
    "responses": Decided(
        "request",
        "usage started_at answered_at input output cache_read cache_write cache_write_1h"
        " web_searches service_tier negatives split_unknown split_clamped total_mismatch cost"
        " shadow_cost cache_saving status tier price_id source note",
    ),
    "tool_calls": Decided(
        "time",
        "usage ordinal started_at called_at grain initiator provider provider_name vendor model"
        " client credential_kind session tool server_url injected failed input_hash",
    ),
    "sessions": Decided(
        "time",
        "session id initiator client providers models started_at ended_at threads input_sum"
        " output_sum cache_read_sum cache_write_sum network_total network_blocked listed_at digest"
        " detailed_at detailed_digest detail_problem",
    ),
    "threads": Decided(
        "time",
        "session id initiator provider model credential_kind started_at ended_at input_sum"
        " output_sum cache_read_sum cache_write_sum actions error_type",
        text="error_message",
        key="credential_hint",
    ),
    "prompts": Decided("request", "usage started_at ordinal written_at", text="text"),
    "tool_inputs": Decided("request", "usage started_at ordinal", text="input error"),
    "thinking": Decided("session", "session interception started_at ordinal", text="text"),
    "last_prompts": Decided("session", "session started_at", text="text"),
    "vocabulary": Decided("words", "first last since until texts", text="words"),
    "windows": Decided("work", "kind since until after rows_read opened_at done_at"),
    "runs": Decided(
        "nobody",
        "run began_at ended_at generation outcome",
        work="message read_rows changed_rows sessions details quarantined requests",
    ),
    "quarantine": Decided("work", "seen_at kind identity tries", text="reason raw"),
    "anomalies": Decided("nobody", "seen_at kind", work="message"),
    "group_blocks": Decided("groups", "frozen floor counted since until started_at"),
    "group_usage": Decided(
        "groups",
        "frozen started_at initiator provider provider_name vendor model client credential_kind"
        " status grain thread threads requests responses prompts input output cache_read"
        " cache_write input_sum output_sum cache_read_sum cache_write_sum priced_tokens cost"
        " shadow_cost cache_saving tool_calls injected tool_errors",
    ),
    "group_calls": Decided(
        "groups", "frozen started_at initiator grain tool server_url injected failed"
    ),
    "group_sessions": Decided("groups", "frozen started_at initiator client detailed_at"),
    "group_homes": Decided("groups", "frozen started_at initiator label"),
    "group_labels": Decided("groups", "label initiator"),
    "group_members": Decided("groups", "initiator username team valid_from valid_to"),
    "day_counts": Decided("work", "kind day counted held unreadable counted_at deleted"),
    "left_out": Decided("work", "kind since until rows seen_at", text="reason"),
}
"""Every table of the schema."""

TEXTS: Final = ("prompts", "tool_inputs", "thinking", "last_prompts")
"""Tables that are about nothing but text: without text they are empty."""

_EMPTY: Final = {"VARCHAR": "''"}
ALIASES: Final = "access_aliases"
"""A table of a reader's own: what people are called instead, if not by their names."""


@dataclass(frozen=True)
class Tables:
    """How the tables of an engine are named in SQL.

    Attributes:
        prefix: what stands before the name of a table of the store.
        aliases: the name of the table ``ALIASES``: ``id``, ``other`` and ``alias``, all texts.
    """

    prefix: str
    aliases: str = ""


_COLUMNS: Final = """
SELECT table_name, column_name, data_type FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal
ORDER BY table_name, column_index"""
# Stretches of one person do not overlap: a join is several times as fast as asking for each row
# whether there is one.
_SEEN_THEN: Final = (
    "JOIN ({{visible}}) v ON v.initiator = {0}.initiator"
    " AND {0}.started_at >= v.since AND {0}.started_at < v.until"
)
_LIMITS: Final[Mapping[Owner, str]] = {
    "person": "WHERE t.initiator IN (SELECT v.initiator FROM ({visible}) v)",
    "time": _SEEN_THEN.format("t"),
    "request": f"WHERE t.usage IN (SELECT u.usage FROM {{tables}}usage u {_SEEN_THEN.format('u')})",
    "session": "WHERE t.session IN (SELECT s.session FROM {tables}sessions s "
    f"{_SEEN_THEN.format('s')})",
    "nobody": "",
}
_SEEN_SESSION: Final = (
    "CASE WHEN t.session IN (SELECT s.session FROM {tables}sessions s "
    f"{_SEEN_THEN.format('s')}) THEN t.session END"
)
"""Requests of a session that began when its person was elsewhere are in no session that is seen."""
_FIRST, _LAST = (
    (datetime(year, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC))
    // timedelta(microseconds=1)
    for year in (1, 9999)
)
"""Before and after everything, as the tables hold times."""
_OF_TEAMS: Final = "WHERE t.team IN (SELECT unnest({values}))"
_IS_PERSON: Final = "lower(i.username) = lower(list_extract({values}, 1))"
_OF_PERSON: Final = (
    "WHERE t.username IN (SELECT coalesce(i.member, lower(i.username)) FROM {tables}initiators i"
    f" WHERE {_IS_PERSON})"
)
# Stretches that overlap or touch are one. They are nested, as common tables within what stands in
# front of a statement are not found by every engine.
_MEMBERSHIPS: Final = f"""
SELECT i.initiator AS initiator, t.valid_from AS since, t.valid_to AS until
FROM {{tables}}initiators i
JOIN {{tables}}memberships t ON t.username = coalesce(i.member, lower(i.username))
{_OF_TEAMS}"""
_REACHED: Final = f"""
SELECT m.initiator AS initiator, m.since AS since, m.until AS until,
    max(m.until) OVER (PARTITION BY m.initiator ORDER BY m.since, m.until) AS reach
FROM ({_MEMBERSHIPS}) m"""
_OPENED: Final = f"""
SELECT r.initiator AS initiator, r.since AS since, r.until AS until,
    lag(r.reach) OVER (PARTITION BY r.initiator ORDER BY r.since, r.until) AS before
FROM ({_REACHED}) r"""
_PARTED: Final = f"""
SELECT o.initiator AS initiator, o.since AS since, o.until AS until,
    sum(CASE WHEN o.since <= o.before THEN 0 ELSE 1 END)
        OVER (PARTITION BY o.initiator ORDER BY o.since, o.until) AS part
FROM ({_OPENED}) o"""
_VISIBLE_TEAMS: Final = f"""
SELECT p.initiator AS initiator, min(p.since) AS since, max(p.until) AS until
FROM ({_PARTED}) p GROUP BY p.initiator, p.part"""
# A user name that somebody has left may be given to somebody else: then nobody is seen by it.
_VISIBLE_PERSON: Final = f"""
SELECT any_value(i.initiator) AS initiator, make_timestamp({_FIRST}) AS since,
    make_timestamp({_LAST}) AS until
FROM {{tables}}initiators i
WHERE {_IS_PERSON} HAVING count(*) = 1"""
_OF_THE_DEPLOYMENT: Final = "LEFT JOIN {aliases} n ON CAST(n.id AS UUID) = t.person"
"""Members of Coder's groups who used nothing have no other name: they count, and are nobody."""
# Whoever has no other name yet is not there at all.
_NAMED: Final[Mapping[str, str]] = {
    "initiators": "JOIN {aliases} n ON CAST(n.id AS UUID) = t.id",
    "memberships": "JOIN {tables}initiators i"
    " ON t.username = coalesce(i.member, lower(i.username))"
    " JOIN {aliases} n ON CAST(n.id AS UUID) = i.id",
    "coder_members": _OF_THE_DEPLOYMENT,
    "coder_main_groups": _OF_THE_DEPLOYMENT,
    "coder_member_spend": _OF_THE_DEPLOYMENT,
}
_ALIASES: Final[Mapping[tuple[str, str], str]] = {
    ("initiators", "id"): "CAST(n.other AS UUID)",
    ("initiators", "username"): "n.alias",
    ("initiators", "name"): "''",
    ("memberships", "username"): "lower(n.alias)",
    ("coder_members", "person"): "CAST(n.other AS UUID)",
    ("coder_main_groups", "person"): "CAST(n.other AS UUID)",
    ("coder_member_spend", "person"): "CAST(n.other AS UUID)",
    ("coder_member_spend", "username"): "coalesce(n.alias, '')",
}


def tables(cursor: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """The tables that there are: their columns and types."""
    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in cursor.execute(_COLUMNS).fetchall():
        columns.setdefault(table, {})[column] = kind
    return columns


def real(cursor: duckdb.DuckDBPyConnection) -> str:
    """The full name of the schema that the tables are in."""
    ((name,),) = cursor.execute("SELECT current_database()").fetchall()
    return '"' + str(name).replace('"', '""') + '".main'


def relation(
    row_access: RowAccess, table: str, columns: Mapping[str, str], named: Tables, values: str
) -> str:
    """The SELECT of the rows and columns of a table that a row access shows.

    Args:
        row_access: not one of groups, whose tables are others (``store.group_sums``).
        table: its name.
        columns: all that it has, with their types.
        named: how tables are named.
        values: SQL of the list of teams, or of the one user name, that the row access is about.
    """
    decided = DECIDED.get(table)
    if decided is None or not _is_shown(row_access, table, decided):
        return f"SELECT * FROM {named.prefix}{table} WHERE FALSE"
    shown = (f"{_column(row_access, table, *each)} AS {each[0]}" for each in columns.items())
    joined = _NAMED.get(table, "") if row_access.pseudonyms else ""
    limit = _limit(row_access, table, decided)
    own = f"SELECT {', '.join(shown)} FROM {{tables}}{table} t {joined} {limit}"
    visible = _VISIBLE_TEAMS if row_access.person is None else _VISIBLE_PERSON
    names = {"tables": named.prefix, "aliases": named.aliases, "values": values}
    return own.format(visible=visible.format(**names), **names)


def _is_shown(row_access: RowAccess, table: str, decided: Decided) -> bool:
    if decided.owner == "groups":
        return False
    if row_access.floor is not None:
        # Groups have tables of their own.
        return decided.owner == "nobody"
    if table in TEXTS and not row_access.has_text:
        return False
    if decided.owner == "words":
        return row_access.has_text and row_access.is_of_everybody
    return decided.owner != "work" or row_access.is_of_everybody


def _limit(row_access: RowAccess, table: str, decided: Decided) -> str:
    if row_access.is_of_everybody:
        return ""
    if table == "memberships":
        return _OF_PERSON if row_access.teams is None else _OF_TEAMS
    return _LIMITS[decided.owner]


def _column(row_access: RowAccess, table: str, name: str, kind: str) -> str:
    decided = DECIDED[table]
    if row_access.pseudonyms and (table, name) in _ALIASES:
        return _ALIASES[table, name]
    if row_access.teams is not None and name == "session" and table in {"usage", "tool_calls"}:
        return _SEEN_SESSION
    if name not in decided.columns or (name in decided.key.split() and row_access.pseudonyms):
        return f"CAST(NULL AS {kind})"
    is_quoting = name in decided.text.split() and not row_access.has_text
    if is_quoting or (name in decided.work.split() and not row_access.is_of_everybody):
        # That there is one is no secret: whether a thread failed hangs on it.
        return f"CASE WHEN t.{name} IS NOT NULL THEN {_EMPTY.get(kind, '0')} END"
    return f"t.{name}"
