"""A table in, bytes out: exact numbers, harmless text, and what the file is about."""

import csv as commas
import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from functools import partial
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgeboard import exports
from bridgeboard.demo.company import hostile
from bridgeboard.exports import Column, ExportError, Kind, Manifest, Sheet
from bridgeboard.exports.files import CUT, LONGEST, ROWS, sheet_name

ACTING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
MANIFEST = Manifest(
    title="Spend by model",
    since=datetime(2026, 10, 31, 23, tzinfo=UTC),
    until=datetime(2026, 11, 24, 23, tzinfo=UTC),
    zone="Europe/Berlin",
    include={"team": ("Größe", "Payments"), "model": ("<r>\u202e&</r>",)},
    exclude={"client": ('=HYPERLINK("//evil.example")',)},
    data_version="42",
    synced_at=datetime(2026, 11, 24, 22, 58, 1, tzinfo=UTC),
    price_version="2026-11-20",
    made_at=datetime(2026, 11, 24, 23, 5, tzinfo=UTC),
    notes=("Spend is a lower bound.",),
)
COLUMNS = (
    Column("model", "Model", "text"),
    Column("requests", "Requests", "count", "Requests that ended."),
    Column("spend", "Spend", "money", "Estimated cost at list prices.", "at_least", "no price"),
    Column("cache_hit_rate", "Cache hit rate", "rate"),
    Column("duration_p50", "Median duration", "seconds"),
    Column("day", "Day", "date"),
    Column("synced_at", "Synced", "moment"),
    Column("priced", "Priced", "flag"),
)
NOON = datetime(2026, 11, 2, 12, 0, 0, 250_000, tzinfo=UTC)
FULL = ("opus", 1234, 12_345_600_000_001, 0.25, 1.5, date(2026, 11, 2), NOON, True)
SHEET = Sheet("Spend by model", COLUMNS, (FULL, (None,) * 8))
HEADERS = list(SHEET.headers)

whole = st.none() | st.integers(min_value=-(10**30), max_value=10**30)
parquet = partial(exports.parquet, manifest=MANIFEST)
xlsx = partial(exports.xlsx, manifest=MANIFEST)


def sheet_of(kind: Kind, *values: object, name: str = "x") -> Sheet:
    return Sheet("One column", (Column(name, "X", kind),), tuple((value,) for value in values))


def csv_rows(sheet: Sheet) -> list[list[str]]:
    text = exports.csv(sheet).decode("utf-8-sig")
    commas.field_size_limit(2**24)
    return list(commas.reader(io.StringIO(text, newline=""), strict=True))


def table(sheet: Sheet) -> Any:
    return pq.read_table(io.BytesIO(parquet(sheet)))


def parts(book: bytes) -> Mapping[str, ET.Element]:
    """Every XML part of a workbook, each well-formed."""
    with zipfile.ZipFile(io.BytesIO(book)) as package:
        found = {name: package.read(name).decode() for name in package.namelist()}
    plain = {name: re.sub(r' xmlns="[^"]+"', "", text, count=1) for name, text in found.items()}
    return {name: ET.fromstring(text) for name, text in plain.items()}  # noqa: S314 - ours


def xlsx_rows(book: bytes, number: int = 1) -> list[dict[str, str | float]]:
    """The cells of a worksheet by column letter; flags are 0 and 1."""
    read = parts(book)
    assert not list(read[f"xl/worksheets/sheet{number}.xml"].iter("f")), "a formula"
    words = ["".join(node.itertext()) for node in read["xl/sharedStrings.xml"].iter("si")]
    rows = []
    for row in read[f"xl/worksheets/sheet{number}.xml"].iter("row"):
        found: dict[str, str | float] = {}
        for cell in row.iter("c"):
            told = cell.findtext("v") or ""
            shared = cell.get("t") == "s"
            found[(cell.get("r") or "").rstrip("0123456789")] = (
                words[int(told)] if shared else float(told)
            )
        rows.append(found)
    return rows


