"""People who were erased, so that no later sync brings back their text or their names.

Of their ids only digests are kept, with a key that each store has for itself: who knows an id can
ask whether it was erased, and nobody can read from the store whose ids these are. The same holds
for ids of requests and sessions that are left out with somebody's numbers.
"""

import hmac
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from bridgeboard.model.times import stored
from bridgeboard.store import group_blocks, text_index
from bridgeboard.store.database import Store
from bridgeboard.store.person_lookup import Somebody, people
from bridgeboard.store.reader import Batch, Reader
from bridgeboard.store.rewriting import DELETED_AT

Listed = Literal["listed_sessions"]
LISTED: Final[Listed] = get_args(Listed)[0]
"""The kind of erased rows that are sessions of a day's list, each with its initiator."""
LeftOut = Literal["interceptions", "sessions"] | Listed

_UUIDS: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
OF_MEMBERS: Final = ("coder_members", "coder_main_groups", "coder_member_spend")
"""Tables about members of Coder's groups."""
_NAMELESS: Final = "thread"
"""The kind of records in quarantine that do not say whose they are."""
_OF_REQUESTS: Final = ("prompts", "tool_inputs")
_OF_SESSIONS: Final = ("thinking", "last_prompts")
_REQUESTS: Final = "usage IN (SELECT usage FROM usage WHERE initiator = $1)"
_SESSIONS: Final = "session IN (SELECT session FROM sessions WHERE initiator = $1)"
_OWN_ROWS: Final[Mapping[Literal["interceptions", "sessions"], str]] = {
    "interceptions": "SELECT started_at::DATE, id::VARCHAR FROM usage"
    " WHERE initiator = $1 AND grain = 'interception'",
    "sessions": "SELECT started_at::DATE, id FROM sessions WHERE initiator = $1",
}
_NUMBERS: Final = (
    f"DELETE FROM responses WHERE {_REQUESTS}",
    "DELETE FROM tool_calls WHERE initiator = $1",
    "DELETE FROM threads WHERE initiator = $1",
    "DELETE FROM usage WHERE initiator = $1",
    "DELETE FROM sessions WHERE initiator = $1",
    "DELETE FROM initiators WHERE initiator = $1",
)
# What is there under both names: one session, one request, is kept under the alias.
_TWIN_SESSIONS: Final = """
(SELECT s.session, o.session AS other FROM sessions s JOIN sessions o USING (id)
WHERE s.initiator = $1 AND o.initiator = $2) twins
"""
_TWIN_REQUESTS: Final = f"""
(SELECT u.usage FROM usage u JOIN usage o USING (id)
WHERE u.initiator = $1 AND o.initiator = $2 AND u.grain = o.grain
UNION SELECT u.usage FROM usage u JOIN {_TWIN_SESSIONS} USING (session)
WHERE u.grain <> 'interception')
"""
_TWINS: Final = (
    *(
        f"DELETE FROM {name} WHERE usage IN {_TWIN_REQUESTS}"
        for name in ("responses", "tool_calls", "usage")
    ),
    (
        "DELETE FROM threads WHERE initiator = $1"
        " AND id IN (SELECT id FROM threads WHERE initiator = $2)"
    ),
    *(
        f"UPDATE {name} SET session = twins.other FROM {_TWIN_SESSIONS}"
        f" WHERE {name}.session = twins.session"
        for name in ("threads", "usage", "tool_calls")
    ),
    f"DELETE FROM sessions WHERE session IN (SELECT session FROM {_TWIN_SESSIONS})",
)
_PLAIN: Final = (
    "UPDATE threads SET error_message = '' WHERE initiator = $1 AND error_message <> ''",
    "UPDATE threads SET credential_hint = NULL WHERE initiator = $1",
    "UPDATE usage SET api_key_id = NULL WHERE initiator = $1",
)


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


@dataclass(frozen=True)
class Erased:
    """Who was erased from a store, for whoever knows an id.

    Attributes:
        people: what they are called now, by the digests of their ids.
        keys: what digests were made with, the latest first. One, unless the key was lost once.
    """

    people: Mapping[str, Alias]
    keys: tuple[str, ...]

    def alias(self, id_: str) -> Alias | None:
        """What the person with this id is called now; None if nobody erased them."""
        digests = (_digest(key, id_) for key in self.keys if self.people)
        return next((self.people[each] for each in digests if each in self.people), None)

    def present_id(self, id_: str) -> str:
        """The id by which the store knows somebody: their own, or the one in its place."""
        alias = self.alias(id_)
        return alias.id if alias else id_


