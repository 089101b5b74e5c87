"""Writes interceptions, each as the server tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from bridgeboard.model.metric import TOKENS
from bridgeboard.model.times import stored
from bridgeboard.store import erasure, people, request_links, text_index
from bridgeboard.store.database import Store
from bridgeboard.store.reader import Batch, Reader

CHILDREN: Final = ("responses", "tool_calls", "prompts", "tool_inputs")

_DIMENSIONS: Final = (
    *("initiator", "provider", "provider_name", "vendor", "model"),
    *("client", "credential_kind", "session"),
)
_PERSON: Final = ("initiator_id", "username", "name")
_LATE: Final = timedelta(days=1)
"""How long after its request's end an action's first tool call may be recorded."""

_PREVIOUS: Final = """
SELECT t.row, u.grain = 'interception' AS is_exact, u.usage, u.started_at, u.session,
       u.thread::VARCHAR AS thread, u.threads, u.credential_kind
FROM usage u JOIN given_ids t ON u.id = t.id::UUID
WHERE u.started_at BETWEEN $1 AND $2
"""
_OUTDATE: Final = """
UPDATE sessions SET detailed_digest = NULL
WHERE session IN (SELECT session FROM outdated) AND detailed_digest IS NOT NULL
"""
_DIGESTS: Final = """
SELECT digest FROM usage
WHERE grain = 'interception' AND started_at >= coalesce($1, '-infinity'::TIMESTAMP)
  AND started_at < coalesce($2, 'infinity'::TIMESTAMP)
