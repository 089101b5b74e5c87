"""How long a million token rows take to merge, and responses to price, sum and reprice."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from bench.report import Report, arguments

from bridgeboard.pricing import Book, parse, price, responses, usage_money, vendors
from bridgeboard.store.database import Store
from bridgeboard.sync.reprice import reprice

T = TypeVar("T")

OFFERS = (
    ("anthropic", "anthropic", "claude-sonnet-4-5-20250929"),
    ("anthropic", "anthropic", "claude-haiku-4-5-20251001"),
    ("anthropic", "bedrock-eu", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("copilot", "copilot-business", "claude-sonnet-4.6"),
    ("copilot", "copilot-business", "gpt-4.1"),
    ("openai", "azure-openai", "gpt-5"),
    ("openai", "google", "gemini-2.5-pro"),
    ("openai", "openai", "gpt-5.4"),
    ("openai", "openai", "gpt-5.6-sol"),
    ("openai", "openrouter", "anthropic/claude-sonnet-4.6"),
    ("openai", "openrouter", "deepseek/deepseek-v3.2"),
    ("openai", "vllm-internal", "qwen3-coder"),
)
SECONDS = 180 * 86_400


def token_rows(count: int) -> pd.DataFrame:
    """That many rows of distinct responses over 180 days and every kind of vendor."""
    dice = np.random.default_rng(7)
    chosen = dice.integers(0, len(OFFERS), count)
    named = {
        name: np.array([offer[place] for offer in OFFERS])[chosen]
        for place, name in enumerate(("provider", "provider_name", "model"))
    }
    after = pd.to_timedelta(dice.integers(0, SECONDS, count), unit="s")
    writes = dice.integers(0, 50_000, count)
    return pd.DataFrame(
        {
            "interception_id": [f"interception-{number}" for number in range(count)],
            "provider_response_id": [f"response-{number}" for number in range(count)],
            "created_at": pd.Timestamp("2026-05-20", tz="UTC") + after,
            **named,
            "input": dice.integers(0, 5_000, count),
            "output": dice.integers(0, 5_000, count),
            "cache_read": dice.integers(0, 400_000, count),
            "cache_write": writes,
            "cache_write_1h": writes // 2,
        }
    )


def main() -> int:
    """Measure every step."""
    asked = arguments(__doc__, responses=1_000_000)
    report = Report(strict=asked.strict)
    rows = token_rows(asked.responses)
    merged, merging = timed(lambda: responses(rows))
    report.say("pricing_merge_seconds", merging, "s")
    prices, pricing = timed(lambda: price(merged, Book()))
    report.say("pricing_price_seconds", pricing, "s", 10)
    priced = merged.join(prices)
    row = np.arange(len(priced))
    money, summing = timed(lambda: usage_money(priced, row, len(priced)))
    report.say("pricing_usage_money_seconds", summing, "s", 2)
    report.say("pricing_reprice_seconds", repricing(priced, money), "s", 60)
    return report.verdict()


def repricing(priced: pd.DataFrame, money: pd.DataFrame) -> float:
    """Seconds in which a store of these responses gets other prices for a sixth of them."""
    book = Book(parse('[[price]]\nprovider_name = "anthropic"\nmultiplier = 0.9\n'))
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "bench.duckdb") as store:
        fill(store, priced.assign(started_at=priced["created_at"].dt.tz_convert(None)), money)
        return timed(lambda: reprice(store, book, datetime(2026, 11, 20, tzinfo=UTC)))[1]


def fill(store: Store, priced: pd.DataFrame, money: pd.DataFrame) -> None:
    """Put one request for each response into an empty store."""
    told = {"usage_told": _usage(priced, money), "responses_told": _responses(priced)}
    with store.write() as batch, batch.registered(**told):
        for name in ("usage", "responses"):
            batch.execute(f"INSERT INTO {name} BY NAME FROM {name}_told ORDER BY started_at")


def _usage(priced: pd.DataFrame, money: pd.DataFrame) -> pa.Table:
    zeros = dict.fromkeys(("threads", "prompts", "tool_calls", "injected", "tool_errors"), 0)
    plain = {"grain": "interception", "initiator": 1, "requests": 1, "digest": 0} | zeros
    named = priced[["started_at", "provider", "provider_name", "model"]]
    usage = money.join(named).assign(usage=priced.index, vendor=vendors(priced, Book()), **plain)
    return pa.Table.from_pandas(usage, preserve_index=False)


def _responses(priced: pd.DataFrame) -> pa.Table:
    others = ["interception_id", "provider_response_id", "cache_write_5m", "version", "vendor"]
    others += ["provider", "provider_name", "model", "created_at"]
    others += [name for name in priced if name.endswith("_sum")]
    told = priced.assign(usage=priced.index, answered_at=priced["started_at"])
    return pa.Table.from_pandas(told.drop(columns=others), preserve_index=False)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What some work brings, and its seconds."""
    start = perf_counter()
    return work(), perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
