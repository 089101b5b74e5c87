"""Stores filled straight from a demo world's tables, by plain Python: no SDK, no sync."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import truth
from demo_worlds import END

from bridgeboard.demo.records import InterceptionRow, Tables
from bridgeboard.store import Store, UsageTables, interceptions

KINDS = ("input", "output", "cache_read", "cache_write")
NOW = END
PICO = 3_000_000
"""What every token costs in these stores."""

_INT, _TEXT, _TIME, _SMALL = pa.int64(), pa.string(), pa.timestamp("us"), pa.uint32()
USAGE = pa.schema(
    {
        "row": pa.int32(),
        **dict.fromkeys(("id", "initiator_id", "username", "name"), _TEXT),
        **dict.fromkeys(("started_at", "ended_at"), _TIME),
        **dict.fromkeys(
            ("provider", "provider_name", "vendor", "model", "client", "api_key_id"), _TEXT
        ),
        **dict.fromkeys(("responses", "prompts", "tool_calls", "injected", "tool_errors"), _SMALL),
        **dict.fromkeys((*KINDS, *(f"{kind}_sum" for kind in KINDS)), _INT),
        **dict.fromkeys(("priced_tokens", "cost", "shadow_cost", "cache_saving"), _INT),
        "status": _TEXT,
        "digest": _INT,
    }
)
RESPONSES = pa.schema(
    {
        "row": pa.int32(),
        "answered_at": _TIME,
        **dict.fromkeys((*KINDS, "cache_write_1h", "web_searches"), _INT),
        "service_tier": _TEXT,
        "negatives": pa.uint8(),
        **dict.fromkeys(("split_unknown", "split_clamped", "total_mismatch"), pa.bool_()),
        **dict.fromkeys(("cost", "shadow_cost", "cache_saving"), _INT),
        "status": _TEXT,
        "tier": _INT,
        **dict.fromkeys(("price_id", "source", "note"), _TEXT),
    }
)
TOOL_CALLS = pa.schema(
    {
        "row": pa.int32(),
        "ordinal": _SMALL,
        "called_at": _TIME,
        "tool": _TEXT,
        "server_url": _TEXT,
        "injected": pa.bool_(),
        "failed": pa.bool_(),
        "input_hash": _INT,
    }
)
PROMPTS = pa.schema({"row": pa.int32(), "ordinal": _SMALL, "written_at": _TIME, "text": _TEXT})
TOOL_INPUTS = pa.schema({"row": pa.int32(), "ordinal": _SMALL, "input": _TEXT, "error": _TEXT})


def fresh(folder: Path) -> Store:
    """An empty store in a folder."""
    return Store.open(folder / "store.duckdb", threads=1)


def put(store: Store, tables: Tables, rows: Iterable[InterceptionRow], **more: Any) -> Any:
    """Write these interceptions in one batch; what ``interceptions.put`` says."""
    with store.write() as batch:
        return interceptions.put(batch, told(tables, list(rows), **more))


def told(
    tables: Tables, rows: Sequence[InterceptionRow], *, text: bool = True, edition: int = 0
) -> UsageTables:
    """These interceptions as the store takes them; another ``edition`` has other digests."""
    place = {row.id: number for number, row in enumerate(rows)}
    responses = _responses(tables, rows, place)
    prompts = _children(tables.prompts, place)
    calls = _children(tables.tools, place)
    usage = [_usage(tables, row, place[row.id], responses, edition) for row in rows]
    return UsageTables(
        usage=pa.Table.from_pylist(usage, USAGE),
        responses=pa.Table.from_pylist(responses, RESPONSES),
        tool_calls=pa.Table.from_pylist([_call(*each) for each in calls], TOOL_CALLS),
        prompts=pa.Table.from_pylist([_prompt(*each) for each in prompts], PROMPTS)
        if text
        else None,
        tool_inputs=pa.Table.from_pylist([_input(*each) for each in calls], TOOL_INPUTS)
        if text
        else None,
    )


def naive(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(UTC).replace(tzinfo=None)


def digest(text: str) -> int:
    return int.from_bytes(
        hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True
    )


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, sorted; without how often the store was written."""
    with store.snapshot() as reader:
        found = {name: reader.rows(f"FROM {name} ORDER BY ALL") for name in reader.tables()}
    found["meta"] = [row for row in found["meta"] if row[0] != "data_version"]
    return found