def erased(reader: Reader | Store) -> Erased:
    """Who was erased."""
    rows = reader.rows(
        "SELECT digest, id::VARCHAR, username, numbers, key FROM erased ORDER BY erased_at DESC"
    )
    people = {digest: Alias(*alias) for digest, *alias, _ in rows}
    return Erased(people, tuple(dict.fromkeys(key for *_, key in rows if key is not None)))


def key_lost(reader: Reader | Store) -> str:
    """What to do where the key of erasures is lost, so that nobody is recognised; else empty."""
    ((count,),) = reader.rows("SELECT count(*) FROM erased WHERE key IS NULL")
    if not count:
        return ""
    return (
        f"{count} {'person was' if count == 1 else 'people were'} erased from this store, and the"
        " key by which it recognises them is lost: a sync would bring their names and text back,"
        " so none is made. Move the store away and run `bridgeboard restore FOLDER` with a backup"
        " that was made after they were erased. Without one, sync anew, and erase them again."
    )


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
    if batch.rows("SELECT 1 FROM erased WHERE id = $1::UUID", [who.id]):
        # They were erased before, and are named by what they are called since.
        batch.execute(
            "UPDATE erased SET numbers = $2, erased_at = $3 WHERE id = $1::UUID",
            [who.id, has_numbers, stored(now)],
        )
        alias = Alias(who.id, who.username, has_numbers)
    else:
        key = _key(batch)
        digest = _digest(key, who.id)
        made = UUID(bytes=bytes.fromhex(digest)[:16], version=5)
        alias = Alias(str(made), f"erased-{made.hex[:8]}", has_numbers)
        batch.execute("DELETE FROM erased WHERE digest = $1", [digest])
        batch.execute(
            "INSERT INTO erased VALUES (?, ?::UUID, ?, ?, ?, ?)",
            [digest, alias.id, alias.username, has_numbers, stored(now), key],
        )
    _take_out(batch, who, alias)
    return alias


def erase_again(batch: Batch) -> list[Somebody]:
    """Erase whoever is there though they were erased, as a backup brought them back; who it was."""
    known = erased(batch)
    gone = {alias.id: alias for alias in known.people.values() if not alias.has_numbers}
    back = [
        (who, alias) for who in people(batch) if (alias := known.alias(who.id) or gone.get(who.id))
    ]
    for who, alias in back:
        _take_out(batch, who, alias)
    for key in erased_keys(batch):
        _delete_text(batch, key)
    return [who for who, _ in back]


def _take_out(batch: Batch, who: Somebody, alias: Alias) -> None:
    """Delete all of somebody that their alias leaves nothing of."""
    if who.key is not None:
        _delete_text(batch, who.key)
    _erase_mentions(batch, who)
    if who.key is not None and not alias.has_numbers:
        for kind, rows in _OWN_ROWS.items():
            leave_out(batch, kind, batch.rows(rows, [who.key]))
        for statement in _NUMBERS:
            batch.execute(statement, [who.key])
        group_blocks.anonymize(batch, who.key)
    elif who.key is not None and who.id != alias.id:
        _rename(batch, who.key, alias)
    # At once, should this process not come to it.
    batch.keep_meta(DELETED_AT, datetime.min.replace(tzinfo=UTC).isoformat())


def _delete_text(batch: Batch, key: int) -> None:
    keys = batch.table("SELECT usage FROM usage WHERE initiator = $1", [key])["usage"]
    text_index.forget(batch, keys)
    for name, where in (
        *((name, _REQUESTS) for name in _OF_REQUESTS),
        *((name, _SESSIONS) for name in _OF_SESSIONS),
    ):
        batch.execute(f"DELETE FROM {name} WHERE {where}", [key])
    for statement in _PLAIN:
        batch.execute(statement, [key])


