"""People who were erased, so that no later sync brings back their text or their names.

Of their ids only digests are kept, with a key that each store has for itself: who knows an id can
ask whether it was erased, and nobody can read from the store whose ids these are.
"""

import hmac
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from bridgeboard.store import group_blocks, vocabulary
from bridgeboard.store.database import Store
from bridgeboard.store.moments import stored
from bridgeboard.store.reader import Batch, Reader
from bridgeboard.store.rewriting import DELETED_AT

KEY: Final = "erasure_key"
"""Setting of the store: what digests of erased ids are made with."""
_UUIDS: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_NAMELESS: Final = "thread"
"""The kind of records in quarantine that do not say whose they are."""
_OF_REQUESTS: Final = ("prompts", "tool_inputs")
_OF_SESSIONS: Final = ("thinking", "last_prompts")
_REQUESTS: Final = "usage IN (SELECT usage FROM usage WHERE initiator = $1)"
_SESSIONS: Final = "session IN (SELECT session FROM sessions WHERE initiator = $1)"
_NUMBERS: Final = (
    f"DELETE FROM responses WHERE {_REQUESTS}",
    "DELETE FROM tool_calls WHERE initiator = $1",
    "DELETE FROM threads WHERE initiator = $1",
    "DELETE FROM usage WHERE initiator = $1",
    "DELETE FROM sessions WHERE initiator = $1",
    "DELETE FROM initiators WHERE initiator = $1",
)
_PLAIN: Final = (
    "UPDATE threads SET error_message = '' WHERE initiator = $1 AND error_message <> ''",
    "UPDATE threads SET credential_hint = NULL WHERE initiator = $1",
    "UPDATE usage SET api_key_id = NULL WHERE initiator = $1",
)


@dataclass(frozen=True)
class Somebody:
    """A person of the store.

    Attributes:
        key: ours.
        id: theirs at the deployment; a made-up one once they were erased.
        username: how they log in there.
        name: what they are called; empty if nobody told.
        former: user names that they had before, in lower case.
    """

    key: int
    id: str
    username: str
    name: str
    former: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alias:
    """What an erased person is called.

    Attributes:
        id: in the place of theirs.
        username: likewise.
        has_numbers: whether their numbers stay.
    """

    id: str
    username: str
    has_numbers: bool


def people_called(reader: Reader | Store, name: str) -> list[Somebody]:
    """The people with this id, or else with this user name, which several may have had."""
    rows = reader.rows(
        "SELECT i.initiator, i.id::VARCHAR, i.username, i.name,"
        " list(f.username ORDER BY f.username) FILTER (f.username IS NOT NULL)"
        " FROM initiators i LEFT JOIN former_names f USING (initiator)"
        " WHERE i.id::VARCHAR = lower($1) OR lower(i.username) = lower($1) OR i.initiator IN"
        " (SELECT initiator FROM former_names WHERE username = lower($1))"
        " GROUP BY ALL ORDER BY 2",
        [name.strip()],
    )
    every = [
        Somebody(key, id_, username, called, tuple(former or ()))
        for key, id_, username, called, former in rows
    ]
    return [one for one in every if one.id == name.strip().lower()] or every


def erase(batch: Batch, who: Somebody, *, has_numbers: bool, now: datetime) -> Alias:
    """Delete what was recorded of somebody's words, and their names; their numbers by choice.

    Args:
        batch: what to write into. The file has to be rewritten after it.
        who: of the store.
        has_numbers: whether numbers stay under another name, or go as well.
        now: the time, aware.

    Returns:
        What they are called from now on.
    """
    digest = _digest(_key(batch), who.id)
    made = UUID(bytes=bytes.fromhex(digest)[:16], version=5)
    alias = Alias(str(made), f"erased-{made.hex[:8]}", has_numbers)
    keys = batch.table("SELECT usage FROM usage WHERE initiator = $1", [who.key])["usage"]
    vocabulary.forget(batch, keys)
    for name, where in (
        *((name, _REQUESTS) for name in _OF_REQUESTS),
        *((name, _SESSIONS) for name in _OF_SESSIONS),
    ):
        batch.execute(f"DELETE FROM {name} WHERE {where}", [who.key])
    for statement in _PLAIN if has_numbers else _NUMBERS:
        batch.execute(statement, [who.key])
    _erase_mentions(batch, who)
    if has_numbers:
        _rename(batch, who, alias)
    else:
        group_blocks.anonymize(batch, who.key)
    batch.execute("DELETE FROM erased WHERE digest = $1", [digest])
    batch.execute(
        "INSERT INTO erased VALUES (?, ?::UUID, ?, ?, ?)",
        [digest, alias.id, alias.username, has_numbers, stored(now)],
    )
    # At once, should this process not come to it.
    batch.keep_meta(DELETED_AT, datetime.min.replace(tzinfo=UTC).isoformat())
    return alias