"""


@dataclass(frozen=True)
class UsageTables:
    """Rows of usage and what hangs on them as Arrow tables; ``row`` (int32) is a row's place.

    Times are UTC without a zone (``timestamp('us')``), ids text.

    Attributes:
        usage: ``row`` and columns of ``usage``. Of interceptions, each id once: ``initiator_id``,
            ``username``, ``name`` ('' for none) and all columns but ``usage``, ``grain``,
            ``initiator``, ``session``, ``thread``, ``threads``, ``credential_kind`` and
            ``requests``. Of sums all columns but the key.
        responses: ``row`` and the columns of ``responses`` but ``usage`` and ``started_at``.
        tool_calls: ``row``, ``ordinal``, ``called_at``, ``tool``, ``server_url``, ``injected``,
            ``failed`` (of interceptions only), ``input_hash``.
        prompts: ``row``, ``ordinal``, ``written_at``, ``text``; None keeps no text.
        tool_inputs: ``row``, ``ordinal``, ``input``, ``error``; likewise.
    """

    usage: pa.Table
    responses: pa.Table
    tool_calls: pa.Table | None = None
    prompts: pa.Table | None = None
    tool_inputs: pa.Table | None = None


class Written(NamedTuple):
    """How many interceptions were not there before, and how many replaced what was."""

    new: int
    changed: int


def digests(
    reader: Reader | Store, since: datetime | None, until: datetime | None
) -> frozenset[int]:
    """The digests of interceptions held in the half-open window; None is without end."""
    table = reader.table(_DIGESTS, [stored(since), stored(until)])
    return frozenset(table["digest"].to_pylist())


def put(batch: Batch, tables: UsageTables) -> Written:
    """Take over interceptions; one that is there already is replaced with all that hangs on it.

    It keeps its key and what only details tell: session, thread, credential. Sessions that held
    one of them as an aggregate have to be decomposed again: their details count as unread.
    """
    tables = _without_erased(batch, tables)
    if not tables.usage.num_rows:
        return Written(0, 0)
    previous = _previous(batch, tables.usage)
    _outdate(batch, previous.filter(pc.invert(previous["is_exact"])))
    previous = previous.filter(previous["is_exact"])
    usage = _usage(batch, tables.usage, previous)
    text_index.forget(batch, usage["usage"])
    remove(batch, previous)
    _insert(batch, tables, usage)
    _spare(batch, usage)
    return Written(tables.usage.num_rows - previous.num_rows, previous.num_rows)


def _without_erased(batch: Batch, tables: UsageTables) -> UsageTables:
    """The same without the text and the names of people who were erased."""
    known = erasure.aliases(batch, tables.usage["initiator_id"].to_pylist())
    if not known:
        return tables
    erased = tables.usage.filter(erasure.of(tables.usage, "initiator_id", known))["row"]
    usage = erasure.renamed(tables.usage, "initiator_id", known)
    gone = pc.filter(erased, pc.invert(pc.is_in(erased, value_set=usage["row"])))
    dropped = tables.usage.filter(pc.is_in(tables.usage["row"], value_set=gone))
    days = pc.cast(dropped["started_at"], pa.date32()).to_pylist()
    erasure.leave_out(batch, "interceptions", zip(days, dropped["id"].to_pylist(), strict=True))
    return UsageTables(
        usage=usage,
        responses=erasure.without(tables.responses, gone),
        tool_calls=erasure.without(tables.tool_calls, gone),
        prompts=erasure.without(tables.prompts, erased),
        tool_inputs=erasure.without(tables.tool_inputs, erased),
    )


def _previous(batch: Batch, usage: pa.Table) -> pa.Table:
    """What the store has under the ids of these rows, exactly or as aggregates."""
    earliest = pc.min(usage["started_at"]).as_py()
    latest = pc.max(pc.coalesce(usage["ended_at"], usage["started_at"])).as_py()
    with batch.registered(given_ids=usage.select(["row", "id"])):
        return batch.table(_PREVIOUS, [earliest, min(latest, datetime.max - _LATE) + _LATE])  # noqa: DTZ901 - stored times have no zone


def _outdate(batch: Batch, aggregates: pa.Table) -> None:
    if aggregates.num_rows:
        with batch.registered(outdated=aggregates):
            batch.execute(_OUTDATE)


_BEYOND: Final = f"""
SELECT usage, started_at, id::VARCHAR AS id FROM usage WHERE grain = 'interception'
AND greatest({", ".join(f"abs({name}_sum)" for name in TOKENS)}) > $1
"""


def remove_beyond(batch: Batch, most: int) -> list[str]:
    """Remove requests that count more than so many tokens of a kind; return their ids."""
    rows = batch.table(_BEYOND, [most])
    remove(batch, rows)
    ids: list[str] = rows["id"].to_pylist()
    return ids


def _usage(batch: Batch, rows: pa.Table, previous: pa.Table) -> pa.Table:
    """The rows of ``usage``, with keys and with what is kept of the rows before."""
    keys = people.initiators(batch, rows.select(_PERSON).rename_columns(["id", "username", "name"]))
    size = rows.num_rows
    before = pc.index_in(rows["row"], value_set=previous["row"].combine_chunks())
    fresh = pa.array(batch.take_keys("usage", size - previous.num_rows), pa.int64())
    added = {
        "usage": pc.replace_with_mask(
            _at(previous["usage"], before), pc.is_null(before).combine_chunks(), fresh
        ),
        "grain": pa.repeat("interception", size),
        "initiator": pa.array([keys[id_] for id_ in rows["initiator_id"].to_pylist()], pa.int32()),
        "session": _at(previous["session"], before),
        "thread": _at(previous["thread"], before),
        "threads": pc.fill_null(_at(previous["threads"], before), 0),
        "credential_kind": _at(previous["credential_kind"], before),
        "requests": pa.repeat(pa.scalar(1, pa.uint8()), size),
    }
    return _extended(rows.drop_columns(list(_PERSON)), added)


def _at(column: pa.ChunkedArray, places: pa.ChunkedArray) -> pa.Array:
    """The values of a column at places, null where a place is."""
    return column.combine_chunks().take(places.combine_chunks())


def _extended(table: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


def remove(batch: Batch, rows: pa.Table) -> None:
    """Remove rows of usage (``usage``, ``started_at``) with all that hangs on them."""
    if not rows.num_rows:
        return
    window = [bound(rows["started_at"]).as_py() for bound in (pc.min, pc.max)]
    with batch.registered(held=rows):
        for name in ("usage", *CHILDREN):
            batch.execute(
                f"DELETE FROM {name} WHERE started_at BETWEEN $1 AND $2"
                " AND usage IN (SELECT usage FROM held)",
                window,
            )


def _insert(batch: Batch, tables: UsageTables, usage: pa.Table) -> None:
    _append(batch, "usage", usage.drop_columns(["row"]))
    key = ("usage", "started_at")
    for name in CHILDREN:
        children: pa.Table | None = getattr(tables, name)
        if children is not None and children.num_rows:
            copied = (*key, "grain", *_DIMENSIONS) if name == "tool_calls" else key
            _append(batch, name, _under(children, usage, copied))


def _under(children: pa.Table, usage: pa.Table, copied: tuple[str, ...]) -> pa.Table:
    """Children with columns of the row they hang on."""
    places = pc.index_in(children["row"], value_set=usage["row"].combine_chunks())
    columns = {name: _at(usage[name], places) for name in copied}
    return _extended(children.drop_columns(["row"]), columns)


def _append(batch: Batch, name: str, rows: pa.Table) -> None:
    with batch.registered(given=rows):
        batch.execute(f"INSERT INTO {name} BY NAME SELECT * FROM given")


def _spare(batch: Batch, usage: pa.Table) -> None:
    """Usage that initiators paid themselves is no spend, even if read again (docs/costs.md 4)."""
    own = pc.and_(
        pc.equal(usage["credential_kind"], "byok"), pc.not_equal(usage["provider"], "copilot")
    )
    request_links.own_key(batch, usage.filter(own).select(["usage", "started_at"]))
