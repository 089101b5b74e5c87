"""Reads and writes Coder's groups: which there are, who was in them when, limits and spend.

What is written is the whole of a table, or of a month; where nothing changed nothing is written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

import pyarrow as pa

from bridgeboard.model.coder_groups import READING, Group, LastReading, Stay
from bridgeboard.model.times import aware, stored
from bridgeboard.store.database import Store
from bridgeboard.store.people import ALWAYS
from bridgeboard.store.reader import Batch, Reader

StayTable = Literal["coder_members", "coder_main_groups"]
SpendTable = Literal["coder_group_spend", "coder_member_spend"]

_GROUPS: Final = """
SELECT id::VARCHAR, organization::VARCHAR, organization_name, name, display_name, source, members,
       former, gone_at
FROM coder_groups ORDER BY id"""
_SCHEMAS: Final = {
    "coder_groups": {
        "id": pa.string(),
        "organization": pa.string(),
        "organization_name": pa.string(),
        "name": pa.string(),
        "display_name": pa.string(),
        "source": pa.string(),
        "members": pa.int32(),
        "former": pa.list_(pa.string()),
        "gone_at": pa.timestamp("us"),
    },
    "stays": {
        "person": pa.string(),
        "coder_group": pa.string(),
        "valid_from": pa.timestamp("us"),
        "valid_to": pa.timestamp("us"),
    },
    "coder_group_spend": {
        "month": pa.date32(),
        "coder_group": pa.string(),
        "limit_micros": pa.int64(),
        "spend_micros": pa.int64(),
        "read_at": pa.timestamp("us"),
    },
    "coder_member_spend": {
        "month": pa.date32(),
        "coder_group": pa.string(),
        "person": pa.string(),
        "username": pa.string(),
        "effective_group": pa.string(),
        "limit_micros": pa.int64(),
        "limit_source": pa.string(),
        "spend_micros": pa.int64(),
        "read_at": pa.timestamp("us"),
    },
}


def groups(reader: Reader | Store) -> list[Group]:
    """All groups, also those that are gone."""
    found = []
    for *plain, former, gone_at in reader.rows(_GROUPS):
        group = Group(*plain)
        found.append(replace(group, former=tuple(former), gone_at=aware(gone_at)))
    return found


def stays(reader: Reader | Store, table: StayTable) -> list[Stay]:
    """Who was in which group when, or which group set whose budget when."""
    rows = reader.rows(
        "SELECT person::VARCHAR, coder_group::VARCHAR, valid_from, valid_to"
        f" FROM {table} ORDER BY ALL"
    )
    return [
        Stay(
            person,
            group,
            None if since == ALWAYS[0] else aware(since),
            None if until == ALWAYS[1] else aware(until),
        )
        for person, group, since, until in rows
    ]


def last_reading(reader: Reader | Store) -> LastReading:
    """How the last attempt to read them went."""
    return LastReading.of(reader.meta(READING))


def put_last_reading(batch: Batch, reading: LastReading) -> None:
    """Remember how an attempt to read them went."""
    batch.keep_meta(READING, reading.text)


def put_groups(batch: Batch, wanted: Iterable[Group]) -> None:
    """Make these all the groups there are."""
    ordered = sorted(wanted, key=lambda group: UUID(group.id))
    if groups(batch) == ordered:
        return
    rows = [
        {
            "id": group.id,
            "organization": group.organization,
            "organization_name": group.organization_name,
            "name": group.name,
            "display_name": group.display_name,
            "source": group.source,
            "members": group.members,
            "former": list(group.former),
            "gone_at": stored(group.gone_at),
        }
        for group in ordered
    ]
    batch.execute("DELETE FROM coder_groups")
    _insert(batch, "coder_groups", "coder_groups", rows)


def put_stays(batch: Batch, table: StayTable, wanted: Iterable[Stay]) -> None:
    """Make these all the stays there are in a table."""
    given = set(wanted)
    if set(stays(batch, table)) == given:
        return
    rows = [
        {
            "person": stay.person,
            "coder_group": stay.group,
            "valid_from": stored(stay.since) or ALWAYS[0],
            "valid_to": stored(stay.until) or ALWAYS[1],
        }
        for stay in sorted(given, key=lambda stay: (stay.person, stay.group, str(stay.since)))
    ]
    batch.execute(f"DELETE FROM {table}")
    _insert(batch, table, "stays", rows)


def put_spend(
    batch: Batch, table: SpendTable, month: date, rows: Sequence[dict[str, Any]], at: datetime
) -> None:
    """Make these all that is known of a month; ``read_at`` and ``month`` are added.

    Groups without a row here keep what was read of them before in that month, so that what was
    spent on one that is gone outlives it.
    """
    read = [row | {"month": month, "read_at": stored(at)} for row in rows]
    given = pa.table({"g": pa.array(sorted({row["coder_group"] for row in rows}), pa.string())})
    with batch.registered(given_groups=given):
        batch.execute(
            f"DELETE FROM {table} WHERE month = ?"
            " AND coder_group IN (SELECT g::UUID FROM given_groups)",
            [month],
        )
    _insert(batch, table, table, read)


def _insert(batch: Batch, table: str, schema: str, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        given = pa.Table.from_pylist(list(rows), schema=pa.schema(_SCHEMAS[schema]))
        with batch.registered(given_rows=given):
            batch.execute(f"INSERT INTO {table} BY NAME SELECT * FROM given_rows")
