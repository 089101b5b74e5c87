"""What an export is about, as lines of text for people."""

from collections.abc import Mapping

from bridgeboard.exports.cells import zulu
from bridgeboard.exports.manifest import UNITS, Manifest
from bridgeboard.exports.sheets import Sheet


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


def definitions(sheet: Sheet) -> list[tuple[str, str, str, str]]:
    """What each column means, under a line of headings."""
    columns = [
        (column.header, column.label, UNITS[column.kind], column.definition)
        for column in sheet.columns
    ]
    return [("Column", "Label", "Unit", "Definition"), *columns]


def _filters(word: str, filters: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(f"{word} {name}", ", ".join(filters[name])) for name in sorted(filters)]
