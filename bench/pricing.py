"""How long a million token rows take to merge and a million responses to price."""

import argparse
import json
import sys
from time import perf_counter

import numpy as np
import pandas as pd

from bridgeboard.pricing import Book, price, responses

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
    """Measure and print; 1 if ``--strict`` and the target is missed."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--responses", type=int, default=1_000_000)
    reader.add_argument("--strict", action="store_true")
    asked = reader.parse_args()
    rows = token_rows(asked.responses)
    start = perf_counter()
    merged = responses(rows)
    between = perf_counter()
    price(merged, Book())
    end = perf_counter()
    say("pricing_merge_seconds", between - start, None)
    say("pricing_price_seconds", end - between, 10)
    return int(asked.strict and end - between > 10)  # noqa: PLR2004  # the target above


def say(name: str, value: float, target: float | None) -> None:
    """One measurement as a line of JSON."""
    print(json.dumps({"name": name, "value": round(value, 3), "unit": "s", "target": target}))


if __name__ == "__main__":
    sys.exit(main())
