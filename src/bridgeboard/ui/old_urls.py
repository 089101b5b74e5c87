"""Translates labels in old links to the short values of today; a frozen table (``old_urls.toml``).

Addresses once carried what the screen said: ``range=Last+7+days``, ``overview-show=Tokens``. Links
and saved views of that time keep working. Labels of today may change; this table must not.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

NAMES: Final[Mapping[str, str]] = {"range": "period"}
"""Old parameter → the one that took its place."""

_TABLES: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_PERIODS: Final[Mapping[str, str]] = _TABLES["periods"]
_METRICS: Final[Mapping[str, str]] = _TABLES["metrics"]
_DIMENSIONS: Final[Mapping[str, str]] = _TABLES["dimensions"]
_COLUMNS: Final[Mapping[str, str]] = _TABLES["columns"]
_KINDS: Final[Mapping[str, str]] = _TABLES["kinds"]
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
