"""Translates old links to the words of today; a frozen table (``old_urls.toml``).

Addresses once carried what the screen said: ``range=Last+7+days``, ``overview-show=Tokens``. Later
they had a parameter for whether values are left out (``models=a&not_models=true``), and days and
times of day apart (``period=custom&dates=2026-11-01&from=09:00``). Links and saved views of those
times keep working. Labels of today may change; this table must not.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from bridgeboard.ui.filter_words import written

FILTERS: Final[Mapping[str, str]] = {
    "teams": "team",
    "people": "person",
    "providers": "provider",
    "instances": "instance",
    "vendors": "vendor",
    "models": "model_id",
    "clients": "client",
}
"""Old parameter of a filter → the one that took its place."""
NAMES: Final[Mapping[str, str]] = {**FILTERS, "range": "period", "until": "to"}
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

_TIME: Final = re.compile(r"\d\d:\d\d(:\d\d)?")
_SWITCHED: Final[Mapping[str, Sequence[str]]] = {"true": (), "false": ("none",)}
"""Whether there is a comparison → which."""
_HOUR: Final = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d\d):00")
_ROWS: Final = re.compile(r"(\d+)-\d+")
_COHORT: Final = re.compile(r"(\d{4}-\d\d-\d\d), (in the first week|(\d{1,3}) weeks? later)")
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d) ([+-]\d{4})")


def of_today(words: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What an address says, in the parameters and values of today.

    What an old label named and no page has any more is left out.
    """
    translated = _of_today(tuple((name, tuple(values)) for name, values in words.items()))
    return {name: list(values) for name, values in translated.items()}


@lru_cache(maxsize=256)
def _of_today(pairs: tuple[tuple[str, tuple[str, ...]], ...]) -> Mapping[str, Sequence[str]]:
    words = dict(pairs)
    answer: dict[str, Sequence[str]] = {}
    for old, values in words.items():
        name = "initiator" if old == "person" and "id" in words else NAMES.get(old, old)
        if name == old or name not in words:
            answer[name] = _values(old, name, values, words)
    _join_days(words, answer)
    return {name: values for name, values in answer.items() if values}


def _values(
    old: str, name: str, values: Sequence[str], words: Mapping[str, Sequence[str]]
) -> Sequence[str]:
    if old in FILTERS:
        switched = words.get(f"not_{old}", ("",))[-1].lower()
        return written([value for value in values if value], is_left_out=switched == "true")
    if old.removeprefix("not_") in FILTERS and values[-1].lower() in {"true", "false"}:
        return ()
    if name == "compare" and values[-1].lower() in _SWITCHED:
        return _SWITCHED[values[-1].lower()]
    return [new for word in values if (new := short(name, word)) is not None]


def _join_days(words: Mapping[str, Sequence[str]], answer: dict[str, Sequence[str]]) -> None:
    """Days and times of day of earlier addresses, as moments; the times only of custom days."""
    is_custom = "custom" in answer.get("period", ())
    days = sorted(filter(None, answer.pop("dates", ())))
    hours = {
        name: words[old][-1]
        for old, name in (("from", "from"), ("until", "to"))
        if old in words and _TIME.fullmatch(words[old][-1])
    }
    if is_custom:
        answer["period"] = [word for word in answer["period"] if word != "custom"]
    for name, day in (("from", days[:1]), ("to", days[-1:])):
        at = hours.get(name) if is_custom else None
        if day or at:
            answer[name] = ["".join(day) + (f"T{at}" if at else "")]
        elif name in hours:
            answer.pop(name, None)
    if is_custom and not {"from", "to"} & {*answer} and not answer["period"]:
        answer["period"] = ["7d"]


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