def test_csv_has_every_value_with_all_its_digits_and_nothing_for_what_is_unknown() -> None:
    head, full, empty = csv_rows(SHEET)
    told = "model requests spend_usd cache_hit_rate duration_p50_seconds day synced_at priced"
    assert head == HEADERS == told.split()
    assert full[:5] == ["opus", "1234", "12.345600000001", "0.25", "1.5"]
    assert full[5:] == ["2026-11-02", "2026-11-02T12:00:00.250000Z", "true"]
    assert empty == [""] * 8


def test_csv_is_utf8_with_a_mark_and_ends_lines_as_spreadsheets_do() -> None:
    made = exports.csv(sheet_of("text", "Größe"))
    assert made == b"\xef\xbb\xbfx\r\n" + "Größe\r\n".encode()


def test_parquet_has_every_value_in_the_type_of_its_kind() -> None:
    read = table(SHEET)
    types = "string,int64,decimal128(38, 12),double,double,date32[day],timestamp[us, tz=UTC],bool"
    assert ",".join(str(field.type) for field in read.schema) == types
    assert read.column_names == HEADERS
    full, empty = (list(row.values()) for row in read.to_pylist())
    assert full == [*FULL[:2], Decimal("12.345600000001"), *FULL[3:]]
    assert empty == [None] * 8


def test_xlsx_has_every_value_as_spreadsheets_count() -> None:
    head, full = xlsx_rows(xlsx(SHEET))
    assert list(head.values()) == HEADERS
    day = (date(2026, 11, 2) - date(1899, 12, 30)).days
    assert list(full.values())[:6] == ["opus", 1234, 12.345600000001, 0.25, 1.5, day]
    assert full["G"] == pytest.approx(day + 0.5 + 0.25 / 86_400, abs=1e-9)
    assert full["H"] == 1


@given(st.lists(whole, max_size=20))
def test_money_adds_up_to_the_last_pico_dollar(amounts: list[int | None]) -> None:
    sheet = sheet_of("money", *amounts)
    total = sum(amount or 0 for amount in amounts)
    with localcontext(prec=80):
        texts = [row[0] for row in csv_rows(sheet)[1:]]
        assert sum(Decimal(text or 0) for text in texts) * 10**12 == total
        values = table(sheet)["x_usd"].to_pylist()
        assert sum(value or Decimal(0) for value in values) * 10**12 == total
    assert [not text for text in texts] == [amount is None for amount in amounts]
    assert all(re.fullmatch(r"-?\d+\.\d{2}(\d{0,9}[1-9])?", text) for text in texts if text)
    assert [value is None for value in values] == [amount is None for amount in amounts]


@given(st.lists(whole, max_size=20))
def test_counts_add_up_beyond_64_bits(counts: list[int | None]) -> None:
    sheet = sheet_of("count", *counts)
    total = sum(count or 0 for count in counts)
    assert sum(int(row[0] or 0) for row in csv_rows(sheet)[1:]) == total
    assert sum(int(value or 0) for value in table(sheet)["x"].to_pylist()) == total


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_rates_come_back_as_they_were_and_without_exponents(rates: list[float | None]) -> None:
    sheet = sheet_of("rate", *rates)
    texts = [row[0] for row in csv_rows(sheet)[1:]]
    assert [float(text) if text else None for text in texts] == rates
    assert not any("e" in text for text in texts)
    assert table(sheet)["x"].to_pylist() == rates


@settings(max_examples=30)
@given(st.lists(whole, min_size=1, max_size=20))
def test_a_workbook_adds_up_to_the_precision_of_a_double(amounts: list[int | None]) -> None:
    cells = [row.get("A") for row in xlsx_rows(xlsx(sheet_of("money", *amounts)))[1:]]
    known = [amount for amount in amounts if amount is not None]
    found = [cell for cell in cells if isinstance(cell, float)]
    assert found == pytest.approx([amount / 10**12 for amount in known], rel=1e-15)


def test_a_column_of_counts_is_wider_than_64_bits_only_where_it_must_be() -> None:
    assert str(table(sheet_of("count", 2**63 - 1, -(2**63))).schema[0].type) == "int64"
    wide = table(sheet_of("count", 2**63, None))
    assert str(wide.schema[0].type) == "decimal128(38, 0)"
    assert pc.sum(wide["x"]).as_py() == 2**63


