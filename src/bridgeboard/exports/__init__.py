"""Tables as CSV, Parquet and XLSX files that describe what they hold.

The numbers are exact: what a file's column adds up to is what the sheet's column adds up to (in
XLSX to the precision of a double, which is what spreadsheets count with). Recorded text is made
harmless on the way (``bridgeboard.exports.sheets``). The same sheet and manifest always make the
same bytes.
"""

from bridgeboard.exports.files import csv, file_name, parquet, xlsx, xlsx_obstacle
from bridgeboard.exports.manifest import Manifest, manifest_json
from bridgeboard.exports.sheets import Column, ExportError, Kind, Sheet

__all__ = [
    "Column",
    "ExportError",
    "Kind",
    "Manifest",
    "Sheet",
    "csv",
    "file_name",
    "manifest_json",
    "parquet",
    "xlsx",
    "xlsx_obstacle",
]
