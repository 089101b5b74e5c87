"""The numbers of a session, a thread or nothing: by the definitions of the vocabulary."""

from collections.abc import Mapping
from typing import Final

from bridgeboard.model.metrics import METRICS

NUMBERS: Final[Mapping[str, str]] = {
    "requests": "requests",
    "prompts": "prompts",
    "tool_calls": "tool_calls",
    "injected": "injected_calls",
    "tool_errors": "tool_errors",
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "unpriced_tokens": "unpriced_tokens",
    "cost": "spend",
    "shadow_cost": "shadow_cost",
    "cache_saving": "cache_saving",
}
"""Field → metric. All are additive: those of disjoint parts add up to those of the whole."""

TOKENS: Final = ("input", "output", "cache_read", "cache_write")
RECORDED: Final = " + ".join(f"{{0}}.{name}_sum" for name in TOKENS)
"""SQL: the server's own total of a row of ``usage``, ``threads`` or ``sessions``."""


def summed() -> str:
    """SQL of all numbers over rows ``f`` of ``usage``; NULL where there is no row."""
    return ", ".join(f"{_sql(name)} AS {field}" for field, name in NUMBERS.items())


def _sql(name: str) -> str:
    metric = METRICS[name]
    return metric.value.format(*(part.usage for part in metric.parts))
