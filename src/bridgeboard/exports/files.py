"""Writes a sheet as CSV, as Parquet, or as XLSX with a second worksheet that describes it."""

import io
import re
import unicodedata
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from csv import writer
from datetime import UTC, date
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from bridgeboard.exports.manifest import Manifest, definitions, facts, manifest_json
from bridgeboard.exports.sheets import (
    DIGITS,
    PICO,
    Cell,
    ExportError,
    Kind,
    Sheet,
    defused,
    harmless,
    words,
)

KEY: Final = b"bridgeboard"
"""Of the manifest in the schema's metadata."""

_DECIMALS: Final = 12
_LONGEST: Final = 80  # characters of a sheet's name in that of a file
_INT64: Final = range(-(2**63), 2**63)
_TYPES: Final = {
    "rate": pa.float64(),
    "seconds": pa.float64(),
    "text": pa.string(),
    "date": pa.date32(),
    "moment": pa.timestamp("us", tz="UTC"),
    "flag": pa.bool_(),
}
ROWS: Final = 1_048_575
"""What fits below a header."""

COLUMNS: Final = 16_384
"""What fits beside each other."""

LONGEST: Final = 32_767
"""UTF-16 units that fit into a cell."""

CUT: Final = " … [cut]"
"""What ends a text of which more was recorded."""

ABOUT: Final = "About"