def _usage(
    tables: Tables,
    row: InterceptionRow,
    place: int,
    responses: list[dict[str, Any]],
    edition: int,
) -> dict[str, Any]:
    person = next(person for person in tables.people if person.id == row.initiator_id)
    own = [response for response in responses if response["row"] == place]
    calls = [tool for tool in tables.tools if tool.interception_id == row.id]
    sums = truth.recorded(tables, [row])
    merged = {kind: sum(response[kind] for response in own) for kind in KINDS}
    return {
        "row": place,
        "id": row.id,
        "initiator_id": row.initiator_id,
        "username": person.username,
        "name": person.name,
        "started_at": naive(row.started_at),
        "ended_at": naive(row.ended_at),
        "provider": row.provider,
        "provider_name": row.provider_name,
        "vendor": row.provider,
        "model": row.model,
        "client": row.client,
        "api_key_id": row.api_key_id,
        "responses": len(own),
        "prompts": len(truth.prompts(tables, [row])),
        "tool_calls": len(calls),
        "injected": sum(call.injected for call in calls),
        "tool_errors": sum(bool(call.invocation_error) for call in calls),
        **merged,
        **{f"{kind}_sum": getattr(sums, kind) for kind in KINDS},
        "priced_tokens": sum(merged.values()),
        "cost": sum(merged.values()) * PICO if own else None,
        "shadow_cost": 0 if own else None,
        "cache_saving": 0 if own else None,
        "status": "priced" if own else "unmetered",
        "digest": digest(f"{row.id} {edition}"),
    }


def _responses(
    tables: Tables, rows: Sequence[InterceptionRow], place: dict[str, int]
) -> list[dict[str, Any]]:
    started = {row.id: naive(row.started_at) for row in rows}
    return [
        {
            "row": place[owner],
            "answered_at": started[owner],
            **{kind: getattr(counts, kind) for kind in KINDS},
            "cache_write_1h": 0,
            "web_searches": 0,
            "negatives": 0,
            "split_unknown": False,
            "split_clamped": False,
            "total_mismatch": False,
            "cost": counts.total * PICO,
            "shadow_cost": 0,
            "cache_saving": 0,
            "status": "priced",
            "tier": -1,
        }
        for (owner, _), counts in truth.responses(tables, rows).items()
    ]


def _children(table: Sequence[Any], place: dict[str, int]) -> list[tuple[int, int, Any]]:
    """(row, ordinal, record) of what hangs on the interceptions."""
    seen: defaultdict[str, int] = defaultdict(int)
    found = []
    for record in table:
        if record.interception_id in place:
            found.append((place[record.interception_id], seen[record.interception_id], record))
            seen[record.interception_id] += 1
    return found


def _call(row: int, ordinal: int, call: Any) -> dict[str, Any]:
    return {
        "row": row,
        "ordinal": ordinal,
        "called_at": naive(call.created_at),
        "tool": call.tool,
        "server_url": call.server_url,
        "injected": call.injected,
        "failed": bool(call.invocation_error),
        "input_hash": digest(call.input),
    }


def _prompt(row: int, ordinal: int, prompt: Any) -> dict[str, Any]:
    written_at = naive(prompt.created_at)
    return {"row": row, "ordinal": ordinal, "written_at": written_at, "text": prompt.prompt}


def _input(row: int, ordinal: int, call: Any) -> dict[str, Any]:
    return {"row": row, "ordinal": ordinal, "input": call.input, "error": call.invocation_error}
