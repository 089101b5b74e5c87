"""A sheet → CSV, for spreadsheets and scripts alike."""

import io
from codecs import BOM_UTF8
from csv import writer

from bridgeboard.exports.cells import defused, words
from bridgeboard.exports.sheets import Sheet


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