def aliases(reader: Reader, ids: Iterable[str]) -> dict[str, Alias]:
    """What those of these ids are called now whose people were erased."""
    erased = {
        digest: Alias(id_, username, has_numbers)
        for digest, id_, username, has_numbers in reader.rows(
            "SELECT digest, id::VARCHAR, username, numbers FROM erased"
        )
    }
    key = reader.meta(KEY)
    if not erased or key is None:
        return {}
    named = {each: _digest(key, each) for each in set(ids)}
    return {each: erased[digest] for each, digest in named.items() if digest in erased}


def renamed(table: pa.Table, column: str, known: Mapping[str, Alias]) -> pa.Table:
    """Rows about people, told by ids in a column, as they may be kept.

    Those of erased people get their other ids and names, or go where no numbers of theirs stay.
    """
    if not known:
        return table
    rows = [
        row
        for row in table.to_pylist()
        if row[column] not in known or known[row[column]].has_numbers
    ]
    return pa.Table.from_pylist([_renamed(row, column, known) for row in rows], table.schema)


def of(table: pa.Table, column: str, ids: Collection[Any]) -> pa.Array:
    """Which rows have one of these values in a column."""
    values = pa.array(list(ids), table.schema.field(column).type)
    return pc.is_in(table[column], value_set=values)


def without(table: pa.Table | None, rows: pa.Array) -> pa.Table | None:
    """Children that hang on none of these rows."""
    if table is None:
        return None
    return table.filter(pc.invert(pc.is_in(table["row"], value_set=rows)))


def is_about_erased(reader: Reader, kind: str, raw: str) -> bool:
    """Whether a record that could not be read names somebody who was erased, or may be theirs.

    A thread does not say whose it is.
    """
    if kind == _NAMELESS and reader.rows("SELECT 1 FROM erased LIMIT 1"):
        return True
    return bool(aliases(reader, (each.lower() for each in _UUIDS.findall(raw))))


def erased_keys(reader: Reader) -> list[int]:
    """Our keys of people who were erased and whose numbers stayed."""
    rows = reader.rows("SELECT initiator FROM initiators JOIN erased USING (id)")
    return [key for (key,) in rows]


def _rename(batch: Batch, who: Somebody, alias: Alias) -> None:
    """Give somebody other names; whom a backup brought back becomes one with who is there."""
    there = batch.rows("SELECT initiator FROM initiators WHERE id = $1::UUID", [alias.id])
    for (key,) in there:
        for table in ("usage", "tool_calls", "sessions", "threads"):
            batch.execute(f"UPDATE {table} SET initiator = $2 WHERE initiator = $1", [who.key, key])
        batch.execute("DELETE FROM initiators WHERE initiator = $1", [who.key])
        group_blocks.anonymize(batch, who.key)
        return
    batch.execute(
        "UPDATE initiators SET id = $2::UUID, username = $3, name = '', member = NULL"
        " WHERE initiator = $1",
        [who.key, alias.id, alias.username],
    )


def _erase_mentions(batch: Batch, who: Somebody) -> None:
    """Delete what names somebody elsewhere: records in quarantine, messages, memberships."""
    for name in (who.username, *who.former):
        batch.execute(
            "UPDATE quarantine SET raw = '', reason = 'it was of somebody who was erased'"
            " WHERE contains(lower(raw), $1) OR contains(lower(raw), $2)"
            " OR contains(lower(identity || reason), $1)",
            [who.id, f'"{name.lower()}"'],
        )
        batch.execute("DELETE FROM memberships WHERE username = lower($1)", [name])
    batch.execute("UPDATE quarantine SET raw = '' WHERE kind = $1", [_NAMELESS])
    batch.execute("DELETE FROM memberships WHERE username = $1", [who.id])
    batch.execute("DELETE FROM anomalies WHERE contains(lower(message), $1)", [who.id])
    batch.execute("DELETE FROM former_names WHERE initiator = $1", [who.key])


def _renamed(row: dict[str, Any], column: str, known: Mapping[str, Alias]) -> dict[str, Any]:
    alias = known.get(row[column])
    if alias is None:
        return row
    emptied = dict.fromkeys({"api_key_id", "last_prompt", "credential_hint"} & row.keys())
    return row | emptied | {column: alias.id, "username": alias.username, "name": ""}


def _key(batch: Batch) -> str:
    held = batch.meta(KEY)
    if held is None:
        held = secrets.token_hex(32)
        batch.keep_meta(KEY, held)
    return held


def _digest(key: str, id_: str) -> str:
    return hmac.digest(bytes.fromhex(key), id_.lower().encode(), "sha256").hex()
