"""Writes a sheet as CSV or Parquet."""

import io
from codecs import BOM_UTF8
from csv import writer
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from bridgeboard.exports.manifest import Manifest, manifest_json
from bridgeboard.exports.sheets import DIGITS, Cell, Kind, Sheet, defused, words


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


KEY: Final = b"bridgeboard"
"""Of the manifest in the schema's metadata."""

_DECIMALS: Final = 12
_INT64: Final = range(-(2**63), 2**63)
_TYPES: Final = {
    "rate": pa.float64(),
    "seconds": pa.float64(),
    "text": pa.string(),
    "date": pa.date32(),
    "moment": pa.timestamp("us", tz="UTC"),
    "flag": pa.bool_(),
}


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