def leave_out(batch: Batch, kind: LeftOut, rows: Iterable[tuple[date, str]]) -> None:
    """Remember rows (when they began, their ids) that are not here because of an erasure.

    So nobody misses them, and nobody takes what a shared session has of them for another's.
    """
    by_id = {id_: day for day, id_ in rows}
    fresh = by_id.keys() - left_out(batch, kind, by_id)
    if not fresh:
        return
    key = _key(batch)
    given = pa.table(
        {
            "day": pa.array([by_id[id_] for id_ in fresh], pa.date32()),
            "digest": pa.array([_number(key, kind, id_) for id_ in fresh], pa.int64()),
        }
    )
    with batch.registered(given=given):
        batch.keep("INSERT INTO erased_rows SELECT $1, day, digest FROM given", [kind])


def left_out(reader: Reader | Store, kind: LeftOut, ids: Collection[str]) -> set[str]:
    """Those of these ids of requests or sessions that are not here because of an erasure."""
    keys = erased(reader).keys if ids else ()
    digests = {_number(key, kind, id_): id_ for key in keys for id_ in ids}
    among = "kind = $1 AND digest IN (SELECT unnest($2::BIGINT[]))"
    sql = f"SELECT digest FROM erased_rows WHERE {among}"
    return {digests[row[0]] for row in (reader.rows(sql, [kind, [*digests]]) if digests else ())}


def aliases(reader: Reader, ids: Iterable[str]) -> dict[str, Alias]:
    """What those of these ids are called now whose people were erased."""
    known = erased(reader)
    return {each: alias for each in set(ids) if (alias := known.alias(each))}


def renamed(table: pa.Table, column: str, known: Mapping[str, Alias]) -> pa.Table:
    """Rows about people, who are known by the ids in a column, as they may be kept.

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


def _rename(batch: Batch, own: int, alias: Alias) -> None:
    """Give somebody other names; whom a backup brought back becomes one with who is there."""
    there = batch.rows("SELECT initiator FROM initiators WHERE id = $1::UUID", [alias.id])
    for (key,) in there:
        for statement in _TWINS:
            batch.execute(statement, [own, key])
        for table in ("usage", "tool_calls", "sessions", "threads"):
            batch.execute(f"UPDATE {table} SET initiator = $2 WHERE initiator = $1", [own, key])
        batch.execute("DELETE FROM initiators WHERE initiator = $1", [own])
        group_blocks.anonymize(batch, own)
        return
    batch.execute(
        "UPDATE initiators SET id = $2::UUID, username = $3, name = '', member = NULL"
        " WHERE initiator = $1",
        [own, alias.id, alias.username],
    )


def _erase_mentions(batch: Batch, who: Somebody) -> None:
    """Delete what names somebody elsewhere: in quarantine, messages, memberships, groups."""
    for name in filter(None, (who.id, who.username, *who.former)):
        batch.execute(
            "UPDATE quarantine SET raw = '', reason = 'it was of somebody who was erased'"
            " WHERE contains(lower(raw), $1) OR contains(lower(raw), $2)"
            " OR contains(lower(identity || reason), $1)",
            [who.id, f'"{name.lower()}"'],
        )
        batch.execute("DELETE FROM memberships WHERE username = lower($1)", [name])
    batch.execute("UPDATE quarantine SET raw = '' WHERE kind = $1", [_NAMELESS])
    batch.execute("DELETE FROM anomalies WHERE contains(lower(message), $1)", [who.id])
    batch.execute("DELETE FROM former_names WHERE initiator = $1", [who.key])
    for table in OF_MEMBERS:
        batch.execute(f"DELETE FROM {table} WHERE person = $1::UUID", [who.id])


def _renamed(row: dict[str, Any], column: str, known: Mapping[str, Alias]) -> dict[str, Any]:
    alias = known.get(row[column])
    if alias is None:
        return row
    emptied = dict.fromkeys({"api_key_id", "last_prompt", "credential_hint"} & row.keys())
    return row | emptied | {column: alias.id, "username": alias.username, "name": ""}


def _key(batch: Batch) -> str:
    """The key of this store, made with the first erasure."""
    keys = erased(batch).keys
    return keys[0] if keys else secrets.token_hex(32)


def _digest(key: str, id_: str) -> str:
    return hmac.digest(bytes.fromhex(key), id_.lower().encode(), "sha256").hex()


def _number(key: str, kind: LeftOut, id_: str) -> int:
    digest = hmac.digest(bytes.fromhex(key), f"{kind} {id_}".encode(), "sha256")
    return int.from_bytes(digest[:8], signed=True)
