"""The company that ``bench.world`` draws: who there is to be drawn, as SQL values.

Rates are pico-USD per token: input, output, cache read, cache write.
"""

from collections.abc import Iterable, Sequence
from typing import Final

DAYS: Final = 180
END: Final = "2026-11-16"
PEOPLE: Final = 500
TEAMS: Final = 12
TOOLS: Final = 40
INJECTED_FROM: Final = 28

_SONNET: Final = (3_000_000, 15_000_000, 300_000, 3_750_000)
_OPUS: Final = (5_000_000, 25_000_000, 500_000, 6_250_000)
_HAIKU: Final = (1_000_000, 5_000_000, 100_000, 1_250_000)
_GPT: Final = (1_250_000, 10_000_000, 125_000, 0)
_NEWER_GPT: Final = (2_500_000, 15_000_000, 250_000, 0)
_SMALL_GPT: Final = (250_000, 2_000_000, 25_000, 0)
_OLD_GPT: Final = (2_000_000, 8_000_000, 500_000, 0)
_NONE: Final = (0, 0, 0, 0)

_COLUMNS: Final = "weight, provider, provider_name, vendor, model, ri, ro, rr, rw, status"
_OFFERS: Final = (
    (22, "anthropic", "anthropic", "anthropic", "claude-sonnet-4-5-20250929", *_SONNET, "priced"),
    (30, "anthropic", "anthropic", "anthropic", "claude-opus-4-5-20251101", *_OPUS, "priced"),
    (6, "anthropic", "anthropic", "anthropic", "claude-haiku-4-5-20251001", *_HAIKU, "priced"),
    (6, "anthropic", "bedrock-eu", "aws", "eu.anthropic.claude-sonnet-4-5", *_SONNET, "priced"),
    (10, "openai", "openai", "openai", "gpt-5-codex", *_GPT, "priced"),
    (8, "openai", "openai", "openai", "gpt-5.4", *_NEWER_GPT, "priced"),
    (2, "openai", "openai", "openai", "gpt-5-mini", *_SMALL_GPT, "priced"),
    (4, "openai", "azure-openai", "azure", "gpt-5", *_GPT, "priced"),
    (2, "openai", "azure-openai", "azure", "gpt-4.1", *_OLD_GPT, "priced"),
    (5, "copilot", "copilot-business", "github", "claude-sonnet-4.6", *_SONNET, "notional"),
    (3, "copilot", "copilot-business", "github", "gpt-5.2", *_OLD_GPT, "notional"),
    (2, "openai", "vllm-internal", None, "qwen3-coder", *_NONE, "unpriced"),
)
_CLIENTS: Final = (
    (42, "Claude Code"),
    (18, "Codex"),
    (10, "Cursor"),
    (9, "GitHub Copilot (VS Code)"),
    (8, "Coder Agents"),
    (6, "OpenCode"),
    (4, "Zed"),
    (3, None),
)
_HOURLY: Final = (
    *(0.16, 0.06, 0.04, 0.03, 0.03, 0.05, 0.12, 0.4, 0.9, 1.0, 1.0, 0.9),
    *(0.6, 0.9, 1.0, 1.0, 0.9, 0.8, 0.5, 0.3, 0.3, 0.3, 0.25, 0.2),
)
_WEEKLY: Final = (1.0, 1.1, 1.15, 1.1, 0.9, 0.15, 0.12)

LOTS: Final = 100
"""Weights are whole hundredths: a die of ``LOTS`` sides draws an offer or a client."""


def tables() -> tuple[str, ...]:
    """Statements that make ``offers`` and ``clients`` by lot, and ``hours`` by chance."""
    return (
        f"CREATE TEMP TABLE offers AS {_by_lot(_OFFERS, _COLUMNS)}",
        f"CREATE TEMP TABLE clients AS {_by_lot(_CLIENTS, 'weight, client')}",
        _hours(),
    )


def _by_lot(rows: Sequence[tuple[object, ...]], columns: str) -> str:
    values = ", ".join(f"({', '.join(map(_literal, row))})" for row in _dealt(rows))
    return f"SELECT * EXCLUDE weight FROM (VALUES {values}) AS dealt(lot, {columns})"


def _dealt(rows: Iterable[tuple[object, ...]]) -> Iterable[tuple[object, ...]]:
    lots = (row for row in rows for _ in range(int(str(row[0]))))
    return ((lot, *row) for lot, row in enumerate(lots))


def _literal(value: object) -> str:
    return "NULL" if value is None else repr(value)


def _hours() -> str:
    """Every hour of the period and where its share of all sessions begins; use grows by half."""
    return f"""
        CREATE TEMP TABLE hours AS
        WITH weighed AS (
            SELECT hour_at, (1 + n / {DAYS * 48}.0)
                * {list(_HOURLY)}[1 + hour(hour_at)] * {list(_WEEKLY)}[isodow(hour_at)] AS weight
            FROM (SELECT n, TIMESTAMP '{END}' - to_hours({DAYS * 24} - n) AS hour_at
                  FROM range({DAYS * 24}) AS r(n)))
        SELECT hour_at, coalesce(sum(weight) OVER (
            ORDER BY hour_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
            / sum(weight) OVER () AS drawn_from
        FROM weighed"""  # constants of this file