# All in memory: recorded text is private and has no business in temporary files.
_OPTIONS: Final = {
    "in_memory": True,
    "remove_timezone": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
# A quote prefix keeps a text a text when somebody edits its cell.
_TEXT: Final = {"quote_prefix": True}
_LOOKS: Final[Mapping[Kind, Mapping[str, object]]] = {
    "count": {"num_format": "#,##0"},
    "money": {"num_format": '"$"#,##0.00####'},
    "rate": {"num_format": "0.0%"},
    "seconds": {"num_format": "#,##0.000"},
    "text": _TEXT,
    "date": {"num_format": "yyyy-mm-dd"},
    "moment": {"num_format": 'yyyy-mm-dd hh:mm:ss"Z"'},
    "flag": {},
}
_EARLIEST: Final = 1900  # the first year spreadsheets count
_SAMPLE: Final = 1_000  # rows that decide how wide a column is
_WIDTHS: Final = (8, 60)  # characters
_ABOUT_WIDTHS: Final = (28, 60, 16, 80, 60)
_ARROW: Final = 4  # characters beside a header, for the filter's button
_RESERVED: Final = frozenset({"about", "history"})
_NAME: Final = 31  # UTF-16 units of a sheet's name


def file_name(name: str, manifest: Manifest, ending: str) -> str:
    """A name of ASCII letters, digits, dots and dashes, whatever the table is called.

    ``bridgeboard-spend-by-model-2026-11-01-2026-11-24.csv``: the days are those of the manifest's
    zone, the last one included.
    """
    days = f"{manifest.first_day}-{manifest.last_day}"
    subject = _slug(name)[:_LONGEST].strip("-") or "export"
    return f"bridgeboard-{subject}-{days}.{_slug(ending)}"


def _slug(text: str) -> str:
    simple = unicodedata.normalize("NFKD", text.casefold())
    plain = simple.encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def csv(sheet: Sheet) -> bytes:
    """The sheet as UTF-8 with a byte order mark, without which Excel would misread it.

    A line of headers, then one a row, each ended by CRLF. Money is in dollars with all decimals,
    times are in UTC with Z, flags ``true`` or ``false``; unknown values are empty. No cell begins
    a formula, nor would it where semicolons separate cells.

    Raises:
        ExportError: for a value that is none of its column's kind.
    """
    columns = [
        [words(column.kind, cell) for cell in cells]
        for column, cells in zip(sheet.columns, sheet.cells(), strict=True)
    ]
    out = io.StringIO(newline="")
    lines = writer(out)
    lines.writerow([defused(header) for header in sheet.headers])
    lines.writerows(zip(*columns, strict=True))
    return BOM_UTF8 + out.getvalue().encode("utf-8")


def parquet(sheet: Sheet, manifest: Manifest) -> bytes:
    """The sheet as one Parquet file, with ``manifest_json`` in its schema's metadata.

    Money is decimal128(38, 12) in dollars, counts int64 (decimal128(38, 0) in a column that has
    one beyond), rates and seconds float64, days date32, times timestamps in UTC; unknown is null.

    Raises:
        ExportError: for a value that is none of its column's kind.
    """
    pairs = zip(sheet.columns, sheet.cells(), strict=True)
    arrays = [_array(column.kind, cells) for column, cells in pairs]
    table = pa.Table.from_arrays(
        arrays, names=list(sheet.headers), metadata={KEY: manifest_json(sheet, manifest)}
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _array(kind: Kind, cells: list[Cell]) -> Any:
    if kind == "money":
        # The same digits with the point moved: no arithmetic, so nothing to round.
        return pa.array(cells, pa.decimal128(DIGITS, 0)).view(pa.decimal128(DIGITS, _DECIMALS))
    if kind == "count":
        small = all(cell is None or cell in _INT64 for cell in cells)
        return pa.array(cells, pa.int64() if small else pa.decimal128(DIGITS, 0))
    return pa.array(cells, _TYPES[kind])


def xlsx(sheet: Sheet, manifest: Manifest) -> bytes:
    """The sheet as a workbook: its table, and "About" with the manifest and the definitions.

    Numbers are doubles to 16 digits, money in dollars, times in UTC to the millisecond. Text is
    always text, never formula nor link; what is longer than a cell holds ends in ``CUT``. Days
    before 1900, which spreadsheets do not know, are text.

    Raises:
        ExportError: for a value that is none of its column's kind, or more rows or columns than a
            spreadsheet holds.
    """
    if obstacle := xlsx_obstacle(len(sheet.rows), len(sheet.columns)):
        raise ExportError(obstacle)
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, _OPTIONS) as book:
        created = manifest.made_at.astimezone(UTC).replace(tzinfo=None)
        book.set_properties({"title": harmless(manifest.title), "created": created})
        _write_table(book, sheet)
        _write_about(book, sheet, manifest)
    return out.getvalue()


def xlsx_obstacle(rows: int, columns: int = 1) -> str:
    """Why a table of that size does not fit into a spreadsheet; "" if it does."""
    if rows <= ROWS and columns <= COLUMNS:
        return ""
    return (
        f"A spreadsheet holds {ROWS:,} rows and {COLUMNS:,} columns at most; export"
        f" {rows:,} by {columns:,} as CSV or Parquet."
    )


def sheet_name(name: str) -> str:
    """A name that spreadsheets allow: of 31 characters, not one they reserve, no ``[]:*?/``."""
    simple = re.sub(r"[\[\]:*?/\\\s]+", " ", harmless(name)).strip(" '")
    short = _units(simple, _NAME).strip(" '") or "Data"
    return f"{short} data" if short.lower() in _RESERVED else short


def fitted(text: str) -> str:
    """Harmless text as a cell may hold it."""
    # The library would take this for markup of its own and write it without escaping.
    if text.startswith("<r>") and text.endswith("</r>"):
        text = f"{text} "
    if len(text) <= LONGEST // 2 or _units(text, LONGEST) == text:
        return text
    return _units(text, LONGEST - len(CUT)) + CUT


def _write_table(book: Any, sheet: Sheet) -> None:
    table = book.add_worksheet(sheet_name(sheet.name))
    table.freeze_panes(1, 0)
    table.autofilter(0, 0, len(sheet.rows), len(sheet.columns) - 1)
    heading = book.add_format({"bold": True, "bottom": 1, **_TEXT})
    looks = {kind: book.add_format(dict(look)) for kind, look in _LOOKS.items()}
    pairs = zip(sheet.columns, sheet.cells(), strict=True)
    for place, (column, cells) in enumerate(pairs):
        table.set_column(place, place, _width(column.kind, column.header, cells))
        table.write_string(0, place, fitted(column.header), heading)
        for row, cell in enumerate(cells, 1):
            if cell is not None:
                _write(table, row, place, _shown(column.kind, cell), looks[column.kind])


def _shown(kind: Kind, cell: Cell) -> Cell:
    """What a spreadsheet has for a plain value."""
    if isinstance(cell, str):
        return fitted(cell)
    if isinstance(cell, date) and cell.year < _EARLIEST:
        return words(kind, cell)
    return cell / PICO if kind == "money" and isinstance(cell, int) else cell


def _write(table: Any, row: int, place: int, shown: Cell, look: object) -> None:
    # By type, not by the library's own guess, which is slower and looks into texts.
    if isinstance(shown, str):
        table.write_string(row, place, shown, look)
    elif isinstance(shown, bool):
        table.write_boolean(row, place, shown, look)
    elif isinstance(shown, date):
        table.write_datetime(row, place, shown, look)
    else:
        table.write_number(row, place, shown, look)


def _write_about(book: Any, sheet: Sheet, manifest: Manifest) -> None:
    about = book.add_worksheet(ABOUT)
    plain = book.add_format({"text_wrap": True, "valign": "top", **_TEXT})
    bold = book.add_format({"bold": True, "valign": "top", **_TEXT})
    for place, width in enumerate(_ABOUT_WIDTHS):
        about.set_column(place, place, width)
    lines = facts(sheet, manifest)
    _write_lines(about, 0, lines, (bold, plain))
    heads, *columns = definitions(sheet)
    _write_lines(about, len(lines) + 1, [heads], (bold, bold))
    _write_lines(about, len(lines) + 2, columns, (bold, plain))


def _write_lines(
    about: Any, first: int, lines: Sequence[Sequence[str]], looks: tuple[object, object]
) -> None:
    for row, line in enumerate(lines, first):
        for place, text in enumerate(line):
            about.write_string(row, place, fitted(harmless(text)), looks[min(place, 1)])


def _width(kind: Kind, header: str, cells: list[Cell]) -> int:
    longest = max((len(words(kind, cell)) for cell in cells[:_SAMPLE]), default=0)
    least, most = _WIDTHS
    return min(max(longest + 1, len(header) + _ARROW, least), most)


def _units(text: str, most: int) -> str:
    """As many characters as fit into so many UTF-16 units."""
    return text.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore")
