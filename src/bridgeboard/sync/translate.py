"""Translates interceptions from the API into tables of the store.

All work is done by column over a whole batch: pandas by row would take longer than the rest of a
sync.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zlib import adler32, crc32

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from aibridge import BulkInterception, BulkTokenUsage, BulkToolUsage, ToolCall
from bridgeboard import pricing
from bridgeboard.pricing import Book
from bridgeboard.store import UsageTables
from bridgeboard.sync.arrow_columns import MOMENT, clean, moments, series, texts

MOST: Final = 10**15
"""Larger counts are cut to this: a thousand times the largest count that pricing accepts, and small
enough that the sums of a request fit into 64 bits."""

_NAMES: Final = ("provider", "provider_name", "model")
_NO_EXTRAS: Final[Mapping[str, int | str]] = {}
_NOTHING: Final = frozenset({b"", b"{}", b"null"})
COUNTS: Final = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_write_input_tokens",
}
"""Our name of each token count → the API's."""
_RESPONSES: Final = {
    "answered_at": MOMENT,
    **dict.fromkeys((*COUNTS, "cache_write_1h", "web_searches"), pa.int64()),
    "service_tier": pa.string(),
    "negatives": pa.uint8(),
    **dict.fromkeys(("split_unknown", "split_clamped", "total_mismatch"), pa.bool_()),
    **dict.fromkeys(("cost", "shadow_cost", "cache_saving"), pa.int64()),
    "status": pa.string(),
    "tier": pa.int64(),
    **dict.fromkeys(("price_id", "source", "note"), pa.string()),
}
_MONEY: Final = {
    "responses": pa.uint32(),
    **dict.fromkeys((*COUNTS, *(f"{name}_sum" for name in COUNTS)), pa.int64()),
    **dict.fromkeys(("priced_tokens", "cost", "shadow_cost", "cache_saving"), pa.int64()),
    "status": pa.string(),
}


@dataclass(frozen=True)
class Children:
    """All child rows of one kind in a batch, each with the number of the row it hangs on."""

    row: NDArray[np.int32]
    ordinal: NDArray[np.uint32]

    @classmethod
    def of(cls, sizes: Sequence[int]) -> "Children":
        """Place the children of rows that have so many each."""
        counts = np.array(sizes, dtype=np.int64)
        row = np.repeat(np.arange(len(counts)), counts)
        first = np.repeat(np.cumsum(counts) - counts, counts)
        return cls(row.astype(np.int32), (np.arange(len(row)) - first).astype(np.uint32))

    def count(self, size: int, chosen: NDArray[np.bool_] | None = None) -> pa.Array:
        """How many children each row has, or how many chosen ones."""
        rows = self.row if chosen is None else self.row[chosen]
        return pa.array(np.bincount(rows, minlength=size).astype(np.uint32))


def interception_tables(
    rows: Sequence[BulkInterception], digests: Sequence[int], book: Book, *, text: bool
) -> UsageTables:
    """The store's tables of priced interceptions (api-contract 5.2 to 5.5, docs/costs.md).

    Args:
        rows: interceptions, each id once.
        digests: of each row as received, signed 64 bits.
        book: the prices.
        text: whether prompts and tool inputs are stored.
    """
    size = len(rows)
    prompts = [prompt for row in rows for prompt in row.user_prompts or ()]
    calls = [call for row in rows for call in row.tool_usages or ()]
    written = Children.of([len(row.user_prompts or ()) for row in rows])
    called = Children.of([len(row.tool_usages or ()) for row in rows])
    injected = np.array([call.injected for call in calls], dtype=bool)
    failed = np.array([bool(call.invocation_error) for call in calls], dtype=bool)
    priced = _priced(rows, book)
    identity = _identity(rows)
    usage = identity | {
        "vendor": _vendors(rows, priced, identity["started_at"], book),
        "prompts": written.count(size),
        "tool_calls": called.count(size),
        "injected": called.count(size, injected),
        "tool_errors": called.count(size, failed),
        **money_columns(priced, priced["interception_id"].to_numpy(), size),
        "digest": pa.array(digests, pa.int64()),
    }
    return UsageTables(
        usage=pa.table(usage),
        responses=response_table(
            priced.rename(columns={"created_at": "answered_at"}), priced["interception_id"]
        ),
        tool_calls=tool_call_table(calls, called, failed),
        prompts=prompt_table([(each.created_at, each.prompt) for each in prompts], written)
        if text
        else None,
        tool_inputs=tool_input_table(calls, called, [call.invocation_error for call in calls])
        if text
        else None,
    )


def _identity(rows: Sequence[BulkInterception]) -> dict[str, pa.Array]:
    people = [row.initiator for row in rows]
    return {
        "row": pa.array(np.arange(len(rows), dtype=np.int32)),
        "id": pa.array([str(row.id) for row in rows], pa.string()),
        "initiator_id": pa.array([str(person.id) for person in people], pa.string()),
        "username": texts([person.username for person in people]),
        "name": texts([person.name or "" for person in people]),
        "started_at": moments(row.started_at for row in rows),
        "ended_at": moments(row.ended_at for row in rows),
        "provider": texts([row.provider for row in rows]),
        "provider_name": texts([row.provider_name for row in rows]),
        "model": texts([row.model for row in rows]),
        "client": texts([row.client for row in rows]),
        "api_key_id": texts([row.api_key_id for row in rows]),
    }


