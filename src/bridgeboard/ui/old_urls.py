"""Translates labels in old links to the short values of today; a frozen table.

Addresses once carried what the screen said: ``range=Last+7+days``, ``overview-show=Tokens``. Links
and saved views of that time keep working. Labels of today may change; this table must not.
"""

import re
from collections.abc import Mapping
from typing import Final

NAMES: Final[Mapping[str, str]] = {"range": "period"}
"""Old parameter → the one that took its place."""

_PERIODS: Final = {
    "Today": "today",
    "Last 7 days": "7d",
    "Last 30 days": "30d",
    "Last 90 days": "90d",
    "Month to date": "month",
    "Last month": "last-month",
    "Quarter to date": "quarter",
    "Custom days": "custom",
}
_METRICS: Final = {
    "Spend": "spend",
    "Shadow cost": "shadow_cost",
    "Cache saving": "cache_saving",
    "Spend per request": "cost_per_request",
    "Spend per prompt": "cost_per_prompt",
    "Spend per session": "cost_per_session",
    "Spend per thread": "cost_per_thread",
    "Spend per person": "cost_per_person",
    "Spend per tool call": "cost_per_tool_call",
    "Spend per million": "cost_per_million_tokens",
    "Requests": "requests",
    "Responses": "responses",
    "Unmetered requests": "unmetered_requests",
    "Sessions": "sessions",
    "Active sessions": "sessions",
    "Threads": "threads",
    "Prompts": "prompts",
    "Active people": "active_people",
    "Median duration": "duration_p50",
    "Duration (95%)": "duration_p95",
    "Input tokens": "input_tokens",
    "Output tokens": "output_tokens",
    "Cache reads": "cache_read_tokens",
    "Cache writes": "cache_write_tokens",
    "Tokens": "total_tokens",
    "Tokens as recorded": "recorded_tokens",
    "Unpriced tokens": "unpriced_tokens",
    "Priced share": "priced_rate",
    "Exact share": "exact_rate",
    "Cache hit rate": "cache_hit_rate",
    "Output share": "output_rate",
    "Tool calls": "tool_calls",
    "Injected calls": "injected_calls",
    "Tool errors": "tool_errors",
    "Tool error rate": "tool_error_rate",
    "Detail coverage": "detail_coverage",
}
_DIMENSIONS: Final = {
    "Person": "initiator",
    "Team": "team",
    "Provider": "provider",
    "Provider instance": "provider_name",
    "Vendor": "vendor",
    "Model": "model",
    "Client": "client",
    "Credential": "credential_kind",
    "Tool": "tool",
    "MCP server": "server",
    "Accuracy": "accuracy",
    "Price status": "status",
    "Nothing": "none",
}
_COLUMNS: Final = {
    "Session": "id",
    "Person": "person",
    "Name": "name",
    "Team": "team",
    "Client": "client",
    "Providers": "providers",
    "Models": "models",
    "Credentials": "credential_kinds",
    "Started": "started_at",
    "Last active": "last_active_at",
    "Duration": "duration_seconds",
    "Threads": "threads",
    "Requests": "requests",
    "Prompts": "prompts",
    "Tool calls": "tool_calls",
    "Tool errors": "tool_errors",
    "Failed threads": "failed_threads",
    "Input tokens": "input",
    "Output tokens": "output",
    "Cache reads": "cache_read",
    "Cache writes": "cache_write",
    "Tokens": "total_tokens",
    "Tokens as recorded": "recorded_tokens",
    "Cache hit rate": "cache_hit_rate",
    "Spend": "cost",
    "Shadow cost": "shadow_cost",
    "Accuracy": "accuracy",
    "Text": "has_text",
    "Details": "has_details",
    "Extent": "extent",
    "Sums": "summed_rows",
    "Sums of sessions": "unread_rows",
    "Unpriced tokens": "unpriced_tokens",
    "Whole session: requests": "whole_requests",
    "Whole session: tokens": "whole_tokens",
    "Whole session: spend": "whole_cost",
}
_KINDS: Final = {
    "Runaway session": "runaway",
    "Spend anomaly": "spend_spike",
    "New model": "new_model",
    "Lost cache": "cache_collapse",
    "Failing tool": "failing_tool",
    "Provider outage": "provider_outage",
    "Gap in the data": "data_gap",
    "Own keys": "credential_drift",
    "Unpriced usage": "unpriced",
}
GONE: Final = frozenset(
    (name, word) for name in ("sort", "columns") for word in ("Priced tokens", "priced_tokens")
)
"""Parameter and word of what there is no more: tokens stand beside those without a price."""
LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "period": _PERIODS,
    "sort": _COLUMNS,
    "columns": _COLUMNS,
    "outcome": {"With errors": "with", "Without errors": "without"},
    "kinds": _KINDS,
    "severities": {"High": "high", "Medium": "medium", "Low": "low"},
    "active": {"Daily": "1", "Weekly": "7", "Monthly": "28"},
}
"""Parameter → its labels of that time → short words."""
ENDINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "-show": _METRICS,
    "-sort": _METRICS,
    "-by": _DIMENSIONS,
}
"""The same for what many pages have, by how the parameter's name ends."""

_HOUR: Final = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d\d):00")
_ROWS: Final = re.compile(r"(\d+)-\d+")
_COHORT: Final = re.compile(r"(\d{4}-\d\d-\d\d), (in the first week|(\d{1,3}) weeks? later)")
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d) ([+-]\d{4})")


def short(name: str, word: str) -> str | None:
    """The word that took the place of one of a parameter's; any other word as it is.

    None is for what no page has any more: an address with it says nothing by it.
    """
    return None if (name, word) in GONE else _short(name, word)


def _short(name: str, word: str) -> str:
    labels = LABELS.get(name) or next(
        (labels for ending, labels in ENDINGS.items() if name.endswith(ending)), {}
    )
    if word in labels:
        return labels[word]
    if name in {"hour", "person-hour"} and (match := _HOUR.fullmatch(word)):
        return f"{match[1].lower()}-{match[2]}"
    if name.endswith("-rows") and (match := _ROWS.fullmatch(word)):
        return match[1]
    if name == "cohort" and (match := _COHORT.fullmatch(word)):
        return f"{match[1]}~{match[3] or 0}"
    if name == "beside-at" and (match := _MOMENT.fullmatch(word)):
        zone = "UTC" if match[3] == "+0000" else f"{match[3][:3]}:{match[3][3:]}"
        return f"{match[1]}T{match[2]}{zone}"
    return word