def test_what_pandas_and_numpy_call_missing_is_empty() -> None:
    missing = (None, pd.NA, pd.NaT, float("nan"), np.float64("nan"))
    for kind in ("count", "money", "rate", "text", "moment", "flag"):
        assert csv_rows(sheet_of(kind, *missing))[1:] == [[""]] * 5
    assert csv_rows(sheet_of("count", np.int64(7)))[1:] == [["7"]]
    assert csv_rows(sheet_of("rate", np.float64(0.5), 1))[1:] == [["0.5"], ["1.0"]]


def test_times_are_utc_whether_they_say_so_or_not() -> None:
    berlin = timezone(timedelta(hours=1))
    values = (
        datetime(2026, 11, 2, 12),  # noqa: DTZ001 - naive, as the store tells times
        datetime(2026, 11, 2, 13, tzinfo=berlin),
        pd.Timestamp("2026-11-02 12:00:00.000000001"),
    )
    sheet = sheet_of("moment", *values)
    assert csv_rows(sheet)[1:] == [["2026-11-02T12:00:00Z"]] * 3
    assert table(sheet)["x"].to_pylist() == [datetime(2026, 11, 2, 12, tzinfo=UTC)] * 3
    assert csv_rows(sheet_of("date", pd.Timestamp("2026-11-02")))[1:] == [["2026-11-02"]]


def test_a_day_before_spreadsheets_count_is_text_there() -> None:
    old = datetime(1899, 12, 31, 23, tzinfo=UTC)
    assert xlsx_rows(xlsx(sheet_of("moment", old)))[1] == {"A": "1899-12-31T23:00:00Z"}
    assert xlsx_rows(xlsx(sheet_of("date", date(1900, 1, 1))))[1] == {"A": 1}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("count", 1.0),
        ("count", True),
        ("count", "1"),
        ("count", 10**38),
        ("money", 1.5),
        ("money", -(10**38)),
        ("rate", "0.5"),
        ("rate", float("inf")),
        ("date", NOON),
        ("moment", date(2026, 11, 2)),
        ("flag", 1),
    ],
)
def test_a_value_of_another_kind_is_refused_by_place_and_not_by_value(
    kind: Kind, value: object
) -> None:
    sheet = sheet_of(kind, None, value, name="spend_usd_seconds")
    for make in (exports.csv, parquet, xlsx):
        with pytest.raises(ExportError, match=r"^spend_usd_seconds\w*, row 2: a \w+ that is no"):
            make(sheet)


def test_a_sheet_that_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ExportError, match="no columns"):
        Sheet("x", (), ())
    with pytest.raises(ExportError, match="Row 2 has 1 values for 8 columns"):
        Sheet("x", COLUMNS, (FULL, (1,)))
    with pytest.raises(ExportError, match="more than one column spend_usd"):
        Sheet("x", (Column("spend", "", "money"), Column("spend_usd", "", "count")), ())


@pytest.mark.parametrize("before", ["", " ", "\u3000 ", '"', " '", "\uff02", "\u201c\u00a0"])
def test_no_cell_nor_header_of_a_csv_begins_a_formula(before: str) -> None:
    begun, lost = [], []
    for sign in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20\u2212":
        text = f"{before}{sign}1+1"
        (header,), (cell,) = csv_rows(sheet_of("text", text, name=text))
        if (header[0], cell[0]) != ("'", "'"):
            begun.append(text)
        if not xlsx_rows(xlsx(sheet_of("text", text)))[1]["A"]:
            lost.append(text)
    assert not begun + lost, f"begin a formula: {begun}, are not in the sheet: {lost}"


def test_what_a_spreadsheet_would_cut_off_at_semicolons_begins_no_formula_either() -> None:
    sheet = sheet_of("text", "a;=1", 'a; "+1', "a\n-1", "a\t@b", "a;b", "a-b;c=d", "a,=b")
    cells = [row[0] for row in csv_rows(sheet)[1:]]
    assert csv_rows(sheet_of("money", -(10**12)))[1] == ["-1.00"], "a number of ours is none"
    assert cells == ["a;'=1", "a;' \"+1", "a\n'-1", "a\t'@b", "a;b", "a-b;c=d", "a,=b"]