def _vendors(
    rows: Sequence[BulkInterception], priced: pd.DataFrame, started_at: pa.Array, book: Book
) -> pa.Array:
    """The vendor of each row; of a row without responses, the one that would have billed."""
    vendors = np.full(len(rows), None, dtype=object)
    vendors[priced["interception_id"].to_numpy()] = priced["vendor"].astype(object)
    bare = [place for place, row in enumerate(rows) if not row.token_usages]
    columns = {name: _kinds([getattr(rows[place], name) for place in bare]) for name in _NAMES}
    times = started_at.take(pa.array(bare, pa.int64())).to_pandas()
    vendors[bare] = pricing.vendors(pd.DataFrame(columns | {"created_at": times}), book).astype(
        object
    )
    return pa.array([vendor or None for vendor in vendors], pa.string(), from_pandas=True)


def _priced(rows: Sequence[BulkInterception], book: Book) -> pd.DataFrame:
    """Responses with their prices; ``interception_id`` is the number of the row."""
    counts = [len(row.token_usages or ()) for row in rows]
    tokens = [token for row in rows for token in row.token_usages or ()]
    responses = pricing.responses(_token_rows(tokens, Children.of(counts).row))
    which = responses["interception_id"].to_numpy()
    named = {name: _kinds([getattr(row, name) for row in rows]).take(which) for name in _NAMES}
    inputs = responses.assign(**named)
    return pd.concat([responses, pricing.price(inputs, book)], axis="columns")


def _token_rows(tokens: Sequence[BulkTokenUsage], row: NDArray[np.int32]) -> pd.DataFrame:
    counts = {
        ours: np.array([getattr(token, wire) for token in tokens], dtype=np.int64).clip(-MOST, MOST)
        for ours, wire in COUNTS.items()
    }
    columns = {
        "interception_id": row,
        "provider_response_id": [token.provider_response_id for token in tokens],
        "created_at": moments(token.created_at for token in tokens).to_pandas(),
        **counts,
    }
    return pd.DataFrame(columns | _extras(tokens))


def _extras(tokens: Sequence[BulkTokenUsage]) -> dict[str, "pd.Series[Any]"]:
    """The values of the metadata, a column each; missing where a row has none."""
    raws = [bytes(token.metadata) for token in tokens]
    # The same few metadata come again and again.
    known = {raw: pricing.extras(_object(raw)) for raw in set(raws) - _NOTHING}
    extras = [known.get(raw, _NO_EXTRAS) for raw in raws]
    names = sorted({name for one in known.values() for name in one})
    return {name: _sparse([one.get(name) for one in extras]) for name in names}


def _object(raw: bytes) -> dict[str, object]:
    value = msgspec.json.decode(raw)
    return value if isinstance(value, dict) else {}


def _sparse(values: list[int | str | None]) -> "pd.Series[Any]":
    is_text = any(isinstance(value, str) for value in values)
    return pd.Series(values, dtype="str" if is_text else "Int64")


def _kinds(values: Sequence[str]) -> pd.Categorical:
    codes, kinds = pd.factorize(np.array(values, dtype=object))
    # Cleaned, two kinds may be one.
    places, names = pd.factorize(np.array([clean(kind) for kind in kinds], dtype=object))
    return pd.Categorical.from_codes(places[codes], pd.Index(names, dtype="str"))


def money_columns(priced: pd.DataFrame, row: NDArray[np.int64], size: int) -> dict[str, pa.Array]:
    """What each of ``size`` rows used and cost, of its responses; ``row`` is each response's."""
    sums = pricing.usage_money(priced, row, size)
    return {name: series(sums[name], kind) for name, kind in _MONEY.items() if name in sums}


def response_table(priced: pd.DataFrame, row: "pd.Index[int] | pd.Series[int]") -> pa.Table:
    """Priced responses, each with the number of the row it hangs on."""
    columns = {
        name: series(priced[name], kind) for name, kind in _RESPONSES.items() if name in priced
    }
    return pa.table({"row": pa.array(row.to_numpy(dtype=np.int32))} | columns)


def tool_call_table(
    calls: Sequence[BulkToolUsage] | Sequence[ToolCall],
    place: Children,
    failed: NDArray[np.bool_] | None = None,
) -> pa.Table:
    """Tool calls; without ``failed`` it is not known how they ended."""
    columns = {
        "row": place.row,
        "ordinal": place.ordinal,
        "called_at": moments(call.created_at for call in calls),
        "tool": texts([call.tool for call in calls]),
        "server_url": texts([call.server_url for call in calls]),
        "injected": pa.array([call.injected for call in calls], pa.bool_()),
        "input_hash": pa.array([_input_hash(call.input) for call in calls], pa.int64()),
    }
    return pa.table(columns if failed is None else {**columns, "failed": failed})


def _input_hash(text: str) -> int:
    """A stable 64-bit checksum of a tool's input, to recognise equal inputs without storing them.

    It does not resist deliberate collisions; nothing depends on that.
    """
    raw = text.encode("utf-8", "surrogatepass")
    return crc32(raw) - 2**31 << 32 | adler32(raw)


def prompt_table(prompts: Sequence[tuple[datetime, str]], place: Children) -> pa.Table:
    """Prompts with the times at which they were written."""
    return pa.table(
        {
            "row": place.row,
            "ordinal": place.ordinal,
            "written_at": moments(at for at, _ in prompts),
            "text": texts([text for _, text in prompts]),
        }
    )


def tool_input_table(
    calls: Sequence[BulkToolUsage] | Sequence[ToolCall], place: Children, errors: Sequence[str]
) -> pa.Table:
    """Inputs of tool calls, and what the tools said that failed; "" for none."""
    return pa.table(
        {
            "row": place.row,
            "ordinal": place.ordinal,
            "input": texts([call.input for call in calls]),
            "error": texts(errors),
        }
    )
