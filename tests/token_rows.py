"""Token rows and responses as the tests of the pricing room write them down."""

from datetime import UTC, datetime

import pandas as pd

AT = datetime(2026, 7, 24, 12, tzinfo=UTC)
COUNTS = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "web_searches")


def rows(*given: dict[str, object]) -> pd.DataFrame:
    """Token rows of one Anthropic interception, each with what it says differently."""
    plain = {
        "interception_id": "i1",
        "provider_response_id": "r1",
        "created_at": pd.Timestamp(AT),
        "provider": "anthropic",
        "provider_name": "anthropic",
        "model": "claude-haiku-4-5-20251001",
        **dict.fromkeys(COUNTS, 0),
    }
    return pd.DataFrame([plain | row for row in given])


def response(model: str, provider: str = "openai", **given: object) -> pd.DataFrame:
    """One response of a model, the instance named like its wire type."""
    named = {"provider": provider, "provider_name": provider, "model": model}
    return rows(named | given)