@pytest.mark.parametrize(
    "text", [*hostile.PROMPTS, hostile.LONG_LINE, "<r><t>&</r>", "\ud800\uffff"]
)
def test_hostile_text_goes_into_every_file_as_text_that_cannot_act(text: str) -> None:
    sheet = sheet_of("text", text, name=text)
    (kept,) = (str(cell) for (cell,) in table(sheet).to_pydict().values())
    shown = str(xlsx_rows(xlsx(sheet))[1]["A"])
    assert not any(map(ACTING.search, (csv_rows(sheet)[1][0], kept, shown)))
    assert shown.startswith(kept[:1000])


def test_text_of_a_megabyte_of_blanks_is_searched_once_and_written_whole() -> None:
    texts = ["\n" * 2**20, "; " * 2**20, " " * 2**20]  # searched from each blank, it takes hours
    assert len(exports.csv(sheet_of("text", *texts))) > sum(map(len, texts))


@pytest.mark.parametrize("letter", ["a", "\U0001f469"])
def test_text_longer_than_a_cell_of_a_spreadsheet_is_cut_where_one_sees_it(letter: str) -> None:
    units = len(letter.encode("utf-16-le")) // 2
    longest, longer = letter * (LONGEST // units), letter * (LONGEST // units + 1)
    _, kept, cut = xlsx_rows(xlsx(sheet_of("text", longest, longer)))
    assert kept["A"] == longest
    assert str(cut["A"]).endswith(letter + CUT)
    assert LONGEST - 1 <= len(str(cut["A"]).encode("utf-16-le")) // 2 <= LONGEST
    markup = "<r>" + "x" * (LONGEST - 7) + "</r>"
    assert str(xlsx_rows(xlsx(sheet_of("text", markup)))[1]["A"]).endswith(CUT)


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("Spend by model", "Spend by model"),
        ("a[b]:c*d?e/f\\g", "a b c d e f g"),
        ("'quoted'", "quoted"),
        ("", "Data"),
        ("'/'", "Data"),
        ("ABOUT", "ABOUT data"),
        ("history", "history data"),
        ("x" * 40, "x" * 31),
        ("\U0001f469" * 20, "\U0001f469" * 15),
        ("R&D <'s>", "R&D <'s>"),
    ],
)
def test_a_worksheet_has_a_name_that_spreadsheets_allow(name: str, valid: str) -> None:
    assert sheet_name(name) == valid
    book = parts(xlsx(replace(SHEET, name=name)))["xl/workbook.xml"]
    assert [node.get("name") for node in book.iter("sheet")] == [valid, "About"]


def test_a_worksheet_keeps_its_header_in_sight_and_can_be_filtered() -> None:
    sheet = parts(xlsx(SHEET))["xl/worksheets/sheet1.xml"]
    (pane,) = sheet.iter("pane")
    assert (pane.get("ySplit"), pane.get("state")) == ("1", "frozen")
    (found,) = sheet.iter("autoFilter")
    assert found.get("ref") == "A1:H3"
    assert len(list(sheet.iter("col"))) == 8


def test_a_workbook_says_what_it_is_about_on_its_second_sheet() -> None:
    lines = [list(row.values()) for row in xlsx_rows(xlsx(SHEET), 2)]
    assert ["Days", "2026-11-01 to 2026-11-24, the last one included"] in lines
    assert ["Time zone of the days", "Europe/Berlin"] in lines
    assert ["Only team", "Größe, Payments"] in lines
    assert ["Only model", "<r>⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩&</r> "] in lines
    assert ["Without client", '=HYPERLINK("//evil.example")'] in lines
    assert ["Data version", "42"] in lines
    assert ["Note", "Spend is a lower bound."] in lines
    spend = ["spend_usd", "Spend", "US dollars", "Estimated cost at list prices."]
    assert [*spend, "lower bounds: no price"] in lines
    assert ["Column", "Label", "Unit", "Definition", "Accuracy"] in lines


