"""The description of an export: scope, definitions, and how to get the same numbers again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from bridgeboard.exports.sheets import Column, ExportError, Kind, Sheet, zulu

FORMAT: Final = "bridgeboard-export"

UNITS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "count": "number",
        "money": "US dollars",
        "rate": "ratio",
        "seconds": "seconds",
        "text": "text",
        "date": "day",
        "moment": "time in UTC",
        "flag": "true or false",
    }
)
"""What the values of each kind are, for whoever reads the file."""

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What an export is about.

    Args:
        title: what was asked, for people.
        since: the period's beginning; aware, as are all times here.
        until: its end, which it does not include.
        zone: IANA name of the zone whose days count.
        include: per dimension the values kept.
        exclude: per dimension the values left out.
        data_version: of the store's data, as the store tells it.
        synced_at: when the data was last brought up to date; None for never.
        price_version: of the price list; None where nothing is priced.
        made_at: when this was exported.
        notes: what else a reader must know, a sentence each.

    Raises:
        ExportError: for a naive time, a period that ends before it begins, or an unknown zone.
    """

    title: str
    since: datetime
    until: datetime
    zone: str
    include: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    data_version: str
    synced_at: datetime | None = None
    price_version: str | None = None
    made_at: datetime
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("since", "until", "made_at", "synced_at"):
            at: datetime | None = getattr(self, name)
            if at is not None and at.tzinfo is None:
                raise ExportError(f"{name} has no time zone.")
        if self.until < self.since:
            raise ExportError(f"The period ends before it begins: {self.since} to {self.until}.")
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:
            raise ExportError(f"{self.zone!r} is no time zone.") from error

    @property
    def first_day(self) -> date:
        """The day in the zone that ``since`` is in."""
        return self.since.astimezone(ZoneInfo(self.zone)).date()

    @property
    def last_day(self) -> date:
        """The day in the zone that the period's last moment is in."""
        last = max(self.since, self.until - _MICROSECOND)
        return last.astimezone(ZoneInfo(self.zone)).date()


def manifest_json(sheet: Sheet, manifest: Manifest) -> bytes:
    """The manifest as JSON: scope, versions, rows, what each column means and how exact it is.

    In ASCII, so that filters stay exactly as they were chosen and yet nothing in them can act.
    """
    return (json.dumps(_description(sheet, manifest), indent=2) + "\n").encode("ascii")


def _description(sheet: Sheet, manifest: Manifest) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "title": manifest.title,
        "sheet": sheet.name,
        "period": {"since": zulu(manifest.since), "until": zulu(manifest.until)},
        "zone": manifest.zone,
        "days": [manifest.first_day.isoformat(), manifest.last_day.isoformat()],
        "include": _sorted(manifest.include),
        "exclude": _sorted(manifest.exclude),
        "data_version": manifest.data_version,
        "synced_at": zulu(manifest.synced_at) if manifest.synced_at else None,
        "price_version": manifest.price_version,
        "made_at": zulu(manifest.made_at),
        "rows": len(sheet.rows),
        "columns": [_column(column) for column in sheet.columns],
        "notes": list(manifest.notes),
    }


def _column(column: Column) -> dict[str, str | None]:
    return {
        "name": column.header,
        "label": column.label,
        "kind": column.kind,
        "unit": UNITS[column.kind],
        "definition": column.definition,
        "accuracy": column.accuracy or None,
        "accuracy_reason": column.reason or None,
    }


def _sorted(filters: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {name: list(filters[name]) for name in sorted(filters)}


def facts(sheet: Sheet, manifest: Manifest) -> list[tuple[str, str]]:
    """(what, how it is) pairs: the scope, then where the numbers come from, then notes."""
    return [
        ("Title", manifest.title),
        ("Sheet", sheet.name),
        ("Days", f"{manifest.first_day} to {manifest.last_day}, the last one included"),
        ("Time zone of the days", manifest.zone),
        ("Since", zulu(manifest.since)),
        ("Until, not included", zulu(manifest.until)),
        *_filters("Only", manifest.include),
        *_filters("Without", manifest.exclude),
        ("Rows", str(len(sheet.rows))),
        ("Data version", manifest.data_version),
        ("Synced at", zulu(manifest.synced_at) if manifest.synced_at else "never"),
        ("Price version", manifest.price_version or "none"),
        ("Exported at", zulu(manifest.made_at)),
        *(("Note", note) for note in manifest.notes),
    ]


def definitions(sheet: Sheet) -> list[tuple[str, str, str, str, str]]:
    """What each column means and how exact it is, under a line of headings."""
    columns = [
        (one.header, one.label, UNITS[one.kind], one.definition, one.accuracy_in_words)
        for one in sheet.columns
    ]
    return [("Column", "Label", "Unit", "Definition", "Accuracy"), *columns]


def _filters(word: str, filters: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(f"{word} {name}", ", ".join(filters[name])) for name in sorted(filters)]