def test_the_manifest_says_what_the_numbers_are_about() -> None:
    told = json.loads(exports.manifest_json(SHEET, MANIFEST))
    assert told["period"] == {"since": "2026-10-31T23:00:00Z", "until": "2026-11-24T23:00:00Z"}
    assert (told["zone"], told["rows"], told["data_version"]) == ("Europe/Berlin", 2, "42")
    assert told["include"] == {name: list(kept) for name, kept in MANIFEST.include.items()}
    assert told["exclude"] == {name: list(left) for name, left in MANIFEST.exclude.items()}
    assert told["columns"][2] == {
        "name": "spend_usd",
        "label": "Spend",
        "kind": "money",
        "unit": "US dollars",
        "definition": "Estimated cost at list prices.",
        "accuracy": "at_least",
        "accuracy_reason": "no price",
    }
    assert [told["columns"][0][name] for name in ("accuracy", "accuracy_reason")] == [None, None]
    assert exports.manifest_json(SHEET, MANIFEST).isascii()
    assert table(SHEET).schema.metadata[b"bridgeboard"] == exports.manifest_json(SHEET, MANIFEST)
    never = replace(MANIFEST, synced_at=None, price_version=None)
    assert json.loads(exports.manifest_json(SHEET, never))["synced_at"] is None
    assert {"A": "Synced at", "B": "never"} in xlsx_rows(exports.xlsx(SHEET, never), 2)


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("Spend by model", "spend-by-model"),
        ("../Größe\u202e / =1", "grosse-1"),
        ("日本", "export"),
        ("x" * 300, "x" * 80),
    ],
)
def test_a_file_is_named_after_its_sheet_and_its_days(name: str, subject: str) -> None:
    named = exports.file_name(name, MANIFEST, "csv")
    assert named == f"bridgeboard-{subject}-2026-11-01-2026-11-24.csv"
    moment = replace(MANIFEST, until=MANIFEST.since)
    assert exports.file_name(SHEET.name, moment, ".xlsx").endswith("-2026-11-01-2026-11-01.xlsx")


def test_a_manifest_that_cannot_be_true_is_refused() -> None:
    naive = MANIFEST.made_at.replace(tzinfo=None)
    past = datetime(2020, 1, 1, tzinfo=UTC)
    for wrong in ({"made_at": naive}, {"until": past}, {"zone": "../x"}, {"zone": "Europe"}):
        with pytest.raises(ExportError):
            replace(MANIFEST, **wrong)


def test_the_same_table_makes_the_same_bytes_at_any_time() -> None:
    first = [make(SHEET) for make in (exports.csv, parquet, xlsx)]
    time.sleep(1.1)
    assert [make(SHEET) for make in (exports.csv, parquet, xlsx)] == first


def test_a_table_without_rows_has_its_headers() -> None:
    empty = replace(SHEET, rows=())
    assert csv_rows(empty) == [HEADERS]
    assert table(empty).column_names == HEADERS
    assert [list(row.values()) for row in xlsx_rows(xlsx(empty))] == [HEADERS]


def test_more_rows_than_a_spreadsheet_holds_are_refused_and_not_lost() -> None:
    with pytest.raises(ExportError, match="as CSV or Parquet"):
        xlsx(Sheet("x", (Column("x", "X", "count"),), ((1,),) * 1_048_576))


@pytest.mark.slow
@pytest.mark.parametrize(
    "count",
    [
        lambda sheet: len(csv_rows(sheet)) - 1,
        lambda sheet: table(sheet).num_rows,
        lambda sheet: len(xlsx_rows(xlsx(sheet))) - 1,
    ],
    ids=["csv", "parquet", "xlsx"],
)
def test_a_hundred_thousand_rows_are_all_in_the_file(count: Callable[[Sheet], int]) -> None:
    assert count(replace(SHEET, rows=(FULL,) * 100_000)) == 100_000


def test_a_table_that_no_spreadsheet_holds_is_known_before_it_is_made() -> None:
    assert not exports.xlsx_obstacle(ROWS, 16_384)
    assert "1,048,576 by 1 as CSV or Parquet" in exports.xlsx_obstacle(ROWS + 1)
    assert exports.xlsx_obstacle(1, 16_385)
